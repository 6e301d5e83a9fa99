"""The list of programs: what stands in the place of references, what is rare, and whether it is stale."""

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


def test_alternates_stand_together_in_the_place_of_references_and_so_do_mistakes() -> None:
    exercises = list(chapter_in(TOY).exercises.values())
    instead = list(learning._instead(exercises))
    first = next(e for e in exercises if e.mistakes)
    assert any(others.get(first.name) is first.mistakes[0].function for others in instead)
    assert not any(others.get(e.name) is e.target for others in instead for e in exercises)


def test_shapes_that_many_programs_take_come_first() -> None:
    def program(*shape: int) -> dict[str, object]:
        return {"args": [{"array": ["float32", list(shape), False]}, {"number": "int"}]}

    assert learning._shapes([program(3), program(2, 2), program(2, 2), {"args": [{"numpy": ["float32", [7]]}]}]) == [
        (2, 2),
        (3,),
    ]


def test_what_xla_would_spread_over_threads_is_never_loaded_by_a_fork_server() -> None:
    assert not learning._alone({"primitive": "unstack"})
    assert learning._alone({"primitive": "neg"}) and learning._alone({"function": ["jax.numpy", "exp"]})


def test_common_things_are_done_with_arrays_of_any_rank() -> None:
    from autograder.programs import recording

    found: dict[str, dict[str, object]] = {}
    with recording(found):
        learning._do_common_things([(), (2,), (3, 3), (2, 3, 4)])
    names = {p["function"][1] for p in found.values() if "function" in p}  # type: ignore[index]
    assert {"exp", "_reduce_sum", "_mean", "matmul", "true_divide", "_where"} <= names
