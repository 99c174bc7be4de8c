"""A class list into the gradebook: `autograder students import ROSTER.csv`.

The list is what a learning platform or a spreadsheet gives away: a table with a line of titles, its
columns divided by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows' own encoding. Either all
of it is entered or, where a line cannot be, none.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import UsageError
from autograder.gradebook.spreadsheets import is_formula

MAX_BYTES = 16 << 20
MAX_FIELD = 128  # characters, nbgrader's own bound
MAX_TOLD = 20  # faults that an error lists
TITLES = {  # without anything but letters, in lower case
    "id": (
        "id", "studentid", "username", "userid", "user", "login", "loginid", "sisloginid", "netid",
        "uid", "idnumber", "sisuserid", "matriculationnumber", "matrikelnummer", "benutzername",
    ),
    "first_name": ("firstname", "first", "givenname", "forename", "vorname"),
    "last_name": ("lastname", "last", "surname", "familyname", "nachname", "name", "student"),
    "email": ("email", "emailaddress", "mail", "emailadresse"),
}  # fmt: skip
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


@dataclass(frozen=True)
class Student:
    """One line of the list; "" for what it does not say."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


def read_roster(path: Path, column: str = "") -> list[Student]:
    """The students of a list; UsageError, naming the lines, where one cannot be read.

    column: the title of the column with nbgrader's names of students; "": a usual one
    """
    table = list(lines_of(path))
    if not table:
        raise UsageError(f"{path} is empty. {wanted()}")
    places = columns(path, table[0][1], column)
    students, faults = [], []
    lines: dict[str, int] = {}  # where each student stands
    for number, cells in table[1:]:
        if not any(cells):
            continue
        try:
            students.append(student_in(cells, places, len(table[0][1])))
        except ValueError as error:
            faults.append(f"line {number}: {error}")
            continue
        name = students[-1].id
        if lines.setdefault(name, number) != number:
            faults.append(f"line {number}: {name!r} stands in line {lines[name]} already")
    if faults:
        more = [f"and {len(faults) - MAX_TOLD} more"] if len(faults) > MAX_TOLD else []
        told = "\n".join(f"    {fault}" for fault in faults[:MAX_TOLD] + more)
        raise UsageError(f"{path} cannot be entered, and nothing of it was:\n{told}")
    if not students:
        raise UsageError(f"{path} has no student below its titles.")
    return students


def wanted() -> str:
    return "It is a table whose first line holds titles: id, first name, last name, email."


