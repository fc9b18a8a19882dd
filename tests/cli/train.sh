#!/usr/bin/env bash
# train.sh: train, eval, predict: results, files, every bad input, interruption and resumption.
. "$(dirname "$0")/lib.sh"
make_data

# ---- training learns, logs and writes
expect 0 train net.json --data data --epochs 12 --batch-size 16 --lr 0.01 --seed 3 --log log.jsonl --out w.safetensors
prints "Val. acc." && says "wrote w.safetensors" && [ "$(wc -l <"$out")" = 13 ]
python3 - <<'PY'
import json
lines = [json.loads(line) for line in open("log.jsonl")]
want = {"schema_version", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "images_per_second", "waited_part"}
assert all(set(line) == want for line in lines), lines[0]
assert [line["epoch"] for line in lines] == list(range(1, 13))
assert lines[-1]["train_loss"] < lines[0]["train_loss"] and lines[-1]["val_accuracy"] == 1, lines[-1]
PY
expect 0 train net.json --data data --epochs 12 --batch-size 16 --lr 0.01 --seed 3 --out again.safetensors --format json --quiet
json 'd["epochs"][-1]["val_accuracy"] == 1 and d["seed"] == 3 and d["checkpoint"] == "again.safetensors"'
[ ! -s "$err" ] || fail "--quiet is not quiet"
cmp w.safetensors again.safetensors || fail "two runs with one seed differ"
expect 0 train net.json --data data --epochs 1 --seed 4 --quiet --format csv
[ -s quarters.safetensors ] || fail "no quarters.safetensors by default"
cmp -s quarters.safetensors w.safetensors && fail "another seed, the same weights"
expect 0 train net.json --data data --epochs 1 --validation-split 0.25 --quiet && prints "test images:"
expect 0 train net.json --data data --epochs 1 --optimizer momentum --schedule cosine --weight-decay 0.01 --recipe notebook --quiet
expect 0 train lenet5-relu --data data --epochs 1 --quiet --device reference --out resized.safetensors
expect 0 train net.json --data data --epochs 9 --patience 3 --min-delta 100 --schedule plateau --every 2 --gamma 0.5 --keep-best --log stale.jsonl --out stale.safetensors
says "stopped after epoch 4"
python3 -c '
import json
rates = [json.loads(line)["learning_rate"] for line in open("stale.jsonl")]
assert len(rates) == 4 and rates[2] == rates[0] and abs(rates[3] / rates[0] - 0.5) < 1e-6, rates' || fail "no plateau"
expect 0 train net.json --data data --epochs 9 --quiet --resume stale.safetensors --patience 3 --out stale2.safetensors
cmp stale.safetensors stale2.safetensors || fail "a run that is over went on"
expect 2 train net.json --data data --resume stale.safetensors --patience 4 && says "--patience is not what"
for other in "--seed 3" "--validation-split 0.25" "--preprocess caffe" "--lr 0.5"; do
    # shellcheck disable=SC2086
    expect 2 train net.json --data data --resume stale.safetensors $other
    says "${other% *} is not what stale.safetensors was started with"
done
expect 2 train net.json --data data --resume w.safetensors --seed 0 && says "--seed is not what"
expect 2 train net.json --data data --resume w.safetensors --recipe default && says "--recipe is of a new run"
expect 2 train net.json --data data --layer-rates nothere=1 && says 'no trained layer "nothere"'
expect 0 train net.json --data data --epochs 1 --quiet --class-weights balanced --out balanced.safetensors
expect 2 train net.json --data data --resume balanced.safetensors --class-weights 1,1,1,1 && says "--class-weights is not what"
expect 2 train net.json --data data --class-weights 1,2 && says "there are 2, the data has 4 classes"
expect 2 train net.json --data data --layer-decays nothere && says "must be LAYER=NUMBER"

# ---- a crash loses one epoch at most
"$LENSLET" train net.json --data data --epochs 100000 --quiet --out crash.safetensors 2>/dev/null &
crashing=$!
until [ -s crash.safetensors ]; do sleep 0.1; done
kill -KILL $crashing
wait $crashing 2>/dev/null || true
expect 0 eval crash.safetensors --data data
"$LENSLET" train net.json --data data --resume crash.safetensors --quiet --out crash2.safetensors 2>/dev/null &
resumed=$!
until [ -s crash2.safetensors ]; do sleep 0.1; done
kill -INT $resumed
wait $resumed 2>/dev/null || [ $? = 130 ] || fail "the crashed run does not go on"

