"""The invariants, each shown to fail when it should, on courses of one small chapter, by the wording of messages."""

import ast
import json
import textwrap
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from autograder.course import Chapter, load_chapter, load_course
from autograder.records import Call, Tolerance, Transform
from autograder.verify import Progress, verify
from autograder.verify.agree import difference_quotients, stacked, unstacked
from autograder.verify.kill import alarm
from autograder.verify.mutate import mutants
from autograder.verify.table import progress, show
from autograder.verify.trial import ratio

SOLUTION = '''
import jax.numpy as jnp
from jaxtyping import Array, Float

def dist(x: Float[Array, "n"], y: Float[Array, "n"]) -> Float[Array, ""]:
    """The squared distance."""
    return jnp.sum((x - y) ** 2)
'''
CHAPTER = '''
# %% tags=["author"]
import jax.numpy as jnp
import numpy as np
from autograder.author import Tolerance, close, exercise, given
from solutions import demo

# %%
dist = exercise(demo.dist, points=2)
dist.probe("three", n=3)
dist.probe("five", n=5, hidden=True)
dist.probe("seven", n=7, hidden=True)

@dist.mistake
def not_squared(x, y):
    """You summed the absolute values, but the squares are asked for."""
    return jnp.sum(jnp.abs(x - y))

@dist.alternate
def by_product(x, y):
    return (x - y) @ (x - y)

@dist.oracle
def of_numpy(x, y):
    return np.linalg.norm(np.asarray(x) - np.asarray(y)) ** 2
'''


