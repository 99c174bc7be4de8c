"""What is recorded in each turn, and what becomes of results when they are returned."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from autograder.grading import forms, trees
from autograder.grading.change import Change
from autograder.grading.rewriter import PAIRED, Operate, Rewriter, statements


class Records(Rewriter):
    """Changes of histories and of results."""

    def all(self) -> Iterator[Change]:
        yield from self._records()
        yield from self._results()

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
