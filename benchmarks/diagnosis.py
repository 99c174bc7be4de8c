"""How often the diagnosis names the right mistake when the mistake is written in another style: docs/diagnosis.md.

    python -m benchmarks.diagnosis [ASSIGNMENT ...]

Every known mistake is disguised by rewriting its syntax tree, in three styles, and graded as a submission of its own. Every variant,
which is right, is graded too: it must be named nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from concurrent.futures import as_completed
from pathlib import Path

from autograder.assignment import Assignment, Overlay, find_assignments
from autograder.course import Course
from autograder.grading.grader import Grader
from None import this_worker, worker_pool
from autograder.grading.submission import Submission, Unit

PAGE = Path(__file__).parent.parent / "docs" / "diagnosis.md"


class Renamed(ast.NodeTransformer):
    """Every local name is another one: `U` becomes `local_0`. Parameters keep theirs, since checks pass some by name."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        parameters = {
            argument.arg
            for inner in ast.walk(node)
            if isinstance(inner, ast.arguments)
            for argument in every(inner)
        }
        shared = {
            name
            for inner in ast.walk(node)
            if isinstance(inner, ast.Global)
            for name in inner.names
        }
        stored = [
            inner.id
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
        ]
        fresh = {
            name: f"local_{place}"
            for place, name in enumerate(dict.fromkeys(stored))
            if name not in parameters | shared
        }
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                inner.id = fresh.get(inner.id, inner.id)
            elif isinstance(inner, ast.Nonlocal):
                inner.names = [fresh.get(name, name) for name in inner.names]
        return node


