"""What the pages of the front door say, and that nothing in them can run."""

import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.backends.nbgrader.inbound import Handed
from autograder.hub.door import pages, students, tries
from autograder.hub.door.book import Assignment, Grade
from autograder.hub.door.classes import Progress, block
from autograder.hub.door.pages import Frame
from autograder.hub.door.tries import Rule, Try

NOW = datetime(2026, 11, 27, 13, 5)
HOUR = timedelta(hours=1)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"
FRAME = Frame("The course", "ada", "/services/course/", "/hub/", "/services/course/", xsrf="token", now=NOW)


class Outline(HTMLParser):
    """What a screen reader finds: landmarks, headings, names of buttons and links, labels, and what is not closed."""

    VOID = ("meta", "link", "input", "img", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.attributes if found == tag]


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def handed(student: str, at: datetime) -> Handed:
    return Handed(student, "toy", at, Path("inbound", f"{student}+{at}"))


def assignment(**facts: object) -> Assignment:
    return Assignment(**{"name": "toy", "title": "Toys", "released": True, "points": 5.0, **facts})  # type: ignore[arg-type]


def grade(at: datetime, *, student: str = "ada", open_: bool = False) -> Grade:
    return Grade(student, "Ada L.", at, 3.5, 5.0, open_)


def course(*rows: students.Row, frame: Frame = FRAME) -> str:
    return pages.student_page(frame, rows, course="toy")


@pytest.mark.parametrize(
    ("facts", "feedback", "opened", "kind", "status"),
    [
        ({"released": False}, None, False, "closed", "Not released yet"),
        ({}, None, False, "new", "Not begun"),
        ({}, None, True, "begun", "Begun, not handed in"),
        ({"handed": (handed("ada", NOW),)}, None, True, "handed", "Handed in"),
        ({"handed": (handed("bob", NOW),)}, None, False, "new", "Not begun"),
        ({"collected": {"ada": NOW}}, None, False, "handed", "Handed in"),
        (
            {"handed": (handed("ada", NOW),), "grades": {"ada": grade(NOW)}},
            None,
            False,
            "graded",
            "Graded; your instructor has not returned it yet",
        ),
        ({"handed": (handed("ada", NOW),), "grades": {"ada": grade(NOW - HOUR)}}, None, False, "handed", "Handed in"),
        ({"handed": (handed("ada", NOW),)}, (NOW,), False, "returned", "Feedback is ready"),
        ({"handed": (handed("ada", NOW),)}, (NOW - HOUR,), False, "handed", "Handed in, again"),
    ],
)
def test_status(facts, feedback, opened, kind, status):
    row = students.row(assignment(**facts), "ada", now=NOW, opened=opened, feedback=feedback)
    assert (row.kind, row.status) == (kind, status)
    assert status in text(course(row))


def test_a_score_is_shown_with_the_feedback_that_it_belongs_to_and_not_before():
    graded = {"handed": (handed("ada", NOW),), "grades": {"ada": grade(NOW)}}
    before = course(students.row(assignment(**graded), "ada", now=NOW))
    after = course(students.row(assignment(**graded), "ada", now=NOW, feedback=(NOW,)))
    other = course(students.row(assignment(**graded), "ada", now=NOW, feedback=(NOW - HOUR,)))
    assert "3.5 of 5" in text(after)
    assert "3.5" not in before and "3.5" not in other


def test_what_a_person_has_to_grade_is_no_score():
    graded = {"handed": (handed("ada", NOW),), "grades": {"ada": grade(NOW, open_=True)}}
    page = text(course(students.row(assignment(**graded), "ada", now=NOW, feedback=(NOW,))))
    assert "Score not graded yet some answers wait for a person" in page and "3.5" not in page


def test_due_dates_are_told_with_their_distance_and_lateness():
    late = assignment(due=NOW - HOUR)
    assert "1 hour ago" in text(course(students.row(late, "ada", now=NOW)))
    assert "not yet late" in text(course(students.row(late, "ada", now=NOW)))
    in_time = assignment(due=NOW + 50 * HOUR, handed=(handed("ada", NOW),))
    assert "in 2 days" in text(course(students.row(in_time, "ada", now=NOW)))
    assert "late" not in text(course(students.row(in_time, "ada", now=NOW)))
    assert "no date" in text(course(students.row(assignment(), "ada", now=NOW)))
    assert "no date" not in text(course(students.row(assignment(released=False, points=None), "ada", now=NOW)))


def test_one_button_each_and_none_for_what_is_not_released():
    row = students.row(assignment(handed=(handed("ada", NOW),)), "ada", now=NOW, feedback=(NOW,))
    outline = Outline(course(row))
    assert [f["action"] for f in outline.all("form")] == ["/services/course/open/toy"]
    links = [a["href"] for a in outline.all("a")]
    assert "/hub/user-redirect/course/submit/toy/toy" in links and "/services/course/feedback/toy" in links
    closed = Outline(course(students.row(assignment(released=False), "ada", now=NOW)))
    assert not closed.all("form") and not any("submit" in (a["href"] or "") for a in closed.all("a"))


