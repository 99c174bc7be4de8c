"""What changes from turn to turn: rates, what a turn computes and moves, what the loss decides."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence

from autograder.grading import forms, trees
from autograder.grading.change import Change
from autograder.grading.rewriter import (
    PAIRED,
    Rewriter,
    after_record,
    at_the_beginning,
    at_the_end,
    indented,
    statements,
    turn_of,
)  # fmt: skip

DECAYS = (0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8)


class Turns(Rewriter):
    """Changes of what a loop does in each turn."""

    def all(self) -> Iterator[Change]:
        if self.outer is not None:
            yield from self._rates(self.outer)
            yield from self._turns(self.outer)

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
                    turn = statements(f"_turn = {turn_of(at)}")
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
            yield self._made(kind, loop, at_the_end(f"with torch.no_grad():\n{indented(text)}"))
        if history and seen:
            yield from self._by_the_loss(loop, history, seen)

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
            whole = f"with torch.no_grad():\n{indented(text)}"
            if len(steps) < 2 or not all("[" in target for _, target in steps):
                yield self._made("decayed_all", loop, at_the_end(whole), common=factor == "0.99")
                yield self._made("decayed_all", loop, at_the_beginning(whole))
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
            yield self._made("forgets_on_rise", loop, after_record(history, reset), name)
            yield self._made("forgets_on_rise", loop, at_the_end(reset), name)
            for turns in (2, 5, 10):
                text = f"if len({history}) % {turns} == 0:\n    {name} = 0 * {name}"
                yield self._made("forgets_at_times", loop, at_the_end(text), name)
        if "lr" in self.plain:
            for factor in (0.1, 0.5, 0.7, 0.9):
                text = f"if {rises}:\n    lr = lr * {factor}"
                yield self._made("rate_by_the_loss", loop, after_record(history, text), "lr")
                text += "\nelse:\n    lr = lr * 1.05"
                yield self._made("rate_by_the_loss", loop, after_record(history, text), "lr")
                reset = "".join(f"\n    {name} = 0 * {name}" for name in moved)
                if reset:
                    text = f"if {rises}:\n    lr = lr * {factor}{reset}"
                    yield self._made("rate_by_the_loss", loop, after_record(history, text), "lr")
        skip = f"if {rises}:\n    continue"
        yield self._made("rests_on_rise", loop, after_record(history, skip))
        leave = f"if {rises}:\n    break"
        yield self._made("leaves_on_rise", loop, after_record(history, leave))
