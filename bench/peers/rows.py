"""What is compared: the rows of the table, each a piece of work, the peers that do it and the target.

A target is a ratio, the time of the fastest peer over Lenslet's; None where none is set. Rows marked
`quick` are those of --quick.
"""
import dataclasses

import zoo


@dataclasses.dataclass
class Row:
    section: str
    name: str
    work: dict
    peers: tuple
    target: float = None
    quick: bool = False


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


def all_rows():
    return [*steps()]
