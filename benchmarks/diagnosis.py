"""How often the diagnosis names the right mistake when that is written in another style:
docs/diagnosis.md.

    python -m benchmarks.diagnosis [ASSIGNMENT ...]

Every known mistake is disguised by rewriting its syntax tree, in three styles, and graded as a
submission of its own. Every variant, which is right, is graded too: it must be named nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.course import Course
from autograder.grading.grader import Grader
from autograder.grading.submission import Submission, Unit
from autograder.grading.workers import WorkerEnded, run_on_workers

WORKERS = 2
PAGE = Path(__file__).parent.parent / "docs" / "diagnosis.md"


class Renamed(ast.NodeTransformer):
    """Every local name is another one: `U` becomes `local_0`. Parameters keep theirs, since checks
    pass some by name.
    """

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
    """The same arithmetic in other words: products by einsum or torch.matmul, squares as products,
    turned differences and sums, methods as functions, loops over lists.
    """

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


def handed_in(kind: str, texts: Sequence[str]) -> Submission:
    """A submission of these texts: "statements" of a module, or each a "cell" of a notebook."""
    units = [Unit(kind, text, str(place)) for place, text in enumerate(texts, start=1)]
    return Submission(tuple(units), "")


def respelled(solution: str, mistake: str) -> Submission:
    """Other names, and the same arithmetic in other operations."""
    texts = [rewritten(text, Renamed, Respelled) for text in (solution, mistake)]
    return handed_in("statements", texts)


def other_start(solution: str, mistake: str) -> Submission:
    """All of that, and the factors start from other numbers."""
    return handed_in("statements", [solution, rewritten(mistake, Renamed, Respelled, OtherStart)])


def notebook(solution: str, mistake: str) -> Submission:
    """Cells with magics and a cell that fails, each function defined where a student would, and
    respelled.
    """
    first, last = "%matplotlib inline\nimport torch", "undefined_name"
    return handed_in("cell", [first, solution, rewritten(mistake, Renamed, Respelled), last])


DISGUISES: dict[str, Callable[[str, str], Submission]] = {
    "respelled": respelled,
    "notebook": notebook,
    "other start": other_start,
}


@dataclass(frozen=True)
class Case:
    """A submission to be diagnosed: a known mistake in a disguise, or a variant, which is none."""

    submission: Submission
    mistake: str = ""
    disguise: str = ""
    variant: str = ""


def cases(assignment: Assignment) -> list[Case]:
    """Every known mistake in every disguise, and every variant as it is."""
    solution = assignment.solution.read_text(encoding="utf-8")
    found = []
    for mistake in assignment.mistakes:
        text = mistake.path.read_text(encoding="utf-8")
        for name, disguise in DISGUISES.items():
            found.append(Case(disguise(solution, text), mistake=mistake.name, disguise=name))
    for path in assignment.variants:
        submission = handed_in("statements", [path.read_text(encoding="utf-8")])
        found.append(Case(submission, variant=path.stem))
    return found


@dataclass
class Measured:
    """What became of one assignment's cases.

    missed: by disguise, the mistakes that were not named right; wronged: the variants that were
    named a mistake
    """

    assignment: Assignment
    missed: dict[str, list[str]] = field(default_factory=dict)
    wronged: list[str] = field(default_factory=list)

    def named(self, disguise: str) -> int:
        """How many mistakes were named right in a disguise."""
        return len(self.assignment.mistakes) - len(self.missed[disguise])

    def row(self) -> str:
        """Its line of the table."""
        cells = [self.assignment.slug, str(len(self.assignment.mistakes))]
        cells += [str(self.named(disguise)) for disguise in DISGUISES]
        cells.append(f"{len(self.wronged)} of {len(self.assignment.variants)}")
        return f"| {' | '.join(cells)} |"

    def unnamed(self) -> list[str]:
        """One line for everything that was not named right."""
        lines = []
        for disguise, mistakes in self.missed.items():
            for mistake in sorted(mistakes):
                lines.append(f"- {self.assignment.slug}, {disguise}: {mistake}")
        for variant in sorted(self.wronged):
            lines.append(f"- {self.assignment.slug}: the variant {variant} was named a mistake")
        return lines


def measure(assignment: Assignment) -> Measured:
    """Diagnose every case of an assignment."""
    measured = Measured(assignment, {disguise: [] for disguise in DISGUISES})
    asked = cases(assignment)
    with closing(Grader(assignment, secret="disguises")) as grader:
        grader.warm()

        def named(case: Case) -> list[str]:
            return [item.mistake for item in grader.run(case.submission).diagnosis]

        for place, answer in run_on_workers(named, asked, WORKERS):
            if isinstance(answer, WorkerEnded):
                raise answer
            case = asked[place]
            if case.variant and answer:
                measured.wronged.append(case.variant)
            elif case.mistake and case.mistake not in answer:
                instead = ", ".join(answer) or "nothing"
                measured.missed[case.disguise].append(f"{case.mistake} (named: {instead})")
    return measured


def total(measured: list[Measured]) -> str:
    """The table's last line."""
    mistakes = sum(len(one.assignment.mistakes) for one in measured)
    cells = ["all", str(mistakes)]
    for disguise in DISGUISES:
        count = sum(one.named(disguise) for one in measured)
        cells.append(f"{count} ({count / mistakes:.0%})")
    return f"| {' | '.join(cells)} | |"


def main() -> None:
    """Measure the assignments named on the command line, or all; print the figures, and write the
    page when it is all of them.
    """
    course = Course.find(Path(__file__))
    chosen = [find_assignment(course, slug) for slug in sys.argv[1:]] or find_assignments(course)
    titles = ["assignment", "mistakes", *DISGUISES, "variants named"]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    measured: list[Measured] = []
    unnamed: list[str] = []
    for assignment in chosen:
        one = measure(assignment)
        measured.append(one)
        lines.append(one.row())
        unnamed += one.unnamed()
        print(one.row(), *one.unnamed(), sep="\n", flush=True)
    lines.append(total(measured))
    print(lines[-1])
    if not sys.argv[1:]:
        rest = ["", "Not named, or named otherwise:", "", *(unnamed or ["nothing"])]
        PAGE.write_text("\n".join([HEAD, *lines, *rest]) + "\n", encoding="utf-8")


HEAD = """\
# Diagnosis, measured

How many of the known mistakes are named right when written in another style, by
`python -m benchmarks.diagnosis`, which tells how each style is made; and how many variants, all of
them right, are named a mistake. The target is 90 % and none.
"""

if __name__ == "__main__":
    main()
