#!/usr/bin/env bash
# check.sh: the cross-check passes on this device, and fails when a kernel is wrong.
. "$(dirname "$0")/lib.sh"
make_data

expect 0 check dense softmax net.json --format json
json 'd["failed"] == 0 and d["cases"] == len(d["records"]) > 40'
json 'all({"op", "pass", "shape", "max_ulp", "max_abs", "status"} <= set(r) for r in d["records"])'
json '{r["op"] for r in d["records"]} == {"dense", "softmax", "quarters"}'
json '{r["pass"] for r in d["records"] if r["op"] == "quarters"} == {"initialize", "forward", "loss", "backward"}'
json 'all(r["max_ulp"] <= r["limit_ulp"] and r["status"] == "pass" for r in d["records"])'
json 'sum(r["op"] == "quarters" and r["pass"] == "forward" for r in d["records"]) == 5 # softmax apart'

expect 0 check lrn batchnorm dropout --format json
json '{r["pass"] for r in d["records"] if r["op"] == "batchnorm"} == {"forward", "training", "statistics", "backward_gamma", "backward_beta", "backward_input"}'
json 'all(r["max_ulp"] == 0 for r in d["records"] if r["op"] == "dropout")'
expect 0 check softmax && prints "none failed" && prints "backward_input"
expect 0 check softmax --verbose && prints "over channels of pixels"
expect 0 check softmax --case 3 --format json && json 'len(d["records"]) == 1 and d["records"][0]["case"] == 3'
expect 0 check softmax --format csv && head -1 "$out" | grep -q "^device,op,case,pass,"
expect 0 check softmax --device reference --device reference --format json && json 'len(d["devices"]) == 1'
expect 0 check softmax --device all --format json
json 'len(d["records"]) == 10 * len(d["devices"]) and d["devices"][-1]["type"] == "reference"'
expect 2 check softmax --case 999 && says "cases 1 .. 10"
expect 2 check --case 1 && says "exactly one"
expect 2 check softmx && says "did you mean softmax?"
expect 2 check lenet && says "lenet5"

# ---- a wrong kernel: softmax multiplies by the sum
if "$LENSLET" devices | grep -q "> chosen: reference"; then
    echo "skipped: a wrong kernel, as the chosen device runs none"
    exit 0
fi
kernels=$here/../../cl
cp -r "$kernels" wrong
LENSLET_CL_DIR=$PWD/wrong expect 0 check softmax --algorithm direct
sed -i 's|/= sum|*= sum|' wrong/softmax.cl
if cmp -s "$kernels/softmax.cl" wrong/softmax.cl; then
    fail "the sed line above no longer changes softmax.cl"
fi
LENSLET_CL_DIR=$PWD/wrong expect 1 check softmax --algorithm direct
prints "FAILED softmax case" && prints "repeat: lenslet check softmax --case" && prints "--algorithm direct"
repeat=$(sed -n 's/^ *repeat: lenslet //p' "$out" | head -1)
# shellcheck disable=SC2086
LENSLET_CL_DIR=$PWD/wrong expect 1 $repeat
# shellcheck disable=SC2086
expect 0 $repeat
LENSLET_CL_DIR=$PWD/wrong expect 1 check softmax --algorithm direct --format json
json 'd["failed"] == sum(r["status"] == "fail" for r in d["records"]) > 0'
says "repeat: lenslet check softmax --case"

# ---- pocl.cl declares what the kernels call, and what calls more is built all the same
LENSLET_LOG=debug expect 0 check conv2d pool2d pad2d dense activation loss optimizer dropout
! grep "with PoCL's own header" "$err" || fail "cl/pocl.cl lacks a function that kernels call"
sed "s|\*= sum|/= sum + sinh(0.0f * sum)|" wrong/softmax.cl >more.cl
if grep -q sinh more.cl && ! grep -q sinh wrong/pocl.cl; then
    mv more.cl wrong/softmax.cl
else
    fail "the sed line above no longer changes softmax.cl, or pocl.cl has sinh"
fi
LENSLET_LOG=debug LENSLET_CL_DIR=$PWD/wrong expect 0 check softmax --algorithm direct
if "$LENSLET" devices | grep -q "Portable Computing Language"; then
    says "softmax.cl is built with PoCL's own header"
fi

# ---- a kernel that does not compile, and a folder without kernels
echo "this is no kernel" >>wrong/softmax.cl
LENSLET_CL_DIR=$PWD/wrong expect 1 check softmax --algorithm direct && prints "does not compile"
LENSLET_CL_DIR=$PWD/nowhere expect 1 check softmax --algorithm direct && prints "nowhere"
