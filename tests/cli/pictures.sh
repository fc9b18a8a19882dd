#!/usr/bin/env bash
# pictures.sh: image folders: train with augmentation, resume, eval by ten crops, predict; broken files.
. "$(dirname "$0")/lib.sh"
make_data
python3 - "$here" <<'PY'
import os, sys
sys.path.insert(0, sys.argv[1])
from make_data import SIDE, picture, png

# twice as large as the net's input and wider than high
for part, count in [("train", 48), ("test", 16)]:
    for i in range(count):
        folder = "pictures/%s/%s" % (part, ["bl", "br", "tl", "tr"][i % 4])
        os.makedirs(folder, exist_ok=True)
        p = picture([2, 3, 0, 1][i % 4])
        png("%s/%d.png" % (folder, i), 2 * SIDE + 4, 2 * SIDE,
            [[0, 0] + [p[y // 2 * SIDE + x // 2] for x in range(2 * SIDE)] + [0, 0] for y in range(2 * SIDE)])
PY
"$LENSLET" train net.json --data pictures --epochs 1 >"$out" 2>"$err" || true
if grep -q "LENSLET_PNG is off" "$err"; then
    echo "skipped: a build without PNG"
    exit 77
fi
expect 0 train net.json --data pictures --epochs 12 --lr 0.01 --seed 1 --out w.safetensors --log log.jsonl
prints "Waited"
python3 -c '
import json
for line in open("log.jsonl"):
    line = json.loads(line)
    assert 0 <= line["waited_part"] <= 1, line
assert line["val_accuracy"] == 1, line' || fail "too little was learnt"

# ---- eval and predict
expect 0 eval w.safetensors --data pictures --min-accuracy 1 --format json
json '[c["name"] for c in d["classes"]] == ["bl", "br", "tl", "tr"] and d["images"] == 16'
expect 0 eval w.safetensors --data pictures --ten-crop --format json
json 'd["images"] == 16 and 0 <= d["accuracy"] <= 1 and d["loss"] > 0'
expect 0 predict w.safetensors pictures/test/tl/2.png pictures/test/br/1.png --data pictures --format json
json '[(p["name"], p["file"]) for p in d["predictions"] if p["rank"] == 1] == [("tl", "pictures/test/tl/2.png"), ("br", "pictures/test/br/1.png")]'
json 'len(d["predictions"]) == 8'
expect 0 predict w.safetensors pictures/test/tl/2.png --top 1 --format csv && prints "tl,"
printf 'one\ntwo\n' >names.txt
expect 0 predict w.safetensors pictures/test/br/1.png --top 1 --names names.txt --format csv && prints "two,"

# ---- broken pictures: named, counted and left out, an error with --strict
cp -r pictures broken
head -c 100 broken/train/tl/2.png >broken/train/tl/cut.png
echo "no picture" >broken/train/br/text.jpg
: >broken/test/br/empty.png
expect 0 train net.json --data broken --epochs 2 --out b.safetensors
says "train/tl/cut.png" && says "2 of 50 pictures could not be read" && says "1 of 17 pictures could not be read"
[ "$(grep -c text.jpg "$err")" = 1 ] || fail "text.jpg is named more than once"
expect 5 train net.json --data broken --epochs 2 --out b.safetensors --strict && says "broken/train/"
expect 0 eval w.safetensors --data broken && says "1 of 17" && says "empty.png"
expect 5 eval w.safetensors --data broken --strict && says "empty.png"
expect 5 predict w.safetensors broken/train/tl/cut.png && says "cut.png"
rm -r broken/train/br broken/train/bl broken/train/tr broken/test
expect 5 train net.json --data broken && says "one class only, tl"

# ---- preprocessing and augmentation: what is wrong is named
expect 2 train net.json --data pictures --augment flip,flop && says '"flop" is none of'
expect 2 train net.json --data pictures --augment crop --side 12 && says "preprocess.side must be more"
expect 0 train net.json --data pictures --epochs 1 --augment crop --out c.safetensors
expect 2 train --resume c.safetensors --data pictures --epochs 2 --augment flip && says "--augment"
expect 2 train --resume c.safetensors --data pictures --epochs 2 --side 20 && says "--side"
expect 2 train --resume c.safetensors --data pictures --epochs 2 --fit pad && says "--fit"
expect 0 train --resume c.safetensors --data pictures --epochs 2 --augment crop --side 14 --out c.safetensors

# ---- every augmentation, stopped and resumed: the same bits
run="train net.json --data pictures --batch-size 8 --seed 5 --quiet --augment flip,crop,pad-crop:1,lighting"
# shellcheck disable=SC2086
expect 0 $run --epochs 4 --schedule constant --out whole.safetensors
# shellcheck disable=SC2086
expect 0 $run --epochs 2 --schedule constant --out part.safetensors
expect 0 train --resume part.safetensors --data pictures --epochs 4 --out part.safetensors --quiet
cmp whole.safetensors part.safetensors || fail "--resume: other bits"
# shellcheck disable=SC2086
expect 0 $run --epochs 4 --schedule constant --seed 6 --out other.safetensors
! cmp -s whole.safetensors other.safetensors || fail "another seed: the same bits"
