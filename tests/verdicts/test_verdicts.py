"""Every sample submission gets the verdict that its first line announces (the format is in README.md)."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Chapter, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Graded, Sheet, Submission
from autograder.sandbox.local import LocalSandbox

HERE = Path(__file__).parent
SAMPLES = sorted(HERE.glob("*/*.py"))
ITEM = re.compile(
    r"(?P<scored>\w+)=(?P<score>[\d.]+)/(?P<most>[\d.]+)|(?P<lost>\w+)<(?P<full>[\d.]+)"
    r"|mistake:(?P<wrong>\w+)=(?P<mistake>\w+)|carried:(?P<carried>\w+)|missing:(?P<missing>\w+)"
)


def by_chapter(paths: list[Path]) -> list[Any]:
    """A chapter's samples go to one worker, which draws its sheet once."""
    mark = pytest.mark.xdist_group
    return [pytest.param(p, marks=mark(f"verdicts-{p.parent.name}"), id=f"{p.parent.name}-{p.stem}") for p in paths]


@lru_cache
def chapter_and_sheet(name: str) -> tuple[Chapter, Sheet]:
    chapter = load_chapter(load_course(HERE.parent.parent), name)
    return chapter, chapter.sheet(b"a secret for the sample submissions")


def submission(path: Path) -> Submission:
    """The cells of a percent file, without the line of expectations."""
    _, _, text = path.read_text("utf-8").partition("\n")
    cells = re.split(r"^# %%.*\n", text, flags=re.MULTILINE)
    return Submission(path.stem, str(path), dict(enumerate(c for c in cells if c.strip())))


def expectations(path: Path) -> list[re.Match[str]]:
    """The items of the first line; anything that is none is an error."""
    first = path.read_text("utf-8").partition("\n")[0]
    assert first.startswith("# expect: "), f"{path} should begin with `# expect: ...`"
    found = [(item, ITEM.fullmatch(item)) for item in first.removeprefix("# expect: ").split()]
    assert all(match for _, match in found), f"{path}: {[item for item, match in found if not match]} cannot be read"
    return [match for _, match in found if match]


def differences(graded: Graded, items: list[re.Match[str]]) -> list[str]:
    """The items that do not hold, each with what was found instead."""
    verdicts = {v.name: v for v in graded.verdicts}
    scores = {n: (v.score, v.max_score) for n, v in verdicts.items()} | {"score": (graded.score, graded.max_score)}
    found = []
    for item in items:
        said = item.groupdict()
        if said["scored"]:
            holds, instead = (
                scores[said["scored"]] == (float(said["score"]), float(said["most"])),
                scores[said["scored"]],
            )
        elif said["lost"]:
            score, most = scores[said["lost"]]
            holds, instead = score < most == float(said["full"]), (score, most)
        elif said["wrong"]:
            holds, instead = verdicts[said["wrong"]].diagnosis == said["mistake"], verdicts[said["wrong"]].diagnosis
        elif said["carried"]:
            holds, instead = verdicts[said["carried"]].carried_forward, "not carried forward"
        else:
            holds, instead = not verdicts[said["missing"]].attempted, "attempted"
        if not holds:
            found.append(f"{item.group()}, but found {instead}")
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", by_chapter(SAMPLES))
def test_sample_gets_its_verdict(path: Path) -> None:
    chapter, sheet = chapter_and_sheet(path.parent.name)
    graded = grade(chapter, sheet, submission(path), LocalSandbox())
    assert differences(graded, expectations(path)) == []
    full = [v for v in graded.verdicts if v.score == v.max_score]
    assert [v.name for v in full if v.diagnosis] == []


def test_wrong_expectations_are_noticed() -> None:
    nothing = Graded("s", "p", "graded", max_score=40.0)
    items = [ITEM.fullmatch(text) for text in ("score=40/40", "score=0/40", "score<40")]
    assert differences(nothing, [i for i in items if i]) == ["score=40/40, but found (0, 40.0)"]
