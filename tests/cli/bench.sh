#!/usr/bin/env bash
# bench.sh: the training step on devices, and the passes of layers by themselves. Nothing here is about
# how fast it is.
. "$(dirname "$0")/lib.sh"
make_data

expect 0 bench net.json --batch-size 4 --seconds 0.05 --device reference --format json
json 'd["model"] == "quarters" and d["results"][0]["type"] == "reference" and d["results"][0]["step_ms_median"] > 0'

expect 0 bench net.json --layers --batch-size 4 --rounds 2 --format json
json '[(p["layer"], p["pass"]) for p in d["passes"]][:3] == [("conv", "forward"), ("conv", "backward_weight"), ("dense", "forward")]'
json 'set(d["passes"][0]) == {"layer", "pass", "shape", "algorithm", "ms_median", "ms_min", "gflops", "peak_part", "gbytes_per_second", "bandwidth_part", "bound", "bound_part"}'
json 'all(0 < p["ms_min"] <= p["ms_median"] and p["gflops"] > 0 and p["gbytes_per_second"] > 0 for p in d["passes"])'
json 'd["device"]["type"] == "reference" or all(p["bound"] in ("compute", "memory") and math.isclose(p["bound_part"], max(p["peak_part"], p["bandwidth_part"])) for p in d["passes"])'
json 'd["device"]["type"] == "reference" or d["peak_gflops"] > 0 and d["bandwidth_gbytes_per_second"] > 0'
expect 0 bench net.json --layers --batch-size 4 --rounds 1 --device reference --format json
json 'all(p["algorithm"] == "reference" and p["peak_part"] is None and p["bound"] == "-" for p in d["passes"])'
expect 0 bench net.json --layers --batch-size 4 --rounds 1 && prints "All passes:" && prints "of peak"
expect 0 bench net.json --layers --batch-size 4 --rounds 1 --algorithm direct --format csv && prints "layer,pass,shape,algorithm"

expect 2 bench net.json --layers --device reference --device reference && says "--layers takes one --device"
expect 2 bench net.json --layers --rounds 0 && says "--rounds"
expect 2 bench net.json --layers --algorithm cake && says '"cake" is none of'
expect 3 bench net.json --layers --device nowhere && says "nowhere"
expect 5 bench nothere.json --layers && says "nothere.json"
