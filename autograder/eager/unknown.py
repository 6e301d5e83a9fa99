"""What a step is, and what says that one is not understood here."""

from collections.abc import Callable
from typing import Any

Step = Callable[..., Any]
"""From the parameters of a primitive of JAX and its arrays to what it answers."""


class Unknown(Exception):
    """This program is to be compiled, because what it computes is not known here."""
