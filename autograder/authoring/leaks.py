"""The leak guard: no line of a solution, a hidden check, a variant, a mistake or a model answer
reaches students.

A line counts where it says something of its own: arithmetic, indexing, conditions, sentences, and
enough of it (see SHORTEST). Imports, loops over names and plain calls of a library do not count, so
a demonstration may call torch.linalg.svd although a mistake does, too. What stands in the stubs is
public, and hidden checks may share lines with the public ones. White space, line breaks and another
name for a value hide nothing, nor do the marks of a list or of emphasis in prose.
"""

from __future__ import annotations

import ast
import bisect
import json
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import accumulate
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, text_of
from autograder.authoring.handout import BEGIN, END, cells_of, stub_of
from autograder.course import STUDENTS
from autograder.errors import AuthoringError

SHORTEST = 20  # characters of a line that is a secret
SHORTEST_IN_SOLUTION = 12  # `C -= lr * C.grad` gives a solution away; elsewhere so little is chance
BOUND = re.compile(r"^(?:return\b|[\w., ]+=(?!=))\s*")  # what stands before a value
MARKS = re.compile(r"^(?:(?:[-*+>]|#+|\d+[.)]|\[[ xX]\])\s+)+")  # before a line of Markdown
SIGNS = str.maketrans("", "", "*_`+-")  # of emphasis and lists; a formula may begin a line by one
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
class StaffLine:
    """A line of the staff's side that students must not receive. test: it may stand in the public
    checks all the same; prose: it is Markdown
    """

    path: Path
    number: int
    line: str
    test: bool = False
    prose: bool = False

    @property
    def value(self) -> str:
        """What it gives or binds, whatever the name, where that alone is enough to tell; else all
        of it.
        """
        if self.prose:
            return self.line
        value = BOUND.sub("", self.line)
        return value if len(squeezed(value)) >= SHORTEST else self.line


def guard(assignment: Assignment, files: Mapping[str, bytes]) -> None:
    """AuthoringError where a line of the staff's is in one of the students' files (by name)."""
    words = {name: _words_of(name, data).splitlines() for name, data in files.items()}
    stubs = _squeezed_lines(
        stub_of(assignment.solution.read_text(encoding="utf-8"), assignment.solution)
    )
    checks = _squeezed_lines(assignment.checks[0].read_text(encoding="utf-8"))
    for_code = {name: _Text(lines, stubs) for name, lines in words.items()}
    for_tests = {name: _Text(lines, stubs | checks) for name, lines in words.items()}
    for_prose = {name: _Text(lines, stubs, unmarked) for name, lines in words.items()}
    leaks = []
    for secret in staff_lines(assignment):
        texts, public = (for_tests, stubs | checks) if secret.test else (for_code, stubs)
        if squeezed(secret.line) in public:
            continue
        wanted = unmarked(secret.value) if secret.prose else squeezed(secret.value)
        for name, text in (for_prose if secret.prose else texts).items():
            line = text.find(wanted)
            if line is not None:
                leaks.append((secret, name, line))
    if leaks:
        raise _leak(assignment, *leaks[0], more=len(leaks) - 1)


def _leak(
    assignment: Assignment, secret: StaffLine, name: str, line: str, more: int
) -> AuthoringError:
    others = f" (and {more} more)" if more else ""
    released = f"{STUDENTS}/{assignment.slug}/{name} has `{line}`{others}"
    what = f"its line `{secret.line}` would reach students: {released}"
    mend = "Say it differently in handout.md or test_public.py, or leave it out."
    return AuthoringError(f"{secret.path}:{secret.number}", what, mend)


def staff_lines(assignment: Assignment) -> list[StaffLine]:
    """Every line of the staff's side that says something of its own, model answers included."""
    solution, hidden = assignment.solution, assignment.checks[1]
    inside = _solution_lines(solution)
    found = [
        line for line in _telling_lines(solution, SHORTEST_IN_SOLUTION) if line.number in inside
    ]
    found += _telling_lines(hidden) if hidden.is_file() else []
    for path in (*assignment.variants, *(mistake.path for mistake in assignment.mistakes)):
        found += _telling_lines(path)
    for mistake in assignment.mistakes:
        for text in (mistake.title, mistake.hint):
            if len(text) >= SHORTEST:
                found.append(StaffLine(mistake.path, 1, text, test=True))
    found += _model_answers(assignment.folder / "handout.md")
    found += _staff_answers(assignment.folder / "rubric.md")
    return found + _staff_answers(assignment.folder / "answers.md")


