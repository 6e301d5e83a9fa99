# expect: score=2/12 halfway=2/2
# twin: test_without_a_cap_the_picture_is_kept
# honest: halfway
# V4: a picture of a few bytes, which takes a hundred gigabytes to look at; and one that is no picture.

# %%
import base64, struct, zlib
from IPython.display import display

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(side):
    rows = zlib.compress(b"\0" * min(1 << 20, (side // 8 + 1) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

display({"image/png": png(160_000), "text/plain": "bomb"}, raw=True)
display({"image/png": base64.b64encode(png(10_000_000)).decode()}, raw=True)
