#!/usr/bin/env python3
"""Turn folders of equally large pictures into the IDX files that `lenslet train --data` reads.

    bench/pictures_to_idx.py FROM TO

FROM has train/CLASS/* and test/CLASS/*; classes are numbered in byte order of their names. Needs Pillow
(Debian: python3-pil). TO gets four gzip'd files, images as (n, 3, h, w), and labels.txt.
"""
import gzip
import os
import struct
import sys

import numpy as np
from PIL import Image


def write_idx(path, array):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(header + array.tobytes())


def main():
    source, target = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    classes = sorted(os.listdir(os.path.join(source, "train")), key=os.fsencode)
    for part, name in (("train", "train"), ("test", "t10k")):
        pictures, labels = [], []
        for label, folder in enumerate(classes):
            path = os.path.join(source, part, folder)
            for file in sorted(os.listdir(path), key=os.fsencode):
                picture = Image.open(os.path.join(path, file)).convert("RGB")
                pictures.append(np.asarray(picture).transpose(2, 0, 1))
                labels.append(label)
        # The classes come one after the other: mix them, so that "the first 5,000" are of all classes.
        order = np.random.default_rng(0).permutation(len(labels))
        write_idx(os.path.join(target, f"{name}-images-idx4-ubyte.gz"), np.stack(pictures)[order])
        write_idx(os.path.join(target, f"{name}-labels-idx1-ubyte.gz"),
                  np.array(labels, dtype=np.uint8)[order])
        print(part, len(labels), pictures[0].shape)
    with open(os.path.join(target, "labels.txt"), "w", encoding="utf-8") as names:
        names.write("\n".join(classes) + "\n")


main()
