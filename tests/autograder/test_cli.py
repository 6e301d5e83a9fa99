"""The commands as a user types them: what they print, what they write, and their exit codes."""

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import nbformat
import pytest

from autograder.cli import main
from autograder.errors import OurError


@pytest.fixture
def cli(toy_root, tmp_path, monkeypatch, capsys):
    """Runs a command in the toy course; answers exit code, standard output and standard error."""
    monkeypatch.chdir(toy_root)
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return run


def submit(root: Path, student: str, *cells: str) -> Path:
    path = root / "submitted" / student / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells]), path)
    return path


def test_grade_prints_the_class_and_writes_a_report_that_fits_its_schema(cli, toy_root, toy_source):
    submit(toy_root, "ada", toy_source)
    submit(toy_root, "bob", toy_source.replace("(x + z) / 2\n", "x + z\n"))
    code, out, _ = cli("grade", "toy", "submitted", "--json", "report.json")
    assert code == 0
    assert "12/12" in out and "10/12" in out and "halfway: not_halved" in out
    report = json.loads((toy_root / "report.json").read_text())
    schema = json.loads(resources.files("autograder").joinpath("schema/grade.schema.json").read_text())
    jsonschema.validate(report, schema)
    assert [s["score"] for s in report["submissions"]] == [12, 10]
    assert "seccomp" in report["isolation"]


def test_report_tells_of_the_class_that_was_graded(cli, toy_root, toy_source):
    submit(toy_root, "Ada-L", toy_source)
    for student in ("Bob-M", "Cyd-N"):
        submit(toy_root, student, toy_source.replace("(x + z) / 2\n", "x + z\n"))
    assert cli("grade", "toy", "submitted", "--json", "reports/toy/class.json")[0] == 0
    code, out, _ = cli("report", "--json", "figures.json")
    assert code == 0
    assert "3 submitted, 3 graded" in out and "median 10 of 12 points, from 10 to 12" in out
    assert "2 x halfway: not_halved" in out and "2 of 3 made the same mistake in halfway: not_halved." in out
    assert "Least discriminating check: halfway" in out and "Most difficult check: halfway" in out
    assert f"Page: {toy_root / 'reports' / 'toy.html'}" in out
    page = (toy_root / "reports" / "toy.html").read_text("utf-8")
    (figures,) = json.loads((toy_root / "figures.json").read_text())
    assert figures["misconceptions"][0]["who"] == {"count": 2, "names": []}
    assert "Bob-M" not in page + out
    assert cli("report", "toy", "--names", "--from", "reports/toy/class.json", "--to", "pages")[0] == 0
    assert "Bob-M" in (toy_root / "pages" / "toy.html").read_text("utf-8")


def test_a_damaged_notebook_is_named_and_the_others_are_graded(cli, toy_root, toy_source):
    submit(toy_root, "ada", toy_source)
    submit(toy_root, "bob", "x = 1").write_text('{"cells": [')
    code, out, _ = cli("grade", "toy", "submitted", "--json", "report.json")
    assert code == 1
    assert "12/12" in out and "unreadable" in out
    statuses = {s["student"]: s["status"] for s in json.loads((toy_root / "report.json").read_text())["submissions"]}
    assert statuses == {"ada": "graded", "bob": "unreadable"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grade", "astrology", "submitted"], "'astrology' is no chapter of this course; it has toy"),
        (["grade", "toy", "nowhere"], "nowhere"),
        (["build", "astrology"], "'astrology' is no chapter of this course; it has toy"),
        (["verify", "--course", "nowhere"], "is no course: it has no source/course.toml"),
        (["new", "toy"], "toy"),
        (["report"], "There are no reports yet. Grade first: `nbgrader autograde toy`"),
        (["report", "astrology"], "'astrology' is no chapter of this course; it has toy"),
        (
            ["report", "--from", "source/course.toml"],
            "source/course.toml is not JSON, but should be a report of grading",
        ),
        (["grade", "toy", "empty"], "empty"),
    ],
)
def test_a_wrong_command_is_told_so_and_exits_with_2(cli, toy_root, words, message):
    (toy_root / "empty").mkdir()
    code, _, err = cli(*words)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_report_that_cannot_be_written_is_told_before_anything_is_graded(cli, toy_root, toy_source):
    submit(toy_root, "ada", toy_source)
    (toy_root / "file").write_text("")
    code, out, err = cli("grade", "toy", "submitted", "--json", "file/report.json")
    assert code == 2
    assert "The report file/report.json cannot be written" in err
    assert "12/12" not in out


def test_a_full_disk_is_our_fault_and_leaves_the_earlier_report_alone(cli, toy_root, toy_source, monkeypatch):
    submit(toy_root, "ada", toy_source)
    (toy_root / "report.json").write_text("the earlier one")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autograder.batch.os.fsync", full)
    code, _, err = cli("grade", "toy", "submitted", "--json", "report.json")
    assert code == 3
    assert "No space left on device" in err
    assert (toy_root / "report.json").read_text() == "the earlier one"
    assert [p.name for p in toy_root.iterdir() if "partial" in p.name] == []


def test_a_missing_layer_refuses_to_grade_and_says_why(cli, toy_root, toy_source, monkeypatch):
    from autograder.sandbox import layers

    submit(toy_root, "ada", toy_source)
    found = layers.probe()
    weak = layers.Machine(**{**vars(found), "seccomp_held": "not in this kernel"})
    monkeypatch.setattr(layers, "probe", lambda: weak)
    code, out, err = cli("grade", "toy", "submitted")
    assert code == 2
    assert "seccomp" in err and "--trust-submissions" in err
    assert "12/12" not in out
    code, out, _ = cli("grade", "toy", "submitted", "--trust-submissions", "--json", "report.json")
    assert code == 0
    assert "NONE: submissions are trusted" in out
    assert json.loads((toy_root / "report.json").read_text())["isolation"][0].startswith("NONE")


