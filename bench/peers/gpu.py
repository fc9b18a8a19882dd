#!/usr/bin/env python3
"""A net on one GPU by Lenslet and by PyTorch, in turns: the table of tools/test_gpu.sh.

    bench/peers/gpu.py [--torch cuda|cpu|none] [--model alexnet] [--batches 16,64,128] [--rounds 3] [--seconds 1]
                       [-o F.json]

LENSLET names the command and LENSLET_DEVICE its device. Both compute in float32, without TF32, and take turns; the
figures are the median of a side's rounds. PyTorch runs in this Python, in the faster of its two layouts.
Without it, or without a GPU that it knows, Lenslet's figures stand alone.
"""
import argparse
import json
import os
import statistics
import sys

import compare
import sides

CORES = len(sides.CORES)
NAMES = {"step": "training step", "inference": "inference"}


class GpuTorch(sides.PyTorch):
    def __init__(self, device):
        self.device = device

    def version(self):
        where = "'CPU'" if self.device == "cpu" else "torch.cuda.get_device_name()"
        program = f"import torch; print('PyTorch', torch.__version__, 'on', {where})"
        return sides.output_of([sys.executable, "-c", program])

    def variants(self, work):
        return ["nchw", "channels_last"]

    def start(self, work, variant, threads, environment=None):
        work = {**work, "device": self.device, "variant": variant, "threads": threads}
        return sides.Worker([sys.executable, os.path.join(sides.HERE, "torch_worker.py"), json.dumps(work)], {})


def works(model, batches):
    for do in ("step", "inference"):
        for batch in batches:
            yield {"do": do, "model": model, "batch": batch, "optimizer": "momentum"}


def contender(torch, work, seconds):
    """PyTorch in the faster of its layouts; or nothing, where it cannot do this work."""
    try:
        return compare.Contender(torch, work, CORES, seconds) if torch else None
    except sides.Unavailable as error:
        print(f"Without PyTorch: {error}", file=sys.stderr)
        return None


def row(work, torch, rounds, seconds):
    ours, theirs = sides.Lenslet(work, CORES), contender(torch, work, seconds)
    times = {"lenslet_ms": [], "pytorch_ms": []}
    try:
        for _ in range(rounds):
            times["lenslet_ms"].append(ours.turn(seconds)["median_ms"])
            if theirs:
                times["pytorch_ms"].append(theirs.turn(seconds)["median_ms"])
    finally:
        if theirs:
            theirs.close()
    medians = {name: statistics.median(found) if found else None for name, found in times.items()}
    return {**work, **medians, "pytorch_layout": theirs.variant if theirs else None}


def named(work):
    return f"{work['model']:12} {NAMES[work['do']]:14} {work['batch']:5}"


def show(r):
    ours, theirs = r["lenslet_ms"], r["pytorch_ms"]
    beside = f"{'-':>9} {'-':>9} {'-':>6}"
    if theirs:
        beside = f"{theirs:9.2f} {1e3 * r['batch'] / theirs:9.0f} {theirs / ours:6.2f}"
    print(f"{named(r)} {ours:9.2f} {1e3 * r['batch'] / ours:9.0f} {beside}", flush=True)


def available(device):
    if device == "none":
        return None, None
    torch = GpuTorch(device)
    try:
        version = torch.version()
        print(version, flush=True)
        return torch, version
    except sides.Unavailable as error:
        print(f"Without PyTorch: {error}", file=sys.stderr)
        return None, None


def table(torch, o):
    """Shown row by row; a row that fails is among the results with its reason."""
    print(f"{'':12} {'':14} {'batch':>5} {'Lenslet':>9} {'images/s':>9} {'PyTorch':>9} {'images/s':>9} {'ratio':>6}")
    results = []
    for work in works(o.model, o.batches):
        try:
            results.append(row(work, torch, o.rounds, o.seconds))
            show(results[-1])
        except sides.Unavailable as error:
            results.append({**work, "failed": str(error)})
            print(f"{named(work)} failed: {error}", flush=True)
    print("Milliseconds; a ratio above 1: Lenslet is faster.")
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--torch", default="cuda", choices=["cuda", "cpu", "none"])
    parser.add_argument("--model", default="alexnet")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--batches", type=lambda text: [int(n) for n in text.split(",")], default=[16, 64, 128])
    parser.add_argument("-o", "--out")
    o = parser.parse_args()
    torch, version = available(o.torch)
    results = table(torch, o)
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            json.dump({"pytorch": version, "device": os.environ.get("LENSLET_DEVICE"), "rows": results}, file, indent=1)
    return any("failed" in result for result in results)


if __name__ == "__main__":
    raise SystemExit(main())
