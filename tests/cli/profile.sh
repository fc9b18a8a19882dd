#!/usr/bin/env bash
# profile.sh: --profile, and the timeline that --profile=FILE writes, whole or not at all.
. "$(dirname "$0")/lib.sh"
make_data

# timeline FILE PYTHON-EXPRESSION ...: a well-formed timeline of which they are true
timeline() {
    python3 "$here/check_timeline.py" "$@" 2>"$work/reason" || fail "$1: $(cat "$work/reason")"
}

# The device that is chosen has kernels, unless it is the reference.
expect 0 bench net.json --batch-size 8 --seconds 0.01 --format json
has_kernels=True
grep -q '"type": "reference"' "$out" && has_kernels=False

# ---- train: phases, operations with their layers, kernels; and the same bits as without
train="train net.json --data data --epochs 2 --batch-size 16 --seed 3 --quiet"
# shellcheck disable=SC2086
{
    expect 0 $train --out plain.safetensors
    expect 0 $train --out traced.safetensors --profile=train.json
}
cmp plain.safetensors traced.safetensors || fail "a timeline changes the training"
says "wrote train.json, a timeline for ui.perfetto.dev or chrome://tracing"
[ $has_kernels = False ] || says "Launches"
timeline train.json 'processes[1] == "lenslet train net.json" and "data 1" in tracks.values()' \
    '{"read data", "step", "forward", "backward", "wait for data", "validation", "write checkpoint", "prepare batch"} <= names' \
    '[e["args"]["step"] for e in host if e["name"] == "step"] == list(range(1, 13))' \
    'all(e["parent"]["name"] == "step" for e in host if e["name"] == "backward")' \
    'len(ops("conv", op="conv2d", **{"pass": "forward"})) == 12 + 4' \
    'len(ops("conv", op="conv2d", **{"pass": "backward_weight"})) == 12' \
    '{e["name"] for e in ops("dense", op="dense")} == {"dense forward", "dense backward_weight", "dense backward_bias", "dense backward_input"}' \
    '{e["args"]["x"] for e in ops("pool", **{"pass": "forward"})} == {"16x3x12x12", "8x3x12x12"}' \
    'ops("dense", **{"pass": "forward"})[0]["args"]["flops"] == 2 * 16 * 27 * 4' \
    '{"optimizer step", "loss forward", "loss backward_input", "write", "read"} <= {e["name"] for e in operations}' \
    "bool(kernels) == $has_kernels and not d['otherData']['full']" \
    'all(e["parent"] is not None and e["args"]["global"] and e["args"]["local"] for e in kernels)' \
    'all(min(s["start"] for s in host) <= e["start"] and e["end"] <= max(s["end"] for s in host) for e in device)'
[ $has_kernels = False ] || timeline train.json 'any(name.startswith("build ") for name in names)'

# ---- the reference: the operations, without kernels and without the note that it has none
# shellcheck disable=SC2086
expect 0 $train --out r.safetensors --device reference --profile=reference.json
timeline reference.json 'processes[2] == "Lenslet / reference" and not kernels and tracks[device[0]["tid"]] == "operations"' \
    'len(ops("conv", op="conv2d", **{"pass": "forward"})) == 12 + 4' \
    'sum(e["end"] - e["start"] for e in operations) <= wall'
if grep -q "no kernels" "$err"; then fail "a note on kernels beside a timeline"; fi

# ---- the other commands
expect 0 eval plain.safetensors --data data --batch-size 8 --profile=eval.json
timeline eval.json '"validation" in names and "prepare batch" in names and len(ops("conv", op="conv2d")) == 3'
expect 0 run net.json --input x.npy --labels y.npy --gradients --output-dir o --profile=run.json
timeline run.json 'len(ops("conv", op="conv2d", **{"pass": "backward_input"})) == 1 and "backward" in names'
expect 0 bench net.json --batch-size 8 --seconds 0.01 --device all --profile=bench.json
timeline bench.json 'len([e for e in host if e["name"] == "step"]) >= 7 and "Lenslet / reference" in processes.values()' \
    'all({e["pid"] for e in ops("conv")} == set(processes) - {1} for _ in [0])' '"wait" in names'
