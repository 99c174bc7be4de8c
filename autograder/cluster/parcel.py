"""What another machine needs to grade by: the staff's side of one assignment, the secret, and what
must be the same there for the results to be the same bits.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, find_assignment
from autograder.course import SETTINGS, STAFF, STUDENTS, Course
from autograder.environment import environment
from autograder.errors import AutograderError
from autograder.grading.grader import Grader
from autograder.grading.place import file_of, replies_folder
from autograder.grading.submission import Submission, Unit


@dataclass(frozen=True)
class Parcel:
    """One assignment, packed. archive: a zip of the course's files; it holds the secret"""

    slug: str
    digest: str
    isolation: str
    versions: dict[str, str]
    archive: bytes


def pack(grader: Grader) -> Parcel:
    """Pack what a grader grades by."""
    assignment, data = grader.assignment, io.BytesIO()
    course = assignment.course
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(assignment.folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(
                    file, f"{STAFF}/{assignment.slug}/{file.relative_to(assignment.folder)}"
                )
        if assignment.notebook.is_file():
            name = assignment.notebook.relative_to(assignment.released)
            archive.write(assignment.notebook, f"{STUDENTS}/{assignment.slug}/{name}")
        if (course.root / SETTINGS).is_file():
            archive.write(course.root / SETTINGS, SETTINGS)
        for file in what_is_known(assignment):
            archive.write(file, Course(Path()).results / file.relative_to(course.results))
        archive.writestr("secret", grader.secret)
    packed = data.getvalue()
    return Parcel(
        assignment.slug, assignment.digest, grader.isolation, assignment.environment, packed
    )


def what_is_known(assignment: Assignment) -> list[Path]:
    """What diagnosis compares with, as far as it has been made: the table of small changes, which
    checks they fail, and what known programs have answered.
    """
    table = file_of(assignment)
    files = [
        table,
        *table.parent.glob("fails-*.json"),
        *replies_folder(assignment).glob("*.replies"),
    ]
    return sorted(file for file in files if file.is_file())


def unpack(parcel: Parcel, folder: Path) -> Grader:
    """A grader by a parcel, laid in a folder that nobody else can read; AutograderError where it
    would not be the same one.
    """
    os.chmod(folder, 0o700)
    here, there = environment(parcel.versions.keys() - {"Python"}), parcel.versions
    if other := [name for name in there if here[name] != there[name]]:
        what = f"this machine has {told(here, other)}, the one that asks {told(there, other)}"
        raise AutograderError(f"{what}. Results might differ: install the same.")
    with zipfile.ZipFile(io.BytesIO(parcel.archive)) as archive:
        archive.extractall(folder)
    assignment = find_assignment(Course(folder), parcel.slug)
    check_same(assignment, parcel)
    secret = (folder / "secret").read_text(encoding="utf-8")
    return Grader(assignment, secret, isolation=parcel.isolation)


def check_same(assignment: Assignment, parcel: Parcel) -> None:
    """AutograderError where an assignment is not the one that was packed."""
    if assignment.digest != parcel.digest:
        raise AutograderError(
            f"this machine has another version of the kit, for {parcel.slug}. Install the same one."
        )


def told(found: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {found[name]}" for name in names)


def as_bytes(submission: Submission) -> bytes:
    """A submission as JSON: bytes, and no object of anybody's."""
    return json.dumps(asdict(submission)).encode("ascii")


def from_bytes(data: bytes) -> Submission:
    """Back from `as_bytes`."""
    value: dict[str, Any] = json.loads(data)
    units = tuple(Unit(**unit) for unit in value["units"])
    return Submission(**value | {"units": units})
