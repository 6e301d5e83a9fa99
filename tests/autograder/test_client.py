"""What a student sees in the notebook: every message, what `example` gives, and how hints follow one another."""

import json
import linecache
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sample_chapter

from autograder import client
from autograder.client import Report, check, example, hint
from autograder.client_example import described
from autograder.client_sheet import Trouble, precise, sheets_here
from autograder.records import Call, Check, ExerciseSheet, Given, Key, Sheet
from autograder.wire import to_text

SWAPPED = "def rbf_kernel(x, y, gamma):\n    return jnp.exp(-gamma * jnp.sum((y[:, None] - x[None]) ** 2, axis=-1))"
MISTAKE = "def rbf_kernel(x, y, gamma):\n    return jnp.exp(-gamma * jnp.linalg.norm(x[:, None] - y[None], axis=-1))"
RAISES = "def rbf_kernel(x, y, gamma):\n    d = x - y\n    return jnp.exp(-gamma * d)"
STARTER = 'def rbf_kernel(x, y, gamma):\n    # YOUR CODE HERE\n    raise NotImplementedError("Yours to write.")'
MORE = "4 more checks run after you submit."


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A notebook's folder with the sheet in it, and a student who has seen nothing yet."""
    sample_chapter.write_sheet(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "_session", client.Session())
    return tmp_path


def cell(source, name="rbf_kernel"):
    """The function that a notebook's cell defines."""
    file = f"/tmp/ipykernel_1/{abs(hash(source))}.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"jnp": jnp, "jax": jax, "np": np}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def lines(report):
    return repr(report).splitlines()


# ---- one lesson at a time ---------------------------------------------------------------------------------------


def test_a_right_answer_says_what_is_still_to_come():
    report = check(sample_chapter.rbf_kernel)
    assert report.passed
    assert repr(report) == f"✓ rbf_kernel: 3 of 3 visible checks pass. {MORE}"


def test_without_further_checks_nothing_is_announced():
    assert repr(check(sample_chapter.Scaler)) == "✓ Scaler: 1 of 1 visible check passes."


def test_an_exercise_that_is_checked_only_later_says_so(folder):
    exercise = ExerciseSheet("f", 1.0, {}, (), after_submission=3)
    (folder / "toy.json").write_text(to_text(Sheet("toy", "toy", "Toys", (exercise,))))
    report = check(cell("def f(): pass", "f"))
    assert not report.passed
    assert repr(report) == "i f: there is no check to run here. 3 checks run after you submit."
    with pytest.raises(Trouble, match="f has no visible check, so there is no example of it"):
        example("f")


def test_a_wrong_shape_is_named_with_the_call_that_shows_it():
    report = check(cell(SWAPPED))
    assert not report.passed
    assert lines(report) == [
        "✗ rbf_kernel: not right yet",
        "  four molecules against six",
        '      rbf_kernel(*example("rbf_kernel", 0))',
        "  Your answer has shape (6, 4), but should be (4, 6): one axis each for n, m. The axes are there, in the "
        "opposite order.",
        f"  1 of 3 visible checks passes. {MORE}",
    ]


def test_a_known_mistake_brings_its_hint():
    report = check(cell(MISTAKE))
    assert lines(report)[4] == (
        "  Hint: You exponentiated the distance. The RBF kernel uses its *square*: `jnp.sum((x - y) ** 2)`."
    )
    page = report._repr_html_()
    assert "<details" in page and "<em>square</em>" in page and "<script" not in page


def test_an_exception_is_shown_with_the_line_of_the_cell():
    assert lines(check(cell(RAISES)))[3:] == [
        "  rbf_kernel raised TypeError: sub got incompatible shapes for broadcasting: (4, 3), (6, 3).",
        "  It happened on line 2 of the cell, in rbf_kernel:",
        "      d = x - y",
        f"  0 of 3 visible checks pass. {MORE}",
    ]


