#!/usr/bin/env bash
# compile_for_gpus.sh: compile every kernel that GPUs would run with the vendors' compilers, no GPU needed,
# and print what each takes: registers, spills, scratch and local memory, and the occupancy they leave.
#
#     tools/compile_for_gpus.sh [--jobs N] [--all] [LENSLET]
#
# LENSLET is the command, default build/release/bin/lenslet. It runs its kernels for GPUs on any OpenCL device
# that is there, and its log says which programs it built with which options: those are compiled.
#
#     AMD      clang, libclc            gfx906, gfx1030, gfx1100
#     NVIDIA   clang, libclc, ptxas     sm_80, sm_90 (PTX alone where ptxas is absent)
#     Intel    ocloc                    tgllp, dg2
#
# A compiler that is absent is named and left out. The table shows the matrix products and what spills or takes
# scratch memory; --all shows every kernel. Registers: of a work-item on AMD and NVIDIA, of a thread on Intel. Spills,
# scratch: registers on AMD, bytes. Occupancy: of the most waves or warps, as registers and local memory allow;
# on Intel how many work-items share a thread's registers.
#
# Exit status: 1 where something does not compile, or a hot kernel spills; 77 without a compiler or a device.
# shellcheck disable=SC2317 # functions that xargs runs
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc) all=0 lenslet=build/release/bin/lenslet
while (($#)); do
    case $1 in
    --jobs) jobs=$2 && shift ;;
    --all) all=1 ;;
    -h | --help) sed -n '2,20s/^# \{0,1\}//p' "$0" && exit ;;
    -*) echo "compile_for_gpus: there is no option $1; see --help" >&2 && exit 2 ;;
    *) lenslet=$1 ;;
    esac
    shift
