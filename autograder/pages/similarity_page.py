"""Pairs of submissions side by side, for a person to judge.

course/report/<assignment>-similarity.html
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.gradebook.marks import roster
from autograder.pages.alike import (
    LEAST,
    LIKENESS,
    SHARED_BY_MANY,
    Pair,
    Print,
    alike,
    groups,
    known_grams,
    prints_of,
)
from autograder.pages.page import page

MOST_PAIRS = 60  # on a page, side by side
AROUND = 2  # lines shown before and after what is shared
MOST_LINES = 150  # of one submission, in one pair


def write_similarity_page(assignment: Assignment) -> tuple[Path, int]:
    """Write the page of an assignment; gives its file, and how many pairs were found."""
    prints = prints_of(assignment)
    pairs = alike(prints, known_grams(assignment))
    file = assignment.course.report / f"{assignment.slug}-similarity.html"
    write_whole(file, similarity_page(assignment, prints, pairs))
    return file, len(pairs)


def similarity_page(assignment: Assignment, prints: dict[str, Print], pairs: list[Pair]) -> str:
    """The page's text."""
    known = roster(assignment.course, assignment.slug).names
    shown = [
        {
            "one": called(pair.one, known),
            "other": called(pair.other, known),
            "likeness": round(100 * pair.likeness),
            "same": pair.same,
            "left": excerpt(prints[pair.one], pair),
            "right": excerpt(prints[pair.other], pair),
        }
        for pair in pairs[:MOST_PAIRS]
    ]
    return page(
        "similarity.html",
        title=assignment.title,
        pairs=shown,
        groups=[[called(one, known) for one in group] for group in groups(pairs)],
        found=len(pairs),
        compared=len(prints),
        many=SHARED_BY_MANY,
        least=LEAST,
        likeness=round(100 * LIKENESS),
    )


def called(student: str, known: dict[str, str]) -> str:
    name = known.get(student, "")
    return f"{name} ({student})" if name else student


def excerpt(print_: Print, pair: Pair) -> Markup:
    """The lines of a submission that are shared, marked, with some lines around them."""
    lines = print_.code.splitlines()
    marked = print_.lines(pair.shared)
    near = {place + step for place in marked for step in range(-AROUND, AROUND + 1)}
    parts, last = [], -1
    for place in sorted(one for one in near if 0 <= one < len(lines))[:MOST_LINES]:
        if place != last + 1:
            parts.append(Markup("⋮\n"))
        row = Markup("<mark>{}</mark>\n") if place in marked else Markup("{}\n")
        parts.append(row.format(lines[place]))
        last = place
    return Markup("").join(parts)
