"""Which functions may keep something from one call to the next, read off their source."""

import pytest

from autograder.records import Limits, Returned
from autograder.remembering import Around, around, look_through

GIVEN = [
    "import numpy as np\nimport jax\nimport jax.numpy as jnp\nfrom functools import partial",
    "try:\n    import matplotlib.pyplot as plt\nexcept ImportError:\n    plt = None",
    "ROWS = {'a': 1}\nX_train = jnp.ones(3)\nSIZE = 3\n\n\ndef molecule(name):\n    return ROWS[name]",
]
SHOWN = ["@reward\ndef picture():\n    plt.plot(rbf(X_train))\n    model = fit(X_train)"]
AROUND = around(tuple(GIVEN), tuple(SHOWN)) or Around()


def may(own: str) -> bool:
    found = look_through([own], AROUND, [])
    return found is None or found[3]


@pytest.mark.parametrize(
    "own",
    [
        "def rbf(x):\n    d = x - 1\n    out = np.zeros(3)\n    out[0] += SIZE\n    return jnp.sum(d * molecule('a'))",
        "GAMMA = -0.5\nNAMES = ('a', 'b')\ndef rbf(x, gamma=GAMMA):\n    return jnp.exp(gamma * x)",
        "def gram(kernel, A, B):\n    return jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(B))(A)",
        "rbf = jax.jit(partial(lambda x, gamma: x * gamma, gamma=2.0))",
        "def rbf(x):\n    seen = []\n    for row in x:\n        seen.append(row)\n    return seen",
        "class Fit:\n    size = 3\n    def __init__(self):\n        self.parts = {}\n    def fit(self, X):\n        "
        "self.w, self.parts['x'] = X, 1\n        return self",
        "from sklearn.linear_model import Ridge\ndef rbf(x):\n    return Ridge().fit(x, x).coef_",
        "def rbf(x):\n    import math\n    rng = np.random.default_rng(0)\n    return rng.normal() + math.pi",
        "@reward\ndef another_picture():\n    plt.plot(rbf(X_train))",
        "scores = []\nfor gamma in (1, 2):\n    scores.append(gamma)",  # a cell runs once
        "mine = molecule('a')\nprint(mine)",
        "def rbf(x):\n    plt.plot(x)\n    return x",
        "def rbf(x, dtype=jnp.float32):\n    return np.append(jnp.sort(x), jnp.asarray(1, dtype))",
        "def rbf(x)\n    return x",  # no Python at all
        "@jax.jit\ndef rbf(x):\n    return x.at[0].set(1)",
        "WAYS = {'sum': lambda m: m.sum(), 'max': jnp.max, 'own': molecule}\ndef rbf(x, way):\n    return WAYS[way](x)",
        "NAMES: list = ['C', ('N', -1)]\ndef rbf(x):\n    return [NAMES.index(a) for a in NAMES if x in NAMES]",
        "Kernel = jnp.Array[int]\ndef rbf(x: Kernel) -> Kernel:\n    y: Kernel = x\n    return y",
        "from dataclasses import dataclass, field\n@dataclass\nclass Rbf:\n    seen: dict = field("
        "default_factory=dict)\n    def __call__(self, x):\n        self.seen[0] = x",
        "",
    ],
)
def test_what_keeps_nothing(own: str) -> None:
    assert not may(own)


