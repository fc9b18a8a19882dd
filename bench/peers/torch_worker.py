#!/usr/bin/env python3
"""PyTorch's side of compare.py: a training step, an inference, a convolution or a dense layer.

Debian's python3-torch is enough. Its best configuration on a CPU has one thread a core and an OpenBLAS
that knows the processor (OPENBLAS_CORETYPE), which compare.py sets, and no denormal numbers. The
variants are the layouts and, in inference, the frozen graph; compare.py keeps the fastest.

With a "device" other than "cpu" in the work it runs there ("cuda": NVIDIA's and AMD's GPUs), in float32
throughout (no TF32) and with the algorithms that cuDNN finds fastest; some runs are queued before it waits.
"""
import torch
from torch import nn

import worker
import zoo

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, alpha=0.9, eps=1e-7),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3, eps=1e-7),
}


# ---- networks ------------------------------------------------------------------------------------

def pool_of(layer):
    kind = nn.MaxPool2d if layer["kind"] == "max" else nn.AvgPool2d
    return kind(layer["kernel"], layer["stride"], ceil_mode=layer["same"])


def modules_of(layer):
    kind, (c, h, _) = layer["kind"], layer["input"]
    if kind == "conv":
        yield nn.Conv2d(c, layer["size"], layer["kernel"], layer["stride"], groups=layer["groups"],
                        padding="same" if layer["same"] else "valid")
    elif kind in ("max", "avg"):
        yield pool_of(layer)
    elif kind == "dense":
        yield nn.Linear(c, layer["size"])
    elif kind == "lrn":
        yield nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)  # its alpha is divided by 5
    elif kind == "bn":
        yield (nn.BatchNorm2d if h > 1 else nn.BatchNorm1d)(c, eps=1e-3)
    elif kind == "drop":
        yield nn.Dropout(layer["rate"])
    elif kind == "resize":
        yield nn.Upsample(size=layer["size"], mode="bilinear")
    elif kind == "flatten":
        yield nn.Flatten()
    else:
        raise ValueError(f"PyTorch has no layer for {kind}")
    if layer["f"]:
        yield ACTIVATIONS[layer["f"]]()


def build(name):
    shape, layers = zoo.network(name)
    net = nn.Sequential(*(module for layer in layers for module in modules_of(layer)))
    state = [b for key, b in net.named_buffers() if "running" in key]
    return shape, net, sum(t.numel() for t in [*net.parameters(), *state])


QUEUED = 8  # runs on a GPU between two waits


def laid_out(work, net, images):
    net, images = net.to(work["device"]), images.to(work["device"])
    if "channels_last" in work["variant"]:
        return net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    return net, images


def training_step(work):
    shape, net, parameters = build(work["model"])
    net, images = laid_out(work, net, torch.rand(work["batch"], *shape))
    optimizer = OPTIMIZERS[work["optimizer"]](net.parameters())
    classes = zoo.classes(work["model"])
    if classes == 1:
        loss_of, labels = nn.BCEWithLogitsLoss(), torch.randint(2, (work["batch"], 1)).float()
    else:
        loss_of, labels = nn.CrossEntropyLoss(), torch.randint(classes, (work["batch"],))
    labels = labels.to(work["device"])

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss_of(net(images), labels).backward()
        optimizer.step()

    return run, parameters


def inference(work):
    shape, net, parameters = build(work["model"])
    net.append(nn.Sigmoid() if zoo.classes(work["model"]) == 1 else nn.Softmax(dim=1))
    net, images = laid_out(work, net.eval(), torch.rand(work["batch"], *shape))
    if "frozen" in work["variant"]:
        with torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, images)))
        for _ in range(3):  # the graph is specialised in its first runs
            net(images)

    def run():
        with torch.inference_mode():
            net(images)

    return run, parameters


# ---- single operations ---------------------------------------------------------------------------

def convolution(work):
    s = worker.parse_shape(work["shape"])
    x, w = torch.rand(s["n"], s["c"], s["h"], s["w"]), torch.rand(s["k"], s["c"], s["r"], s["s"])
    dy = torch.rand(s["n"], s["k"], s["p"], s["q"])
    stride, pad = [s["stride"]] * 2, [s["pad"]] * 2
    if work["pass"] == "forward":
        return lambda: nn.functional.conv2d(x, w, None, stride, pad)
    wanted = [work["pass"] == "input gradient", work["pass"] == "weight gradient", False]
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, stride, pad, [1, 1], False,
                                                       [0, 0], 1, wanted)


def dense(work):
    s = worker.parse_shape(work["shape"])
    x, w, dy = torch.rand(s["n"], s["c"]), torch.rand(s["k"], s["c"]), torch.rand(s["n"], s["k"])
    return {"forward": lambda: nn.functional.linear(x, w),
            "input gradient": lambda: torch.mm(dy, w),
            "weight gradient": lambda: torch.mm(dy.t(), x)}[work["pass"]]


def operation(work):
    run = {"conv2d": convolution, "dense": dense}[work["op"]](work)

    def without_gradients():
        with torch.inference_mode():
            run()

    return without_gradients, None


def blas():
    """The file of the BLAS that is in use: which one Debian's alternatives name matters."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        names = {line.split()[-1] for line in maps if "blas" in line}
    return " ".join(sorted(names))


def serve_on_gpu(run, parameters):
    def queued():
        for _ in range(QUEUED):
            run()
        torch.cuda.synchronize()

    worker.serve(queued, parameters, notes=torch.cuda.get_device_name(), runs=QUEUED)


def main():
    work = {"device": "cpu", **worker.work()}
    torch.manual_seed(0)
    torch.set_num_threads(work["threads"])
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    run, parameters = {"step": training_step, "inference": inference, "op": operation}[work["do"]](work)
    if work["device"] == "cpu":
        worker.serve(run, parameters, notes=blas())
    else:
        serve_on_gpu(run, parameters)


main()