def every(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters of a function, of every kind."""
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


class Respelled(ast.NodeTransformer):
    """The same arithmetic in other words: products by einsum or torch.matmul, squares as products, turned differences and sums,
    methods as functions, loops over lists."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(node.op, ast.MatMult):
            return call("matmul", left, right)
        if isinstance(node.op, ast.Sub):
            return ast.UnaryOp(ast.USub(), ast.BinOp(right, ast.Sub(), left))
        if isinstance(node.op, ast.Mult) and not isinstance(left, ast.List | ast.Constant):
            return ast.BinOp(right, ast.Mult(), left)
        if isinstance(node.op, ast.Pow) and isinstance(right, ast.Constant) and right.value == 2:
            return ast.BinOp(left, ast.Mult(), left)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(
            node.target, ast.Subscript
        ):  # on a whole tensor it would no longer be in place
            return node
        value = ast.Subscript(node.target.value, node.target.slice, ast.Load())
        return ast.Assign([node.target], ast.BinOp(value, node.op, node.value))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        bare = not node.args and not node.keywords
        if bare and method in ("sum", "mean", "abs") and isinstance(node.func, ast.Attribute):
            return call(method, node.func.value)
        if bare and method == "t" and isinstance(node.func, ast.Attribute):
            return ast.Attribute(node.func.value, "T", ast.Load())
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
        return node


def call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(
        ast.Attribute(ast.Name("torch", ast.Load()), function, ast.Load()), list(arguments), []
    )


class OtherStart(ast.NodeTransformer):
    """Another start from the same generator: each draw of torch.rand upside down."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "rand"):
            return node
        grad = [keyword for keyword in node.keywords if keyword.arg == "requires_grad"]
        node.keywords = [keyword for keyword in node.keywords if keyword not in grad]
        flipped: ast.expr = ast.Call(ast.Attribute(node, "flip", ast.Load()), [ast.Constant(0)], [])
        for keyword in grad:
            flipped = ast.Call(
                ast.Attribute(flipped, "requires_grad_", ast.Load()), [keyword.value], []
            )
        return flipped


def rewritten(text: str, *rewriters: type[ast.NodeTransformer]) -> str:
    tree = ast.parse(text)
    for rewriter in rewriters:
        tree = rewriter().visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree))


def module(*texts: str) -> Source:
    return Source(
        tuple(Unit("statements", text, str(place)) for place, text in enumerate(texts, start=1)), ""
    )


def respelled(solution: str, mistake: str) -> Source:
    """Other names, and the same arithmetic in other operations."""
    return module(rewritten(solution, Renamed, Respelled), rewritten(mistake, Renamed, Respelled))


def other_start(solution: str, mistake: str) -> Source:
    """All of that, and the factors start from other numbers."""
    return module(solution, rewritten(mistake, Renamed, Respelled, OtherStart))


def notebook(solution: str, mistake: str) -> Source:
    """Cells with magics and a cell that fails, each function defined where a student would, and respelled."""
    cells = [
        "%matplotlib inline\nimport torch",
        solution,
        rewritten(mistake, Renamed, Respelled),
        "undefined_name",
    ]
    return Source(
        tuple(Unit("cell", text, str(place)) for place, text in enumerate(cells, start=1)), ""
    )


DISGUISES: dict[str, Callable[[str, str], Source]] = {
    "respelled": respelled,
    "notebook": notebook,
    "other start": other_start,
}


def named(source: Source) -> list[str]:
    """In a worker process: the mistakes that a submission is said to have made."""
    grader = this_worker()
    return [item.mistake for item in grader.run(source).diagnosis]


def measure(assignment: Assignment) -> tuple[dict[str, list[str]], list[str]]:
    """The mistakes that were not named right, by disguise; and the variants that were named something."""
    solution = assignment.solution.read_text(encoding="utf-8")
    missed: dict[str, list[str]] = {name: [] for name in DISGUISES}
    wronged: list[str] = []
    with worker_pool(Grader(assignment, secret="disguises"), 2) as pool:
        asked: dict[object, tuple[str, Overlay]] = {}
        for name, disguise in DISGUISES.items():
            for mistake in assignment.mistakes:
                source = disguise(solution, mistake.path.read_text(encoding="utf-8"))
                asked[pool.submit(named, source)] = (name, mistake)
        right = {
            pool.submit(named, module(path.read_text(encoding="utf-8"))): path
            for path in assignment.variants
        }
        for future in as_completed([*asked, *right]):
            if future in right:
                wronged += [right[future].stem] if future.result() else []
                continue
            name, mistake = asked[future]
            if mistake.name not in future.result():
                missed[name].append(
                    f"{mistake.name} (named: {', '.join(future.result()) or 'nothing'})"
                )
    return missed, wronged


def main() -> None:
    """Measure the assignments named on the command line, or all; print the figures, and write the page when it is all of them."""
    assignments = [
        one
        for one in find_assignments(find_course(Path(__file__)))
        if not sys.argv[1:] or one.slug in sys.argv[1:]
    ]
    lines = [
        "| assignment | mistakes | " + " | ".join(DISGUISES) + " | variants named |",
        "|---|---|" + "---|" * (len(DISGUISES) + 1),
    ]
    unnamed: list[str] = []
    found, mistakes = dict.fromkeys(DISGUISES, 0), 0
    for assignment in assignments:
        missed, wronged = measure(assignment)
        total = len(assignment.mistakes)
        cells = [f"{total - len(missed[name])}" for name in DISGUISES]
        found, mistakes = (
            {name: found[name] + total - len(missed[name]) for name in DISGUISES},
            mistakes + total,
        )
        lines.append(
            f"| {assignment.slug} | {total} | {' | '.join(cells)} | {len(wronged)} of {len(assignment.variants)} |"
        )
        unnamed += [
            f"- {assignment.slug}, {name}: {mistake}"
            for name in DISGUISES
            for mistake in sorted(missed[name])
        ]
        unnamed += [
            f"- {assignment.slug}: the variant {variant} was named a mistake"
            for variant in sorted(wronged)
        ]
        print(lines[-1], *unnamed, sep="\n", flush=True)
    lines.append(
        f"| all | {mistakes} | "
        + " | ".join(f"{count} ({count / mistakes:.0%})" for count in found.values())
        + " | |"
    )
    print(lines[-1])
    if not sys.argv[1:]:
        PAGE.write_text(
            "\n".join(
                [
                    HEAD,
                    *lines,
                    "",
                    "Not named, or named otherwise:",
                    "",
                    *(unnamed or ["nothing"]),
                    "",
                ]
            ),
            encoding="utf-8",
        )


HEAD = """\
# Diagnosis, measured

How many of the known mistakes are named right when written in another style, by `python -m benchmarks.diagnosis`, which tells how each
style is made; and how many variants, all of them right, are named a mistake. The target is 90 % and none.
"""

if __name__ == "__main__":
    main()
