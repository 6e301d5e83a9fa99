"""An archive that somebody downloaded and students filled: what of it may be read, and why the rest may not.

Nothing is extracted here. A member is read into memory, within bounds that hold for what comes out, not for what the
archive says of itself.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.backends.grades.table import printable
from autograder.errors import UsageError


@dataclass(frozen=True)
class Bounds:
    """How much of an archive is read."""

    archive_bytes: int = 4 << 30
    members: int = 20_000
    member_bytes: int = 64 << 20
    total_bytes: int = 2 << 30
    ratio: int = 200
    ratio_from: int = 1 << 20  # small members may be as dense as they like


@dataclass(frozen=True)
class Member:
    """A file in the archive. `name` has forward slashes and no trick in it; `dated` is what the archive says."""

    name: str
    size: int
    dated: datetime
    info: zipfile.ZipInfo = field(compare=False, repr=False)


@dataclass(frozen=True)
class Refused:
    """A member that is not looked at, and why. Its name can be shown."""

    name: str
    why: str


@dataclass
class Archive:
    """An open archive: the members that may be read, and those that may not."""

    members: tuple[Member, ...]
    refused: tuple[Refused, ...]
    _zip: zipfile.ZipFile
    _bounds: Bounds
    _left: int

    def read(self, member: Member, most: int | None = None) -> bytes | Refused:
        """What a member holds, or why it was refused after all."""
        limit = min(most or self._bounds.member_bytes, self._left)
        try:
            with self._zip.open(member.info) as file:
                data = file.read(limit + 1)
                if len(data) <= limit and len(data) != member.size:
                    return Refused(printable(member.name), "has another size than the archive says")
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError):
            return Refused(printable(member.name), "is damaged: it does not unpack to what was packed")
        if len(data) > limit:
            return Refused(printable(member.name), "unpacks to more than the archive says, or than is read of one")
        self._left -= len(data)
        return data


SYSTEM = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".jar", ".whl")
RESERVED = re.compile(r"^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KINDS = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device",
          stat.S_IFCHR: "a device"}  # fmt: skip


@contextmanager
def opened(path: Path, bounds: Bounds | None = None) -> Iterator[Archive]:
    """The archive in `path`. Raises UsageError for what is no zip file, or too large a one to look into."""
    limits = bounds or Bounds()
    try:
        size = path.stat().st_size
        if size > limits.archive_bytes:
            raise UsageError(f"{path} has {size >> 20} MB, but should have at most {limits.archive_bytes >> 20}.")
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name the zip file that the LMS gave you.") from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RecursionError, MemoryError):
        raise UsageError(f"{path} is no zip file, but should be the download of an LMS. Download it again.") from None
    with archive:
        infos = archive.infolist()
        if len(infos) > limits.members:
            raise UsageError(f"{path} has {len(infos)} members, but should have at most {limits.members}.")
        members, refused = examined(infos, limits)
        yield Archive(members, refused, archive, limits, limits.total_bytes)


def examined(infos: list[zipfile.ZipInfo], bounds: Bounds) -> tuple[tuple[Member, ...], tuple[Refused, ...]]:
    """Members that may be read, in the order of the archive, and the others. What a system leaves behind is neither."""
    members: list[Member] = []
    refused: list[Refused] = []
    overlapping = _overlapping(infos)
    total = 0
    for info in infos:
        name = true_name(info)
        if (name.endswith("/") and not info.file_size) or SYSTEM.search(name):
            continue
        why = wrong_name(name) or _wrong_kind(info, name) or _too_much(info, bounds)
        if not why and info.header_offset in overlapping:
            why = "shares its bytes with another member"
        if not why and total + info.file_size > bounds.total_bytes:
            why = f"comes after {bounds.total_bytes >> 20} MB, more than is unpacked of one archive"
        if why:
            refused.append(Refused(printable(name)[:120], why))
            continue
        total += info.file_size
        members.append(Member(name.replace("\\", "/"), info.file_size, _dated(info), info))
    counts = Counter(_folded(m.name) for m in members)
    alike = [m for m in members if counts[_folded(m.name)] > 1]
    refused += [
        Refused(printable(m.name)[:120], "is there twice, or under names that only look different") for m in alike
    ]
    return tuple(m for m in members if counts[_folded(m.name)] == 1), tuple(refused)


def true_name(info: zipfile.ZipInfo) -> str:
    """The name as it was packed: `zipfile` cuts it at a NUL, and takes UTF-8 without its flag for an old code page."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def wrong_name(name: str) -> str:
    """Why a name is a trick, or nothing. Both kinds of slashes part folders."""
    parts = name.replace("\\", "/").split("/")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        return "has a control character in its name"
    if any(c in _TURNING for c in name):
        return "has characters in its name that turn text round"
    if parts[0] == "" or re.match(r"^[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in parts:
        return "leads out of the archive"
    if "" in parts or "." in parts:
        return "has an empty folder in its path"
    if any(RESERVED.match(part) for part in parts):
        return "has a name that Windows reserves"
    if any(part != part.rstrip(". ") for part in parts[-1:]):
        return "has a name that ends in a dot or a space"
    if any(len(part.encode("utf-8", "replace")) > 255 for part in parts) or len(name) > 1000:
        return "has too long a name"
    return ""


def _wrong_kind(info: zipfile.ZipInfo, name: str) -> str:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return f"is {_KINDS.get(stat.S_IFMT(mode), 'no ordinary file')}"
    if info.flag_bits & 0x2041:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in an unusual way"
    if name.lower().endswith(ARCHIVES):
        return "is an archive itself, which is not opened: take the notebook out of it by hand"
    return ""


def _too_much(info: zipfile.ZipInfo, bounds: Bounds) -> str:
    if info.file_size > bounds.member_bytes:
        return f"has {info.file_size >> 20} MB, more than the {bounds.member_bytes >> 20} that are read of one"
    if info.file_size > bounds.ratio_from and info.file_size > bounds.ratio * max(info.compress_size, 1):
        return f"grows more than {bounds.ratio}-fold when it is unpacked"
    return ""


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Where members begin inside others, as in an archive that unpacks the same bytes again and again."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    found = set()
    end, last = -1, -1
    for info in ordered:
        if info.header_offset < end:
            found |= {info.header_offset, last}
        if info.header_offset + 30 + info.compress_size > end:
            end, last = info.header_offset + 30 + info.compress_size, info.header_offset
    return found


def _folded(name: str) -> str:
    """What file systems may take for the same name: without case, compositions and characters that show nothing."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in unicodedata.normalize("NFKC", plain) if unicodedata.category(c) != "Cf")


def _dated(info: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*info.date_time)
    except ValueError:
        return datetime(1980, 1, 1)
