#!/usr/bin/env bash
# Train every network with its notebook's recipe and with ours, and print the table of docs/results.md.
#
#     bench/results.sh MNIST_DIR [CIFAR10_IDX_DIR]
#
# Each run is kept under out/results and not repeated, so the script can be stopped and started again.
# CIFAR10_IDX_DIR comes from bench/pictures_to_idx.py; without it that row is left out, by name.
set -euo pipefail
cd "$(dirname "$0")/.."
lenslet=${LENSLET:-build/release/bin/lenslet}
fashion=/usr/share/datasets/fashion-mnist
mnist=${1:?usage: bench/results.sh MNIST_DIR [CIFAR10_IDX_DIR]}
cifar=${2-}
out=out/results
mkdir -p "$out"

# run NAME MODEL DATA RECIPE [OPTION ...]: prints "accuracy seconds" of the finished run, in percent.
run() {
    local name=$1 model=$2 data=$3 recipe=$4
    shift 4
    if [ ! -f "$out/$name.json" ]; then
        rm -f "$out/$name.jsonl"
        "$lenslet" train "$model" --data "$data" --recipe "$recipe" --seed 1 "$@" \
            --log "$out/$name.jsonl" --out "$out/$name.safetensors" >&2
        "$lenslet" eval "$out/$name.safetensors" --data "$data" --quiet --format json \
            >"$out/$name.json.part"
        mv "$out/$name.json.part" "$out/$name.json"
    fi
    local seconds
    seconds=$(grep -o '"seconds":[0-9.e+-]*' "$out/$name.jsonl" | cut -d: -f2 |
        awk '{s += $1} END {printf "%.1f", s}')
    grep -o '"accuracy": *[0-9.]*' "$out/$name.json" | head -1 | awk -F: -v s="$seconds" \
        '{printf "%.2f %% | %s s", 100 * $2, s}'
}

row() { # MODEL EPOCHS NOTEBOOK BAR DATA
    printf '| `%s` | %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" \
        "$(run "$1-notebook" "$1" "$5" notebook --epochs "$2")" "$4" \
        "$(run "$1" "$1" "$5" default --epochs "$2")"
}

echo '| model | epochs | notebook printed | its recipe here | time | bar | our recipe | time |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- |'
row lenet5 5 '98.13 % (as lenet5-same)' '98.8 %' "$mnist"
row lenet5-same 5 '98.13 %' '98.8 %' "$mnist"
row lenet5-max 5 '98.83 %' '98.9 %' "$mnist"
row lenet5-relu 10 '98.71 %' '98.9 %' "$mnist"
row lenet5-sigmoid 10 '-' '97.5 %' "$mnist"
row digits-cnn 10 '-' '99.2 %' "$mnist"
row alexnet-mini 5 '99.17 %' '99.2 %' "$mnist"
if [ -n "$cifar" ]; then
    row lenet5-cifar10 2 '-' '42 %' "$cifar"
    printf '| `lenet5-cifar10` | 10 | - | %s | 55 %% | %s |\n' \
        "$(run lenet5-cifar10-notebook-10 lenet5-cifar10 "$cifar" notebook --epochs 10)" \
        "$(run lenet5-cifar10-10 lenet5-cifar10 "$cifar" default --epochs 10)"
else
    echo 'lenet5-cifar10 is left out: no CIFAR10_IDX_DIR' >&2
fi
printf '| `lenet5-relu` on Fashion-MNIST | 10 | - | %s | 88 %% | %s |\n' \
    "$(run fashion-notebook lenet5-relu "$fashion" notebook --epochs 10)" \
    "$(run fashion lenet5-relu "$fashion" default --epochs 10)"
