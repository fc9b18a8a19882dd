#!/usr/bin/env bash
# test_oclgrind.sh: every kernel on Oclgrind, a simulator of OpenCL devices (Debian: oclgrind) that sees what no
# device shows: races, reads and writes out of bounds, wrong calls, and values that nobody wrote.
#
#     tools/test_oclgrind.sh [--quick] [--jobs N] [--keep DIR] [--only PATTERN] [LENSLET]
#
# LENSLET is the command, default build/release/bin/lenslet. It checks each operation at the small shapes of
# `lenslet check`, with the kernels for CPUs and for GPUs, each algorithm forced in its turn:
#
#     memory   races, bounds and calls, of kernels compiled as for any device
#     values   the same and values that nobody wrote, of kernels compiled without optimisation
#
# A run passes when its results are right and Oclgrind's log is empty (its exit status says nothing). All kernels of
# cl/ must have run in `memory`, those for GPUs in `values` as well. --quick: `memory` alone. --only: the runs that
# match, and no such rule.
# --keep: logs and results go there. The last line sums up. Exit status: 0 all is well, 1 not, 77 without Oclgrind.
# shellcheck disable=SC2317 # functions that xargs runs
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc) only=. keep="" quick=false lenslet=build/release/bin/lenslet
while (($#)); do
    case $1 in
    --quick) quick=true ;;
    --jobs) jobs=$2 && shift ;;
    --keep) keep=$2 && shift ;;
    --only) only=$2 && shift ;;
    -h | --help) sed -n '2,18s/^# \{0,1\}//p' "$0" && exit ;;
    -*) echo "test_oclgrind: there is no option $1; see --help" >&2 && exit 2 ;;
    *) lenslet=$1 ;;
    esac
    shift
done
[[ -x $lenslet ]] || { echo "test_oclgrind: $lenslet is no program; build it, or name it" >&2 && exit 2; }
command -v oclgrind >/dev/null || { echo "test_oclgrind: skipped, oclgrind is not installed" && exit 77; }

work=${keep:-$(mktemp -d)}
mkdir -p "$work"
[[ $keep ]] || trap 'rm -rf "$work"' EXIT
export work lenslet LENSLET_TUNING=0 LENSLET_CACHE=0 LENSLET_DEVICE=Oclgrind
unset LENSLET_ALGORITHM LENSLET_CLASS OCL_ICD_VENDORS

# ---- what Oclgrind 21.10 gets wrong ------------------------------------------------------------

# Its search for unwritten values takes every write by the host for one of the whole buffer, and forgets
# what it knew of the rest; a new buffer inherits what was known of a released one, with that one's size. This
# library in front of it fills buffers by one write, and releases none.
help_library() {
    cat >"$work/help.c" <<'END'
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                           size_t pattern_size, size_t offset, size_t size, cl_uint wait_count,
                           const cl_event *waits, cl_event *event) {
    char *values = malloc(size);
    if (!values)
        return CL_OUT_OF_HOST_MEMORY;
    for (size_t at = 0; at < size; at += pattern_size)
        memcpy(values + at, pattern, pattern_size);
    cl_int code = clEnqueueWriteBuffer(queue, buffer, CL_TRUE, offset, size, values, wait_count,
                                       waits, event);
    free(values);
    return code;
}

cl_int clReleaseMemObject(cl_mem buffer) {
    (void)buffer;
    return CL_SUCCESS;
}
END
    cc -O1 -shared -fPIC -o "$work/help.so" "$work/help.c"
}

