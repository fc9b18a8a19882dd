#!/usr/bin/env bash
# fashion.sh: the commands as the README shows them, on Fashion-MNIST as Debian installs it.
. "$(dirname "$0")/lib.sh"
data=/usr/share/datasets/fashion-mnist
[ -d $data ] || {
    echo "skipped: no Fashion-MNIST in $data (Debian package dataset-fashion-mnist)"
    exit 77
}
if "$LENSLET" devices | grep -q "> chosen: reference"; then
    echo "skipped: the reference alone would take minutes"
    exit 77
fi
expect 0 train lenet5-relu --data $data --epochs 1 --batch-size 64 --seed 1 --out w.safetensors --log log.jsonl
python3 -c 'import json; line = json.load(open("log.jsonl")); assert line["val_accuracy"] > 0.75, line' || fail "too little was learnt"
expect 0 eval w.safetensors --data $data --min-accuracy 0.75 && prints "Ankle boot"
expect 0 predict w.safetensors $data/t10k-images-idx3-ubyte.gz --data $data --top 1 --format json
json 'd["images"] == 10000 and d["predictions"][0]["name"] == "Ankle boot"'