def demo(folder: Path, chapter: str = CHAPTER, solution: str = SOLUTION) -> Chapter:
    """A course with one chapter, loaded."""
    for name, text in (
        ("source/course.toml", 'name = "demo"\n[chapters.demo]\n'),
        ("source/demo.py", chapter.lstrip()),
        ("solutions/demo.py", solution.lstrip()),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return load_chapter(load_course(folder), "demo")


def found(chapter: Chapter, *, seeds: int = 2) -> list[tuple[int, str]]:
    return [(b.invariant, b.message) for b in verify(chapter, seeds=seeds, processes=0).findings]


def test_a_good_chapter_is_fine(tmp_path):
    report = verify(demo(tmp_path), seeds=3, processes=0)
    assert report.findings == ()
    assert report.ok
    (row,) = report.rows
    assert (row.visible, row.hidden, row.mistakes, row.caught, row.hinted) == (1, 2, 1, 1, 1)
    assert (row.alternates, row.accepted, row.oracle, row.seeds) == (1, 1, "of_numpy", 3)
    assert row.mutants == row.killed > 4
    assert row.worst < 1


# ---- 1: the reference -------------------------------------------------------------------------------------------


def test_a_wrong_oracle(tmp_path):
    wrong = CHAPTER.replace("np.asarray(y)) ** 2", "np.asarray(y))")
    chapter = demo(tmp_path, wrong)
    (breach,) = verify(chapter, seeds=1, processes=0).findings[:1]
    assert breach.invariant == 1
    assert breach.message.startswith("On 'three', the reference's answer is ")
    assert breach.message.endswith("The oracle of_numpy says so: one of the two is wrong.")
    assert Path(breach.file).read_text().splitlines()[breach.line - 1] == "@dist.oracle"


def test_an_oracle_that_raises(tmp_path):
    raising = CHAPTER.replace("return np.linalg.norm(", "raise ValueError('no') or (")
    assert (1, "The oracle of_numpy fails on 'three' (ValueError: no), but should answer.") in found(
        demo(tmp_path, raising)
    )


def test_a_number_by_hand_that_differs(tmp_path):
    by_hand = CHAPTER + '\ndist.case("by hand", jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0]), expect=5.0)\n'
    assert (1, "On 'by hand', the reference's answer is 4, but should be 5. That number was given by `expect=`.") in (
        found(demo(tmp_path, by_hand))
    )


def test_value_checks_without_evidence(tmp_path):
    unproven = CHAPTER[: CHAPTER.index("@dist.oracle")]
    (message,) = [m for i, m in found(demo(tmp_path, unproven)) if i == 1]
    assert message == (
        "dist has value checks but nothing to check the reference against, but should have an oracle: write an "
        "independent way to the answer under @dist.oracle, or give a case `expect=`."
    )


def test_a_reference_that_breaks_its_law(tmp_path):
    law = (
        CHAPTER
        + '\n@dist.law(hidden=True)\ndef odd(f, rng):\n    """It is negative."""\n'
        + "    return f(*rng.normal(size=(2, 3))) < 0\n"
    )
    assert (
        1,
        "The reference loses the points of 'It is negative.', but should pass it: This should hold: It is negative.",
    ) in found(demo(tmp_path, law))


def test_a_reference_that_raises_is_told_with_the_line_of_the_check(tmp_path):
    chapter = demo(tmp_path, solution=SOLUTION.replace("return ", "return undefined + "))
    (breach,) = verify(chapter, seeds=1, processes=0).findings
    assert breach.message == "The reference dist fails on 'three': NameError: name 'undefined' is not defined"
    assert Path(breach.file).read_text().splitlines()[breach.line - 1] == 'dist.probe("three", n=3)'


def test_a_reference_that_changes_its_argument(tmp_path):
    solution = SOLUTION.replace("    return", "    x = x.at[0].set(0)\n    return")
    assert found(demo(tmp_path, solution=solution))[0][0] == 1


def test_a_gradient_is_checked_by_finite_differences(tmp_path):
    solution = SOLUTION.replace(
        "return jnp.sum((x - y) ** 2)", "return jnp.sum(jax.lax.stop_gradient(x - y) * (x - y))"
    )
    chapter = CHAPTER + '\ndist.probe("its gradient", n=4, grad=0, hidden=True)\n'
    messages = found(demo(tmp_path, chapter, "import jax\n" + solution.lstrip()))
    (message,) = [m for i, m in messages if i == 1]
    assert message.startswith(
        "On 'its gradient', the reference's gradient has the right shape, but 4 of 4 entries differ."
    )
    assert message.endswith("Finite differences of the reference say so.")


# ---- 2: free points ---------------------------------------------------------------------------------------------


def test_free_points(tmp_path):
    chapter = CHAPTER.replace('dist.probe("three", n=3)', 'dist.case("alike", jnp.ones(2), jnp.ones(2), weight=5)')
    (message,) = [m for i, m in found(demo(tmp_path, chapter)) if i == 2]
    assert message == (
        "Free points: a function that answers zeros (or False) earns 1.43 of 2 points, but should earn at most half. "
        "It passes 'alike': give the other checks more weight, or add some."
    )


def test_a_starter_that_earns_points(tmp_path):
    keeping = '\n@dist.law(hidden=True)\ndef anything(f, rng):\n    """Anything goes."""\n    return True\n'
    bare = CHAPTER[: CHAPTER.index('dist.probe("three"')] + keeping
    assert (2, "The untouched starter earns 2 points, but should earn none.") in found(demo(tmp_path, bare))


# ---- 3: mistakes ------------------------------------------------------------------------------------------------


def test_a_mistake_that_nothing_catches(tmp_path):
    harmless = CHAPTER.replace("return jnp.sum(jnp.abs(x - y))", "return jnp.sum(jnp.abs(x - y) ** 2)")
    assert (
        3,
        "The mistake not_squared earns 2 of 2 points, but should lose some: no check tells it from the reference. Add "
        "a hidden probe on which it is wrong.",
    ) in found(demo(tmp_path, harmless))


def test_a_mistake_that_only_visible_checks_catch(tmp_path):
    visible = CHAPTER.replace("return jnp.sum(jnp.abs(x - y))", "return jnp.sum((x - y) ** 2) + (x.shape[0] == 3)")
    (message,) = [m for i, m in found(demo(tmp_path, visible)) if i == 3]
    assert message == (
        "The mistake not_squared earns 1.33 of 2 points, but should lose points through a hidden check too: visible "
        "checks alone catch it, whose answers ship with the notebook. Add a hidden probe on which it is wrong."
    )


def test_a_mistake_that_one_hidden_check_shows(tmp_path):
    once = CHAPTER.replace('dist.probe("seven", n=7, hidden=True)', "")
    assert (
        3,
        "The mistake not_squared receives no hint, but should receive its own: 1 hidden check shows it, and a hint "
        "needs 2. Add a hidden probe on which it is wrong.",
    ) in found(demo(tmp_path, once))


def test_two_mistakes_with_the_same_answers(tmp_path):
    twin = CHAPTER + '\n@dist.mistake\ndef in_a_loop(x, y):\n    """The squares."""\n    return sum(abs(x - y))\n'
    messages = [m for i, m in found(demo(tmp_path, twin)) if i == 3]
    assert messages[0] == (
        "The mistake not_squared receives no hint, but should receive its own: in_a_loop would give the same answers. "
        "Add a hidden probe on which they differ, or make them one mistake."
    )
    assert len(messages) == 2


def test_a_mistake_that_receives_another_hint(tmp_path):
    unstable = CHAPTER.replace(
        "return jnp.sum(jnp.abs(x - y))", "return jnp.sum(jnp.abs(x - y)) + (x.dtype == 'float32')"
    )
    (message,) = [m for i, m in found(demo(tmp_path, unstable)) if i == 3]
    assert message.startswith(
        "The mistake not_squared receives no hint, but should receive its own: in single precision it answers 'three' "
        "differently from what the sheet expects of it."
    )


# ---- 4 and 5 ----------------------------------------------------------------------------------------------------


def test_an_alternate_that_loses_points(tmp_path):
    failing = CHAPTER.replace("return (x - y) @ (x - y)", "return (x - y) @ (x - y) * (x.shape[0] < 7)")
    chapter = demo(tmp_path, failing)
    (breach,) = [b for b in verify(chapter, seeds=2, processes=0).findings if b.invariant == 4]
    assert breach.message.startswith(
        "The alternate by_product earns 1.33 of 2 points on 2 of 2 seeds, but should earn all. On seed 0, 'seven': "
        "your answer is 0, but should be "
    )
    assert Path(breach.file).read_text().splitlines()[breach.line - 1] == "@dist.alternate"


RIDGE = '''
import jax.numpy as jnp
from jaxtyping import Array, Float

def fit(K: Float[Array, "n n"], y: Float[Array, "n"], lam: float) -> Float[Array, "n"]:
    """The weights of kernel ridge regression."""
    return jnp.linalg.solve(K + lam * jnp.eye(len(y)), y)
'''


def test_a_tolerance_that_single_precision_cannot_meet(tmp_path):
    chapter = """
# %% tags=["author"]
import numpy as np
from autograder.author import Tolerance, exercise
from solutions import demo

def smooth(rng, n):
    x = rng.normal(size=(n, 2))
    return np.exp(-0.1 * ((x[:, None] - x) ** 2).sum(-1))

# %%
fit = exercise(demo.fit, points=2, draw={"K": smooth}, tolerance=Tolerance(rtol=1e-4))
fit.probe("sixty molecules", n=60, lam=1e-4)
fit.probe("six molecules", n=6, lam=0.5, hidden=True)

@fit.oracle
def of_numpy(K, y, lam):
    return np.linalg.solve(np.asarray(K) + lam * np.eye(len(y)), y)
"""
    messages = found(demo(tmp_path, chapter, RIDGE))
    (message,) = [m for i, m in messages if i == 5]
    assert message.startswith("On 'sixty molecules', the reference in single precision is off by ")
    assert message.endswith(
        "times the tolerance, but should stay within it: a correct answer would lose points. Draw better-conditioned "
        "inputs, or give this check a wider tolerance=Tolerance(rtol=..., atol=...)."
    )
    assert not [m for i, m in messages if i == 1], "rounding is told once"


@pytest.mark.parametrize(
    ("answer", "expected", "share"),
    [
        (1.5, 1.0, 0.5),
        ([1.0, 3.0], (1.0, 1.0), 2.0),
        ({"a": 2.0}, {"a": 1.0}, 1.0),
        ({}, {"a": 1.0}, float("inf")),
        (float("nan"), float("nan"), 0.0),
        (float("nan"), 1.0, float("inf")),
        (float("inf"), float("inf"), 0.0),
        (True, False, float("inf")),
        ([1.0], (1.0, 1.0), float("inf")),
        ("a", "a", 0.0),
        (None, 1.0, float("inf")),
    ],
)
def test_the_share_of_the_tolerance(answer, expected, share):
    assert ratio(answer, expected, Tolerance(rtol=0, atol=1)) == share


# ---- 6: leaks ---------------------------------------------------------------------------------------------------


def test_a_leak_is_a_finding(tmp_path):
    report = verify(demo(tmp_path), seeds=1, processes=0, leaks=lambda c: [f"{c.name}.json holds it"])
    assert [(b.exercise, b.invariant, b.message) for b in report.findings] == [("demo", 6, "demo.json holds it")]


# ---- 7: mutants -------------------------------------------------------------------------------------------------

CLAMPED = SOLUTION.replace("jnp.sum((x - y) ** 2)", "jnp.maximum(jnp.sum((x - y) ** 2), 0)")
SURVIVOR = "return jnp.maximum(jnp.sum((x - y) ** 2), 0) -> return jnp.sum((x - y) ** 2)"


def test_a_mutant_that_survives(tmp_path):
    chapter = demo(tmp_path, solution=CLAMPED)
    breaches = [b for b in verify(chapter, seeds=1, processes=0).findings if b.invariant == 7]
    (breach,) = [b for b in breaches if SURVIVOR in b.message]
    assert breach.message == (
        f"This change goes unnoticed: {SURVIVOR}. It should lose points: add a hidden probe or case on which the two "
        f'differ. If it is just as right, say so: dist.equivalent({SURVIVOR!r}, because="...")'
    )
    assert breach.file.endswith("solutions/demo.py")
    assert "jnp.maximum" in Path(breach.file).read_text().splitlines()[breach.line - 1]


def test_a_mutant_marked_equivalent_is_no_finding(tmp_path):
    marked = CHAPTER + f'\ndist.equivalent({SURVIVOR!r}, because="a sum of squares is never negative")\n'
    report = verify(demo(tmp_path, marked, CLAMPED), seeds=1, processes=0)
    assert SURVIVOR not in " ".join(b.message for b in report.findings if "unnoticed" in b.message)
    assert report.rows[0].equivalent == 1


def test_a_marking_that_matches_no_survivor(tmp_path):
    marked = CHAPTER + '\ndist.equivalent("return x -> return y", because="once")\n'
    assert found(demo(tmp_path, marked)) == [
        (
            7,
            "dist.equivalent('return x -> return y') matches no surviving mutant, but should be the text of one: the "
            "reference or its checks changed since. Take the marking out, or copy the text anew.",
        )
    ]


def test_a_mutant_that_never_ends_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.verify.kill.SECONDS", 0.2)
    solution = SOLUTION.replace(
        "    return jnp", "    i = 0\n    while i < 3:\n        i += 1\n    return jnp"
    )  # `i += 1 -> i -= 1` never ends
    texts = [m.text for m in mutants(ast.parse(solution), {"jnp"})]
    assert "i += 1 -> i -= 1" in texts
    unnoticed = [m for i, m in found(demo(tmp_path, solution=solution), seeds=1) if i == 7]
    assert not [m for m in unnoticed if "i -= 1" in m]


def test_the_alarm_ends_python_code():
    with pytest.raises(BaseException, match=r"^$") as caught, alarm(0.05):
        while True:
            pass
    assert type(caught.value).__name__ == "OutOfTime"


def test_helpers_of_the_reference_are_mutated_too(tmp_path):
    solution = SOLUTION.replace("def dist", "def square(x):\n    return x * x\n\ndef dist").replace(
        "(x - y) ** 2", "square(x - y)"
    )
    report = verify(demo(tmp_path, solution=solution), seeds=1, processes=0)
    plain = verify(demo(tmp_path / "plain"), seeds=1, processes=0)
    assert report.ok
    assert report.rows[0].mutants != plain.rows[0].mutants


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return A @ b", "return b @ A"),
        ("return a < b", "return a <= b"),
        ("return a < b", "return a > b"),
        ("return a == b", "return a != b"),
        ("return x + 1", "return x - 1"),
        ("return x + 1", "return x + 2"),
        ("return x + 1", "return x + 0"),
        ("return jnp.sum(x, axis=0)", "return jnp.mean(x, axis=0)"),
        ("return jnp.sum(x, axis=0)", "return jnp.sum(x, axis=1)"),
        ("return jnp.sum(x, axis=-1)", "return jnp.sum(x, axis=-2)"),
        ("return jnp.sum(x, axis=0)", "return jnp.sum(x)"),
        ("return jnp.sum(x, axis=0)", "return x"),
        ("return x.sum(axis=0)", "return x"),
        ("return X.T @ y", "return X @ y"),
        ("return -x", "return x"),
        ("return f(a, b)", "return f(b, a)"),
        ("return (a, b)", "return (b, a)"),
        ("return a and b", "return a or b"),
        ("return not a", "return a"),
        ("return True", "return False"),
        ("return x[:n]", "return x[n:]"),
        ("return x[0]", "return x[-1]"),
        ("return x.shape[0]", "return x.shape[1]"),
        ("return a if b else c", "return c if b else a"),
    ],
)
def test_mutants(before, after):
    tree = ast.parse(f'def f(x):\n    """Says it."""\n    {before}\n')
    made = list(mutants(tree, {"jnp"}))
    assert f"{before} -> {after}" in [m.text for m in made]
    assert all(m.line == 3 for m in made)
    assert len({m.source for m in made}) == len(made)
    assert made == list(mutants(tree, {"jnp"}))


