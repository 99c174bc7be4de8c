"""How often right answers of different people are called alike, and copies in disguise are not:
`python -m benchmarks.similarity`. Figures go to results/similarity.json.

Right answers: the variants of each assignment as a class, without the variants among what is left
out; and the known mistakes, each the solution with one slip, which must look alike. Copies: each
variant and the same with names changed; and once more with layout, comments, brackets and the order
of functions gone, too.
"""

from __future__ import annotations

import ast
import json
import re
from itertools import combinations
from pathlib import Path

from autograder.assignment import Assignment, find_assignments
from autograder.course import Course, write_whole
from autograder.pages.alike import alike, fingerprint, known_grams

ROOT = Path(__file__).parent.parent
FILE = ROOT / "benchmarks" / "results" / "similarity.json"


def main() -> None:
    """Measure, print, and keep the figures."""
    figures = {one.slug: measured(one) for one in find_assignments(Course(ROOT))}
    total = {
        name: sum(one[name] for one in figures.values()) for name in next(iter(figures.values()))
    }
    figures["all"] = total
    write_whole(FILE, json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def measured(assignment: Assignment) -> dict[str, int]:
    """The counts of one assignment."""
    bare = known_grams(assignment, variants=False)
    solution = assignment.solution.read_text(encoding="utf-8")
    variants = {path.stem: path.read_text(encoding="utf-8") for path in assignment.variants}
    slips = {one.name: f"{solution}\n{one.path.read_text('utf-8')}" for one in assignment.mistakes}
    return {
        "right_pairs": len(list(combinations(variants, 2))),
        "right_called_alike": flagged(variants, bare),
        "slip_pairs": len(list(combinations(slips, 2))),
        "slips_called_alike": flagged(slips, known_grams(assignment)),
        "copies": len(variants),
        "renamed_found": sum(is_found(variants, name, renamed, bare) for name in variants),
        "rewritten_found": sum(is_found(variants, name, rewritten, bare) for name in variants),
    }


def flagged(texts: dict[str, str], known: frozenset[int]) -> int:
    return len(alike({name: fingerprint(text) for name, text in texts.items()}, known))


def is_found(texts: dict[str, str], name: str, disguise, known: frozenset[int]) -> bool:
    """Whether a copy of one of a class, handed in beside it, is found."""
    prints = {one: fingerprint(text) for one, text in texts.items()}
    prints["the copy"] = fingerprint(disguise(texts[name]))
    return any({pair.one, pair.other} == {name, "the copy"} for pair in alike(prints, known))


def own_names(source: str) -> set[str]:
    """Names that a function gives to its own values."""
    tree = ast.parse(source)
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return stored - {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def renamed(source: str) -> str:
    """The same code with other names for its own values, and no comment."""
    for number, name in enumerate(sorted(own_names(source))):
        source = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", f"value_{number}", source)
    return re.sub(r"(?m)[ \t]+#.*$", "", source)


def rewritten(source: str) -> str:
    """The same program, written anew from its syntax tree, functions in reverse."""
    tree = ast.parse(renamed(source))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if ast.get_docstring(function) and len(function.body) > 1:
            function.body = function.body[1:]
    tree.body = [node for node in tree.body if node not in functions] + functions[::-1]
    return ast.unparse(tree)


if __name__ == "__main__":
    main()
