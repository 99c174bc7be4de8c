"""The pictures of docs/screens, made anew: `python scripts/screens.py [COURSE]`, after `make demo`.

check.png        what a check cell of the notebook shows a student whose loop counts the rank
feedback.png     that student's feedback page
class.png        the class page
formgrader.png   nbgrader's page of the same class, from a Jupyter server of its own

Chromium takes them through Playwright; 128 colours keep each under 150 kB.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from autograder.assignment import Assignment, find_assignment
from autograder.authoring.handout import function_source
from autograder.course import Course

ROOT = Path(__file__).parent.parent
SCREENS = ROOT / "docs" / "screens"
SLUG, STUDENT, FUNCTION = "sgd_factorisation", "published-loop", "sgd_factorise"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOST_BYTES = 150_000
PATIENCE = 60.0  # seconds until a Jupyter server answers


def main(root: Path) -> None:
    """Take every picture; says how large each is."""
    assignment = find_assignment(Course(root), SLUG)
    browser_file = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_file is None:
        sys.exit("no Chromium here: scripts/install-chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        for name, data in pictures(browser, assignment):
            file = SCREENS / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(small(data))
            size = file.stat().st_size
            print(f"{file.relative_to(ROOT)}: {size:,} bytes")
            if size > MOST_BYTES:
                sys.exit(f"{file} is over {MOST_BYTES:,} bytes")
        browser.close()


def pictures(browser: Browser, assignment: Assignment) -> Iterator[tuple[str, bytes]]:
    """Each picture's name and PNG."""
    course = assignment.course
    yield "check", check_cell(browser, assignment)
    feedback = course.feedback / STUDENT / SLUG / f"{SLUG}.html"
    yield "feedback", top(opened(browser, feedback.as_uri(), 1100), 900)
    yield "class", top(opened(browser, (course.report / f"{SLUG}.html").as_uri(), 1100), 900)
    with jupyter(course) as address:
        page = opened(browser, f"{address}/formgrader/gradebook/{SLUG}/{SLUG}", 1100)
        page.wait_for_selector("tbody tr td a")
        yield "formgrader", top(page, 620)


def opened(browser: Browser, address: str, width: int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    return page


def top(page: Page, height: int) -> bytes:
    """A page's beginning."""
    width = page.viewport_size["width"] if page.viewport_size else 1100
    page.set_viewport_size({"width": width, "height": height})
    return page.screenshot()


def small(png: bytes) -> bytes:
    """The same picture in 128 colours."""
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(colors=128, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def check_cell(browser: Browser, assignment: Assignment) -> bytes:
    """A check cell as a notebook shows it, run in a copy of the released folder."""
    mine = (ROOT / "examples" / SLUG / f"{STUDENT}.py").read_text(encoding="utf-8")
    notebook = nbformat.read(assignment.notebook, as_version=4)
    kept = []
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name == FUNCTION:
            cell.source = function_source(mine, FUNCTION)
        if name in (FUNCTION, f"check_{FUNCTION}") or "setup" in cell.metadata.get("tags", []):
            kept.append(cell)
    notebook.cells = kept
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / SLUG
        shutil.copytree(assignment.released, place)
        client = NotebookClient(
            notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(place)}}
        )
        client.execute()
        notebook.cells = notebook.cells[-2:]
        html, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
        file = Path(folder) / "check.html"
        file.write_text(html, encoding="utf-8")
        return top(opened(browser, file.as_uri(), 1000), 760)


@contextmanager
def jupyter(course: Course) -> Iterator[str]:
    """A Jupyter server on the course's folder, without a token, for this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "server", f"--ServerApp.root_dir={course.root}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--no-browser"]
    command += ["--IdentityProvider.token=", "--allow-root"]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    server = subprocess.Popen(
        command,
        cwd=course.root,
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api")
        yield address
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str) -> None:
    """Return when somebody answers there."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "demo")
