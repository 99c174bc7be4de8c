"""How often the diagnosis says what is wrong, and whether it ever says so of what is not:
docs/diagnosis.md.

    python -m benchmarks.diagnosis [PART ...] [ASSIGNMENT ...]

Parts, all where none is named:

disguises   every known mistake, its syntax tree rewritten in three styles, as a submission
removed     every known mistake as it is, with the known mistakes taken away: what a small change of
            the solution finds again
unseen      wrong submissions in benchmarks/unseen, written from what students receive
right       every variant: it must be told nothing
unrelated   functions with a defect that is no small change (a step scaled by some number): they
            must not be told that they behave like one

The tables of small changes must be there: `autograder edits`.
"""

from __future__ import annotations

import ast
import copy
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.authoring.edits import is_made
from autograder.course import Course
from autograder.grading.edits import function_in
from autograder.grading.grader import Grader
from autograder.grading.submission import Submission, Unit
from autograder.grading.workers import WorkerEnded, run_on_workers
from autograder.results import Diagnosis

WORKERS = 3
UNSEEN = Path(__file__).parent / "unseen"
UNRELATED = 100  # an assignment
PARTS = ("disguises", "removed", "right", "unseen", "unrelated")
COLUMNS = (
    "respelled", "notebook", "other start", "bank removed", "unseen", "variants", "unrelated",
)  # fmt: skip
TITLES = ("assignment", *COLUMNS, "with an example")


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
    """A submission to be diagnosed. name: what the mistake is called, "" where there is none"""

    part: str
    column: str
    name: str
    submission: Submission


def cases(assignment: Assignment, parts: Sequence[str]) -> list[Case]:
    """What is measured of an assignment."""
    solution = assignment.solution.read_text(encoding="utf-8")
    found = []
    for mistake in assignment.mistakes:
        text = mistake.path.read_text(encoding="utf-8")
        if "disguises" in parts:
            for name, disguise in DISGUISES.items():
                found.append(Case("disguises", name, mistake.name, disguise(solution, text)))
        if "removed" in parts:
            submission = handed_in("statements", [solution, text])
            found.append(Case("removed", "bank removed", mistake.name, submission))
    if "right" in parts:
        for path in assignment.variants:
            submission = handed_in("statements", [path.read_text(encoding="utf-8")])
            found.append(Case("right", "variants", path.stem, submission))
    if "unseen" in parts:
        for path in sorted((UNSEEN / assignment.slug).glob("*.py")):
            texts = [solution, path.read_text(encoding="utf-8")]
            found.append(Case("unseen", "unseen", path.stem, handed_in("statements", texts)))
    if "unrelated" in parts:
        for name, text in unrelated(assignment):
            submission = handed_in("statements", [solution, text])
            found.append(Case("unrelated", "unrelated", name, submission))
    return found


def unrelated(assignment: Assignment) -> Iterator[tuple[str, str]]:
    """Functions of the solution in which one product or difference is scaled by a number that no
    small change has.
    """
    chance = random.Random(assignment.slug)
    text = assignment.solution.read_text(encoding="utf-8")
    for function in assignment.functions:
        tree = function_in(text, function)
        if tree is None:
            continue
        count = sum(isinstance(node, ast.BinOp) for node in ast.walk(tree))
        for number in range(UNRELATED // len(assignment.functions)):
            factor = round(chance.uniform(1.1, 1.9), 3) * chance.choice((1, -1))
            changed = Scaled(chance.randrange(max(count, 1)), factor).visit(copy.deepcopy(tree))
            yield f"{function} {number}", ast.unparse(ast.fix_missing_locations(changed))


class Scaled(ast.NodeTransformer):
    """One operation, counted from the first, times a factor."""

    def __init__(self, place: int, factor: float) -> None:
        self.place, self.factor = place, factor

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.place -= 1
        if self.place == -1:
            return ast.BinOp(ast.Constant(self.factor), ast.Mult(), node)
        self.generic_visit(node)
        return node


@dataclass(frozen=True)
class Told:
    """What became of a case: whether it lost points, and the diagnoses of what did."""

    case: Case
    lost: bool
    diagnoses: tuple[Diagnosis, ...]

    @property
    def named(self) -> list[str]:
        return [item.mistake for item in self.diagnoses if item.mistake]

    @property
    def exampled(self) -> bool:
        return any(item.example for item in self.diagnoses)

    @property
    def fine(self) -> bool:
        """Whether it is told what it should be."""
        if self.case.part == "disguises":
            return self.case.name in self.named
        if self.case.part in ("right", "unrelated"):
            return not self.named
        return bool(self.named)

    def line(self) -> str:
        """One line about it."""
        told = "; ".join(
            f"{item.title} ({item.how}, {item.mistake})" for item in self.diagnoses if item.mistake
        )
        return f"- {self.case.column}, {self.case.name}: {told or 'nothing'}"


def measure(assignment: Assignment, parts: Sequence[str]) -> list[Told]:
    """Diagnose every case of an assignment."""
    told = []
    for bank in (True, False):
        asked = [case for case in cases(assignment, parts) if (case.part != "removed") == bank]
        if not asked:
            continue
        with closing(Grader(assignment, secret="disguises")) as grader:
            grader.warm()
            grader.search.bank = bank

            def run(case: Case, grader: Grader = grader) -> tuple[bool, tuple[Diagnosis, ...]]:
                result = grader.run(case.submission)
                return result.score < result.max_score, result.diagnosis

            for place, answer in run_on_workers(run, asked, WORKERS):
                if isinstance(answer, WorkerEnded):
                    raise answer
                told.append(Told(asked[place], *answer))
    return told


def row(slug: str, told: Sequence[Told]) -> dict[str, str]:
    """The figures of an assignment, by column."""
    figures = {"assignment": slug}
    for column in COLUMNS:
        of = [one for one in told if one.case.column == column]
        lost = [one for one in of if one.lost]
        if not of:
            figures[column] = ""
        elif column in ("variants", "unrelated"):
            figures[column] = f"{sum(not one.fine for one in of)} of {len(of)}"
        else:
            figures[column] = f"{sum(one.fine for one in lost)} of {len(lost)}"
    failing = [one for one in told if one.lost and one.case.part in ("removed", "unseen")]
    if failing:
        shown = sum(one.exampled for one in failing)
        figures["with an example"] = f"{shown} of {len(failing)}"
    return figures


def main() -> None:
    """Measure, and print a table and what was not told as it should be."""
    named = [word for word in sys.argv[1:] if word in PARTS]
    course = Course.find(Path(__file__))
    chosen = [find_assignment(course, slug) for slug in sys.argv[1:] if slug not in PARTS]
    print(f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES), sep="\n")
    missed = []
    for assignment in chosen or find_assignments(course):
        if not is_made(assignment):
            print(f"no table of {assignment.slug}: autograder edits {assignment.slug}")
        told = measure(assignment, named or PARTS)
        figures = row(assignment.slug, told)
        print(f"| {' | '.join(figures.get(title, '') for title in TITLES)} |", flush=True)
        missed += [one.line() for one in told if one.lost and not one.fine]
        missed += [
            one.line() for one in told if one.case.part in ("removed", "unseen") and one.fine
        ]
    print(*missed, sep="\n")


if __name__ == "__main__":
    main()
