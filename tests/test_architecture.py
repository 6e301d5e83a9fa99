"""Who may import whom: the table of docs/design/modules.md. A new import is a decision to be taken there."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autograder"

EVERYTHING = "*"
MAY_IMPORT: Mapping[str, str] = {
    # frozen data, and what is pure of it
    "errors": "",
    "calls": "",
    "records": "calls",
    "settings": "",
    "signature": "records",
    "compare": "records",
    "arrays": "",
    "wire": "records arrays",
    "laws": "records compare sandbox.seam",
    "estimators": "records laws",
    "judge": "records compare laws",
    "card": "records",
    "report": "records card",
    "invoke": "records",
    # the author's side
    "author": "records estimators laws signature",
    "estimator_laws": "author estimators laws",
    "drawing": "records arrays author",
    "sheet": "records author drawing laws wire sandbox.local",
    "coursefile": "records",
    "lean": "",
    "scopes": "",
    "bindings": "",
    "tables": "",
    "remembering": "bindings scopes tables",
    "demonstrations": "bindings remembering scopes",
    "rewards": "demonstrations remembering",
    "course": "records author coursefile lean sheet",
    "carry": "records author course",
    "attempt": "records sandbox.seam",
    "frameworks": "records",
    "said": "records sandbox.seam wire",
    "answers": "records judge said wire",
    "lineage": "records arrays",
    "pairs": "records compare judge wire",
    "questions": "records answers course lineage pairs wire",
    "recall": "records answers course judge laws pairs said wire",
    "progress": "records answers attempt judge said",
    "talks": "records judge laws progress said sandbox.seam",
    "grade": "records answers attempt course carry frameworks judge pairs progress recall rewards sandbox.seam talks",
    "kept": "records answers secret",
    "tally": "records",
    "watching": "records tally",
    "turn": "settings",
    "secret": "records course wire",
    "eager": "",
    "compiled": "eager",
    "programs": "",
    "learning": "records author course drawing laws lineage notebook programs sandbox.local sandbox.quiet sheet",
    "personal": "records answers course notebook pairs secret wire",
    "session": "records answers author course coursefile frameworks grade kept notebook personal questions secret"
    " settings compiled estimators estimator_laws sandbox.device sandbox.proof sandbox.seam",
    "batch": "records grade session notebook",
    "classroom": "records judge notebook pairs report card course secret wire",
    "verify": "records arrays author course sheet judge compare laws invoke compiled sandbox.local",
    "notebook": "records author beside course coursefile drawing rewards sheet signature wire",
    # the student's side
    "beside": "",
    "sandbox": "records wire invoke eager lean remembering",
    "sandbox.seam": "records remembering",
    "sandbox.device": "",
    "sandbox.proof": "records sandbox.device sandbox.seam",
    "sandbox.local": "records invoke remembering sandbox.seam wire",
    "client": "records compare judge laws report card client_sheet client_example",
    "client_sheet": "records estimators judge laws wire invoke sandbox.local",
    "client_example": "records arrays client_sheet invoke",
    # those that bring it together
    "backends": "records report card classroom course session settings batch secret turn notebook scale.parcel wire"
    " sandbox.seam sandbox.pool",
    "scale": "records course grade kept notebook session settings secret wire compiled sandbox",
    "hub": "records course classroom kept batch notebook sandbox secret session tally turn backends scale settings",
    "doctor": "records course secret settings sandbox",
    "demo": EVERYTHING,
    "show": EVERYTHING,
    "cli_ending": "",
    "cli_hub": EVERYTHING,
    "cli_lms": EVERYTHING,
    "cli": EVERYTHING,
}
HEAVY = (
    "nbgrader",
    "otter",
    "typer",
    "IPython",
    "nbformat",
    "jupytext",
    "rich",
    "sklearn",
    "rdkit",
    "matplotlib",
    "dask",
    "distributed",
    "requests",
    "authlib",
    "jupyterhub",
)


def modules(package: Path = PACKAGE) -> Iterator[tuple[str, Path]]:
    """Every module by its name inside the package, such as `sandbox.worker`."""
    for path in sorted(package.rglob("*.py")):
        yield ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__"), path


def imported(source: str, known: set[str]) -> set[str]:
    """The modules of the package that a source imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            while parts and ".".join(parts[1:]) not in known:
                parts.pop()
            if parts[:1] == ["autograder"] and len(parts) > 1:
                found.add(".".join(parts[1:]))
    return found


