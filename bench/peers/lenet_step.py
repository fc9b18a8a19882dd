#!/usr/bin/env python3
"""The same training step on Lenslet and on PyTorch, in turns in one run, as a table of ratios.

    bench/peers/lenet_step.py [--rounds 7] [--batch 64] [MODEL ...]

The machine's other load changes from second to second, so the two sides take turns and the figures are
each side's fastest and median round. Both do forward, cross-entropy, backward and Adam on one batch that
stays in memory. PyTorch (Debian: python3-torch libopenblas0-openmp) runs with one thread a core and,
unless OPENBLAS_CORETYPE is set already, with that of the processor: Debian's OpenBLAS takes a new
processor for an old one. LENSLET names the command (default build/release/bin/lenslet).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LENSLET = os.environ.get("LENSLET", os.path.join(HERE, "../../build/release/bin/lenslet"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def core_type():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        flags = cpuinfo.read()
    return "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else None


def lenslet_ms(model, batch):
    out = subprocess.run([LENSLET, "bench", model, "--batch-size", str(batch), "--seconds", "0.7",
                          "--format", "json"], check=True, capture_output=True, text=True).stdout
    result = json.loads(out)["results"][0]
    return result["step_ms_median"], result["name"]


def torch_ms(model, batch, threads):
    env = dict(os.environ)
    if core_type():
        env.setdefault("OPENBLAS_CORETYPE", core_type())
    out = subprocess.run([PYTHON, os.path.join(HERE, "torch_step.py"), model, "--batch", str(batch),
                          "--rounds", "1", "--steps", "60", "--threads", str(threads)], check=True,
                         capture_output=True, text=True, env=env).stdout
    result = json.loads(out)
    return result["step_ms"][0], result["peer"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=["lenet5-relu"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    threads = os.cpu_count()
    print(f"{'model':14} {'batch':>5}  {'Lenslet ms':>22}  {'PyTorch ms':>22}  {'ratio':>14}")
    print(f"{'':14} {'':>5}  {'fastest':>11}{'median':>11}  {'fastest':>11}{'median':>11}"
          f"  {'fastest':>7}{'median':>7}")
    for model in args.models:
        ours, theirs = [], []
        for _ in range(args.rounds):
            ms, device = lenslet_ms(model, args.batch)
            ours.append(ms)
            ms, peer = torch_ms(model, args.batch, threads)
            theirs.append(ms)
        a, b = min(ours), statistics.median(ours)
        c, d = min(theirs), statistics.median(theirs)
        print(f"{model:14} {args.batch:5}  {a:11.2f}{b:11.2f}  {c:11.2f}{d:11.2f}"
              f"  {c / a:7.2f}{d / b:7.2f}", flush=True)
    print(f"\nratio: PyTorch's time over Lenslet's; above 1 Lenslet is faster.\n"
          f"{peer}, {threads} threads; Lenslet on {device}; {args.rounds} rounds in turns.")


main()
