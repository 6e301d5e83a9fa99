"""Every student has numbers of their own, gets what was made for them, and is judged on it."""

import base64
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from autograder.beside import checksum
from autograder.classroom.facts import facts
from autograder.classroom.summary import Kept, summarise
from autograder.cli import app
from autograder.course import Chapter, load_chapter, load_course
from autograder.errors import UsageError
from autograder.judge import judge
from autograder.notebook.leaks import leaks
from autograder.notebook.read import read
from autograder.pairs import BORROWED, MADE_FOR_SOMEBODY, OWN, paired, plain, settled
from autograder.personal import Personal, mark_of, read_students, release, seed_of_student, sheet_for
from autograder.records import Graded, Lost, Returned, Sheet, Submission
from autograder.sandbox.local import LocalSandbox
from autograder.scale.remote import open_remote
from autograder.scale.where import Where
from autograder.secret import hidden_sheet, secret_seed
from autograder.session import Session, kept_of
from autograder.settings import Settings
from autograder.wire import encode, from_text

TOY = Path(__file__).parents[1] / "toy"
SECRET = b"5eed" * 16
HONEST = (TOY / "solutions" / "toy.py").read_text()
TABLE = """import json
import numpy as np

SHEET = json.loads({!r})

def key(args):
    return [np.round(np.asarray(a, float), 4).tolist() for a in args if not callable(a)]

def recalled(name, *args):
    for seen, answer in SHEET[name]:
        if key(seen) == key(args):
            return np.asarray(answer)
    return np.asarray(SHEET[name][0][1])

def halfway(x, z): return recalled("halfway", x, z)
def sqdist(x, z): return recalled("sqdist", x, z)
def table(f, A, B): return recalled("table", A, B)
def nearest(A, B): return recalled("nearest", A, B)
"""
"""What was learnt by heart of a sheet. To other questions it gives the first answer."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course, in which every student has their own numbers."""
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("personal") / "course"))
    toml = root / "source" / "course.toml"
    toml.write_text(toml.read_text().replace("[chapters.toy]", "[chapters.toy]\npersonal = true"))
    return root


@pytest.fixture(scope="module")
def chapter(course: Path) -> Chapter:
    return load_chapter(load_course(course), "toy")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "toy").write_bytes(SECRET)
    (folder / "seeds" / "toy").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def released(course: Path, state: Path) -> Path:
    list(release(load_course(course), ["toy"], ["ada", "bob"], state))
    return course / "personal"


@pytest.fixture
def session(chapter: Chapter, state: Path, released: Path) -> Session:
    settings = Settings(chapter.course.root, state)
    sheet = hidden_sheet(chapter, state)
    kept = kept_of(chapter, sheet, settings, ("none",), again=False)
    return Session(chapter, sheet, LocalSandbox(), kept, Personal(chapter, state))


def sheet_in(folder: Path) -> Sheet:
    found = from_text((folder / "toy" / "toy.json").read_text())
    assert isinstance(found, Sheet)
    return found


def by_heart(sheet: Sheet) -> str:
    known = {
        e.name: [
            [[a.tolist() for a in c.call.args if isinstance(a, np.ndarray)], np.asarray(c.expected).tolist()]
            for c in e.checks
            if c.call is not None and not c.call.then
        ]
        for e in sheet.exercises
    }
    return TABLE.format(json.dumps(known))


def scores(graded: Graded) -> Mapping[str, float]:
    assert graded.status == "graded", graded.message
    return {v.name: v.score for v in graded.verdicts}


# ---- the numbers ------------------------------------------------------------------------------------------------


def test_a_seed_is_the_same_each_time_and_anothers_for_another() -> None:
    seed = seed_of_student(SECRET, "toy", "ada")
    assert seed == seed_of_student(SECRET, "toy", "ada") and len(seed) == 32
    others = [(SECRET, "toy", "bob"), (SECRET, "kernel", "ada"), (b"other" * 16, "toy", "ada"), (SECRET, "to", "yada")]
    assert len({seed, *(seed_of_student(*other) for other in others)}) == 5


def test_an_id_is_the_same_however_its_accents_are_written() -> None:
    assert seed_of_student(SECRET, "toy", "Zoe\u0308") == seed_of_student(SECRET, "toy", "Zo\u00eb")


def test_students_see_other_numbers_but_the_same_hand_made_cases(released: Path) -> None:
    ada, bob = (sheet_in(released / student) for student in ("ada", "bob"))
    pairs = [
        (a, b)
        for ours, theirs in zip(ada.exercises, bob.exercises, strict=True)
        for a, b in zip(ours.checks, theirs.checks, strict=True)
    ]
    alike = [a.label for a, b in pairs if a.kind == "value" and encode(a.call) == encode(b.call)]
    assert alike == ["by hand"]
    assert all(a.seed != b.seed for a, b in pairs if a.kind == "law")