@pytest.mark.parametrize(
    "body",
    ['"""1 + 1"""', "raise ValueError(1 + 1)", "import numpy", "return x.shape[0] is x"],
)
def test_what_is_not_mutated(body):
    tree = ast.parse(f"@partial(jit, 1)\ndef f(x: 1, y=2) -> 3:\n    {body}\n    return x\n")
    texts = [m.text for m in mutants(tree, ())]
    assert [t for t in texts if "is not" not in t and "shape[1]" not in t] == []


def test_a_statement_may_be_dropped():
    tree = ast.parse("def f(x):\n    x = x + y\n    if a:\n        x += 1\n    return x\n")
    texts = [m.text for m in mutants(tree, ())]
    assert {"x = x + y -> pass", "x += 1 -> pass", "if a: -> if not a:"} <= set(texts)


# ---- 8: seeds ---------------------------------------------------------------------------------------------------


def test_a_verdict_that_depends_on_the_seed(tmp_path):
    chance = CHAPTER.replace(
        "return jnp.sum(jnp.abs(x - y))", "return jnp.sum(jnp.abs(x - y) ** 2) * jnp.where(x[0] > 0, 1, 2)"
    )
    messages = [m for i, m in found(demo(tmp_path, chance), seeds=6) if i == 8]
    (message,) = messages
    assert message.startswith("The mistake not_squared earns ")
    assert " of 6 seeds, but should fare the same on all: seed " in message
    assert message.endswith(
        "Draw inputs on which it is always wrong, or always right, by more than the tolerance; a law may be drawn "
        "several times with draws=."
    )


