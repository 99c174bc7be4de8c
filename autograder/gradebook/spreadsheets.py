"""What a spreadsheet would calculate in place of showing it."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_formula(text: str) -> bool:
    """Whether some spreadsheet takes a text for a formula, or a command: by what it begins with,
    spaces aside, in full width as well.
    """
    return text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
