"""What `nbgrader autograde` does with a submission here: cells restored, code judged in the sandbox, scores recorded.

A score never comes from what a cell put out. It is written by us, once, as the only result of a cell that is ours, in
the form in which nbgrader reads scores. A failure of ours leaves the submission without a score, and nbgrader says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_solution

from autograder import __version__, report
from autograder.backends.nbgrader.cells import OURS, Kept, restore, text_of
from autograder.backends.nbgrader.unfinished import mark_finished
from autograder.card import clean, legible
from autograder.errors import OurError
from autograder.records import Graded, Verdict
from autograder.secret import write_private

CHECK = "check-"
MISSING_ANSWER = "There was no cell for this answer in the submission. Look for it in the other cells."


class Restore(NbGraderPreprocessor):
    """First pass: a notebook that holds the source of the student's cells, and every recorded cell once."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        facts = resources["nbgrader"]
        _forget_scores(facts)
        with Gradebook(facts["db_url"]) as gradebook:
            kept = _kept(gradebook.find_notebook(facts["notebook"], facts["assignment"]))
        cells = _source_cells(self.parent.folder("source", resources) / f"{facts['notebook']}.ipynb")
        order = {c.metadata.get("nbgrader", {}).get("grade_id"): i for i, c in enumerate(cells)}
        kept.sort(key=lambda k: order.get(k.grade_id, len(order)))  # the gradebook promises no order
        return restore(nb.cells, kept, {text_of(c) for c in cells}), resources


