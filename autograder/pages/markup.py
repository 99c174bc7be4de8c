"""What a student wrote as Markdown, as HTML that is no more than words, and formulas as MathML.

The Markdown comes from the rebuilt notebook, where `gradebook.answers` has taken apart what could
begin something alive, and `gradebook.rendering` has tried how long this parser takes for it. Here
nothing is believed of that: HTML is escaped, links lead to the web and to mail alone, pictures are
those of the notebook.
"""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.gradebook.mathematics import mathml

MAX_FORMULA, MAX_FORMULAS = 400, 100  # characters of one; how many on a page
MAX_PICTURES = 60_000  # characters of base64 on a page; larger pictures are named only
LINK = re.compile(r"(?:https?://|mailto:)[^\s]{1,500}", re.IGNORECASE)
PICTURE = re.compile(r"[A-Za-z0-9+/=]+")
KINDS = ("image/png", "image/jpeg")


# --- formulas -------------------------------------------------------------------------------------


def formula(source: str, *, block: bool = False) -> Markup:
    """A formula as MathML; its source as text where it is none, or too long."""
    if len(source) > MAX_FORMULA:
        return Markup("<code>{}</code>").format(source)
    return Markup(mathml(source, block=block))


# --- Markdown -------------------------------------------------------------------------------------


class Renderer(IPythonRenderer):
    """mistune's HTML, without HTML of the student's, headings of its own, or links elsewhere."""

    def __init__(self, attachments: dict[str, dict[str, str]]) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, attachments=attachments)
        self.formulas, self.room = 0, MAX_PICTURES

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Strong words: the page's own headings stay in order."""
        return f"<p><strong>{text}</strong></p>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return f'<pre tabindex="0"><code>{escape(code)}</code></pre>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not LINK.fullmatch(url):
            return text
        return f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture of the notebook's own, where the page has room for it."""
        alt = escape(Markup(text).striptags())
        bundle = self.attachments.get(url.removeprefix("attachment:"), {})
        for kind in KINDS:
            data = "".join(str(bundle.get(kind, "")).split())
            if data and len(data) <= self.room and PICTURE.fullmatch(data):
                self.room -= len(data)
                return f'<img alt="{alt}" src="data:{kind};base64,{data}">'
        size = f", {len(str(next(iter(bundle.values())))) * 3 // 4000} kB" if bundle else ""
        return f"<em>(your picture{size}, not repeated here: {alt})</em>"

    def inline_math(self, body: str) -> str:
        return self._formula(body, block=False)

    def block_math(self, body: str) -> str:
        return self._formula(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def multiline_math(self, text: str) -> str:
        return str(escape(text))

    def _formula(self, body: str, *, block: bool) -> str:
        self.formulas += 1
        shown = formula(body, block=block) if self.formulas <= MAX_FORMULAS else escape(body)
        return str(shown)


def markdown(text: str, attachments: dict[str, dict[str, str]] | None = None) -> Markup:
    """A written answer. attachments: the notebook's pictures by name, base64 by media type"""
    try:
        return Markup(MarkdownWithMath(renderer=Renderer(attachments or {})).render(text))
    except Exception:  # what a page would have ended with
        return Markup("<pre>{}</pre>").format(text)
