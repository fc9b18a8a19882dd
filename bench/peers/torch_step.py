#!/usr/bin/env python3
"""The training step of a Lenslet model on PyTorch: time of each of several rounds, as JSON.

    torch_step.py MODEL [--batch 64] [--steps 100] [--rounds 7] [--threads 2]

A step is zero_grad, forward, cross-entropy, backward, Adam, on one batch that stays in memory: what
`lenslet bench MODEL` times too. Debian's python3-torch is enough. Its best configuration on a CPU has
one thread a core and an OpenBLAS that knows the processor (OPENBLAS_CORETYPE), which the caller sets.
"""
import argparse
import json
import time

import torch
from torch import nn

MODELS = {
    "lenet5": lambda: ((1, 32, 32), nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84),
        nn.Tanh(), nn.Linear(84, 10))),
    "lenet5-relu": lambda: ((1, 28, 28), nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84),
        nn.ReLU(), nn.Linear(84, 10))),
    "digits-cnn": lambda: ((1, 28, 28), nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 120), nn.Tanh(), nn.Linear(120, 60), nn.Tanh(), nn.Linear(60, 10))),
    "alexnet-mini": lambda: ((1, 28, 28), nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 128),
        nn.ReLU(), nn.Linear(128, 10))),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    shape, net = MODELS[args.model]()
    images = torch.rand(args.batch, *shape)
    labels = torch.randint(10, (args.batch,))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    loss_of = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(net(images), labels).backward()
        optimizer.step()

    for _ in range(10):
        step()
    times = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        for _ in range(args.steps):
            step()
        times.append((time.perf_counter() - start) / args.steps * 1e3)
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "model": args.model,
                      "batch": args.batch, "threads": args.threads, "step_ms": times}))


main()
