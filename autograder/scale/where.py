"""Where to grade, as it was typed: a cluster of this machine's own, or the address of a scheduler. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from autograder.errors import UsageError

LOCAL = "local"
UNPROTECTED = (
    "{address} is not protected, but should begin with tls://: whoever listens on the way reads hidden checks and "
    "solutions, and whoever reaches the scheduler can run programs as you. If that network is yours alone, "
    "--trust-network speaks tcp:// all the same."
)


@dataclass(frozen=True)
class Where:
    """A scheduler's address, or `local` for a cluster of `workers` processes here. The files are for TLS; what is not
    given is taken from Dask's own configuration."""

    address: str = LOCAL
    workers: int = 2
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    trust_network: bool = False

    @property
    def local(self) -> bool:
        return self.address == LOCAL

    @property
    def encrypted(self) -> bool:
        return self.address.startswith("tls://")


def checked(where: Where) -> Where:
    """The same, if nothing secret would travel in the open; otherwise a UsageError that says what to type."""
    files = [name for name in ("ca", "cert", "key") if getattr(where, name) is not None]
    if files and not where.encrypted:
        raise UsageError(f"--tls-{files[0]} is for an address that begins with tls://, but {where.address} does not.")
    for name in files:
        if not getattr(where, name).is_file():
            raise UsageError(f"--tls-{name} is {getattr(where, name)}, but should be a file.")
    if where.local or where.encrypted:
        return where
    if not where.address.startswith("tcp://"):
        raise UsageError(f"--scheduler is {where.address}, but should be local, tls://HOST:PORT or tcp://HOST:PORT.")
    refuse_open(where.address, trust=where.trust_network)
    return where


def refuse_open(address: str, *, trust: bool) -> None:
    """Refuses an address without TLS that can be reached from other machines, unless they are trusted."""
    if not trust and not address.startswith("tls://") and not loopback(address):
        raise UsageError(UNPROTECTED.format(address=address))


def loopback(address: str) -> bool:
    """Whether only this machine can be meant. Names other than localhost are not looked up."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
