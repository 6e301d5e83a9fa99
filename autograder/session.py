"""A chapter ready to grade: its hidden sheet and an open sandbox. What the command line and nbgrader share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from autograder import estimator_laws
from autograder.answers import Earlier, Question, Way
from autograder.author import Law
from autograder.compiled import keep_compiled
from autograder.course import Chapter, load_chapter, load_course
from autograder.coursefile import Course, entry_of
from autograder.errors import UsageError
from autograder.estimators import scikit_learn_checks
from autograder.frameworks import likely_frameworks
from autograder.grade import grade, limits_of, report_failure
from autograder.kept import Kept, how_many, installed, open_kept
from autograder.notebook.read import Unreadable, read
from autograder.personal import Personal, mark_of, sheet_for
from autograder.questions import questions
from autograder.records import ExerciseSheet, Frameworks, Graded, Sheet, Submission
from autograder.sandbox.device import Device, find_gpu
from autograder.sandbox.proof import prove
from autograder.sandbox.seam import Sandbox
from autograder.secret import fingerprint, foundation, hidden_sheet
from autograder.settings import Settings

Place = Literal["cpu", "gpu"]


@dataclass(frozen=True)
class Session:
    """Grades submissions of one chapter, and keeps what is to be `shown` of them. Close it, or use it in a `with`
    statement."""

    chapter: Chapter
    sheet: Sheet
    sandbox: Sandbox
    kept: Kept | None = None
    personal: Personal | None = None
    shown: bool = False

    @property
    def max_score(self) -> float:
        return sum(e.points for e in self.sheet.exercises)

    def grade(self, submission: Submission) -> Graded:
        """The graded submission, from an earlier run as far as the same cells were asked the same things there.

        A failure of ours is an entry without a score, so that a class goes on.
        """
        try:
            sheet, kept = self._for(submission.student)
            if kept is None:
                return self._graded(sheet, submission)
            with kept.of(submission) as known:
                if isinstance(known, Graded):
                    return known
                graded = self._graded(sheet, submission, *([known] if known else []))
                kept.keep(submission, graded)
                return replace(graded, answers={})
        except UsageError:
            raise
        except Exception as error:
            return report_failure(submission, self.max_score, error)

    def _for(self, student: str) -> tuple[Sheet, Kept | None]:
        """What this student is asked, and what is kept of that."""
        if self.personal is None:
            return self.sheet, self.kept
        sheet = sheet_for(self.personal, self.sheet, student)
        asked = _questions(self.chapter, sheet)
        return sheet, self.kept and self.kept.apart(mark_of(self.personal.seed(student)), asked)

    def _graded(self, sheet: Sheet, submission: Submission, *earlier: Earlier) -> Graded:
        graded = grade(self.chapter, sheet, submission, self.sandbox, *earlier, shown=self.shown)
        return graded if self.personal is None else self.personal.noticed(submission, sheet, graded)

    def close(self) -> None:
        self.sandbox.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_session(
    settings: Settings,
    chapter: str,
    open_sandbox: Callable[..., Sandbox],
    *,
    again: bool = False,
    shown: bool = False,
    device: Place | None = None,
    workers: int = 1,
    found: Sequence[Path] = (),
    find: Callable[..., Device] = find_gpu,
) -> Session:
    """A session for `chapter` of the course in `settings`. Refuses (UsageError) where the sandbox is incomplete, or
    where a GPU is asked for and there is none.

    With `again`, what earlier runs found is found out anew. If the cells' outputs are to be `shown` to somebody, all of
    them run, and draw. All is computed on `device`, or on what each exercise says; `workers` share a card. The
    submissions that were `found` will be graded, as far as that is known; one if nothing is.
    """
    course = load_course(settings.root)
    source = course.root / "source" / f"{entry_of(course, chapter).name}.py"
    left = (len(found) or 1) - (0 if again else how_many(settings.state, _shelf(course, chapter)))
    programs = source.with_suffix(".programs.json")
    opened = partial(open_sandbox, trust=settings.trust, draws=shown, programs=programs)
    sandbox = opened()
    try:
        if left > 0 and device != "gpu" and source.is_file():
            # It starts while the chapter is loaded, which takes as long.
            sandbox.expect(_likely(found, source, shown))
        keep_compiled(settings.state)
        loaded = placed(load_chapter(course, chapter), device)
        if wants_gpu(loaded, device):
            gpu = find(slots=workers)
            sandbox.close()
            sandbox = opened(gpu=gpu)
            prove(sandbox, gpu, replace(loaded.course.limits, device="gpu"))
        sheet = placed_sheet(hidden_sheet(loaded, settings.state), device)
        kept = kept_of(loaded, sheet, settings, sandbox.layers, again=again, shown=shown)
    except BaseException:
        sandbox.close()
        raise
    if left > 0 and any(law.function.__module__ == estimator_laws.__name__ for law in _laws(loaded)):
        # A law would wait for them; the fork server, which is being started, does not.
        threading.Thread(target=scikit_learn_checks, name="autograder-checks", daemon=True).start()
    personal = Personal(loaded, settings.state) if loaded.entry.personal else None
    return Session(loaded, sheet, sandbox, kept, personal, shown)


def _laws(chapter: Chapter) -> Iterator[Law]:
    return (law for exercise in chapter.exercises.values() for law in exercise.laws)


def _likely(found: Sequence[Path], source: Path, shown: bool) -> Frameworks:
    """What submissions import: the first one that can be read, or else the chapter that was handed out."""
    for path in found[:3]:
        with suppress(Unreadable):
            return likely_frameworks(read(path, student="").cells.values(), shown=shown)
    return likely_frameworks([source.read_text("utf-8", "replace")], shown=shown)


def placed(chapter: Chapter, device: Place | None) -> Chapter:
    """The chapter, with a course that is computed on `device`."""
    if device is None:
        return chapter
    return replace(chapter, course=replace(chapter.course, limits=replace(chapter.course.limits, device=device)))


def placed_sheet(sheet: Sheet, device: Place | None) -> Sheet:
    """The sheet; with a `device`, no exercise says another."""
    if device is None:
        return sheet

    def limits(exercise: ExerciseSheet) -> dict[str, float | str]:
        return {name: value for name, value in exercise.limits.items() if name != "device"}

    return replace(sheet, exercises=tuple(replace(e, limits=limits(e)) for e in sheet.exercises))


def wants_gpu(chapter: Chapter, device: Place | None) -> bool:
    """Whether any exercise is computed on a GPU."""
    own = [e.limits.get("device") for e in chapter.exercises.values()] if device is None else []
    return "gpu" in [chapter.course.limits.device, *own]


def kept_of(
    chapter: Chapter, sheet: Sheet, settings: Settings, layers: tuple[str, ...], *, again: bool, shown: bool = False
) -> Kept:
    """What is kept of a chapter by graders like this one, whose submissions are enclosed by `layers`."""
    limits = chapter.course.limits
    return open_kept(
        settings.state,
        _shelf(chapter.course, chapter.name),
        repr((foundation(chapter, settings.state), limits, layers, installed())),
        again=again,
        shown=shown,
        whole=fingerprint(chapter, settings.state),
        questions=_questions(chapter, sheet),
    )


def _shelf(course: Course, chapter: str) -> str:
    """Under what name a chapter's graded submissions are kept."""
    return f"{course.name}-{chapter}"


def _questions(chapter: Chapter, sheet: Sheet) -> Mapping[Way, Question]:
    return questions(chapter, sheet, lambda exercise: limits_of(exercise, chapter.course.limits))
