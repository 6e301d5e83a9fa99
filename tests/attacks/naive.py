"""A grader in the student's own process, as course tools have them: cells, tests and expected answers side by side.

Argument: the file of an attack. Prints that it begins and that it asks, then, as JSON, whether the attack came back with
something, the verdict on its answer, and whether an exception of its was told at length. An attack may see to it that
none of this is printed, or that the process never ends.
"""

import json
import pickle
import re
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

EXPECTED = 3.0
MEMORY = 2 << 30
LONG = 1_000_000
kept: list[Any] = []
"""What lives as long as this process."""


def grade(attack: Callable[..., Any], facts: dict[str, object], times: int) -> dict[str, object]:
    """The verdict, with what it rests on in plain sight."""
    expected = json.loads(Path(str(facts["canary"])).read_text())
    try:
        for _ in range(times):
            answer = attack(facts)
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        return {"succeeds": False, "verdict": "failed", "told at length": len(told) > LONG}
    parts = sum(1 for _ in leaves(answer))
    passed = any(held(way, answer, expected) for way in (by_pickle, by_array, by_equality))
    verdict = "passed" if passed else "failed"
    succeeded = parts > 0 and held(lambda a, _: bool(np.any(a)), answer, expected)
    return {"succeeds": succeeded, "verdict": verdict, "told at length": False}


def compile_reference(folder: Path) -> None:
    """What a grader does who computes its expected answers here, and keeps in `folder` what it compiles."""
    import jax

    folder.mkdir()
    jax.config.update("jax_compilation_cache_dir", str(folder))

    def reference(x: Any) -> Any:
        return x + EXPECTED

    kept.append((function := jax.jit(reference), function.lower(0.0).compile()))


def leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for _, part in tree.items():
            yield from leaves(part)
    elif isinstance(tree, list | tuple | Iterator):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def held(way: Callable[[Any, Any], bool], answer: Any, expected: Any) -> bool:
    try:
        return way(answer, expected)
    except Exception:
        return False


def by_pickle(answer: Any, expected: Any) -> bool:
    copy = pickle.loads(pickle.dumps(answer))
    np.testing.assert_allclose(copy, expected)
    return True


def by_array(answer: Any, expected: Any) -> bool:
    return bool(np.all(np.asanyarray(answer) == expected))


def by_equality(answer: Any, expected: Any) -> bool:
    return bool(answer == expected)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    text = Path(sys.argv[1]).read_text()
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        canary.write_text(str(EXPECTED))
        gradebook = open(Path(folder) / "gradebook", "w")
        print("begins", flush=True)
        namespace: dict[str, Any] = {"In": []}
        for cell in re.split(r"^# %%.*\n", text, flags=re.MULTILINE)[1:]:
            exec(cell, namespace)
        if "jax" in sys.modules:
            compile_reference(Path(folder) / "compiled")
        print("asks", flush=True)
        found = grade(namespace["attack"], {"canary": str(canary)}, 2 if "\n# twice" in text else 1)
        gradebook.write(json.dumps(found))
        gradebook.close()
        print(Path(folder, "gradebook").read_text(), flush=True)
