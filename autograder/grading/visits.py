"""In which order the elements of a matrix are visited, when their steps are taken, and what these
steps know of each other.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator, Sequence

from autograder.grading import forms, trees
from autograder.grading.change import Change
from autograder.grading.rewriter import Operate, Rewriter, indented, names_in, sets, statements

FEW = 4  # elements of which all orders are tried


class Visits(Rewriter):
    """Changes of loops over rows and columns."""

    def all(self) -> Iterator[Change]:
        for row, column in self.nests():
            yield from self._orders(row, column)
            yield from self._waiting(row, column)
            yield from self._stale(row, column)
            yield from self._apart(row, column)
            yield from self._features(row, column)

    def nests(self) -> Iterator[tuple[ast.For, ast.For]]:
        """Loops of which the inner one is all of the outer one's body; both count."""
        for row in self.loops:
            if len(row.body) == 1 and row.body[0] in self.loops and row is not self.outer:
                yield row, row.body[0]

    def _orders(self, row: ast.For, column: ast.For) -> Iterator[Change]:
        rows, columns = ast.unparse(row.iter.args[0]), ast.unparse(column.iter.args[0])  # type: ignore[attr-defined]
        for kind, form in forms.ORDERS:
            operate = _in_order(row, column, form.format(rows, columns))
            yield self._made(f"order_{kind}", row, operate, common=kind == "columns_first")

    def _waiting(self, row: ast.For, column: ast.For) -> Iterator[Change]:
        """Steps that are collected, and taken at the end of a row, of a column or of a turn."""
        steps = [node for node in ast.walk(column) if isinstance(node, ast.AugAssign)]
        targets = [ast.unparse(step.target) for step in steps]
        if not steps:
            return
        sets = [targets, *([target] for target in targets)] if len(targets) > 1 else [targets]
        for waiting in sets:
            for end, loop in (("row", column), ("turn", row)):
                for share in ("1", "len(_later)", "len({_i for _i, _, _ in _later})"):
                    operate = _waiting(waiting, loop, share)
                    kind = f"waits_for_{end}" + ("" if share == "1" else "_mean")
                    about = waiting[0] if len(waiting) == 1 else ""
                    yield self._made(kind, loop, operate, about, common=share == "1" and not about)

    def _apart(self, row: ast.For, column: ast.For) -> Iterator[Change]:
        """Each statement done for a whole row, or for all elements, before the next one is."""
        block = column.body
        if len(block) == 1 and isinstance(block[0], ast.If):
            block = block[0].body
        computed = [one for one in block if isinstance(one, ast.Assign)]
        steps = [one for one in block if isinstance(one, ast.AugAssign)]
        if len(computed) != 1 or len(steps) < 2 or block[0] is not computed[0]:
            return
        kept, loops = ast.unparse(computed[0].targets[0]), (("row", column), ("turn", row))
        for end, loop in loops:
            for share in ("1", "_count"):
                for some in (steps, steps[::-1]):
                    numbers = [self.numbers[id(one)] for one in some]
                    operate = _apart(self.numbers[id(computed[0])], numbers, kept, share)
                    kind = f"{end}_at_once" + ("" if share == "1" else "_mean")
                    yield self._made(kind, loop, operate, common=share == "1")

    def _stale(self, row: ast.For, column: ast.For) -> Iterator[Change]:
        """Statements that read what was there at the beginning of a row or of a turn."""
        arrays = list(
            dict.fromkeys(
                ast.unparse(node.target.value)
                for node in ast.walk(column)
                if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript)
            )
        )
        for node in ast.walk(column):
            if not isinstance(node, ast.Assign | ast.AugAssign):
                continue
            for some in sets(arrays) if len(arrays) > 1 else [arrays]:
                if not some or not any(name in names_in(node.value) for name in some):
                    continue
                for when, loop in (("row", column), ("turn", row)):
                    operate = _stale(self.numbers[id(node)], some, self.numbers[id(loop)])
                    yield self._made(f"stale_since_{when}", node, operate)

    def _features(self, row: ast.For, column: ast.For) -> Iterator[Change]:
        """Vectors that move one number at a time, each with what was computed anew for it."""
        block = column.body
        if len(block) == 1 and isinstance(block[0], ast.If):
            block = block[0].body
        steps = [one for one in block if isinstance(one, ast.AugAssign)]
        computed = [one for one in block if isinstance(one, ast.Assign)]
        if len(steps) < 2 or not computed or len(steps) + len(computed) != len(block):
            return
        vectors = [ast.unparse(step.target) for step in steps]
        for kind, anew in (("feature_by_feature", True), ("feature_twice_anew", False)):
            inner: list[str] = []
            for step in steps:
                text = ast.unparse(step)
                for vector in vectors:
                    text = text.replace(vector, f"{vector}[_k]")
                if (anew and step is steps[0]) or not anew:
                    inner += [ast.unparse(one) for one in computed]
                inner.append(text)
            new = f"for _k in range(len({vectors[0]})):\n{indented(chr(10).join(inner))}"
            first, rest = self.numbers[id(block[0])], [self.numbers[id(one)] for one in block[1:]]

            def operate(
                at: ast.AST,
                tree: trees.Tree,
                new: str = new,
                first: int = first,
                rest: Sequence[int] = rest,
            ) -> None:
                body = tree.body_of(tree.nodes[first])
                for number in rest:
                    trees.replaced(body, tree.nodes[number], [])
                trees.replaced(body, tree.nodes[first], statements(new))

            yield self._made(kind, column, operate, common=anew)


