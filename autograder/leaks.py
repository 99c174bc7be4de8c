"""The leak guard: no line of a solution, a hidden check, a variant, a mistake or a model answer reaches students.

A line counts where it says something of its own: arithmetic, indexing, conditions, sentences, and enough of it (see SHORTEST).
Imports, loops over names and plain calls of a library do not count, so a demonstration may call torch.linalg.svd although a
mistake does, too. What stands in the stubs is public, and hidden checks may share lines with the public ones. White space and
line breaks hide nothing.
"""

from __future__ import annotations

import ast
import bisect
import json
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import accumulate
from pathlib import Path
from typing import Any

from autograder.assignment import STUDENTS, Assignment
from autograder.errors import AuthoringError
from autograder.handout import BEGIN, END, stub_of

SHORTEST = 20  # characters of a line that is a secret
SHORTEST_IN_SOLUTION = 12  # `C -= lr * C.grad` gives a solution away; elsewhere so little is chance
TELLING: tuple[Any, ...] = (
    ast.BinOp,
    ast.AugAssign,
    ast.Compare,
    ast.BoolOp,
    ast.Subscript,
    ast.IfExp,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.JoinedStr,
    ast.ClassDef,
)


@dataclass(frozen=True)
class Secret:
    """A line of the staff's side that students must not receive. test: it may stand in the public checks all the same"""

    path: Path
    number: int
    line: str
    test: bool = False


def guard(assignment: Assignment, files: Mapping[str, bytes]) -> None:
    """AuthoringError where a secret of the assignment is in one of the students' files (by name)."""
    words = {name: _words_of(name, data).splitlines() for name, data in files.items()}
    stubs = _squeezed_lines(stub_of(assignment.solution.read_text(encoding="utf-8"), assignment.solution))
    checks = _squeezed_lines(assignment.checks[0].read_text(encoding="utf-8"))
    for_code = {name: _Text(lines, stubs) for name, lines in words.items()}
    for_tests = {name: _Text(lines, stubs | checks) for name, lines in words.items()}
    leaks = []
    for secret in secrets(assignment):
        texts, public = (for_tests, stubs | checks) if secret.test else (for_code, stubs)
        wanted = squeezed(secret.line)
        if wanted not in public:
            leaks += [(secret, name, line) for name, text in texts.items() if (line := text.find(wanted)) is not None]
    if leaks:
        secret, name, line = leaks[0]
        more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
        what = f"its line `{secret.line}` would reach students: {STUDENTS}/{assignment.slug}/{name} has `{line}`{more}"
        mend = "Say it differently in handout.md or test_public.py, or leave it out"
        raise AuthoringError(f"{secret.path}:{secret.number}", what, f"{mend}.")


def secrets(assignment: Assignment) -> list[Secret]:
    """Every line of the staff's side that says something of its own, model answers included."""
    solution, hidden = assignment.solution, assignment.checks[1]
    inside = _solution_lines(solution)
    found = [secret for secret in _telling_lines(solution, SHORTEST_IN_SOLUTION) if secret.number in inside]
    found += _telling_lines(hidden) if hidden.is_file() else []
    for path in (*assignment.variants, *(mistake.path for mistake in assignment.mistakes)):
        found += _telling_lines(path)
    for mistake in assignment.mistakes:
        found += [Secret(mistake.path, 1, text, test=True) for text in (mistake.title, mistake.hint) if len(text) >= SHORTEST]
    return found + _model_answers(assignment.folder / "handout.md")


def _model_answers(handout: Path) -> list[Secret]:
    found, inside = [], False
    for number, line in enumerate(handout.read_text(encoding="utf-8").splitlines(), start=1):
        if re.match(r"<!-- #(end)?region\b", line):
            inside = 'written="' in line
        elif inside and len(line.strip()) >= SHORTEST:
            found.append(Secret(handout, number, line.strip()))
    return found


def _solution_lines(path: Path) -> set[int]:
    inside, numbers = False, set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        inside = (inside or BEGIN in line) and END not in line
        if inside:
            numbers.add(number)
    return numbers


def _telling_lines(path: Path, shortest: int = SHORTEST) -> list[Secret]:
    """The lines of a Python file that say something of their own."""
    text = path.read_text(encoding="utf-8")
    telling: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, TELLING) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= SHORTEST
        ):
            telling |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            telling.add(node.lineno)
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT and not any(sign in token.string for sign in ("///", BEGIN, END)):
            telling.add(token.start[0])
    lines = [(number, line.strip().strip('"')) for number, line in enumerate(text.splitlines(), start=1) if number in telling]
    return [Secret(path, number, line, path.name == "test_hidden.py") for number, line in lines if len(line) >= shortest]


def squeezed(text: str) -> str:
    """A text without white space and the comment signs before it."""
    return "".join(text.strip().lstrip("#").split())


def _squeezed_lines(text: str) -> set[str]:
    return {squeezed(line) for line in text.splitlines()}


class _Text:
    """A released text to search in, whatever its line breaks. public: squeezed lines that are not looked at"""

    def __init__(self, lines: list[str], public: set[str]) -> None:
        self.lines = [line for line in lines if squeezed(line) not in public]
        pieces = [squeezed(line) for line in self.lines]
        self.squeezed = "".join(pieces)
        self.starts = [0, *accumulate(map(len, pieces))]

    def find(self, wanted: str) -> str | None:
        """The line where `wanted` begins."""
        at = self.squeezed.find(wanted)
        return None if at < 0 else self.lines[bisect.bisect_right(self.starts, at) - 1].strip()


def _words_of(name: str, data: bytes) -> str:
    """What people can read in a file: of a notebook, the text of its cells and outputs."""
    text = data.decode("utf-8", errors="replace")
    return "\n".join(_strings(json.loads(text))) if name.endswith(".ipynb") else text


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list | dict):
        for item in tree if isinstance(tree, list) else tree.values():
            yield from _strings(item)