def test_an_alternate_that_fails_on_some_seeds(tmp_path):
    chance = CHAPTER.replace("return (x - y) @ (x - y)", "return (x - y) @ (x - y) * jnp.where(x[0] > 0, 1, 2)")
    (message,) = [m for i, m in found(demo(tmp_path, chance), seeds=4) if i == 4]
    assert message.startswith("The alternate by_product earns ")
    assert " of 4 seeds, but should earn all. On seed " in message


# ---- oracles of transforms --------------------------------------------------------------------------------------


def test_a_mapped_call_becomes_single_calls():
    import numpy as np

    call = Call((np.arange(6).reshape(2, 3), 5.0), transform=Transform("vmap", (0, None)))
    singles = unstacked(call, call.transform)
    assert [s.args[0].tolist() for s in singles] == [[0, 1, 2], [3, 4, 5]]
    assert all(s.args[1] == 5.0 and s.transform is None for s in singles)
    assert stacked([(1, np.ones(2)), (2, np.ones(2))])[1].shape == (2, 2)


def test_finite_differences():
    import numpy as np

    call = Call((np.array([1.0, 2.0], np.float32), 3.0), transform=Transform("grad", (0,)))
    slope = difference_quotients(lambda x, a: a * (x**2).sum(), call, {})
    np.testing.assert_allclose(slope, [6, 12], rtol=1e-7)


