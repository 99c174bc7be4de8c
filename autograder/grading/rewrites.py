"""Changes that are larger than an operator: another order of visits, steps that wait, values that
are stale, what is recorded late, rates that change, and forms of whole results.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence

from autograder.grading import forms, trees
from autograder.grading.change import Change, Operation

Operate = Callable[[ast.AST, trees.Tree], None]
FEW = 4  # elements of which all orders are tried
DECAYS = (0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8)


def statements(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


class Rewriter:
    """Finds the larger changes of one function."""

    def __init__(self, tree: trees.Tree, parameters: Sequence[str], plain: Sequence[str]) -> None:
        self.tree, self.name, self.plain = tree, tree.function.name, list(plain)
        self.numbers = {id(node): number for number, node in enumerate(tree.nodes)}
        self.tensors = [name for name in parameters if name not in plain]
        whole = [node for node in tree.nodes if isinstance(node, ast.For)]
        self.loops = [loop for loop in whole if isinstance(loop.target, ast.Name)]
        self.outer = next(iter(self.loops), None)

    def all(self) -> Iterator[Change]:
        yield from self._formulas()
        yield from self._sums()
        yield from self._records()
        yield from self._results()
        yield from self._parameters()
        if self.outer is not None:
            yield from self._rates(self.outer)
            yield from self._turns(self.outer)
            yield from self._methods(self.outer)
            yield from self._velocities()
        for row, column in self._nests():
            yield from self._orders(row, column)
            yield from self._waiting(row, column)
            yield from self._stale(row, column)
            yield from self._apart(row, column)
            yield from self._features(row, column)
        yield from self._holes()

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

    # --- expressions ------------------------------------------------------------------------------

    def _formulas(self) -> Iterator[Change]:
        """Powers of products, and the vector that a vector is differentiated with."""
        for node in self.tree.nodes:
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                left = ast.unparse(node.left)
                if isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow):
                    base, power = ast.unparse(node.right.left), ast.unparse(node.right.right)
                    yield self._put(
                        "power_of_product", node, f"({left} * {base}) ** {power}", common=True
                    )
                    turned = f"{left} ** {power} * {base}"
                    yield self._put("power_of_other", node, turned, common=True)
                    both = f"({left} + {base}) ** {power}"
                    yield self._put("power_of_sum", node, both, common=True)
                    less = f"{power} * {left} * {base} ** ({power} - 1)"
                    yield self._put("derived_by_hand", node, less, common=True)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.ones_like":
                of, whole = ast.unparse(node.args[0]), ast.unparse(node)
                for kind, text in (
                    ("share_of_mean", f"{whole} / {whole}.numel()"),
                    ("weighted_by_values", f"{of}.detach()"),
                    ("weighted_by_values", f"{of}.detach().sign()"),
                    ("weighted_by_values", f"2 * {of}.detach()"),
                    ("first_alone", f"torch.eye(len({of}))[0]"),
                    ("last_alone", f"torch.eye(len({of}))[-1]"),
                    ("twice", f"2 * {whole}"),
                    ("negative_weights", f"-{whole}"),
                    ("random_weights", f"torch.rand({of}.shape)"),
                ):
                    yield self._put(kind, node, text, common=True)

    def _sums(self) -> Iterator[Change]:
        """Sums and means of squares, of products and of anything."""
        for node in self.tree.nodes:
            bare = isinstance(node, ast.Call) and not node.args and not node.keywords
            if not (bare and isinstance(node.func, ast.Attribute)):  # type: ignore[attr-defined]
                continue
            inside, method = node.func.value, node.func.attr  # type: ignore[attr-defined]
            if method not in ("sum", "mean"):
                continue
            whole = ast.unparse(node)
            if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Pow):
                yield from self._of_squares(node, inside.left, whole, method)
            elif method == "sum":
                yield from self._filled(node, forms.OF_SUMS, ast.unparse(inside), whole)
                if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Mult):
                    parts = ast.unparse(inside.left), ast.unparse(inside.right)
                    yield from self._filled(node, forms.OF_PRODUCTS, "", whole, *parts)

    def _of_squares(
        self, node: ast.AST, squared: ast.expr, whole: str, method: str
    ) -> Iterator[Change]:
        yield from self._filled(node, forms.OF_SQUARES, ast.unparse(squared), whole)
        other = {"sum": "mean", "mean": "sum"}[method]
        number = f"torch.tensor(({ast.unparse(squared)} ** 2).{other}().item())"
        yield self._put("a_plain_number", node, number)
        if isinstance(squared, ast.BinOp) and isinstance(squared.op, ast.Sub):
            parts = ast.unparse(squared.left), ast.unparse(squared.right)
            yield from self._filled(node, forms.OF_DIFFERENCES, "", whole, *parts)
            left = squared.left
            if isinstance(left, ast.BinOp) and isinstance(left.op, ast.MatMult):
                one, two = ast.unparse(left.left), ast.unparse(left.right)
                both, mean = f"{one} @ {two}", f"({one} @ {two} + {two} @ {one}) / 2"
                yield self._put("both_products", node, whole.replace(both, mean, 1), common=True)
                turned = whole.replace(both, f"{two} @ {one}", 1)
                yield self._put("both_losses", node, f"{whole} + {turned}", common=True)
                yield self._put("both_losses", node, f"({whole} + {turned}) / 2")

    def _filled(
        self,
        node: ast.AST,
        table: Sequence[tuple[str, str]],
        inside: str,
        whole: str,
        *parts: str,
    ) -> Iterator[Change]:
        for kind, form in table:
            text = form.format(f"({inside})" if inside else "", *parts, whole=whole)
            if text != whole:
                yield self._put(kind, node, text, common=kind in PAIRED)

    def _records(self) -> Iterator[Change]:
        """What is put on a list in each turn, and when."""
        for node in self.tree.nodes:
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
                continue
            call = node.value
            if not (isinstance(call.func, ast.Attribute) and call.func.attr == "append"):
                continue
            item, where = call.args[0], ast.unparse(call.func.value)
            for shape in self.tensors or ["_"]:
                for kind, form in forms.RECORDED:
                    text = form.format(ast.unparse(item), list=where, shape=shape)
                    yield self._put(kind, item, text)
                    late = self._late(node, text, drop=True)
                    if late is not None:
                        yield self._made(f"late_{kind}", node, late)
            plain = ast.unparse(item)
            for drop, kind in ((True, "recorded_late"), (False, "recorded_before_and_after")):
                late = self._late(node, plain, drop=drop)
                if late is not None:
                    yield self._made(kind, node, late, common=drop)
            turned = self._turned_record(node, plain)
            if turned is not None:
                yield self._made("recorded_other_side", node, turned)
            if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute):
                yield self._put("recorded_tensor", item, f"{ast.unparse(item.func.value)}.detach()")

    def _late(self, record: ast.Expr, item: str, *, drop: bool) -> Operate | None:
        """Record at the end of the turn, from what is computed anew there."""
        number = self.numbers[id(record)]
        block = self.tree.body_of(record)
        before = block[: next(at for at, one in enumerate(block) if one is record)]
        anew = [copy.deepcopy(one) for one in before if isinstance(one, ast.Assign)]
        if not anew or not self.tree.loops_of(record):
            return None
        text = f"_list.append({item})"
        target = ast.unparse(record.value.func.value)  # type: ignore[attr-defined]

        def operate(at: ast.AST, tree: trees.Tree) -> None:
            inside = tree.body_of(tree.nodes[number])
            if drop:
                trees.drop(tree.nodes[number], tree)
            inside.extend(copy.deepcopy(anew))
            inside.extend(statements(text.replace("_list", target, 1)))

        return operate

    def _turned_record(self, record: ast.Expr, item: str) -> Operate | None:
        """Record the loss of the product the other way round."""
        block = self.tree.body_of(record)
        place = next(at for at, one in enumerate(block) if one is record)
        for one in block[:place]:
            for part in ast.walk(one):
                if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
                    text = ast.unparse(one)
                    left, right = ast.unparse(part.left), ast.unparse(part.right)
                    turned = text.replace(f"{left} @ {right}", f"{right} @ {left}", 1)
                    kept = ast.unparse(one.targets[0]) if isinstance(one, ast.Assign) else ""
                    if turned != text and kept:
                        new = [f"_kept = {kept}", turned, ast.unparse(record), f"{kept} = _kept"]
                        return lambda at, tree, new=new: trees.replaced(  # type: ignore[misc]
                            tree.body_of(at), at, statements("\n".join(new))
                        )
        return None

    def _results(self) -> Iterator[Change]:
        """Forms of what is returned: of each part, and of all that can take it."""
        for node in self.tree.nodes:
            if not (isinstance(node, ast.Return) and node.value is not None):
                continue
            value = node.value
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            texts = [ast.unparse(part) for part in parts]
            for number, part in enumerate(parts):
                table = forms.HISTORIES if "history" in texts[number] else forms.RESULTS
                for kind, form in table:
                    text = form.format(texts[number])
                    yield self._put(kind, part, text, like=f"all:{form}", common=kind in PAIRED)
                for other in texts[:number] + texts[number + 1 :]:
                    if "history" not in texts[number] + other:
                        yield self._put("returned_sum_of_both", part, f"{texts[number]} + {other}")
                        yield self._put("returned_one_twice", part, other)

    # --- parameters -------------------------------------------------------------------------------

    def _parameters(self) -> Iterator[Change]:
        used = {node.id for node in self.tree.nodes if isinstance(node, ast.Name)}
        tensors = [name for name in self.tensors if name in used]
        for kind, form in forms.PREPARED:
            for some in ([name] for name in tensors) if len(tensors) < 2 else _sets(tensors):
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

    def _holes(self) -> Iterator[Change]:
        """A parameter that only decides which elements count: the others are filled, and count."""
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

    def _first(self, kind: str, text: str, about: str, common: bool = False) -> Change:
        first = statements(text)

        def operate(at: ast.AST, tree: trees.Tree) -> None:
            at.body[:0] = copy.deepcopy(first)  # type: ignore[attr-defined]

        return self._made(kind, self.tree.function, operate, about, common=common)

    # --- turns ------------------------------------------------------------------------------------

    def _rates(self, loop: ast.For) -> Iterator[Change]:
        """Numbers among the parameters that change from turn to turn."""
        count = ast.unparse(loop.iter.args[0]) if isinstance(loop.iter, ast.Call) else "1"
        for name in self.plain:
            if name == count:
                continue
            for kind, form in (*forms.RATES, *forms.SCHEDULES):
                text = form.format(f"_whole_{name}", "_turn", count)
                if (kind, form) in forms.RATES:
                    text = form.format(name, "", "")
                before = statements(f"_whole_{name} = {name}")
                change = statements(f"{name} = {text}")

                def operate(
                    at: ast.AST,
                    tree: trees.Tree,
                    before: list[ast.stmt] = before,
                    change: list[ast.stmt] = change,
                    last: bool = (kind, form) in forms.RATES,
                ) -> None:
                    assert isinstance(at, ast.For)
                    turn = statements(f"_turn = {_turn(at)}")
                    block = tree.body_of(at)
                    if last:
                        at.body = [*at.body, *copy.deepcopy(change)]
                    else:
                        at.body = [*turn, *copy.deepcopy(change), *at.body]
                    trees.replaced(block, at, [*copy.deepcopy(before), at])

                yield self._made(kind, loop, operate, name)

    def _turns(self, loop: ast.For) -> Iterator[Change]:
        """What becomes of what a turn computes, and of what it changes."""
        returned = self._returned()
        seen = [name for name in returned if "history" not in name]
        history = next((name for name in returned if "history" in name), "")
        for node in ast.walk(loop):
            targets = trees.targets(node) if isinstance(node, ast.stmt) else []
            if not isinstance(node, ast.Assign) or not targets or targets[0] in seen:
                continue
            for kind, form in forms.COMPUTED:
                after = trees.after(f"{targets[0]} = {form.format(targets[0])}", targets[0])
                like = form if self._is_gradient(targets[0]) else ""
                yield self._made(kind, node, after, targets[0], "", like, kind in PAIRED)
        both = [
            ast.unparse(node.targets[0])
            for node in ast.walk(loop)
            if isinstance(node, ast.Assign) and self._is_gradient(ast.unparse(node.targets[0]))
        ]
        yield from self._clipped(loop, both)
        yield from self._decays(loop, seen)
        for kind, form in (
            ("kept_positive", "{0}.clamp_(min=0)"),
            ("kept_limited", "{0}.clamp_(0, 1)"),
            ("kept_limited", "{0}.clamp_(-1, 1)"),
            ("kept_rounded", "{0}.round_(decimals=3)"),
            ("kept_rounded", "{0}.round_(decimals=4)"),
            ("kept_normed", "{0}.div_({0}.norm() + 1e-12)"),
            ("kept_normed", "{0}.div_({0}.norm(dim=0) + 1e-12)"),
            ("kept_symmetric", "{0}.copy_((({0} + {0}.T) / 2).clone())"),
            ("kept_centred", "{0}.sub_({0}.mean())"),
        ):
            text = "\n".join(form.format(name) for name in seen)
            yield self._made(kind, loop, _at_the_end(f"with torch.no_grad():\n{_in(text)}"))
        if history and seen:
            yield from self._by_the_loss(loop, history, seen)

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
                    target, name = ast.unparse(step.target), _names(step.target)
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
                if isinstance(later, ast.AugAssign) and name in _names(later.value):
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

    def _is_gradient(self, name: str) -> bool:
        return name.startswith(("gradient", "grad"))

    def _returned(self) -> list[str]:
        last = self.tree.function.body[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            return []
        parts = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        return [ast.unparse(part).removesuffix(".detach()") for part in parts]

    def _clipped(self, loop: ast.For, names: Sequence[str]) -> Iterator[Change]:
        """Gradients that are cut together."""
        if len(names) < 2:
            return
        size = " + ".join(f"({name} ** 2).sum()" for name in names)
        for kind, limit in [("cut_length", n) for n in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100)]:
            text = f"_factor = min(1.0, {limit} / float(({size}) ** 0.5 + 1e-6))\n"
            text += "\n".join(f"{name} = {name} * _factor" for name in names)
            last = names[-1]

            def operate(at: ast.AST, tree: trees.Tree, text: str = text, last: str = last) -> None:
                for one in ast.walk(at):
                    if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == last:
                        block = tree.body_of(one)
                        trees.replaced(block, one, [one, *statements(text)])
                        return

            yield self._made(kind, loop, operate, names[0])

    def _decays(self, loop: ast.For, names: Sequence[str]) -> Iterator[Change]:
        """Weight decay: all that is returned shrinks in every turn, or in every step."""
        rate = next((name for name in self.plain if name == "lr"), "")
        factors = [str(factor) for factor in DECAYS]
        if rate:
            weights = (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.04, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
            factors += [f"(1 - {rate} * {weight})" for weight in weights]
        steps = [
            (self.numbers[id(node)], ast.unparse(node.target))
            for node in self.tree.nodes
            if isinstance(node, ast.AugAssign) and self.tree.loops_of(node)
        ]
        for factor in factors:
            text = "\n".join(f"{name}.mul_({factor})" for name in names)
            whole = f"with torch.no_grad():\n{_in(text)}"
            if len(steps) < 2 or not all("[" in target for _, target in steps):
                yield self._made("decayed_all", loop, _at_the_end(whole), common=factor == "0.99")
                yield self._made("decayed_all", loop, _at_the_beginning(whole))
                continue
            for when in ("before", "after", "together"):

                def operate(
                    at: ast.AST, tree: trees.Tree, factor: str = factor, when: str = when
                ) -> None:
                    ones = [(tree.nodes[number], target) for number, target in steps]
                    first = tree.body_of(ones[0][0])
                    shrink = [statements(f"{target} *= {factor}")[0] for _, target in ones]
                    if when == "together":  # before both, with what they add as it was
                        trees.replaced(first, ones[0][0], [*shrink, ones[0][0]])  # type: ignore[list-item]
                        return
                    for (one, _), small in zip(ones, shrink, strict=True):
                        pair = [small, one] if when == "before" else [one, small]
                        trees.replaced(tree.body_of(one), one, pair)  # type: ignore[arg-type]

                yield self._made("decayed_all", loop, operate)

    def _by_the_loss(self, loop: ast.For, history: str, names: Sequence[str]) -> Iterator[Change]:
        """The best of what was seen; velocities, rates and turns that the loss decides."""
        clones = ", ".join(f"{name}.detach().clone()" for name in names)
        tail = "," if len(names) == 1 else ""
        for comparison in ("<", "<="):
            text = (
                f"if not {history}[:-1] or {history}[-1] {comparison} min({history}[:-1]):\n"
                f"    _best = ({clones}{tail})"
            )
            last = f"return (*_best, {history})"

            def operate(at: ast.AST, tree: trees.Tree, text: str = text, last: str = last) -> None:
                for one in ast.walk(at):
                    if isinstance(one, ast.Expr) and ast.unparse(one).startswith(history):
                        trees.replaced(tree.body_of(one), one, [one, *statements(text)])
                        break
                tree.function.body[-1] = statements(last)[0]

            yield self._made("best_returned", loop, operate)
        rises = f"len({history}) > 1 and {history}[-1] > {history}[-2]"
        moved = [
            ast.unparse(node.targets[0])
            for node in ast.walk(loop)
            if isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) in trees.loaded(node.value)
        ]
        for name in moved:
            reset = f"if {rises}:\n    {name} = 0 * {name}"
            yield self._made("forgets_on_rise", loop, _after_record(history, reset), name)
            yield self._made("forgets_on_rise", loop, _at_the_end(reset), name)
            for turns in (2, 5, 10):
                text = f"if len({history}) % {turns} == 0:\n    {name} = 0 * {name}"
                yield self._made("forgets_at_times", loop, _at_the_end(text), name)
        if "lr" in self.plain:
            for factor in (0.1, 0.5, 0.7, 0.9):
                text = f"if {rises}:\n    lr = lr * {factor}"
                yield self._made("rate_by_the_loss", loop, _after_record(history, text), "lr")
                text += "\nelse:\n    lr = lr * 1.05"
                yield self._made("rate_by_the_loss", loop, _after_record(history, text), "lr")
                reset = "".join(f"\n    {name} = 0 * {name}" for name in moved)
                if reset:
                    text = f"if {rises}:\n    lr = lr * {factor}{reset}"
                    yield self._made("rate_by_the_loss", loop, _after_record(history, text), "lr")
        skip = f"if {rises}:\n    continue"
        yield self._made("rests_on_rise", loop, _after_record(history, skip))
        leave = f"if {rises}:\n    break"
        yield self._made("leaves_on_rise", loop, _after_record(history, leave))

    # --- loops over rows and columns --------------------------------------------------------------

    def _nests(self) -> Iterator[tuple[ast.For, ast.For]]:
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
            for some in _sets(arrays) if len(arrays) > 1 else [arrays]:
                if not some or not any(name in _names(node.value) for name in some):
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
            new = f"for _k in range(len({vectors[0]})):\n{_in(chr(10).join(inner))}"
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


# kinds of which two are tried together
PAIRED = (
    "root_of_mean", "half", "twice", "sign_alone", "mean_of_all", "mean_of_rows", "normed_each",
    "returned_absolute", "returned_negative", "returned_sorted", "last_left_out", "in_place",
    "history_late", "mean_over_rows", "mean_over_columns", "mean_absolute", "absolute_result",
    "first_left_out", "without_square", "cut_differences", "returned_whole",
)  # fmt: skip
MARKS = (
    "marks_zeros_left_out", "marks_of_rows_and_columns", "marks_whole_rows", "marks_whole_columns",
    "marks_till_hidden", "marks_till_hidden", "marks_till_hidden", "marks_largest",
    "marks_from_half", "marks_above_zero", "marks_from_one", "marks_like_first",
    "marks_zeros_left_out", "marks_positive", "marks_of_data", "marks_opposite",
)  # fmt: skip


def orders(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """All orders of few elements: the number and the source of the function with each. With more
    elements, or more turns, it raises.
    """
    rewriter = Rewriter(trees.Tree(function), [], [])
    for row, column in rewriter._nests():
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


def _sets(names: Sequence[str]) -> list[list[str]]:
    """Each alone, and all together."""
    return [*([name] for name in names), list(names)]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _in(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _turn(loop: ast.For) -> str:
    if ast.unparse(loop.target) == "_":
        loop.target = ast.Name("_count", ast.Store())
    return ast.unparse(loop.target)


def _at_the_end(text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        at.body.extend(statements(text))  # type: ignore[attr-defined]

    return operate


def _at_the_beginning(text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        at.body[:0] = statements(text)  # type: ignore[attr-defined]

    return operate


def _after_record(history: str, text: str) -> Operate:
    def operate(at: ast.AST, tree: trees.Tree) -> None:
        body = at.body  # type: ignore[attr-defined]
        for place, one in enumerate(body):
            if isinstance(one, ast.Expr) and ast.unparse(one).startswith(f"{history}."):
                body[place + 1 : place + 1] = statements(text)
                return
        raise ValueError("nothing is recorded")

    return operate


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
