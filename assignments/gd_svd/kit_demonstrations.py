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
    in turn.
    """
    known = [one for definitions in demonstrations for one in definitions]
    mentioned = set().union(*(WORD.findall(text) for text in texts)) if known else set()
    wanted: set[Definition] = set()
    while new := {one for one in known if one not in wanted and one.names & mentioned}:
        wanted |= new
        mentioned.update(*(WORD.findall(one.source) for one in new))
    return [[one.source for one in cell if one in wanted] for cell in demonstrations]
