#!/usr/bin/env python3
"""Make the golden data that test_golden.c compares with: one training run of three steps of every
LeNet-sized model and of three AlexNets, computed by PyTorch in float64.

    /usr/bin/python3 tests/golden/make_golden.py [MODEL ...]   (Debian's python3-torch, python3-numpy;
                                                                5 GB of memory for the AlexNets)

lenet5-1998 ends in penalties, so `output` are these and the loss is the paper's equation 9; its codes
are read from host/net/digit_codes.c, its table of connections is typed again from the paper's.

Nothing big is stored. Weights, images and labels are drawn from Philox by the same formula here and
in the test, and of each tensor every few-th element is kept, 256 at most, with the norm of the whole.
For a model M the folder M/ holds, as float32 .npy:

    output        (batch, classes), after the softmax or sigmoid, before the first step
    loss          (3), mean over the batch, before each step
    grad_input    sampled, of the first step
    grad_P        sampled, of the first step, for parameter number P
    after_P       sampled, the weights after three steps
    norms         (parameters, 2): norm of grad_P, norm of after_P
    fixed_F       sampled, running mean or variance number F after three steps

The optimizers are written out by Keras's formulas; the plain ones are checked against torch.optim.
"""
import os
import re
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SAMPLES = 256
STEPS = 3


# ---- the same random numbers as tests/support.c -------------------------------------------------

def philox(counter, key):
    """Philox4x32-10 on arrays of counters, (4, n) uint64 holding 32-bit words."""
    c0, c1, c2, c3 = (c.astype(np.uint64) for c in counter)
    k0, k1 = key
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c0
        b = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((b >> shift) ^ c1 ^ np.uint64(k0), b & mask,
                          (a >> shift) ^ c3 ^ np.uint64(k1), a & mask)
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3])


def words(count, seed, index):
    """lens_random(seed, 0, index, 0, i) for i in 0 .. count-1."""
    groups = (count + 3) // 4
    counter = [np.arange(groups), np.full(groups, index), np.zeros(groups), np.zeros(groups)]
    out = philox(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return out.T.reshape(-1)[:count].astype(np.uint32)


def reals(count, seed):
    """test_reals(): uniform in -1 .. 1."""
    return (2 * (words(count, seed, 2) >> 8).astype(np.float32) * np.float32(2.0 ** -24)
            - np.float32(1))


# ---- the models, as MODELS in the paper's and notebooks' words -----------------------------------

def lenet(channels, pool, activation, flat, padding=0):
    return [nn.Conv2d(channels, 6, 5, padding=padding), activation(), pool(2),
            nn.Conv2d(6, 16, 5), activation(), pool(2), nn.Flatten(),
            nn.Linear(flat, 120), activation(), nn.Linear(120, 84), activation(),
            nn.Linear(84, 10)]


# ---- LeNet-5 of 1998 ------------------------------------------------------------------------------

TABLE = ["X...XXX..XXXX.XX", "XX...XXX..XXXX.X", "XXX...XXX..X.XXX",
         ".XXX..XXXX..X.XX", "..XXX..XXXX.XX.X", "...XXX..XXXX.XXX"]
REJECTION = 10.0  # LENS_REJECTION of ops.h


class ScaledTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(2 * x / 3)


class Subsample(nn.Module):
    """f(bias + weight times the sum of each 2 x 2 window), a weight and a bias a map."""

    def __init__(self, maps):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(maps)), nn.Parameter(torch.zeros(maps))

    def forward(self, x):
        sums = 4 * F.avg_pool2d(x, 2)
        return sums * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class TableConv(nn.Conv2d):
    """C3: what TABLE does not connect is multiplied by 0."""

    def mask(self):
        connected = torch.tensor([[TABLE[c][k] == "X" for c in range(6)] for k in range(16)])
        return connected.view(16, 6, 1, 1).double()

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask(), self.bias)


