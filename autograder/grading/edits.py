"""Small changes of a right answer, as students make them: about fifty kinds of change of a syntax
tree, each at every place where it fits, and the same change at all similar places at once.

`changes(text, function)` always gives the same changes in the same order, so that a number is
enough to keep one. What a change is about (`about`, `other`, `places`) are fragments of the answer,
which `sentences` turns into an assignment's own words; no fragment is ever shown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from autograder.grading.change import Change
from autograder.grading.finder import Finder
from autograder.grading.sentences import TEMPLATES
from autograder.grading.trees import Tree

MOST_PLACES = 8  # of a change everywhere
COMMON_EVERYWHERE = ("left_out", "twice", "half", "wrong_way", "not_divided", "order", "added")
MOST_PAIRS = 350  # of changes made together
# kinds of which two are tried together, beside those that say so themselves
COMMON = (
    "old_value", "computed_anew", "wrong_way", "mean_for_sum", "sum_for_mean", "not_squared",
    "condition_exactly_one", "condition_positive", "condition_always", "condition_opposite",
    "absolute", "rooted", "loop_short", "loop_late", "returned_in_other_order", "other_side",
    "other_power", "by_elements", "divided_by", "a_plain_number", "not_transposed",
    "as_matrices", "order", "one_more_kept", "one_less_kept", "last_ones", "last_ones_cut",
    "without", "columns",
)  # fmt: skip


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
    tree = Tree(_copied(function))
    nodes = [tree.nodes[operation.node] for operation in change.operations]
    try:
        for node, operation in zip(nodes, change.operations, strict=True):
            operation.make(node, tree)
    except (KeyError, IndexError) as error:  # one of two took away what the other changes
        raise ValueError("the two changes cannot be made together") from error
    tree.function.name = name
    return ast.unparse(ast.fix_missing_locations(tree.function))


def _copied(function: ast.FunctionDef) -> ast.FunctionDef:
    """A function's tree once more: to parse it again is far quicker than to copy it."""
    made = ast.parse(_text_of(function)).body[0]
    assert isinstance(made, ast.FunctionDef)
    return made


@lru_cache(maxsize=4)
def _text_of(function: ast.FunctionDef) -> str:
    return ast.unparse(function)


def changes(text: str, name: str) -> list[Change]:
    """Every change of one function, singly first, then the same at all similar places."""
    function = function_in(text, name)
    if function is None:
        return []
    singles = list(Finder(function).all())
    everywhere = list(_everywhere(singles))
    return [*singles, *everywhere, *_pairs([*singles, *everywhere])]


def _is_common(change: Change) -> bool:
    often = change.everywhere and change.kind in COMMON_EVERYWHERE
    return change.common or often or change.kind in COMMON


def _pairs(known: Sequence[Change]) -> Iterator[Change]:
    """Two changes that are common each, made together."""
    some = [change for change in known if _is_common(change)]
    some.sort(key=lambda change: TEMPLATES.get(change.kind, (9.0, ""))[0])
    pairs = []
    for place, one in enumerate(some):
        for other in some[:place]:
            nodes = {operation.node for operation in one.operations}
            apart = nodes.isdisjoint(operation.node for operation in other.operations)
            if apart and one.kind != other.kind:
                pairs.append((other, one))
    for one, other in pairs[:MOST_PAIRS]:
        both = (*one.operations, *other.operations)
        yield replace(one, operations=both, like="", second=other)


def _everywhere(singles: Sequence[Change]) -> Iterator[Change]:
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in singles:
        if change.like:
            alike.setdefault((change.kind, change.like), []).append(change)
    for (kind, _), group in alike.items():
        if 2 <= len(group) <= MOST_PLACES:
            operations = tuple(operation for change in group for operation in change.operations)
            places = dict.fromkeys((change.places[0], change.around[0]) for change in group)
            first = group[0]
            yield Change(
                first.function,
                kind,
                first.about,
                first.other,
                tuple(place for place, _ in places),
                operations,
                around=tuple(around for _, around in places),
            )