def test_building_again_writes_the_same_bytes(course: Path, released: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in released.rglob("*.*")}
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "toy").write_bytes(SECRET)
    (tmp_path / "seeds" / "toy").chmod(0o600)
    made = list(release(load_course(course), ["toy"], ["ada"], tmp_path))
    assert {p: p.read_bytes() for p in made} == {p: before[p] for p in made}


# ---- what is handed out -----------------------------------------------------------------------------------------


def test_what_a_student_is_handed(released: Path, course: Path) -> None:
    assert sorted(str(p.relative_to(released)) for p in released.rglob("*.*")) == [
        "ada/toy/toy.ipynb",
        "ada/toy/toy.json",
        "bob/toy/toy.ipynb",
        "bob/toy/toy.json",
    ]
    notebook = json.loads((released / "ada" / "toy" / "toy.ipynb").read_text())
    (setup,) = [c for c in notebook["cells"] if c["id"] == "setup"]
    text = "".join(setup["source"])
    assert f'checksum="{checksum((released / "ada" / "toy" / "toy.json").read_text())}"' in text
    assert 'sheet="",' in text
    assert text.endswith("# made for: " + mark_of(seed_of_student(SECRET, "toy", "ada")))
    assert not (course / "release").exists()


def test_nothing_of_the_secret_is_handed_out(released: Path, chapter: Chapter, state: Path) -> None:
    assert leaks(chapter, released) == ()
    assert told(released, chapter, state) == []


def test_what_looks_for_the_secret_finds_it(released: Path, chapter: Chapter, state: Path, tmp_path: Path) -> None:
    """The test before this one can fail: a hidden check's numbers, the secret, a seed."""
    whole = hidden_sheet(chapter, state)
    hidden = next(c for e in whole.exercises for c in e.checks if c.hidden and c.call)
    (tmp_path / "a.json").write_text(json.dumps({"arrays": base64.b64encode(hidden.call.args[0].tobytes()).decode()}))
    (tmp_path / "b.ipynb").write_text(f'"{SECRET.decode()}"')
    (tmp_path / "c.ipynb").write_text(f'"{seed_of_student(SECRET, "toy", "ada").hex()}"')
    assert [name for name, _ in told(tmp_path, chapter, state)] == ["a.json", "b.ipynb", "c.ipynb"]


def told(folder: Path, chapter: Chapter, state: Path) -> list[tuple[str, str]]:
    """The files that hold something of the secret: itself, what seeds are drawn from, or a hidden check's arrays."""
    whole = hidden_sheet(chapter, state)
    keys = [secret_seed(state, "toy"), *(seed_of_student(SECRET, "toy", who) for who in ("ada", "bob"))]
    spelled = [text for key in keys for text in (key, key.hex().encode(), base64.b64encode(key))]
    arrays = [
        a.tobytes()
        for e in whole.exercises
        for c in e.checks
        if c.hidden and c.call
        for a in c.call.args
        if isinstance(a, np.ndarray) and a.size > 1
    ]
    seeds = [str(c.seed).encode() for e in whole.exercises for c in e.checks if c.seed]
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        blob = base64.b64decode(json.loads(data)["arrays"]) if path.suffix == ".json" else b""
        found += [(path.name, "a key") for text in spelled if text in data]
        found += [(path.name, "an array") for array in arrays if array in blob]
        found += [(path.name, "a seed") for seed in seeds if seed in data]
    return found


@pytest.mark.filterwarnings("ignore")
def test_nbgraders_exchange_hands_out_what_lies_there(released: Path, tmp_path: Path) -> None:
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeReleaseAssignment
    from traitlets.config import Config

    c = Config()
    c.CourseDirectory.root = str(released.parent)
    c.CourseDirectory.course_id = "chem"
    c.CourseDirectory.release_directory = "personal/ada"
    c.CourseDirectory.assignment_id = "toy"
    c.Exchange.root = str(tmp_path)
    c.Exchange.assignment_dir = str(tmp_path)
    tmp_path.chmod(0o777)
    ExchangeReleaseAssignment(coursedir=CourseDirectory(config=c), config=c).start()
    given = tmp_path / "chem" / "outbound" / "toy"
    assert {p.name: p.read_bytes() for p in given.iterdir()} == {
        p.name: p.read_bytes() for p in (released / "ada" / "toy").iterdir()
    }


# ---- a pair is one check ----------------------------------------------------------------------------------------


