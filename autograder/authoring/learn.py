"""A known mistake from what a student handed in: the file, with the checks that it fails; title and
hint are for a person to write.
"""

from __future__ import annotations

import ast
import json
import re
import symtable
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from autograder.assignment import UNWRITTEN, Assignment
from autograder.authoring.student_kit.kit_notebook import (
    DEFINITIONS,
    IMPORTS,
    changed_by,
    python_of,
)
from autograder.course import write_whole
from autograder.errors import UsageError
from autograder.grading.grader import Grader
from autograder.grading.submission import Submission, Unit, find
from autograder.results import Check, Result
from autograder.sandbox.process import Sandbox

SECRETS = ("", "another")  # inputs on which a mistake must fail the same checks
NAME = re.compile(r"\w+")
RAISED = re.compile(r" raised (\w+)")


def learn(
    assignment: Assignment, path: Path, sandbox: Sandbox, *, function: str = "", name: str = ""
) -> Path:
    """Write what `path` hands in for one function as a known mistake; gives the file.

    function: whose mistake it is; where that is not said, the only one that lost points
    name: of the file; where that is not said, of the submission and the function
    Raises UsageError where there is no one such function, or its code cannot be taken out, or does
    not end the checks alone as it did in what was handed in.
    """
    if name and not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a file: use letters, digits and underscores")
    found = find(path, assignment.slug)[0]
    with closing(Grader(assignment, SECRETS[0], sandbox=sandbox, diagnoses=False)) as grader:
        submission = grader.read(found)
        handed_in = grader.run(submission)
    chosen = _chosen(assignment, handed_in, function)
    code = taken_out([unit.source for unit in submission.units], chosen)
    alone = _alone(assignment, sandbox, code)
    for was, now in zip(handed_in.of(chosen), alone[0].of(chosen), strict=False):
        if _ending(was) != _ending(now):
            told = f"{now.name} {now.outcome}: {now.message}".strip(": ")
            what = f"{path}: {chosen} alone, over the solution, ends otherwise ({told})"
            raise UsageError(f"{what}: something that it needs is not taken out with it")
    fails = [name for name in _failed(alone[0]) if all(name in _failed(one) for one in alone)]
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
    """A function's code, with the imports, and with all that makes or changes the functions,
    classes and names of the submission's that it needs; UsageError where it is not there to be
    taken.
    """
    statements = list(_statements(sources))
    imports = [one for one in statements if isinstance(one, IMPORTS)]
    modules = set().union(*map(_makes, imports))
    makers: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        if isinstance(statement, IMPORTS):
            continue
        made = _makes(statement)
        for name in made - modules if isinstance(statement, ast.Expr) else made:
            makers.setdefault(name, []).append(statement)
    for several in makers.values():  # a definition counts until the next one
        places = [at for at, one in enumerate(several) if isinstance(one, DEFINITIONS)]
        del several[: max(places, default=0)]
    if function not in makers:
        raise UsageError(f"{function} is not defined at the top level of what was handed in")
    wanted, needed = [function], list[ast.stmt]()
    while wanted:
        for statement in makers.pop(wanted.pop(), ()):
            if statement not in needed:
                needed.append(statement)
                wanted += sorted(_read(statement))
    texts = []
    for statement in [*imports, *(one for one in statements if one in needed)]:
        try:
            texts.append(ast.unparse(statement))
        except RecursionError:  # which Python's parser was spared
            if function in _makes(statement):
                raise UsageError(f"{function} is too deeply nested to be taken out") from None
    return "\n\n\n".join(texts)


def _statements(sources: Sequence[str]) -> Iterator[ast.stmt]:
    """The statements of all units that are Python, but for what is IPython's in them."""
    for source in sources:
        try:
            yield from ast.parse(python_of(source)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # nested too deeply, too
            continue


def _makes(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value to, or whose value it changes."""
    if isinstance(statement, DEFINITIONS):
        return {statement.name}
    found = {node.name for node in ast.walk(statement) if isinstance(node, DEFINITIONS)}
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    with suppress(RecursionError):  # nested too deeply
        found |= changed_by(statement)
    return found


def _read(statement: ast.stmt) -> set[str]:
    """The names that a statement, and the functions in it, take from around them."""
    try:
        waiting = [symtable.symtable(ast.unparse(statement), "<statement>", "exec")]
    except (SyntaxError, RecursionError, MemoryError):  # nested too deeply
        return set()
    found: set[str] = set()
    while waiting:
        table = waiting.pop()
        outside = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_global() or (outside and symbol.is_referenced()):
                found.add(symbol.get_name())
        waiting += table.get_children()
    return found


def _alone(assignment: Assignment, sandbox: Sandbox, code: str) -> list[Result]:
    """How the checks end of the code laid over the solution, on one draw of inputs and another."""
    solution = assignment.solution.read_text(encoding="utf-8")
    units = (Unit("statements", solution, "1"), Unit("statements", code, "2"))
    results = []
    for secret in SECRETS:
        with closing(Grader(assignment, secret, sandbox=sandbox, diagnoses=False)) as grader:
            results.append(grader.run(Submission(units, "")))
    return results


def _failed(result: Result) -> list[str]:
    return [check.name for check in result.tests if check.outcome != "passed"]


def _ending(check: Check) -> tuple[str, str]:
    """How a check ended, and what was raised: lines and values may differ."""
    raised = RAISED.search(check.message) if check.outcome == "raised" else None
    return check.outcome, raised[1] if raised else ""


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
