"""Logs in the people of a demo with a password each, from a file that is the hub's alone."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode


class Passwords(Authenticator):
    """Names and passwords from a JSON file. A hub that other machines reach uses the university's login instead."""

    file = Unicode(help="The JSON file, name to password.").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The name if the password is that person's, None otherwise."""
        known = json.loads(Path(self.file).read_text("utf-8"))
        name, given = data.get("username", ""), data.get("password", "")
        right = hmac.compare_digest(known.get(name, "").encode(), given.encode())
        return name if right and name in known else None
