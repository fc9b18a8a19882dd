#!/usr/bin/env bash
# usage.sh: help, unknown words, devices, models, summary, and what happens when stdout fails.
. "$(dirname "$0")/lib.sh"
make_data

# ---- help and version
expect 0 --help && prints "Usage: lenslet COMMAND" && [ ! -s "$err" ]
expect 0 help train && prints "Usage: lenslet train MODEL --data DIR"
expect 0 --version && prints "lenslet 0."
expect 2 && says "Usage: lenslet COMMAND"
commands="devices models summary check train eval predict show run bench"
for command in $commands; do
    expect 0 "$command" --help && prints "Usage: lenslet $command"
    expect 0 "$command" -h && prints "--help"
    expect 2 "$command" --no-such-option && says 'unknown option "--no-such-option"'
    expect 2 "$command" --format yaml x y && says '"yaml" is none of text|json|csv|md'
    "$LENSLET" --help | grep -q "^  $command " || fail "help does not list $command"
done

expect 0 curve --help && prints "Usage: lenslet curve LOG.jsonl"

# ---- mistyped
expect 2 trian && says 'did you mean "train"?'
expect 2 xyzzy && says 'unknown command "xyzzy"'
expect 2 --device 0 && says "before a command"
expect 2 train --epoks 3 && says "did you mean --epochs?"
expect 2 train net.json --epochs && says "--epochs needs a value"
expect 2 train net.json --data data --epochs 0 && says "--epochs: 0 is outside 1 .. 1000000"
expect 2 train net.json --data data --epochs -1 && says '"-1" is no whole number'
expect 2 train net.json --data data --epochs 1.5 && says '"1.5" is no whole number'
expect 2 train net.json --data data --epochs 99999999999999999999 && says "no whole number"
expect 2 train net.json --data data --lr x && says '--lr: "x" is no number'
expect 2 train net.json --data data --lr nan && says "no number"
expect 2 train net.json --data data --validation-split 1.5 && says "outside 0 .. 0.9"
expect 2 train net.json --data data --optimizer adamm && says "is none of"
expect 2 train net.json && says "--data DIR is needed"
expect 2 train --data data && says "which MODEL?"
expect 2 train net.json extra --data data && says 'too many: "extra"'
expect 2 summary && says "too few arguments"
expect 2 summary lenet-5 && says "lenet5"
expect 2 run net.json && says "--input and --output-dir are needed"
expect 2 run net.json --input x.npy --output-dir o --gradients && says "needs --labels"
expect 2 eval net.json --data data && says "brings no weights"
expect 2 predict net.json x.npy && says "brings no weights"

# ---- devices
expect 0 devices && prints "reference"
expect 0 devices --format json
json 'd["devices"][-1]["type"] == "reference" and d["devices"][d["chosen"]]["chosen"]'
json 'all(isinstance(x["memory_bytes"], int) for x in d["devices"]) and d["reason"]'
expect 0 devices --device reference --format json && json 'len(d["devices"]) == 1'
expect 0 devices --device all --format csv && head -1 "$out" | grep -q "^index,pair,type,name,"
expect 0 devices --format md && grep -q "^| ---: | --- |" "$out"
LENSLET_DEVICE=reference expect 0 devices --format json
json 'd["reason"] == "LENSLET_DEVICE=reference" and d["environment"]["LENSLET_DEVICE"] == "reference" and d["cpus"] >= 1'
expect 3 devices --device 99 && says "99"
expect 3 devices --device "no such device" && says "no such device"
expect 3 run net.json --input x.npy --output-dir o --device gpu:7 && says "lenslet run:"
expect 3 run net.json --input x.npy --output-dir o --device all && says "one device"
LENSLET_DEVICE=nonsense expect 3 check softmax && says "nonsense"
expect 0 devices --format json
if [ "$(grep -c '"index"' "$out")" -gt 1 ]; then # "e" is in the name of each
    expect 3 devices --device e && says "fits"
fi

# ---- models and summary
expect 0 models && prints "lenet5-relu"
expect 0 models --format json
json '{m["name"]: m["params"] for m in d["models"]}["lenet5"] == 61706'
expect 0 summary lenet5 && prints "61,706 parameters"
expect 0 summary lenet5-1998 && prints "60,840 parameters, 60,000 trained and 840 fixed"
expect 0 summary lenet5-1998 --format json && json 'd["params"] == 60840 and d["trained_params"] == 60000'
expect 0 summary lenet5 --format json
json '[l["output_shape"] for l in d["layers"]][0] == [1, 6, 28, 28]'
json 'sum(l["params"] for l in d["layers"]) == d["params"] == 61706'
json 'sum(l["macs"] for l in d["layers"]) == d["macs_per_image"] == 416520'
json 'd["memory_bytes"]["parameters"] == 4 * 61706 and d["memory_bytes"]["total"] > 0'
json 'set(d["layers"][0]) == {"name", "type", "output_shape", "params", "macs"}'
expect 0 summary net.json --format csv && prints "conv,conv2d,1x3x12x12,30,"
expect 0 summary net.json --format md && prints "| conv | conv2d |"

# ---- bad models
expect 5 summary missing.json && says "missing.json"
echo '{"class_name": "Sequential"' >broken.json
expect 5 summary broken.json && says "broken.json"
expect 5 summary missing.safetensors && says "missing.safetensors"
printf 'short' >short.safetensors
expect 5 summary short.safetensors && says "short.safetensors"
sed 's/"pool_size": \[4, 4\]/"pool_size": [40, 40]/' net.json >toolarge.json
expect 5 summary toolarge.json && says "pool"

# ---- stdout that cannot be written
if [ -w /dev/full ]; then
    for arguments in "devices" "models --format json" "summary lenet5" "--help" "train --help"; do
        code=0
        # shellcheck disable=SC2086
        "$LENSLET" $arguments >/dev/full 2>"$err" || code=$?
        [ $code = 6 ] || fail "lenslet $arguments >/dev/full: exit code $code"
        says "cannot write to stdout: "
    done
fi
code=0
"$LENSLET" models >&- 2>"$err" || code=$?
[ $code = 6 ] || fail "closed stdout: exit code $code"
