#!/usr/bin/env bash
# show.sh: pictures of filters and feature maps, training curves; what cannot be drawn is named.
. "$(dirname "$0")/lib.sh"
make_data

# ---- curves: of a log, of a run, of a resumed run
train="train net.json --data data --batch-size 16 --seed 3 --schedule constant --quiet"
# shellcheck disable=SC2086
expect 0 $train --epochs 1 --out w.safetensors --log log.jsonl --curve run.svg
is_svg() {
    python3 - "$1" "$2" <<'PY' || fail "$1: not so: $2"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
name = "{http://www.w3.org/2000/svg}"
texts = [e.text for e in root.iter(name + "text")]
marks = [e for e in root.iter(name + "circle")]
lines = [e.get("d") for e in root.iter(name + "path") if e.get("class") in ("train", "val")]
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}
is_svg run.svg 'texts[0].startswith("quarters: adam, learning rate 0.001 (constant), batch 16, seed 3")'
is_svg run.svg 'len(marks) == 1 + 2 and {"Loss", "Accuracy", "train", "validation", "1"} <= set(texts)'
expect 0 train --resume w.safetensors --data data --epochs 3 --quiet --out w.safetensors --log log.jsonl --curve run.svg
is_svg run.svg 'len(marks) == 1 + 6 and {"1", "2", "3"} <= set(texts)' # all epochs, not only the resumed
expect 0 curve log.jsonl --out log.svg --title "quarters: adam, learning rate 0.001 (constant), batch 16, seed 3"
cmp run.svg log.svg || fail "train --curve and curve draw differently"
expect 0 curve log.jsonl && cp "$out" stdout.svg && is_svg stdout.svg 'texts[0] == "log.jsonl" and len(lines) == 6'
[ "$(find . -name '*.tmp.*')" = "" ] || fail "temporary files are left"

# an epoch that was run again counts once; null breaks the line; a great fall is logarithmic
line() {
    echo "{\"schema_version\":1,\"epoch\":$1,\"train_loss\":$2,\"train_accuracy\":$3,\"val_loss\":$4,\"val_accuracy\":$5}"
}
{
    line 1 9 0.5 8 0.5 && line 2 1 0.6 2 0.6 && line 3 7 0.7 7 0.7
    line 2 null 0.6 0.5 0.8 && line 3 0.1 0.7 0.2 0.7
} >again.jsonl
expect 0 curve again.jsonl --out again.svg --title '<a> & "b"'
is_svg again.svg 'texts[0] == "<a> & \"b\"" and "Loss (logarithmic)" in texts and lines[2].count("M") == 2'
is_svg again.svg '"validation 70.00 % (best: 80.00 %, epoch 2)" in texts[1] and len(marks) == 1 + 2 + 3'
: >empty.jsonl
expect 0 curve empty.jsonl --out empty.svg && is_svg empty.svg 'len(marks) == 1'
expect 2 curve && says "too few arguments"
expect 5 curve missing.jsonl && says "missing.jsonl"
echo '{"epoch":2}' >>again.jsonl
expect 5 curve again.jsonl && says "again.jsonl: line 6 is none of a training log"
expect 6 curve log.jsonl --out missing/x.svg && says "missing/x.svg"
# shellcheck disable=SC2086
expect 2 $train --curve x.svg && says "--curve needs --log"
# shellcheck disable=SC2086
expect 6 $train --epochs 1 --log x.jsonl --curve missing/x.svg && says "missing/x.svg"
expect 5 train --resume w.safetensors --data data --epochs 4 --log again.jsonl --curve x.svg && says "again.jsonl: line 6"

# ---- filters and maps of weights made by hand
python3 - <<'PY'
import json, struct

def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}

def net(path, shape, layers, arrays):
    model = {"class_name": "Sequential", "config": {"name": path, "layers": [
        layer("InputLayer", "in", batch_input_shape=[None, *shape]), *layers]}}
    json.dump(model, open(path + ".json", "w"))
    header, values = {}, b""
    for name, (dims, numbers) in arrays.items():
        header[name] = {"dtype": "F32", "shape": dims, "data_offsets": [len(values), len(values) + 4 * len(numbers)]}
        values += struct.pack("<%df" % len(numbers), *numbers)
    header = json.dumps(header).encode()
    open(path + ".safetensors", "wb").write(struct.pack("<Q", len(header)) + header + values)

conv = dict(data_format="channels_first", padding="valid", activation="linear")
net("grey", (1, 2, 2), [layer("Conv2D", "c1", filters=2, kernel_size=[1, 2], **conv),
                        layer("Conv2D", "c2", filters=1, kernel_size=[1, 1], **conv),
                        layer("Flatten", "f"), layer("Dense", "d", units=3, activation="relu")],
    {"c1.weight": ([2, 1, 1, 2], [1, -0.5, 0, 0.25]), "c1.bias": ([2], [0, 0]),
     "c2.weight": ([1, 2, 1, 1], [2, 1]), "c2.bias": ([1], [0]),
     "d.weight": ([3, 2], [1, 0, 0, 1, -1, -1]), "d.bias": ([3], [0, 0, 0])})
