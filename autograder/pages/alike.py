"""Which submissions are suspiciously alike: by what they share that hardly anybody else has.

copydetect makes of code a string in which every name is one letter, and comments, texts and layout
are gone, so that renaming hides nothing. Of its k-grams, those of the released notebook, the
solution and the variants are left out, as a right answer has to look like them; so are those that
many of a class have. What two still share, as a share of the smaller, is their likeness.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path

from autograder.assignment import Assignment
from autograder.errors import SubmissionError, UsageError, to_install
from autograder.gradebook.rendering import Text, renderable
from autograder.grading.submission import (
    NotRun,
    find,
    named,
    notebook_parts,
    read,
    read_bytes,
    released_cells,
    source_of,
    text_of,
)

GRAM = 25  # letters of such a string that are compared at a time
SHARED_BY_MANY = 10  # what more than so many of a class have is what the task asks for
LIKENESS, LEAST = 0.35, 40  # a pair is listed from this likeness and so many shared k-grams on
LEAST_TEXT = 200  # characters of one's own, for the same text to say something
MOST_CODE = 60_000  # characters of a submission that are compared


@dataclass(frozen=True)
class Print:
    """The code of a submission as it is compared. places: where each k-gram begins in the string

    offsets: as copydetect gives them, from places in the string to places in the code
    """

    code: str
    places: dict[int, list[int]]
    offsets: tuple[tuple[int, int], ...]

    @cached_property
    def grams(self) -> frozenset[int]:
        return frozenset(self.places)

    def lines(self, shared: Iterable[int]) -> set[int]:
        """The lines of the code, from 0, that some of its k-grams lie in."""
        found: set[int] = set()
        for gram in shared:
            for place in self.places.get(gram, ()):
                first, last = (self._line(place), self._line(place + GRAM - 1))
                found.update(range(first, last + 1))
        return found

    def _line(self, place: int) -> int:
        at = bisect_left(self.offsets, (place, -1))
        moved = self.offsets[min(at, len(self.offsets) - 1)][1] if self.offsets else 0
        return bisect_right(self._ends, place + moved - 1)

    @cached_property
    def _ends(self) -> list[int]:
        """Where each line of the code ends."""
        return [place for place, letter in enumerate(self.code) if letter == "\n"]


def fingerprint(code: str) -> Print:
    """The k-grams of some code; UsageError where copydetect is not installed."""
    try:
        from copydetect.utils import filter_code
    except ImportError as error:
        raise UsageError(
            f"{error.name} is not installed. Install it: {to_install('similarity')}"
        ) from None
    code = code[:MOST_CODE]
    string, offsets = filter_code(code, "code.py", "python")
    places: dict[int, list[int]] = {}
    for place in range(len(string) - GRAM + 1):
        places.setdefault(hash(string[place : place + GRAM]), []).append(place)
    pairs = tuple((int(place), int(moved)) for place, moved in offsets)
    return Print(code, places, pairs)


@dataclass(frozen=True)
class Pair:
    """Two submissions that share what others have not. likeness: 0 to 1, of the smaller of the two

    same: whether the text of both is the same, names and comments included
    """

    one: str
    other: str
    likeness: float
    shared: frozenset[int] = field(repr=False)
    same: bool = False


def alike(prints: Mapping[str, Print], known: frozenset[int]) -> list[Pair]:
    """The pairs to be looked at, most alike first. known: k-grams that right answers have"""
    owners: dict[int, list[str]] = {}
    for name, print_ in prints.items():
        for gram in print_.grams - known:
            owners.setdefault(gram, []).append(name)
    telling = {gram: names for gram, names in owners.items() if len(names) <= SHARED_BY_MANY}
    sizes = Counter(name for names in telling.values() for name in names)
    shared: dict[tuple[str, str], set[int]] = {}
    for gram, names in telling.items():
        for pair in combinations(names, 2):
            shared.setdefault(pair, set()).add(gram)
    same = same_text(prints, known)
    found = []
    for (one, other), grams in shared.items():
        likeness = len(grams) / min(sizes[one], sizes[other])
        if len(grams) >= LEAST and likeness >= LIKENESS:
            found.append(Pair(one, other, likeness, frozenset(grams), (one, other) in same))
    listed = {(pair.one, pair.other) for pair in found}
    for one, other in same - listed:
        found.append(Pair(one, other, 1.0, prints[one].grams, True))
    return sorted(found, key=lambda pair: (-pair.same, -pair.likeness, pair.one, pair.other))


def groups(pairs: Iterable[Pair]) -> list[list[str]]:
    """Who hangs together by pairs, largest first."""
    together: dict[str, set[str]] = {}
    for pair in pairs:
        joined = together.get(pair.one, {pair.one}) | together.get(pair.other, {pair.other})
        together |= dict.fromkeys(joined, joined)
    found = {frozenset(group) for group in together.values()}
    return sorted((sorted(group) for group in found), key=lambda group: (-len(group), group))


def same_text(prints: Mapping[str, Print], known: frozenset[int]) -> set[tuple[str, str]]:
    """Pairs whose text is the same but for blanks, and is more than what was handed out."""
    texts: dict[str, list[str]] = {}
    for name, one in prints.items():
        text = re.sub(r"\s+", "", one.code)
        if len(text) >= LEAST_TEXT and not one.grams <= known:
            texts.setdefault(text, []).append(name)
    found: set[tuple[str, str]] = set()
    for names in texts.values():
        if len(names) <= SHARED_BY_MANY:
            found.update(combinations(names, 2))
    return found


# --- what is compared -----------------------------------------------------------------------------


def known_grams(assignment: Assignment, *, variants: bool = True) -> frozenset[int]:
    """The k-grams of what students receive and of right answers, which have to look alike."""
    texts = [assignment.solution.read_text(encoding="utf-8")]
    if variants:
        texts += [path.read_text(encoding="utf-8") for path in assignment.variants]
    if assignment.notebook.is_file():
        notebook = named(assignment.notebook)
        cells = notebook_parts(text_of(read_bytes(notebook), notebook), notebook)
        code = [source_of(cell) for cell in cells if cell.get("cell_type") == "code"]
        together = code_of(notebook, released_cells(assignment).not_run)  # where cells meet, too
        texts += [*code, "\n".join(code), together]
    found: set[int] = set()
    for text in texts:
        found |= fingerprint(text).grams
    return frozenset(found)


def prints_of(assignment: Assignment) -> dict[str, Print]:
    """The code of each student who handed in; without those whose file cannot be read, or whose
    code takes a lexer too long.
    """
    course, skip = assignment.course, released_cells(assignment).not_run
    found = {}
    if not course.submitted.is_dir():
        return {}
    for one in find(course.submitted, assignment.slug):
        code = code_of(one.path, skip)
        if one.student is not None and code.strip() and all(renderable([Text("code", code)])):
            found[one.student] = fingerprint(code)
    return found


def code_of(path: Path, skip: NotRun) -> str:
    """The code of a submission, cell after cell; "" where it cannot be read."""
    try:
        units = read(path, skip).units
    except SubmissionError:
        return ""
    return "\n".join(unit.source for unit in units)[:MOST_CODE]
