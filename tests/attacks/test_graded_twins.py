"""The tricks of `graded/` with their guards taken away: each then earns points, or shows what should not be shown.

A trick's header says which way it is tried: in the student's own kernel, on the released sheet, or by a test here or in
`test_graded_shown`. `test_twins` sees to it that every one has such a line.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder import report
from autograder.backends.nbgrader.cells import restore
from autograder.carry import reference_spies
from autograder.course import Chapter, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Call, CellOutcome, Graded, Limits, Lost, Raised, Returned, Sheet, Spy, Verdict
from autograder.sandbox import exchange
from autograder.sandbox.pool import WarmSandbox, WarmStudent
from autograder.secret import hidden_sheet
from autograder.wire import from_text
from graded_class import (
    CONTROL,
    SEED,
    TRICKS,
    canaries,
    cells,
    course_in,
    entry_of,
    handed_in,
    in_this_process,
    state_of,
    submitted,
    told,
    unlike,
)
from twins import twin

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("graded twins")]

KERNEL, RELEASED = "in the student's kernel", "on the released sheet"
REFERENCES = """
import jax, jax.numpy as jnp, numpy as np
def reference_halfway(x, z): return 0.5 * (x + z)
def reference_sqdist(x, z): return jnp.sum((x - z) ** 2)
x, z = jnp.array([1., 2., 3.]), jnp.array([4., 6., 8.])
"""
WRONG = """# %%
halfway = sqdist = lambda x, z: x
visits = lambda places, call: 0
class Line:
    def __init__(self, lam): pass
    def fit(self, x, z): pass
    def predict(self, x): return x
