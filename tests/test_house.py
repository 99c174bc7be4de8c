"""The house: which room may use which, on what Python really loads, and what every file owes its
reader.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

ENGINE = ROOT / "autograder"
ROOMS = (  # each uses only those above it
    "errors",
    "limits",
    "results",
    "course",
    "environment",
    "rubric",
    "assignment",
    "sandbox",
    "vocabulary",
    "grading",
    "cluster",
    "authoring",
    "gradebook",
    "pages",
    "audit",
    "report",
    "version",
    "doctor",
    "plugin",
    "steps",
    "watch",
    "cli",
    "__main__",
)
WITHOUT_TORCH = (  # what plain pytest, `--help`, a usage error, `autograder check` and a class of
    # which nothing has changed load
    "errors",
    "limits",
    "results",
    "course",
    "environment",
    "rubric",
    "assignment",
    "grading.submission",
    "grading.checks",
    "grading.workers",
    "grading.preflight",
    "authoring.public_check",
    "authoring.new",
    "gradebook.settings",
    "pages.class_page",
    "report",
    "plugin",
    "steps",
    "version",
    "cli",
)
NOT_IMPORTED = ("student_kit", "skeleton", "inside")  # these run elsewhere


def modules() -> list[Path]:
    return sorted(path for path in ENGINE.rglob("*.py") if not set(path.parts) & set(NOT_IMPORTED))


def name_of(path: Path) -> str:
    """A module's dotted name below `autograder`; "" for the package itself."""
    parts = path.relative_to(ENGINE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def own_imports(tree: ast.Module) -> Iterator[str]:
    """The modules and packages of the kit that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "autograder":
            below = (node.module or "").removeprefix("autograder").strip(".")
            yield from [below] if below else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("autograder."):
                    yield alias.name.removeprefix("autograder.")


def room(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_file_names_only_rooms_above_its_own(path: Path) -> None:
    """Imports inside functions count as well: no arrow of the house goes up."""
    name = name_of(path)
    if not name:
        return
    assert room(name) in ROOMS, f"{name} is in no room: add it to ROOMS, at its place"
    for imported in own_imports(ast.parse(path.read_text(encoding="utf-8"))):
        above = ROOMS.index(room(imported)) <= ROOMS.index(room(name))
        assert above, f"{name} imports {imported}, which lies below it"


LOADS = """
import importlib, json, sys
loaded = {}
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module("autograder." + name)
    loaded[name] = sorted(set(sys.modules) - before)
print(json.dumps(loaded))
"""


def loads(*names: str) -> dict[str, set[str]]:
    """What a fresh Python loads, beyond what it has, as it imports each of these modules, one after
    another.
    """
    command = [sys.executable, "-c", LOADS, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return {name: set(loaded) for name, loaded in json.loads(done.stdout).items()}


def test_no_room_loads_one_below_it() -> None:
    """Room by room from the top: what is loaded then belongs to the rooms that had their turn."""
    names = [name_of(path) for path in modules() if name_of(path)]
    names.sort(key=lambda name: ROOMS.index(room(name)))
    for name, loaded in loads(*names).items():
        own = {module.removeprefix("autograder.") for module in loaded if "autograder." in module}
        below = {module for module in own if ROOMS.index(room(module)) > ROOMS.index(room(name))}
        assert not below, f"importing {name} loads {below}"


def test_what_grades_nothing_loads_no_torch() -> None:
    for name, loaded in loads(*WITHOUT_TORCH).items():
        heavy = {"torch", "numpy", "IPython", "nbgrader", "jupytext", "matplotlib"} & loaded
        assert not heavy, f"importing {name} loads {heavy}"


def test_what_runs_behind_the_line_imports_nothing_else_of_the_kit() -> None:
    for path in (ENGINE / "sandbox" / "inside").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert list(own_imports(tree)) == [], path
        assert all(node.level <= 1 for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def documented(tree: ast.Module) -> Iterator[ast.AST]:
    """The module and what it defines that others may use: classes, functions, methods."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_modules_classes_and_long_functions_have_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in documented(tree):
        short = isinstance(node, ast.FunctionDef) and len(node.body) < 4
        if short and not ast.get_docstring(node):
            continue  # its name and types say it
        if tree.body:
            what = getattr(node, "name", "the module")
            assert ast.get_docstring(node), f"{path}: {what} has no docstring"  # type: ignore[arg-type]


def test_the_engine_knows_no_assignment_by_name() -> None:
    slugs = {path.parent.name for path in (ROOT / "reference_solutions").glob("*/assignment.toml")}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
        assert not named & slugs, f"{path} names {named & slugs}"
