#!/usr/bin/env bash
# Fetch data sets from their public homes, check them, and unpack what has to be.
#
#     tools/fetch_data.sh [--from URL] mnist|fashion-mnist|cifar10|cifar100|all [DIR]
#
# The set NAME comes into DIR/NAME (DIR is data by default), which `lenslet train --data` takes. A download
# that was cut off goes on where it stopped when the script is run again; what is there and right is not
# fetched again. --from takes the files from another place, a mirror or file:///some/folder. Needs curl.
#
# How each file is checked, always by SHA-256:
# - MNIST, Fashion-MNIST: of the unpacked content, so that any packing of it will do. The sums were computed
#   from files that had come from elsewhere (for Fashion-MNIST Debian's dataset-fashion-mnist), and are
#   those that others publish.
# - CIFAR-10, CIFAR-100: of the archive. The sums are those that TensorFlow Datasets records for these
#   addresses (url_checksums/cifar10.txt, cifar100.txt); no archive was at hand to compute them from.
set -euo pipefail

# set, file, kind of check (of its content or of the file), SHA-256
files="
mnist train-images-idx3-ubyte.gz content ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
mnist train-labels-idx1-ubyte.gz content 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
mnist t10k-images-idx3-ubyte.gz content 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
mnist t10k-labels-idx1-ubyte.gz content ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
fashion-mnist train-images-idx3-ubyte.gz content c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
fashion-mnist train-labels-idx1-ubyte.gz content bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
fashion-mnist t10k-images-idx3-ubyte.gz content 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
fashion-mnist t10k-labels-idx1-ubyte.gz content 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
cifar10 cifar-10-binary.tar.gz file c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd
cifar100 cifar-100-binary.tar.gz file 58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec
"

home_of() {
    case $1 in
    mnist) echo https://storage.googleapis.com/cvdf-datasets/mnist ;;
    fashion-mnist) echo http://fashion-mnist.s3-website.eu-central-1.amazonaws.com ;;
    cifar10 | cifar100) echo https://www.cs.toronto.edu/~kriz ;;
    esac
}

# The folder that an archive unpacks to.
folder_in() {
    case $1 in
    cifar-10-binary.tar.gz) echo cifar-10-batches-bin ;;
    cifar-100-binary.tar.gz) echo cifar-100-binary ;;
    esac
}

fail() {
    echo "fetch_data: $*" >&2
    exit 1
}

# sum_of FILE KIND
sum_of() {
    if [ "$2" = content ]; then
        gzip -dc <"$1" 2>/dev/null | sha256sum | cut -d' ' -f1 || true # a broken file has another sum
    else
        sha256sum <"$1" | cut -d' ' -f1
    fi
}

# is_right FILE KIND SUM
is_right() {
    [ -f "$1" ] && [ "$(sum_of "$1" "$2")" = "$3" ]
}

# download URL PART: PART grows to be the whole file.
download() {
    local url=$1 part=$2 code=0 progress=--no-progress-meter
    [ ! -t 2 ] || progress=--progress-bar
    curl --fail --location --retry 3 --connect-timeout 30 --continue-at - \
        $progress --output "$part" "$url" || code=$?
    if [ $code = 33 ] || [ $code = 36 ]; then # the server cannot go on in the middle
        rm -f "$part"
        download "$url" "$part"
    elif [ $code != 0 ]; then
        fail "$url: curl failed with code $code, its message is above; run again to go on from" \
            "the $(stat -c %s "$part" 2>/dev/null || echo 0) bytes in $part"
    fi
}

# fetch FILE KIND SUM URL: FILE is there and right.
fetch() {
    local file=$1 kind=$2 sum=$3 url=$4 part=$1.part
    if is_right "$file" "$kind" "$sum"; then
        echo "$file: is there"
        return
    fi
    if ! is_right "$part" "$kind" "$sum"; then
        echo "$file: from $url"
        download "$url" "$part"
    fi
    if ! is_right "$part" "$kind" "$sum"; then
        local got
        got=$(sum_of "$part" "$kind")
        rm -f "$part"
        fail "$url: the SHA-256 of its ${kind} is $got, expected $sum; it was removed"
    fi
    mv "$part" "$file"
}

# unpack ARCHIVE FOLDER: the archive's folder beside it, whole or not at all; the archive goes.
unpack() {
    local archive=$1 folder=$2 target
    target=$(dirname "$archive")
    rm -rf "$target/unpacking"
    mkdir "$target/unpacking"
    tar -xzf "$archive" -C "$target/unpacking" --no-same-owner "$folder" ||
        fail "$archive: cannot be unpacked; is the disk full?"
    mv "$target/unpacking/$folder" "$target/$folder"
    rm -r "$target/unpacking" "$archive"
}

# fetch_set NAME DIR [URL]
fetch_set() {
    local name=$1 target=$2/$1 home=${3:-$(home_of "$1")} set file kind sum folder
    mkdir -p "$target" || fail "cannot make the folder $target"
    while read -r set file kind sum; do
        [ "$set" = "$name" ] || continue
        folder=$(folder_in "$file")
        if [ -n "$folder" ] && [ -d "$target/$folder" ]; then
            echo "$target/$folder: is there"
            continue
        fi
        fetch "$target/$file" "$kind" "$sum" "$home/$file"
        [ -z "$folder" ] || unpack "$target/$file" "$folder"
    done <<<"$files"
    echo "$name: lenslet train MODEL --data $target"
}

main() {
    local from=
    if [ "${1:-}" = --from ]; then
        from=${2:-}
        shift 2 || fail "--from needs the address of a folder"
    fi
    local names=${1:-} directory=${2:-data}
    [ "$names" != all ] || names="mnist fashion-mnist cifar10 cifar100"
    [ -n "$names" ] && [ $# -le 2 ] ||
        fail "usage: tools/fetch_data.sh [--from URL] mnist|fashion-mnist|cifar10|cifar100|all [DIR]"
    command -v curl >/dev/null || fail "curl is needed (Debian: apt-get install curl ca-certificates)"
    local name
    for name in $names; do
        [ -n "$(home_of "$name")" ] ||
            fail "no data set \"$name\"; there are mnist, fashion-mnist, cifar10, cifar100, all"
        fetch_set "$name" "$directory" "$from"
    done
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