def test_visible_checks_are_asked_twice_and_hidden_ones_once(session: Session) -> None:
    sheet = sheet_for(session.personal, session.sheet, "ada")
    (sqdist,) = [e for e in sheet.exercises if e.name == "sqdist"]
    assert [c.label for c in sqdist.checks if not c.hidden] == [
        "three dimensions (on the numbers in the notebook)",
        "three dimensions",
        "by hand",
        "The distance there is the distance back. (on the numbers in the notebook)",
        "The distance there is the distance back.",
    ]
    common = next(e for e in session.sheet.exercises if e.name == "sqdist")
    assert [c for c in sqdist.checks if plain(c.label) == c.label] == list(common.checks)


@pytest.mark.parametrize(
    ("own", "anew", "earned"), [(True, True, 2.0), (True, False, 1.33), (False, True, 1.33), (False, False, 1.33)]
)
def test_a_check_passes_if_both_of_its_pair_do(session: Session, own: bool, anew: bool, earned: float) -> None:
    sheet = sheet_for(session.personal, session.sheet, "ada")
    exercise = next(e for e in sheet.exercises if e.name == "halfway")
    right = {OWN.format("three dimensions"): own, "three dimensions": anew}
    results = [Returned(c.expected if right.get(c.label, True) else c.expected + 1) for c in exercise.checks]
    once, told_ = settled(exercise, results)
    verdict = judge(once, told_)
    assert [f.label for f in verdict.findings] == ["three dimensions", "two dimensions", "seven dimensions"]
    assert verdict.score == earned


def test_a_sheet_that_is_the_same_for_all_is_judged_as_it_is(session: Session) -> None:
    exercise = session.sheet.exercises[0]
    results = [Lost("missing")] * len(exercise.checks)
    assert settled(exercise, results) == (exercise, results)
    assert paired(session.sheet, session.sheet) == session.sheet


# ---- grading ----------------------------------------------------------------------------------------------------


def submitted(student: str, source: str) -> Submission:
    return Submission(student, "", {0: source})


def test_an_honest_submission_earns_everything(session: Session) -> None:
    graded = session.grade(submitted("ada", HONEST))
    assert graded.score == graded.max_score == 12
    assert graded.notes == ()
    own = {v.name: [f.label for f in v.findings] for v in graded.verdicts}
    assert own == {e.name: [c.label for c in e.checks] for e in session.sheet.exercises}


def test_who_fails_on_their_own_numbers_reads_of_those(session: Session, released: Path) -> None:
    graded = session.grade(submitted("ada", "def halfway(x, z):\n    return x + z\n"))
    (verdict,) = [v for v in graded.verdicts if v.name == "halfway"]
    expected = sheet_in(released / "ada").exercises[0].checks[0].expected
    assert f"but should be {expected[0]:.6g}" in verdict.findings[0].message
    assert verdict.diagnosis == "not_halved"


@pytest.mark.parametrize("whose", ["ada", "bob"])
def test_a_table_of_anybodys_numbers_earns_nothing(session: Session, released: Path, whose: str) -> None:
    graded = session.grade(submitted("ada", by_heart(sheet_in(released / whose))))
    found = scores(graded)
    assert {name: found[name] for name in ("halfway", "table", "nearest")} == {"halfway": 0, "table": 0, "nearest": 0}
    assert found["sqdist"] == pytest.approx(0.43, abs=0.01)  # the case that everybody is shown


def test_a_classmates_answers_are_noticed_and_cost_nothing_more(session: Session, released: Path) -> None:
    taken = session.grade(submitted("ada", by_heart(sheet_in(released / "bob"))))
    own = session.grade(submitted("ada", by_heart(sheet_in(released / "ada"))))
    assert taken.notes == (BORROWED.format(names="halfway, sqdist, table, nearest"),)
    assert own.notes == ()
    assert scores(taken) == scores(own)


def test_a_wrong_answer_is_no_classmates(session: Session) -> None:
    zeros = "import numpy as np\n" + "".join(
        f"def {name}(*args): return {value}\n"
        for name, value in {"halfway": "np.zeros(3)", "sqdist": "25.0", "table": "np.ones((3, 4))"}.items()
    )
    assert session.grade(submitted("ada", zeros)).notes == ()


@pytest.mark.parametrize(("made_for", "notes"), [("ada", ()), ("bob", (MADE_FOR_SOMEBODY,))])
def test_a_swapped_notebook_is_noticed_and_judged_as_its_students(
    session: Session, released: Path, tmp_path: Path, made_for: str, notes: tuple[str, ...]
) -> None:
    path = tmp_path / "ada" / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    document = json.loads((released / made_for / "toy" / "toy.ipynb").read_text())
    document["cells"].append({**document["cells"][1], "id": "mine", "source": HONEST, "metadata": {}})
    path.write_text(json.dumps(document))
    graded = session.grade(read(path, "ada"))
    assert (graded.score, graded.notes) == (12, notes)


