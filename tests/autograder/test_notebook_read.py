"""Submitted notebooks as editors, accidents and strangers leave them."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import UsageError
from autograder.notebook import document
from autograder.notebook.document import MAX_CELLS, METADATA, parse
from autograder.notebook.grading import checksum, grading
from autograder.notebook.read import MAX_BYTES, Unreadable, find, read, read_notebook

SAVED = Path(__file__).parents[1] / "notebooks"
Tree = dict[str, Any]


def cell(source: Any = "x = 1\n", kind: str = "code", **more: Any) -> Tree:
    extra = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": "a", "metadata": {}, "source": source} | extra | more


def tree(*cells: Any, **more: Any) -> Tree:
    return {"cells": list(cells or (cell(),)), "metadata": dict(METADATA), "nbformat": 4, "nbformat_minor": 5} | more


def graded(source: str, ident: str, *, stub: str | None = None, **flags: Any) -> Tree:
    """A graded cell whose checksum is that of `stub`, so that it counts as changed where `source` differs."""
    known = dict(grading(ident, **flags))
    known["checksum"] = checksum(source if stub is None else stub, "code", known)
    return cell(source, id=ident, metadata={"nbgrader": known})


def write(folder: Path, content: Tree | str | bytes, name: str = "kernel.ipynb") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


def sources(path: Path) -> list[str]:
    return list(read(path, "ada").cells.values())


def refused(path: Path) -> str:
    """The message with which the file is refused, by both ways of reading it."""
    with pytest.raises(Unreadable) as first:
        read(path, "ada")
    with pytest.raises(Unreadable) as second:
        read_notebook(path)
    assert str(first.value) == str(second.value)
    return str(first.value)


# ---- as editors save them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(SAVED.glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebook_of_every_editor_is_graded_by_what_it_defines(path: Path) -> None:
    submission = read(path, "ada")
    space: dict[str, Any] = {}
    for source in submission.cells.values():
        if not source.startswith(("%", "!", "check(")):
            exec(source.replace("from autograder.client import check", ""), space)
    assert space["double"](4) == 8
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    assert {i: c.source for i, c in enumerate(notebook.cells) if c.cell_type == "code"} == submission.cells


def test_every_editor_is_there() -> None:
    assert {p.stem for p in SAVED.glob("*.ipynb")} >= {"colab", "jupyterlab_4", "notebook_7", "nbformat_3", "vscode"}


@pytest.mark.parametrize(
    "encoded",
    [
        lambda t: b"\xef\xbb\xbf" + t.encode(),
        lambda t: t.encode("utf-16"),
        lambda t: t.encode("utf-16-be"),
        lambda t: t.encode("utf-32"),
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: b"\n\n " + t.encode() + b"\n\x20",
    ],
    ids=["BOM", "UTF-16", "UTF-16 without BOM", "UTF-32", "CRLF", "blanks around"],
)
def test_encodings_change_nothing(tmp_path: Path, encoded: Callable[[str], bytes]) -> None:
    text = json.dumps(tree(cell("α = 1\n")), ensure_ascii=False, indent=1)
    submission = read(write(tmp_path, encoded(text)), "ada")
    assert (list(submission.cells.values()), submission.notes) == (["α = 1\n"], ())


def test_other_encoding_is_read_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(tree(cell("# café")), ensure_ascii=False).encode("cp1252"))
    submission = read(path, "ada")
    assert submission.cells[0] == "# café"
    assert submission.notes == (
        "The file is not saved as UTF-8; some letters may read differently than you wrote them.",
    )


@pytest.mark.parametrize(
    ("source", "read_as"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        (["a\n", "b"], "a\nb"),
        (["a", "b"], "a\nb"),
        (["a"], "a"),
        ([], ""),
        ("%%bash\necho hi", "%%bash\necho hi"),
        ("!ls", "!ls"),
    ],
)
def test_source_in_every_form(tmp_path: Path, source: Any, read_as: str) -> None:
    assert sources(write(tmp_path, tree(cell(source)))) == [read_as]


def test_cells_keep_their_places(tmp_path: Path) -> None:
    path = write(tmp_path, tree(cell("# hi", "markdown"), cell("x"), 7, cell("z", "raw"), cell("y")))
    assert read(path, "ada").cells == {1: "x", 4: "y"}
    assert [c.source for c in read_notebook(path).cells] == ["# hi", "x", "", "z", "y"]


def test_cells_of_nbformat_3(tmp_path: Path) -> None:
    old = {
        "metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0,
        "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Title"], "metadata": {}},
            {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python", "outputs": []},
        ]}],
    }  # fmt: skip
    path = write(tmp_path, old)
    assert read(path, "ada").cells == {1: "x = 1\ny = 2"}
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "## Title"


# ---- repaired ---------------------------------------------------------------------------------------------------


def test_lone_surrogates_and_nulls_are_replaced_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(tree(cell("s = '\ud800\x00'"), cell("t = '\U0001f600'"))))
    submission = read(path, "ada")
    assert list(submission.cells.values()) == ["s = '\ufffd\ufffd'", "t = '\U0001f600'"]
    assert submission.notes == ("Cell 1 holds characters that are no text; they were replaced.",)


@pytest.mark.parametrize("bad", [None, 5, {"a": 1}, [1, 2], ["a", None]])
def test_source_that_is_no_text_is_empty_with_a_note(tmp_path: Path, bad: Any) -> None:
    submission = read(write(tmp_path, tree(cell(bad))), "ada")
    assert submission.cells == {0: ""}
    assert submission.notes == ("Cell 1 holds no text; it was left empty.",)


@pytest.mark.parametrize("bad", [None, 5, "code", [], {}, {"cell_type": 5}, {"cell_type": []}, {"cell_type": "magic"}])
def test_cell_of_no_known_kind_is_left_out_with_a_note(tmp_path: Path, bad: Any) -> None:
    submission = read(write(tmp_path, tree(bad, cell())), "ada")
    assert submission.cells == {1: "x = 1\n"}
    assert submission.notes == ("Cell 1 is of no known kind; it was left out.",)


def test_missing_odd_and_double_ids_are_made_good(tmp_path: Path) -> None:
    idless = cell()
    del idless["id"]
    path = write(
        tmp_path, tree(cell(), cell(), idless, cell(id="not an id"), cell(id=5), cell(id="cell-2"), cell(id=""))
    )
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    assert [c.id for c in notebook.cells] == ["a", "cell-2-2", "cell-3", "cell-4", "cell-5", "cell-2", "cell-7"]
    assert read(path, "ada").notes == ()


def test_not_a_number_and_huge_numbers_are_harmless(tmp_path: Path) -> None:
    text = json.dumps(tree()).replace('"metadata": {}', '"metadata": {"a": NaN, "b": -Infinity, "c": 1e999}', 1)
    text = text.replace('"nbformat": 4', '"nbformat": ' + "9" * 5000)
    assert sources(write(tmp_path, text)) == ["x = 1\n"]


def test_huge_and_odd_metadata_are_dropped(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"deep": deep}
    odd = {"big": "x" * 1_000_000, "deep": deep, "nbgrader": [1], "tags": "check", "deletable": "no", "editable": False}
    notebook = read_notebook(write(tmp_path, tree(cell(metadata=odd), metadata={"widgets": odd})))
    nbformat.validate(notebook)
    assert notebook.cells[0].metadata == {"editable": False}
    assert notebook.metadata == METADATA


@pytest.mark.parametrize("bad", [None, [], 5, {"kernelspec": 5, "language_info": []}, {"kernelspec": {"name": []}}])
def test_missing_or_odd_notebook_metadata_is_replaced(tmp_path: Path, bad: Any) -> None:
    assert sources(write(tmp_path, tree(metadata=bad))) == ["x = 1\n"]


def test_outputs_and_scripts_are_dropped(tmp_path: Path) -> None:
    output = {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>"}, "metadata": {}}
    picture = {"a.png": {"image/png": "aGk="}, "b.svg": {"image/svg+xml": "<svg/>"}, "c.png": {"image/png": "<b>"}}
    text = cell("![](attachment:a.png)", "markdown", attachments=picture, id="b")
    notebook = read_notebook(write(tmp_path, tree(cell(outputs=[output, 5], execution_count="x"), text)))
    nbformat.validate(notebook)
    assert notebook.cells[0].outputs == []
    assert notebook.cells[1].attachments == {"a.png": {"image/png": "aGk="}}


def test_of_two_answers_the_changed_one_counts(tmp_path: Path) -> None:
    stub, mine = (graded(s, "f", stub="stub", solution=True) for s in ("stub", "def f(): return 1"))
    asked = graded("check(f)", "check-f", grade=True, points=1)
    path = write(tmp_path, tree(stub, mine, asked, asked))
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    assert [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells] == [None, "f", "check-f", None]
    assert read(path, "ada").notes == (
        "The cell f is there 2 times; cell 2 counts as the one.",
        "The cell check-f is there 2 times; cell 3 counts as the one.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 99},
        {"points": "ten"},
        {"points": float("inf")},
        {"points": -1},
        {"points": True},
        {"grade_id": ""},
        {"grade_id": 5},
        {"grade_id": "\ud800"},
        {"grade": "yes"},
        {"task": True},
    ],
)
def test_graded_cell_with_damaged_metadata_is_an_ordinary_one(tmp_path: Path, change: Tree) -> None:
    asked = graded("check(f)", "check-f", grade=True, points=1)
    asked["metadata"]["nbgrader"] |= change
    notebook = read_notebook(write(tmp_path, tree(asked)))
    assert "nbgrader" not in notebook.cells[0].metadata or notebook.cells[0].metadata.nbgrader.points == 0


def test_check_cell_turned_into_text_is_an_ordinary_cell(tmp_path: Path) -> None:
    asked = graded("check(f)", "check-f", grade=True, points=1) | {"cell_type": "markdown"}
    assert "nbgrader" not in read_notebook(write(tmp_path, tree(asked))).cells[0].metadata


def test_answer_turned_into_text_is_noted(tmp_path: Path) -> None:
    answer = graded("def f(): return 1", "f", solution=True) | {"cell_type": "markdown"}
    answer["metadata"]["nbgrader"]["cell_type"] = "code"
    assert read(write(tmp_path, tree(answer)), "ada").notes == ("Cell 1 was code and is now text, so it does not run.",)


def test_notes_are_few(tmp_path: Path) -> None:
    notes = read(write(tmp_path, tree(*[5] * 100)), "ada").notes
    assert len(notes) == 21
    assert notes[-1] == "80 more notes are left out."


def test_tidied_notebook_passes_nbgraders_own_validation(tmp_path: Path) -> None:
    from nbgrader.nbgraderformat import MetadataValidator

    odd = graded("check(f)", "check-f", grade=True, points=1)
    again = graded("x", "f", stub="stub", solution=True)
    MetadataValidator().validate_nb(read_notebook(write(tmp_path, tree(odd, odd, again, again))))


# ---- refused ----------------------------------------------------------------------------------------------------

AGAIN = "Open it in Jupyter, save it, and hand in the saved file."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"kernel.ipynb is empty, but should be a notebook. {AGAIN}"),
        (b" \n", f"kernel.ipynb is empty, but should be a notebook. {AGAIN}"),
        (
            b'{"cells": [{"cell_type": "co',
            f"kernel.ipynb is cut off in line 1, but should be a whole notebook. {AGAIN}",
        ),
        (b'{"cells": [', f"kernel.ipynb is cut off in line 1, but should be a whole notebook. {AGAIN}"),
        (b'{\n"cells": [,]}', f"kernel.ipynb is damaged in line 2, but should be a notebook. {AGAIN}"),
        (
            b"import jax",
            f"kernel.ipynb is no notebook: it begins with 'import jax', but should begin with '{{'. {AGAIN}",
        ),
        (b"[]", f"kernel.ipynb is a JSON list, but should be a notebook. {AGAIN}"),
        (b'"x"', f"kernel.ipynb is a JSON text, but should be a notebook. {AGAIN}"),
        (b"{}", f"kernel.ipynb has no list of cells, but should be a notebook. {AGAIN}"),
        (b'{"cells": 5}', f"kernel.ipynb has no list of cells, but should be a notebook. {AGAIN}"),
        (b"[" * 100_000, f"kernel.ipynb is nested more deeply than any notebook. {AGAIN}"),
        (b'{"cells":' * 50_000, f"kernel.ipynb is nested more deeply than any notebook. {AGAIN}"),
        (
            b"<!DOCTYPE html><html>",
            "kernel.ipynb is a web page, but should be a notebook (.ipynb). Download or save the notebook itself.",
        ),
        (
            b"PK\x03\x04\x00\x00",
            "kernel.ipynb is a zip archive, but should be a notebook (.ipynb). Download or save the notebook itself.",
        ),
    ],
    ids=range(14),
)
def test_file_that_is_no_notebook(tmp_path: Path, content: bytes, message: str) -> None:
    assert refused(write(tmp_path, content)) == message


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}, "language_info": {"name": "R"}}, "R"),
        ({"kernelspec": {"name": "julia-1.10"}, "language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"name": "ir"}}, "R"),
    ],
)
def test_notebook_in_another_language(tmp_path: Path, metadata: Tree, language: str) -> None:
    assert refused(write(tmp_path, tree(metadata=metadata))) == (
        f"kernel.ipynb is a notebook in {language}, but should be in Python. Choose Kernel > Change Kernel > Python 3, "
        "run your cells, save, and hand in the saved file."
    )


@pytest.mark.parametrize(
    "kernel", [{"name": "my-env", "display_name": "Mine"}, {"name": "conda", "language": "python"}, {"name": "python2"}]
)
def test_python_kernel_by_any_name_is_fine(tmp_path: Path, kernel: Tree) -> None:
    assert sources(write(tmp_path, tree(metadata={"kernelspec": kernel}))) == ["x = 1\n"]


def test_missing_file_names_what_is_there_instead(tmp_path: Path) -> None:
    assert refused(tmp_path / "kernel.ipynb") == (
        "kernel.ipynb is missing, but should be there. Hand in the notebook again."
    )
    write(tmp_path, tree(), "a.ipynb")
    write(tmp_path, tree(), "b.ipynb")
    assert refused(tmp_path / "kernel.ipynb") == (
        "kernel.ipynb is missing, but should be there; the folder has a.ipynb, b.ipynb. Rename the right one, and hand "
        "it in again."
    )


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "hidden", tree())
    link = tmp_path / "kernel.ipynb"
    link.symlink_to(secret)
    message = "kernel.ipynb is a link, but should be an ordinary file. Hand in the notebook itself."
    assert refused(link) == message
    link.unlink()
    link.symlink_to("nowhere")
    assert refused(link) == message


def test_file_swapped_for_a_link_while_opening_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "kernel.ipynb"
    link.symlink_to(write(tmp_path / "hidden", tree()))
    monkeypatch.setattr(os, "lstat", os.stat)
    assert refused(link) == f"kernel.ipynb is no ordinary file, but should be a notebook. {AGAIN}"


def test_special_files_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kernel.ipynb"
    os.mkfifo(path)
    assert refused(path).startswith("kernel.ipynb is a pipe, but should be an ordinary file.")
    path.unlink()
    path.mkdir()
    assert refused(path).startswith("kernel.ipynb is a folder, but should be an ordinary file.")
    assert refused(Path("/dev/zero")).startswith("zero is a device, but should be an ordinary file.")
    path.rmdir()
    monkeypatch.chdir(tmp_path)  # a socket's path may have 108 bytes at most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("kernel.ipynb")
        assert refused(path).startswith("kernel.ipynb is a socket, but should be an ordinary file.")


def test_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, tree())
    with path.open("r+b") as file:
        file.truncate(50 << 30)  # sparse: it takes no room
    assert refused(path) == (
        "kernel.ipynb has 51200 MB, but should have at most 20. Clear its outputs (Edit > Clear Outputs of All Cells), "
        "save, and hand it in again."
    )
    assert MAX_BYTES == 20 << 20


def test_very_many_cells_are_refused() -> None:
    with pytest.raises(Unreadable, match=r"x has 2,001 cells, but should have at most 2,000. Delete some."):
        parse(json.dumps({"cells": [0] * (MAX_CELLS + 1)}).encode(), "x")


def test_message_cannot_hold_control_characters(tmp_path: Path) -> None:
    assert refused(write(tmp_path, b"", "a\n\x1b[31m.ipynb")).startswith("a\ufffd\ufffd[31m.ipynb is empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_closed_file_is_the_students_to_open(tmp_path: Path) -> None:
    path = write(tmp_path, tree())
    path.chmod(0)
    assert refused(path) == "kernel.ipynb is closed to the grader, but should be readable. Hand it in again."


# ---- anything at all --------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        "cell_type",
        "metadata",
        "source",
        "id",
        "outputs",
        "attachments",
        "nbgrader",
        "tags",
        "input",
        "level",
        "grade_id",
    ]
)
CELLS = st.dictionaries(
    KEYS,
    JSON | st.sampled_from(["code", "markdown", "raw", "heading"]) | st.dictionaries(KEYS, JSON, max_size=5),
    max_size=6,
)


def tried(data: bytes) -> None:
    """Reads these bytes: a valid notebook that can be written comes out, or Unreadable and nothing else."""
    try:
        found = parse(data, "kernel.ipynb")
    except Unreadable as error:
        assert str(error).isprintable()
        return
    notebook = nbformat.from_dict(
        {"cells": list(found.cells), "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    )
    nbformat.validate(notebook)
    json.dumps(notebook, ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_notebook_or_unreadable(data: bytes) -> None:
    tried(data)


@given(st.lists(CELLS | JSON, max_size=5), JSON, st.sampled_from([3, 4, 5, None]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_tree_is_a_notebook_or_unreadable(cells: list[Any], metadata: Any, major: Any, old: bool) -> None:
    where = {"worksheets": [{"cells": cells}, 5]} if old else {"cells": cells}
    tried(json.dumps(where | {"metadata": metadata, "nbformat": major}).encode())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_leaves_a_notebook_or_unreadable(data: st.DataObject) -> None:
    whole = bytearray((SAVED / "jupyterlab_4.ipynb").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        match data.draw(st.sampled_from(["change", "insert", "delete", "cut"])):
            case "change":
                whole[at : at + 1] = data.draw(st.binary(min_size=1, max_size=4))
            case "insert":
                whole[at:at] = data.draw(st.binary(max_size=8))
            case "delete":
                del whole[at : at + data.draw(st.integers(1, 60))]
            case _:
                del whole[at:]
    tried(bytes(whole))


def test_fuzzing_would_notice_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_refuse_language", lambda tree, name: tree["metadata"]["kernelspec"])
    with pytest.raises(KeyError):
        tried(b'{"cells": []}')


# ---- finding ----------------------------------------------------------------------------------------------------


def shown(folder: Path, chapter: str = "kernel") -> list[tuple[str, str]]:
    return [(student, str(path.relative_to(folder))) for student, path in find(folder, chapter)]


def test_folder_of_submissions(tmp_path: Path) -> None:
    write(tmp_path / "bob" / "kernel", tree())
    write(tmp_path / "ada" / "kernel", tree())
    write(tmp_path / "ada" / "other", tree(), "other.ipynb")
    write(tmp_path / "cy" / "other", tree(), "other.ipynb")
    write(tmp_path / ".hidden" / "kernel", tree())
    (tmp_path / "notes.txt").write_text("")
    assert shown(tmp_path) == [("ada", "ada/kernel/kernel.ipynb"), ("bob", "bob/kernel/kernel.ipynb")]


def test_renamed_notebook_is_taken_with_a_note(tmp_path: Path) -> None:
    folder = tmp_path / "ada" / "kernel"
    write(folder, tree(), "kernel (1).ipynb")
    write(folder / ".ipynb_checkpoints", tree(), "kernel-checkpoint.ipynb")
    ((student, path),) = find(tmp_path, "kernel")
    assert path.name == "kernel (1).ipynb"
    assert read(path, student).notes == (
        "The notebook is named kernel (1).ipynb, but should be kernel.ipynb; it was graded all the same.",
    )
    write(folder, tree(), "second.ipynb")
    ((student, path),) = find(tmp_path, "kernel")
    assert "the folder has kernel (1).ipynb, second.ipynb" in refused(path)
    write(folder, tree())
    ((student, path),) = find(tmp_path, "kernel")
    assert read(path, student).notes == ()


def test_empty_folder_of_a_student_is_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "ada" / "kernel").mkdir(parents=True)
    ((student, path),) = find(tmp_path, "kernel")
    assert student == "ada"
    assert refused(path).startswith("kernel.ipynb is missing")


def test_linked_folders_are_listed_and_refused(tmp_path: Path) -> None:
    write(tmp_path / "hidden" / "kernel", tree())
    submitted = tmp_path / "submitted"
    (submitted / "bob").mkdir(parents=True)
    (submitted / "ada").symlink_to(tmp_path / "hidden")
    (submitted / "bob" / "kernel").symlink_to(tmp_path / "hidden" / "kernel")
    found = find(submitted, "kernel")
    assert [student for student, _ in found] == ["ada", "bob"]
    assert [refused(path).partition(",")[0] for _, path in found] == ["ada is a link", "kernel is a link"]


def test_names_of_folders_are_made_printable_and_stay_apart(tmp_path: Path) -> None:
    for name in ("a\nb", "a\tb", "..x", "-rf", "<b>"):
        write(tmp_path / name / "kernel", tree())
    os.makedirs(os.fsencode(tmp_path) + b"/\xff/kernel")
    names = [student for student, _ in find(tmp_path, "kernel")]
    assert sorted(names) == ["-rf", "<b>", "a\ufffdb", "a\ufffdb (2)", "\ufffd"]
    assert all(name.isprintable() for name in names)


def test_single_notebook_and_single_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "ada" / "kernel", tree())
    assert find(path, "kernel") == [("ada", path)]
    assert find(tmp_path / "ada", "kernel") == [("ada", path)]
    assert find(tmp_path / "ada" / "kernel", "kernel") == [("ada", path)]
    monkeypatch.chdir(path.parent)
    assert find(Path("kernel.ipynb"), "kernel") == [("ada", Path("kernel.ipynb"))]
    loose = write(tmp_path / "downloads", tree(), "bob.ipynb")
    assert find(loose, "kernel") == [("bob", loose)]
    assert find(tmp_path / "downloads", "kernel") == [("bob", loose)]
    assert read(loose, "bob").notes == ()


def test_nothing_to_grade_is_a_wrong_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no submission of kernel: there is no <student>/kernel/kernel.ipynb"):
        find(tmp_path, "kernel")
    with pytest.raises(UsageError, match=r"nowhere does not exist\. Name a notebook, or a folder laid out as"):
        find(tmp_path / "nowhere", "kernel")
