"""The secret seed, and the hidden sheets drawn from it: kept in the state folder, readable by the grader alone."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autograder.course import Chapter
from autograder.errors import OurError
from autograder.records import Sheet
from autograder.wire import Malformed, from_text, to_text


def secret_seed(state: Path, course: str) -> bytes:
    """The course's seed, made from the system's randomness when it is first asked for."""
    path = state / "seeds" / course
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_seed(path)
        return _read_private(path)
    except OSError as error:
        raise OurError(f"The secret seed in {path} cannot be read or made: {error.strerror}.") from None


def hidden_sheet(chapter: Chapter, state: Path) -> Sheet:
    """The chapter's whole sheet for the secret seed: drawn once, then kept until a source or the engine changes."""
    import jax

    seed = secret_seed(state, chapter.course.name)
    path = state / "sheets" / f"{chapter.course.name}-{chapter.name}-{_fingerprint(chapter, seed)}.json"
    try:
        sheet = from_text(path.read_text("utf-8"))
        if isinstance(sheet, Sheet):
            return sheet
    except (FileNotFoundError, Malformed):
        pass
    sheet = chapter.sheet(seed)
    jax.clear_caches()  # type: ignore[no-untyped-call]  # gigabytes of programs that ran once
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in path.parent.glob(f"{chapter.course.name}-{chapter.name}-*.json"):
            old.unlink(missing_ok=True)
        write_private(path, to_text(sheet))
    except OSError as error:
        raise OurError(f"The hidden sheet cannot be kept in {path.parent}: {error.strerror}.") from None
    return sheet


def fingerprint(chapter: Chapter, state: Path) -> str:
    """Changes with whatever the hidden sheet and its judging depend on, the course's limits apart."""
    return _fingerprint(chapter, secret_seed(state, chapter.course.name))


def foundation(chapter: Chapter, state: Path) -> str:
    """Changes with what every sheet of the course depends on: the seed and the engine."""
    return _digest(secret_seed(state, chapter.course.name), _engine())


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a file that only its owner may read, all at once or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _make_seed(path: Path) -> None:
    """A new seed under `path`, whole from the first moment; if another grader was faster, theirs."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # private by itself
        file.write(secrets.token_hex(32))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def _read_private(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise OurError(f"The secret seed {path} can be read by others, but should be private: run `chmod 600 {path}`.")
    seed = path.read_bytes()
    if len(seed) < 32:
        raise OurError(f"The secret seed {path} has {len(seed)} bytes, but should have 64. Restore it from a backup.")
    return seed


def _fingerprint(chapter: Chapter, seed: bytes) -> str:
    """Changes with the seed, the engine, the chapter file and every loaded module of the course's `solutions`."""
    loaded = [Path(m.__file__) for n, m in list(sys.modules.items()) if n.startswith("solutions.") and m.__file__]
    solutions = sorted(path for path in loaded if path.is_relative_to(chapter.course.root))  # not another course's
    return _digest(seed, (*_engine(), *solutions, chapter.path))


def _engine() -> list[Path]:
    return sorted(Path(__file__).parent.rglob("*.py"))


def _digest(seed: bytes, paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(seed, digest_size=8)
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
