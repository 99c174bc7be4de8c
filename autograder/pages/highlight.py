"""Python with a little colour: each token escaped, a few kinds of them in an element of the page's
own classes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup, escape

from autograder.gradebook.rebuild import definition

MAX_HIGHLIGHTED = 10_000  # characters; a longer source stays without colour
CLASSES = {  # of the lexer's kinds of token, the few that the style sheet colours
    "Keyword": "k",
    "Comment": "c",
    "String": "s",
    "Number": "n",
    "Function": "f",
}


@cache
def _lexer() -> Any:
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False)


def code(source: str) -> Markup:
    """Python as text with a little colour; a long source without."""
    if len(source) > MAX_HIGHLIGHTED:
        return escape(source)
    parts = []
    for kind, text in _lexer().get_tokens(source.rstrip("\n")):
        name = next((CLASSES[part] for part in reversed(kind) if part in CLASSES), "")
        escaped = str(escape(text))
        parts.append(f'<i class="{name}">{escaped}</i>' if name and text.strip() else escaped)
    return Markup("".join(parts).rstrip("\n"))


def definition_in(source: str, function: str) -> str:
    """The lines of the last definition of a function at the left margin, "" where there is none:
    those that stand in its answer cell where a module was handed in.
    """
    lines = source.splitlines()
    span = definition(lines, function)
    return "\n".join(lines[slice(*span)]) if span else ""
