"""A notebook's cells in the worker: rich outputs, magics, `await`, quiet checks, and bounded output."""

from collections.abc import Iterator

import nbformat
import pytest

from autograder.records import Call, Limits, Lost, Raised, Returned
from autograder.sandbox.pool import WarmSandbox
from autograder.sandbox.student import WarmStudent

SECONDS = 20.0


@pytest.fixture
def student(warm: WarmSandbox) -> Iterator[WarmStudent]:
    with warm.open(Limits(output_kb=64)) as student:
        yield student


def outputs(student: WarmStudent, source: str) -> list[object]:
    """What a cell put out, in short; the dictionaries must be valid in a notebook."""
    cell = nbformat.v4.new_code_cell(source)
    cell.outputs = [nbformat.from_dict(o) for o in student.run(source, seconds=SECONDS).outputs]
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return [o.get("text", o.get("data", o.get("ename"))) for o in cell.outputs]


def test_prints_and_the_last_value_are_put_out(student: WarmStudent) -> None:
    assert outputs(student, "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')\n1 + 1") == [
        "a\n",
        "b\n",
        "c\n",
        {"text/plain": "2"},
    ]


def test_a_semicolon_and_an_assignment_show_nothing(student: WarmStudent) -> None:
    assert outputs(student, "a = 1\na;") == []


def test_a_figure_is_a_png(student: WarmStudent) -> None:
    line, figure = outputs(student, "import matplotlib.pyplot as plt\nplt.plot([1, 2])")
    assert list(figure) == ["text/plain", "image/png"] or list(figure) == ["image/png", "text/plain"]
    assert figure["image/png"].startswith("iVBOR") and "Line2D" in line["text/plain"]


def test_html_and_scripts_are_dropped(student: WarmStudent) -> None:
    shown = outputs(
        student,
        "from IPython.display import HTML, Javascript, display\ndisplay(HTML('<script>1</script>'))\nJavascript('1')",
    )
    assert all(list(data) == ["text/plain"] and "script>" not in data["text/plain"] for data in shown)
    assert outputs(student, "display({'text/html': '<b>'}, raw=True)") == []


def test_an_error_is_put_out_without_colours(student: WarmStudent) -> None:
    (error,) = student.run("def f(): return 1 / 0\nf()", seconds=SECONDS).outputs
    assert error["ename"] == "ZeroDivisionError" and "\x1b" not in "".join(error["traceback"])
    assert "return 1 / 0" in "".join(error["traceback"])


def test_await_and_magics_work(student: WarmStudent) -> None:
    assert outputs(student, "import asyncio\nawait asyncio.sleep(0, 5)") == [{"text/plain": "5"}]
    assert "loop" in outputs(student, "%timeit -n1 -r1 1")[0]
    assert outputs(student, "%matplotlib inline") == []


def test_what_jupyter_offers_is_there(student: WarmStudent) -> None:
    assert outputs(student, "_ = 3\nget_ipython().__class__.__name__, In[-1] != '', __name__") == [
        {"text/plain": "('Shell', True, '__main__')"}
    ]
    assert student.run("exit()", seconds=SECONDS).outcome == Returned(None)
    assert outputs(student, "import inspect\ndef f(): return 1\nprint(inspect.getsource(f))") == [
        "def f(): return 1\n\n"
    ]


def test_a_shell_command_is_an_error_and_the_notebook_goes_on(student: WarmStudent) -> None:
    assert isinstance(student.run("!pip install numpy", seconds=SECONDS).outcome, Raised)
    assert outputs(student, "2") == [{"text/plain": "2"}]


def test_otter_is_quiet_too(student: WarmStudent) -> None:
    source = 'import otter\ngrader = otter.Notebook("kernel.ipynb")\ngrader.check_all()\ngrader.check("f")'
    assert outputs(student, source) == []


def test_check_cells_run_quietly(student: WarmStudent) -> None:
    source = "from autograder.client import check, example, hint\nfrom autograder import check as again\n"
    assert outputs(
        student, source + "def f(): pass\ncheck(f)\nhint(f); again(f)\nx = example(f)\nlist(x), x.shape[0]"
    ) == [{"text/plain": "([], )"}]


def test_the_engine_itself_is_not_there(student: WarmStudent) -> None:
    for name in ("author", "sheet", "judge", "grade", "secret"):
        outcome = student.run(f"import autograder.{name}", seconds=SECONDS).outcome
        assert isinstance(outcome, Raised) and outcome.type == "ModuleNotFoundError"


def test_output_is_cut_with_a_closing_line(student: WarmStudent) -> None:
    for flood in ("print('x' * 10**7)", "for i in range(10**5): print(i)", "for i in range(10**4): display(i)"):
        *_, last = shown = outputs(student, flood)
        assert last == "[The output was cut here: a cell may put out 64 KB.]\n"
        assert sum(len(str(o)) for o in shown) < 80_000
    assert outputs(student, "1") == [{"text/plain": "1"}]


def test_a_cell_that_redraws_its_output_keeps_the_last(student: WarmStudent) -> None:
    source = (
        "from IPython.display import clear_output\nfor i in range(200):\n    clear_output()\n    print('x' * 1000, i)"
    )
    assert outputs(student, source) == ["x" * 1000 + " 199\n"]


def test_nothing_a_call_prints_reaches_a_cell(student: WarmStudent) -> None:
    student.run(
        "import sys\nout = sys.stdout\ndef f(x):\n    print(x); out.write('secret'); display(x); 1 / 0", seconds=SECONDS
    )
    student.call("f", Call((41.5,)), seconds=SECONDS)
    assert outputs(student, "1") == [{"text/plain": "1"}]


def test_a_system_exit_in_a_cell_is_raised(student: WarmStudent) -> None:
    outcome = student.run("raise SystemExit(3)", seconds=SECONDS).outcome
    assert isinstance(outcome, Raised) and outcome.type == "SystemExit"


def test_an_exception_that_cannot_be_printed_is_raised_all_the_same(student: WarmStudent) -> None:
    outcome = student.run(
        "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd", seconds=SECONDS
    ).outcome
    assert isinstance(outcome, Raised)
    assert outputs(student, "1") == [{"text/plain": "1"}]


def test_source_of_any_length_arrives_whole(student: WarmStudent) -> None:
    assert outputs(student, "#" + "x" * 200_000 + "\n3") == [{"text/plain": "3"}]


@pytest.mark.parametrize(
    ("outputs", "why"),
    [("b'x' * 10**7", "flood"), ("b'junk'", "protocol"), ("b'[1]'", "protocol"), ("b'{}'", "protocol")],
)
def test_outputs_that_a_rebuilt_shell_makes_up_are_refused(student: WarmStudent, outputs: str, why: str) -> None:
    source = f"from autograder.records import Returned\nget_ipython().run = lambda *a, **k: ({outputs}, Returned(None))"
    assert student.run(source, seconds=SECONDS).outcome == Returned(None)
    outcome = student.run("1", seconds=SECONDS).outcome
    assert isinstance(outcome, Lost) and outcome.why == why