def row_of(name: str) -> str:
    """The row of the table for a module: its own, else that of its package."""
    while name not in MAY_IMPORT and "." in name:
        name = name.rpartition(".")[0]
    return name


def violations(package: Path = PACKAGE) -> list[str]:
    listed = [(name, path) for name, path in modules(package) if name not in ("__init__", "")]
    known = {name for name, _ in listed}
    found = []
    for name, path in listed:
        row = row_of(name)
        if row not in MAY_IMPORT:
            found.append(f"{name} is not in the table, but should be")
            continue
        allowed = MAY_IMPORT[row].split()
        for other in sorted(imported(path.read_text("utf-8"), known) - {"errors"}):  # anyone may fail
            own = other.split(".")[0] == name.split(".")[0]
            if not own and EVERYTHING not in allowed and not {other, row_of(other), other.split(".")[0]} & set(allowed):
                found.append(f"{name} imports {other}, but may import {', '.join(allowed) or 'nothing'}")
    return found


def loaded(code: str) -> set[str]:
    """The modules in a fresh interpreter after it ran `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split())


def test_modules_import_what_the_table_allows():
    assert violations() == []


def test_this_test_can_fail(tmp_path):
    (tmp_path / "records.py").write_text("def f():\n    from autograder.author import exercise\n")
    (tmp_path / "author.py").write_text("import autograder.records\n")
    (tmp_path / "unheard.py").write_text("")
    assert violations(tmp_path) == [
        "records imports author, but may import calls",
        "unheard is not in the table, but should be",
    ]


def test_the_table_names_no_module_that_is_gone():
    assert MAY_IMPORT.keys() <= {name for name, _ in modules()}


def test_the_page_tells_the_same_table():
    page = (ROOT / "docs" / "design" / "modules.md").read_text("utf-8")
    for name in MAY_IMPORT:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` ")]
        allowed = row.strip("| ").split("|")[-1].replace("`", "").replace(",", " ").split()
        told = {"everything": EVERYTHING, "nothing": ""}.get(allowed[0], " ".join(sorted(allowed)))
        assert told == " ".join(sorted(MAY_IMPORT[name].split())), name


@pytest.mark.parametrize("name", ["autograder", "autograder.client", "autograder.sandbox.worker"])
def test_the_students_side_loads_nothing_heavy(name):
    heavy = HEAVY if name != "autograder.sandbox.worker" else tuple(h for h in HEAVY if h != "IPython")
    assert not loaded(f"import {name}") & set(heavy)


def test_importing_the_package_loads_no_jax_and_no_numpy():
    assert not loaded("import autograder") & {"jax", "numpy"}


def test_the_help_of_the_command_loads_no_jax():
    code = (
        "import contextlib\nfrom autograder.cli import app\nwith contextlib.suppress(SystemExit):\n    app(['--help'])"
    )
    assert not loaded(code) & {"jax", "nbgrader", "nbformat", "IPython"}


def test_dask_is_loaded_only_where_a_scheduler_is_asked_for():
    code = "import autograder.cli, autograder.show, autograder.session, autograder.scale.where, autograder.scale.desk"
    assert not loaded(code) & {"dask", "distributed"}
    assert loaded("import autograder.scale.remote") & {"distributed"}


@pytest.mark.parametrize("name", ["autograder.sandbox.worker", "autograder.client"])
def test_the_students_side_reaches_no_author_and_no_solutions(name):
    found = loaded(f"import {name}")
    assert not {m for m in found if m.partition(".")[0] in ("solutions", "source")}
    if name.endswith("worker"):
        ours = {m for m in found if m.startswith("autograder.")}
        assert not ours & {
            f"autograder.{m}" for m in ("author", "sheet", "course", "judge", "compare", "laws", "grade")
        }


def test_the_tests_of_imports_can_fail():
    assert loaded("import autograder.sheet") & {"autograder.author"}
    assert loaded("import nbformat") & set(HEAVY)
