"""One submission end to end, in this process, and with a scripted student where workers are lost."""

from dataclasses import replace

import pytest

from autograder.attempt import MAX_DEAD_CELLS
from autograder.grade import grade
from autograder.records import CellOutcome, Limits, Lost, Raised, Returned, Submission
from autograder.sandbox.local import LocalSandbox, LocalStudent


def graded(toy, toy_sheet, *cells, sandbox=None):
    submission = Submission("ada", "ada.ipynb", dict(enumerate(cells)))
    return grade(toy, toy_sheet, submission, sandbox or LocalSandbox())


def verdict(result, name):
    return next(v for v in result.verdicts if v.name == name)


def test_the_reference_earns_everything(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source)
    assert (result.score, result.max_score, result.status) == (12, 12, "graded")
    assert all(f.passed for v in result.verdicts for f in v.findings)


def test_an_empty_notebook_earns_nothing_and_is_not_attempted(toy, toy_sheet):
    result = graded(toy, toy_sheet)
    assert result.score == 0
    assert not any(v.attempted for v in result.verdicts)
    assert verdict(result, "table").findings[0].message == "table is not defined after all cells have run."


def test_an_untouched_starter_is_not_attempted(toy, toy_sheet):
    result = graded(toy, toy_sheet, "def halfway(x, z):\n    raise NotImplementedError('Yours to write.')")
    assert verdict(result, "halfway").findings[0].kind == "missing"


def test_a_mistake_is_named(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source.replace("(x + z) / 2\n", "x + z\n"))
    assert verdict(result, "halfway").diagnosis == "not_halved"
    assert verdict(result, "halfway").hint.startswith("You added the points")


def test_the_last_definition_counts(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source, "def halfway(x, z): return x")
    assert verdict(result, "halfway").score == 0
    assert result.score == 10


def test_an_early_slip_is_not_charged_twice(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)"))
    assert verdict(result, "sqdist").score < 1
    assert verdict(result, "nearest").carried_forward
    assert verdict(result, "nearest").score == 2


def test_carrying_forward_does_not_excuse_the_later_exercise_itself(toy, toy_sheet, toy_source):
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)").replace("axis=1", "axis=0")
    result = graded(toy, toy_sheet, wrong)
    assert not verdict(result, "nearest").carried_forward
    assert verdict(result, "nearest").score == 0


STARTER = "\ndef {}(*args): raise NotImplementedError('Yours to write.')\n"


def test_what_is_not_written_is_not_asked_again_with_the_references(toy, toy_sheet, toy_source):
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    sandbox = ScriptedSandbox()
    result = graded(toy, toy_sheet, wrong + STARTER.format("nearest"), sandbox=sandbox)
    assert verdict(result, "sqdist").score < 1 and not verdict(result, "nearest").attempted
    assert sandbox.opened == 1


def test_what_only_sounds_like_a_starter_is_asked_again(toy, toy_sheet, toy_source):
    """The written one passes on what the starter of another exercise says."""
    sandbox = ScriptedSandbox()
    result = graded(toy, toy_sheet, toy_source + STARTER.format("table"), sandbox=sandbox)
    assert sandbox.opened == 2
    assert verdict(result, "nearest").carried_forward and verdict(result, "nearest").score == 2


def test_what_is_carried_forward_earns_nothing_for_the_exercise_it_belongs_to(toy, toy_sheet, toy_source):
    thief = """
stolen = {}
def sqdist(x, z): return stolen["sqdist"](x, z) if "sqdist" in stolen else x[0]
mine = sqdist
def nearest(A, B):
    if sqdist is not mine: stolen["sqdist"] = sqdist
    return jnp.min(table(sqdist, A, B), axis=1)
"""
    result = graded(toy, toy_sheet, toy_source, thief)
    assert verdict(result, "sqdist").score == 0
    assert verdict(result, "nearest").carried_forward


def test_a_function_that_changes_its_argument_is_told_so(toy, toy_sheet, toy_source):
    eager = "def visits(places, call):\n    n = len(places)\n    while places: call(places.pop(0))\n    return n"
    result = graded(toy, toy_sheet, toy_source, eager)
    messages = {f.message for f in verdict(result, "visits").findings}
    text = "your function changes its argument 1, but should leave its arguments as they were: copy it first."
    assert messages == {text}


class Scripted(LocalStudent):
    """Loses its worker when the submission says so, as a real one would."""

    def run(self, source, *, seconds, drawn=True):
        return (
            CellOutcome((), Lost("exit")) if "os._exit" in source else super().run(source, seconds=seconds, drawn=drawn)
        )

    def call(self, target, call, *, seconds):
        answer = super().call(target, call, seconds=seconds)
        return Lost("time") if isinstance(answer, Raised) and answer.type == "RecursionError" else answer


