"""What the workers in Python share: how they talk to compare.py, and how they time.

A worker is a process that keeps one piece of work warm between its turns. Its argument is the work as
JSON. When all is built, and the first run of it done, it prints {"parameters", "first_ms", "notes"};
then, for every line on stdin, which says for how many seconds, {"median_ms", "min_ms"} of single runs.
Any exception ends it, and its last line on stderr is the reason. onednn_worker.cpp does the same in C++.
"""
import json
import re
import statistics
import sys
import time

RUNS_LEAST = 5  # in a turn, as `lenslet bench` has it

NAMES = {"mb": "n", "ic": "c", "ih": "h", "iw": "w", "oc": "k", "oh": "p", "ow": "q", "kh": "r",
         "kw": "s", "sh": "stride", "ph": "pad"}


def parse_shape(text):
    """oneDNN's one-line shape as {"n": 16, ...}; square where only the height is given."""
    shape = {"stride": 1, "pad": 0}
    for key, value in re.findall(r"([a-z]+)(\d+)", text):
        shape[NAMES[key]] = int(value)
    for one, other in (("h", "w"), ("p", "q"), ("r", "s")):
        shape.setdefault(other, shape.get(one, 1))
        shape.setdefault(one, 1)
    return shape


def work(text=None):
    return json.loads(text or sys.argv[1])


def milliseconds(run, runs=1):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3 / runs


def turn(run, seconds, runs=1):
    times, start = [], time.perf_counter()
    while len(times) < RUNS_LEAST or time.perf_counter() - start < seconds:
        times.append(milliseconds(run, runs))
    return {"median_ms": statistics.median(times), "min_ms": min(times)}


def say(message):
    print(json.dumps(message), flush=True)


def serve(run, parameters=None, notes=None, runs=1):
    """`run` does the work once, or `runs` times, and returns when it is done."""
    say({"first_ms": milliseconds(run), "parameters": parameters, "notes": notes})
    for line in sys.stdin:
        say(turn(run, float(line), runs))
