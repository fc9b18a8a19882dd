#!/usr/bin/env python3
"""Make the pictures that test_picture.c and test_preprocess.c read, what PIL makes of them, and the
colours that test_augment.c compares with.

    /usr/bin/python3 tests/golden/make_pictures.py        (Debian's python3-pil, python3-numpy)

In pictures/, for each NAME.jpg or NAME.png, NAME.npy holds the decoded bytes (h, w, c): as PIL decodes
them, with what PIL leaves open by the rules of picture.h (alpha over black, 16 bits rounded to 8). For
the resized ones, resize_H_W.npy is the source picture resized by PIL's BILINEAR.
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures")
H, W = 23, 34
RESIZED = [(11, 17), (9, 40), (46, 68), (23, 12), (5, 5), (50, 34), (1, 1)]


def pixels(h, w, channels, seed):
    """Smooth waves, different in each channel, with some noise: what JPEG is made for."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w]
    planes = [127 + 90 * np.sin(0.21 * x + 0.13 * y + 2 * c) * np.cos(0.17 * y - c) for c in range(channels)]
    noisy = np.stack(planes, axis=2) + rng.randint(-20, 21, (h, w, channels))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def save_golden(name, values):
    values = np.asarray(values, dtype=np.uint8)
    if values.ndim == 2:
        values = values[:, :, None]
    np.save(os.path.join(FOLDER, name + ".npy"), values)


def path(name):
    return os.path.join(FOLDER, name)


