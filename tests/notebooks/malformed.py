"""Files that are no notebook, as accidents and strangers leave them: `MALFORMED`, each with what its verdict must say.

Each is a function that makes the file at a path; large ones are made, not kept.
"""

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from honest import CELLS, plain

Make = Callable[[Path], Any]
WHOLE = json.dumps(plain(CELLS), indent=1).encode()

MALFORMED: dict[str, tuple[Make, str]] = {}


def content(name: str, data: bytes, says: str) -> None:
    MALFORMED[name] = (lambda path: path.write_bytes(data), says)


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("toy.ipynb", data)
    return file.getvalue()


def sparse(path: Path) -> None:
    path.write_bytes(WHOLE)
    os.truncate(path, 50 << 30)  # takes no room


def language(name: str) -> bytes:
    return json.dumps(
        plain(CELLS, metadata={"kernelspec": {"language": name}, "language_info": {"name": name}})
    ).encode()


content("empty", b"", "is empty")
content("blank", b" \r\n\t\n", "is empty")
content("a_null_byte", b"\x00", "is")
content("only_a_byte_order_mark", b"\xef\xbb\xbf", "is")
for number, share in enumerate((0.01, 0.2, 0.5, 0.9, 0.999)):
    content(f"cut_off_{number}", WHOLE[: int(len(WHOLE) * share)], "is cut off")
content("cut_off_and_zeroed", WHOLE[:500] + b"\x00" * 5000, "is damaged")
content("beginning_missing", WHOLE[500:], "is no notebook")
content("two_in_one_file", WHOLE + WHOLE, "is damaged")
content("merge_conflict", WHOLE.replace(b' "cells"', b'<<<<<<< HEAD\n "cells"', 1), "is damaged")
content("python_s_own_notation", repr(plain(CELLS)).encode(), "is damaged")
content("a_comment_in_it", b"{ // mine\n" + WHOLE[1:], "is damaged")
content("a_comma_too_many", WHOLE.rstrip()[:-1] + b",}", "is damaged")
content("a_list", b"[]", "is a JSON list")
content("a_text", json.dumps(WHOLE.decode()).encode(), "is a JSON text")
content("a_number", b"12", "is a JSON number")
content("null", b"null", "is a JSON null")
content("not_a_number", b"NaN", "is a JSON")
content("no_cells", b'{"nbformat": 4, "metadata": {}}', "has no list of cells")
content("cells_are_a_tree", b'{"cells": {"0": {}}}', "has no list of cells")
content("cells_are_nothing", b'{"cells": null}', "has no list of cells")
content("worksheets_are_nothing", b'{"nbformat": 3, "worksheets": 5}', "has no list of cells")
content("nested_too_deeply", b"[" * 300_000, "is nested")
content("nested_cells", b'{"cells":[' * 100_000, "is nested")
content("nested_inside", b'{"metadata":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b', "cells": []}', "is nested")
content("too_many_cells", json.dumps({"cells": [0] * 100_000}).encode(), "has 100,000 cells")
content("in_r", language("R"), "is a notebook in R")
content("in_julia", language("julia"), "is a notebook in julia")
content("a_script", b"import jax\nprint(1)\n", "is no notebook")
content("a_percent_script", b"# %%\nimport jax\n", "is a Python script")
content("a_markdown_file", b"---\njupytext: {}\n---\n# Toys\n", "is no notebook")
content("a_web_page", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is a web page")
content("a_zip_archive", zipped(WHOLE), "is a zip archive")
content("a_zip_bomb", zipped(b"0" * 20_000_000), "is a zip archive")
content("a_gzip_file", gzip.compress(WHOLE), "is a compressed file")
content("a_gzip_bomb", gzip.compress(b"0" * 20_000_000), "is a compressed file")
content("a_pdf", b"%PDF-1.7\n%\xe2\xe3", "is a PDF")
content("a_picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is no notebook")
content("a_program", b"\x7fELF\x02\x01\x01" + bytes(100), "is no notebook")
content("noise", bytes((i * 73 + 41) % 256 for i in range(4096)), "is no notebook")
content("a_pointer_to_large_storage", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "is no notebook")
content("a_pickle", b"\x80\x04cos\nsystem\n(S'id'\ntR.", "is no notebook")
content("truncated_utf_16", WHOLE.decode().encode("utf-16")[:801], "is")
content("twenty_one_megabytes", WHOLE[:-1] + b" " * (21 << 20) + b"}", "has 21 MB")
MALFORMED["fifty_gigabytes"] = (sparse, "has 51200 MB")
MALFORMED["a_folder"] = (lambda path: path.mkdir(), "is a folder")
MALFORMED["a_pipe"] = (os.mkfifo, "is a pipe")
MALFORMED["a_link_to_a_secret"] = (lambda path: path.symlink_to("/etc/hostname"), "is a link")
MALFORMED["a_link_to_itself"] = (lambda path: path.symlink_to(path), "is a link")
MALFORMED["a_link_to_nowhere"] = (lambda path: path.symlink_to("nowhere"), "is a link")
MALFORMED["missing"] = (lambda path: None, "is missing")
MALFORMED["under_two_other_names"] = (
    lambda path: [path.with_name(n).write_bytes(WHOLE) for n in ("a.ipynb", "b.ipynb")],
    "the folder has a.ipynb, b.ipynb",
)