class Judge(NbGraderPreprocessor):
    """Second pass, in the place of nbgrader's `Execute`: verdicts, as outputs of the check cells."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        facts = resources["nbgrader"]
        graded: Graded = self.parent.graded(resources)
        self._record(graded, resources)
        if graded.status == "failed-ours":
            raise OurError(f"{facts['student']} was not graded, through no fault of theirs: {graded.message}")
        nb.metadata[OURS] = {"status": graded.status, "notes": [clean(note) for note in graded.notes]}
        if graded.status == "unreadable":
            nb.metadata[OURS]["message"] = clean(graded.message)
        verdicts = {CHECK + v.name: v for v in graded.verdicts}
        for number, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), 1):
            cell.execution_count = number
            if is_grade(cell):
                cell.outputs = _check_outputs(cell, verdicts, graded, number)
            else:
                position = cell.metadata.get(OURS, {}).get("position")
                cell.outputs = [_output(o, number) for o in graded.cells.get(position, ())]
        resources[OURS] = graded
        return nb, resources

    def _record(self, graded: Graded, resources: Any) -> None:
        """The primary record, with everything a grader may want to know, kept beside the gradebook."""
        facts = resources["nbgrader"]
        session = self.parent.sessions.of(facts["assignment"])
        document = report.to_json(
            [graded], session.chapter.course.name, facts["assignment"], __version__, session.sandbox.layers
        )
        path = Path(self.parent.coursedir.root) / "reports" / facts["assignment"] / f"{facts['student']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


class SaveVerdicts(SaveAutoGrades):
    """nbgrader's own recording of scores, with our comments, and no score for what was not graded.

    nbgrader commits cell by cell; here all scores of a submission appear at once, or none.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        self.graded: Graded = resources[OURS]
        self.comments = {v.name: report.comment(v) for v in self.graded.verdicts}
        facts = resources["nbgrader"]
        self.notebook_id, self.assignment_id, self.student_id = (
            facts[name] for name in ("notebook", "assignment", "student")
        )
        with Gradebook(facts["db_url"]) as self.gradebook:
            database = self.gradebook.db
            commit, database.commit = database.commit, database.flush
            saved: tuple[NotebookNode, Any] = super(SaveAutoGrades, self).preprocess(nb, resources)
            commit()
        mark_finished(nb)
        return saved

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        if self.graded.status == "graded" and not _answer_is_missing(cell):
            super()._add_score(cell, resources)
            return
        grade = self.gradebook.find_grade(self._id(cell), self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score, grade.needs_manual_grade = None, True
        self.gradebook.db.commit()

    def _add_comment(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_comment(cell, resources)
        text = self.comments.get(self._id(cell))
        if self.graded.status != "graded":
            text = f"{report.STATUS[self.graded.status]} {clean(self.graded.message)}"
        elif _answer_is_missing(cell):
            text = MISSING_ANSWER
        if text is not None:
            comment = self.gradebook.find_comment(self._id(cell), self.notebook_id, self.assignment_id, self.student_id)
            comment.auto_comment = text
            self.gradebook.db.commit()

    def _id(self, cell: NotebookNode) -> str:
        return str(cell.metadata.nbgrader["grade_id"])


def _check_outputs(cell: NotebookNode, verdicts: dict[str, Verdict], graded: Graded, number: int) -> list[NotebookNode]:
    """A text, and the score as the cell's one result. What was not graded gets no result, and no score is read."""
    grade_id, recorded = cell.metadata.nbgrader["grade_id"], float(cell.metadata.nbgrader["points"])
    if graded.status == "unreadable":
        return [new_output("stream", name="stdout", text=report.STATUS["unreadable"] + "\n")]
    verdict = verdicts.get(grade_id)
    if verdict is None or verdict.max_score != recorded:
        found = "no exercise" if verdict is None else f"an exercise of {verdict.max_score:g} points"
        raise OurError(
            f"The gradebook has {recorded:g} points for {grade_id}, but the chapter has {found}. "
            "Run `autograder build` and `nbgrader generate_assignment` again."
        )
    card = report.verdict_card(verdict)
    cell.metadata[OURS] = {"card": asdict(card)}
    text = new_output("stream", name="stdout", text=report.comment(verdict) + "\n")
    score = new_output("execute_result", data={"text/plain": repr(float(verdict.score))}, execution_count=number)
    return [text, score]


def _output(output: Any, number: int) -> NotebookNode:
    made = nbformat.from_dict(_legible(dict(output)))
    if made.output_type == "execute_result":
        made.execution_count = number
    return made


def _legible(tree: Any) -> Any:
    """An output in which all text, whoever chose it, reads as what it is."""
    match tree:
        case str():
            return legible(tree)
        case list():
            return [_legible(part) for part in tree]
        case dict():
            return {key: _legible(value) for key, value in tree.items()}
    return tree


def _answer_is_missing(cell: NotebookNode) -> bool:
    """Whether this is an answer to be graded by a person that we had to put back."""
    return bool(is_grade(cell) and is_solution(cell) and cell.metadata.get(OURS, {}).get("restored"))


def _forget_scores(facts: Any) -> None:
    """Takes automatic scores back before grading, so that a failure leaves none of an earlier submission behind."""
    with Gradebook(facts["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(facts["notebook"], facts["assignment"], facts["student"])
        for grade in notebook.grades:
            grade.auto_score, grade.needs_manual_grade = None, True
        gradebook.db.commit()


def _kept(notebook: Any) -> list[Kept]:
    """The cells that the gradebook has on record."""
    grades = {c.name: c.max_score for c in notebook.grade_cells}
    tasks = {c.name: c.max_score for c in notebook.task_cells}
    solutions = {c.name for c in notebook.solution_cells}
    return [
        Kept(
            c.name,
            c.cell_type,
            c.source,
            c.checksum,
            grade=c.name in grades,
            solution=c.name in solutions,
            locked=c.locked,
            task=c.name in tasks,
            points=grades.get(c.name, tasks.get(c.name)),
        )
        for c in notebook.source_cells
    ]


def _source_cells(source: Path) -> list[NotebookNode]:
    """The cells of the instructor's notebook, if it is still there."""
    try:
        cells: list[NotebookNode] = nbformat.read(source, as_version=4).cells
    except FileNotFoundError:
        return []
    return cells
