#!/usr/bin/env bash
# Rules of the house that a machine can check. Prints each break and fails if there is one.
#
# - Who may include whom (CONTRIBUTING.md has the table).
# - CL/cl.h under host/opencl, and in the made-up driver of tests/icd, only; no exit, abort or printing in the library.
# - File names are unique, so that a name says which file is meant.
# - Every operation's stem has its five files.
# - CONTRIBUTING.md's walk-through names every file that holds its example, pad2d.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

complain() {
    echo "check_tree: $*" >&2
    failed=1
}

# includes FOLDER ALLOWED-REGEX: every "quoted" include of the folder's files matches.
includes() {
    local folder=$1 allowed=$2 line
    [ -d "$folder" ] || return 0
    while IFS= read -r line; do
        complain "$line   (allowed in $folder: $allowed)"
    done < <(grep -rnE '^#include "' "$folder" --include='*.[ch]' |
        grep -vE "#include \"($allowed)" || true)
}

includes include 'lenslet/'
includes tools/lenslet 'lenslet/|[a-z_]+\.h"'
includes examples 'lenslet/'
includes bench 'lenslet/|[a-z_]+\.h"'
includes host/core 'lenslet/|core/'
includes host/ops 'lenslet/|core/|ops/|backend\.h'
includes host/reference 'lenslet/|core/|reference/|backend\.h'
includes host/opencl 'lenslet/|core/|opencl/|backend\.h'
includes host/net 'lenslet/|core/|net/'
includes host/data 'lenslet/|core/|data/'
includes host/io 'lenslet/|core/|io/'
includes host/train 'lenslet/|core/|net/|data/|io/|train/'
includes tests 'lenslet/|core/|backend\.h|support\.h|net/plan\.h|train/watch\.h|train/recipe\.h|[a-z_]+\.h"'

while IFS= read -r line; do
    complain "$line   (CL/cl.h is included under host/opencl and tests/icd only)"
done < <(grep -rnE '#include <CL/|#include <clblast' --include='*.[ch]' host include tools tests bench |
    grep -vE '^(host/opencl|tests/icd)/' || true)

while IFS= read -r line; do
    complain "$line   (the library never exits, aborts or prints)"
done < <(grep -rnE '\b(exit|abort|printf|puts|perror|putchar)\(|\bstderr\b|\bstdout\b' host --include='*.[ch]' |
    grep -vE '^[^:]*:[0-9]+:\s*(/?\*|//)' || true)

while IFS= read -r name; do
    complain "two files are called $name"
done < <(git ls-files 'host/*.[ch]' 'include/*.h' 'cl/*.cl' 'tests/*.[ch]' 'tools/*.[ch]' |
    sed 's|.*/||' | sort | uniq -d)

for stem in conv2d pool2d pad2d dense subsample rbf activation lrn batchnorm dropout softmax loss \
    resize2d optimizer; do
    for file in host/ops/$stem.c host/reference/ref_$stem.c host/opencl/ocl_$stem.c cl/$stem.cl \
        tests/test_$stem.c; do
        [ -f "$file" ] || complain "operation $stem has no $file"
    done
done

while IFS= read -r file; do
    grep -q "${file##*/}" CONTRIBUTING.md ||
        complain "CONTRIBUTING.md walks through pad2d, but does not name $file"
done < <(git grep -l pad2d | grep -v '^CONTRIBUTING.md$')

exit $failed
