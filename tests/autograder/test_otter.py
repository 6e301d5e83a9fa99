"""Otter's assignments, made by Otter itself from our notebooks, and Otter's results, made by us."""

import csv
import io
import json
import pickle
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
import sample_class
from nbclient import NotebookClient

from autograder.backends.building import build_for, build_for_otter
from autograder.backends.otter.handed_in import handed_in
from autograder.backends.otter.master import cut_for_otter, master
from autograder.backends.otter.results import final_grades, results
from autograder.backends.otter.writing import write_results
from autograder.course import load_chapter, load_course
from autograder.errors import AuthorError, UsageError
from autograder.notebook.read import Unreadable, read
from autograder.records import Finding, Graded, Verdict

ROOT = Path(__file__).parents[2]
CHAPTERS = ("regression", "kernel", "graphs", "attention")
ASSIGN = """
import json, os, sys
from otter.assign import main
for path in sys.argv[1:]:
    main(path, os.path.join(os.path.dirname(path), "dist"))
"""
GRADES = """
import json, sys
from otter.grade.utils import merge_scores_to_df
from otter.test_files import GradingResults
from otter.test_files.abstract_test import TestCase
from otter.test_files.ok_test import OKTestFile
scored = []
for name, scores in json.loads(sys.argv[1]):
    files = []
    for question, (score, most) in scores.items():
        made = OKTestFile(question, "", [TestCase("", "", False, most, None, None)], all_or_nothing=False)
        made.update_score(score)
        files.append(made)
    scored.append(GradingResults(files))
    scored[-1].file = name
print(merge_scores_to_df(scored).to_csv(index=False), end="")
"""