class Codes(nn.Module):
    """The squared distances from the ten pictures."""

    def __init__(self):
        super().__init__()
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "../../host/net/digit_codes.c")
        rows = re.findall(r'"([.#]{7})"', open(source).read())
        assert len(rows) == 120
        bits = [[1.0 if x == "#" else -1.0 for x in row] for row in rows]
        self.codes = torch.tensor(bits).double().view(10, 84)

    def forward(self, x):
        return ((x[:, None, :] - self.codes[None]) ** 2).sum(2)


def map_loss(penalties, labels):
    own = penalties.gather(1, labels[:, None])[:, 0]
    rejection = torch.full_like(penalties[:, :1], REJECTION)
    return (own + torch.logsumexp(-torch.cat([penalties, rejection], 1), 1)).mean()


# ---- the AlexNets ----------------------------------------------------------------------------------

class Dropout(nn.Module):
    """ops.h's rule, for layer number `index` of the network; the trainer's seed is 0."""

    def __init__(self, rate, index):
        super().__init__()
        self.rate, self.index, self.step = rate, index, 0

    def forward(self, x):
        groups = (x.numel() + 3) // 4
        counter = [np.arange(groups), np.full(groups, 3 << 24 | self.index),
                   np.full(groups, self.step), np.zeros(groups)]
        drawn = philox(counter, (0, 0)).T.reshape(-1)[:x.numel()]
        kept = torch.from_numpy(drawn >= int(np.float32(self.rate) * 2.0 ** 32)).view_as(x)
        return x * kept / (1 - self.rate)