@pytest.mark.parametrize(
    "own",
    [
        "calls = 0\ndef rbf(x):\n    global calls\n    calls += 1",
        "cache = {}\ndef rbf(x):\n    cache[0] = x",
        "cache = {}\ndef rbf(x):\n    return cache.get(0, cache)",
        "cache = {}\ndef rbf(x):\n    return (lambda: cache)()",
        "class Rbf:\n    cache = {}\n    def __call__(self, x):\n        self.cache[0] = x",
        "class Rbf:\n    count = 0\n    def __call__(self, x):\n        type(self).count += 1",
        "class Rbf:\n    count = 0\n    @classmethod\n    def make(cls):\n        cls.count += 1",
        "class Rbf:\n    count = 0\n    def __call__(self, x):\n        self.__class__.count += 1",
        "class Rbf:\n    count = 0\n    def __call__(self, x):\n        Rbf.count += 1",
        "def rbf(x):\n    rbf.last = x",
        "def rbf(x, seen=[]):\n    seen.append(x)",
        "def rbf(x, *, seen={}):\n    seen[0] = x",
        "def rbf(x, ROWS=ROWS):\n    ROWS['a'] = x",
        "rbf = lambda x, *, ROWS=ROWS: ROWS.update(a=x)",
        "def make():\n    n = 0\n    def f(x):\n        nonlocal n\n        n += 1\n    return f\nrbf = make()",
        "def make():\n    seen = []\n    def f(x):\n        seen.append(x)\n    return f\nrbf = make()",
        "def make():\n    seen = {}\n    def f(x):\n        seen[0] = x\n    return f\nrbf = make()",
        "class Rbf:\n    def __call__(self, x):\n        self.last = x\nrbf = Rbf()",
        "fit = model = molecule('a')",  # what a picture calls, and may be anything
        "numbers = iter(range(9))\ndef rbf(x):\n    return next(numbers)",
        "def rbf(x):\n    return ROWS.pop('a')",
        "def rbf(x):\n    ROWS['a'] = x",
        "@reward\ndef another():\n    return X_train\ndef rbf(x):\n    return another()",
        "@reward\ndef another():\n    X_train[0] = 1",
        "seen = []\n@reward\ndef another():\n    print(seen)",
        "def rbf(x):\n    return X_train",  # NumPy's arrays can be changed
        "rows = molecule.rows\ndef rbf(x):\n    rows.append(x)",
        "def rbf(x):\n    jax.config.update('jax_enable_x64', True)",
        "def rbf(x):\n    plt.rcParams.update({})",
        "def rbf(x):\n    globals()['last'] = x",
        "def rbf(x):\n    exec('last = x')",
        "def rbf(x):\n    setattr(rbf, 'last', x)",
        "def rbf(x):\n    open('last', 'w').write('x')",
        "def rbf(x):\n    return rbf.__dict__",
        "seen = []\ndef rbf(x: seen):\n    rbf.__annotations__['x'].append(1)",
        "ways = {'sum': sum}\ndef rbf(x):\n    ways['max'] = max",
        "ways = {'sum': sum}\ndef rbf(x):\n    other = ways\n    other['max'] = max",
        "ways = {'sum': sum}\ndef rbf(x):\n    remember(ways)",
        "ways = {'sum': sum}\ndef rbf(x):\n    ways.update(max=max)",
        "ways = {'sum': []}\ndef rbf(x):\n    ways['sum'].append(x)",
        "ways = {'sum': molecule.rows}\ndef rbf(x):\n    ways['sum'].append(x)",
        "ways = {'sum': X_train}\ndef rbf(x):\n    ways['sum'][0] = x",
        "ways = [1]\nways += [2]\ndef rbf(x):\n    return ways[0]",
        "ways = [1]\nways[0] = [2]\ndef rbf(x):\n    ways[0].append(x)",
        "ways = [1]\ndef rbf(x):\n    return len(ways)",
        "def field(default_factory):\n    return {}\nclass Rbf:\n    seen: dict = field(default_factory=dict)\n"
        "    def __call__(self, x):\n        self.seen[0] = x",
        "from dataclasses import field\nseen = {}\nclass Rbf:\n    last: dict = field(default=seen)\n"
        "    def __call__(self, x):\n        self.last[0] = x",
        "from dataclasses import field\nseen = {}\nclass Rbf:\n    last: dict = field(default_factory=lambda: seen)\n"
        "    def __call__(self, x):\n        self.last[0] = x",
        "def rbf(x):\n    return x + np.random.normal()",
        "def rbf(x):\n    np.random.seed(0)",
        "def rbf(x):\n    import random\n    return random.random()",
        "from numpy import random\ndef rbf(x):\n    return random.normal()",
        "from numpy.random import normal",
        "from math import *",
        "def rbf(x):\n    jnp.dot = x",
        "%timeit rbf(1)",
        ">>> cache = {}\n... ",
        "  cache = {}\n  def rbf(x): cache[0] = x",
        "rbf?",
        "for rbf in (1, 2): pass",
        "with open('x') as rbf: pass",
        "rbf: object = molecule('a')",
        "(rbf := molecule('a'))",
        "X_train += 1",
    ],
)
def test_what_may_keep_something(own: str) -> None:
    assert may(own)


@pytest.mark.parametrize("own", ["x = " + "-" * 100_000 + "1", "x = 0" + "+ 1" * 9000, "#" * 500_000])
def test_what_cannot_be_read_may_keep_anything(own: str) -> None:
    assert may(f"{own}\n")


def test_a_worker_reads_what_the_grader_does_not(warm) -> None:
    with warm.open(Limits()) as student:
        for own in (
            "def rbf(x):\n    return x",
            "seen = []\ndef rbf(x):\n    seen.append(x)",
            "x = " + "-" * 100_000 + "1",
        ):
            found = look_through([own], AROUND, ["rbf", "table"])
            assert student.look_through([own], AROUND, ["rbf", "table"], seconds=20) == Returned(found)
            assert found in ((("rbf",), (), (), False), (("rbf",), (), ("rbf",), True), None)
            assert may(own) == (found is None or found[3])
        assert student.run("rbf", seconds=20).outcome.type == "NameError"  # nothing has run


NAMES = ["A", "B", "kernel"]


