"""A lesson run from top to bottom, with the solutions in: what its claims are tested against.

def test_the_plateau_ends(lesson):          # in a staff folder's test_lesson.py
    assert 600 < lesson.plateau_end < 750   # a name that a cell left behind
    assert "2.0110" in lesson.printed       # all that the cells printed
    assert len(lesson.figures) == 5         # what was shown, each with its alternative text
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import types
import warnings
from typing import Any

from autograder.assignment import Assignment
from autograder.authoring.handout import source_notebook

MAGIC = re.compile(r"(?m)^([ \t]*)[%!].*$")


def run(assignment: Assignment) -> types.SimpleNamespace:
    """Run the cells of a handout in order; gives the names that they leave, `printed` and `figures`
    ((figure, text) pairs).

    Raises what a cell raises.
    """
    import matplotlib

    matplotlib.use("Agg")
    figures: list[tuple[Any, str]] = []
    helper = types.ModuleType("conftest")
    vars(helper).update(
        check=lambda name: None,
        style=lambda: None,
        show=lambda figure, text: figures.append((figure, text)),
    )
    module = types.ModuleType(f"lesson_{assignment.slug}")
    before, folder = (
        {name: sys.modules.get(name) for name in ("conftest", module.__name__)},
        os.getcwd(),
    )
    sys.modules.update({"conftest": helper, module.__name__: module})
    printed = io.StringIO()
    try:
        os.chdir(assignment.folder)  # where `data/` is
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries about each other
            for number, cell in enumerate(source_notebook(assignment).cells):
                if cell.cell_type == "code":
                    source = MAGIC.sub(r"\1pass", cell.source)
                    exec(
                        compile(source, f"<{assignment.slug} cell {number}>", "exec"), vars(module)
                    )
    finally:
        os.chdir(folder)
        for name, was in before.items():
            sys.modules.pop(name) if was is None else sys.modules.update({name: was})
    return types.SimpleNamespace(
        **{**vars(module), "printed": printed.getvalue(), "figures": figures}
    )