class BatchNorm(nn.Module):
    """Keras's: the running variance is of the batch's variance divided by m; epsilon 1e-3."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.zeros(channels)) for _ in range(2))
        self.mean, self.variance = torch.zeros(channels).double(), torch.ones(channels).double()

    def forward(self, x):
        axes = [0] + list(range(2, x.dim()))
        for running, batch in ((self.mean, x.mean(axes)), (self.variance, x.var(axes, unbiased=False))):
            running.mul_(0.9).add_(0.1 * batch.detach())
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=1e-3)


def lrn():
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)  # PyTorch divides alpha by 5


def conv_relu(c, k, size, **options):
    return [nn.Conv2d(c, k, size, **options), nn.ReLU()]


def dense_relu(c, k):
    return [nn.Linear(c, k), nn.ReLU()]


def alexnet(groups):
    return [*conv_relu(3, 96, 11, stride=4), lrn(), nn.MaxPool2d(3, 2),
            *conv_relu(96, 256, 5, padding=2, groups=groups), lrn(), nn.MaxPool2d(3, 2),
            *conv_relu(256, 384, 3, padding=1), *conv_relu(384, 384, 3, padding=1, groups=groups),
            *conv_relu(384, 256, 3, padding=1, groups=groups), nn.MaxPool2d(3, 2), nn.Flatten(),
            *dense_relu(9216, 4096), Dropout(0.5, 12), *dense_relu(4096, 4096), Dropout(0.5, 14),
            nn.Linear(4096, 1000)]


def alexnet_bn():
    return [*conv_relu(3, 96, 11, stride=4), nn.MaxPool2d(3, 2), BatchNorm(96),
            *conv_relu(96, 256, 5, padding=2), nn.MaxPool2d(3, 2), BatchNorm(256),
            *conv_relu(256, 384, 3), BatchNorm(384), *conv_relu(384, 384, 3), BatchNorm(384),
            *conv_relu(384, 256, 3), nn.MaxPool2d(3, 2), BatchNorm(256), nn.Flatten(),
            *dense_relu(1024, 4096), Dropout(0.4, 15), BatchNorm(4096),
            *dense_relu(4096, 4096), Dropout(0.4, 18), BatchNorm(4096), nn.Linear(4096, 1)]


MODELS = {
    "lenet5": ((1, 32, 32), "adam", lambda: lenet(1, nn.AvgPool2d, nn.Tanh, 400)),
    "lenet5-same": ((1, 32, 32), "sgd", lambda: lenet(1, nn.AvgPool2d, nn.Tanh, 576, padding=2)),
    "lenet5-max": ((1, 32, 32), "momentum", lambda: lenet(1, nn.MaxPool2d, nn.Tanh, 400)),
    "lenet5-relu": ((1, 28, 28), "adam", lambda: lenet(1, nn.MaxPool2d, nn.ReLU, 256)),
    "lenet5-sigmoid": ((1, 32, 32), "nesterov",
                       lambda: lenet(1, nn.MaxPool2d, nn.Sigmoid, 400)),
    "lenet5-cifar10": ((3, 32, 32), "adamw", lambda: lenet(3, nn.AvgPool2d, nn.Tanh, 400)),
    "lenet5-1998": ((1, 32, 32), "momentum", lambda: [
        nn.Conv2d(1, 6, 5), ScaledTanh(), Subsample(6), ScaledTanh(),
        TableConv(6, 16, 5), ScaledTanh(), Subsample(16), ScaledTanh(),
        nn.Conv2d(16, 120, 5), ScaledTanh(), nn.Flatten(), nn.Linear(120, 84), ScaledTanh(),
        Codes()]),
    "digits-cnn": ((1, 28, 28), "rmsprop", lambda: [
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 120), nn.Tanh(), nn.Linear(120, 60), nn.Tanh(), nn.Linear(60, 10)]),
    "alexnet-mini": ((1, 28, 28), "momentum", lambda: [
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(1152, 128), nn.ReLU(), nn.Linear(128, 10)]),
    "alexnet": ((3, 227, 227), "momentum", lambda: alexnet(1)),
    "alexnet-2012": ((3, 227, 227), "sgd", lambda: alexnet(2)),
    "alexnet-bn": ((3, 224, 224), "sgd", alexnet_bn),
}

# Four images behind batch normalisation: a step of 0.01 would make of rounding another training run.
RATES = {"alexnet-bn": 1e-5}  # sgd's, momentum's and nesterov's for the others: 0.01
BATCHES = {"alexnet": 2, "alexnet-2012": 2, "alexnet-bn": 4}  # the others: 5
SEEDS = {"alexnet-2012": 12}  # the others: 1, with which a unit of its dense_2 is nearly at its threshold


def set_parameters(net):
    """Parameter number i is test_reals(count, 100 + i) times a scale: sqrt(3 / fan_in) for weights,
    0.1 for what has one axis, plus 1 for batch normalisation's gamma, in float32; 0 where C3 is not
    connected."""
    gammas = {id(m.weight) for m in net if isinstance(m, BatchNorm)}
    tables = {id(m.weight): m.mask() for m in net if isinstance(m, TableConv)}
    for i, parameter in enumerate(net.parameters()):
        fan_in = parameter[0].numel()
        scale = np.float32(np.sqrt(3.0 / fan_in)) if parameter.dim() > 1 else np.float32(0.1)
        values = reals(parameter.numel(), 100 + i) * scale
        if id(parameter) in gammas:
            values += np.float32(1)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values.astype(np.float64)).view_as(parameter))
            parameter.mul_(tables.get(id(parameter), 1))


# ---- the optimizers, by Keras's formulas ----------------------------------------------------------

def update(kind, rate, t, w, g, slots):
    """One step in place; slots is a dict kept between steps."""
    m = slots.setdefault("m", torch.zeros_like(w))
    v = slots.setdefault("v", torch.zeros_like(w))
    if kind == "sgd":
        w -= rate * g
    elif kind in ("momentum", "nesterov"):
        m.mul_(0.9).sub_(rate * g)
        w += m if kind == "momentum" else 0.9 * m - rate * g
    elif kind == "rmsprop":
        v.mul_(0.9).add_(0.1 * g * g)
        w -= 0.001 * g / (v + 1e-7).sqrt()
    else:
        if kind == "adamw":
            w -= 0.001 * 0.004 * w
        m += (1 - 0.9) * (g - m)
        v += (1 - 0.999) * (g * g - v)
        bounded = 0.001 * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
        w -= bounded * m / (v.sqrt() + 1e-7)


def torch_optimizer(kind, rate, parameters):
    """torch.optim's version where its formula is the same, else None."""
    momentum = {"sgd": 0, "momentum": 0.9, "nesterov": 0.9}.get(kind)
    if momentum is None:
        return None
    return torch.optim.SGD(parameters, lr=rate, momentum=momentum, nesterov=kind == "nesterov")


