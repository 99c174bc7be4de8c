"""The main job on real input: release the course, collect the example class, grade it, enter it in
nbgrader's gradebook.

examples/<assignment>/<student>.py               handed in as a module
examples/<assignment>/<student>.notebook.py      handed in as a notebook: its functions stand in the released notebook's
                                                 answer cells; parts that begin with a line `# cell`
                                                 become cells of their own
course/submitted/<student>/<assignment>/         where they are laid, as nbgrader collects them
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from autograder import gradebook, report
from autograder.assignment import Assignment, find_assignments
from autograder.authoring.handout import function_source
from autograder.authoring.release import release
from autograder.cli import CORES, Lines, grade_paths
from autograder.cli import main as run
from autograder.course import write_whole

EXAMPLES = Path(__file__).parent
NOTEBOOK = ".notebook.py"


def lay_class(course: Path, assignment: Assignment) -> int:
    """Lay the example submissions of an assignment where nbgrader collects them; gives how many
    there are.
    """
    files = sorted((EXAMPLES / assignment.slug).glob("*.py"))
    for file in files:
        student = file.name.removesuffix(NOTEBOOK).removesuffix(".py")
        folder = course / "course" / "submitted" / student / assignment.slug
        text = file.read_text(encoding="utf-8")
        if file.name.endswith(NOTEBOOK):
            write_whole(
                folder / f"{assignment.slug}.ipynb",
                nbformat.writes(as_notebook(assignment, text)) + "\n",
            )
        else:
            write_whole(folder / f"{assignment.slug}.py", text)
    return len(files)


def as_notebook(assignment: Assignment, text: str) -> nbformat.NotebookNode:
    """The released notebook as a student would hand it in with `text` as the answers."""
    notebook = nbformat.read(assignment.released / f"{assignment.slug}.ipynb", as_version=4)
    parts = [part.strip() for part in text.split("# cell\n") if part.strip()]
    if len(parts) > 1:
        notebook.cells += [
            nbformat.v4.new_code_cell(part, id=f"mine-{place}") for place, part in enumerate(parts)
        ]
        return notebook
    for cell in notebook.cells:
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("solution") and cell.cell_type == "code" and text.strip():
            cell.source = function_source(text, settings["grade_id"]) or cell.source
        elif settings.get("solution") and cell.cell_type == "markdown" and text.strip():
            cell.source = "Both look for the rank-2 matrix that is nearest to A."
    return notebook


def main() -> None:
    """Run the demo."""
    course = find_course(EXAMPLES)
    console = report.console()
    assignments = [
        assignment
        for assignment in find_assignments(course)
        if (EXAMPLES / assignment.slug).is_dir()
    ]
    console.print("releasing the assignments", style="bold")
    release(course, find_assignments(course))
    for assignment in assignments:
        count = lay_class(course, assignment)
        console.print(f"grading {count} submissions of {assignment.slug}", style="bold")
        results, _ = grade_paths(
            course, assignment, [], CORES, sandbox=True, again=True, lines=Lines(None)
        )
        report.print_table(console, assignment, results)
        if any(result.status == "grader_error" for result in results):
            sys.exit(1)
        gradebook.wrap_modules(course, assignment)
        with console.status("entering the points into nbgrader's gradebook, writing feedback"):
            gradebook.enter(course, assignment)
            gradebook.feedback(course, assignment)
    console.print(f"gradebook  {course / 'course' / 'gradebook.db'}", soft_wrap=True)
    console.print(
        f"feedback   {course / 'course' / 'feedback'}/<student>/<assignment>/<assignment>.html",
        soft_wrap=True,
    )
    console.print("formgrader make formgrader", soft_wrap=True)


if __name__ == "__main__":
    run(main)
