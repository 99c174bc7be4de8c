"""The program that each small change of a right answer makes, ready for a box."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from autograder.assignment import Assignment
from autograder.grading.edits import changes, function_in, source

IN_A_BOX = 160


def bases(assignment: Assignment) -> list[Path]:
    """The files whose changes are made: the solution, and what is right in another way."""
    return [assignment.solution, *(base.path for base in assignment.edited)]


@dataclass
class Programs:
    """The changes of one function that can be made: the number and the source of each, under a name
    of its own; each source once. tried, broken: how many there are, and how many cannot be made
    """

    made: list[tuple[int, str]] = field(default_factory=list)
    tried: int = 0
    broken: int = 0

    @classmethod
    def of(cls, text: str, function: str, only: set[int] | None = None) -> Programs:
        """Those of a function of a module. only: the numbers that are wanted (None: all)"""
        programs, seen = cls(), set()
        found = function_in(text, function)
        for number, change in enumerate(changes(text, function)):
            if only is not None and number not in only:
                continue
            assert found is not None
            programs.tried += 1
            try:
                plain = source(found, change, function)
                ast.parse(plain)
            except (
                ValueError, TypeError, AttributeError, SyntaxError, StopIteration, AssertionError,
            ):  # fmt: skip
                programs.broken += 1
                continue
            if plain not in seen:
                seen.add(plain)
                other = plain.replace(f"def {function}(", f"def {name_of(function, number)}(", 1)
                programs.made.append((number, other))
        return programs

    def by_box(self) -> list[list[tuple[int, str]]]:
        """As many at a time as a box holds."""
        return [self.made[first : first + IN_A_BOX] for first in range(0, len(self.made), IN_A_BOX)]


def name_of(function: str, number: int) -> str:
    """The name of a changed function."""
    return f"{function}__{number}"
