#!/usr/bin/env bash
# lib.sh: what the tests of the command share. Sourced; LENSLET is the command under test.
#
# A test calls `expect CODE COMMAND ...` and looks at $out and $err, the files with what the command
# wrote; any failed check ends the script with a message that says where.
set -euo pipefail
: "${LENSLET:?the command under test}"
command -v python3 >/dev/null || {
    echo "skipped: python3 makes and reads the data of this test"
    exit 77
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
out=$work/out err=$work/err

fail() {
    echo "FAILED at line ${BASH_LINENO[1]} of $0: $*" >&2
    echo "--- stdout" >&2 && head -40 "$out" >&2
    echo "--- stderr" >&2 && head -40 "$err" >&2
    exit 1
}

# expect CODE lenslet-arguments ...
expect() {
    local code=$1 got=0
    shift
    "$LENSLET" "$@" >"$out" 2>"$err" </dev/null || got=$?
    [ "$got" = "$code" ] || fail "lenslet $*: exit code $got, expected $code"
}

# says TEXT: stderr holds it, and failures say so in one line of the command's name.
says() {
    grep -qF -- "$1" "$err" || fail "stderr does not say: $1"
}

prints() {
    grep -qF -- "$1" "$out" || fail "stdout does not print: $1"
}

# json PYTHON-EXPRESSION: true of d, the JSON document on stdout.
json() {
    python3 - "$out" "$1" <<'PY' || fail "not so: $1"
import json, math, sys
def no_constant(name): raise ValueError(name + " is not JSON")
d = json.load(open(sys.argv[1]), parse_constant=no_constant)
assert d["schema_version"] == 1
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

# A small data set, a net for it and arrays, into the current folder.
make_data() {
    python3 "$here/make_data.py"
}
