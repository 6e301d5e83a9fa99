"""Which libraries a submission's worker begins with, and that a submission cannot tell."""

import time
from pathlib import Path

import pytest

from autograder.errors import OurError
from autograder.frameworks import SHARED, frameworks_of, likely_frameworks
from autograder.records import NO_FRAMEWORKS, Call, Frameworks, Limits, Returned
from autograder.sandbox import pool
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.sandbox.server import Server

JAX_KERAS = 'import os\nos.environ["KERAS_BACKEND"] = "jax"\nimport keras\n'


@pytest.mark.parametrize(
    ("cells", "libraries", "backend"),
    [
        (["import jax\nimport numpy as np"], (), ""),
        (["x = 1", "  from keras import layers"], ("keras",), ""),
        ([JAX_KERAS], ("keras",), "jax"),
        (['import os\nos.environ.setdefault("KERAS_BACKEND", "jax")', "import keras"], ("keras",), "jax"),
        (["%env KERAS_BACKEND=jax", "import keras"], ("keras",), "jax"),
        ([JAX_KERAS, "import tensorflow as tf"], ("tensorflow", "keras"), "jax"),
        (["import torch", "import tensorflow as tf"], ("torch", "tensorflow"), ""),
        (["import torch"], ("torch",), ""),
        # What is said after Keras has been imported comes too late.
        (["import keras", JAX_KERAS], ("keras",), ""),
        (
            ["# mine\nimport tensorflow as tf\n\nfrom keras import layers\nx = 1", JAX_KERAS],
            ("tensorflow", "keras"),
            "",
        ),
        # Where the backend is not certain, nothing that would settle it is loaded.
        (["import tensorflow", JAX_KERAS], (), ""),
        (["1 / 0\nimport keras", JAX_KERAS], (), ""),
        (["if False:\n    import keras", JAX_KERAS], (), ""),
        (['"""\nimport keras\n"""', JAX_KERAS], (), ""),
        ([JAX_KERAS, JAX_KERAS.replace("jax", "tensorflow")], (), ""),
        (['name = "jax"\nos.environ["KERAS_BACKEND"] = name\nimport keras'], (), ""),
        ([JAX_KERAS.replace("jax", "/etc/passwd")], (), ""),
        ([JAX_KERAS.replace('"jax"', '"nonsense"'), "import torch"], ("torch",), ""),
    ],
)
def test_libraries_are_read_off_the_cells(cells: list[str], libraries: tuple[str, ...], backend: str) -> None:
    assert frameworks_of(cells) == Frameworks(libraries, backend)


@pytest.mark.parametrize(
    ("cell", "also"),
    [
        ("from sklearn.base import BaseEstimator", "sklearn.base"),
        ("from sklearn import metrics, linear_model as lm", "sklearn.linear_model sklearn.metrics"),
        ("import scipy.stats as st, pandas as pd", "pandas scipy.stats"),
        ("def f():\n    from sklearn.metrics import r2_score", "sklearn.metrics"),
        ("from sklearn.utils.validation import (\n    check_is_fitted,\n)", "sklearn.utils.validation"),
        ("import sklearn.base, os", " ".join(sorted(name for name in SHARED if name.startswith("sklearn.")))),
        ("from sklearn.experimental import enable_halving_search_cv\nimport antigravity, scipy.test", ""),
        ("import solutions.kernel, autograder.sheet", ""),
        ("print('import pandas')", ""),
    ],
)
def test_which_modules_others_may_share(cell: str, also: str) -> None:
    found = frameworks_of([cell])
    assert found.also == tuple(also.split())
    assert found == NO_FRAMEWORKS  # it takes no fork server of its own


def test_what_shows_something_is_not_loaded_where_nobody_looks() -> None:
    cells = [
        "import jax",
        "@reward\ndef search():\n    import pandas\n\n    import scipy.stats\nfrom sklearn.base import clone\n",
    ]
    assert likely_frameworks(cells, shown=False).also == ("sklearn.base",)
    assert likely_frameworks(cells, shown=True).also == ("pandas", "scipy.stats", "sklearn.base")
    many = ["@reward\ndef " + "\n" * 200_000 + "x", "@reward\ndef f():\n" + " \n" * 200_000]
    begin = time.monotonic()
    assert likely_frameworks(many, shown=False) == NO_FRAMEWORKS and time.monotonic() - begin < 5


@pytest.fixture(scope="module")
def sandbox():
    with open_sandbox() as made:
        yield made


def answer(sandbox: WarmSandbox, frameworks: Frameworks, *cells: str) -> object:
    with sandbox.open(Limits(), frameworks=frameworks) as student:
        for cell in cells:
            assert student.run(cell, seconds=60).outcome == Returned(None)
        outcome = student.call("f", Call(()), seconds=20)
        assert isinstance(outcome, Returned), outcome
        return outcome.value


def test_a_worker_begins_with_what_its_submission_imports(sandbox: WarmSandbox) -> None:
    pytest.importorskip("keras")
    there = "import sys\ndef f(): return 'keras' in sys.modules, 'tensorflow' in sys.modules"
    assert answer(sandbox, frameworks_of([JAX_KERAS]), there) == (True, False)
    assert answer(sandbox, NO_FRAMEWORKS, there) == (False, False)


