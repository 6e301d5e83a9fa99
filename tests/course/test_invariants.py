"""The invariants of every chapter of the course: what `autograder verify` proves, with its twenty seeds."""

from pathlib import Path

import pytest

from autograder.course import load_chapter, load_course
from autograder.notebook.leaks import leaks
from autograder.verify import verify

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
SEEDS = 20


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.chapters)
def test_invariants(name, pytestconfig):
    chapter = load_chapter(COURSE, name)
    state = pytestconfig.cache.mkdir("verify")
    report = verify(chapter, seeds=SEEDS, state=state, leaks=lambda chapter: leaks(chapter, ROOT / "release"))
    assert report.ok, "\n".join(f"{b.exercise} ({b.invariant}): {b}" for b in report.findings)
    assert {row.name for row in report.rows} == chapter.exercises.keys()
    assert all(row.seeds == SEEDS and row.hidden for row in report.rows)