def lines_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table by the number of their last line in the file, their cells stripped."""
    text = text_of(path)
    sample = text.split("\n", 1)[0]
    divider = max(",;\t", key=sample.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        what = f"{path}, line {reader.line_num}: {error}"
        raise UsageError(f"{what}. Mend its quotation marks.") from None


def text_of(path: Path) -> str:
    """The text of a file, by its byte order mark, else as UTF-8, else as Windows writes."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}).") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES >> 20} MiB, and no class list.")
    known = [name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    for encoding in known or ["utf-8", "cp1252"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise UsageError(f"{path} is no text. Save it as CSV, UTF-8.")


def columns(path: Path, titles: list[str], column: str) -> dict[str, int]:
    """Where each field stands, by the titles; UsageError where no column holds the id."""
    plain = [re.sub(r"[^a-z]", "", title.casefold()) for title in titles]
    places: dict[str, int] = {}
    for name, known in TITLES.items():
        for title in known:
            if title in plain and name not in places:
                places[name] = plain.index(title)
    if column:
        if column not in titles:
            raise UsageError(f"{path} has no column {column!r}. It has: {', '.join(titles)}.")
        places["id"] = titles.index(column)
    if "id" not in places:
        mend = f"It has: {', '.join(titles)}. Name the column: --id COLUMN."
        raise UsageError(f"{path} has no column for the students' names in nbgrader. {mend}")
    return places


def student_in(cells: list[str], places: dict[str, int], count: int) -> Student:
    """One student; ValueError, which says what is wrong, where the line cannot be entered."""
    if len(cells) != count:
        raise ValueError(f"{len(cells)} columns, where the titles have {count}")
    found = {name: cells[place] for name, place in places.items()}
    for name in ("first_name", "last_name", "email"):
        if found.get(name) in ("-", "--", "–"):  # what platforms write for nothing
            found[name] = ""
    if not found.get("first_name") and ", " in found.get("last_name", ""):
        found["last_name"], found["first_name"] = found["last_name"].split(", ", 1)
    for name, value in found.items():
        if len(value) > MAX_FIELD:
            raise ValueError(f"{name} has more than {MAX_FIELD} characters")
        if not value.isprintable():
            raise ValueError(f"{name} {value!r} holds control characters")
        if set(value) & set("<>"):
            raise ValueError(f"{name} {value!r} holds < or >, which formgrader takes for HTML")
        if is_formula(value):
            raise ValueError(f"{name} {value!r} begins as a spreadsheet's formula does")
    identifier = found["id"]
    if not identifier:
        raise ValueError("no id")
    if identifier.startswith(".") or set(identifier) & set("/\\+*?[],"):
        raise ValueError(f"id {identifier!r} cannot be the name of a folder of nbgrader's")
    if found.get("email") and not ADDRESS.fullmatch(found["email"]):
        raise ValueError(f"email {found['email']!r} is no address")
    return Student(**found)


@dataclass(frozen=True)
class Entered:
    """How many students are new, changed and as they were; who is in the gradebook alone."""

    new: int
    changed: int
    same: int
    others: list[str]


def enter_roster(course: Course, students: list[Student]) -> Entered:
    """Enter students into the gradebook, in one piece. What a list does not say stays; nobody is
    removed.
    """
    from nbgrader.api import Gradebook
    from nbgrader.api import Student as Row

    from autograder.gradebook.commands import alembic_on_path
    from autograder.gradebook.marks import database

    new = changed = 0
    with alembic_on_path(), Gradebook(database(course), course.settings.course_id) as book:
        known: list[Any] = book.students
        rows = {row.id: row for row in known}
        for student in students:
            if (row := rows.get(student.id)) is None:
                book.db.add(
                    Row(**{item.name: getattr(student, item.name) for item in fields(student)})
                )
                new += 1
            elif _update(row, student):
                changed += 1
        book.db.commit()
    others = sorted(rows.keys() - {student.id for student in students})
    return Entered(new, changed, len(students) - new - changed, others)


def in_one_form(name: str) -> str:
    """A name without what two ways of writing it may differ in: its case, and whether a letter and
    its accent are one character or two. What other letters may stand for stays: ß is not ss.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def doubts(names: Mapping[str, str], students: Iterable[str]) -> list[str]:
    """What is told of those who handed in: two names that may be one person's, and who is in no
    class list.

    names: of all in the gradebook, as `marks.Roster` has them: those that a list has named have one
    """
    handed_in = set(students)
    alike: dict[str, set[str]] = {}
    for name in names.keys() | handed_in:
        alike.setdefault(in_one_form(name), set()).add(name)
    told, twins = [], set()
    for group in sorted(map(sorted, alike.values())):
        if len(group) > 1 and handed_in & set(group) and not all(map(names.get, group)):
            twins.update(group)
            what = "differ in case or Unicode form alone, and are two students"
            mend = "If they are one, rename the folder of what was handed in as the class list has"
            said = f"{mend} it, and take the other's points out: autograder students reset"
            told.append(f"{' and '.join(map(ascii, group))} {what}. {said}")
    unknown = sorted(handed_in - names.keys() - twins)
    if unknown and any(names.values()):
        told.append(f"not in the class list, and entered all the same: {', '.join(unknown)}")
    return told


def _update(row: Any, student: Student) -> bool:
    """Give a student of the gradebook what the list says; says whether that was news."""
    said = {item.name: getattr(student, item.name) for item in fields(student)}
    news = {name: value for name, value in said.items() if value and getattr(row, name) != value}
    for name, value in news.items():
        setattr(row, name, value)
    return bool(news)