def tried(n: int, **facts: object) -> Try:
    made = {"handed": f"h{n}", "at": 100.0 * n, "key": f"k{n}", "status": "graded", "shown_from": 100.0 * n + 20}
    return Try(**{**made, "visible": (6, 6), "hidden": (5, 7), **facts})  # type: ignore[arg-type]


def test_a_result_is_two_counts_and_what_is_left():
    look = students.outlook(Rule(True, 3, 10), (tried(1), tried(2)), handed="h2", now=1000.0)
    page = text(course(students.row(assignment(), "ada", now=NOW, outlook=look)))
    assert "Result 2: 6 of 6 visible checks pass, 5 of 7 hidden ones. It is not your score yet." in page
    assert "1 result left today, 8 in all. Handing in the same cells again costs none." in page


def test_a_result_that_is_not_due_yet_is_waited_for():
    look = students.outlook(Rule(True, 3, 10), (tried(1),), handed="h1", now=110.0)
    assert look and look.waiting and look.last is None and look.today == 3
    row = students.row(assignment(), "ada", now=NOW, outlook=look)
    page = pages.student_page(FRAME, [row], course="toy", again="/services/course/?handed-in=toy")
    assert "Your submission is being checked." in page
    assert '<meta http-equiv="refresh" content="5; url=/services/course/?handed-in=toy">' in page


def test_why_there_is_no_result_is_said():
    refused = tried(2, status="refused", message="All results for today are used.")
    look = students.outlook(Rule(True, 1, 10), (tried(1), refused), handed="h2", now=1000.0)
    page = text(course(students.row(assignment(), "ada", now=NOW, outlook=look)))
    assert "Your last submission was not checked right away. All results for today are used." in page
    assert "0 results left today, 9 in all." in page


def test_a_failure_of_ours_is_told_as_ours():
    look = students.outlook(Rule(True, 1, 10), (tried(2, status="failed-ours"),), handed="h2", now=1000.0)
    page = text(course(students.row(assignment(), "ada", now=NOW, outlook=look)))
    assert "could not be checked right away, through no fault of yours. It will be graded with the class." in page


def test_where_it_is_off_nothing_is_said_of_it():
    assert students.outlook(Rule(), (), handed="h", now=0.0) is None


def test_the_class_page_counts_students_once():
    known = assignment(
        handed=(handed("ada", NOW), handed("ada", NOW - HOUR), handed("bob", NOW)),
        collected={"ada": NOW - HOUR, "cy": NOW},
        grades={"ada": grade(NOW - HOUR), "cy": grade(NOW, student="cy", open_=True)},
        returned=frozenset({"cy"}),
    )
    found = block(known, rule=Rule())
    assert (found.submitted, found.new, found.graded, found.by_hand, found.returned) == (3, 2, 2, 1, 1)
    assert found.to_grade == 2


def test_what_is_graded_can_be_graded_again_when_all_are():
    one = {"collected": {"ada": NOW}, "grades": {"ada": grade(NOW)}}
    page = pages.class_page(FRAME, [block(assignment(**one), rule=Rule())], formgrader="/f")
    assert "do/again/toy" in page and "do/grade/toy" not in page
    two = {**one, "collected": {"ada": NOW, "bob": NOW}}
    page = pages.class_page(FRAME, [block(assignment(**two), rule=Rule())], formgrader="/f")
    assert "do/again/toy" not in page and "do/grade/toy" in page


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("Grade all", "waiting"), "Grade all waits for its turn."),
        (Progress("Grade all", "running", "3 of 9, 1:00 left", 0.33), "Grade all is at work: 3 of 9, 1:00 left"),
        (Progress("Grade all", "stopping"), "Grade all stops; what has finished is kept."),
        (Progress("Collect", "done"), "Collect : done."),
        (
            Progress("Collect", "stopped"),
            "Collect was stopped. What had finished is kept; the same button does the rest.",
        ),
        (Progress("Grade all", "failed", log=(EVIL,)), "What nbgrader said last"),
    ],
)
def test_progress_is_told(progress, words):
    page = pages.class_page(FRAME, [block(assignment(), rule=Rule(), progress=progress)], formgrader="/f")
    assert words in text(page)
    assert ("http-equiv" in page) == progress.alive
    assert ("Stop" in text(page)) == (progress.state in ("waiting", "running"))
    assert "<script" not in page


def test_the_class_page_can_be_kept_still():
    running = [block(assignment(), rule=Rule(), progress=Progress("Collect", "running"))]
    assert "http-equiv" not in pages.class_page(FRAME, running, formgrader="/f", still=True)


def test_grading_by_hand_begins_at_the_answers():
    found = block(assignment(grades={"ada": grade(NOW, open_=True)}, collected={"ada": NOW}), rule=Rule())
    page = pages.class_page(FRAME, [found], formgrader="/services/c/formgrader/manage_assignments")
    assert 'href="/services/c/formgrader/gradebook/toy/toy"' in page
    assert 'href="/elsewhere"' in pages.class_page(FRAME, [found], formgrader="/elsewhere")


