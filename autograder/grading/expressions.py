"""Changes of expressions: operators, numbers, names, parts, calls and conditions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.grading import trees
from autograder.grading.change import Change
from autograder.grading.function import TURNED, Function

STARTS = {  # what else a start is drawn with
    "normal": "torch.randn({0})",
    "zeros": "torch.zeros({0})",
    "ones": "torch.ones({0})",
    "halves": "torch.full(({0},), 0.5)",
    "small": "(0.1 * torch.rand({0}))",
    "tiny": "(0.01 * torch.rand({0}))",
    "centred": "(torch.rand({0}) - 0.5)",
    "both_signs": "(2 * torch.rand({0}) - 1)",
    "upside": "(1 - torch.rand({0}))",
    "small_normal": "(0.1 * torch.randn({0}))",
}


class Expressions(Function):
    """Changes of one expression."""

    def _of_expression(self, node: ast.expr) -> Iterator[Change]:
        if isinstance(getattr(node, "ctx", None), ast.Store):
            return
        if isinstance(node, ast.BinOp):
            yield from self._of_operator(node)
        elif isinstance(node, ast.Constant):
            yield from self._of_constant(node)
        elif isinstance(node, ast.Name):
            yield from self._of_name(node)
        elif isinstance(node, ast.Subscript):
            yield from self._of_subscript(node)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node)
        elif isinstance(node, ast.Compare):
            yield from self._of_condition(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield self._change("sign_lost", node, lambda at: at.operand, like="u")  # type: ignore[attr-defined]
        elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            yield self._change("not_transposed", node, lambda at: at.value, like="T")  # type: ignore[attr-defined]

    def _of_operator(self, node: ast.BinOp) -> Iterator[Change]:
        def with_operator(operator: type[ast.operator]) -> trees.Make:
            return lambda at: ast.BinOp(at.left, operator(), at.right)  # type: ignore[attr-defined]

        kind = type(node.op)
        left, right = ast.unparse(node.left), ast.unparse(node.right)
        if kind in TURNED:
            name = "added" if kind is ast.Sub else "subtracted"
            yield self._change(name, node, with_operator(TURNED[kind]), right, left, like="o")
            yield self._change("left_out", node, lambda at: at.left, right, like=right)  # type: ignore[attr-defined]
            yield self._change("left_out", node, lambda at: at.right, left, like=left)  # type: ignore[attr-defined]
            if kind is ast.Sub:
                turned = lambda at: ast.BinOp(at.right, ast.Sub(), at.left)  # noqa: E731
                yield self._change("turned_round", node, turned, right, left, like="o")
        elif kind is ast.Mult:
            yield self._change("left_out", node, lambda at: at.left, right, like=right)  # type: ignore[attr-defined]
            yield self._change("left_out", node, lambda at: at.right, left, like=left)  # type: ignore[attr-defined]
            yield self._change("as_matrices", node, with_operator(ast.MatMult), left, right)
            yield self._change("divided", node, with_operator(ast.Div), right, left, like=right)
            yield self._change("added_in", node, with_operator(ast.Add), right, left)
        elif kind is ast.MatMult:
            yield self._change("by_elements", node, with_operator(ast.Mult), left, right, like="o")
            swapped = lambda at: ast.BinOp(at.right, ast.MatMult(), at.left)  # noqa: E731
            yield self._change("other_side", node, swapped, left, right, like="o")
            for side in ("left", "right"):
                text = left if side == "left" else right
                yield self._change("transposed", node, trees.on_side(side, ".T"), text, like=side)
        elif kind is ast.Div:
            yield self._change("not_divided", node, lambda at: at.left, right, left)  # type: ignore[attr-defined]
            yield self._change("times", node, with_operator(ast.Mult), right, left)
        elif kind is ast.Pow:
            yield self._change("not_squared", node, lambda at: at.left, left, like="p")  # type: ignore[attr-defined]
            yield self._change(
                "absolute",
                node,
                lambda at: trees.called(at.left, "abs"),  # type: ignore[attr-defined]
                left,
                like="p",
            )
            for power in (1, 3, 4):
                if isinstance(node.right, ast.Constant) and node.right.value != power:
                    make = lambda at, p=power: ast.BinOp(at.left, ast.Pow(), ast.Constant(p))  # noqa: E731
                    yield self._change("other_power", node, make, right, str(power))
        if kind in (ast.Mult, ast.MatMult, ast.Sub):
            for factor, name in ((2.0, "twice"), (0.5, "half")):
                yield self._change(name, node, trees.times(factor), like="f")

    def _of_constant(self, node: ast.Constant) -> Iterator[Change]:
        parent = self.tree.parents[id(node)]
        if isinstance(node.value, bool):
            flipped = lambda at: ast.Constant(not at.value)  # noqa: E731
            about = ast.unparse(parent)
            yield self._change("switched", node, flipped, about, like=about)
        elif isinstance(node.value, int | float) and not isinstance(parent, ast.BinOp):
            for value in {0, 1, node.value + 1, node.value - 1} - {node.value}:
                make = lambda at, v=value: ast.Constant(v)  # noqa: E731
                yield self._change("other_number", node, make, str(node.value), str(value))
        elif isinstance(node.value, int | float):
            for value in (node.value * 2, node.value / 2, node.value * 10, node.value / 10, 1):
                make = lambda at, v=value: ast.Constant(v)  # noqa: E731
                yield self._change("other_number", node, make, str(node.value), f"{value:g}")

    def _of_name(self, node: ast.Name) -> Iterator[Change]:
        parent = self.tree.parents[id(node)]
        if node.id not in self.names or (isinstance(parent, ast.Call) and parent.func is node):
            return
        whole = node.id in (*self.counts, *self.indices)
        for other in self.names:
            numbers = other in (*self.counts, *self.indices)
            if other == node.id or numbers != whole:
                continue
            kind = "index" if node.id in self.indices else "count" if whole else "name"
            yield self._change(
                kind, node, trees.put(other), node.id, other, like=f"{node.id}>{other}"
            )
        if whole and node.id not in self.indices:
            for change, kind in ((-1, "one_less"), (1, "one_more")):
                make = trees.put(f"({node.id} + {change})")
                yield self._change(kind, node, make, like=node.id)
            for number in (1, 2, 10, 100):
                make = trees.put(str(number))
                yield self._change("fixed", node, make, node.id, str(number), like=f"{number}")
        elif not whole and not isinstance(parent, ast.Subscript | ast.Attribute):
            for method, kind in (("detach()", "detached"), ("T", "transposed"), ("abs()", "abs")):
                if kind != "transposed" or not isinstance(parent, ast.BinOp):
                    make = trees.put(f"{node.id}.{method}")
                    yield self._change(kind, node, make, node.id, like=node.id)
            if node.id in self.plain:
                for factor, kind in ((2.0, "twice_the"), (0.5, "half_the"), (0.1, "tenth_the")):
                    yield self._change(kind, node, trees.times(factor), node.id, like=node.id)
                yield self._change("fixed", node, trees.put("0.01"), node.id, "0.01", like=node.id)

    def _of_subscript(self, node: ast.Subscript) -> Iterator[Change]:
        index = node.slice
        if isinstance(index, ast.Tuple) and len(index.elts) == 2:
            swapped = lambda at: ast.Subscript(  # noqa: E731
                at.value, ast.Tuple([at.slice.elts[1], at.slice.elts[0]], ast.Load()), ast.Load()
            )
            yield self._change("indices_swapped", node, swapped, like=ast.unparse(node))
        if not isinstance(self.tree.parents[id(node)], ast.Attribute):
            yield self._change("whole", node, lambda at: at.value, like=ast.unparse(node))  # type: ignore[attr-defined]
        text, inner = ast.unparse(node), ast.unparse(node.value)
        for other in self.elements:
            if other != text and isinstance(index, ast.Name):
                yield self._change(
                    "name", node, trees.put(other), text, other, like=f"{text}>{other}"
                )
        for slice_ in [part for part in ast.walk(index) if isinstance(part, ast.Slice)]:
            if slice_.upper is not None and slice_.lower is None:
                end = ast.unparse(slice_.upper)
                parts = index.elts if isinstance(index, ast.Tuple) else [index]
                whole = ", ".join(map(ast.unparse, parts))
                options = {f"{end}:": "last_ones", f"-{end}:": "last_ones", f"{end}": "one_alone"}
                options |= {f":-{end}": "last_ones_cut"}
                options |= {f":{end} + 1": "one_more_kept", f":{end} - 1": "one_less_kept"}
                for new, kind in options.items():
                    changed = f"{inner}[{whole.replace(f':{end}', new, 1)}]"
                    make = trees.put(changed)
                    yield self._change(kind, node, make, text, like=new)
                if not isinstance(index, ast.Tuple):
                    columns = trees.put(f"{inner}[:, :{end}]")
                    yield self._change("columns", node, columns, text)
                else:
                    rows = trees.put(f"{inner}[:{end}]")
                    yield self._change("rows", node, rows, text)

    def _of_call(self, node: ast.Call) -> Iterator[Change]:
        function = node.func
        name = ast.unparse(function)
        if name == "range" and len(node.args) == 1:
            yield from self._of_range(node)
        if name == "torch.rand":
            given = ", ".join(map(ast.unparse, node.args))
            words = [f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in node.keywords]
            tail = "".join(f", {word}" for word in words)
            for kind, form in STARTS.items():
                text = form.format(given)
                if tail:
                    text = f"({text}).detach().requires_grad_()"
                make = trees.put(text)
                yield self._change(f"starts_{kind}", node, make, like=kind)
            if len(node.args) == 2:
                turned = lambda at: ast.Call(at.func, at.args[::-1], at.keywords)  # noqa: E731
                yield self._change("shape_turned", node, turned, like="t")
                back = f"torch.rand({ast.unparse(node.args[1])}, {ast.unparse(node.args[0])}{tail})"
                make = trees.put(f"{back}.T")
                yield self._change("drawn_transposed", node, make, like="d")
        for keyword in node.keywords:
            without = lambda at, k=keyword.arg: ast.Call(  # noqa: E731
                at.func, at.args, [word for word in at.keywords if word.arg != k]
            )
            about = f"{keyword.arg}={ast.unparse(keyword.value)}"
            yield self._change("without", node, without, about, like=about)
        if isinstance(function, ast.Attribute) and not name.startswith("torch."):
            method, bare = function.attr, not node.args and not node.keywords
            if bare:
                receiver = trees.put(ast.unparse(function.value))
                yield self._change("unfinished", node, receiver, method, like=method)
            for one, other in (("sum", "mean"), ("mean", "sum")):
                if method == one and bare:
                    instead = trees.put(f"({ast.unparse(function.value)}).{other}()")
                    yield self._change(f"{other}_for_{one}", node, instead, like=one)
                    rooted = trees.put(f"{ast.unparse(node)}.sqrt()")
                    yield self._change("rooted", node, rooted, like=one)
                    plain = trees.put(f"{ast.unparse(node)}.item()")
                    yield self._change("a_plain_number", node, plain, like=one)
        if name == "torch.diag":
            yield self._change("no_diagonal", node, lambda at: at.args[0])  # type: ignore[attr-defined]
        if len(node.args) == 2:
            swapped = lambda at: ast.Call(at.func, at.args[::-1], at.keywords)  # noqa: E731
            yield self._change("arguments_swapped", node, swapped, name)

    def _of_range(self, node: ast.Call) -> Iterator[Change]:
        loop = self.tree.parents[id(node)]
        end = ast.unparse(node.args[0])
        if not isinstance(loop, ast.For):
            return
        options = {"loop_late": f"range(1, {end})", "loop_backwards": f"reversed(range({end}))"}
        options |= {"loop_short": f"range({end} - 1)", "loop_long": f"range({end} + 1)"}
        options |= {"loop_twice": f"range(2 * {end})", "loop_half": f"range({end} // 2)"}
        for kind, text in options.items():
            make = trees.put(text)
            yield self._change(kind, node, make, end, like=kind)

    def _of_condition(self, node: ast.Compare) -> Iterator[Change]:
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        options = {
            "opposite": f"not ({left} {trees.sign(node.ops[0])} {right})",
            "positive": f"{left} > 0",
            "exactly_one": f"{left} == 1",
            "always": "True",
            "never": "False",
            "at_least": f"{left} >= 0",
        }
        base = left.removesuffix(".shape")
        if base != left:
            options["number"] = f"int({base}.numel() ** 0.5) ** 2 != {base}.numel()"
        for kind, text in options.items():
            make = trees.put(text)
            yield self._change(f"condition_{kind}", node, make, left, like=kind)
