"""What the pages cost: `python -m benchmarks.pages [STUDENTS]`. Figures go to results/pages.json.

A class of 1,000 is made of results that differ as a real class's do: every student fails other
checks, with messages of their own, a curve a function, and some are late or missing. Chromium opens
its page and sorts it; what is told is the middle of five, in wall seconds of that one browser.
Feedback is written for one student again and again; what is told is processor time a page.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course, write_whole
from autograder.gradebook.marks import CHECK_PREFIX, RESULT, Mark, Marks
from autograder.grading.checks import declared_checks
from autograder.pages.class_page import class_page
from autograder.pages.feedback import feedback_page
from autograder.pages.gathering import Classroom, Student
from autograder.results import Check, Curve, Diagnosis, Result

ROOT = Path(__file__).parent.parent
FILE = ROOT / "benchmarks" / "results" / "pages.json"
SLUG = "sgd_factorisation"
OPENINGS = 5
FEEDBACKS = 200
CODE = "def {name}(A, rank, num_epochs=1000, lr=0.01):\n" + "    x = A @ A.T  # a line\n" * 25
ANSWER = r"Both find $\min_{U,V} \|A - U V^T\|_F^2 = \sum_{i > r} \sigma_i^2$, **nearly**." + "\n\n"


def main(count: int = 1000) -> None:
    """Measure, print, and keep the figures."""
    assignment = find_assignment(Course(ROOT), SLUG)
    classroom = made_class(assignment, count)
    start = time.process_time()
    text = class_page(classroom)
    figures = {"students": count, "class_page_cpu_seconds": round(time.process_time() - start, 2)}
    figures["class_page_bytes"] = len(text.encode())
    figures |= browsed(text)
    figures |= feedback(assignment, classroom)
    write_whole(FILE, json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def made_class(assignment: Assignment, count: int) -> Classroom:
    """A class whose students are all different."""
    chance = random.Random(7)
    declared = declared_checks(assignment)
    students = []
    for number in range(count):
        name, skill = f"student{number:04}", chance.random()
        checks = []
        for one in declared:
            passed = chance.random() < skill
            told = (
                f"{one.function} returned {chance.random():.4g}; expected {chance.random():.4g}, "
            )
            losses = [chance.random() * 0.9**step for step in range(40)]
            curve = Curve(one.name, 1000, tuple(losses), tuple(losses), 0.01)
            checks.append(
                Check(
                    name=one.name,
                    function=one.function or "",
                    points=one.points or 0.0,
                    outcome="passed" if passed else "failed",
                    visibility=one.visibility,
                    message="" if passed else told * 2,
                    seconds=0.1,
                    title=one.sentence,
                    hint=one.hint or "",
                    curve=curve if "many" in one.name else None,
                )
            )
        known = chance.choice(assignment.mistakes)
        diagnosis = (Diagnosis(declared[0].function or "", known.name, known.title, known.hint),)
        result = Result(
            assignment=assignment.slug,
            submission="",
            student=name,
            status="graded",
            max_score=assignment.max_score,
            tests=tuple(checks),
            diagnosis=diagnosis if skill < 0.5 else (),
            seconds=round(chance.random(), 3),
        )
        students.append(Student(name, "", Path(name), result, marks_of(result, assignment, chance)))
    return Classroom(assignment, tuple(students))


def marks_of(result: Result, assignment: Assignment, chance: random.Random) -> Marks:
    """What a gradebook says of a result."""
    cells = {}
    for name, most in assignment.functions.items():
        earned = result.earned(name)
        cells[CHECK_PREFIX + name] = Mark(CHECK_PREFIX + name, earned, most, earned, False, False)
    for name, most in assignment.written.items():
        cells[name] = Mark(name, 1.0, most, None, True, False, "Well put.")
    due = datetime(2026, 3, 1)
    when = due + timedelta(hours=chance.randint(-90, 10))
    return Marks(result.student or "", "", cells, 0.0, when, due)


def browsed(text: str) -> dict[str, float]:
    """Seconds until Chromium has opened a page and run its script, and until a click has sorted its
    table and the browser has laid it out anew.
    """
    browser_file = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    opened, sorts = [], []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "class.html"
        file.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        for _ in range(OPENINGS):
            page = browser.new_page()
            start = time.monotonic()
            page.goto(file.as_uri())
            page.evaluate("document.body.offsetHeight")
            opened.append(time.monotonic() - start)
            for column in (0, 1, 2):
                button = page.locator("#class thead button").nth(column)
                start = time.monotonic()
                button.evaluate("one => { one.click(); return document.body.offsetHeight; }")
                sorts.append(time.monotonic() - start)
            page.close()
        browser.close()
    return {
        "opened_seconds": round(statistics.median(opened), 2),
        "opened_seconds_longest": round(max(opened), 2),
        "sorted_seconds": round(statistics.median(sorts), 2),
        "sorted_seconds_longest": round(max(sorts), 2),
    }


def feedback(assignment: Assignment, classroom: Classroom) -> dict[str, float]:
    """Processor time and size of a feedback page, of a notebook as autograde leaves it."""
    costs, sizes = [], []
    for student in classroom.students[:FEEDBACKS]:
        if student.result is None:
            continue
        notebook = json.dumps(notebook_of(assignment, student.result))
        start = time.process_time()
        text = feedback_page(assignment, student.id, json.loads(notebook), student.marks)
        costs.append(time.process_time() - start)
        sizes.append(len(text.encode()))
    return {
        "feedback_cpu_seconds": round(statistics.median(costs[1:]), 4),
        "feedback_cpu_seconds_first": round(costs[0], 4),
        "feedback_bytes_largest": max(sizes),
    }


def notebook_of(assignment: Assignment, result: Result) -> dict:
    """An autograded notebook with 25 lines of code a function and a long written answer."""
    cells = []
    for name in assignment.functions:
        metadata = {"nbgrader": {"grade_id": name}}
        source = CODE.format(name=name)
        cells.append({"cell_type": "code", "metadata": metadata, "source": source})
    for name in assignment.written:
        metadata = {"nbgrader": {"grade_id": name}}
        cells.append({"cell_type": "markdown", "metadata": metadata, "source": ANSWER * 8})
    return {"metadata": {RESULT: result.to_json()}, "cells": cells}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