def test_a_broken_property_is_shown_once():
    almost = cell("def rbf_kernel(x, y, gamma):\n    if x.shape[0] == 5: return jnp.zeros((5, 5))\n    "
                  "return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))")  # fmt: skip
    assert lines(check(almost))[1:] == [
        "  Every molecule compared with itself scores exactly 1.",
        '      example("rbf_kernel", 2)',
        "  This property does not hold yet. The line above shows it, written as code.",
        f"  2 of 3 visible checks pass. {MORE}",
    ]


def test_an_unwritten_function_is_greeted_kindly():
    report = check(cell(STARTER))
    assert not report.passed
    assert lines(report) == [
        "… rbf_kernel: nothing is written there yet",
        "  3 visible checks wait for your code. Run this cell again once it is written.",
    ]


def test_an_unwritten_class_too():
    body = 'raise NotImplementedError("Yours to write.")'
    source = f"class Scaler:\n    def __init__(self, factor): pass\n    def fit(self, X):\n        {body}"
    assert lines(check(cell(source, "Scaler")))[0] == "… Scaler: nothing is written there yet"


def test_a_function_that_needs_an_unwritten_one_names_it():
    gram = cell(f"{STARTER}\ndef gram(kernel, A, B):\n    return rbf_kernel(A, B, 1.0)", "gram")
    assert lines(check(gram)) == [
        "… gram: waits for another function",
        "  gram calls rbf_kernel, and nothing is written there yet. Write rbf_kernel first.",
        "  0 of 1 visible checks pass. 1 more check runs after you submit.",
    ]


def test_what_jax_cannot_do_is_not_taken_for_a_starter():
    energy = cell("def energy(x):\n    return jax.lax.linalg.schur(jnp.outer(x, x))[0].sum()", "energy")
    assert "raised NotImplementedError: " in repr(check(energy))


def test_a_gradient_can_be_repeated():
    energy = cell("def energy(x):\n    return jnp.sum(x ** 2)", "energy")
    assert lines(check(energy))[2] == '      jax.grad(energy)(*example("energy", 0))'
    np.testing.assert_allclose(jax.grad(energy)(*example("energy", 0)), 2 * example("energy", 0)[0])


def test_mapped_and_compiled_calls_can_be_repeated():
    source = "def energy(x):\n    if x.sum() < 99: return jnp.sum(x ** 2) / 2"
    assert lines(check(cell(source, "energy")))[2] == '      jax.vmap(energy, in_axes=(0,))(*example("energy", 1))'


def test_a_class_can_be_repeated_step_by_step():
    source = (
        "class Scaler:\n    def __init__(self, f): self.f = f\n    def fit(self, X): self.m = X.sum()\n"
        "    def transform(self, X): return self.f * (X - self.m)"
    )
    Scaler = cell(source, "Scaler")
    shown = lines(check(Scaler))
    assert [line.strip() for line in shown[2:6]] == [
        'e = example("Scaler", 0)',
        "model = Scaler(*e)",
        "model.fit(*e.then[0])",
        "model.transform(*e.then[1])",
    ]
    namespace = {"example": example, "Scaler": Scaler}
    exec("\n".join(line.strip() for line in shown[2:6]), namespace)
    assert namespace["model"].f == 2.0


def test_an_argument_that_was_changed_is_named(folder):
    document = json.loads(sample_chapter.visible_text())
    parts = document["tree"]["$r"][1]
    parts["arrays"] = "numpy"
    (folder / "toy.json").write_text(
        '{"tree": ' + json.dumps(document["tree"]) + ', "arrays": "' + document["arrays"] + '"}'
    )
    changing = cell("def rbf_kernel(x, y, gamma):\n    x += 1\n    return x")
    assert "changes its argument 1, but should leave its arguments as they were" in repr(check(changing))


def test_a_message_of_the_student_is_cut_and_cleaned():
    loud = cell("def rbf_kernel(x, y, gamma):\n    raise ValueError('\\x1b[31m<script>' + 'x' * 9000)")
    report = check(loud)
    assert "\x1b" not in repr(report) and len(repr(report)) < 1200
    assert "<script" not in report._repr_html_()


