#!/usr/bin/env bash
# Install what is missing, build, and run all tests.
#
#     tools/test.sh [--quick]
#
# Everything in the release preset, the operations on PoCL with small groups and little memory, on rusticl and on
# Oclgrind (tools/test_devices.sh --quick), then the whole suite again under the address and the undefined-behaviour
# sanitizers, then without OpenCL. Under the address sanitizer a test may be
# repeated once: the leak checker's tracer itself crashes now and then beside the driver's threads. --quick: the release preset only.
# LENSLET_DATA=DIR lets tests use data sets below DIR that the repository does not hold.
#
# The suite runs on PoCL, which it installs, unless OCL_ICD_VENDORS names other drivers: all that a machine has is a
# matter of tools/test_devices.sh. (Intel's driver for GPUs, which comes with ocloc, ends every program that
# the address sanitizer watches.)
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

quick=false
case "${1-}" in
    "") ;;
    --quick) quick=true ;;
    *) echo "usage: tools/test.sh [--quick]" >&2; exit 2 ;;
esac

install_packages "${BUILD_PACKAGES[@]}" "${DATA_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
tools/check_tree.sh
export OCL_ICD_VENDORS=${OCL_ICD_VENDORS:-/etc/OpenCL/vendors/pocl.icd}

run_preset() {
    echo "== $1 =="
    cmake --preset "$1" -DLENSLET_WERROR=ON >/dev/null
    cmake --build --preset "$1"
    ctest --preset "$1" -j 2
}

run_preset release
if ! $quick; then
    echo "== small devices, rusticl, Oclgrind =="
    env -u OCL_ICD_VENDORS tools/test_devices.sh --quick --only '^(PoCL|rusticl|Oclgrind)'
    run_preset asan
    echo "== asan, kernels compiled already: no leak is excused =="
    ctest --test-dir build/asan -R '^test_(conv2d|pool2d|dense|trainer|upload)$' \
        --output-on-failure --repeat until-pass:2 -j 2
    run_preset ubsan
    run_preset no-opencl
fi
