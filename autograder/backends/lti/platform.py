"""What is known of a platform: where its services are, and the key that we sign with. Read from a TOML file."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from autograder.errors import UsageError

NEEDED = ("client_id", "token_url", "private_key", "lineitems")
OPTIONAL = ("audience", "key_id", "memberships")


@dataclass(frozen=True)
class Platform:
    """An LMS that knows us as a tool. The key is never part of what is printed."""

    client_id: str
    token_url: str
    lineitems: str
    key: str = field(repr=False, compare=False)
    key_id: str = ""
    audience: str = ""
    memberships: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Line items that an instructor has chosen, by chapter, in place of one that we would make."""


def read_platform(path: Path) -> Platform:
    """The platform that a file describes. Raises UsageError for what is missing, open to others, or without TLS."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}. Name the file that describes the platform."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    table, chosen = said.get("platform"), said.get("lineitems", {})
    if not isinstance(table, dict) or not isinstance(chosen, dict):
        raise UsageError(f"{path} has no table [platform], but should have one, with {', '.join(NEEDED)}.")
    missing = [name for name in NEEDED if not table.get(name)]
    wrong = [n for n, v in (*table.items(), *chosen.items()) if not isinstance(v, str)]
    unknown = sorted(table.keys() - {*NEEDED, *OPTIONAL})
    if missing or wrong or unknown:
        what = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(wrong or unknown)}"
        raise UsageError(
            f"{path} {what}, but should have texts for {', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}."
        )
    for address in (table["token_url"], table["lineitems"], table.get("memberships", ""), *chosen.values()):
        if address:
            check_address(address)
    return Platform(
        table["client_id"],
        table["token_url"],
        table["lineitems"],
        _private_key(path.parent / table["private_key"]),
        table.get("key_id", ""),
        table.get("audience", ""),
        table.get("memberships", ""),
        chosen,
    )


def check_address(address: str) -> None:
    """Raises UsageError for an address that is not https. Only this machine may be spoken to without TLS."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))) and not parts.username:
        return
    raise UsageError(
        f"The address {address[:200]!r} is not https, but should be: it would carry a key to everybody's grades."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _private_key(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"The key {path} can be read by others, but should be private: run `chmod 600 {path}`.")
        text = path.read_text("ascii")
    except OSError as error:
        raise UsageError(f"The key {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        text = ""
    if "PRIVATE KEY-----" not in text:
        raise UsageError(
            f"The key {path} is no private key, but should be one as PEM: `openssl genrsa -out {path} 3072`."
        )
    return text
