"""Cards: what is shown, and that nothing in them can act."""

import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.card import MAX_LINES, MAX_TEXT, Card, Part, card_html, card_text, clean, sentence

KINDS = ("label", "code", "text", "hint", "advice", "passed", "failed")


def test_a_card_reads_from_top_to_bottom():
    parts = (
        Part("label", "four against six"),
        Part("code", "f(*e)"),
        Part("text", "Too big."),
        Part("hint", "Halve it."),
    )
    assert card_text(Card("fail", "f", "not right yet", parts, "1 of 2 visible checks passes.")) == (
        "✗ f: not right yet\n"
        "  four against six\n"
        "      f(*e)\n"
        "  Too big.\n"
        "  Hint: Halve it.\n"
        "  1 of 2 visible checks passes."
    )


def test_a_card_without_a_name_begins_with_its_message():
    assert card_text(Card("note", "", "No sheet.")) == "i No sheet."


def test_passed_and_failed_rows_have_a_mark_and_a_word_for_screen_readers():
    card = Card("fail", "f", "1 of 2 points", (Part("passed", "one"), Part("failed", "two")))
    assert card_text(card).splitlines()[1:] == ["  ✓ one", "  ✗ two"]
    assert 'aria-label="passed"' in card_html(card) and 'aria-label="not passed"' in card_html(card)


def test_a_hint_is_folded_away_and_marked_up():
    page = card_html(Card("fail", "f", "", (Part("hint", "Use its *square*: `x * y * z`, 2*3*4 <b>."),)))
    assert "<details" in page and "<em>square</em>" in page
    assert ">x * y * z</code>" in page and "2*3*4 &lt;b&gt;" in page


def test_messages_are_not_marked_up():
    assert "*a* `b`" in card_html(Card("fail", "f", "", (Part("text", "*a* `b`"),)))


def test_a_card_is_announced_and_styled_for_light_and_dark():
    page = card_html(Card("pass", "f", "all well"))
    assert 'role="status"' in page and "var(--jp-success-color1, " in page


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self):
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def tags(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser


@given(st.text(), st.sampled_from(KINDS))
def test_no_text_becomes_markup(text, kind):
    seen = tags(card_html(Card("fail", text, text, (Part(kind, text),), text)))
    assert seen.seen <= {"div", "span", "strong", "pre", "code", "em", "details", "summary"}
    assert seen.attributes <= {"style", "role", "aria-hidden", "aria-label"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_is_shown_and_not_run(kind):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)> `</code><script>`"
    page = card_html(Card("fail", attack, attack, (Part(kind, attack),), attack))
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;" in page


def test_the_guard_against_markup_would_notice_a_script():
    assert "script" in tags("<div><script>alert(1)</script></div>").seen


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x9b31mred", "red"),
        ("\x1b]0;no end", ""),
        ("ab\x08\x08cd\x00", "abcd"),
        ("\u202egnp.exe\u202c \u2066x\u2069\u200f", "gnp.exe x"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\tb", "a    b"),
        ("\ud800x\ue000", "x"),
        ("naïve 分子 Å", "naïve 分子 Å"),
    ],
)
def test_control_escape_and_bidirectional_characters_vanish(dirty, shown):
    assert clean(dirty) == shown


def test_long_text_is_cut_with_an_ellipsis():
    assert clean("x" * 5000) == "x" * MAX_TEXT + " …"
    assert clean("\n".join("abc")) == "a\nb\nc"
    assert clean("\n".join("x" * 40)).count("\n") == MAX_LINES - 1
    assert clean("\x00" * 100_000 + "late") == " …"


@given(st.text(st.characters(), max_size=2000))
def test_cleaned_text_is_short_printable_and_stays_as_it_is(text):
    shown = clean(text)
    assert len(shown) <= MAX_TEXT + 2
    assert all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in shown)
    shown.encode("utf-8")
    assert clean(shown).startswith(shown.removesuffix(" …")[:MAX_TEXT])


def test_a_message_becomes_a_sentence_but_a_name_stays_as_it_is():
    assert sentence("your answer is None.") == "Your answer is None."
    assert sentence("part 2 of your answer is 3.") == "Part 2 of your answer is 3."
    assert sentence("rbf_kernel raised TypeError") == "rbf_kernel raised TypeError"
    assert sentence("yourself() raised") == "yourself() raised"
