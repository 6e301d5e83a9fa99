"""Gradescope's `results.json`, and the zip that instructors upload."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
import sample_class

from autograder import report
from autograder.backends.building import build_for_gradescope
from autograder.backends.gradescope.bundle import bundle, requirements
from autograder.backends.gradescope.results import STAFF, VISIBILITIES, results, ungraded
from autograder.backends.gradescope.run import handed_in, main, memory_shortage
from autograder.course import Chapter, load_chapter, load_course
from autograder.judge import _forfeit
from autograder.records import Finding, Graded, Sheet

ADA = sample_class.graded("ada", sample_class.verdict("+-+-"), notes=("The notebook is named oddly.",))


@pytest.mark.parametrize("hidden", VISIBILITIES)
def test_hidden_checks_and_the_score_are_shown_when_the_instructor_chose(hidden: str) -> None:
    document = results(ADA, hidden=hidden, isolation=("seccomp",))
    parts = {p["name"]: p for p in document["tests"]}
    assert document["score"] == parts["f"]["score"] == 2
    assert parts["f"]["visibility"] == hidden and parts["f"]["output"] == report.comment(ADA.verdicts[0])
    assert ("f (visible checks)" in parts) == (hidden != "visible")
    assert document["output"] == "The notebook is named oddly."
    assert document["stdout_visibility"] == parts[STAFF]["visibility"] == "hidden"
    assert parts[STAFF]["output"].startswith("Isolation: seccomp\n")
    assert all(p["output_format"] == p["name_format"] == "text" for p in parts.values())


def test_what_is_seen_at_once_tells_of_visible_checks_alone() -> None:
    part, *_ = results(ADA, hidden="after_published")["tests"]
    assert part["output"] == "✓ f: 1 of 1 visible check passed\n  ✓ two atoms"
    assert "score" not in part and part["status"] == "passed"


def test_an_exercise_without_hidden_checks_is_shown_at_once() -> None:
    open_ = sample_class.graded("ada", sample_class.verdict("-"))
    part, _ = results(open_, hidden="hidden")["tests"]
    assert (part["name"], part["visibility"], part["score"], part["status"]) == ("f", "visible", 0, "failed")


def test_a_leaderboard_has_the_points_of_its_exercise() -> None:
    document = results(ADA, hidden="visible", boards={"f": "Kernels"})
    assert document["leaderboard"] == [{"name": "Kernels", "value": 2, "order": "desc"}]
    assert "leaderboard" not in results(ADA, hidden="visible", boards={"g": "Graphs"})


def test_a_failure_of_ours_has_no_score_and_its_details_are_for_staff() -> None:
    failed = Graded("ada", "", "failed-ours", max_score=4.0, message="OurError: the sandbox has died")
    document = results(failed, hidden="visible")
    assert document == ungraded(report.STATUS["failed-ours"], "OurError: the sandbox has died")
    assert "score" not in document and "score" not in document["tests"][0]
    assert (document["tests"][0]["visibility"], document["output"]) == ("hidden", report.STATUS["failed-ours"])


def test_who_handed_in_no_notebook_reads_what_to_do() -> None:
    unreadable = Graded("ada", "", "unreadable", max_score=4.0, message="toy.ipynb is empty, but should be a notebook.")
    document = results(unreadable, hidden="visible")
    assert document["output"].endswith("no score yet. toy.ipynb is empty, but should be a notebook.")
    assert "score" not in document


def test_the_words_of_a_forfeit_are_the_judge_s() -> None:
    assert _forfeit(Finding("It is even.", False, True)).message == report.FORFEIT


# ---- in the container ---------------------------------------------------------------------------------------------


def test_the_notebook_is_found_where_students_put_it(tmp_path: Path) -> None:
    assert handed_in(tmp_path, "toy") == tmp_path / "toy.ipynb"  # which `read` says is missing
    for place in ("__MACOSX/._toy.ipynb", ".ipynb_checkpoints/toy.ipynb", "work/Toy (2).ipynb"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("{}")
    assert handed_in(tmp_path, "toy") == tmp_path / "work" / "Toy (2).ipynb"
    (tmp_path / "work" / "toy.ipynb").write_text("{}")
    assert handed_in(tmp_path, "toy") == tmp_path / "work" / "toy.ipynb"
    (tmp_path / "toy.ipynb").symlink_to("/etc/passwd")  # which `read` refuses
    assert handed_in(tmp_path, "toy") == tmp_path / "toy.ipynb"


def test_a_container_that_is_too_small_is_refused_before_anything_runs() -> None:
    assert memory_shortage(None, 3000) == memory_shortage(6 << 30, 3000) == ""
    said = memory_shortage(3 << 30, 3000)
    assert said.startswith("The container has 3072 MB of memory, but should have 4000: a submission may use 3000.")
    assert "Choose a larger container" in said and "memory_mb in source/course.toml" in said


def test_whatever_goes_wrong_there_are_results_without_a_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("source", "submission", "results"):
        (tmp_path / name).mkdir()
    assert main(tmp_path) == 3
    document = json.loads((tmp_path / "results" / "results.json").read_text())
    assert document["output"] == report.STATUS["failed-ours"] and "score" not in document
    assert "settings.json" in document["tests"][0]["output"] and "settings.json" in capsys.readouterr().err


# ---- the zip ------------------------------------------------------------------------------------------------------


def test_the_zip_is_the_same_each_time_and_holds_no_seed(toy_root: Path, toy_sheet: Sheet, tmp_path: Path) -> None:
    chapter: Chapter = load_chapter(load_course(toy_root), "toy")
    packed = bundle(chapter, toy_sheet, "hidden")
    assert packed == bundle(chapter, toy_sheet, "hidden")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        modes = {m.filename: m.external_attr >> 16 & 0o777 for m in archive.infolist()}
        assert b"a secret for the tests" not in b"".join(archive.read(name) for name in modes)
        archive.extractall(tmp_path)
    assert [name for name, mode in modes.items() if mode != 0o600] == ["run_autograder", "setup.sh"]
    assert {"hidden.json", "failed.json", "requirements.txt", "course/source/toy.py", "grade.py"} <= modes.keys()
    assert not [name for name in modes if "__pycache__" in name]
    assert json.loads((tmp_path / "settings.json").read_text())["hidden"] == "hidden"
    failed = json.loads((tmp_path / "failed.json").read_text())
    assert failed["output"] == report.STATUS["failed-ours"] and "score" not in failed
    for script in ("setup.sh", "run_autograder"):
        assert "{{" not in (tmp_path / script).read_text()
        subprocess.run(["bash", "-n", str(tmp_path / script)], check=True)


def test_the_zip_lies_where_git_sees_nothing_and_nobody_else_reads(toy_root: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(toy_root)], check=True)
    (path,) = build_for_gradescope(load_course(toy_root), ("toy",), hidden="visible", state=tmp_path / "state")
    assert path == toy_root / "build" / "gradescope" / "toy" / "autograder.zip"
    assert path.stat().st_mode & 0o777 == 0o600
    status = ["git", "-C", str(toy_root), "status", "--porcelain", "-uall"]
    seen = subprocess.check_output(status, text=True)
    assert "source/toy.py" in seen and "build" not in seen


def test_the_libraries_are_those_of_the_lock_or_of_this_machine(tmp_path: Path) -> None:
    pinned = requirements(tmp_path).splitlines()
    assert any(line.startswith("jax==") for line in pinned) and any(line.startswith("nbgrader==") for line in pinned)
    assert not any(line.startswith(("otter-grader", "pytest==", "dmol")) for line in pinned)
    (tmp_path / "requirements.lock").write_text("jax==0.1 --hash=sha256:00\n")
    assert requirements(tmp_path) == "jax==0.1 --hash=sha256:00\n"
