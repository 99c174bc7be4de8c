"""One student's entry in the gradebook, made in folders of its own and then moved into place.

nbgrader writes its notebooks and pages where they will lie, piece by piece; a reader, or a kill,
would find a part. Here it writes elsewhere in the course, and what it wrote takes the place of what
was there by a rename.
"""

from __future__ import annotations

import glob
import html
import os
import re
from dataclasses import dataclass
from pathlib import Path

from autograder.assignment import Assignment
from autograder.course import put_in_place, write_whole
from autograder.gradebook.commands import run_nbgrader

BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
NOTE = '<div id="autograder-arrival">{text}</div>'
OLD_NOTE = re.compile(r'\s*<div id="autograder-arrival"[^>]*>[^<]*</div>')


@dataclass(frozen=True)
class Folders:
    """Where nbgrader reads and writes, below the course's own folder; each a step of nbgrader's
    layout, <step>/<student>/<assignment>/.
    """

    submitted: str
    autograded: str
    feedback: str

    def directories(self) -> dict[str, str]:
        """As nbgrader's settings."""
        return {
            "submitted_directory": self.submitted,
            "autograded_directory": self.autograded,
            "feedback_directory": self.feedback,
        }


def enter_student(assignment: Assignment, student: str, folders: Folders, note: str) -> None:
    """Enter one student's result, and write the feedback page with a note on top (plain text).

    AutograderError where nbgrader cannot.
    """
    course, slug = assignment.course, assignment.slug
    directories, named = folders.directories(), glob.escape(student)
    for method in ("autograde", "generate_feedback"):
        run_nbgrader(course, method, slug, named, force=True, directories=directories)
    for page in (course.work / folders.feedback / student / slug).glob("*.html"):
        annotate(page, note)
    for made, step in ((folders.autograded, "autograded"), (folders.feedback, "feedback")):
        put_in_place(course.work / made / student / slug, course.work / step / student / slug)


def annotate(page: Path, note: str) -> bool:
    """Put a note (plain text) on top of a feedback page, in the place of the one before; says
    whether the page changed.
    """
    text = page.read_text(encoding="utf-8")
    new = annotated(text, note)
    if new == text:
        return False
    mode = page.stat().st_mode
    write_whole(page, new)
    os.chmod(page, mode & 0o777)
    return True


def annotated(text: str, note: str) -> str:
    """A page with a note on top, in the place of the one before."""
    start = BODY.search(text)
    if start is None:
        return text
    rest = text[start.end() :]
    old = OLD_NOTE.match(rest)
    if old:
        rest = rest[old.end() :]
    return f"{text[: start.end()]}\n{NOTE.format(text=html.escape(note))}{rest}"
