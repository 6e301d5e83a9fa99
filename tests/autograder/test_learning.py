"""The list of programs: what may be in it, and whether it is stale."""

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from autograder import learning
from autograder.cli import app
from autograder.course import Chapter, load_chapter, load_course

TOY = Path(__file__).parent.parent / "toy"


def chapter_in(root: Path) -> Chapter:
    return load_chapter(load_course(root), "toy")


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(TOY, folder / "course"))


def test_a_list_is_fresh_until_the_chapter_changes(tmp_path: Path) -> None:
    root = copied(tmp_path)
    path, source = tmp_path / "toy.programs.json", root / "source" / "toy.py"
    assert not learning.is_fresh(chapter_in(root), path)
    learning.write([{"primitive": "neg"}], path, learning.source_of(chapter_in(root)))
    assert json.loads(path.read_text())["programs"] == [{"primitive": "neg"}]
    assert learning.is_fresh(chapter_in(root), path)
    source.write_text(source.read_text().replace("points=2", "points=3", 1))
    assert not learning.is_fresh(chapter_in(root), path)


def test_the_command_names_the_lists_that_are_stale(tmp_path: Path) -> None:
    root = copied(tmp_path)
    path = root / "source" / "toy.programs.json"
    found = CliRunner().invoke(app, ["learn", "--check", "--course", str(root)])
    assert found.exit_code == 1
    assert "toy.programs.json is stale: run `autograder learn toy`." in found.stdout.replace("\n", " ")
    learning.write([], path, learning.source_of(chapter_in(root)))
    assert CliRunner().invoke(app, ["learn", "--check", "--course", str(root)]).exit_code == 0
