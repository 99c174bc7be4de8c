"""The part of docs/diagnosis.md that `benchmarks.diagnosis` measures: a row an assignment, all rows
together, and what was not told as it should be. What is measured anew replaces what stood there of
the same assignments; the rest is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.course import write_whole
from autograder.errors import AutograderError

FIRST, LAST = "<!-- measured: benchmarks.diagnosis -->", "<!-- end of what is measured -->"
ALL = "all"
MISSED = (
    "Not named for what they are, or named where nothing should be, and what they are told instead",
    "(another known mistake by its file, a change by its sentence):",
)
Row = Mapping[str, str]


def table(titles: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Rows as Markdown. titles: of the columns, as in "unseen: named"; a row has its figures by
    what is before the colon
    """
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    for figures in rows:
        cells = [figures.get(title.partition(":")[0], "") for title in titles]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def totals(titles: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    """The sums of "3 of 7" over all rows, with their share where names are wanted."""
    found = {"assignment": ALL}
    for title in titles[1:]:
        column = title.partition(":")[0]
        pairs = [row[column].split(" of ") for row in rows if row.get(column)]
        if pairs:
            some, of = (sum(int(pair[place]) for pair in pairs) for place in (0, 1))
            share = (
                f" ({100 * some / of:.0f} %)"
                if of and column not in ("variants", "unrelated")
                else ""
            )
            found[column] = f"{some} of {of}{share}"
    return found


def write(
    page: Path, titles: Sequence[str], rows: Sequence[Row], missed: Mapping[str, Sequence[str]]
) -> None:
    """Put rows, and of each assignment the lines of what it missed, between the page's two
    comments; those of other assignments stay as they are. AutograderError where the comments are
    not there.
    """
    text = page.read_text(encoding="utf-8")
    before, first, rest = text.partition(FIRST)
    measured, last, after = rest.partition(LAST)
    if not (first and last):
        raise AutograderError(f"{page} has no place for what is measured: {FIRST} and {LAST}")
    known = {row["assignment"]: row for row in _rows(titles, measured)}
    known |= {row["assignment"]: dict(row) for row in rows}
    lines = [*table(titles, [*known.values(), totals(titles, list(known.values()))]), ""]
    told = {slug: _missed(slug, measured) for slug in known} | {
        slug: list(ones) for slug, ones in missed.items()
    }
    lines += [*MISSED, "", *(line for slug in known for line in told.get(slug, ()))]
    write_whole(page, "\n".join([before + FIRST, "", *lines, "", LAST + after]))


def _rows(titles: Sequence[str], measured: str) -> list[dict[str, str]]:
    """The rows that stand there, without that of all."""
    columns = [title.partition(":")[0] for title in titles]
    found = []
    for line in measured.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        is_one = line.startswith("|") and len(cells) == len(columns)
        if is_one and cells[0] not in (columns[0], "---") and cells[0].split()[0] != ALL:
            found.append(dict(zip(columns, cells, strict=True)))
    return found


def _missed(slug: str, measured: str) -> list[str]:
    return [line for line in measured.splitlines() if line.startswith(f"- {slug}, ")]
