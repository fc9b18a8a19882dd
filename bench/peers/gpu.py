#!/usr/bin/env python3
"""alexnet on one GPU by Lenslet and by PyTorch, in turns: the table of tools/test_gpu.sh.

    bench/peers/gpu.py [--torch cuda|cpu|none] [--rounds 3] [--seconds 1] [--batches 16,64,128] [-o F.json]

LENSLET names the command and LENSLET_DEVICE its device. Both compute in float32, without TF32, and take turns; the
figures are the median of a side's rounds. PyTorch runs in this Python, in the faster of its two layouts.
Without it, or without a GPU that it knows, Lenslet's figures stand alone.
"""
import argparse
import json
import os
import statistics
import sys

import sides


class GpuTorch(sides.PyTorch):
    def __init__(self, device):
        self.device = device

    def version(self):
        found = "" if self.device == "cpu" else "assert torch.cuda.is_available(), 'PyTorch has no GPU'; "
        return sides.output_of([sys.executable, "-c", f"import torch; {found}print('PyTorch', torch.__version__)"])

    def command(self, work):
        return [sys.executable, os.path.join(sides.HERE, "torch_worker.py"), json.dumps({**work, "device": self.device})]

    def variants(self, work):
        return ["nchw", "channels_last"]

    def start(self, work, variant, threads, environment=None):
        return sides.Worker(self.command({**work, "variant": variant, "threads": threads}), {})

    def fastest(self, work, seconds):
        """A worker in the layout that is faster in a first turn."""
        best = None
        for variant in self.variants(work):
            worker = self.start(work, variant, len(sides.CORES))
            took = worker.turn(seconds)["median_ms"]
            if best and best[0] <= took:
                worker.close()
                continue
            if best:
                best[1].close()
            best = took, worker
        return best[1]


def works(batches):
    for do in ("step", "inference"):
        for batch in batches:
            yield {"do": do, "model": "alexnet", "batch": batch, "optimizer": "momentum"}


def row(work, torch, rounds, seconds):
    ours = sides.Lenslet(work, len(sides.CORES))
    theirs = torch.fastest(work, seconds) if torch else None
    times = {"lenslet_ms": [], "pytorch_ms": []}
    for _ in range(rounds):
        times["lenslet_ms"].append(ours.turn(seconds)["median_ms"])
        if theirs:
            times["pytorch_ms"].append(theirs.turn(seconds)["median_ms"])
    if theirs:
        theirs.close()
    return {**work, **{name: statistics.median(found) if found else None for name, found in times.items()}}


def show(r):
    ours, theirs = r["lenslet_ms"], r["pytorch_ms"]
    what = "training step" if r["do"] == "step" else "inference"
    beside = f"{theirs:9.2f} {1e3 * r['batch'] / theirs:9.0f} {theirs / ours:6.2f}" if theirs else f"{'-':>9} {'-':>9} {'-':>6}"
    print(f"{r['model']:8} {what:14} {r['batch']:5} {ours:9.2f} {1e3 * r['batch'] / ours:9.0f} {beside}", flush=True)


def available(device):
    if device == "none":
        return None, None
    torch = GpuTorch(device)
    try:
        return torch, torch.version()
    except sides.Unavailable as error:
        print(f"Without PyTorch: {error}", file=sys.stderr)
        return None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--torch", default="cuda", choices=["cuda", "cpu", "none"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--batches", type=lambda text: [int(n) for n in text.split(",")], default=[16, 64, 128])
    parser.add_argument("-o", "--out")
    o = parser.parse_args()
    torch, version = available(o.torch)
    print(f"{'':8} {'':14} {'batch':>5} {'Lenslet':>9} {'images/s':>9} {'PyTorch':>9} {'images/s':>9} {'ratio':>6}")
    results = []
    for work in works(o.batches):
        results.append(row(work, torch, o.rounds, o.seconds))
        show(results[-1])
    print("Milliseconds; a ratio above 1: Lenslet is faster.")
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            json.dump({"pytorch": version, "device": os.environ.get("LENSLET_DEVICE"), "rows": results}, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except sides.Unavailable as failed:
        raise SystemExit(f"gpu.py: {failed}") from failed
