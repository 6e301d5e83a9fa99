"""The same submission gets the same verdicts: whichever seed, order, worker, precision, library or noise."""

import importlib.util
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from honest import CELLS, HALFWAY, IMPORTS, LINE, NEAREST, SQDIST, TABLE, VISITS, plain

from autograder.batch import grade_all
from autograder.course import Chapter, load_chapter, load_course
from autograder.learning import learn, write
from autograder.notebook.read import find
from autograder.records import Graded, Sheet, Submission
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.session import Session

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("fairness")]
TOY = Path(__file__).parents[1] / "toy"
FULL = {"halfway": 2.0, "sqdist": 3.0, "table": 2.0, "nearest": 2.0, "Line": 2.0, "visits": 1.0}
X64 = "jax.config.update('jax_enable_x64', True)"

NOISE = """
import logging, os, sys, warnings
logging.basicConfig(level=logging.DEBUG)
class Bar:
    \"\"\"What a progress bar does: it writes to the standard error, over and over.\"\"\"
    def __init__(self, items): self.items = list(items)
    def __iter__(self):
        for i, item in enumerate(self.items, 1):
            sys.stderr.write(f"\\r{100 * i // len(self.items):3d}%|{'#' * i:<10}| {i}/{len(self.items)} [00:01<00:00]")
            sys.stderr.flush()
            yield item
def noisy(f):
    def g(*args):
        for _ in Bar(range(10)):
            pass
        warnings.warn("careful")
        warnings.warn("old", DeprecationWarning)
        logging.getLogger("absl").error("no GPU found")
        logging.critical("critical")
        print("to stderr", file=sys.stderr)
        os.write(2, b"W0000 cuda_executor.cc:1] as native code writes it\\n")
        print("to stdout")
        return f(*args)
    return g
warnings.warn("at import")
jnp.arange(3, dtype="float64")
"""
NOISY = "halfway, table, nearest, visits = map(noisy, (halfway, table, nearest, visits))"
NUMPY_TABLE = "def table(f, A, B):\n    return np.array([[float(f(a, b)) for b in B] for a in A], {dtype!r})"
ARRAYS = "def halfway(x, z):\n    return ((np.asarray(x) + np.asarray(z)) / 2).astype({dtype!r})"
NUMPY_NEAREST = "def nearest(A, B):\n    A, B = np.asarray(A), np.asarray(B)\n"
NUMPY_NEAREST += "    return ((A[:, None] - B[None]) ** 2).sum(-1).min(1).astype({dtype!r})"
NUMPY_LINE = LINE.replace(
    "        self.w = x", "        x, y = np.asarray(x, {dtype!r}), np.asarray(y, {dtype!r})\n        self.w = x"
)


def numpy(dtype: str) -> tuple[str, ...]:
    written = [part.replace("{dtype!r}", repr(dtype)) for part in (ARRAYS, NUMPY_TABLE, NUMPY_NEAREST, NUMPY_LINE)]
    return (IMPORTS, "import numpy as np", SQDIST, *written, VISITS)


FLUX = """
def halfway(x, z):
    return (flux.convert_to_tensor(np.asarray(x)) + flux.convert_to_tensor(np.asarray(z))) / 2

def table(f, A, B):
    return flux.stack([flux.stack([flux.convert_to_tensor(np.asarray(f(a, b))) for b in B]) for a in A])

def nearest(A, B):
    return np.asarray(table(sqdist, A, B)).min(axis=1)

class Line:
    def __init__(self, lam):
        self.lam = lam
    def fit(self, x, y):
        x, y = flux.convert_to_tensor(np.asarray(x)), flux.convert_to_tensor(np.asarray(y))
        self.w = total(x * y) / (total(x * x) + self.lam)
    def predict(self, x):
        return self.w * flux.convert_to_tensor(np.asarray(x))
"""
TENSORFLOW = "import numpy as np\nimport tensorflow as flux\ntotal = flux.reduce_sum"
KERAS = "import numpy as np\nimport keras\nflux = keras.ops\ntotal = flux.sum"
TORCH = "import numpy as np\nimport torch as flux\nflux.convert_to_tensor = flux.as_tensor\ntotal = flux.sum"
SCIKIT = """
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

class Line:
    def __init__(self, lam):
        self.model = Ridge(alpha=lam, fit_intercept=False)
    def fit(self, x, y):
        self.model.fit(np.asarray(x)[:, None], y)
    def predict(self, x):
        return self.model.predict(np.asarray(x)[:, None])

def nearest(A, B):
    return pairwise_distances(A, B, metric="sqeuclidean").min(axis=1)
"""

SAME: Mapping[str, Sequence[str]] = {
    "jax": CELLS,
    "jax with double precision": (IMPORTS, X64, *CELLS[1:]),
    "jax compiled": (*CELLS, "halfway, sqdist = jax.jit(halfway), jax.jit(sqdist)"),
    "numpy float64": numpy("float64"),
    "numpy float32": numpy("float32"),
    "numpy with double precision of jax": (IMPORTS, X64, *numpy("float64")[1:]),
    "scikit-learn": (*CELLS, SCIKIT),
    "noise": (*CELLS, NOISE, NOISY),
}
LIBRARIES = {"tensorflow": TENSORFLOW, "keras": KERAS, "torch": TORCH}
DOUBLE = FLUX.replace("np.asarray(", "np.float64(")
HEAVY: Mapping[str, Sequence[str]] = {
    **{name: (*CELLS, library, FLUX) for name, library in LIBRARIES.items()},
    **{f"{name} float64": (IMPORTS, X64, *CELLS[1:], library, DOUBLE) for name, library in LIBRARIES.items()},
}
WRONG: Mapping[str, Sequence[str]] = {
    "added": (*CELLS, HALFWAY.replace("/ 2", "")),
    "swapped": (*CELLS, TABLE.replace("for b in B]) for a in A", "for a in A]) for b in B")),
    "not squared": (*CELLS, SQDIST.replace("jnp.sum(", "jnp.sqrt(jnp.sum(") + ")"),
    "the farthest": (*CELLS, NEAREST.replace("jnp.min", "jnp.max")),
    "unfinished": CELLS[:4],
}
CLASS = SAME | WRONG
INSTALLED = {name: cells for name, cells in HEAVY.items() if importlib.util.find_spec(name.split(maxsplit=1)[0])}
Signature = tuple[Any, ...]


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    return load_chapter(load_course(TOY), "toy")