@pytest.mark.parametrize(("seconds", "words"), [(2, "just now."), (130, "2 minutes ago.")])
def test_handing_in_says_when_the_notebook_was_saved(seconds, words):
    frame = Frame("Your server", "ada", "/user/ada/course/", "/hub/", "/services/course/", now=NOW)
    saved = NOW - timedelta(seconds=seconds)
    html = pages.hand_in_page(frame, title="toy", saved=saved, files=["toy.ipynb"], missing="")
    assert words in text(html)
    assert '<a href="/services/course/">Course page</a>' in html


def every_page() -> list[str]:
    frame = Frame(EVIL, EVIL, "/services/course/", "/hub/", "/services/course/", xsrf=EVIL, now=NOW)
    bad = assignment(title=EVIL, cites=f"javascript:{EVIL}", handed=(handed("ada", NOW),), collected={"ada": NOW})
    look = students.Outlook(1, 2, last=tried(1, status="unreadable", message=EVIL), nth=1, refused=EVIL)
    row = students.row(bad, "ada", now=NOW, feedback=(NOW,), outlook=look)
    failed = block(
        assignment(title=EVIL, grades={"ada": grade(NOW, open_=True)}, collected={"ada": NOW}),
        rule=Rule(True),
        progress=Progress("Collect", "failed", log=(EVIL,)),
    )
    return [
        pages.student_page(frame, [row], course="toy", said=EVIL),
        pages.class_page(frame, [failed], formgrader="/f", at=EVIL, again=EVIL),
        pages.hand_in_page(frame, title=EVIL, saved=NOW, files=[EVIL], missing=EVIL),
        pages.message_page(frame, EVIL, EVIL),
    ]


@pytest.mark.parametrize("number", range(4))
def test_no_page_runs_or_loads_anything_whatever_it_is_told(number):
    html = every_page()[number]
    outline = Outline(html)
    assert not outline.open and not {"script", "img", "iframe", "style", "svg"} & set(outline.tags)
    assert EVIL not in html and "49" not in html
    for tag, attributes in outline.attributes:
        assert not [a for a in attributes if a.startswith("on") or a == "style"], tag
        assert not (attributes.get("href") or "").lower().startswith("javascript")
    assert [link["href"] for link in outline.all("link")] == ["/services/course/door.css"]


@pytest.mark.parametrize("number", range(4))
def test_every_page_has_what_a_screen_reader_needs(number):
    outline = Outline(every_page()[number])
    assert outline.all("html")[0]["lang"] == "en" and outline.all("title")
    assert outline.tags.count("main") == outline.tags.count("h1") == 1
    assert outline.all("a")[0] == {"class": "skip", "href": "#main"} and outline.all("main")[0]["id"] == "main"
    ids = [a["id"] for _, a in outline.attributes if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["aria-labelledby"] in ids for a in outline.all("article"))
    for form in outline.all("form"):
        assert form["method"] == "post"
    assert outline.tags.count("form") == sum(i.get("name") == "_xsrf" for i in outline.all("input"))
    fields = [i for i in outline.all("input") if i.get("type") != "hidden"]
    assert len(fields) == outline.tags.count("label")  # each stands inside its label


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        full = colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        parts = [int(full[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("number", [0, 1])
def test_text_stands_out_from_what_is_behind_it(number):
    """4.5 to 1 in light and in dark, as WCAG 2.2 asks for text."""
    block_ = re.findall(r":root \{([^}]+)\}", pages.style())[number]
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", block_))
    pairs = [("text", "page"), ("text", "card"), ("quiet", "card"), ("quiet", "code"), ("quiet", "note")]
    pairs += [("edge", "card"), ("edge", "note"), ("on", "edge"), ("good", "good-page"), ("warn", "warn-page")]
    assert len(colours) >= 12
    for one, other in pairs:
        assert contrast(colours[one], colours[other]) >= 4.5, (one, other)


def test_forms_may_lead_to_hosts_of_the_hub_where_it_has_its_own():
    assert pages.policy().endswith("form-action 'self'")
    assert pages.policy("https://hub.example").endswith("form-action 'self' https://hub.example https://*.hub.example")


def test_the_style_loads_nothing():
    assert "url(" not in pages.style() and "@import" not in pages.style()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(30, "now"), (90, "in 1 minute"), (-7200, "2 hours ago"), (86400 * 3 + 5, "in 3 days")],
)
def test_distances_are_told_in_words(seconds, words):
    assert pages.distance(NOW + timedelta(seconds=seconds), NOW) == words


def test_a_year_is_told_where_it_is_another():
    assert "2025" in pages.when(datetime(2025, 11, 1, 12), NOW) and "2026" not in pages.when(NOW, NOW)


def test_handing_in_nothing_is_not_offered():
    page = pages.hand_in_page(FRAME, title="toy", saved=None, files=(), missing="toy.ipynb is missing.")
    assert "toy.ipynb is missing." in page and "disabled" in page
    assert tries.Rule().on is False