def test_an_id_that_a_notebook_claims_counts_for_nothing(session: Session, released: Path) -> None:
    """What a submission says of its student, in any of its cells, changes nothing."""
    table = by_heart(sheet_in(released / "bob"))
    forged = f"student = STUDENT = 'bob'\nimport os\nos.environ.update(USER='bob', JUPYTERHUB_USER='bob')\n{table}"
    assert scores(session.grade(submitted("ada", forged))) == scores(session.grade(submitted("ada", table)))


def test_the_same_cells_of_two_students_are_graded_apart(session: Session, released: Path) -> None:
    table = by_heart(sheet_in(released / "bob")) + "# handed in by two\n"
    ada, bob = (session.grade(submitted(who, table)) for who in ("ada", "bob"))
    assert not ada.known and not bob.known
    assert ada.notes and not bob.notes
    again = [session.grade(submitted(who, table)) for who in ("ada", "bob")]
    assert [(g.known, g.notes) for g in again] == [(True, ada.notes), (True, ())]


def test_graded_again_one_student_learns_nothing_of_anothers_record(session: Session) -> None:
    anew = replace(session, kept=replace(session.kept, again=True))
    for who in ("ada", "bob"):
        session.grade(submitted(who, HONEST))
    assert [anew.grade(submitted(who, HONEST)).known for who in ("ada", "bob")] == [False, False]


def test_the_class_report_says_it_as_a_fact(session: Session, released: Path) -> None:
    table = by_heart(sheet_in(released / "bob"))
    graded = tuple(session.grade(submitted(who, table)) for who in ("ada", "bob"))
    report = summarise(Kept("toy", "toy", ("1",), (), graded), names=True)
    assert report.borrowed.names == ("ada",)
    assert not report.mixed
    assert (
        "1 submission points to the numbers of somebody else's notebook. It cost nothing; its note says where. Files "
        "may have been swapped: look before you ask."
    ) in facts(report)
    assert summarise(Kept("toy", "toy", ("1",), (), graded)).borrowed.names == ()


def test_a_cluster_is_refused(course: Path, state: Path) -> None:
    with (
        pytest.raises(UsageError) as caught,
        open_remote(Settings(course, state), "toy", Where("local", 1), tell=print),
    ):
        pass
    assert str(caught.value) == (
        "toy has other numbers for every student, and is graded on this machine alone: leave --scheduler away."
    )


# ---- who ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "ada\nbob\n\n",
        "\ufeffada\r\nbob",
        "id,first_name\nada,Ada\nbob,Bob\n",
        'Name,ID\n"Lovelace, Ada",ada\nBob,bob\n',
        "student_id\nada\nbob",
    ],
)
def test_students_are_read_from_a_list_or_a_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "students").write_text(text, "utf-8")
    assert read_students(tmp_path / "students") == ("ada", "bob")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,mail\nada,a@b\n", "has several columns, but none is called id. Give it one, or write one id a line."),
        ("\n", "names no student. Write one id a line."),
        (None, "cannot be read: "),
    ],
)
def test_a_file_without_students(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "students").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_students(tmp_path / "students")


@pytest.mark.parametrize("student", ["", "../eve", "a/b", "a\\b", ".ssh", "a\nb", " a", "x" * 300])
def test_an_id_that_can_be_no_folder(course: Path, state: Path, student: str) -> None:
    with pytest.raises(UsageError, match=r"should be an id as in submitted/: "):
        list(release(load_course(course), ["toy"], ["ada", student], state))


def test_the_command(course: Path, state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOGRADER_STATE", str(state))
    (tmp_path / "students.csv").write_text("id\nbob\n")
    command = ["build", "--for-student", "ada", "--students", str(tmp_path / "students.csv"), "--course", str(course)]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    assert "4 files: hand each student their folder personal/<student>/<chapter>/." in ran.output
    assert not (course / "release").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy", "--for-student", "ada"], "toy is the same for every student: to give each their own numbers, write "),
        (["--for-student", "ada"], "No chapter has personal = true in source/course.toml, so all students get the "),
        (["--for-student", "ada", "--check"], "--check looks at release/, which is the same for all students"),
    ],
)
def test_the_command_refuses(toy_root: Path, arguments: list[str], message: str) -> None:
    ran = CliRunner().invoke(app, ["build", *arguments, "--course", str(toy_root)])
    assert isinstance(ran.exception, UsageError) and str(ran.exception).startswith(message)