@pytest.fixture(scope="module")
def sheet(chapter: Chapter) -> Sheet:
    return chapter.sheet(b"a secret for fairness")


@pytest.fixture(scope="module")
def inheriting(chapter: Chapter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    """A sandbox whose workers inherit JAX's programs of the chapter, traced, as after `autograder learn`."""
    folder = tmp_path_factory.mktemp("programs")
    programs = learn(chapter)
    assert len(programs) > 10
    write(programs, folder / "toy.programs.json")
    with open_sandbox(programs=folder / "toy.programs.json") as sandbox:
        sandbox.start()
        yield sandbox


@pytest.fixture(scope="module")
def sandboxes(warm: WarmSandbox, inheriting: WarmSandbox) -> Mapping[str, WarmSandbox]:
    return {"without programs": warm, "inheriting them": inheriting}


def submission(name: str, cells: Sequence[str]) -> Submission:
    return Submission(name, name, dict(enumerate(cells)))


def said(graded: Graded) -> Signature:
    """All of the verdicts that must not depend on chance."""
    return tuple(
        (v.name, v.score, v.diagnosis, v.carried_forward, tuple((f.label, f.passed) for f in v.findings))
        for v in graded.verdicts
    )


def verdicts(session: Session, names: Sequence[str]) -> dict[str, Signature]:
    return {name: said(session.grade(submission(name, (CLASS | HEAVY)[name]))) for name in names}


@pytest.fixture(scope="module")
def once(chapter: Chapter, sheet: Sheet, warm: WarmSandbox) -> dict[str, Signature]:
    """The class, one after the other, in workers that compile everything."""
    return verdicts(Session(chapter, sheet, warm), list(CLASS))


@pytest.mark.parametrize("name", SAME)
def test_right_answers_in_any_library_and_precision_earn_everything(once: Any, name: str) -> None:
    assert {v[0]: v[1] for v in once[name]} == FULL
    assert once[name] == once["jax"]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_do_not(once: Any, name: str) -> None:
    assert sum(v[1] for v in once[name]) < 12
    assert {v[0]: v[1] for v in once["added"]} == FULL | {"halfway": 0.0}


@pytest.mark.parametrize("which", ["without programs", "inheriting them"])
@pytest.mark.parametrize("name", HEAVY)
def test_tensors_of_other_libraries_are_values(
    once: Any, chapter: Chapter, sheet: Sheet, sandboxes: Any, name: str, which: str
) -> None:
    pytest.importorskip(name.split(maxsplit=1)[0])  # of PyTorch, nothing but the library itself would prove anything
    graded = Session(chapter, sheet, sandboxes[which]).grade(submission(name, HEAVY[name]))
    assert said(graded) == once["jax"], [f for v in graded.verdicts for f in v.findings if not f.passed]


@pytest.mark.parametrize(
    ("workers", "which"),
    [
        (2, "inheriting them"),  # which also compares all of the class with the other
        pytest.param(1, "inheriting them", marks=pytest.mark.long),
        pytest.param(1, "without programs", marks=pytest.mark.long),
        pytest.param(2, "without programs", marks=pytest.mark.long),
    ],
)
def test_order_workers_and_warmth_change_nothing(
    once: Any, chapter: Chapter, sheet: Sheet, sandboxes: Any, tmp_path: Path, workers: int, which: str
) -> None:
    order = random.Random(f"{workers} {which}").sample(list(CLASS), len(CLASS))
    for name in order:
        path = tmp_path / name / "toy" / "toy.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(plain(CLASS[name])))
    found = find(tmp_path, "toy")
    found.sort(key=lambda pair: order.index(pair[0]))
    results = grade_all(Session(chapter, sheet, sandboxes[which]), found, workers=workers)
    assert {g.student: said(g) for g in results} == once


def test_a_sandbox_that_was_just_opened_says_the_same(once: Any, chapter: Chapter, sheet: Sheet) -> None:
    for name in ("jax", "swapped"):
        with open_sandbox() as cold:
            assert said(Session(chapter, sheet, cold).grade(submission(name, CLASS[name]))) == once[name]


SEEDS = [
    pytest.param([b"seed %d" % n for n in range(2)], id="two seeds"),
    pytest.param([b"seed %d" % n for n in range(20)], id="twenty seeds", marks=pytest.mark.long),
]


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_seed_says_the_same(once: Any, chapter: Chapter, sandboxes: Any, seeds: Sequence[bytes]) -> None:
    """With every other seed in workers that inherit programs; with twenty, all of the class and every library."""
    few = ["jax with double precision", "numpy float32", "added", "not squared"]
    names = [*CLASS, *INSTALLED] if len(seeds) > 2 else few
    for seed, sandbox in zip(seeds, [*sandboxes.values()] * len(seeds), strict=False):
        found = verdicts(Session(chapter, chapter.sheet(seed), sandbox), names)
        assert found == {name: once.get(name, once["jax"]) for name in names}, seed
