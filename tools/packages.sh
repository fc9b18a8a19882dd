# packages.sh: sourced by demo.sh and test.sh. Install the Debian packages that are missing.
#
#     install_packages NAME ...
#
# Does nothing, and needs no rights, when all of them are there; otherwise apt-get as root or by sudo.

install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "These Debian packages, or what your system calls them, are needed: ${missing[*]}" >&2
        return 1
    fi
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        sudo=(sudo)
    fi
    echo "Installing ${missing[*]}" >&2
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# What building and running need.
BUILD_PACKAGES=(build-essential cmake pkg-config ocl-icd-opencl-dev opencl-headers libclblast-dev
    pocl-opencl-icd zlib1g-dev libpng-dev libjpeg62-turbo-dev libjansson-dev libcmocka-dev)

# What the tests need besides: scripts make their data and fetch it, the tree's rules ask git for its
# files, the report's JSON and pages are checked as others read them, clang, libclc and Intel's ocloc compile
# the kernels for GPUs that are not there, and Mesa's rusticl and Oclgrind run them.
TEST_PACKAGES=(git python3 curl clang-15 libclc-15 intel-opencl-icd mesa-opencl-icd oclgrind python3-jsonschema chromium tidy)

# The data of the quick start and of the tests.
DATA_PACKAGES=(dataset-fashion-mnist)
FASHION_MNIST=/usr/share/datasets/fashion-mnist
