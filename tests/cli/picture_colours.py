"""Says whether the PNG of a page is light or dark and has many colours: `picture_colours.py F.png`. Standard
library only; 8-bit RGB or RGBA, as browsers write."""
import collections
import struct
import sys
import zlib

data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
at, pixels = 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at : at + 8])
    body = data[at + 8 : at + 8 + size]
    if kind == b"IHDR":
        width, height, depth, colour = struct.unpack(">IIBB", body[:10])
    if kind == b"IDAT":
        pixels += body
    at += size + 12
assert depth == 8 and colour in (2, 6), "not 8-bit RGB"
channels = 3 if colour == 2 else 4
raw, stride = zlib.decompress(pixels), width * channels
above = bytearray(stride)
colours = collections.Counter()
for y in range(height):
    kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
    for i in range(stride) if kind else ():
        a = row[i - channels] if i >= channels else 0
        b, c = above[i], above[i - channels] if i >= channels else 0
        if kind == 1:
            row[i] = (row[i] + a) & 255
        elif kind == 2:
            row[i] = (row[i] + b) & 255
        elif kind == 3:
            row[i] = (row[i] + (a + b) // 2) & 255
        else:
            p, q, s = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            row[i] = (row[i] + (a if p <= q and p <= s else b if q <= s else c)) & 255
    above = row
    if y % 4 == 0:
        colours.update(bytes(row[i : i + 3]) for i in range(0, stride, channels))
page, count = colours.most_common(1)[0]
share = count / sum(colours.values())
print(f"{'light' if sum(page) > 384 else 'dark'} page, {'many' if len(colours) > 60 else 'few'} colours: "
      f"{len(colours)}, {100 * share:.0f} % of one")
sys.exit(0 if share < 0.98 else 1)