def test_warnings_are_not_failures():
    warning = cell(
        "import warnings\ndef rbf_kernel(x, y, gamma):\n    warnings.warn('old')\n"
        "    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))"
    )
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("error")
        assert check(warning).passed


def test_prints_go_where_prints_go(capsys):
    check(cell("def rbf_kernel(x, y, gamma):\n    print('hello', x.shape)"))
    assert "hello (4, 3)" in capsys.readouterr().out


def test_an_interrupt_is_the_students_own():
    def rbf_kernel(x, y, gamma):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(rbf_kernel)


def test_numpy_answers_are_as_good():
    def rbf_kernel(x, y, gamma):
        x, y = np.asarray(x), np.asarray(y)
        return [[float(np.exp(-gamma * ((a - b) ** 2).sum())) for b in y] for a in x]

    assert check(rbf_kernel).passed


def test_a_report_cannot_be_changed():
    report = check(sample_chapter.rbf_kernel)
    assert isinstance(report, Report)
    with pytest.raises(AttributeError):
        report.passed = False


# ---- what was passed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (lambda: 1, "<lambda> is no exercise of this chapter. Its exercises are rbf_kernel, gram, energy, Scaler."),
        (np.ones(2), "This is 'ndarray' and no function. Name the function itself, without brackets and arguments: "
                     "check(rbf_kernel)."),
        (sample_chapter.Scaler(2.0), "This is an object made from Scaler. Pass the class itself: check(Scaler)."),
        ("gram", "gram is not defined yet. Run the cell where you write it, then this one."),
        ("gran", "gran is no exercise of this chapter. Did you mean gram? Its exercises are rbf_kernel, gram, energy, "
                 "Scaler."),
    ],
)  # fmt: skip
def test_what_is_no_exercise_is_explained(target, said):
    report = check(target)
    assert not report.passed and repr(report) == f"i {said}"


def test_a_renamed_function_gets_a_suggestion():
    assert "rbf_kernal is no exercise of this chapter. Did you mean rbf_kernel?" in repr(
        check(cell(MISTAKE.replace("rbf_kernel", "rbf_kernal"), "rbf_kernal"))
    )


def test_a_function_is_known_by_its_name_in_the_notebook(monkeypatch):
    mine = cell(MISTAKE.replace("rbf_kernel", "mine"), "mine")
    monkeypatch.setattr(sys.modules["__main__"], "rbf_kernel", mine, raising=False)
    assert check(mine).exercise == "rbf_kernel"
    assert check("rbf_kernel").exercise == "rbf_kernel"


def test_the_name_in_the_notebook_counts_more_than_an_old_name(monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "gram", sample_chapter.rbf_kernel, raising=False)
    assert check(sample_chapter.rbf_kernel).exercise == "gram"
    monkeypatch.setattr(main, "rbf_kernel", sample_chapter.rbf_kernel, raising=False)
    assert check(sample_chapter.rbf_kernel).exercise == "rbf_kernel"


def test_compiled_functions_keep_their_name():
    assert check(jax.jit(sample_chapter.rbf_kernel)).passed


def test_without_a_sheet_the_student_learns_where_to_put_it(folder):
    (folder / "toy.json").unlink()
    (folder / "other.json").write_text('{"cells": []}')
    assert repr(check(sample_chapter.rbf_kernel)) == (
        "i There is no sheet of checks beside this notebook. A chapter comes as two files, for example kernel.ipynb "
        f"and kernel.json: put the .json file into the notebook's folder ({folder.name}/) and run this cell again."
    )


def test_two_sheets_of_one_chapter_are_one_too_many(folder):
    sample_chapter.write_sheet(folder, "toy (1).json")
    assert repr(check(sample_chapter.rbf_kernel)) == (
        "i toy (1).json and toy.json both hold rbf_kernel. Keep the newest one in this folder, and move the "
        "others away."
    )


