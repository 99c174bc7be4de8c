"""Small wrong changes of a reference solution, made by cosmic-ray: hidden checks that cannot tell one from the original are too weak.

A mutant that computes the same is accepted by hand in the staff folder's equivalent_mutants.toml, with the reason:

    [[mutant]]
    was = "return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]"
    becomes = "..."
    reason = "..."
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass

from autograder.assignment import Assignment
from autograder.errors import AuthoringError, UsageError

LEFT_OUT = ("VariableReplacer", "VariableInserter", "RemoveDecorator")  # need settings of their own, or have nothing to change


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
    """Every single change that cosmic-ray's operators make to `source`, each text once; UsageError where it is not installed."""
    try:
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator, operator_names
    except ImportError as error:
        raise UsageError(
            "mutation testing needs cosmic-ray: pip install 'autograder[audit]', or audit with --no-mutants."
        ) from error
    found: dict[str, Mutant] = {}
    for name in sorted(operator_names()):
        if name.endswith(LEFT_OUT):
            continue
        occurrence = 0
        while (changed := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            if changed != source:
                found.setdefault(changed, Mutant(name.removeprefix("core/"), changed, *_changed_lines(source, changed)))
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


def equivalents(assignment: Assignment) -> dict[tuple[str, str], str]:
    """The accepted mutants of an assignment, (was, becomes) to the reason."""
    path = assignment.folder / "equivalent_mutants.toml"
    if not path.is_file():
        return {}
    mend = 'Each [[mutant]] has three strings: was = "...", becomes = "...", reason = "...".'
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
        accepted = {(item["was"].strip(), item["becomes"].strip()): item["reason"].strip() for item in listed}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(path, f"cannot be read ({error})", mend) from error
    for (was, becomes), reason in accepted.items():
        if not reason:
            raise AuthoringError(path, f"accepts a mutant without a reason ({was} -> {becomes})", "Say why it computes the same.")
    return accepted
