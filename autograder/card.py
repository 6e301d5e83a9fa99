"""One card of feedback -> plain text or HTML. The notebook and the feedback page draw the same cards.

Everything is escaped, and text that a student's code may have chosen is stripped of control characters and cut short:
a card holds no script, no link, no image and nothing that a terminal or a browser would obey.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["pass", "fail", "wait", "note"]
Kind: TypeAlias = Literal["label", "code", "text", "hint", "advice", "passed", "failed"]

MAX_TEXT = 600
MAX_LINES = 12

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\x9b[0-?]*[ -/]*[@-~]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_MARKS: Mapping[Tone, str] = {"pass": "✓", "fail": "✗", "wait": "…", "note": "i"}
_COLOURS: Mapping[Tone, str] = {
    "pass": "var(--jp-success-color1, #2e9247)",
    "fail": "var(--jp-warn-color1, #d9730d)",
    "wait": "var(--jp-info-color1, #3b82c4)",
    "note": "var(--jp-info-color1, #3b82c4)",
}
_FONT = "font-family:var(--jp-content-font-family, system-ui, sans-serif)"
_CODE_FONT = "font-family:var(--jp-code-font-family, ui-monospace, monospace)"
_QUIET = "color:var(--jp-content-font-color2, inherit)"
_LINE = "border:1px solid var(--jp-border-color2, rgba(128, 128, 128, .35))"


@dataclass(frozen=True)
class Part:
    """One piece of a card. `hint` (folded away) and `advice` are the author's text, with `code` and *emphasis*."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Card:
    """What one exercise's feedback says: its name, how it stands, the details, and a last line."""

    tone: Tone
    name: str
    state: str
    parts: tuple[Part, ...] = ()
    footer: str = ""


def clean(text: str, most: int = MAX_TEXT, lines: int = MAX_LINES) -> str:
    """Text that is safe to print anywhere: no escape sequence, control or bidirectional character, and not too long."""
    kept = legible(text[: 20 * most]).strip("\n").split("\n")
    short = "\n".join(line.rstrip() for line in kept[:lines])
    if len(kept) > lines or len(short) > most or len(text) > 20 * most:
        short = short[:most].rstrip() + " …"
    return short


def legible(text: str) -> str:
    """Text without what a terminal would obey and without characters that hide or turn round others."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    plain = plain.replace("\u2028", "\n").replace("\u2029", "\n")
    return "\n".join(line if line.isprintable() else _visible(line) for line in plain.split("\n"))


def _visible(line: str) -> str:
    return "".join(c for c in line if unicodedata.category(c) not in _INVISIBLE)


def sentence(message: str) -> str:
    """The message as a sentence of its own: a capital letter, unless it begins with a name from the code."""
    return message[:1].upper() + message[1:] if message.startswith(("your ", "part ", "this ")) else message


def card_text(card: Card) -> str:
    """The card as plain text, for a terminal, a comment in the gradebook, or a screen reader."""
    lines = [f"{_MARKS[card.tone]} {card.name}: {card.state}" if card.name else f"{_MARKS[card.tone]} {card.state}"]
    for part in card.parts:
        match part.kind:
            case "code":
                lines.append(textwrap.indent(part.text, "      "))
            case "hint":
                lines.append(_indented(f"Hint: {part.text}", "  "))
            case "passed" | "failed":
                lines.append(_indented(f"{'✓' if part.kind == 'passed' else '✗'} {part.text}", "  "))
            case _:
                lines.append(_indented(part.text, "  "))
    if card.footer:
        lines.append(_indented(card.footer, "  "))
    return "\n".join(lines)


def card_html(card: Card) -> str:
    """The card as a fragment of HTML with inline style, for light and dark pages alike."""
    colour = _COLOURS[card.tone]
    mark = f'<span aria-hidden="true" style="color:{colour};font-weight:700">{_MARKS[card.tone]}</span>'
    name = f'<strong style="{_CODE_FONT};font-size:1.02em">{escape(card.name)}</strong>' if card.name else ""
    state = f"<span>{escape(card.state)}</span>"
    footer = f'<div style="margin-top:.7em;font-size:.92em;{_QUIET}">{escape(card.footer)}</div>' if card.footer else ""
    return (
        f'<div role="status" style="{_FONT};line-height:1.5;max-width:46em;margin:.4em 0;padding:.7em 1em;{_LINE};'
        f'border-left:4px solid {colour};border-radius:4px;text-align:left">'
        f'<div style="display:flex;flex-wrap:wrap;gap:.2em .6em;align-items:baseline">{mark}{name}{state}</div>'
        f"{''.join(_part_html(p) for p in card.parts)}{footer}</div>"
    )


def _part_html(part: Part) -> str:
    text = escape(part.text)
    match part.kind:
        case "label":
            return f'<div style="margin-top:.7em;{_QUIET}">{text}</div>'
        case "code":
            return (
                f'<pre style="margin:.35em 0;padding:.45em .7em;overflow-x:auto;white-space:pre;{_CODE_FONT};'
                "font-size:.92em;line-height:1.45;color:inherit;border:0;border-radius:3px;"
                f'background:rgba(128, 128, 128, .13)">{text}</pre>'
            )
        case "hint":
            return (
                '<details style="margin-top:.7em"><summary style="cursor:pointer;width:max-content">A hint</summary>'
                f'<div style="margin:.35em 0 0 1.1em;white-space:pre-wrap">{_marked(text)}</div></details>'
            )
        case "advice":
            return f'<div style="margin-top:.5em;white-space:pre-wrap">{_marked(text)}</div>'
        case "passed" | "failed":
            tone: Tone = "pass" if part.kind == "passed" else "fail"
            word = "passed" if part.kind == "passed" else "not passed"
            mark = f'<span role="img" aria-label="{word}" style="color:{_COLOURS[tone]}">{_MARKS[tone]}</span>'
            return f'<div style="margin-top:.35em;display:flex;gap:.6em">{mark}<span>{text}</span></div>'
    return f'<div style="margin-top:.35em;white-space:pre-wrap;overflow-wrap:anywhere">{text}</div>'


def marked(text: str) -> str:
    """An author's text as HTML: escaped, with its `code` and *emphasis*."""
    return _marked(escape(text))


def _marked(escaped: str) -> str:
    """The author's `code` and *emphasis*, in text that is escaped already."""
    pieces = re.split(r"`([^`\n]+)`", escaped)
    for i, piece in enumerate(pieces):
        if i % 2:
            pieces[i] = f'<code style="{_CODE_FONT}">{piece}</code>'
        else:
            pieces[i] = re.sub(r"(?<![\w*])\*([^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])", r"<em>\1</em>", piece)
    return "".join(pieces)


def _indented(text: str, margin: str) -> str:
    return textwrap.indent(text, margin)