def test_a_class_is_compared_with_its_oracle_step_by_step(tmp_path):
    solution = '''
import jax.numpy as jnp
from jaxtyping import Array, Float

class Centre:
    """Remembers a mean and subtracts it."""

    def __init__(self, scale: float):
        self.scale = scale

    def fit(self, X: Float[Array, "n d"]) -> "Centre":
        self.mean = jnp.mean(X, axis=0)
        return self

    def transform(self, X: Float[Array, "m d"]) -> Float[Array, "m d"]:
        return (X - self.mean) * self.scale
'''
    chapter = """
# %% tags=["author"]
import numpy as np
from autograder.author import exercise
from solutions import demo

# %%
Centre = exercise(demo.Centre, points=1)
Centre.probe("five", scale=2.0, n=5, m=3, d=2, then=("fit", "transform"))
Centre.probe("six", scale=3.0, n=6, m=4, d=3, then=("fit", "transform"), hidden=True)

@Centre.oracle
class Other:
    def __init__(self, scale):
        self.scale = scale

    def fit(self, X):
        self.mean = np.asarray(X).sum(0) / len(X)

    def transform(self, X):
        return np.asarray(X) * self.scale - self.mean * self.scale
"""
    report = verify(demo(tmp_path, chapter, solution), seeds=2, processes=0)
    assert report.findings == ()
    assert report.rows[0].oracle == "Other"
    wrong = demo(tmp_path / "wrong", chapter.replace("/ len(X)", "/ 2"), solution)
    assert [b.invariant for b in verify(wrong, seeds=1, processes=0).findings] == [1]


