#!/usr/bin/env bash
# devices.sh: tools/test_devices.sh: its options, its rows, and how it counts: on made-up devices, with made-up tests.
. "$(dirname "$0")/lib.sh"
[ -e "${MADE_UP_DRIVER:-}" ] || {
    echo "skipped: built without the driver of made-up devices"
    exit 77
}
mkdir -p vendors build/bin build/tests
echo "$MADE_UP_DRIVER" >vendors/made_up.icd
printf 'platform Odd\ndevice gpu Quick\ndevice cpu Slow\ndevice cpu Off\n available 0\n' >devices.txt
export OCL_ICD_VENDORS=$PWD/vendors MADE_UP_DEVICES=$PWD/devices.txt
ln -s "$LENSLET" build/bin/lenslet

# a_test NAME LABEL SHELL-COMMANDS
tests=build/tests/CTestTestfile.cmake
a_test() {
    printf 'add_test(%s "sh" "-c" [==[%s]==])\nset_tests_properties(%s PROPERTIES LABELS "%s" SKIP_RETURN_CODE 77 ENVIRONMENT "CACHE=%s/cache")\n' \
        "$1" "$3" "$1" "$2" "$PWD/build" >>$tests
}
a_test test_plenty device 'echo "[  PASSED  ] 7 test(s)."; echo "[  SKIPPED ] 2 test(s), listed below:"; echo "[  SKIPPED ] this"'
a_test test_place "device;operation" "[ \$LENSLET_CLASS = gpu ] && [ \$LENSLET_DEVICE = 0:0 ] && ls \$OCL_ICD_VENDORS | grep made_up && [ \$CACHE = $PWD/build/cache ]"
a_test test_elsewhere "" "touch $PWD/elsewhere"
a_test cli_absent device 'exit 77'
a_test cli_there device true

# devices CODE OPTION ...
devices() {
    local code=$1 got=0
    shift
    "$here/../../tools/test_devices.sh" "$@" >"$out" 2>"$err" </dev/null || got=$?
    [ "$got" = "$code" ] || fail "test_devices.sh $*: exit code $got, expected $code"
}

# row TEXT: the table has it, whatever the seconds.
row() {
    sed -E 's/ \| [0-9]+ \| ([^|]*) \|$/ | \1 |/' "$out" | grep -F -- "$1" >/dev/null || fail "no row: $1"
}

devices 0 --help && prints "the tests on every OpenCL implementation found"
devices 2 --formt md build && says "there is no option --formt; see --help"
devices 2 --format csv build && says '--format: "csv" is none of text, md'
devices 2 --jobs 0 build && says '--jobs: "0" is no number of tests'
devices 2 --only && says "--only needs a value"
devices 2 nowhere && says "nowhere holds no build with tests"
devices 2 --only nowhere "$PWD/build" && says 'no row matches "nowhere"; --list shows them'

# Every usable device has its row, a CPU one for each class of kernels.
devices 0 --list --only '^Odd' build
cat >expected <<'END'
Odd / Quick made up, kernels for gpu, as it comes: programs
Odd / Quick made up, kernels for gpu, as it comes: command
Odd made up, kernels for cpu, as it comes: programs
Odd made up, kernels for cpu, as it comes: command
Odd made up, kernels for gpu, as it comes: programs
Odd made up, kernels for gpu, as it comes: command
END
cmp expected "$out" || fail "other rows"
devices 0 --list --quick --only Quick build && prints "for gpu, as it comes: operations"

# Cases are counted, scripts are one each; where and how they run.
devices 0 --only Quick --format md build
row "| Odd / Quick | OpenCL 1.2 | made up | gpu | as it comes | programs | 8 | 0 | 2 | - |"
row "| Odd / Quick | OpenCL 1.2 | made up | gpu | as it comes | command | 1 | 0 | 1 | - |"
devices 0 --only Quick --quick build
grep -Eq "operations +1 +0 +0 " "$out" || fail "not one operation"
[ ! -e elsewhere ] || fail "a test that needs no device ran"

# Rows go on after a failure, which is counted once whether or not the program lived to count it.
cp $tests kept && : >$tests
devices 1 --only Quick --format md build && row "| 0 | 1 | 0 | FAILED: (ctest ran nothing, or did not end) |"
mv kept $tests
a_test test_wrong device 'echo "[  PASSED  ] 1 test(s)."; echo "[  FAILED  ] tests: 2 test(s), listed below:"; exit 2'
a_test test_crash device 'kill -SEGV $$'
devices 1 --only '^Odd' --format md build
row "| gpu | as it comes | programs | 9 | 3 | 2 | FAILED: test_wrong test_crash |"
row "| cpu | as it comes | programs | 8 | 4 | 2 | FAILED: test_place test_wrong test_crash |"
[ "$(grep -c "^| Odd" "$out")" = 6 ] || fail "a row is missing"