# It also takes lane 11 of a vector for unwritten wherever lanes are picked, as this kernel shows, and crashes where two
# vectors are joined: so the kernels that do such things are left out of `values`. False once that is mended.
lanes_confuse_it() {
    printf '%s\n' "kernel void lane(global float *y, global const float *x) {" \
        "const float8 upper = vload16(0, x).hi; y[0] = upper.s3; }" >"$work/lane.cl"
    printf '%s\n' lane.cl lane "1 1 1" "1 1 1" "<size=4 float fill=0>" "<size=64 float fill=1>" >"$work/lane.sim"
    (cd "$work" && oclgrind-kernel --build-options -cl-opt-disable --uninitialized lane.sim >lane.txt 2>&1) || true
    grep -q "Uninitialized value" "$work/lane.txt"
}
lanes='pool2d_rows_|conv2d_rows_|conv2d_winograd_|matmul_dots'

# ---- runs: "MODE CLASS ALGORITHM OPERATION CASES" ----------------------------------------------

# Cases of `lenslet check` of the slow operations, all passes of each: in `few` of conv2d are 1x1 filters, a stride larger
# than the filter, groups, constant, reflected and replicated padding, one row. The rest are alike in what a
# kernel can do wrong, and larger. 11: a sum that is cut into parts; 19, 33: filters of 5x5 and 3x3;
# 121: a batch that fills the lanes; 129: filters that no cache holds.
few=(25-28 49-51 65-67 81-83 89-91 97-99 105-107)
fewer=(25-28 49-51 65-67 89-91)

runs() {
    local op a
    echo "memory gpu tiled conv2d ${few[*]}" && echo "memory gpu clblast conv2d ${few[*]}"
    echo "memory gpu tiled conv2d-parts 11-11" && echo "values gpu tiled conv2d-parts 11-11"
    for a in tiled direct clblast; do echo "values gpu $a conv2d ${fewer[*]}"; done
    echo "memory cpu images conv2d 121-124"
    echo "memory cpu winograd2 conv2d 19-19 33-35 129-131" && echo "memory cpu winograd4 conv2d 33-35"
    for a in packed packed-32 blocked rows direct; do echo "memory cpu $a conv2d ${few[*]}"; done
    for a in packed blocked; do echo "values cpu $a conv2d ${fewer[*]}"; done
    for a in blocked streamed direct; do echo "memory cpu $a dense 1-8 25-40"; done
    for a in tiled direct clblast; do echo "memory gpu $a dense 1-8 25-36"; done
    for a in tiled direct; do echo "values gpu $a dense 1-4 25-28"; done
    echo "values gpu clblast dense 25-28"
    for a in blocked streamed; do echo "values cpu $a dense 26-28"; done
    for op in pool2d pad2d; do echo "memory cpu direct $op 1-24"; done
    echo "memory gpu - pool2d 1-14" && echo "values gpu - pool2d 1-14"
    for a in "memory gpu" "values gpu" "values cpu"; do echo "$a - batchnorm 29-35"; done
    for op in dense pool2d batchnorm; do echo "memory cpu - $op"; done
    for op in pad2d resize2d subsample rbf activation lrn dropout softmax loss optimizer; do
        echo "memory cpu - $op" && echo "memory gpu - $op"
        [[ $op == optimizer ]] || echo "values gpu - $op"
    done
    echo "values gpu - optimizer 15 17 19 21 23 25 26 28" # each kind, one with all it has, the norm without scratch
    for op in pad2d lrn activation; do echo "values cpu - $op"; done
    echo "memory cpu - bench" && echo "memory gpu - bench"
}

