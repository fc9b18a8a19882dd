#!/usr/bin/env bash
# report.sh: the comparison of devices and what `lenslet report` makes of it: tables, pages, bad files.
. "$(dirname "$0")/lib.sh"
make_data
root=$here/../..

# valid FILE: keeps to the schema, where Debian's python3-jsonschema is there to say so.
valid() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import jsonschema' 2>/dev/null || continue
        "$python" - "$root/docs/comparison.schema.json" "$1" 2>"$err" <<'PY' || fail "$1 breaks the schema"
import json, jsonschema, sys
schema, document = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(document)
PY
        return 0
    done
    echo "skipped: python3-jsonschema checks $1 against the schema"
}

# ---- measuring
small="--compare net.json --batch-size 4 --seconds 0.01 --rounds 1 --op conv2d"
# shellcheck disable=SC2086
expect 0 bench $small --device all --machine shed -o small.json
prints "of fastest" && prints "reference" && prints "Fastest training of quarters, batch 4: "
valid small.json
cp small.json "$out"
json 'd["kind"] == "comparison" and d["machine"]["name"] == "shed" and d["devices"][-1]["type"] == "reference"'
json '{(n["model"], n["mode"], n["batch_size"]) for n in d["nets"]} == {("quarters", "training", 4), ("quarters", "inference", 4)}'
json 'len(d["nets"]) == 2 * len(d["devices"]) and all(n["images_per_second"] > 0 and n["note"] is None for n in d["nets"])'
json '{p["op"] for p in d["passes"]} == {"conv2d"} and {p["device"] for p in d["passes"]} == {x["index"] for x in d["devices"]}'
json 'all((x["peak_gflops"] is None) == (x["type"] == "reference") and x["error"] is None for x in d["devices"])'
json '{c["device"] for c in d["checks"]} == {x["index"] for x in d["devices"] if x["type"] != "reference"}'
json 'all(c["failed"] == 0 and c["op"] in ("conv2d", "quarters") for c in d["checks"])'
json 'all(s["cold_ms"] > s["warm_ms"] > 0 for s in d["starts"]) and len(d["starts"]) == len(d["devices"]) - 1'
# shellcheck disable=SC2086
expect 0 bench $small --device reference --format json && cp "$out" reference.json
json 'd["kind"] == "comparison" and len(d["devices"]) == 1 and d["checks"] == d["starts"] == []'
valid reference.json
expect 2 bench --compare mb1ic8oc4 && says "the comparison takes no SHAPE"
expect 2 bench net.json -o x.json && says "--out is of the comparison"
expect 2 bench --compare net.json --mode inference && says "the comparison takes no --mode"
expect 2 bench --mode inference && says "the comparison takes no --mode"
expect 6 bench --compare net.json -o nowhere/x.json && says "nowhere/x.json"
expect 5 bench --compare nothere.json && says "nothere.json"
expect 3 bench --compare net.json --device nowhere && says "nowhere"

# ---- devices that fail are in it, with what they said, and the others are measured
if [ -e "${MADE_UP_DRIVER:-}" ]; then
    mkdir vendors
    echo "$MADE_UP_DRIVER" >vendors/made_up.icd
    printf 'platform Odd\ndevice gpu Deaf\ndevice gpu Gone\n opens 0\n' >devices.txt
    # shellcheck disable=SC2086
    OCL_ICD_VENDORS=$PWD/vendors MADE_UP_DEVICES=$PWD/devices.txt \
        expect 4 bench $small --device all -o broken.json
    says "lenslet bench: Odd / Deaf: "
    valid broken.json
    cp broken.json "$out"
    json '[(x["name"], x["error"] is None) for x in d["devices"]] == [("Deaf", False), ("Gone", False), ("reference", True)]'
    json '[n["images_per_second"] is not None for n in d["nets"]] == [n["device"] == 2 for n in d["nets"]] and len(d["nets"]) == 4'
    json 'all(n["note"] for n in d["nets"] if n["device"] < 2)'
    expect 0 report broken.json -o broken.html
    grep -q "CL_DEVICE_NOT_AVAILABLE" broken.html || fail "no word on Gone"
fi

# ---- files that no single machine writes
python3 "$here/make_comparisons.py" small.json
for file in five half old odd none; do valid $file.json; done

