#!/usr/bin/env bash
# test_gpu.sh: all there is to know of Lenslet on a GPU, by one command: the test suite and the cross-check on it,
# alexnet's speed, each layer against the card's peak, and PyTorch's figures on the same card in the same run.
#
#     tools/test_gpu.sh [--out DIR] [--device gpu] [--debs DIR] [--quick] [--torch cuda|cpu|none]
#
# Builds first, where build/release has no command. Results go to DIR (default out/gpu): tests.txt, check.txt,
# layers.txt, gpu.json (the table), comparison.json and report.html (`lenslet report`). PyTorch is taken from
# python3, if it is there and knows a GPU; both sides compute in float32 without TF32.
#
# --debs: where nothing can be installed, unpack the Debian packages of this folder (*.deb: the OpenCL loader,
# CLBlast, what building needs) into DIR/root and use them from there. --quick: no test suite, batch 16 only, and no
# comparison. --device, --torch: another one, to try this script itself (--device cpu --torch cpu; LENSLET_CLASS=gpu
# for the kernels for GPUs).
#
# Exit status: 0, 1 when a test or a check failed, 77 where there is no such device.
set -euo pipefail
cd "$(dirname "$0")/.."

out=out/gpu device=gpu debs="" quick=false torch=cuda
while (($#)); do
    case $1 in
    --out | --device | --debs | --torch)
        [[ $# -ge 2 ]] || { echo "test_gpu: $1 needs a value; see --help" >&2 && exit 2; }
        declare "${1#--}=$2" && shift
        ;;
    --quick) quick=true ;;
    -h | --help) sed -n '2,19s/^# \{0,1\}//p' "$0" && exit ;;
    *) echo "test_gpu: there is no option $1; see --help" >&2 && exit 2 ;;
    esac
    shift
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
lenslet=$PWD/build/release/bin/lenslet
status=0

title() { printf '\n== %s ==\n' "$*"; }

# The packages of $debs, where compilers, loaders and CMake look for them.
use_packages() {
    local root=$out/root deb libraries headers
    for deb in "$debs"/*.deb; do
        [[ -e $deb ]] || { echo "test_gpu: $debs holds no *.deb" >&2 && exit 2; }
        dpkg -x "$deb" "$root"
    done
    libraries=$root/usr/lib/$(uname -m)-linux-gnu headers=$root/usr/include
    headers=$headers:$headers/$(uname -m)-linux-gnu
    export PATH=$root/usr/bin:$PATH CMAKE_PREFIX_PATH=$root/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}
    export CPATH=$headers${CPATH:+:$CPATH}
    export LIBRARY_PATH=$libraries:$root/usr/lib${LIBRARY_PATH:+:$LIBRARY_PATH}
    export LD_LIBRARY_PATH=$libraries:$root/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export PKG_CONFIG_PATH=$libraries/pkgconfig:$root/usr/share/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
}

# In a container NVIDIA's driver is often there without the file by which the loader finds it.
find_driver() {
    [[ -z ${OCL_ICD_VENDORS:-} && -z $(ls /etc/OpenCL/vendors/*.icd 2>/dev/null) ]] || return 0
    ldconfig -p | grep -q 'libnvidia-opencl\.so\.1' || return 0
    mkdir -p "$out/vendors"
    echo libnvidia-opencl.so.1 >"$out/vendors/nvidia.icd"
    export OCL_ICD_VENDORS=$out/vendors
}

build() {
    local options=(-DCMAKE_BUILD_TYPE=Release)
    title "building"
    pkg-config --exists cmocka || options+=(-DLENSLET_TESTS=OFF)
    cmake -S . -B build/release "${options[@]}" >"$out/build.txt"
    cmake --build build/release -j "$(nproc)" >>"$out/build.txt" || { tail -20 "$out/build.txt" >&2 && exit 1; }
}

# failing NAME COMMAND ...: output to NAME.txt, of which the end is shown.
failing() {
    local name=$1
    shift
    title "$name: $*"
    "$@" >"$out/$name.txt" 2>&1 || { status=1 && echo "FAILED, see $out/$name.txt"; }
    tail -4 "$out/$name.txt"
}

[[ -z $debs ]] || use_packages
find_driver
[[ -x $lenslet ]] || build
export LENSLET=$lenslet LENSLET_DEVICE=$device
"$lenslet" devices >"$out/devices.txt" 2>"$out/no_device.txt" || {
    cat "$out/no_device.txt" >&2
    "$lenslet" devices --device reference >/dev/null 2>&1 || exit 1
    echo "test_gpu: skipped, there is no device \"$device\"; \`lenslet devices\` lists what there is" && exit 77
}
title devices
cat "$out/devices.txt"

if ! $quick && [[ -e build/release/CTestTestfile.cmake ]]; then
    failing tests ctest --test-dir build/release --output-on-failure -j 2 -E '^(compile_for_gpus|cli_report_page)$'
fi
failing check "$lenslet" check
failing layers "$lenslet" bench alexnet --layers --batch-size "$($quick && echo 16 || echo 64)"
cat "$out/layers.txt"

title "alexnet, beside PyTorch"
options=()
! $quick || options=(--rounds 1 --seconds 0.2 --batches 16)
if command -v python3 >/dev/null; then
    python3 -B bench/peers/gpu.py --torch "$torch" "${options[@]}" -o "$out/gpu.json" || status=1
else
    for mode in training inference; do
        for batch in 16 64 128; do
            "$lenslet" bench alexnet --mode $mode --batch-size $batch --optimizer momentum || status=1
        done
    done
fi
if ! $quick; then
    title "comparison"
    "$lenslet" bench --compare --out "$out/comparison.json" || status=1
    "$lenslet" report "$out/comparison.json" --out "$out/report.html" || status=1
fi
title "done: exit status $status, results in $out"
exit $status
