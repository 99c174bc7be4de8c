"""The sections of rubric.md: how each written answer is marked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path

from autograder.errors import AuthoringError

HEADING = re.compile(r"##[ \t]+(.*?)[ \t]*")  # of a section
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def sections(file: Path, text: str, names: Collection[str]) -> dict[str, str]:
    """The sections of a rubric under the names of written answers, in Markdown. Any other heading
    is text of a section; AuthoringError where it looks like a name misspelt.
    """
    found, others = _divided(text, names)
    missing = [name for name in names if name not in found]
    if wrong := [title for title in others if _is_like(title, missing)]:
        mend = f"A section's heading is `## NAME`, as in [written]: {', '.join(missing)}."
        raise AuthoringError(file, f"has sections {', '.join(wrong)}", mend)
    return found


def _divided(text: str, names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The sections of a page under these names; and its other headings, which are text, as is all
    that stands in fences.
    """
    found: dict[str, list[str]] = {}
    others: list[str] = []
    lines: list[str] = []  # of the section that goes on; at first of none
    fence = ""
    for line in text.splitlines():
        mark = FENCE.match(line)
        title = None if fence else HEADING.fullmatch(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and mark.end() == len(line.rstrip()):
            fence = ""
        if title and title[1] in names:
            lines = found.setdefault(title[1], [])
            continue
        if title:
            others.append(title[1])
        lines.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}, others


def _is_like(title: str, names: Iterable[str]) -> bool:
    """Whether a heading looks like one of these names, misspelt."""
    plain = re.sub(r"[\W_]+", "_", title).strip("_").lower()
    return bool(get_close_matches(plain, [name.lower().replace("-", "_") for name in names]))
