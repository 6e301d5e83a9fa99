"""A grader in the student's own process, as course tools have them: cells, tests and expected answers side by side.

Argument: the name of an attack. Prints, as JSON, whether the attack found what it looked for, and whether it passed.
"""

import json
import pickle
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

EXPECTED = 3.0


def grade(attack: Callable[..., Any], facts: dict[str, object]) -> dict[str, bool]:
    """The verdict, with what it rests on in plain sight."""
    expected = json.loads(Path(str(facts["canary"])).read_text())
    try:
        answer = attack(facts)
    except Exception:
        return {"found": False, "passed": False}
    found = bool(np.any(answer))
    try:
        np.testing.assert_allclose(pickle.loads(pickle.dumps(answer)), expected)
    except Exception:
        return {"found": found, "passed": False}
    return {"found": found, "passed": True}


if __name__ == "__main__":
    text = (Path(__file__).parent / f"{sys.argv[1]}.py").read_text()
    namespace: dict[str, Any] = {"In": []}
    for cell in re.split(r"^# %%.*\n", text, flags=re.MULTILINE)[1:]:
        exec(cell, namespace)
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        canary.write_text(str(EXPECTED))
        print(json.dumps(grade(namespace["attack"], {"canary": str(canary)})))