def test_a_damaged_sheet_is_named(folder):
    (folder / "toy.json").write_text(sample_chapter.visible_text()[:500])
    assert repr(check(sample_chapter.rbf_kernel)) == (
        "i toy.json cannot be read. Download it again; if that does not help, the chapter is newer than your "
        "installation: take the package autograder from where your course gives it, too."
    )


def test_a_file_that_holds_other_data_is_no_sheet(folder):
    (folder / "toy.json").write_text(to_text([1, 2]))
    assert "toy.json cannot be read" in repr(check(sample_chapter.rbf_kernel))


def test_a_sheet_is_read_once_and_again_when_it_changes(folder):
    first = sheets_here(folder)
    assert sheets_here(folder)[0] is first[0]
    path = folder / "toy.json"
    path.write_text(path.read_text() + "\n")
    assert sheets_here(folder)[0] is not first[0]


def test_nothing_hidden_is_in_the_sheet(folder):
    text = (folder / "toy.json").read_text()
    assert "seventeen descriptors" not in text and "symmetric" not in text


# ---- example ----------------------------------------------------------------------------------------------------


def test_an_example_unpacks_into_live_arguments():
    x, y, gamma = example("rbf_kernel", 0)
    assert isinstance(x, jax.Array) and x.shape == (4, 3) and y.shape == (6, 3) and gamma == 0.5
    assert sample_chapter.rbf_kernel(*example(sample_chapter.rbf_kernel, 0)).shape == (4, 6)


def test_an_example_shows_the_call_and_the_answer():
    assert repr(example("rbf_kernel", 1)).splitlines() == [
        "two molecules by hand:",
        "rbf_kernel(x, y, gamma)",
        "  x = float32 array of shape (2, 2)   axes n, d",
        "    [[1., 0.],",
        "     [0., 1.]]",
        "  y = float32 array of shape (1, 2)   axes m, d",
        "    [[0., 0.]]",
        "  gamma = 1",
        "should return",
        "  float32 array of shape (2, 1)   axes n, m",
        "    [[0.3679],",
        "     [0.3679]]",
    ]


def test_a_given_helper_is_a_function():
    kernel, A, _ = example("gram")
    assert kernel.__name__ == "lopsided" and jnp.isfinite(kernel(A[0], A[1]))
    assert "  kernel = the function lopsided" in repr(example("gram"))


def test_a_mapped_example_names_its_batch():
    assert "jax.vmap(energy, in_axes=(0,))(x)" in repr(example("energy", 1))
    assert "axes batch, d" in repr(example("energy", 1))


def test_a_key_is_shown_as_it_is_made():
    call = Call((Key(3), [Given("f"), 2], (1.0, None), "text", np.ones((2, 20))))
    exercise = ExerciseSheet("f", 1.0, {}, (Check("drawn", "value", call=call, expected=(np.ones(2), 1.5)),))
    assert described(exercise, exercise.checks[0], call).splitlines() == [
        "drawn:",
        "f()",
        "  argument 1 = jax.random.key(3)",
        "  argument 2 = [the function f, 2]",
        "  argument 3 = (1, None)",
        "  argument 4 = 'text'",
        "  argument 5 = float64 array of shape (2, 20)",
        "should return",
        "  ([1., 1.], 1.5)",
    ]


def test_an_example_of_a_class_holds_the_arguments_of_its_methods():
    shown = example("Scaler")
    assert shown == (2.0,) and len(shown.then) == 2 and shown.then[0][0].shape == (3, 3)
    assert ".fit(X)" in repr(shown) and ".transform(X)" in repr(shown)


def test_an_example_of_a_property_is_its_source():
    shown = example("rbf_kernel", 2)
    assert repr(shown).startswith(
        "# Every molecule compared with itself scores exactly 1.\n# Here the first argument is"
    )
    assert "def self_similarity(k, rng):" in shown and "<pre" in shown._repr_html_()


