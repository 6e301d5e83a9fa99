"""Grades sent to a platform that checks what a real one checks: once each, resumed, and to nobody else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from toy_platform import LINEITEM, SCORE, ToyPlatform, described, new_key, running

from autograder.backends.grades.table import Grade, Person
from autograder.backends.lti.ledger import Entry, open_ledger
from autograder.backends.lti.platform import check_address, read_platform
from autograder.backends.lti.send import Column, Sending, send_grades, users_of
from autograder.backends.lti.service import Service
from autograder.errors import OurError, UsageError

COLUMN = Column("Toys", "autograder:toys:toy")
ADA = Person("ada", email="ada@uni.edu")
BOB = Person("bob", email="BOB@uni.edu ")
GRADES = (Grade(ADA, "toy", 9.5, 14, "graded"), Grade(BOB, "toy", 4, 14, "waits", waiting=("why",)))


@pytest.fixture(scope="module")
def key() -> bytes:
    return new_key()


@pytest.fixture
def toy(key: bytes) -> Iterator[ToyPlatform]:
    with running(key) as platform:
        yield platform


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def go(toy, key, tmp_path, waited):
    """Sends grades to the platform; answers what became of each student's."""

    def send(grades: Any = GRADES, *, send: bool = True, state: Path = tmp_path / "state", **options: Any) -> Any:
        changes = options.pop("changes", {})
        service = Service(read_platform(described(tmp_path, toy, key, **changes)), waited.append)
        try:
            column, sendings = send_grades(service, state, COLUMN, grades, send=send, **options)
        finally:
            service.close()
        return {s.grade.person.id: s.action for s in sendings}, sendings, column

    return send


def test_scores_arrive_once(go, toy):
    actions, _, column = go()
    assert actions == {"ada": "sent", "bob": "sent"} and column.created
    assert toy.refused == []
    (item,) = toy.items
    assert {k: item[k] for k in ("scoreMaximum", "label", "resourceId")} == {
        "scoreMaximum": 14,
        "label": "Toys",
        "resourceId": "autograder:toys:toy",
    }
    score = toy.scores["u-ada"]
    assert (score["scoreGiven"], score["scoreMaximum"], score["gradingProgress"]) == (9.5, 14, "FullyGraded")
    assert toy.scores["u-bob"]["gradingProgress"] == "PendingManual"
    assert datetime.fromisoformat(score["timestamp"]).tzinfo is not None
    actions, _, column = go()
    assert actions == {"ada": "already there", "bob": "already there"} and not column.created
    assert len(toy.posted) == 2 and len(toy.items) == 1


def test_a_dry_run_writes_nothing_anywhere(go, toy, tmp_path):
    actions, _, column = go(send=False)
    assert actions == {"ada": "would send", "bob": "would send"} and not column.address
    assert (toy.items, toy.posted) == ([], [])
    assert not (tmp_path / "state").exists()
    assert not any(a.startswith("POST") and a != "POST /token" for a in toy.asked)


def test_a_changed_score_is_newer(go, toy):
    go()
    first = toy.scores["u-ada"]["timestamp"]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)  # a clock that was put back
    actions, *_ = go((Grade(ADA, "toy", 10, 14, "graded"),), now=lambda: long_ago)
    assert actions == {"ada": "sent"}
    assert toy.scores["u-ada"]["scoreGiven"] == 10 and toy.scores["u-ada"]["timestamp"] > first


def test_again_sends_again(go, toy):
    go()
    assert go(again=True)[0] == {"ada": "sent", "bob": "sent"}
    assert len(toy.posted) == 4


def test_a_busy_platform_is_waited_for(go, toy, waited):
    toy.failures = [503, 429, 500]
    assert go()[0] == {"ada": "sent", "bob": "sent"}
    assert waited == [7, 7, 4]  # as it said, as it said, and then longer each time
    assert toy.refused == []  # each assertion was a new one


def test_a_platform_that_stays_busy_stops_the_run(go, toy):
    toy.failures = [503] * 20
    with pytest.raises(UsageError, match="The platform gives no token: 503"):
        go()


def test_a_platform_that_goes_away_leaves_the_rest_for_the_next_run(go, toy):
    go((Grade(ADA, "toy", None, 14, "missing"),))

    def gone(sending: Sending) -> None:
        toy.dead = sending.action == "sent"

    people = [ADA, BOB, Person("eve", lms="u-eve"), Person("fay", lms="u-fay")]
    toy.members += [{"user_id": user, "email": ""} for user in ("u-eve", "u-fay")]
    toy.members[2:3] = []
    grades = [Grade(p, "toy", 1, 14, "graded") for p in people[:3]]
    actions, sendings, _ = go(grades, tell=gone)
    assert actions == {"ada": "sent", "bob": "failed", "eve": "failed"}
    assert [s.note for s in sendings[1:]] == ["The platform cannot be reached: ConnectionError.", "not tried"]
    toy.dead = False
    assert go(grades)[0] == {"ada": "already there", "bob": "sent", "eve": "sent"}


