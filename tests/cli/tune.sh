#!/usr/bin/env bash
# tune.sh: what tune prints and keeps, that later runs take it up, and bad input.
. "$(dirname "$0")/lib.sh"
make_data
export XDG_CACHE_HOME=$PWD/cache
mkdir cache

expect 0 tune net.json --batch-size 8 --rounds 3 --format json
json 'd["model"] == "quarters" and d["batch_size"] == 8 and d["default_ms"] >= 0.9 * d["tuned_ms"] > 0'
json 'set(d["passes"][0]) == {"layer", "pass", "shape", "default", "default_ms", "best", "best_ms", "gflops", "gain"}'
json '[(p["layer"], p["pass"]) for p in d["passes"]][:3] == [("conv", "forward"), ("conv", "backward_weight"), ("dense", "forward")]'
json 'all(p["gain"] >= 1.03 or p["best"] == p["default"] for p in d["passes"])'
cp "$out" tuned.json
kept=$(python3 -c 'import json; d = json.load(open("tuned.json")); print(sum(p["best"] != p["default"] for p in d["passes"]))')
file=$(python3 -c 'import json; print(json.load(open("tuned.json"))["file"])')
if [ "$kept" = 0 ]; then
    [ "$file" = None ] || fail "a file without a choice"
else
    python3 - "$file" <<'PY' || fail "the file does not hold what was printed"
import json, sys
kept = json.load(open(sys.argv[1]))["choices"]
best = [p["best"] for p in json.load(open("tuned.json"))["passes"] if p["best"] != p["default"]]
assert sorted(kept.values()) == sorted(best), kept
PY
fi
expect 0 tune net.json --batch-size 8 --rounds 1 --dry-run && prints "All passes:" && prints "Layer"
! grep -qE "wrote|nothing is kept" "$err" || fail "--dry-run keeps something"
expect 0 tune net.json --batch-size 1 --rounds 1 --winograd4 --format csv --quiet && prints "layer,pass,shape"
[ ! -s "$err" ] || fail "--quiet is not quiet"
expect 0 train net.json --data data --epochs 1 --batch-size 8 --quiet
expect 0 tune --clear && says "nothing is kept"
[ ! -e "$file" ] || fail "--clear left $file"

expect 2 tune && says "which MODEL"
expect 2 tune net.json --batch-size 0 && says "--batch-size"
expect 5 tune nothere.json && says "nothere.json"
expect 3 tune net.json --device nowhere && says "nowhere"
LENSLET_ALGORITHM=direct expect 2 tune net.json && says "LENSLET_ALGORITHM is set"
touch notafolder
XDG_CACHE_HOME=$PWD/notafolder expect 6 tune net.json --batch-size 8 --rounds 1 && says "there is no folder"