@pytest.mark.parametrize("index", [7, -1, "0"])
def test_an_unknown_example_lists_the_known_ones(index):
    with pytest.raises(Trouble) as trouble:
        example("rbf_kernel", index)
    assert str(trouble.value) == (
        f"rbf_kernel has no example {index!r}. Choose one of these:\n"
        "  0  four molecules against six\n"
        "  1  two molecules by hand\n"
        "  2  Every molecule compared with itself scores exactly 1."
    )
    assert trouble.value._render_traceback_() == [str(trouble.value)]


def test_an_example_of_nothing_known_is_explained(folder):
    with pytest.raises(Trouble, match=r"gramm is no exercise of this chapter\. Did you mean gram\?"):
        example("gramm")
    (folder / "toy.json").unlink()
    with pytest.raises(Trouble, match="There is no sheet of checks beside this notebook"):
        example("gram")


# ---- hint -------------------------------------------------------------------------------------------------------


def test_hints_come_one_by_one_beginning_with_the_mistake():
    check(cell(MISTAKE))
    first, second, third, after = (repr(hint()).splitlines() for _ in range(4))
    assert first[0] == "i rbf_kernel: a hint"
    assert (
        first[1].startswith("  You exponentiated the distance.") and first[2] == "  2 more: run hint(rbf_kernel) again."
    )
    assert second[1:] == ["  Which axis do you sum over?", "  1 more: run hint(rbf_kernel) again."]
    assert third[1:] == ["  Try two rows by hand.", "  This was the last one."]
    assert after == [
        "i rbf_kernel: There are no more hints for this exercise.",
        '  example("rbf_kernel", 0) shows a call and its answer; your instructor is glad to help, too.',
    ]


def test_without_a_mistake_the_nudges_come_first():
    assert "Which axis do you sum over?" in repr(hint("rbf_kernel"))
    check(cell(MISTAKE))
    assert "You exponentiated" in repr(hint())


def test_a_mistake_that_was_mended_is_forgotten():
    check(cell(MISTAKE))
    check(sample_chapter.rbf_kernel)
    assert "Which axis do you sum over?" in repr(hint())


def test_an_exercise_without_hints_says_so():
    assert "There is no hint for this exercise." in repr(hint(sample_chapter.gram))


def test_a_hint_without_an_exercise_asks_for_one():
    assert repr(hint()) == "i Run check(...) on your function first, or name it here: hint(rbf_kernel)."
    assert "is no exercise" in repr(hint("nothing"))
    assert 'role="status"' in hint()._repr_html_()


# ---- what it costs ----------------------------------------------------------------------------------------------


def test_importing_the_client_loads_no_jax_and_no_author():
    program = (
        "import sys, autograder.client as c; print(c.check(len)); "
        "print([m for m in ('jax', 'autograder.author', 'IPython', 'jaxtyping', 'nbformat') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.splitlines()[-1] == "[]"


def test_products_on_an_accelerator_are_precise(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with precise("jax"):
        assert jax.config.jax_default_matmul_precision == "highest"
    with precise("numpy"):
        assert jax.config.jax_default_matmul_precision is None


@pytest.mark.slow
def test_in_a_real_notebook(folder):
    import nbformat
    from nbclient import NotebookClient

    sources = [
        "import jax.numpy as jnp\nfrom autograder.client import check, example, hint",
        RAISES,
        "check(rbf_kernel)",
        "check('rbf_kernel')",
        "example('rbf_kernel', 99)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, allow_errors=True, resources=resources).execute()
    shown = notebook.cells[2].outputs[-1]["data"]
    assert "It happened on line 2 of the cell, in rbf_kernel:\n      d = x - y" in shown["text/plain"]
    assert 'role="status"' in shown["text/html"]
    assert notebook.cells[3].outputs[-1]["data"]["text/plain"] == shown["text/plain"]
    assert "\n".join(notebook.cells[4].outputs[-1]["traceback"]).startswith("rbf_kernel has no example 99.")