# ---- eval
expect 0 eval w.safetensors --data data && prints "accuracy 100.00 %" && prints "Confusion"
expect 0 eval w.safetensors --data data --format json
json 'd["accuracy"] == 1 and d["images"] == 24 and [c["right"] for c in d["classes"]] == [6] * 4'
json 'd["confusion"] == [[6 * (i == j) for j in range(4)] for i in range(4)] and 0 < d["loss"] < 0.5'
expect 0 eval net.json --weights w.safetensors --data data --split train --format json && json 'd["images"] == 96'
expect 0 eval w.safetensors --data data --format csv && prints "class,name,images,right"
expect 0 eval w.safetensors --data data --min-accuracy 0.9
expect 1 eval quarters.safetensors --data data --min-accuracy 1 && says "is less than 1"
expect 5 eval net.json --weights quarters.safetensors --data nowhere && says "nowhere"
expect 5 eval lenet5 --weights w.safetensors --data data && says "w.safetensors"

# ---- predict: a picture that must be resized, an array, an IDX file
expect 0 predict w.safetensors three.png x.npy data/t10k-images-idx3-ubyte.gz --format json
json 'd["images"] == 1 + 3 + 24 and len(d["predictions"]) == 28 * 4'
json '[p["class"] for p in d["predictions"] if p["rank"] == 1] == [3, 0, 1, 2] + [i % 4 for i in range(24)]'
json 'all(0 <= p["probability"] <= 1 for p in d["predictions"])'
printf 'top left\ntop right\nbottom left\nbottom right\n' >names.txt
expect 0 predict w.safetensors three.png --top 1 --names names.txt && prints "bottom right"
expect 0 predict w.safetensors three.png --top 99 --format csv && [ "$(wc -l <"$out")" = 5 ]
expect 5 predict w.safetensors missing.png && says "missing.png"
expect 5 predict w.safetensors net.json && says "neither JPEG nor PNG nor .npy nor IDX"
expect 5 predict w.safetensors data/t10k-labels-idx1-ubyte && says "labels"
head -c 100 three.png >cut.png
expect 5 predict w.safetensors cut.png && says "cut.png"
expect 5 predict w.safetensors three.png --names missing.txt && says "missing.txt"

# ---- penalties: the smallest wins everywhere; their probabilities may leave something for no class
expect 0 train lenet5-1998 --data data --epochs 6 --lr 0.005 --batch-size 8 --quiet --out old.safetensors
expect 0 eval old.safetensors --data data --format json --min-accuracy 0.9
loss=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["loss"])' "$out")
expect 0 predict old.safetensors data/t10k-images-idx3-ubyte.gz --top 10 --format json
json "math.isclose(sum(-math.log(p['probability']) for p in d['predictions'] if p['class'] == p['image'] % 4) / 24, $loss, rel_tol=1e-4)"
json 'all(0 <= p["probability"] <= 1 for p in d["predictions"])'
json 'all(0 < sum(p["probability"] for p in d["predictions"] if p["image"] == i) < 1.00001 for i in range(24))'

# ---- one sigmoid unit: two classes, the left half bright or the right
python3 - <<'PY'
import json, os
os.mkdir("halves")
for name in os.listdir("data"):
    values = open(f"data/{name}", "rb").read()
    if "labels" in name:
        values = values[:8] + bytes(v % 2 for v in values[8:])
    open(f"halves/{name}", "wb").write(values)
open("halves/labels.txt", "w").write("left\nright\n")
net = json.load(open("net.json"))
layers = [l for l in net["config"]["layers"] if l["class_name"] != "Softmax"]
layers[-1]["config"].update(units=1, activation="sigmoid")
net["config"]["layers"] = layers
json.dump(net, open("halves.json", "w"))
PY
expect 0 train halves.json --data halves --epochs 8 --batch-size 8 --lr 0.02 --quiet --out halves.safetensors
expect 0 eval halves.safetensors --data halves --min-accuracy 0.9 --format json
json '[c["name"] for c in d["classes"]] == ["left", "right"] and [c["images"] for c in d["classes"]] == [12, 12]'
json 'len(d["confusion"]) == 2 and sum(d["confusion"][i][i] for i in range(2)) == sum(c["right"] for c in d["classes"]) == round(24 * d["accuracy"])'
expect 0 eval halves.safetensors --data halves && prints "left" && prints "Confusion"
expect 0 predict halves.safetensors data/t10k-images-idx3-ubyte.gz --format json
json 'all(p["name"] == ["left", "right"][p["image"] % 2] for p in d["predictions"] if p["rank"] == 1)'

