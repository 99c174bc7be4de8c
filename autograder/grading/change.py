"""A change of a function, and where it is made."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from autograder.grading.trees import Tree


@dataclass(frozen=True)
class Operation:
    """A change of the node with this number in the order of `ast.walk`."""

    node: int
    make: Callable[[ast.AST, Tree], None]


@dataclass(frozen=True)
class Change:
    """A change of one function.

    places: the statements, or the heads of loops, that it is made in
    around: of each place, the expression that is changed and those that it stands in
    """

    function: str
    kind: str
    about: str
    other: str
    places: tuple[str, ...]
    operations: tuple[Operation, ...]
    like: str = ""  # equal for changes that can be made together
    common: bool = False  # whether it is also made together with another common one
    second: Change | None = None  # what is changed beside
    around: tuple[tuple[str, ...], ...] = ()

    @property
    def everywhere(self) -> bool:
        """Whether one change is made at several places."""
        return len(self.operations) > 1 and self.second is None