def test_an_answer_that_was_lost_costs_nothing(go, toy):
    go((Grade(ADA, "toy", None, 14, "missing"),))  # the line item alone
    toy.lost = [502]
    assert go()[0] == {"ada": "sent", "bob": "sent"}
    assert [p["userId"] for p in toy.posted] == ["u-ada", "u-bob"]


def test_a_line_item_whose_answer_was_lost_is_found_not_made_again(go, toy):
    toy.lost = [502]
    assert go()[0] == {"ada": "sent", "bob": "sent"}
    assert len(toy.items) == 1


def test_a_run_that_was_killed_goes_on_where_it_was(go, toy, tmp_path):
    def killed(sending: Sending) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(tell=killed)
    assert [p["userId"] for p in toy.posted] == ["u-ada"]
    assert go()[0] == {"ada": "already there", "bob": "sent"}


def test_a_score_that_was_on_its_way_is_sent_with_the_same_time(go, toy, tmp_path):
    go((Grade(ADA, "toy", None, 14, "missing"),))
    ledger = open_ledger(tmp_path / "state", toy.items[0]["id"])
    ledger.write(Entry("u-ada", 9.5, 14, "FullyGraded", "2026-03-01T12:00:00.000Z", False))
    with ledger.path.open("a") as file:
        file.write('{"user": "u-bob", "sco')  # cut by a full disk
    assert go()[0] == {"ada": "sent", "bob": "sent"}
    assert toy.scores["u-ada"]["timestamp"] == "2026-03-01T12:00:00.000Z"
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_newer_score_at_the_platform_is_not_fought_over(go, toy):
    toy.scores["u-ada"] = {"timestamp": "2999-01-01T00:00:00.000Z"}
    actions, sendings, _ = go()
    assert actions == {"ada": "failed", "bob": "sent"}
    assert sendings[0].note == "the platform has a newer score: look at it there, or say --again"


def test_a_token_that_ran_out_is_renewed(go, toy, key, tmp_path):
    service = Service(read_platform(described(tmp_path, toy, key)))
    list(service.pages(toy.url + "/items", "x"))
    toy.tokens.clear()
    assert list(service.pages(toy.url + "/items", "x")) == [[]]
    service.close()


def test_a_tool_that_may_not_is_told_so(go, toy):
    toy.scopes = {LINEITEM}
    with pytest.raises(UsageError, match=f"does not grant {SCORE}, .*: allow it for this tool there"):
        go()


def test_another_key_gets_no_token(go, toy):
    toy.public = type(toy.public).import_key(new_key())
    with pytest.raises(UsageError, match="gives no token: 400.*Look at client_id, key_id, audience"):
        go()
    assert toy.refused == ["signature"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"client_id": "x"}, "client"),
        ({"key_id": "old"}, "client"),
        ({"audience": "https://other.example"}, "audience, time or replay"),
    ],
)
def test_the_platform_looks_at_what_is_signed(go, toy, changes, refused):
    with pytest.raises(UsageError, match="gives no token"):
        go(changes=changes)
    assert toy.refused == [refused]


def test_the_key_is_in_no_message_and_no_ledger(go, toy, key, tmp_path):
    secret = key.decode().splitlines()[5]
    go()
    assert secret not in repr(read_platform(tmp_path / "platform.toml"))
    assert all(secret not in p.read_text() for p in (tmp_path / "state").rglob("*.jsonl"))
    (tmp_path / "lti.pem").write_text("-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----\n")
    service = Service(read_platform(tmp_path / "platform.toml"))
    with pytest.raises(UsageError, match="cannot be used to sign, but should be an RSA key") as error:
        list(service.pages(toy.url + "/items", "x"))
    assert secret not in str(error.value)
    service.close()


def test_a_token_goes_to_no_other_server(go, toy):
    """Neither by a list's next page, nor by a redirect, nor by the id of a line item."""
    toy.elsewhere = "https://elsewhere.example/members"
    with pytest.raises(OurError, match="names an address on another server: https://elsewhere"):
        go()
    toy.elsewhere = ""
    toy.items = [{"id": "http://127.0.0.1:1/items/0", "resourceId": "autograder:toys:toy"}]
    with pytest.raises(OurError, match="names an address on another server"):
        go()
    toy.items, toy.failures = [], [302]
    with pytest.raises(UsageError, match=r"leads elsewhere \(302\): write the address itself"):
        go()