# ---- one model ------------------------------------------------------------------------------------

def sample(tensor):
    flat = tensor.detach().numpy().reshape(-1)
    stride = -(-flat.size // SAMPLES)
    return flat[::stride]


def outputs_and_loss(net, logits, labels):
    if isinstance(net[-1], Codes):
        return logits, map_loss(logits, labels)
    if logits.shape[1] == 1:
        targets = labels[:, None].double()
        return torch.sigmoid(logits), F.binary_cross_entropy_with_logits(logits, targets)
    return F.softmax(logits, 1), F.cross_entropy(logits, labels)


def train(name, by_torch=False):
    shape, kind, layers = MODELS[name]
    batch, rate = BATCHES.get(name, 5), RATES.get(name, 0.01)
    net = nn.Sequential(*layers()).double()
    set_parameters(net)
    parameters = list(net.parameters())
    classes = max(2, net[-1].out_features) if isinstance(net[-1], nn.Linear) else 10
    optimizer = torch_optimizer(kind, rate, parameters) if by_torch else None
    count = batch * int(np.prod(shape))
    images = torch.from_numpy(reals(count, SEEDS.get(name, 1)).astype(np.float64)).view(batch, *shape)
    labels = torch.from_numpy((words(batch, 2, 3) % classes).astype(np.int64))
    slots = [{} for _ in parameters]
    result = {"loss": []}
    for t in range(1, STEPS + 1):
        images.requires_grad_(True)
        images.grad = None
        net.zero_grad()
        for module in net:
            if isinstance(module, Dropout):
                module.step = t
        outputs, loss = outputs_and_loss(net, net(images), labels)
        loss.backward()
        result["loss"].append(loss.item())
        if t == 1:
            result["output"] = outputs.detach().numpy()
            result["grad_input"] = sample(images.grad)
            for i, parameter in enumerate(parameters):
                result[f"grad_{i}"] = sample(parameter.grad).copy()
            norms = [[p.grad.norm().item()] for p in parameters]
        if optimizer:
            optimizer.step()
            continue
        with torch.no_grad():
            for i, parameter in enumerate(parameters):
                update(kind, rate, t, parameter, parameter.grad, slots[i])
    for i, parameter in enumerate(parameters):
        result[f"after_{i}"] = sample(parameter)
        norms[i].append(parameter.detach().norm().item())
    result["norms"] = np.array(norms)
    normalised = [m for m in net if isinstance(m, BatchNorm)]
    for i, statistic in enumerate(t for m in normalised for t in (m.mean, m.variance)):
        result[f"fixed_{i}"] = sample(statistic)
    return result


def main():
    known = philox([np.array([c]) for c in (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)],
                   (0xA4093822, 0x299F31D0))[:, 0]
    assert [hex(w) for w in known] == ["0xd16cfe09", "0x94fdcceb", "0x5001e420", "0x24126ea1"]
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sys.argv[1:] or MODELS:
        kind = MODELS[name][1]
        result = train(name)
        if torch_optimizer(kind, 0.01, [torch.zeros(1, requires_grad=True)]):
            again = train(name, by_torch=True)
            for key in result:
                assert np.allclose(result[key], again[key], rtol=1e-12, atol=1e-14), (name, key)
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for key, values in result.items():
            np.save(os.path.join(folder, name, key + ".npy"),
                    np.asarray(values, dtype=np.float32))
        print(f"{name:15} {kind:9} loss {result['loss']}")
    print("PyTorch", torch.__version__, "Python", sys.version.split()[0])


main()
