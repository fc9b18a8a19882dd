#!/usr/bin/env bash
# Train every network of the zoo with its notebook's (or paper's) recipe and with ours, and print the
# table of docs/results.md.
#
#     bench/results.sh [--done] DATA_DIR [ROW ...]
#
# DATA_DIR holds mnist/ (the four files), cifar10-jpeg.tar.xz and catdog.tar.xz, which are unpacked
# under out/data; rows whose data are missing are left out, by name. ROW is a model's name: only its
# rows. Every run is kept under out/results and not repeated, and one that is stopped goes on when the
# script is started again, so the whole, which takes hours, can be had in pieces. --done trains
# nothing and shows the table so far, with "-" where a run is missing.
set -euo pipefail
shopt -s inherit_errexit # a run that stops ends the script, also inside $(...)
cd "$(dirname "$0")/.."
lenslet=${LENSLET:-build/release/bin/lenslet}
done_only=false
if [ "${1-}" = --done ]; then
    done_only=true
    shift
fi
data=${1:?usage: bench/results.sh [--done] DATA_DIR [ROW ...]}
shift
wanted=("$@")
out=out/results
mkdir -p "$out" out/data

# ---- data ---------------------------------------------------------------------------------------

unpacked() { # ARCHIVE FOLDER: where the pictures are, unpacked once
    if [ ! -f "$data/$1" ]; then
        return 0
    fi
    if [ ! -d "out/data/$2" ]; then
        rm -rf "out/data/$2.part"
        mkdir "out/data/$2.part"
        tar -xf "$data/$1" -C "out/data/$2.part"
        mv "out/data/$2.part" "out/data/$2"
    fi
    # the archive's own top folder, where it has one
    if [ -d "out/data/$2/train" ]; then echo "out/data/$2"; else echo "out/data/$2"/*; fi
}

fashion=/usr/share/datasets/fashion-mnist
mnist=$([ -d "$data/mnist" ] && echo "$data/mnist" || true)
cifar=$(unpacked cifar10-jpeg.tar.xz cifar10)
catdog=$(unpacked catdog.tar.xz catdog)

# ---- one run ------------------------------------------------------------------------------------

# The training run NAME, to its end; one of fewer epochs goes on.
train() { # NAME MODEL DATA RECIPE SEED EPOCHS
    local name=$1 start=(--recipe "$4" --seed "$5")
    if [ -f "$out/$name.safetensors" ]; then
        start=(--resume "$out/$name.safetensors")
    else
        rm -f "$out/$name.jsonl"
    fi
    "$lenslet" train "$2" --data "$3" "${start[@]}" --epochs "$6" \
        --log "$out/$name.jsonl" --out "$out/$name.safetensors" >&2
}

# "accuracy | seconds" of the run NAME, in percent.
run() { # NAME MODEL DATA RECIPE SEED EPOCHS
    local name=$1 pictures=$3 seconds
    if [ ! -f "$out/$name.json" ]; then
        if $done_only; then
            printf -- '- | -'
            return
        fi
        train "$@"
        "$lenslet" eval "$out/$name.safetensors" --data "$pictures" --quiet --format json \
            >"$out/$name.json.part"
        mv "$out/$name.json.part" "$out/$name.json"
    fi
    seconds=$(grep -o '"seconds":[0-9.e+-]*' "$out/$name.jsonl" | cut -d: -f2 |
        awk '{s += $1} END {printf "%.0f", s}')
    grep -o '"accuracy": *[0-9.]*' "$out/$name.json" | sed -n 1p |
        awk -F: -v s="$seconds" '{printf "%.2f %% | %s s", 100 * $2, s}'
}

# ---- rows ---------------------------------------------------------------------------------------

is_wanted() { # MODEL
    local name
    [ ${#wanted[@]} -gt 0 ] || return 0
    for name in "${wanted[@]}"; do
        [ "$name" != "$1" ] || return 0
    done
    return 1
}

# One line of the table. EPOCHS is for both recipes, or NOTEBOOK:OURS; - as the notebook's: its recipe
# is not run. A second row of a model needs a SUFFIX for its runs.
row() { # MODEL PICTURES DATA SEED EPOCHS PRINTED BAR [SUFFIX]
    local model=$1 pictures=$2 folder=$3 seed=$4 epochs=$5 suffix=${8-} theirs='- | -' ours
    is_wanted "$model" || return 0
    if [ -z "$folder" ]; then
        echo "$model is left out: no $pictures in $data" >&2
        return 0
    fi
    if [ "${epochs%:*}" != - ]; then
        theirs=$(run "$model-notebook$suffix" "$model" "$folder" notebook "$seed" "${epochs%:*}")
    fi
    ours=$(run "$model$suffix" "$model" "$folder" default "$seed" "${epochs#*:}")
    printf '| `%s` | %s | %s | %s | %s | %s | %s |\n' \
        "$model" "$pictures" "${epochs/:/, }" "$6" "$theirs" "$7" "$ours"
}

echo '| model | pictures | epochs | notebook printed | its recipe here | time | bar | our recipe | time |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'
row lenet5 MNIST "$mnist" 1 5 '98.13 % (as lenet5-same)' '98.8 %'
row lenet5-same MNIST "$mnist" 1 5 '98.13 %' '98.8 %'
row lenet5-max MNIST "$mnist" 1 5 '98.83 %' '98.9 %'
row lenet5-relu MNIST "$mnist" 1 10 '98.71 %' '98.9 %'
row lenet5-relu Fashion-MNIST "$fashion" 1 10 - '88 %' -fashion
row lenet5-sigmoid MNIST "$mnist" 1 10 - '97.5 %'
row lenet5-1998 MNIST "$mnist" 0 20 '99.05 % (the paper)' '98.7 %'
row digits-cnn MNIST "$mnist" 1 10 - '99.2 %'
row alexnet-mini MNIST "$mnist" 1 5 '99.17 %' '99.2 %'
row alexnet-mnist MNIST "$mnist" 0 3 '98.74 %' '98.9 %'
row lenet5-cifar10 CIFAR-10 "$cifar" 1 2 - '42 %'
row lenet5-cifar10 CIFAR-10 "$cifar" 1 10 - '55 %' -10
row alexnet-cifar10 CIFAR-10 "$cifar" 0 1:5 '10.00 % (5 epochs)' '65 %'
row binary-cnn 'cats, dogs' "$catdog" 0 10:20 - '65 %'
row alexnet-bn 'cats, dogs' "$catdog" 0 2:12 '50 % (stuck)' '65 %'
row alexnet-valid 'cats, dogs' "$catdog" 0 -:12 - 'trains'
row alexnet 'cats, dogs' "$catdog" 0 -:12 - 'trains'
row alexnet-2012 'cats, dogs' "$catdog" 0 -:12 - 'trains'