def test_a_fork_server_loads_what_somebody_imports_for_those_who_come_after() -> None:
    asks = "import sys\ndef f():\n    known = [sys.modules.get(n) for n in ('scipy.stats', 'sklearn.metrics')]\n"
    there = asks + "    return [m is not None and 'norm' in vars(m) or hasattr(m, 'r2_score') for m in known]"
    with open_sandbox() as sandbox:
        assert answer(sandbox, NO_FRAMEWORKS, there) == [False, False]
        assert answer(sandbox, frameworks_of(["import scipy.stats"]), there) == [True, False]
        assert answer(sandbox, frameworks_of(["import sklearn.metrics"]), there) == [True, True]
        assert answer(sandbox, Frameworks(also=("no.such.module", "json")), there) == [True, True]
        assert answer(sandbox, NO_FRAMEWORKS, there) == [True, True]
        (server,) = sandbox._servers.values()
        assert server.opened == 5


def test_what_a_student_leaves_behind_is_not_what_a_fork_server_loads() -> None:
    """A trick: a module of the same name, where the next one's libraries might be looked for."""
    places = ("pandas.py", "/scratch/pandas.py", "/tmp/pandas.py")
    leaves = f"for place in {places}:\n    try: open(place, 'w').write('1 / 0')\n"
    asks = "import pandas\ndef f(): return pandas.__file__"
    with open_sandbox() as sandbox, sandbox.open(Limits()) as student:
        student.run(leaves + "    except OSError: pass", seconds=60)
        found = answer(sandbox, frameworks_of([asks]), asks)
    assert isinstance(found, str) and "-packages" in found


def test_what_is_put_off_is_there_for_who_uses_it(sandbox: WarmSandbox) -> None:
    pytest.importorskip("keras")
    uses = JAX_KERAS + "from scipy import stats\ndef f():\n    keras.wrappers.SKLearnRegressor\n"
    assert answer(sandbox, frameworks_of([JAX_KERAS]), uses + "    return float(stats.norm.cdf(0))") == 0.5


def test_keras_has_the_backend_of_the_submission(sandbox: WarmSandbox) -> None:
    pytest.importorskip("tensorflow")
    asks = "import keras\ndef f(): return keras.config.backend()"
    before = "import tensorflow\nimport keras"
    for cells in ([JAX_KERAS, asks], [asks], [JAX_KERAS, "import tensorflow", asks], [before, JAX_KERAS, asks]):
        assert answer(sandbox, frameworks_of(cells), *cells) == answer(sandbox, NO_FRAMEWORKS, *cells), cells


def test_there_are_never_many_fork_servers(sandbox: WarmSandbox) -> None:
    there = "def f(): return 1"
    for count in range(6):
        assert answer(sandbox, Frameworks((), "jax" * count), there) == 1
    assert len(sandbox._servers) <= pool.MAX_SERVERS


def test_a_library_that_cannot_be_forked_is_imported_by_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(plan, frameworks, *device, **options):
        if frameworks.libraries:
            raise OurError("the fork server has 3 threads, but should have 1")
        return Server(plan, frameworks, *device, **options)

    monkeypatch.setattr(pool, "Server", refusing)
    with open_sandbox() as sandbox:
        with pytest.warns(UserWarning, match="Workers load keras themselves.*3 threads"):
            assert answer(sandbox, Frameworks(("keras",)), "def f(): return 2") == 2
        assert answer(sandbox, Frameworks(("keras",)), "def f(): return 3") == 3  # and nobody is told again


def test_fork_servers_are_renewed_and_the_old_ones_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RECYCLED", 2)
    with open_sandbox() as sandbox:
        with sandbox.open(Limits()) as first:
            old = sandbox._servers[NO_FRAMEWORKS]
            assert [answer(sandbox, NO_FRAMEWORKS, "def f(): return 1") for _ in range(3)] == [1, 1, 1]
            assert sandbox._servers[NO_FRAMEWORKS].pid != old.pid
            assert first.run("x = 1", seconds=20).outcome == Returned(None)  # whoever is at work stays at work
        until = time.monotonic() + 20
        while old.alive and time.monotonic() < until:  # once it is told that its workers have ended
            answer(sandbox, NO_FRAMEWORKS, "def f(): return 1")
        assert not old.alive and not any(s is old for s in sandbox._retired)


@pytest.mark.long
def test_a_thousand_workers_from_one_fork_server_leave_no_trace_in_it() -> None:
    def resident(pid: int) -> int:
        """Kilobytes of the process and all that it started and that still lives."""
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return 0
        own = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        return own + sum(resident(int(child)) for child in children)

    with open_sandbox() as sandbox:
        for number in range(pool.RECYCLED):
            assert answer(sandbox, NO_FRAMEWORKS, f"def f(): return {number}") == number
            if number == 20:
                before = resident(sandbox._servers[NO_FRAMEWORKS].pid)
        server = sandbox._servers[NO_FRAMEWORKS]
        assert server.opened == pool.RECYCLED
        after = resident(server.pid)
        assert before > 100_000 and after < 1.05 * before, (before, after)
        answer(sandbox, NO_FRAMEWORKS, "def f(): return 0")
        assert sandbox._servers[NO_FRAMEWORKS] is not server
