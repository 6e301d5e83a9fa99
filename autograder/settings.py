"""Everything that comes from the environment, read once, frozen, and passed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the course and our own state are, and what the user asked for.

    `state` holds the secret seed and sheets drawn from it. It lies outside every course folder, so that publishing a
    course's repository publishes no hidden input.
    """

    root: Path
    state: Path
    trust: bool = False


def read_settings(
    root: Path | None = None, *, trust: bool = False, environ: Mapping[str, str] = os.environ
) -> Settings:
    """The settings for the course at `root` (by default `AUTOGRADER_COURSE`, or the current folder).

    `AUTOGRADER_STATE` moves the state folder; it is `autograder` in the user's XDG state folder otherwise.
    """
    here = root or Path(environ.get("AUTOGRADER_COURSE") or ".")
    home = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    state = Path(environ.get("AUTOGRADER_STATE") or home / "autograder")
    return Settings(here.resolve(), state, trust)


@dataclass(frozen=True)
class Service:
    """Where JupyterHub wants one of its services to answer: an address of this machine, and a path of the hub's."""

    url: str
    prefix: str


def read_service(environ: Mapping[str, str] = os.environ) -> Service:
    """What the hub told the service that it started."""
    return Service(environ.get("JUPYTERHUB_SERVICE_URL", ""), environ.get("JUPYTERHUB_SERVICE_PREFIX", "/"))


def hub_base(environ: Mapping[str, str] = os.environ) -> str:
    """The path under which the hub that runs this server answers."""
    return environ.get("JUPYTERHUB_BASE_URL", "/")


def without_hub(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without the hub's tokens: for programs which have nothing to tell the hub."""
    return {name: value for name, value in environ.items() if not name.startswith("JUPYTERHUB_")}
