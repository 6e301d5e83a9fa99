"""The Unix accounts of a demo: made under the course's name, without passwords, and removed again. Needs root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import OurError, UsageError
from autograder.hub.plan import Plan

SIGN = "autograder hub"
"""Stands in the description of an account that the demo made; no other account is removed."""


def make(plan: Plan) -> None:
    """Makes the accounts that are missing. Nobody can log in to them but through the hub."""
    plan.homes.mkdir(parents=True, exist_ok=True)
    for name in (plan.people.grader, *plan.people.users):
        account = find(name)
        if account is None:
            options = ["--home-dir", str(plan.homes / name), "--create-home", "--key", "HOME_MODE=0700"]
            _system(["useradd", *options, "--user-group", "--shell", "/bin/bash", "--comment", SIGN, name])
        elif account.pw_gecos != SIGN:
            raise UsageError(f"{name} is an account of this machine that the demo did not make. Rename the course.")


def remove(plan: Plan) -> None:
    """Removes the accounts that the demo made; their files go with the demo's folder."""
    for name in (plan.people.grader, *plan.people.users):
        account = find(name)
        if account is not None and account.pw_gecos == SIGN:
            _system(["userdel", name])


def check(plan: Plan) -> None:
    """Refuses people who have no account here, and a grader who is root."""
    for name in (plan.people.grader, *plan.people.users):
        account = find(name)
        if account is None:
            raise UsageError(f"{name} has no account on this machine. Make it, or try the course with --demo.")
        if account.pw_uid == 0:
            raise UsageError(f"{name} is root, but should be an ordinary account: `chown` the course to its grader.")


def find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def state_of(name: str) -> Path:
    """Where the grader's programs keep the secret seed: in that account's home."""
    return Path(pwd.getpwnam(name).pw_dir) / ".local" / "state" / "autograder"


def as_grader(plan: Plan) -> Mapping[str, Any]:
    """The options of `subprocess` that make a program the grader's, with no more than it needs in its environment."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "AUTOGRADER_STATE": str(plan.state), "LANG": "C.UTF-8"}
    account = find(plan.people.grader) if plan.accounts else None
    if account is None:
        return {"env": environment | {"HOME": str(Path.home())}}
    mine = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
    return mine | {"env": environment | {"HOME": account.pw_dir, "USER": account.pw_name}, "umask": 0o077}


def _system(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OurError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
