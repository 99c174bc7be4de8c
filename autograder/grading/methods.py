"""Steps of another method than the one asked for: momentum, adapted rates, velocities that fade or
grow otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.grading import forms, trees
from autograder.grading.change import Change
from autograder.grading.rewriter import Rewriter, names_in, statements


class Methods(Rewriter):
    """Changes of the rule that steps follow."""

    def all(self) -> Iterator[Change]:
        if self.outer is not None:
            yield from self._methods(self.outer)
            yield from self._velocities()

    def _methods(self, loop: ast.For) -> Iterator[Change]:
        """Steps of another method than plain gradient descent."""
        steps = [
            node
            for node in self.tree.nodes
            if isinstance(node, ast.AugAssign)
            and self.tree.loops_of(node)
            and ast.unparse(node.value).startswith("lr * ")
        ]
        numbers = [self.numbers[id(step)] for step in steps]
        for kind, form in forms.METHODS if steps else ():

            def operate(at: ast.AST, tree: trees.Tree, form: str = form) -> None:
                begin = "_turn = 0\n"
                for number in numbers:
                    step = tree.nodes[number]
                    assert isinstance(step, ast.AugAssign)
                    target, name = ast.unparse(step.target), names_in(step.target)
                    base = next(iter(sorted(name, key=target.index)))
                    index = target.removeprefix(base)
                    gradient = ast.unparse(step.value).removeprefix("lr * ")
                    sign = "-" if isinstance(step.op, ast.Sub) else "+"
                    given = {"v": f"_v_{base}{index}", "w": f"_w_{base}{index}"}
                    new = form.format(t=target, g=f"({gradient})", s=sign, **given)
                    trees.replaced(tree.body_of(step), step, statements(new))
                    begin += f"_v_{base} = torch.zeros_like({base})\n"
                    begin += f"_w_{base} = torch.zeros_like({base})\n"
                at.body[:0] = statements("_turn += 1")  # type: ignore[attr-defined]
                trees.replaced(tree.body_of(at), at, [*statements(begin), at])  # type: ignore[list-item]

            yield self._made(kind, loop, operate)

    def _velocities(self) -> Iterator[Change]:
        """A velocity that fades or grows otherwise, and steps that look ahead of it."""
        for node in self.tree.nodes:
            if not (isinstance(node, ast.Assign) and self.tree.loops_of(node)):
                continue
            value, name = node.value, ast.unparse(node.targets[0])
            added = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)
            if not added or not isinstance(value.left, ast.BinOp):  # type: ignore[attr-defined]
                continue
            if ast.unparse(value.left.right) != name:  # type: ignore[attr-defined]
                continue
            share, grown = ast.unparse(value.left.left), ast.unparse(value.right)  # type: ignore[attr-defined]
            for kind, form in forms.VELOCITIES:
                text = form.format(a=share, v=name, g=grown)
                yield self._put(kind, value, text, common=True)
            block = self.tree.body_of(node)
            for later in block[block.index(node) + 1 :]:
                if isinstance(later, ast.AugAssign) and name in names_in(later.value):
                    for grows in (grown, f"(1 - {share}) * {grown}"):
                        ahead = f"({grows} + {share} * {name})"
                        text = ast.unparse(later.value).replace(name, ahead, 1)
                        yield self._put("steps_ahead", later.value, text, common=True)
                    moved = ast.unparse(later.target)
                    for read in self.tree.nodes:
                        same = isinstance(read, ast.Name) and read.id == moved
                        if same and isinstance(read.ctx, ast.Load) and self.tree.loops_of(read):  # type: ignore[attr-defined]
                            place = f"({moved} - lr * {share} * {name})"
                            yield self._put("looks_ahead", read, place)
