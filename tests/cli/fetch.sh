#!/usr/bin/env bash
# fetch.sh: tools/fetch_data.sh on small files from a server of its own: whole, cut off, resumed, wrong.
. "$(dirname "$0")/lib.sh"
for tool in curl sha256sum tar; do
    command -v $tool >/dev/null || {
        echo "skipped: no $tool"
        exit 77
    }
done
export script=$here/../../tools/fetch_data.sh

# ---- what is served: an IDX file and an archive of CIFAR-10
mkdir home
python3 - <<'PY'
import gzip, io, random, tarfile
rng = random.Random(3)
def random_bytes(n): return bytes(rng.randrange(256) for _ in range(n))
idx = b"\0\0\x08\x03\0\0\0\x02\0\0\0\x64\0\0\0\x64" + random_bytes(20000)
open("home/train-images-idx3-ubyte.gz", "wb").write(gzip.compress(idx, mtime=0))
open("content", "wb").write(idx)
with tarfile.open("home/cifar-10-binary.tar.gz", "w:gz") as tar:
    def add(name, data):
        info = tarfile.TarInfo("cifar-10-batches-bin/" + name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    for batch in range(5): add("data_batch_%d.bin" % (batch + 1), bytes([batch]) + random_bytes(3072))
    add("test_batch.bin", bytes([9]) + random_bytes(3072))
    add("batches.meta.txt", b"\n".join(b"c%d" % i for i in range(10)) + b"\n\n")
PY
size=$(stat -c %s home/train-images-idx3-ubyte.gz)

# The script with these files in its table.
cat >fetch <<EOF
. "\$script"
files="
mnist train-images-idx3-ubyte.gz content $(sha256sum <content | cut -d' ' -f1)
cifar10 cifar-10-binary.tar.gz file $(sha256sum <home/cifar-10-binary.tar.gz | cut -d' ' -f1)
"
main "\$@"
EOF

# A server that continues downloads (as asked by Range) or does not, and logs what it was asked.
cat >server.py <<'PY'
import http.server, os, re, sys
RANGES = sys.argv[1] == "ranges"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = "home" + self.path
        if not os.path.exists(path):
            return self.send_error(404)
        data, asked = open(path, "rb").read(), self.headers.get("Range")
        open("requests", "a").write("%s %s\n" % (self.path, asked))
        first = int(re.match(r"bytes=(\d+)-", asked).group(1)) if asked and RANGES else 0
        if first >= len(data):
            return self.send_error(416)
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (first, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.wfile.write(data[first:])
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PY
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
serve() {
    [ -z "$server" ] || { kill $server && wait $server 2>/dev/null || true; }
    rm -f port
    python3 server.py "$1" &
    server=$!
    for _ in $(seq 500); do
        [ -f port ] && break
        sleep 0.02
    done
    from=http://127.0.0.1:$(cat port)
}

# fetches CODE arguments ...
fetches() {
    local code=$1 got=0
    shift
    : >requests
    no_proxy='*' bash fetch "$@" >"$out" 2>"$err" </dev/null || got=$?
    [ "$got" = "$code" ] || fail "fetch $*: exit code $got, expected $code"
}

images=data/mnist/train-images-idx3-ubyte.gz

serve ranges
fetches 0 --from "$from" mnist
cmp $images home/train-images-idx3-ubyte.gz || fail "other bytes"
fetches 0 --from "$from" mnist && prints "is there"
[ ! -s requests ] || fail "fetched again what was there"

# ---- cut off: goes on in the middle; all of it there, but not renamed
rm $images && head -c 7000 home/train-images-idx3-ubyte.gz >$images.part
fetches 0 --from "$from" mnist
cmp $images home/train-images-idx3-ubyte.gz && grep -q "bytes=7000-" requests || fail "not resumed"
mv $images $images.part
fetches 0 --from "$from" mnist
[ ! -s requests ] && [ -f $images ] || fail "a whole part was fetched again"

# ---- wrong bytes in the part, or at home: removed, and named
rm $images
for wrong in 7000 $((size + 10)); do # more than there is, too
    head -c "$wrong" /dev/zero >$images.part
    fetches 1 --from "$from" mnist && says "SHA-256" && says "it was removed"
    [ ! -e $images ] && [ ! -e $images.part ] || fail "wrong bytes were kept"
done
fetches 0 --from "$from" mnist
mv home/train-images-idx3-ubyte.gz kept && echo other | gzip >home/train-images-idx3-ubyte.gz
echo changed >$images
fetches 1 --from "$from" mnist other && says "expected"
mv kept home/train-images-idx3-ubyte.gz
fetches 0 --from "$from" mnist
cmp $images home/train-images-idx3-ubyte.gz || fail "a changed file was not fetched again"

# ---- packed otherwise: the content counts
gzip -1 <content >home/train-images-idx3-ubyte.gz
fetches 0 --from "$from" mnist packed

# ---- an archive is unpacked, once, and can be read
fetches 0 --from "$from" cifar10
[ ! -e data/cifar10/cifar-10-binary.tar.gz ] && [ -f data/cifar10/cifar-10-batches-bin/data_batch_5.bin ] ||
    fail "not unpacked"
fetches 0 --from "$from" cifar10 && prints "is there"
expect 0 train lenet5-cifar10 --data data/cifar10 --epochs 1 --batch-size 2 --validation-split 0 --device reference --format csv
expect 0 eval lenet5-cifar10.safetensors --data data/cifar10 --device reference && prints "c9"

# ---- no such file, server or set
mv home/train-images-idx3-ubyte.gz kept
fetches 1 --from "$from" mnist none && says "curl failed with code 22" && says "404"
mv kept home/train-images-idx3-ubyte.gz
fetches 1 --from "file://$work/nowhere" mnist none && says "nowhere/train-images-idx3-ubyte.gz: curl failed"
fetches 1 cake && says 'no data set "cake"'
fetches 1 && says "usage"
fetches 1 --from && says "--from needs"
touch file && fetches 1 --from "$from" mnist file && says "cannot make the folder file/mnist"

# ---- a server that cannot go on in the middle, and a folder
serve whole
head -c 7000 home/train-images-idx3-ubyte.gz >$images.part && rm $images
fetches 0 --from "$from" mnist
cmp $images home/train-images-idx3-ubyte.gz || fail "other bytes after a second start"
rm $images && head -c 7000 home/train-images-idx3-ubyte.gz >$images.part
fetches 0 --from "file://$work/home" mnist
cmp $images home/train-images-idx3-ubyte.gz || fail "other bytes from a folder"
