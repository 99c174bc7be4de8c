"""A function of which changes are looked for: its tree and its names, and how a change of a place
in it is told.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from autograder.grading import trees
from autograder.grading.change import Change, Operation

SIZED = ("range", "torch.rand", "torch.zeros", "torch.eye")  # calls that take whole numbers
TURNED: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


class Function:
    """What is known of the function."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.name, self.tree = function.name, trees.Tree(function)
        self.numbers = {id(node): number for number, node in enumerate(self.tree.nodes)}
        arguments = function.args
        self.parameters = [argument.arg for argument in arguments.args]
        self.plain = self.parameters[len(arguments.args) - len(arguments.defaults) :]
        stored = [
            node.id
            for node in self.tree.nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        self.names = list(dict.fromkeys([*self.parameters, *stored]))
        self.counts = self._counts()
        self.elements = list(
            dict.fromkeys(
                ast.unparse(node)
                for node in self.tree.nodes
                if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name)
            )
        )
        self.indices = [
            node.target.id
            for node in self.tree.nodes
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
        ]

    def _counts(self) -> list[str]:
        """Names of whole numbers: sizes, and what is counted up to."""
        found = []
        for node in self.tree.nodes:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".shape"):
                found += [
                    part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)
                ]
            if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".shape[0]"):
                found.append(ast.unparse(node.targets[0]))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SIZED:
                found += [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        return [name for name in dict.fromkeys(found) if name in self.names]

    def _change(
        self,
        kind: str,
        node: ast.AST,
        make: trees.Make,
        about: str = "",
        other: str = "",
        like: str = "",
    ) -> Change:
        """A change of one expression into what `make` gives for it."""

        def operate(at: ast.AST, tree: trees.Tree) -> None:
            parent = tree.parents[id(at)]
            new = make(at)
            tree.parents[id(at)] = parent
            tree.replace(at, new)
            for child in ast.walk(new):
                for inner in ast.iter_child_nodes(child):
                    tree.parents[id(inner)] = child

        place = trees.head(self.tree.statement_of(node))
        return self._made(kind, node, operate, about or ast.unparse(node), other, place, like)

    def _made(
        self,
        kind: str,
        node: ast.AST,
        operate: Callable[[ast.AST, trees.Tree], None],
        about: str,
        other: str,
        place: str,
        like: str = "",
    ) -> Change:
        operation = Operation(self.numbers[id(node)], operate)
        around = (self.tree.around(node),)
        return Change(self.name, kind, about, other, (place,), (operation,), like, around=around)
