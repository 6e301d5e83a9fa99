"""What a cell put out: collected on the student's side within a budget, and read on the grader's side as hostile data.

Only plain text and PNG images exist. HTML, JavaScript and widgets are never carried.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

from autograder.wire import Malformed

KINDS = ("text/plain", "image/png")
EACH = 200  # what an output costs besides its text, so that a million empty ones are bounded too
CUT = "[The output was cut here: a cell may put out {limit:,} KB.]\n"
PNG = b"\x89PNG\r\n\x1a\n"
SIZES = slice(16, 24)  # where width and height are; a PNG that begins otherwise is shown by no browser
MAX_NAME = 100
MAX_PIXELS = 50_000_000  # a small file can hold a picture that takes all the memory of whoever looks at it
TOO_LARGE = "[A picture of {0:,} x {1:,} pixels is not shown.]"


class Collector:
    """Outputs of one cell, in order, until the budget is spent."""

    def __init__(self, limit_kb: int):
        self._limit = limit_kb
        self._cut = False
        self.clear()

    def clear(self) -> None:
        """Start again with the whole budget, as a cell that redraws its output does."""
        self._room = self._limit << 10
        self._items: list[dict[str, Any]] = []

    def stream(self, name: str, text: str) -> None:
        last = self._items[-1] if self._items else {}
        if last.get("name") == name:
            last["text"].append(self._fit(text, each=0))  # joined at the end: many small prints stay cheap
        else:
            self._add({"output_type": "stream", "name": name, "text": [self._fit(text)]})

    def display(self, kind: str, data: Mapping[str, Any]) -> None:
        """A display or a result. An image that does not fit is left out, a text is cut."""
        kept: dict[str, str] = {}
        image = data.get("image/png")
        if isinstance(image, bytes):
            image = base64.b64encode(image).decode()
        if isinstance(image, str):
            if len(image) <= self._room:
                kept["image/png"] = self._fit(image, each=0)
            else:
                self._cut = True
        if "text/plain" in data:
            kept["text/plain"] = self._fit(str(data["text/plain"]))
        if kept:
            extra = {"execution_count": None} if kind == "execute_result" else {}
            self._add({"output_type": kind, "data": kept, "metadata": {}, **extra})

    def error(self, name: str, message: str, traceback: list[str]) -> None:
        lines = [self._fit(line, each=0) for line in traceback]
        self._add({"output_type": "error", "ename": self._fit(name), "evalue": self._fit(message), "traceback": lines})

    def finished(self) -> bytes:
        """All outputs as JSON, with a last line that says so if something was cut."""
        items = [item | {"text": "".join(item["text"])} if "name" in item else item for item in self._items]
        if self._cut:
            items.append({"output_type": "stream", "name": "stderr", "text": CUT.format(limit=self._limit)})
        return json.dumps(items).encode()

    def _fit(self, text: str, *, each: int = EACH) -> str:
        room = self._room - each
        if len(text) > room:
            self._cut = True
            text = text[: max(0, room)]
        self._room -= each + len(text)
        return text

    def _add(self, item: dict[str, Any]) -> None:
        if self._room >= 0:  # none is left if it fitted exactly
            self._items.append(item)


def checked(raw: bytes, *, limit_kb: int) -> tuple[Mapping[str, Any], ...]:
    """The outputs in `raw`, each built anew from the parts that are allowed. Anything else is `Malformed`."""
    if len(raw) > 8 * (limit_kb << 10) + (1 << 16):  # JSON writes one character in up to six bytes, or twelve
        raise Malformed("more output than allowed")
    try:
        items = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("the outputs are not JSON") from None
    if not isinstance(items, list):
        raise Malformed("the outputs are not a list")
    return tuple(_checked(item) for item in items)


def _checked(item: Any) -> Mapping[str, Any]:
    match item:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": _plain(text)}
        case {"output_type": "display_data", "data": dict(data)}:
            return {"output_type": "display_data", "data": _data(data), "metadata": {}}
        case {"output_type": "execute_result", "data": dict(data)}:
            return {"output_type": "execute_result", "data": _data(data), "metadata": {}, "execution_count": None}
        case {"output_type": "error", "ename": str(name), "evalue": str(message), "traceback": list(lines)}:
            if all(isinstance(line, str) for line in lines):
                texts = [_plain(line) for line in lines]
                return {
                    "output_type": "error",
                    "ename": _plain(name)[:MAX_NAME],
                    "evalue": _plain(message),
                    "traceback": texts,
                }
    raise Malformed("an output of an unknown kind")


def _data(data: Mapping[str, Any]) -> dict[str, str]:
    if not data or not all(kind in KINDS and isinstance(value, str) for kind, value in data.items()):
        raise Malformed("an output's data")
    clean = {kind: _plain(value) for kind, value in data.items()}
    if "image/png" in clean:
        try:
            image = base64.b64decode(clean["image/png"].replace("\n", ""), validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("an image that is not base64") from None
        if not image.startswith(PNG):
            raise Malformed("an image that is not a PNG")
        size = struct.unpack(">II", image[SIZES].ljust(8, b"\0"))
        if math.prod(size) > MAX_PIXELS:
            clean = {"text/plain": TOO_LARGE.format(*size)}
    return clean


def _plain(text: str) -> str:
    """Text without lone surrogates, which no notebook file could hold."""
    return text.encode("utf-8", "replace").decode()
