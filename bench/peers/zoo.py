"""The networks of the zoo as a short text each, for the libraries that Lenslet is compared with.

    conv FILTERS KERNEL[/STRIDE] [same] [groups=G] [f]    max|avg WINDOW[/STRIDE] [same]
    dense UNITS [f]    lrn    bn    drop RATE    resize SIDE    flatten

f is relu, tanh or sigmoid; without "same" there is no padding; a window is its own stride. Every network
ends in logits: softmax or, of one unit, a sigmoid belongs to the loss in training and follows the net in
inference. compare.py holds parameters(NAME) against `lenslet summary` and every worker's own count.

The optimizer and batch are those of the source notebook (or paper) but alexnet-2012's batch, which is
that of our recipe: the paper's 128 images take seconds a step and tell nothing more.
"""
import math

LENET5 = "conv 16 5 {f}, {pool} 2, flatten, dense 120 {f}, dense 84 {f}, dense 10"
HEAD = "flatten, dense {0} relu, drop .5, dense {0} relu, drop .5, dense {1}"
ALEXNET = ("conv 96 11/4 relu, lrn, max 3/2, conv 256 5 same {g} relu, lrn, max 3/2, conv 384 3 same relu, "
           "conv 384 3 same {g} relu, conv 256 3 same {g} relu, max 3/2, " + HEAD.format(4096, 1000))


def lenet5(f, pool, first="conv 6 5"):
    return f"{first} {f}, {pool} 2, " + LENET5.format(f=f, pool=pool)


# name: (input, layers, optimizer, batch)
ZOO = {
    "lenet5": ("1x32x32", lenet5("tanh", "avg"), "adam", 32),
    "lenet5-same": ("1x32x32", lenet5("tanh", "avg", "conv 6 5 same"), "adam", 32),
    "lenet5-max": ("1x32x32", lenet5("tanh", "max"), "adam", 64),
    "lenet5-relu": ("1x28x28", lenet5("relu", "max"), "adam", 128),
    "lenet5-sigmoid": ("1x32x32", lenet5("sigmoid", "max"), "adam", 64),
    "lenet5-cifar10": ("3x32x32", lenet5("tanh", "avg"), "adam", 128),
    "digits-cnn": ("1x28x28", "conv 32 3 same relu, max 2, conv 64 3 same relu, max 2, flatten, "
                   "dense 120 tanh, dense 60 tanh, dense 10", "rmsprop", 64),
    "alexnet-mini": ("1x28x28", "conv 32 3 relu, max 2, conv 64 3 relu, max 2, conv 128 3 relu, "
                     "flatten, dense 128 relu, dense 10", "adam", 128),
    "alexnet-mnist": ("1x28x28", "resize 64, conv 48 11/4 relu, max 3/2, conv 128 5 same relu, "
                      "max 3/2, conv 192 3 same relu, conv 192 3 same relu, conv 128 3 same relu, "
                      "max 3/2 same, " + HEAD.format(1024, 10), "adam", 32),
    "alexnet-cifar10": ("3x32x32", "conv 96 11 relu, max 3/2, conv 256 5 same relu, max 3/2, "
                        "conv 384 3 same relu, conv 384 3 same relu, conv 256 3 same relu, max 3/2, "
                        + HEAD.format(4096, 10), "adam", 64),
    "binary-cnn": ("3x224x224", "conv 32 3 relu, max 2, conv 64 3 relu, max 2, flatten, "
                   "dense 120 relu, dense 60 relu, dense 1", "adam", 16),
    "alexnet-bn": ("3x224x224", "conv 96 11/4 relu, max 3/2, bn, conv 256 5 same relu, max 3/2, bn, "
                   "conv 384 3 relu, bn, conv 384 3 relu, bn, conv 256 3 relu, max 3/2, bn, flatten, "
                   "dense 4096 relu, drop .4, bn, dense 4096 relu, drop .4, bn, dense 1", "adam", 16),
    "alexnet-valid": ("3x224x224", "conv 96 11/4 relu, max 3/2, conv 256 5 relu, max 3/2, "
                      "conv 384 3 relu, conv 384 3 relu, conv 256 3 relu, max 3/2, "
                      + HEAD.format(4096, 1000), "adam", 16),
    "alexnet": ("3x227x227", ALEXNET.format(g=""), "momentum", 16),
    "alexnet-2012": ("3x227x227", ALEXNET.format(g="groups=2"), "momentum", 32),
}

# Networks of `lenslet models` that no other library has the layers for.
NO_COUNTERPART = {"lenet5-1998": "trainable subsampling, a table of connections, radial basis functions"}


def parse_layer(text):
    """{"kind": "conv", "size": 96, "kernel": 11, "stride": 4, "same": False, "groups": 1, "f": "relu"}"""
    kind, *words = text.split()
    layer = {"kind": kind, "same": False, "groups": 1, "f": None, "stride": 1}
    numbers = []
    for word in words:
        if word == "same":
            layer["same"] = True
        elif word.startswith("groups="):
            layer["groups"] = int(word[7:])
        elif word in ("relu", "tanh", "sigmoid"):
            layer["f"] = word
        else:
            numbers.append(word)
    if kind == "drop":
        layer["rate"] = float(numbers[0])
    elif kind in ("dense", "resize"):
        layer["size"] = int(numbers[0])
    elif kind in ("conv", "max", "avg"):
        if kind == "conv":
            layer["size"] = int(numbers.pop(0))
        kernel, _, stride = numbers[0].partition("/")
        layer["kernel"] = int(kernel)
        layer["stride"] = int(stride or (1 if kind == "conv" else kernel))
    return layer


def output_side(layer, side):
    if layer["same"]:
        return math.ceil(side / layer["stride"])
    return (side - layer["kernel"]) // layer["stride"] + 1


def network(name):
    """The input's (c, h, w), and the layers, each with "input", the (c, h, w) that it sees."""
    c, h, w = (int(side) for side in ZOO[name][0].split("x"))
    start, layers = (c, h, w), []
    for text in ZOO[name][1].split(", "):
        layer = parse_layer(text)
        layer["input"] = (c, h, w)
        if layer["kind"] in ("conv", "max", "avg"):
            h, w = output_side(layer, h), output_side(layer, w)
        if layer["kind"] == "resize":
            h = w = layer["size"]
        if layer["kind"] == "flatten":
            c, h, w = c * h * w, 1, 1
        if layer["kind"] in ("conv", "dense"):
            c = layer["size"]
        layers.append(layer)
    return start, layers


def parameters(name):
    """Of all layers, the running statistics of batch normalisation included."""
    count = 0
    for layer in network(name)[1]:
        c = layer["input"][0]
        if layer["kind"] == "conv":
            count += layer["size"] * (c // layer["groups"] * layer["kernel"] ** 2 + 1)
        elif layer["kind"] == "dense":
            count += layer["size"] * (c + 1)
        elif layer["kind"] == "bn":
            count += 4 * c
    return count


def classes(name):
    return network(name)[1][-1]["size"]
