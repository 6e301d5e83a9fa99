"""One submission has one score, whatever the course runs on: every score, text and finding is the same by all ways."""

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "attacks")]

import container  # noqa: E402
import paths  # noqa: E402
from paths import Class, Said, differences, samples  # noqa: E402

from autograder.sandbox.pool import WarmSandbox  # noqa: E402
from tests.shared_sandbox import share  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.slow,
    pytest.mark.xdist_group("parity"),
]

TOY = Path(__file__).parents[1] / "toy"
PERFECT = "# perfect\n# %%\n" + re.sub(
    r"\n\n\n(?=def|class)", "\n\n\n# %%\n", (TOY / "solutions" / "toy.py").read_text()
)
WRONG_FIRST = PERFECT.replace("return jnp.sum((x - z) ** 2)", "return jnp.sqrt(jnp.sum((x - z) ** 2))")
CRASHING = PERFECT.replace("return (x + z) / 2", "raise ValueError(repr(x))").replace(
    "call(place)", "import os; os._exit(1)"
)
TOYS = {"perfect": PERFECT, "wrong-first": WRONG_FIRST, "crashing": CRASHING, "untouched": "# nothing\n# %%\n1 + 1\n"}
WAYS = {"nbgrader": paths.by_nbgrader, "otter": paths.by_otter, "gradescope": paths.by_gradescope}


@pytest.fixture(autouse=True)
def _one_sandbox(warm: WarmSandbox) -> None:
    share(warm)


def compared(made: Class, tell: bool = False) -> tuple[Said, Mapping[str, Said], Mapping[str, list[str]]]:
    """What `autograder grade` says, what each other way says, and how they differ."""
    begin = time.monotonic()
    first = paths.by_command(made)
    others, wrong = {}, {}
    for way, grade in WAYS.items():
        if tell:
            print(f"{made.chapter}: {way} after {time.monotonic() - begin:.0f} s", flush=True)
        others[way] = grade(made)
        wrong[way] = differences(first, others[way])
    return first, others, wrong


def test_a_toy_class_is_graded_alike_by_all_ways(tmp_path: Path) -> None:
    made = paths.class_in(tmp_path, TOY, "toy", TOYS)
    first, others, wrong = compared(made)
    assert wrong == {way: [] for way in WAYS}
    assert {student: told["score"] for student, told in first.items()} == {
        "perfect": 12,
        "wrong-first": 9,
        "crashing": 9,
        "untouched": 0,
    }
    altered: dict[str, Any] = {**others["otter"], "perfect": {**others["otter"]["perfect"], "score": 11.99}}
    assert differences(first, altered) == ["perfect: score is 11.99, but should be 12.0"]


@pytest.mark.skipif(os.geteuid() != 0, reason="in Gradescope's container submissions are graded by root")
def test_in_gradescope_s_container_they_are_graded_alike(tmp_path: Path) -> None:
    made = paths.class_in(tmp_path, TOY, "toy", {"wrong-first": WRONG_FIRST})
    first = paths.by_command(made)

    def one(folder: Path, notebook: Path) -> Mapping[str, Any]:
        packed = paths.bundle(paths.load_chapter(paths.load_course(made.root), "toy"), sheet, "after_published")
        image = container.build(packed, tmp_path / "image")
        return container.run(image, {notebook.name: notebook.read_text()}).results

    sheet = paths.hidden_sheet(paths.load_chapter(paths.load_course(made.root), "toy"), made.settings.state)
    assert differences(first, paths.by_gradescope(made, one=one)) == []


@pytest.mark.long
@pytest.mark.parametrize("chapter", ["regression", "kernel", "graphs", "attention"])
def test_the_sample_class_of_a_chapter_is_graded_alike(chapter: str, tmp_path: Path) -> None:
    made = paths.class_in(tmp_path, paths.ROOT, chapter, samples(chapter))
    first, others, wrong = compared(made, tell=True)
    print("\nchapter      way          submissions  exercises  findings  differences")
    for way, told in {"grade": first, **others}.items():
        exercises = sum(len(t["scores"]) for t in told.values())
        different = len(wrong.get(way, []))
        print(f"{chapter:12} {way:12} {len(told):11} {exercises:10} {paths.findings(first):9} {different:12}")
    assert wrong == {way: [] for way in WAYS}
