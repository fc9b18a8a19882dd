#!/usr/bin/env bash
# diagnose.sh: diagnose, and what train says of runs that collapse or diverge.
. "$(dirname "$0")/lib.sh"
make_data
relu='s/"activation": "tanh"/"activation": "relu"/'
sed "$relu" net.json >relu.json
grep -q relu relu.json || fail "no relu in relu.json"

# ---- a healthy run says nothing, and neither does a look at it
expect 0 train relu.json --data data --epochs 12 --batch-size 16 --lr 0.01 --log log.jsonl --out well.safetensors
! grep -q collapse "$err" log.jsonl || fail "a healthy run is said to have collapsed"
expect 0 diagnose well.safetensors --data data && prints "no trouble found" && prints "conv2d"
expect 0 diagnose well.safetensors --data data --split test --images 999 --format json
json 'd["images"] == 24 and d["trouble"] == "none" and d["layer"] is None and d["advice"] is None'
json 'd["weights"] == "well.safetensors" and d["loss"] < 0.7 * d["constant_loss"]'
json 'abs(d["constant_loss"] - math.log(4)) < 1e-6'
json 'set(d["layers"][0]) == {"layer", "type", "units", "dead_part", "output_rms", "spread", "weight_rms", "gradient_rms", "gradient_over_weight"}'
json 'd["layers"][0]["units"] == 3 and d["layers"][1]["units"] is None and d["layers"][1]["weight_rms"] is None'
json 'all(abs(l["gradient_over_weight"] - l["gradient_rms"] / l["weight_rms"]) < 1e-6 for l in d["layers"] if l["weight_rms"])'

# ---- initial weights, by seed and recipe
expect 0 diagnose relu.json --data data --format json && json 'd["weights"] is None and d["images"] == 64'
cp "$out" first && expect 0 diagnose relu.json --data data --format json && cmp "$out" first
expect 0 diagnose relu.json --data data --images 1 && prints "no trouble found"
expect 0 diagnose relu.json --data data --format json --seed 1
! cmp -s "$out" first || fail "another seed, the same weights"
expect 0 diagnose lenet5-relu --data data --recipe notebook && prints "initial weights"
expect 0 diagnose relu.json --weights well.safetensors --data data --format csv && prints "layer,type,units"

# ---- a collapse: once on stderr, and in the log from then on
expect 0 train relu.json --data data --epochs 30 --batch-size 16 --lr 30 --optimizer adam --quiet --log log.jsonl --out dead.safetensors
[ "$(grep -c "warning: collapsed at step" "$err")" = 1 ] || fail "not warned once"
says "dead units in layer conv"
python3 - <<'PY' || fail "log.jsonl is not as it should be"
import json, math
lines = [json.loads(line) for line in open("log.jsonl")]
of = [line.get("collapse") for line in lines]
first = next(i for i, c in enumerate(of) if c)
assert 10 < first < 25 and all(of[first:]) and len(lines) == 30, first
assert set(of[-1]) == {"step", "steps", "loss", "trouble", "layer", "advice"}
assert of[-1]["trouble"] == "dead units" and of[-1]["layer"] == "conv" and of[-1]["loss"] > 0.98 * math.log(4)
PY
expect 0 diagnose dead.safetensors --data data && prints "dead units: first in layer conv; worth a try"
expect 0 diagnose dead.safetensors --data data --format json
json 'd["trouble"] == "dead units" and d["layer"] == "conv" and d["layers"][0]["dead_part"] >= 0.75'

# ---- a loss of NaN: an error, and the checkpoint that is there stays
cp well.safetensors kept.safetensors
expect 1 train relu.json --data data --epochs 3 --lr 1000000 --l2 1000000 --optimizer sgd --out kept.safetensors
says "the loss is no finite number at step " && says "the first layer with such numbers is conv"
cmp well.safetensors kept.safetensors || fail "a checkpoint was overwritten"

expect 1 train net.json --data data --epochs 9 --batch-size 16 --lr 30 --l2 1 --optimizer sgd --keep-best --out best.safetensors
says "the loss is no finite number" && says "wrote best.safetensors with the best weights so far"
expect 0 eval best.safetensors --data data --format json && json 'math.isfinite(d["loss"])'
expect 1 train --resume best.safetensors --data data --epochs 9 --out best2.safetensors && says "the loss is no finite number"

# ---- bad input
expect 2 diagnose relu.json && says "--data DIR is needed"
expect 2 diagnose relu.json --data data --recipe cake && says 'no recipe "cake"'
expect 2 diagnose relu.json --data data --images 0 && says "--images"
expect 2 diagnose && says "MODEL"
expect 5 diagnose relu.json --data nowhere && says "nowhere"
expect 5 diagnose nothere.safetensors --data data && says "nothere.safetensors"
expect 5 diagnose lenet5 --weights well.safetensors --data data && says "well.safetensors"
