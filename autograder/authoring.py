"""Does a staff folder hold together? What can be told without running a check; each finding names the file and the mend.

What needs pytest's own collection (a check without a hint, names used twice) is found by `session.validate` on the first grading.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from autograder.assignment import Assignment, read_mistake
from autograder.errors import AuthoringError
from autograder.handout import source_notebook
from autograder.mutants import equivalents

REQUIRED = (
    "assignment.toml",
    "handout.md",
    "solution.py",
    "test_public.py",
    "test_hidden.py",
    "design.md",
    "measure.py",
    "mistakes/all_zeros.py",
)
KNOWN = (*REQUIRED, "equivalent_mutants.toml", "variants/*.py", "mistakes/*.py", "data/*")
PROSE = ("handout.md", "design.md", "measure.py", "equivalent_mutants.toml")
STRAY, NO_VARIANT, MISSING = "does not belong in a staff folder", "has no variant", "is missing"
LITTER = ("__pycache__", ".pytest_cache", ".ipynb_checkpoints")
WRITE = {
    "design.md": "Write down what is out of scope, and why each tolerance is what it is.",
    "measure.py": "Write the script whose figures design.md tells: how far right answers are apart.",
    "mistakes/all_zeros.py": "Every function returns zeros of the right shapes there, to show that they earn at most a tenth.",
}


@dataclass(frozen=True)
class Declared:
    """A check as its file declares it, read without running it. points: None where they are no literal number."""

    path: Path
    name: str
    line: int
    function: str | None
    points: float | None
    hint: str | None
    parametrised: bool


def validate_folder(assignment: Assignment) -> list[AuthoringError]:
    """What is wrong with a staff folder, in the order in which to mend it; empty where nothing is."""
    found = [*_files(assignment), *_syntax(assignment)]
    if any(map(stops_grading, found)):
        return found
    checks = declared_checks(assignment)
    return [*found, *_solution(assignment), *_checks(assignment, checks), *_mistakes(assignment, checks), *_rest(assignment)]


def stops_grading(error: AuthoringError) -> bool:
    """Whether nothing can be graded until this is mended."""
    file = Path(str(error.where).partition(":")[0]).name
    return error.what not in (STRAY, NO_VARIANT) and file not in PROSE and (error.what, file) != (MISSING, "all_zeros.py")


def declared_checks(assignment: Assignment) -> list[Declared]:
    """The checks of an assignment's two test files, by parsing alone."""
    return [
        _declared(path, node)
        for path in assignment.checks
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]


def _declared(path: Path, node: ast.FunctionDef) -> Declared:
    marks: dict[str, object] = {}
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
            first = decorator.args[0] if decorator.args else None
            marks[decorator.func.attr] = first.value if isinstance(first, ast.Constant) else None
    task, points, hint = marks.get("task"), marks.get("points"), marks.get("hint")
    return Declared(
        path=path,
        name=node.name,
        line=node.lineno,
        function=task if isinstance(task, str) else None,
        points=float(points) if isinstance(points, int | float) else None,
        hint=hint if isinstance(hint, str) else None,
        parametrised="parametrize" in marks,
    )


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# --- files ------------------------------------------------------------------------------------------------------------


def _files(assignment: Assignment) -> Iterator[AuthoringError]:
    folder = assignment.folder
    for name in REQUIRED:
        if not (folder / name).is_file():
            mend = WRITE.get(name, "Write it; `autograder new` lays a folder that shows its form.")
            yield AuthoringError(folder / name, MISSING, mend)
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        known = any(fnmatchcase(place.as_posix(), pattern) for pattern in KNOWN)
        known = known and (place.parts[0] == "data" or len(place.parts) < 3)
        if path.is_file() and not known and not set(place.parts) & set(LITTER):
            yield AuthoringError(path, STRAY, f"Remove it, or rename it: known are {', '.join(KNOWN)}.")
    if not assignment.variants:
        yield AuthoringError(folder / "variants", NO_VARIANT, "Add another right answer: it shows that the checks are fair.")


def _syntax(assignment: Assignment) -> Iterator[AuthoringError]:
    folder = assignment.folder
    mistakes = sorted((folder / "mistakes").glob("*.py"))
    for path in (assignment.solution, *assignment.checks, folder / "measure.py", *assignment.variants, *mistakes):
        try:
            if path.is_file():
                _tree(path)
        except SyntaxError as error:
            yield AuthoringError(f"{path}:{error.lineno}", f"is not Python ({error.msg})", "Mend that line.")
        except ValueError as error:
            yield AuthoringError(path, f"is not Python ({error})", "Save it as UTF-8 text.")


# --- what the files say of each other ---------------------------------------------------------------------------------


def _solution(assignment: Assignment) -> Iterator[AuthoringError]:
    for path in (assignment.solution, *assignment.variants):
        bound = _names_bound_in(_tree(path))
        for function in assignment.functions:
            if function not in bound:
                mend = "Define it there, or take it out of [functions] in assignment.toml."
                yield AuthoringError(path, f"does not define {function}", mend)


def _names_bound_in(tree: ast.Module) -> set[str]:
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
    return bound


def _checks(assignment: Assignment, checks: list[Declared]) -> Iterator[AuthoringError]:
    public = assignment.checks[0]
    for node in ast.walk(_tree(public)):
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if any(name.split(".")[0] == "autograder" for name in named):
            mend = "Students do not have the grader: write plain asserts, with torch and pytest alone."
            yield AuthoringError(f"{public}:{getattr(node, 'lineno', 1)}", "imports the grader", mend)
    for check in checks:
        where = f"{check.path}:{check.line}"
        if check.function is not None and check.function not in assignment.functions:
            mend = f"Its functions are {', '.join(assignment.functions)}: mend the task mark, or add the function."
            yield AuthoringError(where, f"{check.name} is about {check.function}, which assignment.toml does not name", mend)
        if check.hint is not None and not check.hint.strip():
            yield AuthoringError(where, f"{check.name} has an empty hint", "Say where to look, without giving the answer away.")
    for function, points in assignment.functions.items():
        own = [check for check in checks if check.function == function]
        if all(check.points is not None and not check.parametrised for check in own) and all(check.function for check in checks):
            total = sum(check.points or 0.0 for check in own)
            if abs(total - points) > 1e-9:
                what = f"gives {function} {points:g} points, and its checks add up to {total:g}"
                mend = "Change the points of its checks, or the line in [functions]."
                yield AuthoringError(assignment.folder / "assignment.toml", what, mend)


def _mistakes(assignment: Assignment, checks: list[Declared]) -> Iterator[AuthoringError]:
    by_name = {check.name: check for check in checks}
    for path in sorted((assignment.folder / "mistakes").glob("*.py")):
        try:
            mistake = read_mistake(path)
        except AuthoringError as error:
            yield error
            continue
        for name in mistake.fails:
            check = by_name.get(name.partition("[")[0])
            if check is None:
                mend = f"There are {', '.join(by_name)}: mend its list `fails`."
                yield AuthoringError(path, f"names {name}, and there is no such check", mend)
            elif check.parametrised != ("[" in name):
                mend = "Name a case with its brackets, test_name[case], where a check is parametrised, and nowhere else."
                yield AuthoringError(path, f"names {name}, and no check has exactly that name", mend)


def _rest(assignment: Assignment) -> Iterator[AuthoringError]:
    looks = [equivalents, source_notebook] if (assignment.folder / "handout.md").is_file() else [equivalents]
    for look in looks:
        try:
            look(assignment)
        except AuthoringError as error:
            yield error
