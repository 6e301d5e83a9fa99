"""A CSV file as its cells, each with the very text that stands for it, so that one changes and no other byte does.

Python's `csv` says what the cells mean. What is split here must agree with it, or the file is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.errors import UsageError

DELIMITERS = ",;\t"
MAX_BYTES = 32 << 20


@dataclass(frozen=True)
class Cells:
    """`texts[row][column]` is what a cell says, `raw` how it is written, `ends` how each row ends."""

    name: str
    encoding: str
    delimiter: str
    texts: tuple[tuple[str, ...], ...]
    raw: tuple[tuple[str, ...], ...]
    ends: tuple[str, ...]

    @property
    def comma(self) -> bool:
        """Whether numbers have a decimal comma: where columns are parted by semicolons and no number has a point."""
        words = [text.strip() for row in self.texts for text in row]
        numbers = [w for w in words if w and w.replace(",", "", 1).replace(".", "", 1).isdigit()]
        return self.delimiter == ";" and not any("." in w for w in numbers)


def read_cells(data: bytes, name: str) -> Cells:
    """The cells of a file called `name`. Raises UsageError for what is no CSV or can be read in two ways."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} has {len(data) >> 20} MB, but should have at most {MAX_BYTES >> 20}.")
    encoding = "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16-le" if data[:1] == b"\xff" else "utf-16-be"
    try:
        text = data.decode(encoding)  # a byte-order mark stays, and is written again
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not in UTF-8, but should be: export it again, as CSV (UTF-8).") from None
    if not text.strip("\ufeff\r\n\t ") or "\0" in text:
        raise UsageError(
            f"{name} is {'no text' if chr(0) in text else 'empty'}, but should be a CSV file with a header."
        )
    delimiter = _delimiter(text)
    raw, ends = _split(text, delimiter)
    texts = tuple(tuple(_meaning(cell) for cell in row) for row in raw)
    if [list(row) for row in texts if row != ("",)] != _as_csv(text, delimiter, name):
        raise UsageError(
            f"{name} can be read in two ways: a quotation mark stands inside a cell that does not begin with one. "
            "Export it again, and do not edit it by hand."
        )
    return Cells(name, encoding, delimiter, texts, raw, ends)


def written(cells: Cells, changes: Mapping[tuple[int, int], str]) -> bytes:
    """The file with some cells changed, by row and column. A cell keeps its quotation marks; all else is as it was."""
    rows = []
    for i, (row, end) in enumerate(zip(cells.raw, cells.ends, strict=True)):
        parts = [_requoted(changes.get((i, j)), raw, cells.delimiter) for j, raw in enumerate(row)]
        rows.append(cells.delimiter.join(parts) + end)
    return "".join(rows).encode(cells.encoding)


def _requoted(text: str | None, raw: str, delimiter: str) -> str:
    if text is None:
        return raw
    if raw.startswith('"') or any(c in text for c in (delimiter, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


def _delimiter(text: str) -> str:
    """The one that parts the header into most cells, where it stands outside quotation marks."""
    quoted, counts = False, dict.fromkeys(DELIMITERS, 0)
    for c in text:
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "\r\n":
            break
        elif not quoted and c in counts:
            counts[c] += 1
    return max(DELIMITERS, key=lambda d: counts[d])


def _split(text: str, delimiter: str) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Rows of raw cells and the line ends after them. The last row may have none."""
    rows: list[tuple[str, ...]] = []
    ends: list[str] = []
    row: list[str] = []
    begin, i, quoted = 0, 0, False
    while i < len(text):
        c = text[i]
        if quoted:
            quoted = c != '"'
        elif c == '"':
            quoted = True  # a doubled mark closes and opens again
        elif c == delimiter:
            row.append(text[begin:i])
            begin = i + 1
        elif c in "\r\n":
            end = "\r\n" if text.startswith("\r\n", i) else c
            rows.append((*row, text[begin:i]))
            ends.append(end)
            row, i = [], i + len(end) - 1
            begin = i + 1
        i += 1
    if begin < len(text) or row:
        rows.append((*row, text[begin:]))
        ends.append("")
    return tuple(rows), tuple(ends)


def _meaning(raw: str) -> str:
    plain = raw.removeprefix("\ufeff")
    if len(plain) > 1 and plain.startswith('"') and plain.endswith('"'):
        return plain[1:-1].replace('""', '"')
    return plain


def _as_csv(text: str, delimiter: str, name: str) -> list[list[str]]:
    try:
        stream = io.StringIO(text.removeprefix("\ufeff"), newline="")
        return [row for row in csv.reader(stream, delimiter=delimiter, strict=True) if row not in ([], [""])]
    except csv.Error as error:
        raise UsageError(f"{name} is no CSV file: {error}. Export it again.") from None
