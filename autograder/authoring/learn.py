"""A known mistake from what a student handed in: the file, with the checks that it fails; title and
hint are for a person to write.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from autograder.assignment import UNWRITTEN, Assignment
from autograder.course import write_whole
from autograder.errors import UsageError
from autograder.grading.grader import Grader
from autograder.grading.submission import Submission, Unit, find
from autograder.results import Result
from autograder.sandbox.process import Sandbox

SECRETS = ("", "another")  # inputs on which a mistake must fail the same checks


def learn(
    assignment: Assignment, path: Path, sandbox: Sandbox, *, function: str = "", name: str = ""
) -> Path:
    """Write what `path` hands in for one function as a known mistake; gives the file.

    function: whose mistake it is; where that is not said, the only one that lost points
    name: of the file; where that is not said, of the submission and the function
    Raises UsageError where there is no one such function, or its code cannot be taken out.
    """
    found = find(path, assignment.slug)[0]
    with closing(Grader(assignment, SECRETS[0], sandbox=sandbox, diagnoses=False)) as grader:
        submission = grader.read(found)
        chosen = _chosen(assignment, grader.run(submission), function)
    code = taken_out([unit.source for unit in submission.units], chosen)
    fails = _fails(assignment, sandbox, code, chosen)
    if not fails:
        raise UsageError(
            f"{path}: {chosen} alone, over the solution, fails no check: what is wrong is elsewhere"
        )
    place = assignment.folder / "mistakes" / f"{name or _name(path, chosen)}.py"
    if place.exists():
        raise UsageError(f"{place} is there already: give this mistake another --name")
    write_whole(place, _entry(code, fails))
    return place


def _chosen(assignment: Assignment, result: Result, function: str) -> str:
    """The function that is meant: named, or the only one that lost points."""
    lost = [name for name, points in assignment.functions.items() if result.earned(name) < points]
    if function in lost:
        return function
    if function:
        raise UsageError(f"{function} has lost no points: {', '.join(lost) or 'nothing'} has")
    if len(lost) != 1:
        listed = ", ".join(lost) or "no function"
        raise UsageError(f"{listed} lost points: say which one is meant with --function")
    return lost[0]


def taken_out(sources: Sequence[str], function: str) -> str:
    """A function's code, with the imports, functions, classes and names of the submission's that it
    needs; UsageError where it is not there to be taken.
    """
    bound: dict[str, ast.stmt] = {}
    imports: list[ast.stmt] = []
    for statement in _statements(sources):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports.append(statement)
        for name in _bound(statement):
            bound[name] = statement
    if function not in bound:
        raise UsageError(f"{function} is not defined at the top level of what was handed in")
    wanted, needed = [function], []
    while wanted:
        statement = bound[wanted.pop()]
        if statement not in needed:
            needed.append(statement)
            read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            wanted += [name for name in read if name in bound]
    ordered = [one for one in dict.fromkeys(bound.values()) if one in needed]
    texts = []
    for statement in [*imports, *ordered]:
        try:
            texts.append(ast.unparse(statement))
        except RecursionError:  # which Python's parser was spared
            if statement is bound[function]:
                raise UsageError(f"{function} is too deeply nested to be taken out") from None
    return "\n\n\n".join(texts)


def _statements(sources: Sequence[str]) -> Iterator[ast.stmt]:
    """The statements of all units that are Python; a cell with a magic is none."""
    for source in sources:
        try:
            yield from ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # nested too deeply, too
            continue


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _fails(assignment: Assignment, sandbox: Sandbox, code: str, function: str) -> list[str]:
    """The checks that the code fails, laid over the solution, whatever the inputs."""
    solution = assignment.solution.read_text(encoding="utf-8")
    units = (Unit("statements", solution, "1"), Unit("statements", code, "2"))
    failed: list[set[str]] = []
    for secret in SECRETS:
        with closing(Grader(assignment, secret, sandbox=sandbox, diagnoses=False)) as grader:
            result = grader.run(Submission(units, ""))
            failed.append({one.name for one in result.tests if one.outcome != "passed"})
            names = [one.name for one in result.tests]
    return [name for name in names if all(name in one for one in failed)]


def _name(path: Path, function: str) -> str:
    plain = "".join(letter if letter.isalnum() else "_" for letter in path.stem.lower())
    return f"{plain}_{function}".strip("_")


def _entry(code: str, fails: list[str]) -> str:
    listed = "".join(f"#     {json.dumps(name)},\n" for name in fails)
    return (
        f'# /// mistake\n# title = "{UNWRITTEN} what it does, in one sentence"\n'
        f'# hint = "{UNWRITTEN} where to look, without giving the answer away"\n'
        f"# fails = [\n{listed}# ]\n# ///\n\n{code}\n"
    )
