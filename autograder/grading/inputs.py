"""What becomes of parameters before anything else, and of those that say which elements count."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from autograder.grading import forms, trees
from autograder.grading.change import Change
from autograder.grading.rewriter import Rewriter, sets, statements

MARKS = (
    "marks_zeros_left_out", "marks_of_rows_and_columns", "marks_whole_rows", "marks_whole_columns",
    "marks_till_hidden", "marks_till_hidden", "marks_till_hidden", "marks_largest",
    "marks_from_half", "marks_above_zero", "marks_from_one", "marks_like_first",
    "marks_zeros_left_out", "marks_positive", "marks_of_data", "marks_opposite",
)  # fmt: skip


class Inputs(Rewriter):
    """Changes of what is given."""

    def all(self) -> Iterator[Change]:
        yield from self._parameters()

    def _parameters(self) -> Iterator[Change]:
        used = {node.id for node in self.tree.nodes if isinstance(node, ast.Name)}
        tensors = [name for name in self.tensors if name in used]
        for kind, form in forms.PREPARED:
            for some in ([name] for name in tensors) if len(tensors) < 2 else sets(tensors):
                text = "\n".join(f"{name} = {form.format(name)}" for name in some)
                first = statements(text)

                def operate(at: ast.AST, tree: trees.Tree, first: list[ast.stmt] = first) -> None:
                    at.body[:0] = copy.deepcopy(first)  # type: ignore[attr-defined]

                yield self._made(
                    f"prepared_{kind}",
                    self.tree.function,
                    operate,
                    some[0] if len(some) == 1 else "",
                    common=kind in ("sorted", "without_last"),
                )
        for name in tensors:  # used in place of a copy, or overwritten
            for other in tensors:
                if name != other:
                    text = f"{name} = {other}"
                    begin = trees.at_the_beginning(statements(text)[0])
                    yield self._made("takes_for", self.tree.function, begin, name, other)


class Holes(Rewriter):
    """A parameter that only decides which elements count: the others are filled, and count."""

    def all(self) -> Iterator[Change]:
        for node in self.tree.nodes:
            if not (isinstance(node, ast.If) and isinstance(node.test, ast.Compare)):
                continue
            left = node.test.left
            if not (isinstance(left, ast.Subscript) and ast.unparse(left.value) in self.tensors):
                continue
            mask = ast.unparse(left.value)
            for data in [name for name in self.tensors if name != mask]:
                for kind, fill in (
                    ("filled_zero", "torch.zeros_like(_a)"),
                    ("filled_mean", "_a[_on].mean().expand_as(_a)"),
                    ("filled_mean", "(_z.sum(0) / _on.sum(0).clamp(min=1)).expand_as(_a)"),
                    (
                        "filled_mean",
                        "(_z.sum(1) / _on.sum(1).clamp(min=1))[:, None].expand_as(_a)",
                    ),
                    ("filled_mean", "_z.mean().expand_as(_a)"),
                    ("filled_other", "torch.ones_like(_a)"),
                    ("filled_other", "_a[_on].median().expand_as(_a)"),
                    ("filled_other", "_a[_on].min().expand_as(_a)"),
                    ("filled_other", "_a[_on].max().expand_as(_a)"),
                    ("filled_other", "torch.full_like(_a, 0.5)"),
                ):
                    text = (
                        f"_on, _a = {mask} != 0, {data}\n_z = torch.where(_on, _a, 0.0)\n"
                        f"{data} = torch.where(_on, _a, {fill})\n{mask} = torch.ones_like(_z)"
                    )
                    yield self._first(kind, text, data)
                    where = f"{mask} = torch.ones_like(_z)"
                    starts = (
                        f"{where} * (_z != 0)",
                        "_on.any(1)[:, None] * _on.any(0)[None, :]",
                        f"(_on.all(1)[:, None] * {where[len(mask) + 3 :]})",
                        f"(_on.all(0)[None, :] * {where[len(mask) + 3 :]})",
                        "_on.long().cumprod(1)",
                        "_on.long().cumprod(0)",
                        "_on.flatten().long().cumprod(0).view(_on.shape)",
                        f"({mask} == {mask}.max())",
                        f"({mask} > 0.5)",
                        f"({mask} > 0)",
                        f"({mask} >= 1)",
                        f"({mask} == {mask}.flatten()[0])",
                        "(_on & (_a != 0))",
                        "(_on & (_a > 0))",
                        f"({data} != 0)",
                        "~_on",
                    )
                    if kind == "filled_zero":
                        for number, form in enumerate(starts):
                            form = form.removeprefix(f"{mask} = ")
                            begin = f"_on, _a = {mask} != 0, {data}\n"
                            begin += "_z = torch.where(_on, _a, 0.0)\n"
                            named = MARKS[number]
                            yield self._first(named, f"{begin}{mask} = {form}", mask, common=True)
                times = f"{data} = {data} * {mask}"
                yield self._first("mask_folded_in", times, data)
