#!/usr/bin/env bash
# bench.sh: steps of a net on devices, and passes of layers and of shapes by themselves. Nothing here is
# about how fast it is.
. "$(dirname "$0")/lib.sh"
make_data

# Of each row, what it is of.
passes='[tuple(p[k] for k in ("layer", "op", "pass")) for p in d["passes"]]'

# ---- steps
export POCL_SAMPLE=1
expect 0 bench net.json --batch-size 4 --seconds 0.05 --device reference --format json
json 'd["model"] == "quarters" and d["mode"] == "training" and d["optimizer"] == "adam"'
json 'd["results"][0]["type"] == "reference" and d["results"][0]["step_ms_median"] > 0'
json 'd["devices"][0]["type"] == "reference" and set(d["devices"][0]) == {"index", "platform", "name", "vendor", "driver", "opencl", "type"}'
json 'd["environment"]["POCL_SAMPLE"] == "1" and d["cpus"] >= 1'
training=$(python3 -c 'import json; r = json.load(open("out"))["results"][0]; print(r["gflops"] * r["step_ms_median"])')
expect 0 bench net.json --batch-size 4 --seconds 0.05 --device reference --mode inference --format json
json 'd["mode"] == "inference" and d["optimizer"] is None and d["results"][0]["step_ms_median"] > 0'
json "math.isclose(d['results'][0]['gflops'] * d['results'][0]['step_ms_median'] * 3, $training, rel_tol=1e-3)"
expect 0 bench net.json --batch-size 4 --seconds 0.01 && prints "a training step of 4 images"
expect 0 bench net.json --batch-size 4 --seconds 0.01 --mode inference && prints "inference of 4 images: forward"

# ---- layers
expect 0 bench net.json --layers --batch-size 4 --rounds 2 --format json
json "$passes"' == [("conv", "conv2d", "forward"), ("conv", "activation", "backward_bias"), ("conv", "conv2d", "backward_weight"), ("pool", "pool2d", "forward"), ("pool", "pool2d", "backward_input"), ("dense", "dense", "forward"), ("dense", "dense", "backward_input"), ("dense", "dense", "backward_weight"), ("dense", "dense", "backward_bias"), ("parameters", "optimizer", "update")]'
json 'set(d["passes"][0]) == {"layer", "op", "pass", "shape", "algorithm", "ms_median", "ms_min", "gflops", "peak_part", "gbytes_per_second", "bandwidth_part", "bound", "bound_part", "flops", "bytes", "peak_gflops", "bandwidth_gbytes_per_second", "rounds", "launches"}'
json 'all(0 < p["ms_min"] <= p["ms_median"] and p["gbytes_per_second"] > 0 and p["rounds"] == 2 and p["launches"] >= 1 for p in d["passes"])'
json 'd["passes"][0]["flops"] == 2 * 4 * 3 * 9 * 144 and d["passes"][0]["bytes"] == 4 * (4 * 144 + 27 + 4 * 3 * 144)'
json 'd["passes"][1]["flops"] is None and d["passes"][1]["gflops"] is None and d["passes"][1]["bytes"] == 4 * (3 * 4 * 3 * 144 + 3)'
json 'd["passes"][-1]["shape"] == "142, momentum" and d["passes"][-1]["bytes"] == 4 * 5 * 142'
json 'd["device"]["type"] == "reference" or all(p["bound"] in ("compute", "memory") and math.isclose(p["bound_part"], max(p["peak_part"] or 0, p["bandwidth_part"])) for p in d["passes"])'
json 'd["device"]["type"] == "reference" or d["peak_gflops"] > 0 and d["bandwidth_gbytes_per_second"] > 0'
json 'd["environment"]["POCL_SAMPLE"] == "1" and d["cpus"] >= 1 and d["batch_size"] == 4'
# The reference has no algorithms, and takes any name.
grep -q '"type": "reference"' "$out" ||
    { expect 2 bench net.json --layers --algorithm cake && says '"cake" is none of'; }
expect 0 bench net.json --layers --batch-size 4 --rounds 1 --device reference --optimizer adam --format json
json 'all(p["algorithm"] == "reference" and p["peak_part"] is None and p["bound"] == "-" for p in d["passes"])'
json 'd["passes"][-1]["shape"] == "142, adam" and d["passes"][-1]["bytes"] == 4 * 7 * 142'
expect 0 bench net.json --layers --batch-size 4 --rounds 1 --device reference && prints "All passes:" && prints "of peak"
expect 0 bench net.json --layers --batch-size 4 --rounds 1 --device reference --algorithm direct --format csv && prints "layer,op,pass,shape,algorithm"

expect 0 bench net.json --layers --batch-size 4 --rounds 1 --device reference --op pool2d --pass input-gradient --format json
json '[p["shape"] for p in d["passes"]] == ["4x3x12x12, max 4x4/4"]'