def orders(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """All orders of few elements: the number and the source of the function with each. With more
    elements, or more turns, it raises.
    """
    rewriter = Visits(trees.Tree(function), [], [])
    for row, column in rewriter.nests():
        outer = rewriter.outer
        assert outer is not None
        rows, columns = ast.unparse(row.iter.args[0]), ast.unparse(column.iter.args[0])  # type: ignore[attr-defined]
        turns = ast.unparse(outer.iter.args[0])  # type: ignore[attr-defined]
        count = f"{rows} * {columns}"
        order = f"[(_p // {columns}, _p % {columns}) for _p in _places]"
        for number, places in enumerate(itertools.permutations(range(FEW))):
            tree = trees.Tree(copy.deepcopy(function))
            at = tree.nodes[rewriter.numbers[id(row)]]
            _in_order(row, column, order)(at, tree)
            loop = tree.nodes[rewriter.numbers[id(outer)]]
            begin = (
                f"if {count} > {FEW} or ({turns} > 1 and {count} > 1):\n"
                "    raise NotImplementedError\n"
                f"_places = [_p for _p in {list(places)} if _p < {count}]"
            )
            trees.replaced(tree.body_of(loop), loop, [*statements(begin), loop])  # type: ignore[list-item]
            tree.function.name = f"{function.name}__{number}"
            yield number, ast.unparse(ast.fix_missing_locations(tree.function))


def _in_order(row: ast.For, column: ast.For, order: str) -> Operate:
    """One loop over pairs in place of two."""
    names = f"{ast.unparse(row.target)}, {ast.unparse(column.target)}"

    def operate(at: ast.AST, tree: trees.Tree) -> None:
        inner = next(one for one in ast.walk(at) if isinstance(one, ast.For) and one is not at)
        new = statements(f"for {names} in {order}:\n    pass")[0]
        new.body = inner.body  # type: ignore[attr-defined]
        trees.replaced(tree.body_of(at), at, [new])

    return operate


def _waiting(targets: Sequence[str], loop: ast.For, share: str) -> Operate:
    place = ast.unparse(loop).splitlines()[0]

    def operate(at: ast.AST, tree: trees.Tree) -> None:
        assert isinstance(at, ast.For) and ast.unparse(at).splitlines()[0] == place
        for one in list(ast.walk(at)):
            if isinstance(one, ast.AugAssign) and ast.unparse(one.target) in targets:
                target = one.target
                assert isinstance(target, ast.Subscript)
                sign = "-" if isinstance(one.op, ast.Sub) else ""
                index = ast.unparse(target.slice)
                what = f"{sign}({ast.unparse(one.value)})"
                text = f"_later.append(({index}, {ast.unparse(target)}, {what}))"
                trees.replaced(tree.body_of(one), one, statements(text))
        after = f"_share = {share}\nfor _i, _to, _what in _later:\n    _to += _what / _share"
        before = statements("_later = []")
        trees.replaced(tree.body_of(at), at, [*before, at, *statements(after)])

    return operate


def _stale(number: int, names: Sequence[str], loop: int) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        kept = [statements(f"_was_{name} = {name}.clone()")[0] for name in names]
        value = tree.nodes[number].value  # type: ignore[attr-defined]
        for part in list(ast.walk(value)):
            if isinstance(part, ast.Name) and part.id in names:
                part.id = f"_was_{part.id}"
        outside = tree.nodes[loop]
        trees.replaced(tree.body_of(outside), outside, [*kept, outside])  # type: ignore[list-item]

    return operate


def _apart(computed: int, steps: Sequence[int], kept: str, share: str) -> Operate:
    """A loop for what is computed, and one more for each of the steps that are made of it."""

    def operate(at: ast.AST, tree: trees.Tree) -> None:
        assert isinstance(at, ast.For)
        ones = [tree.nodes[number] for number in steps]
        body = tree.body_of(ones[0])
        for one in ones:
            trees.replaced(body, one, [])
        store = statements(f"_kept.append({kept})")
        trees.replaced(body, tree.nodes[computed], [tree.nodes[computed], *store])  # type: ignore[list-item]
        loops: list[ast.stmt] = [at]
        for one in ones:
            again = copy.deepcopy(at)
            assert isinstance(one, ast.AugAssign)
            value = ast.unparse(one.value)
            sign = "-" if isinstance(one.op, ast.Sub) else "+"
            text = f"{kept} = _kept[_place]\n_place += 1\n"
            text += f"{ast.unparse(one.target)} {sign}= ({value}) / {share}"
            _innermost(again)[:] = statements(text)
            loops += [*statements("_place, _count = 0, len(_kept)"), again]
        trees.replaced(tree.body_of(at), at, [*statements("_kept = []"), *loops])

    return operate


def _innermost(loop: ast.For) -> list[ast.stmt]:
    """The block of a loop's loops and conditions that holds something else."""
    block = loop.body
    while len(block) == 1 and isinstance(block[0], ast.For | ast.If):
        block = block[0].body
    return block
