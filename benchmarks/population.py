"""A class of students: submissions in many styles, no two alike, the same every time.

Each begins with a right answer or a known mistake of the staff folder, is rewritten by renaming and
respelling (`benchmarks.diagnosis`), put among other code as students write it, and handed in as a
module or as the released notebook with the answers in its cells.
"""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from benchmarks.diagnosis import Renamed, Respelled, rewritten

STYLES: tuple[tuple[type[ast.NodeTransformer], ...], ...] = (
    (),
    (Renamed,),
    (Respelled,),
    (Renamed, Respelled),
)
TALK = (
    'print("it is me, number {number}")',
    "values = [{number} + i for i in range(20)]\nprint(sum(values))",
    "import torch\nA = torch.rand(4, 3)\nprint(A.shape, A.mean())",
    "try:\n    import math\n    print(math.sqrt({number}))\nexcept ImportError:\n    pass",
    "scratch = {{'number': {number}}}\nscratch['square'] = scratch['number'] ** 2",
)
FAILS = ("undefined_name_{number}", "1 / 0", "import a_package_that_nobody_has")
BLOCK = random.Random("block").sample(["right"] * 55 + ["wrong"] * 41 + ["broken"] * 4, 100)
BROKEN = ("", '{"cells": [', "\x00\x01\x02 no notebook", "PK\x03\x04")


@dataclass(frozen=True)
class Work:
    """What one student hands in.

    kind: "right", "wrong", or "broken" (no Python, no notebook)
    before: code before the functions; functions: each one's source by its name; after: code after
    data: all of it, where it is broken
    """

    number: int
    kind: str
    before: tuple[str, ...] = ()
    functions: tuple[tuple[str, str], ...] = ()
    after: tuple[str, ...] = ()
    data: str = ""

    @property
    def student(self) -> str:
        return f"student{self.number:05}"

    @property
    def cells(self) -> list[str]:
        """Its code, cell by cell."""
        return [*self.before, *(source for _, source in self.functions), *self.after]

    def module(self) -> str:
        return "\n\n\n".join(self.cells) + "\n"

    def notebook(self) -> dict[str, Any]:
        """Its code as a notebook of its own."""
        return notebook_of(self.cells)


def notebook_of(sources: list[str]) -> dict[str, Any]:
    """A notebook of code cells."""
    cells = [code_cell(source, f"cell-{place}") for place, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code_cell(source: str, name: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"metadata": {}, "execution_count": None, "outputs": []}
    return {"cell_type": "code", "id": name, "source": source, **empty}


class Population:
    """The students of one assignment.

    seed: another class for each
    kinds: which kinds there are; of all, about 55 % are right, 41 % wrong, 4 % broken
    fails: whether cells that fail stand among the others
    even: whether every hundred has the same kinds and begins with the same texts, in other styles:
        for classes of several sizes, which are to differ in nothing else
    """

    def __init__(
        self,
        assignment: Assignment,
        seed: int,
        kinds: tuple[str, ...] = ("right", "wrong", "broken"),
        *,
        fails: bool = True,
        even: bool = False,
    ) -> None:
        self.assignment, self.seed, self.kinds, self.fails = assignment, seed, kinds, fails
        self.even = even
        solution = assignment.solution.read_text("utf-8")
        self._texts = {
            "right": [solution, *(path.read_text("utf-8") for path in assignment.variants)],
            "wrong": [
                f"{solution}\n\n{mistake.path.read_text('utf-8')}"
                for mistake in assignment.mistakes
            ],
        }
        self._written: dict[tuple[str, int, int], tuple[str, dict[str, str]]] = {}

    def work(self, number: int) -> Work:
        """What one student hands in."""
        chance = random.Random(f"{self.assignment.slug} {self.seed} {number}")
        weights = {"right": 55, "wrong": 41, "broken": 4}
        (kind,) = chance.choices(self.kinds, [weights[kind] for kind in self.kinds])
        if self.even:
            kind = BLOCK[number % len(BLOCK)]
        if kind == "broken":
            return Work(number, kind, data=chance.choice(BROKEN))
        texts = self._texts[kind]
        place = number % len(texts) if len(self.kinds) == 1 else chance.randrange(len(texts))
        if self.even:
            place = BLOCK[: number % len(BLOCK)].count(kind) % len(texts)
        head, functions = self._answer(kind, place, chance.randrange(len(STYLES)))
        talk = [chance.choice(TALK).format(number=number) for _ in range(chance.randrange(4))]
        if self.fails and chance.random() < 0.1:
            talk.append(chance.choice(FAILS).format(number=number))
        cut = chance.randrange(len(talk) + 1)
        name = f"# handed in by number {number} of class {self.seed}"
        before = (name, head, *talk[:cut])
        return Work(number, kind, before, tuple(functions.items()), tuple(talk[cut:]))

    def _answer(self, kind: str, place: int, style: int) -> tuple[str, dict[str, str]]:
        """Some text in some style: what is not a function of the assignment's, and those."""
        key = (kind, place, style)
        if key not in self._written:
            text = rewritten(self._texts[kind][place], *STYLES[style])
            self._written[key] = split(text, list(self.assignment.functions))
        return self._written[key]

    def __call__(self, count: int) -> Iterator[Work]:
        return (self.work(number) for number in range(count))


def split(text: str, names: list[str]) -> tuple[str, dict[str, str]]:
    """A module as the code around, and the source of each of these functions: the last of its name.

    A module that defines one in some other way stays in one piece.
    """
    tree = ast.parse(text)
    functions, rest = {}, []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in names and not node.decorator_list:
            functions[node.name] = ast.unparse(node)
        else:
            rest.append(ast.unparse(node))
    if set(functions) != set(names):
        return ast.unparse(tree), {}
    return "\n".join(rest), functions


def lay(work: Work, assignment: Assignment, submitted: Path) -> Path:
    """Hand in: half of the students a module, half the released notebook with their answers. The
    file is put in its place by a rename.
    """
    slug = assignment.slug
    folder = submitted / work.student / slug
    folder.mkdir(parents=True, exist_ok=True)
    name, text = f"{slug}.ipynb", work.data
    if work.kind != "broken":
        if work.number % 2:
            name, text = f"{slug}.py", work.module()
        else:
            text = json.dumps(answered(work, assignment))
    (folder / ".arriving").write_text(text, encoding="utf-8")
    (folder / ".arriving").rename(folder / name)
    return folder


def answered(work: Work, assignment: Assignment) -> dict[str, Any]:
    """The released notebook with a student's work in it."""
    notebook: dict[str, Any] = json.loads(assignment.notebook.read_text("utf-8"))
    if not work.functions:
        return work.notebook()
    functions, cells = dict(work.functions), []
    before = list(work.before)
    for cell in notebook["cells"]:
        settings = cell["metadata"].get("nbgrader", {})
        name = settings.get("grade_id") if settings.get("solution") else None
        if name in functions and cell["cell_type"] == "code":
            cells += [code_cell(text, f"before-{place}") for place, text in enumerate(before)]
            before = []
            cell = cell | {"source": functions[name]}
        cells.append(cell)
    cells += [code_cell(text, f"after-{place}") for place, text in enumerate(work.after)]
    return notebook | {"cells": cells}
