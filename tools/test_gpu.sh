#!/usr/bin/env bash
# test_gpu.sh: all there is to know of Lenslet on a GPU, by one command: the test suite and the cross-check on it,
# each layer against the card's peak, alexnet's speed beside PyTorch's on the same card in the same run, and the
# comparison's page.
#
#     tools/test_gpu.sh [--out DIR] [--device gpu] [--debs DIR] [--quick] [--torch cuda|cpu|none]
#
# Builds first, where build/release has no command. Results go to DIR (default out/gpu): tests.txt, check.txt,
# layers.txt, beside.txt and beside.json (the table), comparison.json and report.html (`lenslet report`). PyTorch is
# taken from python3, if it is there and knows a GPU; both sides compute in float32 without TF32.
#
# --debs: where nothing can be installed, unpack the Debian packages of this folder (*.deb: the OpenCL loader,
# CLBlast, what building needs) into DIR/root and use them from there. --quick: of everything a little, to see that
# this script works: some tests, and lenet5-relu for alexnet, at batch 16 in one round; its figures are worth nothing.
# To try it without a GPU: LENSLET_CLASS=gpu tools/test_gpu.sh --quick --device cpu --torch cpu
#
# Every part runs, whatever became of those before it. Exit status: 0, 1 when one failed, 2 for a wrong option, 77
# where there is no such device.
set -euo pipefail

die() { echo "test_gpu: $*" >&2 && exit 2; }
out="" device=gpu debs="" quick=false torch=cuda
while (($#)); do
    case $1 in
    --out | --device | --debs | --torch)
        [[ -n ${2:-} ]] || die "$1 needs a value; see --help"
        printf -v "${1#--}" %s "$2" && shift
        ;;
    --quick) quick=true ;;
    -h | --help) sed -n '2,20s/^# \{0,1\}//p' "$0" && exit ;;
    *) die "there is no option $1; see --help" ;;
    esac
    shift
done
[[ $torch =~ ^(cuda|cpu|none)$ ]] || die "--torch: \"$torch\" is none of cuda, cpu, none"
[[ -z $debs ]] || debs=$(realpath -m "$debs")
[[ -z $out ]] || out=$(realpath -m "$out")
cd "$(dirname "$0")/.."
out=${out:-$PWD/out/gpu}
mkdir -p "$out"
lenslet=$PWD/build/release/bin/lenslet
status=0

title() { printf '\n== %s ==\n' "$*"; }

# The packages of $debs, where compilers, loaders and CMake look for them.
use_packages() {
    local root=$out/root deb libraries headers
    for deb in "$debs"/*.deb; do
        [[ -e $deb ]] || die "$debs holds no *.deb"
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
    [[ $(PATH=$PATH:/sbin ldconfig -p) == *libnvidia-opencl.so.1* ]] || return 0
    mkdir -p "$out/vendors"
    echo libnvidia-opencl.so.1 >"$out/vendors/nvidia.icd"
    export OCL_ICD_VENDORS=$out/vendors
}

build() {
    local options=(-DCMAKE_BUILD_TYPE=Release)
    title "building"
    pkg-config --exists cmocka || options+=(-DLENSLET_TESTS=OFF)
    { cmake -S . -B build/release "${options[@]}" && cmake --build build/release -j "$(nproc)"; } >"$out/build.txt" 2>&1 ||
        { tail -20 "$out/build.txt" >&2 && exit 1; }
}

# part NAME COMMAND ...: shows its output and keeps it in NAME.txt.
part() {
    local name=$1
    shift
    title "$name: $*"
    "$@" 2>&1 | tee "$out/$name.txt" || { status=1 && echo "FAILED: $name, see $out/$name.txt"; }
}

[[ -z $debs ]] || use_packages
find_driver
[[ -x $lenslet ]] || build
export LENSLET=$lenslet LENSLET_DEVICE=$device
"$lenslet" devices >"$out/devices.txt" 2>"$out/no_device.txt" || {
    cat "$out/no_device.txt" >&2
    "$lenslet" devices --device reference >/dev/null 2>&1 || exit 1
    echo "test_gpu: skipped, there is no device \"$device\"; \`lenslet devices\` lists what there is" >&2
    exit 77
}
title devices
cat "$out/devices.txt"

tests=(-E '^(compile_for_gpus|cli_report_page)$') net=alexnet batches=16,64,128 turns=() compared=()
if $quick; then
    tests=(-R '^(test_(dense|pool2d|optimizer)|cli_usage)$') net=lenet5-relu batches=16
    turns=(--rounds 1 --seconds 0.2) compared=(lenet5-relu --seconds 0.2)
fi
if [[ -e build/release/CTestTestfile.cmake ]]; then
    part tests ctest --test-dir build/release --output-on-failure -j 2 "${tests[@]}"
else
    title "tests: left out, for build/release was built without them (they need cmocka)"
fi
part check "$lenslet" check
part layers "$lenslet" bench "$net" --layers --batch-size "${batches%%,*}"
if command -v python3 >/dev/null; then
    turns+=(--torch "$torch" --model "$net" --batches "$batches" --out "$out/beside.json")
    part beside python3 -B bench/peers/gpu.py "${turns[@]}"
else # nobody to take turns with
    for batch in ${batches//,/ }; do
        part "beside_$batch" "$lenslet" bench "$net" --batch-size "$batch" --optimizer momentum
    done
fi
part comparison "$lenslet" bench --compare "${compared[@]}" --out "$out/comparison.json"
part report "$lenslet" report "$out/comparison.json" --out "$out/report.html"
title "done: exit status $status, results in $out"
exit $status
