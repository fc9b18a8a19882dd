#!/usr/bin/env bash
# made_up.sh: devices that no machine has (tests/icd/made_up.c): their list, the choice among them, their limits
# and what they refuse.
. "$(dirname "$0")/lib.sh"
[ -e "${MADE_UP_DRIVER:-}" ] || {
    echo "skipped: built without the driver of made-up devices"
    exit 77
}
mkdir vendors
echo "$MADE_UP_DRIVER" >vendors/made_up.icd
export OCL_ICD_VENDORS=$PWD/vendors MADE_UP_DEVICES=$PWD/devices.txt
unset LENSLET_DEVICE

# chooses INDEX DEVICE-NAME [arguments ...]: what `devices` says is chosen. The loader orders the platforms.
chooses() {
    local name=$1
    shift
    expect 0 devices --format json "$@"
    json "[x['name'] for x in d['devices'] if x['chosen']] == ['$name']"
}

# ---- nothing there: the reference remains
: >devices.txt
chooses reference
prints '"reason"'
expect 3 devices --device gpu && says 'there is no usable device "gpu"'
printf 'platform Empty\n' >devices.txt
chooses reference && json 'len(d["devices"]) == 1'

# ---- auto takes a GPU, then an accelerator, then a CPU; never what cannot run
cat >devices.txt <<'END'
platform Sorted
device cpu Slow
device accelerator Odd
device gpu Broken
 available 0
device gpu Mute
 answers 0
device gpu Precompiled
 compiler 0
device gpu Fast
device gpu Faster
END
chooses Fast
chooses Faster --device gpu:1
chooses Odd --device accelerator
chooses Slow --device cpu
chooses Faster --device fASTER
LENSLET_DEVICE=odd chooses Odd
chooses Odd --device 1
chooses Faster --device 0:6
expect 3 devices --device fast && says '"fast" fits 2 devices: 5: Sorted / Fast; 6: Sorted / Faster'
expect 3 devices --device gpu:2 && says 'there is no usable device "gpu:2"'
expect 3 devices --device broken && says 'no usable device is called "broken"'
expect 3 summary lenet5 --device 2 && says "device 2, Broken, is not available"
expect 3 summary lenet5 --device 3 && says "device 3, unnamed device, is not available"
expect 3 summary lenet5 --device 4 && says "device 4, Precompiled, has no compiler"
grep -v -e accelerator -e gpu <devices.txt | grep -v "^ " >cpu.txt
MADE_UP_DEVICES=cpu.txt chooses Slow
sed '/gpu/,$d' devices.txt >few.txt
MADE_UP_DEVICES=few.txt chooses Odd

# ---- names: twice the same, any script, too long, with what breaks lines
long=$(printf 'é%.0s' $(seq 200))
printf 'platform Names\ndevice gpu Twin\ndevice gpu Twin\ndevice gpu 处理器 ★\ndevice gpu a\tb\r\ndevice gpu x%s\n' "$long" >devices.txt
expect 3 summary lenet5 --device twin && says "fits 2 devices: 0: Names / Twin; 1: Names / Twin"
expect 0 summary lenet5 --device 1 && prints "Names / Twin"
chooses '处理器 ★' --device 处理器
expect 0 devices && prints "Names"
json_name() { expect 0 devices --format json --device "$1" && json "d['devices'][0]['name'] == $2"; }
json_name 3 '"a b"'
json_name 4 '"x" + "é" * 63'

# ---- limits, huge and tiny
cat >devices.txt <<'END'
platform Limits
device cpu Huge
 units 4294967295
 memory 18446744073709551615
 allocation 18446744073709551615
 local 18446744073709551615
 group 18446744073709551615
device gpu Tiny
 units 0
 memory 1048576
 allocation 262144
 local 0
 group 1
device gpu Gone
 opens 0
device cpu Narrow
 group 1024
 along 128
END
expect 0 devices && prints "Huge"
expect 0 devices --format json && json 'd["devices"][0]["memory_bytes"] == 2**63 - 1 and d["devices"][1]["work_group_items"] == 1'
json 'd["devices"][3]["work_group_items"] == 128' # a group lies along the first dimension
for device in 0 1; do
    expect 0 summary alexnet --device $device && prints "training at batch"
    expect 0 summary lenet5-relu --device $device --batch-size 1
done
make_data
expect 7 train lenet5 --data data --batch-size 64 --device 1
says "Tiny has 1024 KiB and gives at most 256 KiB at once; a batch of"
expect 7 train alexnet --data data --device 1 && says "not even a batch of 1 would fit"
expect 4 bench lenet5 --device 0 # a debug build marks new tensors by a fill, before weights are written
says "floats: CL_OUT_OF_RESOURCES (-5)" && says "lenslet bench: clEnqueue"
expect 3 bench lenet5 --device 2 && says "clCreateContext on Gone: CL_DEVICE_NOT_AVAILABLE"
expect 1 check conv2d --device 0 && prints "0 passed"

# ---- what is done differently for a driver is said
printf 'platform NVIDIA CUDA\ndevice gpu A\nplatform Oclgrind\ndevice gpu B\nplatform Another\ndevice gpu C\n' >devices.txt
printf 'platform rusticl\ndevice gpu D\ndevice cpu E\n' >>devices.txt
expect 0 devices --format json
json '{x["name"]: x["quirks"] for x in d["devices"] if x["quirks"]} == {
    "A": "keeps kernels", "B": "no prefetching", "E": "kernels for GPUs"}'
expect 0 devices --device cuda && prints "keeps kernels"
