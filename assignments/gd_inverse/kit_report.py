"""How checks went, in words: a table for a notebook, text for a terminal. All of it is escaped."""

from __future__ import annotations

import base64
import html
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 100
COLUMNS = ("Check", "Result", "What happened", "Where to look")
EXAMPLE = (
    "The smallest example that fails",
    "It started, after torch.manual_seed(0), at",
    "It gave",
    "Right is",
)
MARKS = {True: "✓", False: "✗"}
WORDS = {True: "ok  ", False: "FAIL"}  # where a terminal has no such characters
STYLE = """
.kit-checks { --paper: #fff; --ink: #1f2328;
  background: var(--jp-layout-color1, var(--vscode-editor-background, var(--paper)));
  color: var(--jp-content-font-color1, var(--vscode-editor-foreground, var(--ink)));
  padding: 0.5em; overflow-x: auto; font-size: 0.95em; line-height: 1.45; }
@media (prefers-color-scheme: dark) { .kit-checks { --paper: #1f2328; --ink: #f0f3f6; } }
.kit-checks table.kit-table { border-collapse: collapse; margin: 0; color: inherit; }
.kit-checks table.kit-table caption { text-align: left; font-weight: bold; padding: 0 0 0.4em;
  color: inherit; caption-side: top; }
.kit-checks table.kit-table tbody tr:nth-child(n), .kit-checks table.kit-table thead tr
  { background: transparent; color: inherit; border: 0; }
.kit-checks table.kit-table tr th, .kit-checks table.kit-table tr td { text-align: left;
  vertical-align: top; padding: 0.35em 0.7em; border: 0; border-top: 1px solid #8c959f;
  color: inherit; background: transparent; max-width: 32em; white-space: normal;
  overflow-wrap: anywhere; }
.kit-checks table.kit-table tbody th { font-weight: normal; }
.kit-checks .kit-mark { white-space: nowrap; padding: 0.1em 0.5em; border-radius: 0.4em;
  color: #fff; background: #a32116; }
.kit-checks .kit-mark.kit-good { background: #17682e; }
.kit-checks table.kit-table code { background: transparent; color: inherit; padding: 0; }
.kit-checks dl.kit-example { margin: 0.6em 0 0; padding: 0.35em 0.7em 0; }
.kit-checks dl.kit-example dt { font-weight: bold; margin: 0; }
.kit-checks dl.kit-example dd { margin: 0 0 0.35em 0; font-family: monospace;
  overflow-wrap: anywhere; }
.kit-checks img { display: block; width: 100%; min-width: 26em; max-width: 34em;
  height: auto; margin: 0.4em 0 0; }
"""


class Told(NamedTuple):
    """How one check went, for its reader.

    name: the check's own
    sentence: what it asks
    outcome: "passed", "failed", "raised", "missing", ... as the grader calls it
    word: the outcome for a reader, "not written yet" for instance
    happened, look: what happened, and where to look then; "" for a check that passed
    png, words: a picture of what happened, and the same in words; empty where there is none
    """

    name: str
    sentence: str
    outcome: str
    word: str
    happened: str = ""
    look: str = ""
    png: bytes = b""
    words: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is nothing to mend."""
        return self.outcome == "passed"


UNWRITTEN = "not written yet"


def counted(function: str, checks: Sequence[Told]) -> str:
    """How many of a function's checks passed."""
    unwritten = bool(checks) and all(check.word == UNWRITTEN for check in checks)
    head = f"{function} is {UNWRITTEN}" if unwritten else function
    return f"{head}: {sum(check.passed for check in checks)} of {len(checks)} public checks passed"


def summary(function: str, checks: Sequence[Told]) -> str:
    """The same, and what the first check asks that did not pass: all that an exception says."""
    missed = [check for check in checks if not check.passed]
    if not missed or missed[0].word == UNWRITTEN:
        return counted(function, checks)
    more = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
    return f"{counted(function, checks)}. Not yet: {missed[0].sentence.rstrip('.')}{more}"


# --- text -----------------------------------------------------------------------------------------


def as_text(check: Told, encoding: str | None = "utf-8") -> list[str]:
    """The lines that tell of a check. encoding: the terminal's"""
    marks = MARKS if (encoding or "").lower().startswith("utf") else WORDS
    lines = [f"{marks[check.passed]} {check.sentence}"]
    lines += indented(check.happened) if check.happened else []
    lines += indented(f"Picture: {check.words}") if check.words else []
    lines += indented(f"Hint: {check.look}") if check.look else []
    return lines


def example_as_text(example: Sequence[str]) -> list[str]:
    """The lines that tell of the smallest example that fails."""
    parts = [part for part in zip(EXAMPLE, example, strict=True) if part[1]]
    return [line for title, text in parts for line in (f"{title}:", *indented(text))]


def indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


# --- HTML -----------------------------------------------------------------------------------------


def as_html(caption: str, checks: Sequence[Told], examples: Sequence[Sequence[str]] = ()) -> str:
    """A table of checks and the smallest examples that fail, in the colours of what is around."""
    columns = COLUMNS[
        : 2 + any(told.happened for told in checks) + any(told.look for told in checks)
    ]
    heads = "".join(f'<th scope="col">{title}</th>' for title in columns)
    rows = "".join(row(check, len(columns)) for check in checks)
    return (
        f'<div class="kit-checks mathjax_ignore tex2jax_ignore"><style>{STYLE}</style>'
        f'<table class="kit-table"><caption>{escaped(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"{''.join(map(example_as_html, examples))}</div>"
    )


def example_as_html(example: Sequence[str]) -> str:
    """The smallest example that fails."""
    parts = [part for part in zip(EXAMPLE, example, strict=True) if part[1]]
    lines = "".join(f"<dt>{title}</dt><dd>{escaped(text)}</dd>" for title, text in parts)
    return f'<dl class="kit-example">{lines}</dl>'


def row(check: Told, columns: int) -> str:
    """A line of the table."""
    kind = "kit-mark kit-good" if check.passed else "kit-mark"
    mark = f'<span aria-hidden="true">{MARKS[check.passed]}</span> {escaped(check.word)}'
    cells = [
        f'<th scope="row">{with_code(check.sentence)}</th>',
        f'<td><span class="{kind}">{mark}</span></td>',
        f"<td>{escaped(check.happened)}{image(check)}</td>",
        f"<td>{with_code(check.look)}</td>",
    ]
    return f"<tr>{''.join(cells[:columns])}</tr>"


def image(check: Told) -> str:
    if not check.png:
        return ""
    data = base64.b64encode(check.png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escaped(check.words)}">'


def escaped(text: str) -> str:
    return html.escape(text, quote=True)


def with_code(text: str) -> str:
    """A sentence of the course's, whose `code` stands between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))