"""


def by(how: str) -> list[str]:
    return [name for name, text in TRICKS.items() if twin(text)[0] == how]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return course_in(tmp_path_factory.mktemp("attacked"))


@pytest.fixture(scope="module")
def chapter(course: Path) -> Chapter:
    return load_chapter(load_course(course), "toy")


@pytest.fixture(scope="module")
def sheet(course: Path, chapter: Chapter) -> Sheet:
    return hidden_sheet(chapter, state_of(course))


@pytest.fixture
def student(warm: WarmSandbox) -> Iterator[WarmStudent]:
    with warm.open(Limits()) as opened:
        yield opened


def run(student: WarmStudent, trick: str, course: Path) -> list[CellOutcome]:
    sources = handed_in(trick, course) if trick in TRICKS else cells(trick)
    return [student.run(source, seconds=20) for title, source in sources if "[markdown]" not in title]


def graded_alone(trick: str, course: Path, chapter: Chapter, sheet: Sheet, warm: WarmSandbox) -> Graded:
    return grade(chapter, sheet, submitted(trick, course), warm)


# ---- in the student's kernel, and on the released sheet ------------------------------------------------------------


@pytest.mark.parametrize("trick", by(KERNEL))
def test_tests_in_the_student_s_kernel_are_fooled(trick: str, student: WarmStudent, course: Path) -> None:
    run(student, trick, course)
    student.run(REFERENCES, seconds=20)
    assert student.run(twin(TRICKS[trick])[1], seconds=20).outcome == Returned(None)


@pytest.mark.parametrize("trick", [t for t in by(KERNEL) if t not in ("redefined_check", "poisoned_jax")])
def test_they_do_notice_a_plain_wrong_answer(trick: str, student: WarmStudent, course: Path) -> None:
    run(student, WRONG, course)
    student.run(REFERENCES, seconds=20)
    outcome = student.run(twin(TRICKS[trick])[1], seconds=20).outcome
    assert isinstance(outcome, Raised) and outcome.type in ("AssertionError", "ValueError"), outcome


@pytest.mark.parametrize("trick", by(RELEASED))
def test_the_released_sheet_alone_can_be_learned_by_heart(trick: str, course: Path) -> None:
    released = from_text((course / "release" / "toy" / "toy.json").read_text())
    assert unlike(twin(TRICKS[trick])[1], entry_of(in_this_process(trick, course, released))) == []


# ---- without a sandbox ---------------------------------------------------------------------------------------------


def test_without_a_sandbox_the_solution_is_found_on_disk(course: Path, sheet: Sheet) -> None:
    assert in_this_process("solution_on_disk", course, sheet).score == 12


def test_without_a_sandbox_the_seed_is_read(course: Path, sheet: Sheet, capsys: pytest.CaptureFixture[str]) -> None:
    in_this_process("seed_on_disk", course, sheet)
    told = capsys.readouterr().out
    (kept,) = (state_of(course) / "sheets").glob("toy-toy-*.json")
    assert SEED in told and kept.read_text()[:10_000] in told


def test_without_a_sandbox_the_reference_is_found_in_memory(course: Path, sheet: Sheet) -> None:
    assert in_this_process("reference_in_memory", course, sheet).score >= 5


def test_unnoticed_it_would_answer_rightly(course: Path, sheet: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.chdir(course / "release" / "toy")
    assert unlike("halfway=2/2", entry_of(in_this_process("noticing", course, sheet))) == []


# ---- with one guard less -------------------------------------------------------------------------------------------


def test_laws_alone_would_pay_for_a_constant(course: Path, sheet: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_this_process("constant_answers", course, sheet).score == 0
    monkeypatch.setattr("autograder.judge._forfeit", lambda finding: finding)
    assert in_this_process("constant_answers", course, sheet).score > 0.5


def test_a_seed_that_can_be_guessed_is_guessed(course: Path, chapter: Chapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.drawing.seed_of", lambda secret, *names: 7)
    known = in_this_process("known_seeds", course, chapter.sheet(b"a secret"))
    assert unlike("halfway=2/2", entry_of(known)) == []


def test_in_one_worker_the_borrowed_reference_would_be_kept(
    student: WarmStudent, course: Path, chapter: Chapter
) -> None:
    x, z = np.array([1.0, 2.0, 3.0], np.float32), np.array([4.0, 6.0, 8.0], np.float32)
    run(student, "borrowed_reference", course)
    assert student.call("mine", Call((x, z)), seconds=20).value == 7
    for name, spy in reference_spies(chapter, ("sqdist", "table")).items():
        student.bind(name, spy)
    assert isinstance(student.call("nearest", Call((x[None], z[None])), seconds=20), Returned)
    assert student.call("mine", Call((x, z)), seconds=20).value == 50


def test_without_a_cap_the_reference_is_asked_without_end(
    warm: WarmSandbox, course: Path, chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MAX_CALLBACKS", 1000)
    A = np.ones((2, 2), np.float32)

    def asked() -> Any:
        with warm.open(Limits()) as student:
            run(student, "nosy_with_the_reference", course)
            for name, spy in reference_spies(chapter, ("sqdist",)).items():
                student.bind(name, spy)
            return student.call("nearest", Call((A, A)), seconds=20)

    monkeypatch.setattr("autograder.carry.MAX_CALLS", 200)
    assert asked().value == "refused"
    monkeypatch.setattr("autograder.carry.MAX_CALLS", 1 << 40)
    assert asked() == Lost("protocol", "more than 1,000 callbacks")


def test_a_reply_whose_number_can_be_known_is_taken_for_the_next(
    warm: WarmSandbox, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.array([1.0, 2.0, 3.0], np.float32)

    def second_answer() -> Any:
        with warm.open(Limits()) as student:
            run(student, "two_replies", course)
            student.call("halfway", Call((x, x)), seconds=20)
            return student.call("sqdist", Call((x, x)), seconds=20)

    assert not isinstance(second_answer(), Returned)
    monkeypatch.setattr(exchange, "secrets", SimpleNamespace(randbits=lambda bits: 1))
    assert np.array_equal(second_answer().value, x)


def test_without_a_cap_on_callbacks_the_grader_keeps_them_all(
    warm: WarmSandbox, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MAX_CALLBACKS", 100)

    def megabytes() -> int:
        seen: list[Any] = []
        with warm.open(Limits()) as student:
            run(student, "flood_of_callbacks", course)
            student.call("visits", Call(([1], Spy("append", seen.append))), seconds=20)
        return sum(array.nbytes for array in seen) >> 20

    assert megabytes() <= 128
    monkeypatch.setattr(exchange, "MAX_CALLBACKS_BYTES", 1 << 40)
    assert megabytes() == 200


# ---- what would be kept, and shown ---------------------------------------------------------------------------------


def test_without_a_cap_the_outputs_of_all_cells_are_kept(
    course: Path, chapter: Chapter, sheet: Sheet, warm: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.attempt.MAX_FULL_CELLS", 1000)
    outputs = graded_alone("flood_of_cells", course, chapter, sheet, warm).cells.values()
    assert [sum(len(o["text"]) for o in some) for some in outputs].count(60_001) == 40


def test_with_a_higher_limit_all_output_is_kept(warm: WarmSandbox, course: Path) -> None:
    def characters(output_kb: int) -> int:
        with warm.open(Limits(output_kb=output_kb)) as student:
            return sum(len(o["text"]) for ran in run(student, "output_flood", course) for o in ran.outputs)

    assert characters(64) < 100_000
    assert characters(16_000) > 8_000_000


def test_without_a_cap_the_picture_is_kept(student: WarmStudent, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.outputs.MAX_PIXELS", 1 << 60)
    shown = [o["data"] for ran in run(student, "picture_bomb", course) for o in ran.outputs]
    assert [list(data) for data in shown].count(["image/png", "text/plain"]) == 1


def test_without_a_cap_all_prose_is_shown(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {True: "markdown", False: "code"}
    notebook = [{"cell_type": kinds["[markdown]" in t], "source": s} for t, s in handed_in("long_prose", course)]

    def shown() -> int:
        return sum(len(cell.source) for cell in restore(notebook, []).cells)

    assert shown() < 400_000
    monkeypatch.setattr("autograder.backends.nbgrader.cells.MAX_SHOWN", 1 << 40)
    assert shown() > 6_000_000


def test_a_text_that_is_not_cleaned_holds_control_characters(
    course: Path, chapter: Chapter, sheet: Sheet, warm: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded = graded_alone("control_characters", course, chapter, sheet, warm)
    assert not CONTROL.search(report.to_text(graded))
    monkeypatch.setattr("autograder.card.legible", lambda text: text)
    assert CONTROL.search(report.to_text(graded))


def test_whoever_reads_the_outputs_would_take_the_forged_report(student: WarmStudent, course: Path) -> None:
    printed = "".join(o["text"] for ran in run(student, "forged_report", course) for o in ran.outputs)
    (entry,) = json.loads(printed.splitlines()[0])["submissions"]
    assert (entry["student"], entry["score"], entry["max_score"]) == ("forged_report", 12, 12)


def test_the_grader_s_view_would_tell_which_way_was_chosen(
    course: Path, chapter: Chapter, sheet: Sheet, warm: WarmSandbox
) -> None:
    verdicts = graded_alone("one_bit_at_a_time", course, chapter, sheet, warm).verdicts

    def ways(seen: Iterable[Verdict]) -> set[str]:
        return {f.kind for v in seen if v.name in ("halfway", "sqdist", "nearest") for f in v.findings if f.hidden}

    assert len(ways(verdicts)) > 1
    assert ways(map(report.student_view, verdicts)) == {"value"}


# ---- what a worker is told beforehand ------------------------------------------------------------------------------


def test_asked_all_at_once_hidden_inputs_would_be_read_ahead(
    course: Path, chapter: Chapter, sheet: Sheet, warm: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden_and_told() -> list[str]:
        texts = told(graded_alone("reading_ahead", course, chapter, sheet, warm)).values()
        return [number for number in canaries(sheet) if any(number in text for text in texts)]

    assert hidden_and_told() == []
    monkeypatch.setattr("autograder.grade.groupby", lambda talks, key: [(None, talks)])
    assert len(hidden_and_told()) > 10
