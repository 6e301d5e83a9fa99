"""A class that can be counted by hand: one exercise `f` of 4 points with four checks, and who passes which."""

from collections.abc import Mapping

from autograder.classroom.summary import Kept
from autograder.records import Finding, Graded, Verdict

LABELS = ("two atoms", "three atoms", "an empty set", "It is even.")


def verdict(
    passes: str, *, name: str = "f", diagnosis: str | None = None, hint: str = "", attempted: bool = True
) -> Verdict:
    """`passes` has a letter for each check: + passed, - wrong, ! raised, t out of time, x ended Python."""
    kinds = {"+": "value", "-": "value", "!": "raised", "t": "lost", "x": "lost"}
    messages = {"+": "", "-": "your answer differs.", "!": f"{name} raised E.", "x": f"{name} ended Python."}
    messages["t"] = f"{name} gave no answer in time. Is there a loop that never ends?"
    findings = tuple(
        Finding(
            label,
            number > 0,
            how == "+",
            kinds[how] if attempted else "missing",
            messages[how],
            hint if how != "+" else "",
            diagnosis if how != "+" and hint else None,
        )
        for number, (label, how) in enumerate(zip(LABELS, passes, strict=False))
    )
    points = 4.0 * passes.count("+") / len(passes)
    return Verdict(name, points, 4.0, findings, diagnosis, hint, attempted=attempted)


def graded(student: str, *verdicts: Verdict, seconds: float = 1.0, notes: tuple[str, ...] = ()) -> Graded:
    most = sum(v.max_score for v in verdicts)
    return Graded(student, f"{student}/toy.ipynb", "graded", verdicts, most, seconds, notes=notes)


def not_graded(student: str, status: str, message: str = "it is cut off") -> Graded:
    return Graded(student, f"{student}/toy.ipynb", status, max_score=4.0, message=message)  # type: ignore[arg-type]


def kept(*submissions: Graded) -> Kept:
    return Kept("toy course", "toy", ("0.1.0",), ("seccomp",), submissions)


def class_of(passes: Mapping[str, str]) -> Kept:
    """A class in which everybody attempted f; `passes` by student."""
    return kept(*(graded(student, verdict(how)) for student, how in passes.items()))


FOUR = {"ada": "+++", "bob": "++-", "cyd": "+--", "dan": "---"}
"""Each check is harder than the one before. By hand: rest scores 2 1 0 0, 2 1 1 0 and 2 2 1 0."""
