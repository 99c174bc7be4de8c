"""How often the diagnosis says what is wrong, and whether it ever says so of what is not:
docs/diagnosis.md.

    python -m benchmarks.diagnosis [--page] [--workers N] [PART ...] [ASSIGNMENT ...]

What became of each case is kept in build/diagnosis/ until something changes that it depends on: a
run that was interrupted goes on where it stopped. --page puts the rows of these
assignments into docs/diagnosis.md; it takes all parts. Parts, all where none is named:

disguises   every known mistake, its syntax tree rewritten in three styles, as a submission
removed     every known mistake as it is, with the known mistakes taken away: what a small change of
            the solution finds again
unseen      wrong submissions in benchmarks/unseen, written from what students receive
right       every variant: it must be told nothing
unrelated   functions with a defect that is no small change (a step scaled by some number): they
            must not be told that they behave like one

Tables of small changes that are missing are made first, as `autograder edits` makes them.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.course import Course
from autograder.grading.edits import function_in
from autograder.grading.grader import Grader
from autograder.grading.place import file_of
from autograder.grading.submission import Submission, Unit
from autograder.grading.traits import MEASURED
from autograder.grading.workers import WorkerEnded, run_on_workers
from autograder.results import Diagnosis, Example
from autograder.steps import make_edits
from benchmarks import diagnosis_page

WORKERS = 2
KEPT = Path("build") / "diagnosis"
PAGE = Path("docs") / "diagnosis.md"
UNSEEN = Path(__file__).parent / "unseen"
UNRELATED = 100  # an assignment
PARTS = ("disguises", "removed", "right", "unseen", "unrelated")
TOLD = ("disguises", "right", "unrelated")  # of which each one that is not fine is told
COLUMNS = {  # of the table: a column of cases, and what counts there
    "respelled": "named",
    "notebook": "named",
    "other start": "named",
    "bank removed": "found again",
    "unseen": "named",
    "variants": "told something",
    "unrelated": "told a change",
}
TITLES = ("assignment", *(f"{column}: {what}" for column, what in COLUMNS.items()))
TITLES += ("with an example",)


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
        if ast.unparse(node.func) != "torch.rand":  # an array of NumPy's has no flip
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
    trees = {function: function_in(text, function) for function in assignment.functions}
    for number in range(UNRELATED):
        function = list(trees)[number % len(trees)]
        tree = trees[function]
        assert tree is not None, f"{assignment.solution} has no {function}"
        count = sum(isinstance(node, ast.BinOp) for node in ast.walk(tree))
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
        if self.case.part == "right":
            return not self.named
        if self.case.part == "unrelated":  # what is measured of one is true, and no change's name
            return not set(self.named) - set(MEASURED)
        return bool(self.named)

    @property
    def instead(self) -> str:
        """What it is told that it should not be: another known mistake by its file, a change by
        its sentence.
        """
        named = [item for item in self.diagnoses if item.mistake]
        told = [f"`{item.mistake}`" if item.how == "bank" else item.title for item in named]
        return "; ".join(told) or "nothing"

    def line(self) -> str:
        """One line about it."""
        told = "; ".join(
            f"{item.title} ({item.how}, {item.mistake})" for item in self.diagnoses if item.mistake
        )
        return f"- {self.case.column}, {self.case.name}: {told or 'nothing'}"


class Kept:
    """What became of the cases of an assignment, one a line, until engine, assignment or table
    change.
    """

    def __init__(self, assignment: Assignment) -> None:
        table = file_of(assignment)
        made_of = f"{assignment.digest} {table.name} {table.is_file()}".encode()
        ladder = assignment.folder / "ladder.toml"
        made_of += ladder.read_bytes() if ladder.is_file() else b""
        digest = hashlib.sha256(made_of).hexdigest()[:16]
        self.file = assignment.course.root / KEPT / f"{assignment.slug}-{digest}.jsonl"
        self.known: dict[str, tuple[bool, tuple[Diagnosis, ...]]] = {}
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.is_file() else []
        for line in lines:
            try:
                key, lost, diagnoses = json.loads(line)
            except ValueError:  # the last one, of a run that was killed
                continue
            self.known[key] = lost, tuple(map(_diagnosis, diagnoses))

    def of(self, case: Case) -> Told | None:
        found = self.known.get(_key(case))
        return None if found is None else Told(case, *found)

    def add(self, told: Told) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        line = [_key(told.case), told.lost, [asdict(item) for item in told.diagnoses]]
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")
        self.known[_key(told.case)] = told.lost, told.diagnoses


def _key(case: Case) -> str:
    units = "\0".join(unit.source for unit in case.submission.units)
    return f"{case.column} {case.name} {hashlib.sha256(units.encode()).hexdigest()[:16]}"


def _diagnosis(read: dict) -> Diagnosis:
    example = read.pop("example")
    return Diagnosis(**read, example=Example(**example) if example else None)


def measure(assignment: Assignment, parts: Sequence[str], workers: int = WORKERS) -> list[Told]:
    """Diagnose every case of an assignment that is not kept, and keep it."""
    kept = Kept(assignment)
    every_case = cases(assignment, parts)
    left = sum(kept.of(case) is None for case in every_case)
    done, begun = 0, time.monotonic()
    for bank in (True, False):
        asked = [case for case in every_case if (case.part != "removed") == bank]
        asked = [case for case in asked if kept.of(case) is None]
        if not asked:
            continue
        with closing(Grader(assignment, secret="disguises")) as grader:
            grader.warm()
            grader.search.bank = bank

            def run(case: Case, grader: Grader = grader) -> tuple[bool, tuple[Diagnosis, ...]]:
                result = grader.run(case.submission)
                return result.score < result.max_score, result.diagnosis

            for place, answer in run_on_workers(run, asked, workers):
                if isinstance(answer, WorkerEnded):  # tried twice; the next run tries it again
                    print(f"{asked[place].name}: {answer}", file=sys.stderr, flush=True)
                    continue
                kept.add(Told(asked[place], *answer))
                done += 1
                if done % 25 == 0 or done == left:
                    took = time.monotonic() - begun
                    note = f"{assignment.slug}: {done} of {left} in {took:.0f} s"
                    print(note, file=sys.stderr, flush=True)
    told = map(kept.of, every_case)
    return [one for one in told if one is not None]


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


def missed(slug: str, told: Sequence[Told]) -> list[str]:
    """The cases that are not told what they should be: a line for each name and what it is told
    instead, with the columns in which it is.
    """
    columns: dict[tuple[str, str], list[str]] = {}
    for one in told:
        if one.case.part in TOLD and not one.fine and (one.lost or one.case.part == "right"):
            columns.setdefault((one.case.name, one.instead), []).append(one.case.column)
    return [
        f"- {slug}, `{name}` ({', '.join(where)}): {instead}"
        for (name, instead), where in columns.items()
    ]


def main() -> None:
    """Measure, and print a table and what was not told as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis")
    parser.add_argument("words", nargs="*", metavar="PART or ASSIGNMENT")
    parser.add_argument("--page", action="store_true", help=f"write the figures into {PAGE}")
    parser.add_argument("--workers", type=int, default=WORKERS)
    given = parser.parse_args()
    parts = [word for word in given.words if word in PARTS] or list(PARTS)
    if given.page and set(parts) != set(PARTS):
        parser.error("--page is for all parts at once: a row of the page has a column of each")
    course = Course.find(Path(__file__))
    chosen = [find_assignment(course, word) for word in given.words if word not in PARTS]
    rows: list[dict[str, str]] = []
    lines: dict[str, list[str]] = {}
    found: list[Told] = []
    chosen = chosen or find_assignments(course)
    for page in make_edits(chosen):
        print(f"made {page}", file=sys.stderr, flush=True)
    for assignment in chosen:
        told = measure(assignment, parts, given.workers)
        rows.append(row(assignment.slug, told))
        lines[assignment.slug] = missed(assignment.slug, told)
        found += [one for one in told if one.case.part in ("removed", "unseen")]
        print(*diagnosis_page.table(TITLES, rows[-1:])[2:], sep="\n", flush=True)
    print("", *diagnosis_page.table(TITLES, [*rows, diagnosis_page.totals(TITLES, rows)]), sep="\n")
    print("", "Not told what they should be:", "", sep="\n")
    print(*(line for ones in lines.values() for line in ones), sep="\n")
    print("", *(one.line() for one in found), sep="\n")
    if given.page:
        diagnosis_page.write(course.root / PAGE, TITLES, rows, lines)
        print(course.root / PAGE)


if __name__ == "__main__":
    main()
