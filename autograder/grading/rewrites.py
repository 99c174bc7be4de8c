"""All changes that are larger than an operator, in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograder.grading.change import Change
from autograder.grading.inputs import Holes, Inputs
from autograder.grading.methods import Methods
from autograder.grading.records import Records
from autograder.grading.sums import Sums
from autograder.grading.trees import Tree
from autograder.grading.turns import Turns
from autograder.grading.visits import Visits


def rewrites(tree: Tree, parameters: Sequence[str], plain: Sequence[str]) -> Iterator[Change]:
    """The larger changes of a function. plain: those of its parameters that are numbers"""
    for kind in (Sums, Records, Inputs, Turns, Methods, Visits, Holes):
        yield from kind(tree, parameters, plain).all()
