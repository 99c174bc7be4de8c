"""Formulas for pages that load nothing: TeX as MathML, which browsers draw by themselves.

What students write between dollars comes this way, too. latex2mathml builds a tree of it; what goes
into a page is that tree, with the elements and attributes of MathML that are known to do nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

MAX_FORMULA = 2000  # characters
ELEMENTS = frozenset(  # without mpadded, which says that a formula is smaller than what it draws
    re.findall(
        r"\w+",
        "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mphantom merror "
        "mfenced msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable "
        "mtr mtd menclose semantics",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"\w+",
        "display mathvariant stretchy fence separator lspace rspace minsize maxsize symmetric "
        "largeop movablelimits accent accentunder linethickness columnalign rowalign columnspacing "
        "rowspacing displaystyle scriptlevel form width height depth notation",
    )
)
VALUE = re.compile(r"[\w.%+ -]{0,60}")
LENGTH = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-z%]*)")
LONGEST = {"px": 400.0, "pt": 400.0, "%": 400.0, "mm": 100.0}  # of a space or a line; else:
LONGEST_ELSE = 20.0  # em and the like: a formula is no page
LARGER = re.compile(r"\\(?:[bB]ig|[bB]igg)[lrm]?(?![A-Za-z])")  # brackets grow by themselves
REFUSED = re.compile(  # what makes commands may grow without bound; the others are no mathematics
    r"\\(?:(?:re)?new|provide|Declare|def|let|href|url|style|class|cssId|html)"
)


def mathml(tex: str, *, block: bool = False) -> str:
    """A formula as MathML; as it was written, between marks of code, where it cannot be.

    block: whether it stands on a line of its own
    """
    return _mathml(tex.strip(), block) or f"<code>{html.escape(tex)}</code>"


@lru_cache(maxsize=4096)
def _mathml(tex: str, block: bool) -> str:
    from latex2mathml.converter import convert_to_element

    if len(tex) > MAX_FORMULA or REFUSED.search(tex):
        return ""
    try:
        tree = convert_to_element(LARGER.sub("", tex), display="block" if block else "inline")
        return written(tree)
    except Exception:  # whatever a formula does to the parser, RecursionError included
        return ""


def written(element: Any) -> str:
    """A tree of MathML as text in which nothing acts: an element that is not listed is a row. The
    library leaves entities in its texts, which are resolved before everything is escaped.
    """
    tag = element.tag.rpartition("}")[2]
    tag = tag if tag in ELEMENTS else "mrow"
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and VALUE.fullmatch(value) and is_modest(value)
    )
    inner = html.escape(html.unescape(element.text or ""), quote=False)
    return f"<{tag}{attributes}>{inner}{''.join(map(written, element))}</{tag}>"


def is_modest(value: str) -> bool:
    """Whether no length in the value of an attribute is longer than a formula has use for."""
    lengths = LENGTH.findall(value)
    return all(float(number) <= LONGEST.get(unit, LONGEST_ELSE) for number, unit in lengths)


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        inner = name.rstrip("*") in ("equation", "displaymath", "math")
        return mathml(body if inner else rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)


def markdown_with_mathml(source: str, attachments: Any = None, *, named: bool = True) -> str:
    """Markdown as HTML that needs no script for its formulas.

    attachments: the cell's pictures
    named: whether its headings have names, by which links and scripts of the page find them
    """
    renderer: Any = Renderer(
        escape=False, attachments=attachments or {}, exclude_anchor_links=not named
    )
    render: Callable[[str], Any] = MarkdownWithMath(renderer=renderer).render
    return str(render(source))
