#!/usr/bin/env bash
# run.sh: `lenslet run` writes what it should, and `bench` measures.
. "$(dirname "$0")/lib.sh"
make_data

# npy NAME: shape and values as Python sees them, with the assertion given
npy() {
    python3 - "$@" <<'PY' || fail "$1: not so: $2"
import ast, math, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<H", data[8:10])[0]
head = ast.literal_eval(data[10:10 + size].decode())
shape, v = head["shape"], struct.unpack("<%df" % ((len(data) - 10 - size) // 4), data[10 + size:])
assert head["descr"] == "<f4" and math.prod(shape) == len(v)
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

expect 0 run net.json --input x.npy --output-dir one --seed 3 --save-weights w.safetensors
prints "output.npy" && [ "$(ls one)" = output.npy ]
npy one/output.npy 'shape == (3, 4) and all(abs(sum(v[i:i + 4]) - 1) < 1e-5 for i in (0, 4, 8))'

expect 0 run net.json --weights w.safetensors --input x.npy --labels y.npy --gradients --every-layer --output-dir all --format json
json 'd["images"] == 3 and d["loss_kind"] == "sparse_categorical_crossentropy" and d["loss"] > 0'
json 'len(d["files"]) == 1 + 5 + 1 + 1 + 4'
cmp one/output.npy all/output.npy || fail "the saved weights are not those that were used"
for row in "conv (3,3,12,12)" "pool (3,3,3,3)" "flat (3,27)" "dense (3,4)" "grad_input (3,1,12,12)" \
    "grad_conv.weight (3,1,3,3)" "grad_conv.bias (3,)" "grad_dense.weight (4,27)" "grad_dense.bias (4,)" "loss ()"; do
    set -- $row
    [ -f "all/$1.npy" ] || fail "no $1.npy: $(ls all)"
    npy "all/$1.npy" "shape == $2 and all(map(math.isfinite, v)) and any(v)"
done
# the loss is the mean of -log p[label], the gradient of the last bias the mean of p - target
python3 - <<'PY' || fail "loss or gradient does not follow from the output"
import math, struct
def floats(path):
    data = open(path, "rb").read()
    size = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack("<%df" % ((len(data) - size) // 4), data[size:])
p, loss, db = floats("all/output.npy"), floats("all/loss.npy")[0], floats("all/grad_dense.bias.npy")
assert abs(loss + sum(math.log(p[4 * i + i]) for i in range(3)) / 3) < 1e-5
for c in range(4):
    assert abs(db[c] - sum(p[4 * i + c] - (i == c) for i in range(3)) / 3) < 1e-5
PY

expect 0 run net.json --weights w.safetensors --input x.npy --labels onehot.npy --output-dir hot --format json
json 'd["loss_kind"] == "categorical_crossentropy"'
npy hot/loss.npy 'shape == ()'
expect 0 run w.safetensors --input x.npy --output-dir direct --algorithm direct && [ -s direct/output.npy ]
expect 0 run net.json --weights w.safetensors --input x.npy --output-dir ref --device reference
expect 0 run net.json --weights w.safetensors --input x.npy --labels onehot.npy --loss mean_squared_error --output-dir mse --format json
json 'd["loss_kind"] == "mean_squared_error"'

# ---- penalties have a loss of their own; codes are not trained, so they have no gradient
python3 - <<'PY'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 32, 32), }"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
values = [i % 7 / 7 for i in range(3 * 1024)]
open("old_x.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                              + struct.pack("<3072f", *values))
PY
expect 0 run lenet5-1998 --input old_x.npy --labels y.npy --gradients --output-dir old --format json
json 'd["loss_kind"] == "lenslet>map" and d["loss"] > 0'
[ ! -e old/grad_rbf_1.weight.npy ] || fail "the codes have a gradient"
npy old/output.npy 'shape == (3, 10) and all(x > 0 for x in v)'
npy old/grad_subsample_1.weight.npy 'shape == (6,) and any(v)'
npy old/grad_conv2d_2.weight.npy 'shape == (16, 6, 5, 5) and sum(x == 0 for x in v) >= 900'
npy old/loss.npy 'shape == ()'

# ---- bad input
expect 5 run net.json --input missing.npy --output-dir o && says "missing.npy"
expect 5 run net.json --input net.json --output-dir o && says "net.json"
expect 5 run net.json --input wrong_x.npy --output-dir o && says "images of 1x5x5, quarters takes 1x12x12"
head -c 200 x.npy >cut.npy
expect 5 run net.json --input cut.npy --output-dir o && says "cut.npy"
expect 5 run net.json --input x.npy --labels bad_y.npy --output-dir o && says "label 4 of image 2 is none of 0 .. 3"
expect 5 run net.json --input x.npy --labels short_y.npy --output-dir o && says "short_y.npy"
expect 5 run net.json --input x.npy --weights missing.safetensors --output-dir o && says "missing.safetensors"
expect 5 run lenet5 --input x.npy --weights w.safetensors --output-dir o && says "lenet5 takes 1x32x32"
expect 6 run net.json --input x.npy --output-dir net.json && says "cannot make this directory"
expect 6 run net.json --input x.npy --output-dir no/such/parent && says "no/such/parent"

# ---- bench
expect 0 bench net.json --device all --batch-size 8 --seconds 0.05 --format json
json 'd["results"][-1]["type"] == "reference" and d["results"][-1]["speed_up"] == 1'
json 'all(r["step_ms_min"] <= r["step_ms_median"] and r["images_per_second"] > 0 for r in d["results"])'
expect 0 bench net.json --device reference --batch-size 8 --seconds 0.05 && prints "x reference"
expect 0 bench net.json --device reference --batch-size 8 --seconds 0.05 --format md && grep -q "^| ---:" "$out"