net("colour", (3, 1, 1), [layer("Conv2D", "c1", filters=2, kernel_size=[1, 1], **conv)],
    {"c1.weight": ([2, 3, 1, 1], [1, 0, -1, 0.5, 0.5, 0]), "c1.bias": ([2], [0, 0])})
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 2, 2), }"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
open("image.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                              + struct.pack("<8f", *[0] * 4, 1, 0, 2, 4))
PY
grey="grey.json --weights grey.safetensors --out p.png"
# shellcheck disable=SC2086
"$LENSLET" show $grey >"$out" 2>"$err" || true
if grep -q "LENSLET_PNG is off" "$err"; then
    echo "skipped: a build without PNG"
    exit 77
fi
# shellcheck disable=SC2086
expect 0 show $grey --zoom 1 --columns 2

# pixels EXPRESSION: true of rows[y][x], the colours of p.png
pixels() {
    python3 - "$1" <<'PY' || fail "p.png: not so: $1"
import struct, sys, zlib
data = open("p.png", "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, packed = 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IHDR":
        w, h, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
    if kind == b"IDAT":
        packed += data[at + 8:at + 8 + size]
    at += 12 + size
assert (depth, colour) == (8, 2)
raw, rows, above = zlib.decompress(packed), [], bytes(3 * w)
for y in range(h):
    kind, line = raw[y * (3 * w + 1)], bytearray(raw[y * (3 * w + 1) + 1:(y + 1) * (3 * w + 1)])
    for i in range(3 * w):
        a, b, c = (line[i - 3] if i > 2 else 0), above[i], (above[i - 3] if i > 2 else 0)
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        line[i] = (line[i] + [0, a, b, (a + b) // 2, nearest][kind]) % 256
    rows.append([tuple(line[i:i + 3]) for i in range(0, 3 * w, 3)])
    above = line
gap, white, red = (0x48,) * 3, (255,) * 3, (178, 24, 43)
mean = lambda end, part: tuple(int(255 - part * (255 - v) + 0.5) for v in end)
sys.exit(0 if eval(sys.argv[1]) else 1)
PY
}
pixels 'len(rows) == 3 and rows[0] == [gap] * 7 and rows[2] == rows[0]'
pixels 'rows[1] == [gap, red, mean((33, 102, 172), 0.5), gap, white, mean(red, 0.25), gap]'
# shellcheck disable=SC2086
expect 0 show $grey --zoom 1 --columns 1 --each --format json
json 'd["layer"] == "c1" and d["shows"] == "filters" and d["tiles"] == 2 and d["tile_shape"] == [1, 1, 1, 2]'
json 'd["min"] == -0.5 and d["max"] == 1 and d["zoom"] == 1 and d["columns"] == 1 and d["file"] == "p.png"'
pixels 'len(rows) == 5 and rows[3] == [gap, white, red, gap]'
# shellcheck disable=SC2086
expect 0 show $grey --zoom 3 --layer c2 # none is negative: grey
pixels 'len(rows) == 7 and len(rows[0]) == 12 and rows[3] == [gap] * 2 + [white] * 3 + [gap] * 2 + [(128,) * 3] * 3 + [gap] * 2'
expect 0 show colour.json --weights colour.safetensors --out p.png --zoom 1 --columns 2
pixels 'rows[1] == [gap, (255, 128, 0), gap, (191, 191, 128), gap]'
# shellcheck disable=SC2086
expect 0 show $grey image.npy --image 1 --zoom 1 --columns 2 --format json # maps 1, 0 / 0, 1
json 'd["shows"] == "maps" and d["tiles"] == 2 and d["tile_shape"] == [1, 1, 2, 1] and d["min"] == 0'
pixels 'len(rows) == 4 and [rows[1][1], rows[2][1], rows[1][3], rows[2][3]] == [white, (0,) * 3, (0,) * 3, white]'
# shellcheck disable=SC2086
expect 0 show $grey image.npy --image 1 --layer d --zoom 1 --columns 3 # 2, 1, relu of -3
pixels 'rows[1] == [gap, white, gap, (128,) * 3, gap, (0,) * 3, gap]'
# shellcheck disable=SC2086
expect 0 show $grey image.npy && prints "c1" # image 0 is black: nothing to scale by
pixels 'set(sum(rows, [])) == {gap, (0,) * 3}'
expect 0 show w.safetensors three.png --out p.png --format md && prints "| maps |"
expect 0 train lenet5-1998 --data data --epochs 1 --quiet --out old.safetensors
expect 0 show old.safetensors --layer rbf_1 --out p.png --columns 10 --zoom 1 # codes: -1 and 1
pixels 'len(rows) == 14 and len(rows[0]) == 81 and set(sum(rows, [])) == {gap, red, (33, 102, 172)}'

# ---- what cannot be shown
# shellcheck disable=SC2086
expect 2 show w.safetensors --out never.png --image 1 && says "there is none"
expect 2 show w.safetensors --out never.png --invert && says "there is none"
expect 2 show w.safetensors --out never.png --scale 2 && says "there is none"
[ ! -e never.png ] || fail "a picture of a usage error"
expect 2 show $grey --layer c3 && says '--layer: grey has no layer "c3"; it has c1, c2, f, d'
# shellcheck disable=SC2086
expect 2 show $grey --layer d && says "d has no filters; layers that have: c1, c2"
# shellcheck disable=SC2086
expect 2 show $grey image.npy --image 2 && says "--image 2: image.npy has 2"
expect 2 show old.safetensors --layer rbf_1 --zoom 1024 --columns 1 --out p.png && says "at most 16384 a side"
expect 5 show grey.json --weights w.safetensors --out p.png && says "w.safetensors"
expect 5 show w.safetensors net.json --out p.png && says "net.json"
expect 6 show w.safetensors --out missing/p.png && says "missing/p.png"
expect 2 show w.safetensors && says "--out F.png is needed"
expect 2 show net.json --out p.png && says "brings no weights"
expect 2 show && says "too few arguments"
