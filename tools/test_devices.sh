#!/usr/bin/env bash
# test_devices.sh: the tests on every OpenCL implementation found, under several settings, as one table.
#
#     tools/test_devices.sh [options] [BUILD]
#
#     --list           the rows, without running them
#     --only PATTERN   the rows that match, an extended regular expression on what --list prints
#     --quick          the tests of the operations alone, and of PoCL only what tools/test.sh does not run
#     --format FORMAT  text or md
#     --jobs N         tests at a time; default: one a core
#     --install        first get Intel's runtime for CPUs (from PyPI, into build/devices), Mesa's and oclgrind (Debian)
#
# BUILD is a build's folder, default build/release. Implementations are those of the ICD loader (OCL_ICD_VENDORS, or
# /etc/OpenCL/vendors) and of build/devices/icd. Every device of each has a row; CPUs have one for each class of
# kernels, PoCL more, and oclgrind its own. Rows go on after a failure; their logs stay in BUILD/devices.
#
# A row's tests: `programs`, of the library; `command`, the scripts that test the command, and the AlexNets; `operations`,
# of the programs those of single operations. Counted are the cases of programs, and scripts. Exit status: 1 where a row failed
# and no cause is known (`causes` below; docs/devices.md has the evidence), 2 for a wrong option.
set -euo pipefail

build='' format=text jobs=$(nproc) only=. quick=false list=false install=false
die() { echo "test_devices: $*" >&2 && exit 2; }
while (($#)); do
    case $1 in
    --list) list=true ;;
    --quick) quick=true ;;
    --install) install=true ;;
    --only | --format | --jobs)
        (($# > 1)) || die "$1 needs a value"
        printf -v "${1#--}" %s "$2" && shift
        ;;
    -h | --help) sed -n '2,21s/^# \{0,1\}//p' "$0" && exit ;;
    -*) die "there is no option $1; see --help" ;;
    *) build=$(realpath -m "$1") ;;
    esac
    shift
done
[[ $format == text || $format == md ]] || die "--format: \"$format\" is none of text, md"
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "--jobs: \"$jobs\" is no number of tests"
cd "$(dirname "$0")/.."
. tools/packages.sh
build=${build:-$PWD/build/release} devices=$PWD/build/devices
[[ -x $build/bin/lenslet && -e $build/tests/CTestTestfile.cmake ]] || die "$build holds no build with tests"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$build/devices"
export RUSTICL_ENABLE=${RUSTICL_ENABLE:-llvmpipe}

# What a driver does that is no fault of Lenslet's: "row|tests|cause", the first two regular expressions on a line of
# --list and on the names of the tests that failed in it, all of them.
causes=()

# ---- implementations ---------------------------------------------------------------------------

# Intel's runtime comes without the mathematical library that it loads. Its folder is no place of the system.
install_implementations() {
    install_packages python3-venv oclgrind mesa-opencl-icd
    [[ -d $devices/intel ]] || python3 -m venv "$devices/intel"
    "$devices/intel/bin/python3" -m pip install --quiet --upgrade intel-opencl-rt intel-cmplr-lib-rt
    mkdir -p "$devices/icd"
    echo "$devices/intel/lib/libintelocl.so" >"$devices/icd/intel-cpu.icd"
}

