"""Which checks each small change of a right answer fails. What was found holds for a check as long
as all that decides it stays as it was (decided.py), so that another check asks nothing else anew.

    course/results/<assignment>/edits/
        fails-<table>-<shared>.json         measured at release: the first check that each fails
        fails-<table>-<shared>-<function>-<origin>-<program>.json     asked one by one in grading

<table> is of the programs (place.py), <shared> of what all checks depend on, the course's secret
included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.grading.decided import Decided
from autograder.grading.place import digest, file_of

# by the function and the number of a group of changes: the first check that its first change fails,
# [its name], or [] where it fails none
Measured = Mapping[str, Mapping[str, list[str]]]


class Fails:
    """What small changes of one assignment fail.

    secret: what the inputs of hidden checks derive from
    """

    def __init__(self, assignment: Assignment, secret: str) -> None:
        self._assignment, self._secret = assignment, secret

    @cached_property
    def _decided(self) -> Decided:
        return Decided.of(self._assignment)

    @cached_property
    def file(self) -> Path:
        """Where it lies, or will, what was measured at release."""
        now = self._decided
        shared = repr((now.shared, sorted(now.limits.items()), self._secret))
        name = (
            f"fails-{digest(self._assignment)}-{hashlib.sha256(shared.encode()).hexdigest()[:16]}"
        )
        return file_of(self._assignment).with_name(f"{name}.json")

    @property
    def is_measured(self) -> bool:
        """Whether all was measured, on the checks of today."""
        return bool(self._told) and self._told["checks"] == self._decided.checks

    @cached_property
    def measured(self) -> dict[str, dict[str, list[str]]]:
        """What was measured and still holds: checks that are failed and as they were; and none, as
        long as all are as they were.
        """
        told: Measured = self._told.get("first", {})
        return {
            function: {
                group: names
                for group, names in groups.items()
                if (all(map(self._holds, names)) if names else self.is_measured)
            }
            for function, groups in told.items()
        }

    def of(
        self, function: str, group: int, origin: int, program: int, names: Iterable[str]
    ) -> dict[str, bool]:
        """Whether a group's first change fails each of these checks, as far as it is known."""
        first = self._told.get("first", {}).get(function, {}).get(str(group))
        known = {}
        for name in names:
            if first is not None and self._holds(name) and (name in first or not first):
                known[name] = bool(first)
        kept = _pairs(_read_json(self._file_of(function, origin, program)))
        for name, (failed, decided) in kept.items():
            if name in names and decided == self._decided.of_check(name):
                known[name] = failed is True
        return known

    def keep(self, function: str, origin: int, program: int, found: Mapping[str, bool]) -> None:
        """Keep what one program was found to fail or not, beside what was kept of it before."""
        file = self._file_of(function, origin, program)
        kept = _pairs(_read_json(file))
        kept |= {name: [failed, self._decided.of_check(name)] for name, failed in found.items()}
        with suppress(OSError):
            write_whole(file, json.dumps(kept))

    def keep_measured(self, first: Measured) -> None:
        """Keep what was measured on the checks of today, in place of all that was kept before."""
        for other in self.file.parent.glob("fails-*.json"):
            other.unlink(missing_ok=True)
        told = {"checks": dict(self._decided.checks), "first": first}
        write_whole(self.file, json.dumps(told))

    @cached_property
    def _told(self) -> dict[str, Any]:
        """What was measured, on whatever checks; empty where nothing can be used."""
        told = _read_json(self.file)
        if not (isinstance(told, dict) and told.keys() == {"checks", "first"}):
            return {}
        checks, first = told["checks"], told["first"]
        whole = isinstance(checks, dict) and isinstance(first, dict)
        return told if whole and all(isinstance(one, dict) for one in first.values()) else {}

    def _holds(self, name: str) -> bool:
        """Whether a check is as it was when all was measured."""
        was = self._told["checks"].get(name.partition("[")[0])
        return was is not None and was == self._decided.of_check(name)

    def _file_of(self, function: str, origin: int, program: int) -> Path:
        return self.file.with_name(f"{self.file.stem}-{function}-{origin}-{program}.json")


def _pairs(told: Any) -> dict[str, list[Any]]:
    """The checks of a file, each with whether it is failed and what decided it."""
    if not isinstance(told, dict):
        return {}
    return {name: two for name, two in told.items() if isinstance(two, list) and len(two) == 2}


def _read_json(file: Path) -> Any:
    """What a file of JSON holds; None where there is none that can be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
