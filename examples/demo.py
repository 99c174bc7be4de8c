"""The main job on real input, in a course of its own: release it, collect the example class, grade
it, enter it in nbgrader's gradebook, write the class page and the feedback.

examples/<assignment>/<student>.py              handed in as a module
examples/<assignment>/<student>.notebook.py     handed in as a notebook: its functions stand in the
                                                released notebook's answer cells; parts that begin
                                                with a line `# cell` become cells of their own
build/demo/                                     the course, which the next demo replaces
build/unfinished/demo/                          where it is made; a demo that failed lies there
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat

from autograder import report
from autograder.assignment import Assignment, find_assignments
from autograder.authoring.handout import function_source
from autograder.authoring.new import new_course
from autograder.authoring.release import release
from autograder.cli.ending import failed
from autograder.course import Course, write_whole
from autograder.errors import AutograderError, UsageError
from autograder.gradebook.commands import generate
from autograder.steps import fill_gradebook, grade_paths

EXAMPLES = Path(__file__).resolve().parent
BUILD = EXAMPLES.parent / "build"
MARKER = ".made-by-the-demo"  # the demo removes no folder without it
NOTEBOOK = ".notebook.py"
LOOK_AT = "published-loop"  # whose feedback page is worth a look: one mistake, told in words
KEPT = "The last demo, if there was one, is as it was."
WRITTEN = "Both look for the rank-2 matrix that is nearest to A."


def run(build: Path, examples: Path, lessons: str = "all") -> Course:
    """Make the demo's course with those lessons in `build`, whole, and only then put it in the
    place of the last one. A demo that fails leaves the last one as it was.
    """
    place, unfinished = build / "demo", build / "unfinished" / "demo"
    for folder in (place, unfinished):
        refuse_strange(folder)
    remove(unfinished)
    make(unfinished, examples, lessons)
    remove(place)
    unfinished.rename(place)
    unfinished.parent.rmdir()
    return Course(place)


def refuse_strange(folder: Path) -> None:
    """UsageError where something is at `folder` that no demo has made: a link is such a thing."""
    made = not folder.is_symlink() and (folder / MARKER).is_file()
    if os.path.lexists(folder) and not made:
        mend = "Move it away, or remove it yourself, and run the demo again."
        raise UsageError(f"{folder} was not made by a demo, and nothing in it was touched. {mend}")


def remove(folder: Path) -> None:
    """Remove what a demo has made, if it is there; its marker goes last."""
    refuse_strange(folder)
    if not folder.exists():
        return
    for path in folder.iterdir():
        if path.name != MARKER:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (folder / MARKER).unlink()
    folder.rmdir()


def make(folder: Path, examples: Path, lessons: str) -> None:
    """Lay a course and release it; for each assignment with examples, collect its class, grade it,
    fill the gradebook.
    """
    new_course(folder, lessons)
    write_whole(folder / MARKER, "The next demo removes this folder.\n")
    console = report.console()
    console.print("releasing the assignments", style="bold")
    assignments = find_assignments(Course(folder))
    release(assignments)
    for assignment in assignments:
        if not (examples / assignment.slug).is_dir():
            continue
        generate(assignment)
        count = collect(assignment, examples / assignment.slug)
        console.print(f"grading {count} submissions of {assignment.slug}", style="bold")
        results, _ = grade_paths(assignment, [assignment.course.submitted], 0)
        report.print_table(console, assignment, results)
        if any(result.status == "grader_error" for result in results):
            raise AutograderError(f"the grader failed on a submission: see {assignment.course.log}")
        fill_gradebook(assignment, results, feedback=True)


def collect(assignment: Assignment, examples: Path) -> int:
    """Lay the example submissions where nbgrader collects them; gives how many there are."""
    files = sorted(examples.glob("*.py"))
    for file in files:
        student = file.name.removesuffix(NOTEBOOK).removesuffix(".py")
        folder = assignment.course.submitted / student / assignment.slug
        text = file.read_text(encoding="utf-8")
        if file.name.endswith(NOTEBOOK):
            notebook = nbformat.writes(as_notebook(assignment, text)) + "\n"
            write_whole(folder / assignment.notebook.name, notebook)
        else:
            write_whole(folder / f"{assignment.slug}.py", text)
    return len(files)


def as_notebook(assignment: Assignment, text: str) -> nbformat.NotebookNode:
    """The released notebook as a student would hand it in with `text` as the answers."""
    notebook = nbformat.read(assignment.notebook, as_version=4)
    parts = [part.strip() for part in text.split("# cell\n") if part.strip()]
    if len(parts) > 1:
        for number, part in enumerate(parts):
            notebook.cells.append(nbformat.v4.new_code_cell(part, id=f"mine-{number}"))
        return notebook
    if not text.strip():  # the stubs as they are
        return notebook
    for cell in notebook.cells:
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("solution") and cell.cell_type == "code":
            cell.source = function_source(text, settings["grade_id"]) or cell.source
        elif settings.get("solution") and cell.cell_type == "markdown":
            cell.source = WRITTEN
    return notebook


def main() -> None:
    """Run the demo, and say where everything is."""
    try:
        course = run(BUILD, EXAMPLES)
    except (AutograderError, OSError) as error:
        raise failed(f"{error}\n{KEPT}", 1) from None
    except KeyboardInterrupt:
        raise failed(f"interrupted\n{KEPT}", 130) from None
    say_where(course)


def say_where(course: Course) -> None:
    """Name what the demo has made, and a feedback page that is worth a look."""
    pages = sorted(course.feedback.glob("*/*/*.html"))
    page = next((page for page in pages if LOOK_AT in page.parts), pages[0])
    names = {
        "gradebook": course.gradebook,
        "class page": next(course.report.glob("*.html")),
        "feedback": f"{page}, one of {len(pages)}",
        "formgrader": f"make formgrader AUTOGRADER_COURSE={place_in(course)}",
    }
    for name, place in names.items():
        report.console().print(f"{name:<10} {place}", soft_wrap=True)


def place_in(course: Course) -> Path:
    """The course's folder from where `make` runs, or in full where that is somewhere else."""
    here = Path.cwd()
    return course.root.relative_to(here) if course.root.is_relative_to(here) else course.root


if __name__ == "__main__":
    main()