# "25 26 27 28" of 25-28; 0, for all, of nothing.
numbers() {
    local range
    (($#)) || echo 0
    for range in "$@"; do seq "${range%-*}" "${range#*-}"; done
}

# One of them, to the end of $log.*.
launch() {
    local mode=$1 class=$2 log=$3 options=(--data-races --check-api) preload="" class_is_gpu=0
    shift 3
    [[ $class == cpu ]] || class_is_gpu=1
    # `bench` measures peak and bandwidth, on arrays that become small with the device's memory.
    [[ $1 == bench ]] && options+=(--global-mem-size "$((class_is_gpu ? 33554432 : 1048576))")
    [[ $mode == values ]] && options+=(--uninitialized --build-options -cl-opt-disable) && preload=$work/help.so:
    # shellcheck disable=SC2016
    LENSLET_CLASS=$class oclgrind "${options[@]}" --log "$log.now" \
        bash -c 'LD_PRELOAD=$0$LD_PRELOAD exec "$@"' "$preload" "$lenslet" "$@" --profile >>"$log.out" 2>>"$log.err" ||
        [[ $log == *winograd4* ]] || echo "exit status $? of $*" >>"$log.log" # winograd4 rounds more than check allows
    [[ -s $log.now ]] && cat "$log.now" >>"$log.log"
    rm -f "$log.now"
}

# Its result is "ok" or what is wrong.
run() {
    local mode=$1 class=$2 algorithm=$3 op=$4 log number what start=$SECONDS
    shift 4
    log=$work/$mode-$class-$algorithm-$op
    rm -f "$log".*
    for number in $(numbers "$@"); do
        if [[ $op == bench ]]; then # with the largest tiles, which no check has
            launch "$mode" "$class" "$log" bench --op dense --pass weight-gradient --rounds 1 \
                "$([[ $class == gpu ]] && echo mb3ic1900oc1025 || echo mb3ic19oc10)"
        else
            what=(check "${op%-parts}")
            ((number == 0)) || what+=(--case "$number")
            [[ $algorithm == - ]] || what+=(--algorithm "$algorithm")
            launch "$mode" "$class" "$log" "${what[@]}"
        fi
    done
    [[ -s $log.log ]] || { echo "ok $mode $class $algorithm $op, $((SECONDS - start)) s" && return; }
    echo "not well: $mode $class $algorithm $op $*"
    grep -v '^[[:space:]]*$' "$log.log" | head -12
}
export -f launch run numbers

# ---- which kernels have run --------------------------------------------------------------------

# CLASS or *, MODE: names in the profiles.
launched() {
    # shellcheck disable=SC2086
    cat /dev/null "$work/$2"-$1-*.err 2>/dev/null | awk '$2 ~ /^[0-9,]+$/ && $1 !~ /^CLBlast/ { print $1 }' | sort -u
}

kernels() {
    cat cl/*.cl | tr '\n' ' ' | grep -oE 'kernel +(__attribute__ *\(\([^)]*\)\)\) +)?void +[a-z0-9_]+' | awk '{ print $NF }' | sort
}

help_library
runs | grep -- "$only" | if $quick; then grep ^memory; else cat; fi >"$work/runs"
(($(wc -l <"$work/runs"))) || { echo "test_oclgrind: no run matches $only" >&2 && exit 2; }
# shellcheck disable=SC2016
tr '\n' '\0' <"$work/runs" | xargs -0 -n 1 -P "$jobs" bash -c 'run $1' run | tee "$work/results"
bad=$(grep -c '^not well' "$work/results") || true

missing=""
if [[ $only == . ]]; then
    missing=$(comm -23 <(kernels) <(launched '*' memory))
    [[ -z $missing ]] || echo "have not run in memory: ${missing//$'\n'/ }"
    unchecked=""
    $quick || unchecked=$(comm -23 <(launched gpu memory) <(launched '*' values) | grep -vE '^limits_') || true
    [[ -z $unchecked ]] || echo "kernels for GPUs that have not run in values: ${unchecked//$'\n'/ }"
    missing=$missing$unchecked
    $quick || lanes_confuse_it || { echo "Oclgrind can pick lanes now: check $lanes in values, too" && missing=lanes; }
    $quick || echo "left out of values, since Oclgrind cannot pick lanes: $(kernels | grep -E "$lanes" | tr '\n' ' ')"
fi
echo "test_oclgrind: $(wc -l <"$work/runs") runs, $bad not well; $(launched '*' memory | wc -l) of $(kernels | wc -l) kernels" \
    "have run, $(launched '*' values | wc -l) of them watched for unwritten values; $SECONDS s"
[[ $bad == 0 && -z $missing ]]
