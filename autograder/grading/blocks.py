"""Changes of statements and of the whole function: what is left out, done elsewhere or in another
order, returned or prepared otherwise.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from autograder.grading import trees
from autograder.grading.change import Change
from autograder.grading.function import TURNED, Function

PREPARED = {  # what becomes of a parameter before anything else
    "abs": "{0}.abs()",
    "transposed": "{0}.T",
    "clamped": "{0}.clamp(min=0)",
    "rounded": "{0}.round()",
    "centred": "({0} - {0}.mean())",
    "scaled": "({0} / {0}.max())",
    "normed": "({0} / {0}.norm())",
}


class Blocks(Function):
    """Changes of one statement, or of the function."""

    def _of_statement(self, node: ast.stmt) -> Iterator[Change]:
        place = trees.head(node)

        def made(
            kind: str,
            operate: Callable[[ast.AST, trees.Tree], None],
            about: str = "",
            like: str = "",
        ) -> Change:
            return self._made(kind, node, operate, about or place, "", place, like)

        loops = self.tree.loops_of(node)
        targets = trees.targets(node)
        if not isinstance(node, ast.Return | ast.FunctionDef):
            yield made("dropped", trees.drop, like=type(node).__name__ if loops else "")
        if isinstance(node, ast.With):
            yield made("unwrapped", trees.unwrap)
        if isinstance(node, ast.If):
            yield made("unwrapped", trees.unwrap)
        if isinstance(node, ast.Raise):
            for kind in ("TypeError", "Exception", "RuntimeError", "AssertionError"):
                yield made("other_error", trees.raising(kind), kind)
            yield made("returns_nothing", trees.to(ast.Return(None)))
        if isinstance(node, ast.AugAssign):
            turned = TURNED.get(type(node.op))
            if turned is not None:
                yield made("wrong_way", trees.operator(turned), targets[0], like="s")
            yield made("set_not_changed", trees.assigned, targets[0], like="s")
            for factor, kind in ((2.0, "twice"), (0.5, "half"), (3.0, "three_times")):
                yield made(kind, trees.scaled(factor), targets[0], like="s")
            for name in self.counts:
                yield self._made(
                    "divided_by", node, trees.divided(name), targets[0], name, place, like=name
                )
                yield self._made(
                    "times_count",
                    node,
                    trees.divided(name, ast.Mult),
                    targets[0],
                    name,
                    place,
                    name,
                )
            yield made(
                "clamped", trees.after("{0}.clamp_(min=0)", targets[0]), targets[0], like="s"
            )
            yield made(
                "limited", trees.after("{0}.clamp_(-1, 1)", targets[0]), targets[0], like="s"
            )
            yield made(
                "rounded", trees.after("{0}.round_(decimals=2)", targets[0]), targets[0], like="s"
            )
            yield made("decayed", trees.after("{0}.mul_(0.99)", targets[0]), targets[0], like="s")
            yield made("of_absolute", trees.absolute, targets[0], like="s")
        if loops and targets:
            yield from self._of_order(node, targets, loops)
        if loops and not isinstance(node, ast.For | ast.While):
            yield made("after_the_loop", trees.out(after=True), like=f"{len(loops)}")
            yield made("before_the_loop", trees.out(after=False), like=f"{len(loops)}")
            yield made("first_turn_only", trees.guarded("first"))
            yield made("not_in_the_first_turn", trees.guarded("later"))
            yield made("every_tenth", trees.guarded("tenth"))
        if isinstance(node, ast.For):
            yield made("ends_after_one", trees.end_of_body(ast.Break()), like="l")
            returned = self.tree.function.body[-1]
            if isinstance(returned, ast.Return):
                yield made("returns_inside", trees.end_of_body(copy.deepcopy(returned)))
        if isinstance(node, ast.Return) and node.value is not None:
            yield from self._of_return(node, node.value)

    def _of_order(
        self, node: ast.stmt, targets: list[str], loops: list[ast.stmt]
    ) -> Iterator[Change]:
        """What later statements of the same turn make of a statement's result."""
        block = self.tree.body_of(node)
        position = next(place for place, item in enumerate(block) if item is node)
        for later in block[position + 1 :]:
            if targets[0] in trees.loaded(later):
                yield self._made(
                    "old_value",
                    later,
                    trees.old(targets[0], self.numbers[id(node)]),
                    targets[0],
                    trees.head(node),
                    trees.head(later),
                    like="old",
                )
            between = isinstance(later, ast.AugAssign) and isinstance(node, ast.Assign)
            if between and block[position + 1] is not later:
                yield self._made(
                    "computed_anew",
                    later,
                    trees.inserted(copy.deepcopy(node)),
                    targets[0],
                    "",
                    trees.head(later),
                )
            yield self._made(
                "order",
                later,
                trees.moved_before(self.numbers[id(node)]),
                trees.head(node),
                trees.head(later),
                trees.head(later),
            )

    def _of_return(self, node: ast.Return, value: ast.expr) -> Iterator[Change]:
        place = trees.head(node)
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        texts = [ast.unparse(part) for part in parts]

        def returned(kind: str, new: str, about: str, like: str = "") -> Change:
            make = trees.to(ast.Return(trees.expression(new)))
            return self._made(kind, node, make, about, "", place, like)

        for number, text in enumerate(texts):
            for form, kind in (
                ("{0}.T", "returned_transposed"),
                ("({0}).tolist()", "returned_as_list"),
                ("({0}).squeeze()", "returned_squeezed"),
                ("({0}).round(decimals=4)", "returned_rounded"),
                ("({0}).flatten()", "returned_flat"),
                ("({0}).detach()", "returned_detached"),
                ("({0}).int()", "returned_whole"),
                ("[float(item) for item in {0}]", "returned_as_list"),
                ("{0}[-1]", "returned_last"),
                ("{0}[1:]", "returned_without_first"),
                ("{0}[:-1]", "returned_without_last"),
                ("torch.tensor({0})", "returned_as_tensor"),
                ("sum({0})", "returned_sum"),
            ):
                new = [*texts[:number], form.format(text), *texts[number + 1 :]]
                joined = ", ".join(new)
                yield returned(kind, joined, text)
            if len(texts) > 1:
                rest = [*texts[:number], *texts[number + 1 :]]
                yield returned("not_returned", ", ".join(rest), text)
        if len(texts) > 1:
            for one in range(len(texts)):
                for other in range(one):
                    swapped = list(texts)
                    swapped[one], swapped[other] = swapped[other], swapped[one]
                    yield returned("returned_in_other_order", ", ".join(swapped), texts[one])
            for form in ("{0} @ {1}.T", "{0} @ {1}"):
                yield returned("product_returned", form.format(*texts), texts[0])
            yield returned("returned_together", "[" + ", ".join(texts) + "]", texts[0])
        yield self._made("nothing_returned", node, trees.drop, place, "", place)

    def _of_function(self) -> Iterator[Change]:
        function = self.tree.function
        place = "def"

        def first(kind: str, text: str, about: str) -> Change:
            statement = ast.parse(text).body[0]
            return self._made(kind, function, trees.at_the_beginning(statement), about, "", place)

        for seed in (0, 1, 42):
            yield first("seeded", f"torch.manual_seed({seed})", str(seed))
        for name in self.parameters:
            if name in self.plain:
                for factor, kind in ((2.0, "twice_the"), (0.5, "half_the"), (0.1, "tenth_the")):
                    yield first(kind, f"{name} = {factor} * {name}", name)
                yield first("capped", f"{name} = min({name}, 0.1)", name)
            elif name not in self.counts:
                for kind, form in PREPARED.items():
                    yield first(f"prepared_{kind}", f"{name} = {form.format(name)}", name)
                yield first("overwritten", f"{name} *= 0", name)
            if name in self.counts:
                yield first("one_more", f"{name} = {name} + 1", name)
                yield first("one_less", f"{name} = {name} - 1", name)
