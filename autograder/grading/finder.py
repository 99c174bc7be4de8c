"""Where a change of a right answer fits: about fifty kinds, each at every place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.grading.blocks import Blocks
from autograder.grading.change import Change
from autograder.grading.expressions import Expressions
from autograder.grading.rewrites import rewrites


class Finder(Expressions, Blocks):
    """Finds the changes of one function."""

    def all(self) -> Iterator[Change]:
        for node in list(self.tree.nodes):
            if isinstance(node, ast.expr) and id(node) in self.tree.parents:
                yield from self._of_expression(node)
            if isinstance(node, ast.stmt) and node is not self.tree.function:
                yield from self._of_statement(node)
        yield from self._of_function()
        cut = {
            part.id
            for node in self.tree.nodes
            if isinstance(node, ast.Slice)
            for part in ast.walk(node)
            if isinstance(part, ast.Name)
        }
        matrices = [name for name in self.parameters if name not in (*self.counts, *cut)]
        yield from rewrites(self.tree, matrices, self.plain)
