"""The class report of a sample class of this course, against what its samples are known to get wrong."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder.classroom.summary import Kept, summarise
from autograder.course import load_chapter, load_course
from autograder.grade import grade
from autograder.records import Graded, Submission
from autograder.sandbox.local import LocalSandbox

ROOT = Path(__file__).parents[2]
CLASS = {"perfect": 4, "distance_not_squared": 3, "training_residuals": 2, "penalty_times_n": 1, "untouched": 1}
"""Samples of tests/verdicts/kernel, and how many handed each of them in."""

EXERCISES = ("rbf", "krr_fit", "krr_loo")
"""Enough of the chapter for these samples to be told apart."""


def graded_samples() -> list[Graded]:
    whole = load_chapter(load_course(ROOT), "kernel")
    chapter = replace(whole, exercises={name: whole.exercises[name] for name in EXERCISES})
    sheet = chapter.sheet(b"a secret for the class report")
    found = []
    for sample, number in CLASS.items():
        text = (ROOT / "tests" / "verdicts" / "kernel" / f"{sample}.py").read_text("utf-8").partition("\n")[2]
        cells = [c for c in re.split(r"^# %%.*\n", text, flags=re.MULTILINE) if c.strip()]
        once = grade(chapter, sheet, Submission(sample, sample, dict(enumerate(cells))), LocalSandbox())
        found += [replace(once, student=f"{sample}-{i}") for i in range(number)]
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_sample_class() -> None:
    submissions = graded_samples()
    report = summarise(Kept("dmol", "kernel", ("0.1.0",), (), tuple(submissions)))
    assert (report.submitted, report.graded, report.mixed) == (11, 11, False)
    assert [(m.exercise, m.mistake, m.who.count) for m in report.misconceptions[:3]] == [
        ("rbf", "distance_not_squared", 3),
        ("krr_loo", "training_residuals", 2),
        ("krr_fit", "penalty_times_n", 1),
    ]
    assert all(m.hint and m.example for m in report.misconceptions)
    assert all(e.blank.count == 1 and e.failing.count == e.late.count == 0 for e in report.exercises)

    begun = [g for g in submissions if "untouched" not in g.student]
    passed = np.array([[f.passed for v in g.verdicts for f in v.findings] for g in begun], float)
    labels = [(v.name, f.label) for v in begun[0].verdicts for f in v.findings]
    telling = [i for i in range(len(labels)) if 0 < passed[:, i].mean() < 1]
    r = {i: np.corrcoef(passed[:, i], passed.sum(axis=1) - passed[:, i])[0, 1] for i in telling}
    least = report.least_discriminating
    assert least is not None and least.discrimination == pytest.approx(min(r.values()))
    assert r[labels.index((least.exercise, least.label))] == pytest.approx(min(r.values()))
    hardest = report.hardest
    assert hardest is not None and hardest.share == pytest.approx(passed.mean(axis=0).min())
    assert hardest.exercise == "rbf"