class ScriptedSandbox(LocalSandbox):
    opened = 0

    def open(self, limits, **options):
        self.opened += 1
        student = super().open(limits, **options)
        student.__class__ = Scripted
        return student


LOOP = "def halfway(x, z): return halfway(z, x)"


def test_a_lost_worker_costs_that_exercise_only(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source, LOOP, sandbox=ScriptedSandbox())
    assert verdict(result, "halfway").score == 0
    assert result.score == 10
    assert verdict(result, "halfway").findings[0].message == (
        "halfway gave no answer in time. Is there a loop that never ends?"
    )


def test_a_cell_that_ends_its_worker_is_skipped(toy, toy_sheet, toy_source):
    result = graded(toy, toy_sheet, toy_source, "import os; os._exit(0)", sandbox=ScriptedSandbox())
    assert result.score == 12
    assert result.notes == ("Cell 2 ended Python; it was skipped, and the other cells were graded.",)


def test_a_notebook_of_cells_that_end_their_worker_is_given_up(toy, toy_sheet, toy_source):
    sandbox = ScriptedSandbox()
    result = graded(toy, toy_sheet, *["import os; os._exit(0)"] * 9, toy_source, sandbox=sandbox)
    assert result.score == 0
    assert sandbox.opened == MAX_DEAD_CELLS + 1


def test_hidden_checks_come_after_all_visible_ones(toy, toy_sheet, toy_source):
    asked = []

    class Listening(LocalStudent):
        def call(self, target, call, *, seconds):
            asked.append(call)
            return super().call(target, call, seconds=seconds)

    class Sandbox(LocalSandbox):
        def open(self, limits, **options):
            student = super().open(limits, **options)
            student.__class__ = Listening
            return student

    graded(toy, toy_sheet, toy_source, sandbox=Sandbox())
    value_checks = [(c.hidden, c.call) for e in toy_sheet.exercises for c in e.checks if c.kind == "value"]
    order = [next((h for h, known in value_checks if known is call), None) for call in asked]
    told = [h for h in order if h is not None]
    assert told == sorted(told)
    assert len(told) == len(value_checks)


def test_time_is_up_for_the_whole_submission(toy, toy_sheet, toy_source):
    hurried = replace(toy, course=replace(toy.course, limits=Limits(submission_seconds=0.0)))
    result = graded(hurried, toy_sheet, toy_source)
    assert {f.kind for v in result.verdicts for f in v.findings} == {"lost"}


@pytest.mark.parametrize("value", ["None", "'text'", "[]", "float('nan')", "object()", "lambda: 1", "10**100"])
def test_no_answer_of_a_wrong_kind_earns_a_point_or_breaks_the_judge(toy, toy_sheet, value):
    names = [e.name for e in toy_sheet.exercises]
    cells = [f"def {n}(*args): return {value}" for n in names]
    result = graded(toy, toy_sheet, *cells)
    assert result.score == 0
    assert result.status == "graded"


def test_an_outcome_is_needed_for_every_check(toy_sheet):
    from autograder.judge import judge

    with pytest.raises(ValueError, match="shorter"):
        judge(toy_sheet.exercises[0], [Returned(1.0)])


def test_exercises_share_a_worker_unless_what_a_worker_may_use_differs(toy, toy_sheet, toy_source):
    def opened(**limits):
        first, *others = toy_sheet.exercises
        sandbox = ScriptedSandbox()
        result = graded(
            toy, replace(toy_sheet, exercises=(replace(first, limits=limits), *others)), toy_source, sandbox=sandbox
        )
        assert result.score == 12
        return sandbox.opened

    assert opened() == 1
    assert opened(check_seconds=20) == 1
    assert opened(memory_mb=500) == 2


def test_exercises_that_need_the_same_names_are_carried_forward_in_one_worker(toy, toy_sheet, toy_source):
    """The exercise called halfway is made to need what nearest needs; it does not, so it is wrong by itself."""
    needs = next(e for e in toy_sheet.exercises if e.name == "nearest").needs
    both = tuple(replace(e, needs=needs) if e.name == "halfway" else e for e in toy_sheet.exercises)
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)") + "\ndef halfway(x, z): return x"

    def opened(sheet):
        sandbox = ScriptedSandbox()
        result = graded(toy, sheet, wrong, sandbox=sandbox)
        assert verdict(result, "nearest").carried_forward
        assert verdict(result, "halfway").score < verdict(result, "halfway").max_score
        return sandbox.opened

    assert opened(toy_sheet) == 2
    assert opened(replace(toy_sheet, exercises=both)) == 2
    apart = tuple(replace(e, needs=needs[:1]) if e.name == "halfway" else e for e in toy_sheet.exercises)
    assert opened(replace(toy_sheet, exercises=apart)) == 3
