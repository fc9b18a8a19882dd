"""check_timeline.py FILE [EXPRESSION ...]: a timeline of --profile=FILE is well-formed, and the
expressions are true of it. Standard library only.

Well-formed: JSON without NaN; every event has its process and track named; on one track events
nest or follow each other; kernels stand within an operation, and all of them together take no
longer than the host was busy.
"""
import json
import sys

ROUNDING = 2  # nanoseconds: times are written to one


def no_constant(name):
    raise ValueError(name + " is not JSON")


def nanoseconds(value):
    return round(value * 1000)


d = json.load(open(sys.argv[1], encoding="utf-8"), parse_constant=no_constant)
assert set(d) == {"displayTimeUnit", "otherData", "traceEvents"}, set(d)
named = {(e["name"], e["pid"], e["tid"]): e["args"]["name"] for e in d["traceEvents"]
         if e["ph"] == "M" and e["name"] in ("process_name", "thread_name")}
processes = {pid: name for (what, pid, _), name in named.items() if what == "process_name"}
tracks = {tid: name for (what, _, tid), name in named.items() if what == "thread_name"}
events = [e for e in d["traceEvents"] if e["ph"] == "X"]
assert events and d["otherData"]["events"] == len(events)
for e in events:
    e["start"] = nanoseconds(e["ts"])
    e["end"] = e["start"] + nanoseconds(e["dur"])
    e["parent"] = None
    e.setdefault("args", {})
    assert e["start"] >= 0 and e["dur"] >= 0 and e["name"], e
    assert e["pid"] in processes and ("thread_name", e["pid"], e["tid"]) in named, e

for tid in tracks:
    inside = []
    for e in (e for e in events if e["tid"] == tid):
        while inside and e["start"] >= inside[-1]["end"] - ROUNDING and e["end"] > inside[-1]["end"]:
            inside.pop()
        if inside:
            assert e["start"] >= inside[-1]["start"] and e["end"] <= inside[-1]["end"] + ROUNDING, (e, inside[-1])
            e["parent"] = inside[-1]
        inside.append(e)

host = [e for e in events if e["pid"] == 1 and tracks[e["tid"]] == "host"]
device = [e for e in events if e["pid"] != 1]
kernels = [e for e in device if "program" in e["args"]]
operations = [e for e in device if "op" in e["args"]]
libraries = [e for e in device if e["name"].startswith("CLBlast") and "op" not in e["args"]]
names = {e["name"] for e in events}
wall = max(e["end"] for e in events) - min(e["start"] for e in events)
assert len(kernels) + len(operations) + len(libraries) == len(device)
for pid in processes:
    assert sum(e["end"] - e["start"] for e in kernels if e["pid"] == pid) <= wall
for e in kernels:
    assert e["parent"] is None or "op" in e["parent"]["args"], e
for e in operations:
    assert e["args"]["bytes"] > 0, e


def ops(layer, **args):
    """The device's operations of a layer."""
    return [e for e in operations if e["args"].get("layer") == layer
            and all(e["args"].get(key) == value for key, value in args.items())]


for expression in sys.argv[2:]:
    if not eval(expression):
        sys.exit(f"{sys.argv[1]}: not so: {expression}")
