#!/usr/bin/env bash
# The main job, from nothing: install what is missing, build, then on Fashion-MNIST list the devices,
# check LeNet-5 on the chosen one against the reference, train it, evaluate it, and compare all
# devices: what each reaches, and whether it computes the right thing, as a page to open in a browser.
#
#     tools/demo.sh            LENSLET_DEVICE=... chooses the device
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

title() {
    printf '\n== %s\n\n' "$*"
}

install_packages "${BUILD_PACKAGES[@]}" "${DATA_PACKAGES[@]}"

title "Building"
cmake --preset release -DLENSLET_TESTS=OFF
cmake --build --preset release
lenslet=build/release/bin/lenslet
out=out/demo
mkdir -p "$out"

title "Devices"
"$lenslet" devices

title "Checking LeNet-5, forward and backward, against the reference"
"$lenslet" check lenet5 lenet5-relu

title "Training LeNet-5 on Fashion-MNIST"
"$lenslet" train lenet5-relu --data "$FASHION_MNIST" --epochs 5 --seed 1 \
    --log "$out/train.jsonl" --out "$out/lenet5-relu.safetensors"

title "Evaluating it on the test images"
"$lenslet" eval "$out/lenet5-relu.safetensors" --data "$FASHION_MNIST"

title "Comparing all devices: speed, percent of peak, first start, checks"
failed=0 # a device that computes wrong things still gets its report
"$lenslet" bench --device all --out "$out/comparison.json" || failed=$?
"$lenslet" report "$out/comparison.json" --out "$out/report.html"

printf '\nThe trained network is %s.\n' "$out/lenet5-relu.safetensors"
printf 'The report on all devices is %s.\n' "$PWD/$out/report.html"
exit $failed
