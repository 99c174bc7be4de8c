"""The house: which way the arrows go between modules, and what every file owes its reader."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT

ENGINE = ROOT / "autograder"
ROOMS = [  # each imports only from those above it
    "errors",
    "sandbox.limits",
    "assignment",
    "results",
    "submission",
    "wire",
    "sandbox",
    "student",
    "vocabulary",
    "session",
    "known",
    "diagnosis",
    "grading",
    "handout",
    "leaks",
    "release",
    "public_check",
    "gradebook",
    "nbgrader_bridge",
    "mutants",
    "authoring",
    "audit",
    "skeleton",
    "doctor",
    "report",
    "cli",
]


def room_of(module: str) -> str:
    """The room that a dotted module name below `autograder` belongs to."""
    if module in ROOMS:
        return module
    return module.split(".")[0]


def imports_of(path: Path) -> set[str]:
    """The modules of the kit that a file imports, without `autograder.`, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "autograder":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder."):
            found.add((node.module or "").removeprefix("autograder."))
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix("autograder.")
                for alias in node.names
                if alias.name.startswith("autograder.")
            }
    return found


def modules() -> list[Path]:
    return sorted(path for path in ENGINE.rglob("*.py") if "student_kit" not in path.parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_module_imports_only_from_rooms_above_its_own(path: Path) -> None:
    name = ".".join(path.relative_to(ENGINE).with_suffix("").parts).removesuffix(".__init__")
    if name == "__init__":
        return
    assert room_of(name) in ROOMS, f"{name} is in no room: add it to ROOMS, at its place"
    here = ROOMS.index(room_of(name))
    for imported in imports_of(path):
        there = room_of(imported)
        assert ROOMS.index(there) <= here, f"{name} imports {imported}, which is below it"


def test_what_runs_behind_the_line_imports_nothing_else_of_the_kit() -> None:
    assert imports_of(ENGINE / "sandbox" / "inside.py") == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ENGINE)))
def test_every_module_public_class_and_function_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body, f"{path} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}: class {node.name} has no docstring"


def test_the_engine_knows_no_assignment_by_name() -> None:
    slugs = [folder.name for folder in (ROOT / "reference_solutions").iterdir() if folder.is_dir()]
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node)
        }
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and id(node) not in docstrings
        } & set(slugs)
        assert not names & set(slugs), f"{path} names {names & set(slugs)}"
