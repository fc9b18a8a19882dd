#!/usr/bin/env python3
"""Compare operations with PyTorch: output, mean squared error and the input's gradient.

    bench/peers/torch_ops.py [--device DEVICE ...]

An outside oracle for what the networks of tests/golden do not use: padding modes, pooling variants,
resizing, every activation. Each is a network of one layer, written as Keras JSON and run by
`lenslet run --gradients`; PyTorch works in float64. Debian's python3-torch is enough. LENSLET names the
command (default build/release/bin/lenslet). Exits with 1 when something differs by more than 2e-5.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
LENSLET = os.environ.get("LENSLET", os.path.join(HERE, "../../build/release/bin/lenslet"))
SHAPE = (2, 3, 7, 9)
LIMIT = 2e-5


def layer(class_name, **config):
    return {"class_name": class_name,
            "config": {"name": "layer", "data_format": "channels_first", **config}}


def sides(top, left, bottom, right, mode, value=0):
    return {"top": top, "left": left, "bottom": bottom, "right": right, "mode": mode,
            "value": value}


def pad(*args):
    return layer("lenslet>Padding2D", padding=sides(*args))


def pool(class_name, window, stride, padding=0, **more):
    if padding:
        more["padding"] = sides(*[padding] * 4, "zero")
        class_name = "lenslet>" + class_name
    return layer(class_name, pool_size=[window] * 2, strides=[stride] * 2, **more)


def resize(h, w, interpolation):
    return layer("Resizing", height=h, width=w, interpolation=interpolation)


def activation(name):
    return layer("Activation", activation=name)


CASES = {
    "pad reflect": (pad(2, 1, 3, 4, "reflect"), lambda x: F.pad(x, (1, 4, 2, 3), mode="reflect")),
    "pad replicate": (pad(2, 5, 3, 4, "replicate"),
                      lambda x: F.pad(x, (5, 4, 2, 3), mode="replicate")),
    "pad constant": (pad(2, 1, 0, 4, "constant", 1.5),
                     lambda x: F.pad(x, (1, 4, 2, 0), value=1.5)),
    "max 2/2": (pool("MaxPooling2D", 2, 2), lambda x: F.max_pool2d(x, 2, 2)),
    "max 3/2": (pool("MaxPooling2D", 3, 2), lambda x: F.max_pool2d(x, 3, 2)),
    "max 3/2 padding 1": (pool("MaxPooling2D", 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1)),
    "average 2/2": (pool("AveragePooling2D", 2, 2), lambda x: F.avg_pool2d(x, 2, 2)),
    "average 3/2 padding counted": (
        pool("AveragePooling2D", 3, 2, 1, count_padding=True),
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=True)),
    "average 3/2 padding left out": (
        pool("AveragePooling2D", 3, 2, 1),
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    "min 3/2": (layer("lenslet>MinPooling2D", pool_size=[3, 3], strides=[2, 2]),
                lambda x: -F.max_pool2d(-x, 3, 2)),
    "global average": (layer("GlobalAveragePooling2D"), lambda x: x.mean((2, 3))),
    "global max": (layer("GlobalMaxPooling2D"), lambda x: x.amax((2, 3))),
    "bilinear 13x5": (resize(13, 5, "bilinear"),
                      lambda x: F.interpolate(x, (13, 5), mode="bilinear")),
    "bilinear 32x32": (resize(32, 32, "bilinear"),
                       lambda x: F.interpolate(x, (32, 32), mode="bilinear")),
    "nearest 13x5": (resize(13, 5, "nearest"),
                     lambda x: F.interpolate(x, (13, 5), mode="nearest-exact")),
    "relu": (activation("relu"), F.relu),
    "tanh": (activation("tanh"), torch.tanh),
    "scaled tanh": (activation("lenslet>scaled_tanh"), lambda x: 1.7159 * torch.tanh(x * 2 / 3)),
    "sigmoid": (activation("sigmoid"), torch.sigmoid),
    "elu": (activation("elu"), F.elu),
    "softplus": (activation("softplus"), F.softplus),
    "leaky relu": (layer("LeakyReLU", negative_slope=0.3), lambda x: F.leaky_relu(x, 0.3)),
    "softmax": (layer("Softmax", axis=1), lambda x: F.softmax(x, 1)),
}


def by_torch(function, images, rng):
    x = torch.tensor(images.astype("f8"), requires_grad=True)
    y = function(x).reshape(len(images), -1)
    targets = rng.standard_normal(tuple(y.shape)).astype("f4")
    loss = ((y - torch.tensor(targets.astype("f8"))) ** 2).mean()
    loss.backward()
    return targets, (y.detach().numpy(), x.grad.numpy(), loss.item())


def by_lenslet(network, images, targets, device, folder):
    layers = [{"class_name": "InputLayer",
               "config": {"name": "input", "batch_shape": [None, *SHAPE[1:]]}},
              network, {"class_name": "Flatten",
                        "config": {"name": "flat", "data_format": "channels_first"}}]
    path = os.path.join(folder, "net.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"class_name": "Sequential", "config": {"name": "net", "layers": layers}}, file)
    np.save(os.path.join(folder, "x.npy"), images)
    np.save(os.path.join(folder, "t.npy"), targets)
    out = os.path.join(folder, "out")
    subprocess.run([LENSLET, "run", path, "--input", os.path.join(folder, "x.npy"), "--labels",
                    os.path.join(folder, "t.npy"), "--gradients", "--loss", "mean_squared_error",
                    "--output-dir", out, "--device", device], check=True, capture_output=True)
    load = lambda name: np.load(os.path.join(out, name + ".npy"))
    return load("output").reshape(targets.shape), load("grad_input"), float(load("loss"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", action="append")
    devices = parser.parse_args().device or ["auto", "reference"]
    rng = np.random.default_rng(0)
    worst = 0.0
    print(f"{'case':30} {'device':10} {'output':>9} {'gradient':>9} {'loss':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (network, function) in CASES.items():
            images = rng.standard_normal(SHAPE).astype("f4")
            targets, expected = by_torch(function, images, rng)
            for device in devices:
                got = by_lenslet(network, images, targets, device, folder)
                errors = [float(np.abs(a - b).max()) for a, b in zip(got, expected)]
                worst = max(worst, *errors)
                print(f"{name:30} {device:10}" + "".join(f" {e:9.1e}" for e in errors)
                      + ("" if max(errors) <= LIMIT else "  DIFFERS"))
    print(f"\nlargest difference {worst:.1e}, limit {LIMIT:.0e}; PyTorch {torch.__version__}")
    sys.exit(worst > LIMIT)


main()
