"""The class page: what stands on it, that it runs and loads nothing, and that a stranger's text is shown as text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from sample_class import FOUR, class_of, graded, kept, not_graded, verdict

from autograder.classroom.page import to_html, to_json
from autograder.classroom.picture import histogram_svg, said
from autograder.classroom.summary import ClassReport, summarise

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover='x' {{ 7 * 7 }}"


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text outside of the style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text, self.open = list[tuple[str, dict[str, str | None]]](), "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open == "style" else data


def page(report: ClassReport) -> Tags:
    return Tags(to_html(report, course="All of it", chapter="Toys"))


def words(tags: Tags) -> str:
    return re.sub(r"\s+", " ", tags.text)


def test_the_page_tells_what_a_teacher_asks_first() -> None:
    wrong = [graded(f"s{i}", verdict("-++-", diagnosis="squared", hint="It is *squared*.")) for i in range(3)]
    others = [graded("t", verdict("++++")), graded("u", verdict("+---"))]
    text = words(page(summarise(kept(*wrong, *others, not_graded("v", "unreadable")))))
    for part in (
        "submitted6 graded5 unreadable, no score1 not graded, our fault0 median of 4 points2 lowest to highest1 to 4",
        "3 of 5 made the same mistake in f: squared.",
        "f squared 3 of 5 It is squared.For example, this check fails by it: “two atoms”",
        "The most difficult check: “It is even.” of f: 20 % of 5 pass, discrimination 0.79.",
        "The least discriminating check: “two atoms” of f: 40 % of 5 pass, discrimination −0.25.",
        "(Guilford, Educational and Psychological Measurement 13, 87, 1953)",
        "With 5 submissions, values between −0.89 and 0.89 may be chance.",
    ):
        assert part in text, part


def test_only_three_misconceptions_are_at_the_top_and_all_are_in_the_table() -> None:
    made = [graded(f"s{i}", verdict("----", diagnosis=name)) for i, name in enumerate("aabbccdde")]
    report = summarise(kept(*made))
    html = to_html(report, course="", chapter="")
    assert html.count('<section class="wrong">') == 3
    assert "All 5 mistakes that were made" in html
    assert "All 3 mistakes" not in to_html(summarise(kept(*made[:6])), course="", chapter="")


def test_text_that_strangers_chose_is_shown_as_text() -> None:
    f = verdict("-!t+", name=ATTACK, diagnosis=ATTACK, hint=ATTACK)
    f = replace(f, findings=tuple(replace(x, label=ATTACK + x.label) for x in f.findings))
    hostile = [
        graded(ATTACK, f),
        not_graded(ATTACK + "2", "unreadable", ATTACK),
        not_graded(ATTACK + "3", "failed-ours"),
    ]
    report = replace(summarise(kept(*hostile), names=True), engines=(ATTACK,), isolation=(ATTACK,))
    tags = Tags(to_html(report, course=ATTACK, chapter=ATTACK))
    assert not {tag for tag, _ in tags.tags} & {"script", "img", "iframe", "object", "link", "form", "base"}
    assert not [a for _, attrs in tags.tags for a in attrs if a.startswith("on")]
    assert tags.text.count("<script>alert(1)</script>") > 10
    assert "{{ 7 * 7 }}" in tags.text


def test_the_page_loads_and_runs_nothing_and_can_be_read_by_machine() -> None:
    html = to_html(summarise(class_of(FOUR)), course="All of it", chapter="Toys")
    assert not re.search(r"(src|href|url|@import)\s*[=(:]", html.replace('http-equiv="', ""))
    assert "default-src 'none'" in html and '<html lang="en">' in html and "prefers-color-scheme: dark" in html
    tags = page(summarise(class_of(FOUR))).tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    assert all("scope" in attrs for tag, attrs in tags if tag == "th")
    assert sum(tag == "caption" for tag, _ in tags) == sum(tag == "table" for tag, _ in tags)
    scrolling = [attrs for tag, attrs in tags if attrs.get("class") == "wide"]
    assert scrolling and all(attrs.get("tabindex") == "0" and attrs.get("aria-label") for attrs in scrolling)
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_a_class_without_scores_has_a_page() -> None:
    text = words(page(summarise(kept(not_graded("ada", "failed-ours")))))
    assert "Nothing is graded yet." in text and "No answer was recognised as a known mistake." in text


def test_grading_without_protection_is_told() -> None:
    report = replace(summarise(class_of(FOUR)), isolation=("NONE: submissions are trusted (--trust-submissions)",))
    assert "graded without protection" in words(page(report))
    assert "graded without protection" not in words(page(summarise(class_of(FOUR))))


def test_names_are_on_the_page_only_where_they_are_in_the_figures() -> None:
    class_ = kept(graded("Who-1", verdict("!---", diagnosis="squared")), not_graded("Who-2", "unreadable"))
    for names in (True, False):
        text = page(summarise(class_, names=names)).text
        assert ["Who-1" in text, "Who-2" in text] == [names, names]


def test_the_histogram_is_a_labelled_picture_whose_bars_are_as_high_as_their_counts() -> None:
    report = summarise(kept(*(graded(f"s{i}", verdict(p)) for i, p in enumerate(["----", "+---", "++++", "++++"]))))
    svg = ElementTree.fromstring(histogram_svg(report.bins, report.median))
    assert svg.get("role") == "img"
    assert [e.text for e in svg if e.get("class") == "axis"] == ["points", "submissions"]
    heights = [float(e.get("height", "")) for e in svg if e.get("class") == "bin"]
    assert [h / max(heights) for h in heights] == pytest.approx([b.count / 2 for b in report.bins])
    assert said(report.bins, report.median) == (
        "0 to 0.5 points: 1; 1 to 1.5 points: 1; 3.5 to 4 points: 2. The median is 2.5 points."
    )
    assert histogram_svg((), None) == ""


def test_the_time_of_every_exercise_is_told_with_its_unit() -> None:
    timed = [replace(verdict(p), seconds=s) for p, s in (("++++", 0.5), ("+---", 0.25), ("----", 2.0))]
    blank = replace(verdict("----", attempted=False), seconds=9.0)
    report = summarise(kept(*(graded(f"s{i}", v) for i, v in enumerate([*timed, blank]))))
    assert (report.exercises[0].seconds_median, report.exercises[0].seconds_most) == (0.5, 2.0)
    assert "the notebook's cells exercisemedianlongest f 0.50 s2.00 s" in words(page(report))
    assert "Seconds that students' code took" not in words(page(summarise(class_of(FOUR))))


def test_the_figures_are_also_data() -> None:
    document = to_json(summarise(class_of(FOUR)))
    assert (document["schema"], document["chapter"], document["median"]) == (1, "toy", 2.0)
    assert document["checks"][2]["passed"] == 1 and document["least_discriminating"]["label"] == "two atoms"
    assert document["unreadable"] == {"count": 0, "names": ()}
    assert [fact.partition(".")[0] for fact in document["facts"]] == ["f: 3 of 3 wrong answers match no known mistake"]
