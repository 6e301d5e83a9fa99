"""Markdown -> HTML that runs nothing and loads nothing: formulas as MathML, everything else through nh3. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import nh3
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

MAX_FORMULA, MAX_FORMULAS = 4000, 1000  # characters of one, and how many of a text; the rest is shown as text
IMAGE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+\Z")
LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
SCHEMES = {"http", "https", "mailto", "data"}
TEXT = """a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre q s
samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var"""
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "details": {"open"},
    "ol": {"start"},
}
CLASSES = {"div": {"highlight"}}
MATH = """math maction menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot
mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none"""
MATH_LOOK = """accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height
largeop linethickness lspace mathvariant maxsize minsize movablelimits notation rowlines rowspacing rspace scriptlevel
separator stretchy symmetric width"""


class Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas put aside under tokens that no text can hold."""

    def __init__(self, token: str, pictures: Mapping[str, Any]):
        super().__init__(escape=False, exclude_anchor_links=True, attachments=dict(pictures))
        self.token, self.formulas = token, list[str]()

    def block_math(self, body: str) -> str:
        return self._aside(body, "block")

    def inline_math(self, body: str) -> str:
        return self._aside(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return self._aside(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        try:
            return str(super().image(text, url, title))
        except InvalidNotebook:  # an attachment that is not there
            return escape(text)

    def _aside(self, latex: str, display: str) -> str:
        plain = len(self.formulas) >= MAX_FORMULAS
        self.formulas.append(f"<code>{escape(latex)}</code>" if plain else formula(latex, display))
        return f"{self.token}{len(self.formulas) - 1}x"


@pass_context
def rendered(context: Any, source: str) -> str:
    """The filter `markdown2html` of nbconvert's pages, of which the formgrader is one."""
    return render(source, context.get("cell", {}).get("attachments", {}))


def render(source: str, pictures: Mapping[str, Any] = {}) -> str:
    """The HTML of a Markdown text, whoever wrote it."""
    token = "f" + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:24] + "n"
    renderer = Renderer(token, pictures)
    html = str(MarkdownWithMath(renderer=renderer).render(source))
    safe = nh3.clean(
        html,
        tags=set(TEXT.split()),
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        attribute_filter=_kept,
        url_schemes=SCHEMES,
    )
    return re.sub(f"{token}(\\d+)x", lambda m: renderer.formulas[int(m[1])], safe)


def formula(latex: str, display: str) -> str:
    """A formula as MathML; as text where it cannot be converted."""
    try:
        if len(latex) > MAX_FORMULA:
            raise ValueError("too long")
        mathml = convert(latex, display=display)
    except Exception:  # latex2mathml raises whatever a broken formula makes it meet
        return f"<code>{escape(latex)}</code>"
    return nh3.clean(mathml, tags=set(MATH.split()), attributes={"*": set(MATH_LOOK.split())}, url_schemes=set())


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Images are part of the page, links lead to other pages; all else is dropped."""
    if attribute == "src":
        return value if IMAGE.match(value) else None
    if attribute == "href":
        return value if LINK.match(value) else None
    return value
