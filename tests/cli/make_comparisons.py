"""Makes, from one comparison that the command wrote, those that no single machine has: five devices, one that
failed half its checks, another version on another machine, a device that went away, names that look like
markup. `make_comparisons.py SMALL.json` writes them beside it. Standard library only."""
import copy
import json
import sys

GPUS = [
    ("NVIDIA H200", "NVIDIA CUDA", "NVIDIA Corporation", 570, 48000, 3800),
    ("gfx1100", "AMD Accelerated Parallel Processing", "Advanced Micro Devices, Inc.", 3649, 38000, 780),
    ("Intel(R) Arc(TM) A770 Graphics", "Intel(R) OpenCL Graphics", "Intel(R) Corporation", 24, 14000, 420),
]


def write(name, document):
    with open(name, "w") as file:
        json.dump(document, file, indent=1)


def speed_up(row, factor):
    """A row of nets or passes of a device that is so many times as fast."""
    for key in ("step_ms_median", "step_ms_min", "ms_median", "ms_min"):
        if row.get(key) is not None:
            row[key] /= factor
    for key in ("images_per_second", "gflops", "gbytes_per_second"):
        if row.get(key) is not None:
            row[key] *= factor


def add_device(document, name, platform, vendor, driver, peak, bandwidth):
    """A GPU with the rows of the file's first device, faster."""
    first = document["devices"][0]
    index = 1 + max(d["index"] for d in document["devices"])
    factor = peak / (first["peak_gflops"] or 1000)
    document["devices"].append(
        dict(first, index=index, name=name, platform=platform, vendor=vendor, driver=str(driver), type="GPU",
             opencl="OpenCL 3.0", compute_units=driver % 100, peak_gflops=float(peak),
             bandwidth_gbytes_per_second=float(bandwidth)))
    for table in ("nets", "starts", "passes", "checks"):
        for row in [r for r in document[table] if r["device"] == first["index"]]:
            row = dict(row, device=index)
            speed_up(row, factor)
            if table == "passes" and row["flops"]:
                row.update(peak_gflops=float(peak), bandwidth_gbytes_per_second=float(bandwidth),
                           peak_part=0.1 + 0.17 * (len(row["layer"] + row["pass"]) % 6), bound="compute")
                row["gflops"] = row["peak_part"] * peak
            document[table].append(row)
    if not any(r["device"] == index for r in document["checks"]):  # of the reference, which has none
        document["checks"].append(dict(device=index, op="conv2d", pass_="", cases=40))
        row = document["checks"][-1]
        del row["pass_"]
        row.update({"pass": "forward", "failed": 0, "skipped": 0, "worst_ulp": 2.0, "limit_ulp": 12.0,
                    "worst_case": 3, "worst_name": "3x3", "note": None})
    if not any(r["device"] == index for r in document["starts"]):
        net = document["nets"][0]
        document["starts"].append({"device": index, "model": net["model"], "batch_size": net["batch_size"],
                                   "cold_ms": 900.0, "warm_ms": 90.0, "note": None})
    return index


small = json.load(open(sys.argv[1]))
first = small["devices"][0]["index"]

five = copy.deepcopy(small)
five["devices"] = five["devices"][:1]
for table in ("nets", "starts", "passes", "checks"):
    five[table] = [r for r in five[table] if r["device"] == first]
for gpu in GPUS:
    add_device(five, *gpu)
five["devices"].append(dict(five["devices"][1], index=90, name="A device that went away",
                            peak_gflops=None, bandwidth_gbytes_per_second=None,
                            error="clCreateContext on A device that went away: CL_DEVICE_NOT_AVAILABLE (-2)"))
for net in [r for r in five["nets"] if r["device"] == first]:
    five["nets"].append(dict(net, device=90, step_ms_median=None, step_ms_min=None, images_per_second=None,
                             gflops=None, steps=0, first_step_ms=None, memory_bytes=None,
                             note="clCreateContext: CL_DEVICE_NOT_AVAILABLE (-2)"))
write("five.json", five)

half = copy.deepcopy(small)
bad = add_device(half, *GPUS[0])
for row in half["checks"]:
    if row["device"] == bad:
        row.update(failed=(row["cases"] + 1) // 2, worst_ulp=31337.0, worst_name="3x3 <stride> 2",
                   note="at (0, 1, 2, 3) of 1x2x3x4: got 7, expected -7")
half["checks"][-1]["worst_ulp"] = None  # no number came out
write("half.json", half)

old = copy.deepcopy(small)
old.update(lenslet="0.0.9", machine=dict(old["machine"], name="attic"))
old["nets"] = [dict(r, batch_size=2 * r["batch_size"]) for r in old["nets"] if r["mode"] == "training"]
write("old.json", old)

odd = copy.deepcopy(small)
odd["devices"][0]["name"] = '<b>"R&D"</b> \u2603 ' + 40 * "long"
odd["machine"]["name"] = "</style><script>alert(1)</script>"
odd["environment"]["POCL_<i>"] = "&amp;"
write("odd.json", odd)

parts = copy.deepcopy(small)  # the first part of a step at the edge, as narrow as a part that is named can be
forward = [r for r in parts["passes"] if r["pass"] == "forward"]
for row in parts["passes"]:
    row["ms_median"] = 0.095 / len(forward) if row in forward else 0.905 / (len(parts["passes"]) - len(forward))
write("parts.json", parts)

none = copy.deepcopy(small)
for table in ("nets", "starts", "passes", "checks"):
    none[table] = []
write("none.json", none)
