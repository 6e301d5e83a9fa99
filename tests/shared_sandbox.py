"""One sandbox for several sessions, which each of them may close without ending it.

nbgrader is told of it by name: `c.Reader.open_sandbox = OPEN`.
"""

from typing import Any

OPEN = f"{__name__}.open_shared"
_current: dict[str, Any] = {}


class Shared:
    """Whatever sandbox was shared last."""

    @property
    def layers(self) -> tuple[str, ...]:
        layers: tuple[str, ...] = _current["sandbox"].layers
        return layers

    def open(self, limits: Any, **options: Any) -> Any:
        return _current["sandbox"].open(limits, **options)

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None:
        pass


def share(sandbox: Any) -> None:
    _current["sandbox"] = sandbox


def open_shared(**options: Any) -> Shared:
    return Shared()
