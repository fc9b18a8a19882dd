#!/usr/bin/env bash
# peers.sh: the comparison with other libraries, as it goes where none of them is installed: its list of rows, our
# side of a row, wrong options; and that its networks are those of `lenslet models`.
. "$(dirname "$0")/lib.sh"
peers=$here/../../bench/peers
export LENSLET

# compare CODE OPTION ...
compare() {
    local code=$1 got=0
    shift
    python3 -B "$peers/compare.py" "$@" >"$out" 2>"$err" </dev/null || got=$?
    [ "$got" = "$code" ] || fail "compare.py $*: exit code $got, expected $code"
}

# ---- the same networks
"$LENSLET" models --format json >models.json
PYTHONPATH=$peers python3 -B - models.json <<'PY' >"$out" 2>"$err" || fail "zoo.py and lenslet models differ"
import json, sys, zoo
ours = {m["name"]: m["params"] for m in json.load(open(sys.argv[1]))["models"]}
theirs = {name: zoo.parameters(name) for name in zoo.ZOO}
left_out = {name: ours.get(name) for name in zoo.NO_COUNTERPART}
assert ours == {**theirs, **left_out}, (ours, theirs)
PY

# ---- rows
compare 0 --list --peers none && says "With lenslet" && prints "training step: alexnet b16 momentum" && prints "alexnet conv1 b16 weight gradient"
compare 0 --list --peers none --only 'step: lenet5 b32' && [ "$(wc -l <"$out")" = 1 ]
compare 0 --list --peers keras --venv "$work/none" && says "Without Keras: no $work/none/bin/python"
CXX=$work/none compare 0 --list --peers onednn && says "Without oneDNN: " && says "$work/none"

# ---- workers: what all of them share, and that Python reads them
for file in "$peers"/*.py; do
    python3 -B -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file"
done
echo 0.01 | PYTHONPATH=$peers python3 -B -c 'import worker
s = worker.parse_shape("mb16ic96ih27oc256oh27kh5ph2")
assert (s["n"], s["c"], s["w"], s["s"], s["pad"], s["stride"]) == (16, 96, 27, 5, 2, 1), s
worker.serve(lambda: None, parameters=7)' >"$out" 2>"$err" || fail "worker.py"
[ "$(wc -l <"$out")" = 2 ]
prints '"parameters": 7' && prints '"median_ms"'

# ---- ours alone
compare 0 --peers none --rounds 2 --seconds 0.01 --only 'lenet5-relu b1 ' &&
    prints "lenet5-relu b1 adam" && prints "2 rounds in turns" && prints "lenet5-1998 has no counterpart"
compare 0 --peers none --rounds 1 --seconds 0.01 --only 'lenet5-relu b1 ' --format md && prints "| training step"
compare 0 --peers none --rounds 2 --seconds 0.01 --only 'lenet5-relu b1 ' --format json
json 'd["results"][0]["met"] is None and d["results"][0]["target"] == 4'
json 'd["results"][0]["others"] == [] and len(d["results"][0]["base"]["rounds_ms"]) == 2'
json 'd["versions"]["lenslet"] and d["machine"]["cores"] > 0 and d["date"] and d["environment"]'

compare 0 --peers none --rounds 1 --only 'lenet5 b64 momentum, kernel cache empty' &&
    prints "first step" && prints "<= 3000 ms"

# ours of an operation, and of inference, whose rows with alexnet are too long for a test
compare 0 --peers none --rounds 1 --seconds 0.01 --only 'dense3 b1 weight gradient' --format json
json 'd["results"][0]["base"]["min_ms"] > 0 and d["results"][0]["absent"] == {}'
PYTHONPATH=$peers python3 -B -c 'import sides
turn = sides.Lenslet({"do": "inference", "model": "lenet5-relu", "batch": 2}, len(sides.CORES)).turn(0.01)
assert turn["median_ms"] >= turn["min_ms"] > 0, turn' >"$out" 2>"$err" || fail "sides.py: inference"

# ---- mistyped
compare 1 --only no-such-row && says "--only no-such-row: fits no row"
compare 1 --peers pytroch && says "there is no pytroch"
LENSLET=$work/none compare 1 --list --peers none && says "No such file or directory: '$work/none'"