def _model_answers(handout: Path) -> list[StaffLine]:
    """The lines of the model answers, as jupytext reads the handout."""
    text = text_of(handout)
    found = []
    for cell in cells_of(handout):
        if "written" in cell.metadata:
            begins = re.search(rf"#region\b.*{re.escape(str(cell.metadata['written']))}", text)
            place = text.find(cell.source, begins.end() if begins else 0)
            number = text.count("\n", 0, max(place, 0)) + 1
            found += _sentences(handout, cell.source, number)
    return found


def _staff_answers(path: Path) -> list[StaffLine]:
    """The sentences of a page of the staff's, which may quote the questions that it answers:
    headings and block quotes are public.
    """
    if not path.is_file():
        return []
    text = text_of(path)
    return [
        one for one in _sentences(path, text, 1) if not one.line.lstrip().startswith(("#", ">"))
    ]


def _sentences(path: Path, text: str, first: int) -> list[StaffLine]:
    """The lines of Markdown that begins in line `first` of a file."""
    return [
        StaffLine(path, number, line.strip(), prose=True)
        for number, line in enumerate(text.splitlines(), start=first)
        if len(unmarked(line)) >= SHORTEST
    ]


def _solution_lines(path: Path) -> set[int]:
    inside, numbers = False, set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        inside = (inside or BEGIN in line) and END not in line
        if inside:
            numbers.add(number)
    return numbers


def _telling_lines(path: Path, shortest: int = SHORTEST) -> list[StaffLine]:
    """The lines of a Python file that say something of their own."""
    text = path.read_text(encoding="utf-8")
    telling: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, TELLING) or (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and len(node.value) >= SHORTEST
        ):
            telling |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            telling.add(node.lineno)
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT and not any(
            sign in token.string for sign in ("///", BEGIN, END)
        ):
            telling.add(token.start[0])
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().strip('"')
        if number in telling and len(line) >= shortest:
            found.append(StaffLine(path, number, line, path.name == "test_hidden.py"))
    return found


def squeezed(text: str) -> str:
    """A text without white space and the comment signs before it."""
    return "".join(text.strip().lstrip("#").split())


def unmarked(text: str) -> str:
    """A line of prose without white space, and without the marks of lists, quotes and emphasis."""
    return squeezed(MARKS.sub("", text.strip()).translate(SIGNS))


def _squeezed_lines(text: str) -> set[str]:
    return {squeezed(line) for line in text.splitlines()}


class _Text:
    """A released text to search in, whatever its line breaks. public: squeezed lines that are not
    looked at; piece: what of a line is looked at
    """

    def __init__(
        self, lines: list[str], public: set[str], piece: Callable[[str], str] = squeezed
    ) -> None:
        self.lines = [line for line in lines if squeezed(line) not in public]
        pieces = [piece(line) for line in self.lines]
        self.squeezed = "".join(pieces)
        self.starts = [0, *accumulate(map(len, pieces))]

    def find(self, wanted: str) -> str | None:
        """The line where `wanted` begins."""
        at = self.squeezed.find(wanted)
        return None if at < 0 else self.lines[bisect.bisect_right(self.starts, at) - 1].strip()


def _words_of(name: str, data: bytes) -> str:
    """What people can read in a file: of a notebook, the text of its cells and outputs."""
    text = data.decode("utf-8", errors="replace")
    if not name.endswith(".ipynb"):
        return text
    try:
        return "\n".join(_strings(json.loads(text)))
    except (ValueError, RecursionError):  # it is called so, and is none
        return text


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list | dict):
        for item in tree if isinstance(tree, list) else tree.values():
            yield from _strings(item)
