"""A chapter ready to grade: its hidden sheet and an open sandbox. What the command line and nbgrader share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autograder.answers import Earlier, Way
from autograder.compiled import keep_compiled
from autograder.course import Chapter, load_chapter, load_course
from autograder.errors import UsageError
from autograder.grade import grade, limits_of, report_failure
from autograder.kept import Kept, installed, open_kept
from autograder.personal import Personal, mark_of, sheet_for
from autograder.questions import questions
from autograder.records import Graded, Sheet, Submission
from autograder.sandbox.seam import Sandbox
from autograder.secret import fingerprint, foundation, hidden_sheet
from autograder.settings import Settings
from autograder.warming import warm_folder


@dataclass(frozen=True)
class Session:
    """Grades submissions of one chapter. Close it, or use it in a `with` statement."""

    chapter: Chapter
    sheet: Sheet
    sandbox: Sandbox
    kept: Kept | None = None
    personal: Personal | None = None

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
        graded = grade(self.chapter, sheet, submission, self.sandbox, *earlier)
        return graded if self.personal is None else self.personal.noticed(submission, sheet, graded)

    def close(self) -> None:
        self.sandbox.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_session(
    settings: Settings, chapter: str, open_sandbox: Callable[..., Sandbox], *, again: bool = False
) -> Session:
    """A session for `chapter` of the course in `settings`. Refuses (UsageError) where the sandbox is incomplete.

    With `again`, what earlier runs found is found out anew.
    """
    keep_compiled(settings.state)
    loaded = load_chapter(load_course(settings.root), chapter)
    warm = warm_folder(settings.root / "source" / f"{chapter}.programs.json", settings.state)
    sandbox = open_sandbox(trust=settings.trust, **({"warm": warm} if warm else {}))
    sheet = hidden_sheet(loaded, settings.state)
    kept = kept_of(loaded, sheet, settings, sandbox.layers, again=again)
    personal = Personal(loaded, settings.state) if loaded.entry.personal else None
    return Session(loaded, sheet, sandbox, kept, personal)


def kept_of(chapter: Chapter, sheet: Sheet, settings: Settings, layers: tuple[str, ...], *, again: bool) -> Kept:
    """What is kept of a chapter by graders like this one, whose submissions are enclosed by `layers`."""
    limits = chapter.course.limits
    return open_kept(
        settings.state,
        f"{chapter.course.name}-{chapter.name}",
        repr((foundation(chapter, settings.state), limits, layers, installed())),
        again=again,
        whole=fingerprint(chapter, settings.state),
        questions=_questions(chapter, sheet),
    )


def _questions(chapter: Chapter, sheet: Sheet) -> Mapping[Way, str]:
    return questions(chapter, sheet, lambda exercise: limits_of(exercise, chapter.course.limits))
