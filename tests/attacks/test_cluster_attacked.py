"""Hostile submissions graded by a Dask cluster: what `grade` finds without one, and nobody reaches the cluster.

The test at the end takes the layers away and shows that the trick then finds the solutions that were sent.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest

from autograder.course import load_chapter, load_course
from autograder.kept import record_from_text
from autograder.notebook.read import read
from autograder.records import Graded
from autograder.sandbox.pool import WarmSandbox
from autograder.scale import desk
from autograder.scale.desk import Desk, cells_of
from autograder.scale.parcel import pack
from autograder.scale.remote import open_remote
from autograder.scale.where import Where
from autograder.secret import hidden_sheet
from autograder.settings import read_settings
from graded_class import SEED, canaries, course_in, expected_of, hand_in, spoiled, wrong_with

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("graded")]
TRICKS = (
    "cluster",
    "control_characters",
    "forged_record",
    "forged_report",
    "four_ways_to_die",
    "lying_array",
    "output_flood",
    "script_everywhere",
    "tell_the_inputs",
)
"""Those whose texts, records, deaths or files could mean something to a cluster."""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    return course_in(tmp_path)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Where workers keep what they are sent: a folder that the tricks know of."""
    folder = tmp_path / "state" / "dask"
    with dask.config.set(temporary_directory=str(folder)):
        yield folder


def test_tricks_earn_on_a_cluster_what_their_answers_earn(course: Path, scratch: Path) -> None:
    everyone = [(name, hand_in(course, name)) for name in ("a-classmate", *TRICKS, "z-classmate")]
    told: list[str] = []
    results: list[Graded] = []
    with open_remote(read_settings(course), "toy", Where(workers=2), tell=told.append) as remote:
        assert list(scratch.glob("**/chapter-*/solutions/toy.py"))
        secret = canaries(remote.session.sheet)
        remote.grade_all(everyone, results.append)
    assert told[-1] == f"{len(everyone) - 1} of {len(everyone)} were graded now, by 2 workers."  # classmates are alike
    for graded in results:
        assert wrong_with(graded, expected_of(graded.student), (SEED, *secret)) == [], graded.student
    assert spoiled(course) == [] and not (scratch.parent / "unpickled").exists()
    assert not list(scratch.glob("**/chapter-*"))


@pytest.mark.parametrize(("guarded", "score"), [(True, 0), (False, 12)])
def test_without_layers_the_solutions_that_were_sent_would_be_found(
    course: Path, scratch: Path, warm: WarmSandbox, bare: WarmSandbox, monkeypatch, guarded: bool, score: float
) -> None:
    chapter = load_chapter(load_course(course), "toy")
    sandbox: Any = warm if guarded else bare
    monkeypatch.setattr(desk, "open_sandbox", lambda **options: sandbox)
    parcel = pack(chapter, hidden_sheet(chapter, scratch.parent), trust=False)
    scratch.mkdir()
    there = Desk("tls://there:1", parcel, scratch, scratch.parent)
    answer = there.answer(sandbox.layers, cells_of(read(hand_in(course, "cluster"), "cluster")))
    assert record_from_text(json.loads(answer)["graded"]).score == score