icd_files() {
    local place=${OCL_ICD_VENDORS:-/etc/OpenCL/vendors}
    if [[ -f $place ]]; then echo "$place"; else ls "$place"/*.icd; fi 2>/dev/null
    ls "$devices"/icd/*.icd 2>/dev/null
}

# What a folder of ICD files offers, but for the reference: place, type, platform, OpenCL, driver, by tabs.
devices_of() {
    OCL_ICD_VENDORS=$1 timeout 60 "$build/bin/lenslet" devices --format csv 2>/dev/null | python3 -c '
import csv, sys
for d in csv.DictReader(sys.stdin):
    if d["type"] != "reference" and d["usable"] == "true":
        platform = d["platform"].replace("Portable Computing Language", "PoCL")
        if d["type"] != "CPU":
            platform += " / " + d["name"]
        print(d["pair"], d["type"], platform, " ".join(d["opencl"].split()[:2]), d["driver"], sep="\t")'
}

# ---- rows --------------------------------------------------------------------------------------

# Folder of the ICD file, place of the device, tests, environment; and what the table shows: platform, OpenCL, driver,
# class, setting. By tabs.
rows=()

# row CLASS TESTS SETTING [VARIABLE=VALUE ...], of the device at hand
row() {
    local class=$1 tests=$2 setting=$3
    shift 3
    if $quick; then tests=operations; fi
    rows+=("$folder	$place	$tests	LENSLET_CLASS=$class $*	$platform	$version	$driver	$class	$setting")
}

as_it_comes() {
    row "$1" programs "as it comes"
    $quick || row "$1" command "as it comes"
}

pocl_rows() {
    local class items
    for class in cpu gpu; do
        if ! $quick; then
            as_it_comes $class
            row $class programs "empty kernel cache" EMPTY_CACHE=1
        fi
        row $class programs "1 GiB of memory" POCL_MEMORY_LIMIT=1
    done
    for class in cpu gpu; do
        for items in 1 8 64; do
            if ! $quick || [[ $class == gpu ]]; then
                row $class programs "groups of $items" POCL_MAX_WORK_GROUP_SIZE=$items
            fi
        done
    done
}

device_rows() {
    case $type/$platform in
    CPU/PoCL) pocl_rows ;;
    CPU/rusticl) row gpu operations "llvmpipe" ;; # all else takes it long to compile: docs/devices.md
    CPU/*) as_it_comes cpu && as_it_comes gpu ;;
    *) as_it_comes gpu ;;
    esac
}

find_rows() {
    local icd folder place type platform version driver found
    while read -r icd; do
        folder=$work/icd/$(basename "$icd" .icd) found=false
        mkdir -p "$folder"
        cp "$icd" "$folder/"
        while IFS=$'\t' read -r place type platform version driver; do
            device_rows && found=true
        done < <(devices_of "$folder" || true)
        $found || echo "$icd: no device" >&2
    done < <(icd_files || true)
    if [[ -x tools/test_oclgrind.sh ]] && command -v oclgrind >/dev/null; then
        driver=$(oclgrind --version | awk '$1 == "Oclgrind" { print $2 }')
        rows+=("-	-	oclgrind	-	Oclgrind	OpenCL 1.2	$driver	both	races, bounds, uninitialised")
    fi
}

title() {
    local -a cell
    IFS=$'\t' read -ra cell <<<"$1"
    echo "${cell[4]} ${cell[6]}, kernels for ${cell[7]}, ${cell[8]}: ${cell[2]}"
}

# ---- one row -----------------------------------------------------------------------------------

# The build's tests as seen from another folder, $1, with the kernels' caches in $2.
place_tests() {
    mkdir -p "$1/tests"
    echo 'subdirs("tests")' >"$1/CTestTestfile.cmake"
    sed "s|=$build/cache|=$2|g" "$build/tests/CTestTestfile.cmake" >"$1/tests/CTestTestfile.cmake"
}

# The tests that set the class themselves are left out: the row of that class has them.
run_tests() {
    local log=$1 tests=$2 folder=$work/run cache=$build/cache
    local those=(-L '^device$')
    case $tests in
    operations) those=(-L '^operation$') ;;
    programs) those+=(-E '^cli_|golden') ;;
    command) those+=(-R '^cli_|golden') ;;
    esac
    [[ -z ${EMPTY_CACHE-} ]] || cache=$folder/cache
    place_tests "$folder" "$cache"
    ctest --test-dir "$folder" -V -j "$jobs" "${those[@]}" -LE '^gpu-class$' >"$log" 2>&1 || true
    rm -rf "$folder"
}

# Of ctest's log: cases passed, failed, skipped, and the names of the tests that failed. A program that ends without
# its own count is one case, as a script is.
count() {
    awk '
        /^[0-9]+: \[  (PASSED|FAILED|SKIPPED) *\].* test\(s\)/ {
            match($0, /[0-9]+ test\(s\)/)
            n = substr($0, RSTART, RLENGTH) + 0
            of = $1 + 0
            if (/PASSED/) passed += n
            else if (/SKIPPED/) skipped += n
            else { failed += n; blamed[of] = 1 }
            counted[of] = 1
        }
        / sec *$/ && match($0, /Test +#[0-9]+: [^ ]+/) {
            split(substr($0, RSTART, RLENGTH), word, /[#: ]+/)
            if (/\*\*\*Skipped/) { if (!counted[word[2]]) skipped++ }
            else if (/ Passed /) { if (!counted[word[2]]) passed++ }
            else { if (!blamed[word[2]]) failed++; name[word[2]] = word[3]; if (word[2] + 0 > last) last = word[2] + 0 }
        }
        /tests passed, [0-9]+ tests failed out of/ { ended = 1 }
        END {
            for (i = 1; i <= last; i++) if (i in name) names = names " " name[i] # not as they happened to end
            if (!ended) { failed++; names = names " (ctest ran nothing, or did not end)" }
            print passed + 0, failed + 0, skipped + 0 names
        }' "$1"
}

cause_of() {
    local entry rows_of tests_of cause
    for entry in "${causes[@]}"; do
        IFS='|' read -r rows_of tests_of cause <<<"$entry"
        if [[ $1 =~ $rows_of && $2 =~ ^($tests_of)$ ]]; then echo "$cause" && return; fi
    done
}

# Adds its line to the table; 1 when it failed without a cause.
run_row() {
    local folder place tests shown log variables options status=0 passed failed skipped names cause start=$SECONDS
    IFS=$'\t' read -r folder place tests variables shown <<<"$1"
    log=$build/devices/$(title "$1" | tr -cs 'A-Za-z0-9.\n' '-').log
    echo "$(title "$1") ..." >&2
    if [[ $tests == oclgrind ]]; then
        passed=1 failed=0 skipped=0
        options=(--jobs "$jobs")
        if $quick; then options+=(--quick); fi
        tools/test_oclgrind.sh "${options[@]}" "$build/bin/lenslet" >"$log" 2>&1 || passed=0 failed=1
        names=$(tail -1 "$log")
    else
        read -ra variables <<<"$variables"
        read -r passed failed skipped names < <(
            export OCL_ICD_VENDORS=$folder LENSLET_DEVICE=$place "${variables[@]}"
            run_tests "$log" "$tests"
            count "$log"
        )
    fi
    cause=$names
    if ((failed)); then
        cause=$(cause_of "$(title "$1")" "$names")
        [[ $cause ]] || cause="FAILED: $names" status=1
    fi
    printf '%s\t%s\t%d\t%d\t%d\t%d\t%s\n' "$shown" "$tests" "$passed" "$failed" "$skipped" $((SECONDS - start)) "${cause:--}" |
        tee -a "$work/table" >&2
    return $status
}

print_table() {
    {
        printf 'implementation\tversion\tdriver\tclass\tsetting\ttests\tpassed\tfailed\tskipped\tseconds\tnote\n'
        if [[ $format == md ]]; then printf -- '---\t---\t---\t---\t---\t---\t---:\t---:\t---:\t---:\t---\n'; fi
        cat "$work/table"
    } | if [[ $format == md ]]; then sed 's/\t/ | /g; s/^/| /; s/$/ |/'; else column -t -s $'\t'; fi
}

if $install; then install_implementations; fi
find_rows
status=0 matching=0
for entry in "${rows[@]}"; do
    [[ $(title "$entry") =~ $only ]] || continue
    matching=$((matching + 1))
    if $list; then title "$entry"; else run_row "$entry" || status=1; fi
done
((matching)) || die "no row matches \"$only\"; --list shows them"
$list || print_table
exit $status