# ---- shapes
expect 0 bench 'g2mb2ic4ih9oc6oh5kh3sh2ph1n"conv 2"' mb3ic8oc5 --device reference --rounds 1 --format json
json "$passes"' == [(n, o, p) for n, o in (("conv 2", "conv2d"), ("mb3ic8oc5", "dense")) for p in ("forward", "backward_input", "backward_weight", "backward_bias")]'
json '[p["shape"] for p in d["passes"]][::4] == ["2x4x9x9 * 6x2x3x3", "3x8 * 5x8"]'
json 'd["passes"][0]["flops"] == 2 * 2 * 6 * 25 * 2 * 9 and d["model"] is None and d["batch_size"] is None'
expect 0 bench mb2_ic4_ih9iw8_oc6_kh3kw2_dh1dw0_ow7 --pass forward --device reference --rounds 1 --format json
json 'len(d["passes"]) == 1 and d["passes"][0]["flops"] == 2 * 2 * 6 * 5 * 7 * 4 * 6'
# one IMAGES OP PASSES OPTION ...: the shape ic3ih8, of so many images
one() {
    local images=$1 op=$2 names=$3
    shift 3
    expect 0 bench --op "$op" --device reference --rounds 1 --format json --batch-size 5 "$@"
    json "$passes"' == [(p["layer"], "'"$op"'", n) for p, n in zip(d["passes"], "'"$names"'".split())]'
    json 'd["passes"][0]["shape"].startswith("'"$images"'")'
}
one "5x3x8x8, max 2x2/1" pool2d "forward backward_input" ic3ih8kh2
one "2x3x8x8, average 3x2/2" pool2d "forward backward_input" mb2ic3ih8kh3kw2sh2ph1 --pool average
one "5x3x8x8, across 5" lrn "forward backward_input" ic3ih8
one 5x3x8x8 batchnorm "forward backward_input backward_weight" ic3ih8
one "5x3x8x8, tanh" activation "forward backward_input backward_bias" ic3ih8 --activation tanh
one 5x3x8x8 dropout "forward backward_input" ic3ih8
one "192, adam" optimizer update ic3ih8 --optimizer adam
expect 0 bench mb1ic8oc4 --pass weight-gradient --rounds 3 --seconds 0.05
prints "backward_weight" && prints "1x8 * 4x8" && prints "All passes:"
expect 0 bench mb1ic8oc4 --pass forward --rounds 1 --seconds 0.05 --format json
json 'd["passes"][0]["rounds"] > 1 or d["passes"][0]["ms_median"] > 50'

# ---- mistyped
expect 2 bench net.json --layers --device reference --device reference && says "--layers takes one --device"
expect 2 bench net.json --layers --rounds 0 && says "--rounds"
expect 2 bench net.json --layers --mode inference && says "--layers takes no --mode"
expect 2 bench net.json --layers --op lrn && says "quarters has no lrn to measure"
expect 2 bench net.json --layers --op pool2d --pass bias-gradient && says "quarters has no pool2d with a pass backward_bias"
expect 2 bench net.json --mode sleep && says '"sleep" is none of'
expect 2 bench net.json --pass forward && says "--pass is of --layers, --compare or a SHAPE"
expect 2 bench net.json --op conv2d && says "--op is of --layers, --compare or a SHAPE"
expect 2 bench net.json net.json && says "one MODEL"
expect 3 bench net.json --layers --device nowhere && says "nowhere"
expect 5 bench nothere.json --layers && says "nothere.json"
expect 5 bench nothere.json --mode inference && says "nothere.json"
expect 5 bench mb16.json && says "mb16.json"
expect 2 bench mb1ic8oc4 net.json && says '"mb1ic8oc4" is a shape, "net.json" is none'
expect 2 bench mb1ic8oc4 --layers && says "--layers takes a MODEL"
expect 2 bench mb1ic8oc4 --device 0 --device reference && says "SHAPE takes one --device"
expect 2 bench mb1ic8oc4 --mode inference && says "SHAPE takes no --mode"

# wrong SHAPE TEXT OPTION ...: the shape is refused, and the message says which and TEXT
wrong() {
    local shape=$1 text=$2
    shift 2
    expect 2 bench "$shape" --device reference "$@"
    says "\"$shape\"" && says "$text"
}
wrong mb1ic8oc4xx3 "there is no key xx"
wrong mb1id8oc4 "there is no key id"
wrong mb1ic8oc4,3 '",3" starts with no key'
wrong mb1icoc4 "there is no key icoc"
wrong mb1oc4ic "no number after ic"
wrong mb0ic8oc4 "mb is 0, at least 1"
wrong mb1ic8oc4294967296 "oc is 4294967296, at most 2147483647"
wrong mb1ic8ic8oc4 "ic is there twice"
wrong 'mb1ic8oc4n"name' "the name has no quote at its end"
wrong 'mb1ic8oc4n"'"$(printf 'x%.0s' {1..64})"'"' "the name has 64 characters, at most 63"
wrong mb1ic8ih9 "has no oc"
wrong mb1ih9oc8kh3 "conv2d needs ic"
wrong mb1ic8oc4 "conv2d needs ih" --op conv2d
wrong mb1ic8ih9oc4kh3 "dense takes no kh" --op dense
wrong mb1ic8ih9kh3dh1 "pool2d takes no dh" --op pool2d
wrong mb1ic8ih9kh3 "lrn takes no kh" --op lrn
wrong mb1ic8ih9 "lrn has no pass backward_weight" --op lrn --pass weight-gradient
wrong g2mb1ic8ih9oc3kh3 "g is 2 and divides not both ic 8 and oc 3"
wrong mb16ic96ih27oc256oh20kh5ph2 "oh is 20, but (ih + 2 ph - (kh - 1) (dh + 1) - 1) / sh + 1 is 27"
wrong mb16ic96ih27oc256ow20kh5ph2 "ow is 20, but (iw + 2 pw - (kw - 1) (dw + 1) - 1) / sw + 1 is 27"
wrong mb1ic8ih3oc4kh5 "conv2d"
wrong mb1ic8ih9kh3ph3 "pool2d" --op pool2d
wrong mb1ic99999ih99999oc4 "an image has 99999 x 99999 x 99999 values, at most 2147483647"
