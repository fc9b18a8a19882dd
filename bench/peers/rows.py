"""What is compared: the rows of the table, each a piece of work, the peers that do it and the target.

A target is a ratio, the time of the fastest peer over Lenslet's, or a time of Lenslet's in ms; None where
none is set. Rows marked `quick` are those of --quick. `how` says what is measured:

    turns           the sides in turns, each warm
    first, empty    one process a turn, up to the end of its first step; no kernel is in a cache
    first, warm     the same when one such process ran before
    cores           one library in turns with itself on one core: what the other cores gain
"""
import dataclasses

import zoo

# alexnet's, as oneDNN writes shapes: images, input channels and height, outputs, kernel, stride, padding.
CONVOLUTIONS = {
    "conv1": "ic3ih227oc96oh55kh11sh4ph0",
    "conv2": "ic96ih27oc256oh27kh5ph2",
    "conv3": "ic256ih13oc384oh13kh3ph1",
    "conv4": "ic384ih13oc384oh13kh3ph1",
    "conv5": "ic384ih13oc256oh13kh3ph1",
}
DENSE = {"dense1": "ic9216oc4096", "dense2": "ic4096oc4096", "dense3": "ic4096oc1000"}
PASSES = ("forward", "input gradient", "weight gradient")


@dataclasses.dataclass
class Row:
    section: str
    name: str
    work: dict
    peers: tuple
    target: float = None
    quick: bool = False
    how: str = "turns"
    target_ms: float = None


def step(model, batch, optimizer, target, quick=False):
    work = {"do": "step", "model": model, "batch": batch, "optimizer": optimizer}
    return Row("training step", f"{model} b{batch} {optimizer}", work, ("pytorch", "keras"), target,
               quick)


def steps():
    yield step("alexnet", 16, "momentum", 1.5, quick=True)
    yield step("alexnet", 64, "momentum", 1.5)
    yield step("lenet5-relu", 64, "adam", 4, quick=True)
    yield step("lenet5-relu", 1, "adam", 4, quick=True)
    for model, (_, _, optimizer, batch) in zoo.ZOO.items():
        if model != "alexnet":
            yield step(model, batch, optimizer, 1)


def inferences():
    for batch in (16, 1):
        work = {"do": "inference", "model": "alexnet", "batch": batch}
        yield Row("inference", f"alexnet b{batch}", work, ("pytorch", "keras"), 1.2, quick=batch == 16)


def operations():
    for name, shape in CONVOLUTIONS.items():
        for direction in PASSES:
            work = {"do": "op", "op": "conv2d", "shape": "mb16" + shape, "pass": direction}
            yield Row("convolution", f"alexnet {name} b16 {direction}", work,
                      ("onednn", "onednn-blocked", "pytorch"), quick=name == "conv2")
    for name, shape in DENSE.items():
        for batch in (1, 16, 128):
            for direction in PASSES:
                work = {"do": "op", "op": "dense", "shape": f"mb{batch}{shape}", "pass": direction}
                yield Row("dense layer", f"alexnet {name} b{batch} {direction}", work,
                          ("onednn", "onednn-blocked", "openblas", "clblast", "pytorch"),
                          quick=name == "dense2" and batch == 16)


def first_steps():
    for model, batch, empty_ms in (("lenet5", 64, 3000), ("alexnet", 16, 12000)):
        for how, target_ms in (("first, empty", empty_ms), ("first, warm", 300)):
            row = step(model, batch, "momentum", None)
            yield dataclasses.replace(row, section="first step", name=f"{row.name}, kernel cache {how[7:]}",
                                      peers=("pytorch", "keras", "clblast-sgemm"), how=how,
                                      target_ms=target_ms, quick=model == "lenet5")


def scaling():
    for name in ("lenslet", "pytorch", "keras"):
        row = step("alexnet", 16, "momentum", 1.85 if name == "lenslet" else None)
        yield dataclasses.replace(row, section="from one core to all", name=f"{row.name}, {name}",
                                  peers=(name,), how="cores")


def all_rows():
    return [*steps(), *inferences(), *first_steps(), *scaling(), *operations()]