def jpegs():
    colour, grey = Image.fromarray(pixels(H, W, 3, 1)), Image.fromarray(pixels(H, W, 1, 2)[:, :, 0])
    cmyk = Image.fromarray(pixels(H, W, 4, 3), "CMYK")
    colour.save(path("colour.jpg"), quality=90)
    colour.save(path("progressive.jpg"), quality=90, progressive=True)
    grey.save(path("grey.jpg"), quality=90)
    cmyk.save(path("cmyk.jpg"), quality=90)
    for name in ["colour", "progressive", "grey", "cmyk"]:
        picture = Image.open(path(name + ".jpg"))
        save_golden(name, picture.convert("L" if name == "grey" else "RGB"))
    # without Adobe's marker (APP14) the same bytes are ink, of which PIL gives the inverse
    data = open(path("cmyk.jpg"), "rb").read()
    at = data.index(b"\xff\xee")
    with open(path("cmyk_plain.jpg"), "wb") as file:
        file.write(data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:])
    white = np.asarray(Image.open(path("cmyk.jpg"))).astype(np.uint32)
    save_golden("cmyk_plain", (white[:, :, :3] * white[:, :, 3:] + 127) // 255)
    large = Image.fromarray(pixels(96, 160, 3, 4))
    large.save(path("large.jpg"), quality=80)
    save_golden("large", Image.open(path("large.jpg")))
    for divisor in [2, 4, 8]:
        picture = Image.open(path("large.jpg"))
        picture.draft("RGB", (160 // divisor, 96 // divisor))
        assert picture.size == (160 // divisor, 96 // divisor)
        save_golden("large_%d" % divisor, picture)


def tiff(order, orientation):
    """A TIFF header with a directory of two entries, of which one is the orientation."""
    e = {"II": "<", "MM": ">"}[order]
    head = order.encode() + struct.pack(e + "HI", 42, 8) + struct.pack(e + "H", 2)
    width = struct.pack(e + "HHII", 0x0100, 4, 1, W)
    turned = struct.pack(e + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + width + turned + struct.pack(e + "I", 0)


def orientations():
    """The same stored picture; its golden is what PIL's exif_transpose does, by its own methods."""
    picture = Image.fromarray(pixels(10, 14, 3, 5))
    turns = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
             6: Image.ROTATE_270, 7: Image.TRANSVERSE, 8: Image.ROTATE_90}
    for orientation, turn in turns.items():
        name = "turned_%d" % orientation
        exif = b"Exif\0\0" + tiff("II" if orientation % 2 else "MM", orientation)
        picture.save(path(name + ".jpg"), quality=95, exif=exif)
        decoded = Image.open(path(name + ".jpg")).convert("RGB")
        save_golden(name, decoded if turn is None else decoded.transpose(turn))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, colour_type, depth, h, w, rows, extra=b""):
    raw = b"".join(b"\0" + row for row in rows)
    with open(path(name + ".png"), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour_type, 0, 0, 0))
                   + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def over_black(values, alpha):
    return (values.astype(np.uint32) * alpha.astype(np.uint32) * 2 + 255) // 510


def pngs():
    rng = np.random.RandomState(6)
    h, w = 9, 13
    colour = pixels(h, w, 3, 7)
    png("rgb", 2, 8, h, w, [row.tobytes() for row in colour])
    save_golden("rgb", Image.open(path("rgb.png")))
    deep = rng.randint(0, 65536, (h, w, 3))
    png("rgb16", 2, 16, h, w, [row.astype(">u2").tobytes() for row in deep])
    save_golden("rgb16", (deep * 2 + 257) // 514)
    png("grey16", 0, 16, h, w, [row.astype(">u2").tobytes() for row in deep[:, :, 0]])
    save_golden("grey16", (deep[:, :, 0] * 2 + 257) // 514)
    bits = rng.randint(0, 2, (h, 16))
    png("grey1", 0, 1, h, 16, [np.packbits(row).tobytes() for row in bits])
    save_golden("grey1", bits * 255)
    alpha = rng.randint(0, 256, (h, w))
    png("rgba", 6, 8, h, w, [row.tobytes() for row in np.dstack([colour, alpha]).astype(np.uint8)])
    save_golden("rgba", over_black(colour, alpha[:, :, None]))
    png("greya", 4, 8, h, w, [row.tobytes() for row in np.dstack([colour[:, :, 0], alpha]).astype(np.uint8)])
    save_golden("greya", over_black(colour[:, :, 0], alpha))
    png("turned", 2, 8, h, w, [row.tobytes() for row in colour], chunk(b"eXIf", tiff("MM", 6)))
    save_golden("turned", np.rot90(colour, -1))
    palette = Image.fromarray(colour).quantize(16)
    palette.save(path("palette.png"))
    save_golden("palette", palette.convert("RGB"))


def resized():
    source = Image.open(path("rgb_source.png"))
    for h, w in RESIZED:
        save_golden("resize_%d_%d" % (h, w), source.resize((w, h), Image.BILINEAR))


os.makedirs(FOLDER, exist_ok=True)
jpegs()
orientations()
pngs()
Image.fromarray(pixels(H, W, 3, 8)).save(path("rgb_source.png"))
save_golden("rgb_source", Image.open(path("rgb_source.png")))
resized()


# ---- the colour shift of augmentation, by the formula of picture.h ----------------------------------

def philox(counter, key):
    """Philox4x32-10 of Salmon et al. 2011."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


assert philox([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]) == \
    [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def lighting(seed, epoch, image, deviation):
    """[p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T, with a from words 3 .. 6 of the image by Box and Muller."""
    words = []
    for element in range(8 * image, 8 * image + 8):
        counter = [element // 4, 4 << 24, epoch & 0xFFFFFFFF, epoch >> 32]
        words.append(philox(counter, [seed & 0xFFFFFFFF, seed >> 32])[element % 4])
    u = np.array(words[3:7], dtype=np.float64) / 2 ** 32
    first, second = u[0::2] + 0.5 / 2 ** 32, u[1::2]
    length, turn = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    a = deviation * np.array([length[0] * np.cos(turn[0]), length[0] * np.sin(turn[0]), length[1] * np.cos(turn[1])])
    values = np.array([0.2175, 0.0188, 0.0045])
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    return vectors @ (a * values)


# seeds and epochs x images x red, green, blue: read by test_augment.c
np.save(os.path.join(FOLDER, "lighting.npy"), np.array(
    [[lighting(seed, epoch, image, 0.1) for image in range(5)] for seed, epoch in [(1, 0), (1, 7), (2 ** 40 + 3, 2 ** 33)]],
    dtype=np.float32))
