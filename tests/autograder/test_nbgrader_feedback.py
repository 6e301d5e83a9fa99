"""A feedback page as its student reads it: what is on it, what is not, and how it prints."""

import base64
import re
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from autograder import report
from autograder.backends.nbgrader.cells import OURS
from autograder.backends.nbgrader.feedback import Mark, _total, page_of
from autograder.records import Finding, Verdict
from tests.headless import opened

COMMENT = (
    "**Almost.** If $a<b$:\n\n- draw it\n- read `np.linalg.norm`\n\n<script>document.documentElement.id='ran'</script>"
)
FINDINGS = (
    Finding("two atoms", False, False, "value", "your answer has shape (2,), but should have shape ()."),
    Finding("an empty set", True, True, "value", ""),
    Finding("SECRET LABEL IS FINE", True, False, "value", "Entry [0] is 1.5, but should be 0.123456789."),
)
VERDICT = Verdict("halfway", 1.0, 3.0, FINDINGS, "not_halved", "Half of $x+z$ lies in the *middle*.")


def picture(width: int = 90, height: int = 60) -> str:
    image, file = np.full((height, width, 3), 255, np.uint8), BytesIO()
    image[height // 2] = (63, 116, 181)
    Image.fromarray(image).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def notebook() -> Any:
    """Prose, an answer in code with all kinds of output, its check, and an answer in words."""
    new = nbformat.v4
    outputs = [
        new.new_output("stream", name="stderr", text="\x1b[31mUserWarning: careful\x1b[0m\n"),
        new.new_output("display_data", {"image/png": picture(), "text/plain": "<Figure>"}),
        new.new_output("error", ename="ValueError", evalue="no <b>", traceback=["ValueError: no <b>"]),
    ]
    check = new.new_code_cell("check(halfway)", metadata={"nbgrader": {"grade": True, "solution": False}})
    check.metadata.nbgrader["grade_id"] = "check-halfway"
    check.metadata[OURS] = {"card": asdict(report.verdict_card(VERDICT))}
    why = new.new_markdown_cell("It breaks $d(x, z)$.", metadata={"nbgrader": {"grade": True, "solution": True}})
    why.metadata.nbgrader["grade_id"] = "why"
    given = new.new_code_cell("import numpy as np", metadata={OURS: {"given": True}})
    answer = new.new_code_cell("def halfway(x, z):\n    return x + z", outputs=outputs)
    return new.new_notebook(
        cells=[new.new_markdown_cell("# Toys\n\n$$k = e^{-\\gamma d}$$"), given, answer, check, why]
    )


def page(why: Mark = Mark(None, 2.0), comments: dict[str, str] = {}, late: float = 0.0) -> str:
    marks = {"check-halfway": Mark(1.0, 3.0), "why": why}
    found = {"marks": marks, "comments": comments, "total": _total(list(marks.values()), late), "student": "Ada <L>"}
    return page_of(notebook(), found, course="All of it", chapter="Toys")


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_what_a_person_has_still_to_grade_is_open_and_no_zero() -> None:
    text = words(page())
    assert "1 of 5 points so far" in text and "1 answer is not graded yet, worth 2 points." in text
    assert "not graded yet, of 2 points" in text and "0 of 2 points" not in text
    text = words(page(Mark(0.0, 2.0, by_hand=True)))
    assert "0 of 2 points graded by a person" in text and "not graded yet" not in text and "so far" not in text


def test_a_comment_is_rendered_markdown_and_runs_nothing() -> None:
    (said,) = re.findall(r'<section class="comment">(.*?)</section>', page(comments={"why": COMMENT}), re.DOTALL)
    assert "<strong>Almost.</strong>" in said and "<li>draw it</li>" in said and "<math" in said
    assert "<code>np.linalg.norm</code>" in said and "<script" not in said
    assert "Comment from your instructor" not in page()


def test_hidden_checks_are_there_by_label_and_the_mistake_by_its_hint() -> None:
    html = page()
    text = words(html)
    assert "SECRET LABEL IS FINE (hidden)" in text and report.HIDDEN_NOTE in text
    assert "0.123456789" not in html and "not_halved" not in html
    assert text.count("Half of") == 1 and "<em>middle</em>" in html
    assert text.index("Half of") < text.index("Your answer has shape (2,)")


def test_what_was_not_attempted_says_why_and_folds_its_checks_away() -> None:
    missing = tuple(Finding(label, label == "b", False, "missing", "f is still the starter.") for label in "ab")
    made = notebook()
    made.cells[3].metadata[OURS] = {"card": asdict(report.verdict_card(Verdict("f", 0.0, 3.0, missing)))}
    marks = {"check-halfway": Mark(0.0, 3.0)}
    found = {"marks": marks, "comments": {}, "total": _total(list(marks.values()), 0.0), "student": "A"}
    html = page_of(made, found, course="All of it", chapter="Toys")
    assert words(html).count("f is still the starter.") == 1
    folded = re.search(r"<details><summary>No check has passed</summary>(.*?)</details>", html, re.DOTALL)[1]
    assert words(folded).split() == ["✗", "a", "✗", "b", "(hidden)"]


def test_formulas_are_mathml_and_code_is_coloured_without_a_script() -> None:
    html = page()
    assert html.count("<math") == 3 and "$$" not in html and not re.search(r"<script|MathJax|https?://(?!www.w3)", html)
    assert '<span class="k">def</span>' in html


def test_the_student_s_own_plot_is_shown_and_can_be_told_of() -> None:
    html = page()
    assert f'<img src="data:image/png;base64,{picture()}" alt="A plot of this cell">' in html
    assert "&lt;Figure&gt;" not in html


def test_warnings_and_errors_stand_in_no_red_frame() -> None:
    html = page()
    assert '<pre class="out stderr">UserWarning: careful' in html and "ValueError: no &lt;b&gt;" in html
    shown = dict(re.findall(r"^(pre\.\w+) \{ ([^}]*)\}", html, re.MULTILINE))
    assert shown["pre.stderr"] == "color: var(--quiet); " and "background: none" in shown["pre.out"]
    for colour in re.findall(r"--bad: #(\w{6})", html):
        red, green, _ = bytes.fromhex(colour)
        assert green > 0.4 * red, "orange, which the colour-blind can tell from the green of what passed"


def test_a_name_is_text() -> None:
    assert "Feedback for Ada &lt;L&gt;" in page() and "<L>" not in page()


def test_paper_shows_what_is_folded_away_in_dark_letters() -> None:
    html = page()
    paper = html[html.index("@media print") :]
    for rule in ("details::details-content { content-visibility: visible;", "pre { white-space: pre-wrap; }"):
        assert rule in paper
    assert set(re.findall(r"@media ([^{]*prefers[^{]*) \{", html)) == {"screen and (prefers-color-scheme: dark)"}


@pytest.mark.slow
def test_the_page_is_whole_in_a_browser_and_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(comments={"why": COMMENT}), "utf-8")
    seen = opened(tmp_path / "page.html")
    assert 'id="ran"' not in seen and seen.rstrip().endswith("</html>") and seen.count("<math") == 4
