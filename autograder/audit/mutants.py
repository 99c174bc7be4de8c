"""Small wrong changes of a reference solution, made by cosmic-ray: hidden checks that cannot tell
one from the original are too weak. A mutant that computes the same is accepted by hand in the staff
folder's equivalent_mutants.toml, with the reason.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from autograder.errors import UsageError, to_install

LEFT_OUT = (
    "VariableReplacer",
    "VariableInserter",
    "RemoveDecorator",
)  # need settings of their own, or have nothing to change


@dataclass(frozen=True)
class Mutant:
    """One changed solution: its text, and the lines that differ."""

    operator: str
    source: str
    was: str
    becomes: str

    @property
    def diff(self) -> str:
        return f"- {self.was}\n+ {self.becomes}"


def mutants_of(source: str) -> list[Mutant]:
    """Every single change that cosmic-ray's operators make to `source`, each text once; UsageError
    where it is not installed.
    """
    try:
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator, operator_names
    except ImportError as error:
        raise UsageError(
            f"mutation testing needs cosmic-ray: {to_install('audit')}, or audit with --no-mutants."
        ) from error
    found: dict[str, Mutant] = {}
    for name in sorted(operator_names()):
        if name.endswith(LEFT_OUT):
            continue
        occurrence = 0
        while (changed := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            if changed != source:
                found.setdefault(
                    changed,
                    Mutant(name.removeprefix("core/"), changed, *_changed_lines(source, changed)),
                )
            occurrence += 1
    return list(found.values())


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    removed, added = [], []
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line.startswith("- "):
            removed.append(line[2:].strip())
        elif line.startswith("+ "):
            added.append(line[2:].strip())
    return " ⏎ ".join(removed), " ⏎ ".join(added)
