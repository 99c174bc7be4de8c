"""Formulas that are mistaken for others: powers of products, sums and means of squares, of products
and of anything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from autograder.grading import forms
from autograder.grading.change import Change
from autograder.grading.rewriter import PAIRED, Rewriter


class Sums(Rewriter):
    """Changes of formulas."""

    def all(self) -> Iterator[Change]:
        yield from self._formulas()
        yield from self._sums()

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
        number = f"torch.tensor(({ast.unparse(squared)} ** 2).{method}().item())"
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