# ---- tables
expect 0 report small.json && prints "Devices" && prints "Networks" && prints "of fastest"
expect 0 report five.json --format csv
head -1 "$out" | grep -q "^model,mode,batch_size,optimizer,device,machine,lenslet,images_per_second,of_fastest," || fail "no titles"
[ "$(wc -l <"$out")" = 11 ] || fail "5 devices in 2 modes are not 10 rows"
expect 0 report five.json --format md && prints "## Devices" && prints "| NVIDIA H200 |"
expect 0 report five.json --format json
json 'len(d["devices"]) == 5 and d["nets"][0]["device"] == "NVIDIA H200" and d["nets"][0]["of_fastest"] == 1'
json '"NOT_AVAILABLE" in d["devices"][4]["error"] and d["nets"][4]["images_per_second"] is None'
expect 0 report five.json --table passes && prints "conv" && prints "FLOP/byte"
expect 0 report half.json
prints "FAILED on NVIDIA H200" && prints "got 7, expected -7" && prints "fails its checks"
grep "Fastest" "$out" | grep -q "NVIDIA" && fail "a device that fails its checks is the fastest"
expect 0 report small.json old.json --format json
json '{x["lenslet"] for x in d["devices"]} == {"0.0.9", d["lenslet"]} and len({x["device"] for x in d["devices"]}) == len(d["devices"])'
json 'all((n["of_fastest"] is None) == (n["batch_size"] == 8) and (n["note"] or "") == ("batch 8, lenslet 0.0.9" if n["batch_size"] == 8 else "") for n in d["nets"])'
expect 0 report none.json
expect 2 report && expect 2 report small.json --table nests && says "did you mean nets?"
expect 2 report small.json -o x.html --format md && says "takes no --format"
expect 2 report small.json --title X && says "--title"

# ---- bad files leave what was there alone
echo old >page.html
# bad TEXT PYTHON: refused, with this message, after the statements have changed the document d
bad() {
    python3 -c "
import json, sys
d = json.load(open('small.json'))
exec(sys.argv[1])
json.dump(d, open('bad.json', 'w'))" "$2"
    expect 5 report small.json bad.json -o page.html && says "bad.json: $1"
    [ "$(cat page.html)" = old ] || fail "page.html was touched"
}
bad 'nets[0].batch_size is "four"; it must be a whole number, at least 0' 'd["nets"][0]["batch_size"] = "four"'
bad 'nets[1].images_per_second is -1.5; it must be a number, at least 0, or null' 'd["nets"][1]["images_per_second"] = -1.5'
bad 'nets[0].mode is "sleep"; it must be "training" or "inference"' 'd["nets"][0]["mode"] = "sleep"'
bad 'nets[0].mode is missing' 'del d["nets"][0]["mode"]'
bad 'passes[0].device is 77; it must be the index of one of devices' 'd["passes"][0]["device"] = 77'
bad 'devices[1].index is ' 'd["devices"].insert(0, d["devices"][0])'
bad 'devices is {}; it must be an array' 'd["devices"] = {}'
bad 'checks is missing' 'del d["checks"]'
bad 'starts[0].cold_ms is missing' 'd["starts"] = [{"device": 0, "model": "x", "batch_size": 1}]'
bad 'machine.name is 7; it must be a text' 'd["machine"]["name"] = 7'
bad 'machine.name is missing' 'd["machine"] = []'
bad 'schema_version is 2; it must be 1, the one that lenslet' 'd["schema_version"] = 2'
bad 'its kind is not "comparison"' 'd["kind"] = "check"'
bad 'its kind is not "comparison"' 'd = [d]'
head -c $(($(wc -c <small.json) / 2)) small.json >bad.json
expect 5 report bad.json -o page.html && says "bad.json: line "
: >bad.json
expect 5 report bad.json && says "bad.json: line 1"
expect 5 report nothere.json && says "nothere.json"
expect 6 report small.json -o nowhere/page.html && says "nowhere/page.html"
[ "$(cat page.html)" = old ] || fail "page.html was touched"

# ---- pages
for file in small five half odd none reference; do
    expect 0 report $file.json -o $file.html
    grep -qi '<script\|https\?://\|<link\|@import\|url(' $file.html && fail "$file.html needs more than itself"
    grep -q '</html>$' $file.html || fail "$file.html has no end"
done
expect 0 report small.json old.json -o two.html --title 'Shed & attic'
grep -q '<title>Shed &amp; attic</title>' two.html || fail "no title"
grep -q 'was measured by lenslet 0.0.9' two.html || fail "the other version is not marked"
grep -q 'was measured with batch 8, lenslet 0.0.9' two.html || fail "the other batch is not marked"
grep -q 'inference of quarters was not measured' two.html || fail "what is missing is not marked"
grep -q 'class="bad"' half.html || fail "failures are not red"
grep -q 'class="bad"' small.html && fail "something is red that has not failed"
grep -q 'fails checks: its speed is that of wrong results' half.html || fail "no word on wrong results"
grep -q '&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt; ☃' odd.html || fail "the odd name is not there"
expect 0 report small.json -o again.html
cmp again.html small.html || fail "the same report twice is not the same page"
