"""Makes what the tests of the command read: a data set of 12x12 pictures in IDX files, a small
network as Keras JSON, .npy arrays, a PNG. Standard library only; the same bytes every time."""
import gzip
import json
import os
import random
import struct
import zlib

SIDE, CLASSES = 12, 4
rng = random.Random(7)


def picture(label):
    """A bright quarter says which class it is; the rest is noise."""
    top, left = (label // 2) * 6, (label % 2) * 6
    return [
        rng.randrange(150, 256) if top <= y < top + 6 and left <= x < left + 6 else rng.randrange(90)
        for y in range(SIDE)
        for x in range(SIDE)
    ]


def idx(dims, values):
    return struct.pack(">BBBB", 0, 0, 8, len(dims)) + struct.pack(">%dI" % len(dims), *dims) + bytes(values)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def data_set(folder, part, count):
    labels = [i % CLASSES for i in range(count)]
    pixels = [value for label in labels for value in picture(label)]
    os.makedirs(folder, exist_ok=True)
    write(f"{folder}/{part}-images-idx3-ubyte.gz", gzip.compress(idx([count, SIDE, SIDE], pixels), mtime=0))
    write(f"{folder}/{part}-labels-idx1-ubyte", idx([count], labels))


def npy(path, shape, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % "".join(f"{n}, " for n in shape)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    write(path, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
          + struct.pack("<%df" % len(values), *values))


def png(path, width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + bytes(row) for row in rows)
    write(path, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
          + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


data_set("data", "train", 96)
data_set("data", "t10k", 24)

conv = dict(filters=3, kernel_size=[3, 3], padding="same", activation="tanh", data_format="channels_first")
layers = [
    layer("InputLayer", "input", batch_shape=[None, 1, SIDE, SIDE]),
    layer("Conv2D", "conv", **conv),
    layer("MaxPooling2D", "pool", pool_size=[4, 4], data_format="channels_first"),
    layer("Flatten", "flat", data_format="channels_first"),
    layer("Dense", "dense", units=CLASSES, activation="softmax"),
]
with open("net.json", "w") as file:
    json.dump({"class_name": "Sequential", "config": {"name": "quarters", "layers": layers}}, file)

pixels = [[v / 255 for v in picture(i % CLASSES)] for i in range(3)]
npy("x.npy", [3, 1, SIDE, SIDE], [v for p in pixels for v in p])
npy("wrong_x.npy", [1, 1, 5, 5], [0.0] * 25)
npy("y.npy", [3], [0, 1, 2])
npy("onehot.npy", [3, CLASSES], [float(i == j) for i in range(3) for j in range(CLASSES)])
npy("bad_y.npy", [3], [0, 1, CLASSES])
npy("short_y.npy", [2], [0, 1])
gray = picture(3)  # twice as large as the net's input, so that it must be resized
png("three.png", 2 * SIDE, 2 * SIDE, [[gray[y // 2 * SIDE + x // 2] for x in range(2 * SIDE)] for y in range(2 * SIDE)])
