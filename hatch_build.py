"""The lessons travel in the wheel; an editable install finds them in the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LessonsHook(BuildHookInterface):
    """Adds `reference_solutions/` to a wheel as `autograder/lessons/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """version: "standard" or "editable"; build_data: what hatchling puts into the wheel"""
        if version != "standard":
            return
        staff = Path(self.root) / "reference_solutions"
        for path in sorted(staff.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                place = path.relative_to(staff).as_posix()
                build_data["force_include"][str(path)] = f"autograder/lessons/{place}"
