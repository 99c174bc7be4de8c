"""What all larger changes stand on: where one is made, and how it is told; blocks of text that go
into a loop.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence

from autograder.grading import trees
from autograder.grading.change import Change, Operation

Operate = Callable[[ast.AST, trees.Tree], None]
# kinds of which two are tried together
PAIRED = (
    "root_of_mean", "half", "twice", "sign_alone", "mean_of_all", "mean_of_rows", "normed_each",
    "returned_absolute", "returned_negative", "returned_sorted", "last_left_out", "in_place",
    "history_late", "mean_over_rows", "mean_over_columns", "mean_absolute", "absolute_result",
    "first_left_out", "without_square", "cut_differences", "returned_whole",
)  # fmt: skip


def statements(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


class Rewriter:
    """Finds changes of one kind in one function: what `all` gives."""

    def __init__(self, tree: trees.Tree, parameters: Sequence[str], plain: Sequence[str]) -> None:
        self.tree, self.name, self.plain = tree, tree.function.name, list(plain)
        self.numbers = {id(node): number for number, node in enumerate(tree.nodes)}
        self.tensors = [name for name in parameters if name not in plain]
        whole = [node for node in tree.nodes if isinstance(node, ast.For)]
        self.loops = [loop for loop in whole if isinstance(loop.target, ast.Name)]
        self.outer = next(iter(self.loops), None)

    def all(self) -> Iterator[Change]:
        raise NotImplementedError

    def _made(
        self,
        kind: str,
        node: ast.AST,
        operate: Operate,
        about: str = "",
        other: str = "",
        like: str = "",
        common: bool = False,
    ) -> Change:
        place = trees.head(self.tree.statement_of(node)) if node is not self.tree.function else ""
        operation = Operation(self.numbers[id(node)], operate)
        around = (self.tree.around(node),)
        return Change(
            self.name, kind, about, other, (place,), (operation,), like, common, around=around
        )

    def _put(
        self, kind: str, node: ast.AST, text: str, like: str = "", common: bool = False
    ) -> Change:
        def operate(at: ast.AST, tree: trees.Tree) -> None:
            tree.replace(at, trees.expression(text))

        return self._made(kind, node, operate, ast.unparse(node), "", like, common)

    def _first(self, kind: str, text: str, about: str, common: bool = False) -> Change:
        first = statements(text)

        def operate(at: ast.AST, tree: trees.Tree) -> None:
            at.body[:0] = copy.deepcopy(first)  # type: ignore[attr-defined]

        return self._made(kind, self.tree.function, operate, about, common=common)


def sets(names: Sequence[str]) -> list[list[str]]:
    """Each alone, and all together."""
    return [*([name] for name in names), list(names)]


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def turn_of(loop: ast.For) -> str:
    if ast.unparse(loop.target) == "_":
        loop.target = ast.Name("_count", ast.Store())
    return ast.unparse(loop.target)


def at_the_end(text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        at.body.extend(statements(text))  # type: ignore[attr-defined]

    return operate


def at_the_beginning(text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        at.body[:0] = statements(text)  # type: ignore[attr-defined]

    return operate


def after_record(history: str, text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        body = at.body  # type: ignore[attr-defined]
        for place, one in enumerate(body):
            if isinstance(one, ast.Expr) and ast.unparse(one).startswith(f"{history}."):
                body[place + 1 : place + 1] = statements(text)
                return
        raise ValueError("nothing is recorded")

    return operate