# ---- the report -------------------------------------------------------------------------------------------------


def test_the_report_is_json_with_a_schema(tmp_path):
    document = json.loads(json.dumps(verify(demo(tmp_path), seeds=1, processes=0).as_json(), allow_nan=False))
    assert document.keys() == {"schema", "chapter", "engine", "ok", "seeds", "seconds", "exercises", "findings"}
    assert document["ok"] is True
    assert document["exercises"][0]["name"] == "dist"


def test_the_table_names_findings_and_places(tmp_path):
    harmless = CHAPTER.replace("return jnp.sum(jnp.abs(x - y))", "return jnp.sum(jnp.abs(x - y) ** 2)")
    report = verify(demo(tmp_path, harmless), seeds=1, processes=0)
    console = Console(width=200, record=True, file=StringIO())
    show(console, report, root=tmp_path)
    text = console.export_text()
    assert "3 dist source/demo.py:13" in text
    assert "The mistake not_squared earns 2 of 2 points" in text
    assert "1 finding in demo" in text


def test_progress_counts_seeds_and_mutants(tmp_path):
    steps: list[Progress] = []
    report = verify(demo(tmp_path), seeds=2, processes=0, progress=steps.append)
    assert steps[-1].done == steps[-1].total == 2 + report.rows[0].mutants
    assert {s.stage.partition(" ")[0] for s in steps} == {"seeds", "mutants", "mutant"}
    with progress(Console(quiet=True)) as told:
        for step in steps:
            told(step)


@pytest.mark.slow
def test_processes_find_the_same(tmp_path):
    chapter = demo(tmp_path, solution=CLAMPED)
    here, there = (verify(chapter, seeds=2, processes=n) for n in (0, 1))
    assert here.findings == there.findings
    assert not here.ok


@pytest.mark.slow
def test_native_code_that_never_ends_is_ended_with_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.verify.pool.HUNG", 3.0)
    solution = "import jax\n" + SOLUTION.lstrip().replace(
        "    return jnp.sum",
        "    start = jax.lax.while_loop(lambda i: i < 1.5, lambda i: jnp.sqrt(i + 1.0), 0.0)\n"
        "    return 0 * start + jnp.sum",
    )
    report = verify(demo(tmp_path, solution=solution), seeds=1, processes=1)
    assert not [b for b in report.findings if "i < 2.5" in b.message or "i + 0.0" in b.message]
    assert report.rows[0].mutants > 10