# ---- bad data
cp -r data bad && gunzip -c data/train-images-idx3-ubyte.gz | head -c 999 >bad/train-images-idx3-ubyte && rm bad/*.gz
expect 5 train net.json --data bad && says "train-images-idx3-ubyte"
cp -r data magic && printf '\1\2\3\4xxxxxxxxxxxx' >magic/train-labels-idx1-ubyte
expect 5 train net.json --data magic && says "train-labels-idx1-ubyte"
cp -r data counts && cp data/t10k-labels-idx1-ubyte counts/train-labels-idx1-ubyte
expect 5 train net.json --data counts && says "96"
cp -r data labels && python3 - <<'PY'
data = bytearray(open("labels/train-labels-idx1-ubyte", "rb").read())
data[-1] = 9
open("labels/train-labels-idx1-ubyte", "wb").write(data)
PY
expect 5 train net.json --data labels && says "9"
expect 5 eval w.safetensors --data labels --split train && says "9"
expect 5 train net.json --data nowhere && says "nowhere"
expect 2 train net.json --data data --recipe cake && says 'no recipe "cake"'
expect 6 train net.json --data data --epochs 1 --log nowhere/log.jsonl && says "nowhere/log.jsonl"
expect 6 train net.json --data data --epochs 1 --out nowhere/w.safetensors && says "nowhere/w.safetensors"
expect 5 train net.json --data data --resume net.json && says "net.json"
expect 2 train lenet5-relu --data data --resume w.safetensors && says "w.safetensors"
[ ! -w /dev/full ] || {
    expect 6 train net.json --data data --epochs 2 --log /dev/full --out full.safetensors && says "/dev/full"
    [ -s full.safetensors ] || fail "no checkpoint when the log is full"
}

# ---- a checkpoint that no longer fits on the disk ends the run, with the reason, and the old one stays
cp w.safetensors limited.safetensors
status=0
(trap '' XFSZ && ulimit -f 4 && exec "$LENSLET" train net.json --data data --epochs 3 --quiet --device reference --out limited.safetensors) >"$out" 2>"$err" || status=$?
[ $status = 6 ] || fail "exit code $status instead of 6"
says "limited.safetensors" && says "File too large"
cmp w.safetensors limited.safetensors || fail "a checkpoint was lost"

# ---- Ctrl-C and TERM, then --resume: the same bits as a run that was never stopped
run="train net.json --data data --epochs 400 --batch-size 8 --lr 0.001 --seed 5 --quiet"
# shellcheck disable=SC2086
expect 0 $run --out whole.safetensors
for stop in "INT 130" "TERM 143"; do
    set -- $stop
    : >log.jsonl
    # shellcheck disable=SC2086
    "$LENSLET" $run --out part.safetensors --log log.jsonl >"$out" 2>"$err" &
    child=$!
    for _ in $(seq 600); do # until the first epochs are done
        [ "$(wc -l <log.jsonl)" -ge 3 ] && break
        sleep 0.02
    done
    kill -"$1" $child
    code=0
    wait $child || code=$?
    [ $code = "$2" ] || fail "after $1: exit code $code"
    says "lenslet train --resume part.safetensors --data data"
    before=$(wc -l <log.jsonl)
    [ "$before" -lt 400 ] || fail "the run was over before $1 came; it must be longer"
    expect 2 train --resume part.safetensors --data data --batch-size 9 && says "--batch-size"
    expect 0 train --resume part.safetensors --data data --out part.safetensors --log log.jsonl --quiet
    cmp whole.safetensors part.safetensors || fail "$1 and --resume: other bits"
    [ "$(wc -l <log.jsonl)" = 400 ] || fail "the log of both parts has $(wc -l <log.jsonl) lines"
done