def test_a_failure_of_ours_is_no_score_and_exits_with_3(cli, toy_root, toy_source, monkeypatch):
    submit(toy_root, "ada", toy_source)

    def broken(*args, **options):
        raise OurError("the sandbox has died twice")

    monkeypatch.setattr("autograder.session.grade", broken)
    code, out, _ = cli("grade", "toy", "submitted", "--json", "report.json")
    assert code == 3
    assert "our fault" in out and "0/12" not in out
    (entry,) = json.loads((toy_root / "report.json").read_text())["submissions"]
    assert (entry["status"], entry["score"]) == ("failed-ours", None)


def test_ctrl_c_keeps_what_has_finished(cli, toy_root, toy_source, monkeypatch):
    from autograder import session

    submit(toy_root, "ada", toy_source)
    submit(toy_root, "bob", toy_source, "# not what ada handed in")
    graded = session.grade

    def interrupted(chapter, sheet, submission, sandbox, **options):
        if submission.student == "bob":
            raise KeyboardInterrupt
        return graded(chapter, sheet, submission, sandbox, **options)

    monkeypatch.setattr("autograder.session.grade", interrupted)
    code, _, err = cli("grade", "toy", "submitted", "--json", "report.json", "--workers", "1")
    assert code == 130
    assert "Stopped" in err
    (entry,) = json.loads((toy_root / "report.json").read_text())["submissions"]
    assert (entry["student"], entry["score"]) == ("ada", 12)


def test_an_error_of_the_author_names_file_and_line(cli, toy_root):
    path = toy_root / "source" / "toy.py"
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if '"two dimensions"' in line)
    path.write_text("\n".join(lines).replace('"two dimensions", d=2', '"two dimensions", q=2'))
    code, _, err = cli("build")
    assert code == 1
    assert f"toy.py:{number}: 'two dimensions' says q=2, but halfway has no axis or argument of that name" in err


def test_build_then_check_then_a_stale_release(cli, toy_root):
    assert cli("build")[0] == 0
    code, out, _ = cli("build", "--check")
    assert (code, out.strip()) == (0, "Everything built is up to date.")
    notebook = toy_root / "release" / "toy" / "toy.ipynb"
    notebook.write_text(notebook.read_text().replace("# Toys", "# Games"))
    code, out, _ = cli("build", "--check")
    assert code == 1
    assert "release/toy/toy.ipynb" in out and "run `autograder build`" in out


def test_new_scaffolds_a_chapter_that_builds(cli, toy_root):
    assert cli("new", "polymers")[0] == 0
    assert cli("build", "polymers")[0] == 0
    assert (toy_root / "release" / "polymers" / "polymers.ipynb").exists()


def test_doctor_names_every_layer(cli):
    code, out, _ = cli("doctor", "--json", "facts.json")
    facts = {f["name"]: f for f in json.loads(Path("facts.json").read_text())}
    assert {"bubblewrap", "namespaces", "Landlock", "seccomp", "secret seed", "course toy"} <= facts.keys()
    assert code == (0 if all(f["ok"] for f in facts.values() if f["needed"]) else 1)
    assert "seccomp" in out and "Ready to grade." in out


@pytest.mark.parametrize(("changed", "code"), [({"cgroup": False}, 0), ({"seccomp_held": "not in this kernel"}, 1)])
def test_doctor_fails_for_what_is_needed_only_and_names_the_fix(cli, monkeypatch, changed, code):
    from autograder.sandbox import layers

    found = layers.probe()
    monkeypatch.setattr("autograder.sandbox.layers.probe", lambda: layers.Machine(**vars(found) | changed))
    monkeypatch.setenv("COLUMNS", "80")
    ended, out, _ = cli("doctor")
    assert ended == code
    if code:
        assert "To be mended: seccomp." in out and "Fix: Use a kernel with" in out
    else:
        assert "optional" in out and "Fix: Nothing to do" in out and "Ready to grade." in out


def test_a_long_name_is_folded_in_a_narrow_terminal_and_not_cut(capsys):
    from rich.console import Console

    from autograder.records import Graded, Verdict
    from autograder.show import show_class

    verdict = Verdict("rbf_kernel", 1.0, 4.0, (), diagnosis="distances_not_squared")
    longer = Verdict("rbf_kernel", 1.0, 4.0, (), diagnosis="distances_not_squared_and_rows_exchanged")
    graded = Graded("ada-lovelace", "ada.ipynb", "graded", (verdict, longer), max_score=8.0, seconds=1.0)
    show_class(Console(width=80), [graded])
    out = capsys.readouterr().out
    assert "…" not in out and max(map(len, out.splitlines())) <= 80
    assert "2/8" in out and out.count("rbf_kernel 1/4") == 2
    assert out.count("distances_not_squared") == 2 and "hanged" in out


def test_every_command_has_help_and_help_loads_nothing_heavy():
    program = "import sys; from autograder.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    program += "print(sorted({'jax', 'numpy', 'nbgrader', 'IPython', 'nbformat'} & set(sys.modules)))"
    for words in (
        ["--help"],
        *([c, "--help"] for c in ["new", "build", "verify", "grade", "report", "demo", "doctor"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, env=os.environ
        )
        assert done.stdout.rstrip().endswith("[]")
        assert "Usage" in done.stdout
