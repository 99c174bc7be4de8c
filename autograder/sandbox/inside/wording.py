"""What a syntax error means, by name: a merge conflict, Python 2, a newer Python's syntax."""

from __future__ import annotations

import re
import sys

CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
PYTHON_TWO = (
    re.compile(r"^\s*print\s+[^\s(=]"),
    re.compile(r"^\s*print\s*$"),
    re.compile(r"^\s*exec\s+[^\s(=]"),
    re.compile(r"^\s*except\s+[\w.()]+\s*,\s*\w+\s*:"),
    re.compile(r"^\s*raise\s+[\w.]+\s*,"),
    re.compile(r"\bur['\"]"),
    re.compile(r"<>"),
    re.compile(r"\b0[0-7]+\b|\b\d+[lL]\b"),
    re.compile(r"`[^`]*`"),
)
NEWER = (  # (since, what, pattern), for Pythons older than that
    ((3, 12), "a type statement", re.compile(r"^\s*type\s+\w+\s*(\[.*\])?\s*=")),
    ((3, 12), "type parameters in brackets", re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[")),
    ((3, 12), "quotes or a backslash inside an f-string's braces", re.compile(r"\bf['\"].*\{.*\}")),
    ((3, 14), "a template string", re.compile(r"(?<!\w)t['\"]")),
    ((3, 14), "several exceptions without parentheses", re.compile(r"^\s*except\s+\w+\s*,")),
    ((3, 15), "a lazy import", re.compile(r"^\s*lazy\s+(import|from)\b")),
)


def explain_syntax(error: BaseException, source: str) -> str:
    """The words of a syntax error, and what it comes from where that can be told."""
    words = str(getattr(error, "msg", None) or error or type(error).__name__)[:160]
    found = CONFLICT.search(source)
    if found:
        number = source.count("\n", 0, found.start()) + 1
        return (
            f"{words}; line {number} is a merge conflict's marker ({found[1]}): "
            "keep one of the two versions and delete the markers"
        )
    line = offending(error, source)
    ours = ".".join(map(str, sys.version_info[:2]))
    if any(pattern.search(line) for pattern in PYTHON_TWO):
        return f"{words}; this is Python 2, and the grader runs Python {ours}"
    for since, what, pattern in NEWER:
        if sys.version_info < since and pattern.search(line):
            needed = ".".join(map(str, since))
            return f"{words}; {what} needs Python {needed}, and the grader runs Python {ours}"
    return words


def offending(error: BaseException, source: str) -> str:
    """The line that a syntax error is about."""
    text = getattr(error, "text", None)
    if isinstance(text, str) and text.strip():
        return text[:1000]
    number = getattr(error, "lineno", None)
    lines = source.splitlines()
    return lines[number - 1][:1000] if isinstance(number, int) and 0 < number <= len(lines) else ""
