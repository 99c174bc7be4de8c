"""Does a staff folder hold together? Each finding names the file and the mend; no check is run."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from autograder.assignment import Assignment, read_mistake, text_of
from autograder.authoring.handout import source_notebook
from autograder.authoring.released_ladder import drawn_with
from autograder.errors import AuthoringError, AutograderError
from autograder.grading.checks import Declared, declared_checks, faults_of

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
KNOWN = (
    *REQUIRED, "ladder.toml", "properties.py", "draws.py", "equivalent_mutants.toml", "answers.md",
    "rubric.md", "test_lesson.py", "variants/*.py", "mistakes/*.py", "data/*",
)  # fmt: skip
PROSE = (
    "handout.md",
    "design.md",
    "measure.py",
    "equivalent_mutants.toml",
    "answers.md",
    "rubric.md",
    "test_lesson.py",
)
STRAY, NO_VARIANT, MISSING = "does not belong in a staff folder", "has no variant", "is missing"
LITTER = ("__pycache__", ".pytest_cache", ".ipynb_checkpoints")
WRITE = {
    "design.md": "Write down what is out of scope, and why each tolerance is what it is.",
    "measure.py": "Write the script behind design.md's figures: how far right answers are apart.",
    "mistakes/all_zeros.py": "Let every function return zeros of the right shapes there, "
    "to show that they earn at most a tenth.",
}


def validate_folder(assignment: Assignment) -> list[AuthoringError]:
    """What is wrong with a staff folder, in the order in which to mend it."""
    found = [*_files(assignment), *not_python(assignment)]
    if any(map(stops_grading, found)):
        return found
    checks = _collected(assignment)
    if isinstance(checks, AuthoringError):
        return [*found, checks]
    found += [*_solution(assignment), *_public_imports(assignment), *faults_of(assignment, checks)]
    return [*found, *_mistakes(assignment, checks), *_rest(assignment)]


def stops_grading(error: AuthoringError) -> bool:
    """Whether nothing can be graded until this is mended."""
    file = Path(str(error.where).partition(":")[0]).name
    harmless = error.what in (STRAY, NO_VARIANT) or file in PROSE
    return not harmless and (error.what, file) != (MISSING, "all_zeros.py")


def stops_release(assignment: Assignment) -> Iterator[AuthoringError]:
    """What is wrong with what students are to be graded by: a file that is missing or no Python,
    checks that cannot be collected, points that do not add up, a rubric of other answers.
    """
    graded_by = (assignment.solution, *assignment.checks)
    found = [error for error in _files(assignment) if error.what == MISSING]
    found = [error for error in found if error.where in graded_by] + [*not_python(assignment)]
    yield from found
    yield from _rubric(assignment)
    if not found:
        checks = _collected(assignment)
        yield from [checks] if isinstance(checks, AuthoringError) else faults_of(assignment, checks)


def _collected(assignment: Assignment) -> list[Declared] | AuthoringError:
    try:
        return declared_checks(assignment)
    except AutograderError as error:
        mend = "Run pytest --collect-only on it, and mend what it shows."
        return AuthoringError(assignment.checks[1], f"cannot be collected ({error})", mend)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# --- files ----------------------------------------------------------------------------------------


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
            yield AuthoringError(
                path, STRAY, f"Remove it, or rename it: known are {', '.join(KNOWN)}."
            )
    yield from _rubric(assignment)
    if not assignment.variants:
        yield AuthoringError(
            folder / "variants",
            NO_VARIANT,
            "Add another right answer: it shows that the checks are fair.",
        )


def _rubric(assignment: Assignment) -> Iterator[AuthoringError]:
    try:
        _ = assignment.rubric
    except AuthoringError as error:
        yield error


def not_python(assignment: Assignment) -> Iterator[AuthoringError]:
    """The Python files of a staff folder that are none."""
    folder = assignment.folder
    mistakes = sorted((folder / "mistakes").glob("*.py"))
    for path in (
        assignment.solution,
        *assignment.checks,
        folder / "measure.py",
        *assignment.variants,
        *mistakes,
    ):
        try:
            if path.is_file():
                _tree(path)
        except SyntaxError as error:
            yield AuthoringError(
                f"{path}:{error.lineno}", f"is not Python ({error.msg})", "Mend that line."
            )
        except ValueError as error:
            yield AuthoringError(path, f"is not Python ({error})", "Save it as UTF-8 text.")


# --- what the files say of each other -------------------------------------------------------------


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


def _public_imports(assignment: Assignment) -> Iterator[AuthoringError]:
    public = assignment.checks[0]
    for node in ast.walk(_tree(public)):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if any(name.split(".")[0] == "autograder" for name in names):
            mend = (
                "Students do not have the grader: write plain asserts, with torch and pytest alone."
            )
            yield AuthoringError(
                f"{public}:{getattr(node, 'lineno', 1)}", "imports the grader", mend
            )


def _mistakes(assignment: Assignment, checks: list[Declared]) -> Iterator[AuthoringError]:
    names = {check.name for check in checks}
    families = dict.fromkeys(check.name.partition("[")[0] for check in checks)
    for path in sorted((assignment.folder / "mistakes").glob("*.py")):
        try:
            mistake = read_mistake(path)
        except AuthoringError as error:
            yield error
            continue
        if not mistake.is_written:
            yield AuthoringError(path, "has no title or no hint yet", "Write what students read.")
        for name in mistake.fails:
            if name.partition("[")[0] not in families:
                mend = f"There are {', '.join(families)}: mend its list `fails`."
                yield AuthoringError(path, f"names {name}, and there is no such check", mend)
            elif name not in names:
                mend = (
                    "Name a case with its brackets, test_name[case], "
                    "where a check is parametrised, and nowhere else."
                )
                yield AuthoringError(
                    path, f"names {name}, and no check has exactly that name", mend
                )


def _rest(assignment: Assignment) -> Iterator[AuthoringError]:
    looks: list[Callable[[Assignment], object]] = [equivalents]
    if assignment.start is not None:
        looks.append(drawn_with)
    if (assignment.folder / "handout.md").is_file():
        looks.append(source_notebook)
    for look in looks:
        try:
            look(assignment)
        except AuthoringError as error:
            yield error


def equivalents(assignment: Assignment) -> dict[tuple[str, str], str]:
    """The mutants of the solution that compute the same, from equivalent_mutants.toml: (was,
    becomes) to the reason.

    [[mutant]]
    was = "return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]"
    becomes = "..."
    reason = "..."
    """
    path = assignment.folder / "equivalent_mutants.toml"
    if not path.is_file():
        return {}
    mend = 'Each [[mutant]] has three strings: was = "...", becomes = "...", reason = "...".'
    accepted = {}
    try:
        for item in tomllib.loads(text_of(path))["mutant"]:
            accepted[item["was"].strip(), item["becomes"].strip()] = item["reason"].strip()
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(path, f"cannot be read ({error})", mend) from error
    for (was, becomes), reason in accepted.items():
        if not reason:
            what = f"accepts a mutant without a reason ({was} -> {becomes})"
            raise AuthoringError(path, what, "Say why it computes the same.")
    return accepted
