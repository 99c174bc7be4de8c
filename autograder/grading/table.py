"""What known programs answer to the ladder, made once and kept with the course: numbers only.

    course/results/<assignment>/edits/<digest>.npz

Known programs are the right answers (the solution and its variants), the known mistakes, and the
small changes of right answers (`edits`). `authoring.edits` writes the file; without it, grading
goes on with the known mistakes alone. It depends on no check and on no secret.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.grading.place import file_of
from autograder.grading.sketch import Sketches

log = logging.getLogger(__name__)
# the first number of a program: an origin; the second one is its place there
RIGHT, MISTAKE, EDIT = -2, -1, 0  # from EDIT on: a change of the solution, of the first base, ...
ORDER = -3  # one of all orders in which few elements can be visited
ARRAYS = ("programs", "groups", "hashes", "numbers", "bare_hashes", "bare_numbers")


@dataclass(frozen=True)
class Known:
    """What is known of one function.

    programs: [N, 2] whole numbers: origin and place there
    groups: [N]: programs of the same group behave alike
    sketches: of the groups, [groups, rungs, ...]
    bare: the same of replies without their lists of numbers (histories)
    """

    programs: numpy.ndarray
    groups: numpy.ndarray
    sketches: Sketches
    bare: Sketches

    def of(self, origin: int) -> list[tuple[int, int]]:
        """(place, group) of the programs of one origin."""
        return [
            (int(place), int(group))
            for (one, place), group in zip(self.programs, self.groups, strict=True)
            if one == origin
        ]

    def members(self, group: int) -> list[tuple[int, int]]:
        """The programs of a group, as (origin, place)."""
        found = self.programs[self.groups == group]
        return [(int(origin), int(place)) for origin, place in found]


Table = dict[str, Known]


def load(assignment: Assignment) -> Table:
    """The table of an assignment; {} where there is none that fits it."""
    file = file_of(assignment)
    if not file.is_file():
        return {}
    try:
        with numpy.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            table = {}
            for function in assignment.functions:
                if f"{function}.programs" in arrays:
                    programs, groups, *parts = (arrays[f"{function}.{name}"] for name in ARRAYS)
                    whole, bare = Sketches(*parts[:2]), Sketches(*parts[2:])
                    table[function] = Known(programs, groups, whole, bare)
            return table
    except Exception as error:  # whatever may have happened to it
        log.warning("%s cannot be used (%s): autograder edits makes it anew", file, error)
        return {}


def save(assignment: Assignment, table: Table) -> Path:
    """Write a table, and take away those of other digests; gives its file."""
    arrays: dict[str, numpy.ndarray] = {}
    for function, known in table.items():
        values = (known.programs, known.groups, *known.sketches, *known.bare)
        arrays |= {f"{function}.{name}": value for name, value in zip(ARRAYS, values, strict=True)}
    content = io.BytesIO()
    numpy.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    file = file_of(assignment)
    for other in (*file.parent.glob("*.npz"), *file.parent.glob("fails-*.json")):
        other.unlink(missing_ok=True)
    write_whole(file, content.getvalue())
    return file
