"""The lessons as pages and pictures, to be looked at: `python scripts/lesson-pages.py FOLDER`.

Every lesson's notebook is filled with the reference solutions, executed in a copy of its released
folder, written as HTML (<slug>.html), and photographed with Chromium where there is one
(<slug>.png, the page's beginning and its longest figures). Prints how long each notebook took.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from autograder.assignment import Assignment, find_assignments
from autograder.authoring.handout import source_notebook
from autograder.course import Course

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = "1000,9000"


def main(folder: Path) -> None:
    """Execute, write and photograph every lesson."""
    folder.mkdir(parents=True, exist_ok=True)
    for assignment in find_assignments(Course.find()):
        start = time.monotonic()
        page = execute(assignment, folder)
        print(f"{assignment.slug}: executed in {time.monotonic() - start:.1f} s", flush=True)
        photograph(page)


def execute(assignment: Assignment, folder: Path) -> Path:
    """The page of a lesson that was run from top to bottom, solutions in."""
    place = folder / assignment.slug
    shutil.copytree(assignment.released, place, dirs_exist_ok=True)
    notebook = source_notebook(assignment)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(place)}}).execute()
    nbformat.write(notebook, place / f"{assignment.slug}-executed.ipynb")
    html, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    page = folder / f"{assignment.slug}.html"
    page.write_text(html, encoding="utf-8")
    return page


def photograph(page: Path) -> None:
    """A picture of a page, beside it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium here: apt-get install chromium", file=sys.stderr)
        return
    picture = page.with_suffix(".png")
    words = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
    words += [f"--window-size={SIZE}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/lessons"))
