"""What of a demonstration that came with the lesson is there for a student's functions: what it
defines, where they name it. Its runs are left out, since they may train for minutes.

Students receive this file with their kit, as kit_demonstrations.py: `pytest` in the folder reads a
notebook as the grader does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

WORD = re.compile(r"[^\W\d]\w*")
TARGETS = re.compile(r"[\w\s,*:]*")  # what stands before the = of an assignment of names
MOST = 300  # characters of a line that are looked at


class Definition(NamedTuple):
    """A statement of a demonstration that defines something, and the names that it binds."""

    names: frozenset[str]
    source: str


def definitions(source: str) -> tuple[Definition, ...]:
    """The definitions in a demonstration, in their order: functions, classes, imports and names of
    plain values. None where it is not Python alone.
    """
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return ()
    bound = ((names_of(statement), statement) for statement in statements)
    return tuple(Definition(frozenset(names), ast.unparse(one)) for names, one in bound if names)


def names_of(statement: ast.stmt) -> set[str]:
    """The names that a statement defines; none where it computes something."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign) and is_plain(statement.value):
        targets = statement.targets
        if all(isinstance(target, ast.Name) for target in targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()


def is_plain(value: ast.expr) -> bool:
    """Whether an expression is a value as it stands: a number, a text, a list of such."""
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def needed(texts: Iterable[str], demonstrations: Sequence[Sequence[Definition]]) -> list[list[str]]:
    """Of each demonstration, the definitions that these texts name, or that such definitions name
    in turn; none in the place of what the texts define themselves.
    """
    whole = "\n".join(texts)
    own = set().union(*map(bound_by, whole.split("\n"))) if demonstrations else set()
    known = [one for cell in demonstrations for one in cell if not one.names <= own]
    mentioned = set(WORD.findall(whole)) if known else set()
    wanted: set[Definition] = set()
    while new := {one for one in known if one not in wanted and one.names & mentioned}:
        wanted |= new
        mentioned.update(*(WORD.findall(one.source) for one in new))
    return [[one.source for one in cell if one in wanted] for cell in demonstrations]


def bound_by(line: str) -> list[str]:
    """The names that a line at the left margin binds, by its words alone: it may be no Python."""
    if line[:1].isspace():
        return []
    words = WORD.findall(line[:MOST])
    if words[:1] in (["def"], ["class"]):
        return words[1:2]
    if words[:2] == ["async", "def"]:
        return words[2:3]
    if words[:1] in (["import"], ["from"]) and "import" in words:
        return words[words.index("import") + 1 :]
    head, equals, _ = line[:MOST].partition("=")
    return WORD.findall(head) if equals and TARGETS.fullmatch(head) else []