@pytest.mark.parametrize(
    "address",
    [
        "http://canvas.uni.edu/x",
        "ftp://x",
        "https://",
        "//x",
        "http://127.0.0.1.evil.example/",
        "https://me:pw@x/",
        "http://[::2]/",
        "https://[x/",
    ],
)
def test_only_tls_or_this_machine(address):
    with pytest.raises(UsageError, match="is not https, but should be"):
        check_address(address)


def test_tls_and_this_machine():
    for address in ("https://canvas.uni.edu/x", "http://127.0.0.1:8000/", "http://[::1]:80/", "http://localhost/"):
        check_address(address)


def test_who_has_no_user_is_left_out_and_named(go, toy):
    people = {
        "cyd": Person("cyd", email="cyd@uni.edu"),
        "dan": Person("dan", others={"lti": "u-nobody"}),
        "eve": Person("eve", lms="u-ada"),
        "fay": Person("fay"),
    }
    _, sendings, _ = go([Grade(p, "toy", 1, 14, "graded") for p in people.values()])
    assert {s.grade.person.id: (s.action, s.note) for s in sendings} == {
        "cyd": ("left out", "nobody in the course has that address"),
        "dan": ("left out", "u-nobody is not in the course"),
        "eve": ("sent", ""),
        "fay": ("left out", "nobody in the course has that address"),
    }


def test_nobody_gets_two_students_grades():
    grades = [Grade(Person(s, lms="u"), "toy", 1, 2, "graded") for s in "ab"]
    assert users_of(grades, None) == [("", "u would be two students")] * 2
    twins = {"u1": "x@uni.edu", "u2": "X@uni.edu"}
    assert users_of([Grade(Person("x", email="x@uni.edu"), "toy", 1, 2, "graded")], twins) == [
        ("", "two users have that address")
    ]
    assert users_of([Grade(Person("x"), "toy", 1, 2, "graded")], None)[0][1] == "no user: add `lti` to a --map file"


def test_two_line_items_are_a_question(go, toy):
    toy.items = [{"id": f"{toy.url}/items/{n}", "resourceId": "autograder:toys:toy"} for n in (0, 1)]
    with pytest.raises(UsageError, match=r"has 2 line items for Toys: .*Choose one in the platform's file"):
        go()


def test_a_chosen_line_item_is_used(toy, key, tmp_path):
    path = described(tmp_path, toy, key)
    path.write_text(path.read_text() + f'[lineitems]\ntoy = "{toy.url}/items/77"\n')
    service = Service(read_platform(path))
    column, _ = send_grades(service, tmp_path / "state", COLUMN, GRADES, send=True)
    service.close()
    assert column.address.endswith("/items/77") and "POST /items/77/scores" in toy.asked and not toy.items


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "is not TOML"),
        ("x = 1", r"has no table \[platform\], but should have one"),
        ("[platform]\nclient_id = 'x'", "lacks token_url, private_key, lineitems, but should have texts for"),
        (
            "[platform]\nclient_id='a'\ntoken_url='b'\nprivate_key='c'\nlineitems='d'\nsecret='e'",
            "has secret, but should",
        ),
        ("[platform]\nclient_id='a'\ntoken_url=1\nprivate_key='c'\nlineitems='d'", "has token_url, but should"),
    ],
)
def test_a_file_that_describes_no_platform(tmp_path, text, message):
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_platform(tmp_path / "p.toml")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_platform(tmp_path / "none.toml")


def test_a_key_that_others_can_read_is_refused(toy, key, tmp_path):
    path = described(tmp_path, toy, key)
    (tmp_path / "lti.pem").chmod(0o644)
    with pytest.raises(UsageError, match=r"can be read by others, but should be private: run `chmod 600"):
        read_platform(path)
    (tmp_path / "lti.pem").write_text("no key")
    (tmp_path / "lti.pem").chmod(0o600)
    with pytest.raises(UsageError, match="is no private key, but should be one as PEM"):
        read_platform(path)


def test_the_ledger_is_one_line_an_entry(tmp_path):
    ledger = open_ledger(tmp_path, "https://x/items/1")
    entry = Entry("u", 1.0, 2.0, "FullyGraded", "2026-03-01T12:00:00.000Z", True)
    ledger.write(entry)
    assert json.loads(ledger.path.read_text())["user"] == "u"
    assert open_ledger(tmp_path, "https://x/items/1").latest == {"u": entry}
    assert open_ledger(tmp_path, "https://x/items/2").latest == {}