done
[[ -x $lenslet ]] || { echo "compile_for_gpus: $lenslet is no program; build it, or name it" >&2 && exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work
clang=$(command -v clang-15 clang-14 clang | head -1) || true
ptxas=$(command -v ptxas /usr/local/cuda/bin/ptxas | head -1) || true
export clang ptxas

# ---- what is compiled --------------------------------------------------------------------------

# Lines "NAME OPTIONS". The checks run every operation; small devices have `direct`, and large shapes the
# largest tiles.
programs() {
    export LENSLET_CLASS=gpu LENSLET_LOG=debug
    {
        "$lenslet" check --device auto
        "$lenslet" check conv2d dense --device auto --algorithm direct
        "$lenslet" bench mb8ic256ih46oc256kh1 --op conv2d --device auto --rounds 1
        "$lenslet" bench mb128ic256oc16512 --op dense --device auto --rounds 1
    } 2>&1 >"$work/run.txt" | sed -n 's/^lenslet: program //p' | sort -u
}

# ---- compilers: each writes rows "target program variant kernel registers spills scratch local occupancy" ----

# A program's own options, short: ROWS=8,COLUMNS=16 of "-cl-std=CL1.2 -DROWS=8 -DCOLUMNS=16 -DPAD_ZERO=0 ...".
variant_of() {
    sed 's/ -DPAD_ZERO.*//; s/-cl-std=[^ ]*//; s/-D//g; s/^ *//; s/ *$//; s/ /,/g; s/^$/-/' <<<"$1"
}

# clang to assembly of $1, with built-in functions from $2; the rest are its options.
to_assembly() {
    local target=$1 library=$2 out=$3
    shift 3
    "$clang" -x cl -Xclang -finclude-default-header -O3 -target "$target" -nogpulib -w -Xclang -mlink-builtin-bitcode \
        -Xclang "/usr/lib/clc/$library.bc" -S -o "$out" "$@"
}

# The compiler itself says how many waves a SIMD holds of 10, 16 and 16.
amd() {
    local target=$1 name=$2 options=$3 source=$4 out=$5
    # shellcheck disable=SC2086 # options are words
    to_assembly amdgcn-amd-amdhsa amdgcn--amdhsa "$out.s" "-mcpu=$target" $options "$source"
    awk -v target="$target" -v name="$name" -v variant="$(variant_of "$options")" '
        /^[a-z_0-9]+:/ { f = substr($1, 1, length($1) - 1) }
        /^; Occupancy:/ { waves[f] = $3 }
        /\.group_segment_fixed_size:/ { locals = $NF }
        /\.name:/ && !/arg/ { kernel = $NF }
        /\.private_segment_fixed_size:/ { scratch = $NF }
        /\.vgpr_count:/ { registers = $NF }
        /\.vgpr_spill_count:/ {
            printf "%s %s %s %s %d %d %d %d %d\n", target, name, variant, kernel, registers, $NF, scratch, locals, \
                100 * waves[kernel] / (target == "gfx906" ? 10 : 16)
        }' "$out.s"
}

# Warps of an SM by registers and local memory, in groups of the size that the kernel asks for, else of 256. An SM
# has 65536 registers, given out to a warp by 256, and 164 or 228 KiB.
nvidia() {
    local target=$1 name=$2 options=$3 source=$4 out=$5
    # shellcheck disable=SC2086
    to_assembly nvptx64--nvidiacl nvptx64--nvidiacl "$out.ptx" -Xclang -target-cpu -Xclang sm_80 \
        -Xclang -target-feature -Xclang +ptx70 $options "$source"
    [[ $ptxas ]] || return 0
    "$ptxas" -v "-arch=$target" -o "$out.cubin" "$out.ptx" 2>"$out.log" || { cat "$out.log" >&2 && return 1; }
    awk -v target="$target" -v name="$name" -v variant="$(variant_of "$options")" '
        FILENAME ~ /ptx$/ {
            if ($1 == ".entry" || $2 == ".entry") { kernel = $NF; sub(/\(.*/, "", kernel) }
            if ($1 == ".reqntid") { gsub(",", ""); threads[kernel] = $2 * ($3 ? $3 : 1) * ($4 ? $4 : 1) }
            next
        }
        /Compiling entry function/ { split($0, quoted, "\047"); kernel = quoted[2] }
        /bytes stack frame/ { stack = $1; spills = $5 + $9 }
        /Used [0-9]+ registers/ {
            match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
            locals = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART) + 0 : 0
            group = (threads[kernel] ? threads[kernel] : 256) / 32
            room = target == "sm_80" ? 164 : 228
            groups = int(65536 / (int((registers * 32 + 255) / 256) * 256) / group)
            if (locals && room * 1024 / locals < groups) groups = int(room * 1024 / locals)
            if (groups * group > 64) groups = int(64 / group)
            printf "%s %s %s %s %d %d %d %d %d\n", target, name, variant, kernel, registers, spills, stack, locals, \
                100 * groups * group / 64
        }' "$out.ptx" "$out.log"
}

# Intel: 128 registers of 32 bytes a thread, always; the width says how many work-items share them.
intel() {
    local target=$1 name=$2 options=$3 source=$4 out=$5
    ocloc compile -file "$source" -device "$target" -options "$options" -internal_options "-cl-intel-allow-zebin" \
        -out_dir "$out" -output binary -output_no_suffix >"$out.log" 2>&1 || { cat "$out.log" >&2 && return 1; }
    readelf -p .ze_info "$out/binary" | awk -v target="$target" -v name="$name" -v variant="$(variant_of "$options")" '
        function row() {
            if (kernel) printf "%s %s %s %s %d %d %d %d SIMD%d\n", target, name, variant, kernel, registers, spills, scratch, locals, width
            spills = scratch = locals = 0
        }
        { sub(/\\n$/, "") }
        /kernels_misc_info:/ { exit }
        /- name:/ { row(); kernel = $NF }
        /grf_count:/ { registers = $NF }
        /slm_size:/ { locals = $NF }
        /simd_size:/ { width = $NF }
        /spill_size:/ { spills = $NF }
        /usage:/ { usage = $NF }
        /per_thread_memory_buffers:/ { usage = "" }
        /size:/ && usage == "spill_fill_space" { spills = $NF; usage = "" }
        /size:/ && usage == "private_space" { scratch = $NF; usage = "" }
        END { row() }'
}

compile() {
    local vendor=$1 target=$2 name=$3 options=$4
    local out
    out=$work/$target-$(md5sum <<<"$name $options" | cut -c1-12)
    cat cl/common.cl "cl/$name.cl" >"$out.cl"
    "$vendor" "$target" "$name" "$options" "$out.cl" "$out" >"$out.rows" 2>"$out.errors" || {
        echo "$target: $name.cl $(variant_of "$options") does not compile:"
        head -5 "$out.errors"
    } >"$out.failed"
    [[ -s $out.failed ]] || rm -f "$out.failed"
}
export -f compile amd nvidia intel to_assembly variant_of

targets() {
    if [[ $clang && -e /usr/lib/clc/amdgcn--amdhsa.bc ]]; then
        printf 'amd %s\n' gfx906 gfx1030 gfx1100
        if [[ $ptxas ]]; then printf 'nvidia %s\n' sm_80 sm_90; else echo nvidia PTX; fi
    fi
    if command -v ocloc >/dev/null && command -v readelf >/dev/null; then printf 'intel %s\n' tgllp dg2; fi
}

absent() {
    [[ $clang ]] || echo "AMD, NVIDIA left out: clang is not installed (clang-15)"
    [[ -e /usr/lib/clc/amdgcn--amdhsa.bc ]] || echo "AMD, NVIDIA left out: no built-in functions (libclc-15)"
    [[ $ptxas ]] || echo "NVIDIA: compiled to PTX only, ptxas is not installed (nvidia-cuda-toolkit)"
    command -v ocloc >/dev/null || echo "Intel left out: ocloc is not installed (intel-opencl-icd)"
}

# ---- the table ---------------------------------------------------------------------------------

hot='^(matmul_tiled|conv2d_clblast_.*|pool2d_.*|lrn_across_.*|batchnorm_.*|activation_.*|optimizer_.*|softmax_.*|loss_.*|dropout|limits_.*)$'

table() {
    awk -v all="$all" '
        BEGIN { print "target", "kernel", "options", "registers", "spills", "scratch", "local", "occupancy" }
        all || $6 + $7 > 0 || $4 == "matmul_tiled" { print $1, $4, $3, $5, $6, $7, $8, $9 ($9 ~ /SIMD/ ? "" : "_%") }' |
        column -t | sed 's/_%/ %/'
}

programs >"$work/programs"
[[ -s $work/programs ]] || { cat "$work/run.txt" >&2 && echo "compile_for_gpus: $lenslet found no OpenCL device" >&2 && exit 77; }
absent
mapfile -t lines < <(targets)
((${#lines[@]})) || { echo "compile_for_gpus: no compiler for a GPU is installed" >&2 && exit 77; }

while read -r vendor target; do
    while read -r name options; do printf '%s\0%s\0%s\0%s\0' "$vendor" "$target" "$name" "$options"; done <"$work/programs"
done < <(printf '%s\n' "${lines[@]}") | xargs -0 -n 4 -P "$jobs" bash -c 'compile "$@"' compile

cat "$work"/*.rows | sort -V >"$work/rows"
table <"$work/rows"
echo
awk '{ n[$1]++ } END { for (t in n) print n[t], "kernels for", t }' "$work/rows" | sort -k4 -V
status=0
cat "$work"/*.failed 2>/dev/null && status=1
awk -v hot="$hot" '$4 ~ hot && $6 + $7 > 0 { print "a hot kernel spills:", $1, $4, $3; bad = 1 } END { exit bad }' \
    "$work/rows" || status=1
exit $status