def otter(script: str, *words: str) -> str:
    """Runs Otter in a process of its own: its imports take seconds, and warn."""
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sources(path: Path) -> list[str]:
    """The cells, without the comments by which Otter finds questions that people grade."""
    comment = r"<!-- (BEGIN|END) QUESTION -->\n*"
    return [re.sub(comment, "", c["source"]) for c in nbformat.read(path, as_version=4)["cells"]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `otter assign` makes for students of the toy chapter."""
    import shutil

    root = Path(shutil.copytree(ROOT / "tests" / "toy", tmp_path_factory.mktemp("otter") / "course"))
    (made,) = build_for_otter(load_course(root), ("toy",))
    otter(ASSIGN, str(made))
    return made.parent / "dist" / "student"


def run(folder: Path, *answers: str) -> dict[str, str]:
    """The student's notebook with these answers in the place of starters, run with Otter: what each check shows."""
    notebook = nbformat.read(folder / "toy.ipynb", as_version=4)
    for answer in answers:
        name = answer.split("(")[0].removeprefix("def ")
        next(c for c in notebook.cells if c.id == name).source = answer
    notebook.cells = [c for c in notebook.cells if "grader.export" not in c.source]
    NotebookClient(
        notebook, timeout=600, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute(stderr=subprocess.DEVNULL)
    checks = [c for c in notebook.cells if c.source.startswith("grader.check")]
    return {c.source.split('"')[1]: json.dumps(c.outputs, ensure_ascii=False) for c in checks}


# ---- assignments --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_otter_hands_out_is_what_we_release(toy: Path) -> None:
    released = sources(toy.parents[4] / "release" / "toy" / "toy.ipynb")
    handed_out = sources(toy / "toy.ipynb")
    ours = [s for s in released if not s.startswith("check(")]
    added = ("grader.", "# Initialize Otter", "## Submission", "# Save your")
    theirs = [s for s in handed_out if s.strip() and not s.startswith(added)]
    assert theirs == ours
    assert [s for s in handed_out if s.startswith("grader.check")] == [
        f'grader.check("{s[6:-1]}")' for s in released if s.startswith("check(")
    ]
    assert (toy / "toy.json").read_bytes() == (toy.parents[4] / "release" / "toy" / "toy.json").read_bytes()


@pytest.mark.slow
def test_what_otter_hands_out_holds_no_answer(toy: Path) -> None:
    everything = "\n".join(p.read_text("utf-8") for p in toy.rglob("*") if p.is_file())
    assert "(x + z) / 2\n" not in everything and "seven dimensions" not in everything
    assert "hidden=True" not in everything
    assert not list(toy.parent.rglob("*.zip"))  # nothing with which Otter would grade


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_student_s_grader_check_shows_our_findings(toy: Path) -> None:
    shown = run(toy, "def halfway(x, z):\n    return x + z", "def sqdist(x, z):\n    return ((x - z) ** 2).sum()")
    assert "You added the points" in shown["halfway"] and "2 more checks run after you submit" in shown["halfway"]
    assert "the card above says what to look at first" in shown["halfway"]
    assert "3 of 3 visible checks pass" in shown["sqdist"] and "sqdist</pre></strong> passed!" in shown["sqdist"]
    assert "nothing is written there yet" in shown["table"]
    assert all("Traceback" not in text for text in shown.values())


@pytest.mark.slow
def test_otter_takes_every_chapter(tmp_path: Path) -> None:
    course = load_course(ROOT)
    masters = []
    for name in CHAPTERS:
        (tmp_path / name).mkdir()
        sheet = (ROOT / "release" / name / f"{name}.json").read_text("utf-8")
        (tmp_path / name / f"{name}.json").write_text(sheet)
        masters.append(tmp_path / name / f"{name}.ipynb")
        masters[-1].write_text(master(load_chapter(course, name), (f"{name}.json",), sheet), "utf-8")
    otter(ASSIGN, *map(str, masters))
    for name in CHAPTERS:
        handed_out = set(sources(tmp_path / name / "dist" / "student" / f"{name}.ipynb"))
        released = [s for s in sources(ROOT / "release" / name / f"{name}.ipynb") if not s.startswith("check(")]
        assert [s for s in released if s not in handed_out] == [], name


def test_a_solution_is_cut_by_otter_s_marks() -> None:
    solved = 'def f(x):\n    """Twice."""\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION'
    assert cut_for_otter(solved).splitlines() == [
        "def f(x):",
        '    """Twice."""',
        "    # BEGIN SOLUTION NO PROMPT",
        "    return 2 * x",
        "    # END SOLUTION",
        "    ''' # BEGIN PROMPT",
        "    # YOUR CODE HERE",
        '    raise NotImplementedError("Yours to write.")',
        "    ''' # END PROMPT",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "# Ignore this for now",
        "x = 1  # SOLUTION",
        "seed = 3  # SEED",
        "    # BEGIN PROMPT",
        "# begin ignore",
        "```otter",
    ],
)
def test_what_otter_would_cut_is_refused(toy_root: Path, said: str) -> None:
    path = toy_root / "source" / "toy.py"
    commented = "\n".join(f"# {line}" for line in said.splitlines())
    cell = f"# %% [markdown]\n{commented}\n" if "`" in said or said.startswith("# Ig") else f"# %%\n{said}\n"
    path.write_text(path.read_text() + "\n" + cell)
    with pytest.raises(AuthorError, match="by which Otter cuts cells; put it in other words"):
        master(load_chapter(load_course(toy_root), "toy"), (), "")


# ---- the command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("canvas", {}, "--for is 'canvas', but should be otter or gradescope."),
        ("otter", {"check": True}, "--check compares what is committed, and what --for writes never is"),
        ("otter", {"hidden": "visible"}, "--hidden is 'visible', but should be hidden, after_due_date"),
        ("gradescope", {"hidden": "never"}, "with --for gradescope."),
    ],
)
def test_options_that_say_nothing_are_refused(
    toy_root: Path, target: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        build_for(target, load_course(toy_root), (), **{"check": False, "hidden": None, "state": toy_root, **options})


def test_what_the_course_says_of_gradescope_is_read(toy_root: Path) -> None:
    path = toy_root / "source" / "course.toml"
    path.write_text(path.read_text() + '\n[gradescope]\nhidden = "sometimes"\n')
    with pytest.raises(
        AuthorError, match=r"course\.toml: \[gradescope\] has hidden = 'sometimes', but may have hidden ="
    ):
        build_for("gradescope", load_course(toy_root), (), check=False, hidden=None, state=toy_root)


# ---- results ------------------------------------------------------------------------------------------------------

ADA = sample_class.graded("ada", sample_class.verdict("++++"), sample_class.verdict("+-+-", name="g"))
BOB = sample_class.graded("=bob", sample_class.verdict("-!+-"), sample_class.verdict("++++", name="g"))


def test_grades_are_as_otter_would_have_written_them() -> None:
    points = {"f": 4.0, "g": 4.0}
    scores = [(g.student, {v.name: (v.score, v.max_score) for v in g.verdicts}) for g in (ADA, BOB)]
    theirs = list(csv.DictReader(io.StringIO(otter(GRADES, json.dumps(scores)))))
    ours = list(csv.DictReader(io.StringIO(final_grades([BOB, ADA], points))))
    assert [list(line) for line in ours] == [list(line) for line in theirs]
    assert {line["file"] for line in ours} == {"points-per-question", "ada", "'=bob"}  # no formula
    for line in ours:
        (other,) = [other for other in theirs if other["file"] == line["file"].lstrip("'")]
        numbers = [key for key in line if key not in ("file", "grading_status")]
        assert {k: float(line[k]) for k in numbers} == {k: float(other[k]) for k in numbers}
        assert line["grading_status"] == other["grading_status"]


def test_what_could_not_be_graded_has_no_score_in_any_file(tmp_path: Path) -> None:
    lost = Graded("cyd", "cyd.zip", "failed-ours", max_score=8.0, message="the disk is full")
    write_results(tmp_path, [ADA, lost], {"f": 4.0, "g": 4.0})
    _, _, line = csv.DictReader(io.StringIO((tmp_path / "final_grades.csv").read_text()))
    assert (line["file"], line["f"], line["total_points_earned"], line["percent_correct"]) == ("cyd", "", "", "")
    assert line["grading_status"].startswith("Grading failed on our side")
    seen, staff = json.loads((tmp_path / "results" / "cyd.json").read_text())["tests"]
    assert "score" not in seen | staff and "disk" not in seen["output"]
    assert seen["output"].startswith("Grading failed on our side") and seen["visibility"] == "visible"
    assert (staff["output"], staff["visibility"]) == ("the disk is full", "hidden")


def test_students_see_visible_checks_at_once_and_nothing_that_hidden_ones_decide() -> None:
    forfeited = Finding("It is even.", False, False, "law", "This holds, but earns its points once a hidden check of "
                        "your values passes too.")  # fmt: skip
    hidden = Finding("three", True, False, "value", "Entry [0] is 0, but should be 0.62453.", "Square it.", "m")
    verdict = Verdict("f", 0.0, 4.0, (forfeited, hidden), "m", "Square it.", carried_forward=True)
    public, question = results(Graded("ada", "", "graded", (verdict,), 4.0))["tests"]
    assert public["output"] == "✓ f: 1 of 1 visible check passed\n  ✓ It is even."
    assert (public["visibility"], public["status"], question["visibility"]) == ("visible", "passed", "hidden")
    assert "0.62453" not in question["output"]


# ---- what is handed in ---------------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


NOTEBOOK = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])).encode()


