"""Small changes of a right answer, as students make them: about fifty kinds of change of a syntax
tree, each at every place where it fits, and the same change at all similar places at once.

`changes(text, function)` always gives the same changes in the same order, so that a number is
enough to keep one. What a change is about (`about`, `other`, `places`) are fragments of the answer,
which `sentences` turns into an assignment's own words; no fragment is ever shown.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence

from autograder.grading.change import Change
from autograder.grading.finder import Finder
from autograder.grading.trees import Tree

MOST_PLACES = 8  # of a change everywhere


def function_in(text: str, name: str) -> ast.FunctionDef | None:
    """A function of a module, without its docstring."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
            return node
    return None


def source(function: ast.FunctionDef, change: Change, name: str) -> str:
    """The function with a change made, under another name. Raises what a change that cannot be made
    raises (ValueError, TypeError, AttributeError).
    """
    tree = Tree(copy.deepcopy(function))
    nodes = [tree.nodes[operation.node] for operation in change.operations]
    for node, operation in zip(nodes, change.operations, strict=True):
        operation.make(node, tree)
    tree.function.name = name
    return ast.unparse(ast.fix_missing_locations(tree.function))


def changes(text: str, name: str) -> list[Change]:
    """Every change of one function, singly first, then the same at all similar places."""
    function = function_in(text, name)
    if function is None:
        return []
    singles = list(Finder(function).all())
    return [*singles, *_everywhere(singles)]


def _everywhere(singles: Sequence[Change]) -> Iterator[Change]:
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in singles:
        if change.like:
            alike.setdefault((change.kind, change.like), []).append(change)
    for (kind, _), group in alike.items():
        if 2 <= len(group) <= MOST_PLACES:
            operations = tuple(operation for change in group for operation in change.operations)
            places = tuple(dict.fromkeys(place for change in group for place in change.places))
            first = group[0]
            yield Change(first.function, kind, first.about, first.other, places, operations)