@pytest.mark.parametrize(
    ("own", "mentioned", "held"),
    [
        ("def f(A):\n    B = A\n    return [kernel for kernel in B]", "", ""),
        ("def f(x):\n    return kernel(x)", "kernel", ""),
        ("def f(x):\n    def inner():\n        return A\n    return inner", "A", ""),
        ("print(A)", "A", ""),
        ("B = make()", "B", "B"),
        ("B = 3", "B", ""),
        ("for B in range(3):\n    pass", "B", "B"),
        ("del A", "A", ""),
        ("def kernel(x):\n    return x", "kernel", ""),
        ("class C:\n    def f(self):\n        return self.A", "", ""),
        ("x = [A for _x in (1, 2)]", "A", ""),
        ("x = _", "A B kernel", ""),  # what a cell before this one gave
        *((f"x = {name}", "A B kernel", "") for name in ("__", "_3", "_i", "_iii", "_i3", "_oh")),
        ("for i in (1, 2):\n    pass", "", ""),
        ("x = Out[3]", "A B kernel", ""),
        ("x = eval('A')", "A B kernel", ""),
        ("import sys", "A B kernel", ""),
        ("x = await kernel()", "kernel", ""),
        ("def f(:", "A B kernel", ""),
    ],
)
def test_which_names_a_students_cells_mention(own: str, mentioned: str, held: str) -> None:
    assert look_through([own, "y = 1"], Around(), NAMES) == (tuple(mentioned.split()), tuple(held.split()), (), False)


WHERE = ["ROWS", "Rbf", "X_train", "cache", "fit", "memo", "model", "molecule", "rbf"]
MEMO = "def memo(x, seen=[]):\n    seen.append(x)\n"


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ("cache = {}\ndef rbf(x):\n    cache[0] = x\ndef fit(x):\n    return x", "cache rbf"),
        (f"{MEMO}def rbf(x):\n    return memo(x)\ndef fit(x):\n    return x", "memo rbf"),
        (f"def fit(x):\n    return rbf(x)\ndef rbf(x):\n    return memo(x)\n{MEMO}", "fit memo rbf"),
        ("class Rbf:\n    seen = {}\nmodel = 1\ndef fit(x):\n    return Rbf()\ndef rbf(x):\n    return x", "Rbf fit"),
        ("class Rbf:\n    seen = {}\nclass model(Rbf):\n    pass", "Rbf model"),
        ("def rbf(x):\n    return X_train\ndef fit(x):\n    return x", "X_train rbf"),
        ("def rbf(x):\n    ROWS['a'] = x", "ROWS rbf"),
        ("def rbf(x):\n    rbf.last = x\nmodel = rbf", "model rbf"),
        ("model = molecule('a')\ndef rbf(x):\n    return x", "model"),  # a picture calls it
        (f"{MEMO}model = jax.vmap(memo)", "memo model"),
        ("memo = lambda x, seen=[]: seen.append(x)\ndef fit(x):\n    return x", "memo"),
        ("def memo(f):\n    n = 0\n    def g(x):\n        nonlocal n\n        n += 1\n    return g\n"
         "@memo\ndef rbf(x):\n    return x\ndef fit(x):\n    return x", "memo rbf"),
        (f"{MEMO}try:\n    rbf = 1 / 0\nexcept OSError:\n    def rbf(x):\n        return memo(x)", "memo rbf"),
        (f"{MEMO}for fit in (1, 2):\n    model = memo", "fit memo model"),
        (f"{MEMO}def rbf(x):\n    return Out[3](x)\ndef fit(x):\n    return x", "memo rbf"),
        (f"{MEMO}def rbf(x):\n    import sys\n    return sys.modules['__main__'].memo(x)", "memo rbf"),
        (f"{MEMO}def rbf(x):\n    return [i for i in x if i]\ndef fit(memo):\n    return memo", "memo"),
        ("calls = 0\ndef rbf(x):\n    global calls\n    calls += 1\ndef fit(x):\n    return calls", "rbf"),
    ],
)  # fmt: skip
def test_behind_which_names_something_may_be_kept(own: str, kept: str) -> None:
    found = look_through([own], AROUND, WHERE)
    assert found is not None and found[2:] == (tuple(kept.split()), True)


@pytest.mark.parametrize(
    "own",
    [
        "import random\ndef rbf(x):\n    return random.random()",  # a picture may use it as well
        "def rbf(x):\n    return x + np.random.normal()",
        "def rbf(x):\n    np.random.seed(0)",
        "from math import *",
        "def rbf(x):\n    jnp.dot = x",
        "def rbf(x):\n    jax.config.update('jax_enable_x64', True)",
        "def rbf(x):\n    return molecule.rows.append(x)",
        "class Rbf:\n    def __call__(self, x):\n        type(self).last = x",
        "def rbf(x):\n    return rbf.__globals__",
        "def rbf(x):\n    exec('last = x')",
        "def rbf(x):\n    open('last', 'w').write('x')",
        "register(lambda x, seen=[]: seen.append(x))",
        "if True:\n    register(lambda x, seen=[]: seen.append(x))\n    model = 1",
        "%timeit rbf(1)",
    ],
)
def test_what_may_be_kept_anywhere(own: str) -> None:
    assert look_through([own], AROUND, WHERE) is None


def test_a_given_object_of_any_name_is_a_place_where_something_is_kept() -> None:
    for name in ("here", "anywhere", "ROWS"):
        given = around((f"{name} = [1]",), ()) or Around()
        found = look_through([f"def rbf(x):\n    {name}.append(x)"], given, [name, "rbf"])
        assert found is not None and set(found[2]) == {name, "rbf"}