def test_of_otter_s_zip_only_the_notebook_is_read(tmp_path: Path) -> None:
    log = pickle.dumps(Bomb())
    zipped(
        tmp_path / "ada.zip", **{"toy.ipynb": NOTEBOOK, ".OTTER_LOG": log, "../../evil.py": b"1", "other.ipynb": b""}
    )
    zipped(tmp_path / "bob.zip", **{"work/my notebook.ipynb": NOTEBOOK})
    with handed_in([tmp_path], "toy") as found:
        assert [student for student, _ in found] == ["ada", "bob"]
        assert [dict(read(path, student).cells) for student, path in found] == [{0: "x = 1"}] * 2
        folder = found[0][1].parents[2]
        assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["toy.ipynb", "toy.ipynb"]
    assert not folder.exists()


def test_a_zip_that_is_none_is_one_student_s_trouble(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing more")
    zipped(tmp_path / "empty.zip", **{"readme.txt": b"see above"})
    zipped(tmp_path / "bomb.zip", **{"toy.ipynb": b" " * (200 << 20)})
    (tmp_path / "link.zip").symlink_to("/etc/passwd")
    with zipfile.ZipFile(tmp_path / "linked.zip", "w") as archive:
        member = zipfile.ZipInfo("toy.ipynb")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with handed_in([tmp_path], "toy") as found:
        assert len(found) == 5
        for student, path in found:
            with pytest.raises(Unreadable):
                read(path, student)


def test_folders_of_notebooks_are_found_as_ever(tmp_path: Path) -> None:
    own = tmp_path / "submitted" / "ada" / "toy" / "toy.ipynb"
    own.parent.mkdir(parents=True)
    own.write_bytes(NOTEBOOK)
    with handed_in([tmp_path / "submitted"], "toy") as found:
        assert found == [("ada", own)]