expect 0 bench net.json --layers --op conv2d --batch-size 8 --rounds 1 --device reference --profile=layers.json
timeline layers.json 'ops("conv", op="conv2d", **{"pass": "forward"}) and {e["args"].get("layer") for e in operations} <= {"conv", None}'
expect 0 check softmax --profile=check.json
timeline check.json 'any(e["name"] == "softmax forward" for e in operations)'

# ---- without a file: the table as ever, also before a MODEL whose name ends as a timeline's might
rm -f -- *.json.tmp* && cp net.json model.json && ls >before
expect 0 bench --profile model.json --batch-size 8 --seconds 0.01
[ $has_kernels = False ] || says "Launches"
if grep -q "timeline" "$err"; then fail "a timeline nobody asked for"; fi
ls | diff before - || fail "--profile has written a file"

# ---- what cannot be: said before work begins
expect 2 bench net.json --profile= && says "--profile=: the name of a file is missing"
expect 2 bench net.json --profile trace.json && says '--profile trace.json: a file is joined by "=", as --profile=trace.json'
for file in nowhere/trace.json data; do
    # shellcheck disable=SC2086
    expect 6 $train --out late.safetensors --profile=$file && says "--profile $file: "
    [ ! -e late.safetensors ] || fail "training before the error"
    expect 6 bench net.json --seconds 1000 --profile=$file && says "--profile $file: "
    expect 6 bench mb1ic1ih8oc1kh3 --seconds 1000 --profile=$file && says "--profile $file: "
done
expect 6 eval plain.safetensors --data data --profile=nowhere/t.json && says "nowhere/t.json"
expect 6 run net.json --input x.npy --output-dir late --profile=nowhere/t.json && says "nowhere/t.json"
[ ! -e late ] || fail "work before the error"
expect 6 check --profile=nowhere/t.json && says "nowhere/t.json"
expect 5 train net.json --data nowhere --profile=none.json && says "nowhere"
[ ! -e none.json ] || fail "a timeline of nothing"

# ---- no room for it: an exit code, the reason, and the file that was there
echo before >limited.json
status=0
(trap '' XFSZ && ulimit -f 4 && exec "$LENSLET" bench net.json --batch-size 8 --seconds 0.01 --device reference --profile=limited.json) >"$out" 2>"$err" || status=$?
[ $status = 6 ] || fail "exit code $status instead of 6"
says "lenslet bench: --profile: limited.json: cannot be written: File too large"
[ "$(cat limited.json)" = before ] || fail "half a timeline"
[ -z "$(find . -name 'limited.json.*')" ] || fail "something is left of it"

# ---- Ctrl-C and TERM keep what was recorded; a kill leaves nothing
for stop in "INT 130" "TERM 143" "KILL 137"; do
    set -- $stop
    : >log.jsonl
    "$LENSLET" train net.json --data data --epochs 100000 --quiet --out s.safetensors --log log.jsonl --profile="$1.json" >"$out" 2>"$err" &
    child=$!
    for _ in $(seq 600); do
        [ "$(wc -l <log.jsonl)" -ge 3 ] && break
        sleep 0.02
    done
    kill -"$1" $child
    code=0
    wait $child 2>/dev/null || code=$?
    [ $code = "$2" ] || fail "after $1: exit code $code"
    if [ "$1" = KILL ]; then
        [ -z "$(find . -name 'KILL.json*')" ] || fail "a timeline of a run that was killed"
    else
        says "wrote $1.json"
        timeline "$1.json" 'len([e for e in host if e["name"] == "step"]) >= 9 and ops("conv") and "write checkpoint" in names'
    fi
done
