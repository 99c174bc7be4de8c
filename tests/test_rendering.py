"""What a student wrote, as others see it: inert, bounded in text and time, pictures kept."""

from __future__ import annotations

import base64
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import warm
from tiny_course import SLUG

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.gradebook import commands
from autograder.gradebook.answers import (
    CUT,
    MAX_MARKDOWN,
    MAX_PICTURES,
    Pictures,
    inert_markdown,
    picture_in,
    plain,
    shown,
    tidy,
)
from autograder.gradebook.rebuild import rebuild
from autograder.gradebook.rendering import Text, kept, render, renderable
from autograder.pages.feedback import Cell, code_of
from autograder.sandbox.process import Sandbox

SCHEMES = ("http:", "https:", "mailto:", "#")
ADDRESSES = ("href", "src", "action", "formaction", "data", "poster", "background", "srcset")
LOADING = {"script", "iframe", "object", "embed", "link", "style", "form", "base", "meta", "svg"}


class Page(HTMLParser):
    """What a browser finds alive in some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []
        self.pictures: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in LOADING:
            self.alive.append(tag)
        for name, value in attributes:
            address = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or (name == "style" and "url(" in address):
                self.alive.append(f"{tag} {name}={value}")
            if name not in ADDRESSES:
                continue
            if tag == "img" and re.match(r"data:image/(png|jpeg);base64,", address):
                self.pictures.append(value or "")
            elif tag == "a" and address.startswith(SCHEMES):
                self.links.append(value or "")
            else:
                self.alive.append(f"{tag} {name}={(value or '')[:60]}")


JS = "javascript:alert(1)"
LINKS = {
    "inline": f"[here]({JS})",
    "upper case": "[here](JaVaScRiPt:alert(1))",
    "angles": f"[here](<{JS}>)",
    "angles and a space": f"[here](< {JS}>)",
    "space": f"[here]( {JS})",
    "line": f"[here](\n{JS})",
    "title": f'[here]({JS} "title")',
    "data": "[here](data:text/html;base64,PHNjcmlwdD4=)",
    "vbscript": "[here](vbscript:x)",
    "file": "[here](file:///etc/passwd)",
    "relative": "[here](../../api/delete)",
    "no scheme": "[here](//evil.example/x)",
    "decimal": "[here](java&#115;cript:alert(1))",
    "hexadecimal": "[here](&#x6a;avascript:alert(1))",
    "hexadecimal, no semicolon": "[here](&#x6aavascript:alert(1))",
    "named colon": "[here](javascript&colon;alert(1))",
    "named tab": "[here](java&Tab;script:alert(1))",
    "named line": "[here](&NewLine;javascript:alert(1))",
    "escaped": "[here](javascript\\:alert(1))",
    "escaped letter": "[here](\\javascript:alert(1))",
    "control": "[here](\x01javascript:alert(1))",
    "reference": f"[here][1]\n\n[1]: {JS}",
    "short reference": f"[here]\n\n[here]: <{JS}>",
    "reference on two lines": f"[here][1]\n\n[1]:\n  {JS}",
    "reference in a quotation": f"> [here][1]\n>\n> [1]: {JS}",
    "entity in a reference": "[here][1]\n\n[1]: java&#115;cript:alert(1)",
    "autolink": f"<{JS}>",
    "autolink data": "<data:text/html,x>",
    "raw": f"<a href='{JS}'>x</a>",
    "raw over lines": f"<a\nhref='{JS}'>x</a>",
    "in code and not": f"`a` [x]({JS}) `` ` [y]({JS})",
    "in mathematics and not": f"$a [x]({JS})$ $ [y]({JS})",
    "in a table": f"| a |\n|---|\n| [x]({JS}) |",
    "in a heading": f"# [x]({JS})",
    "in a list": f"- [x]({JS})\n- [ ] [y]({JS})",
    "in brackets": f"[[x]({JS})]({JS})",
    "picture in a link": f"[![x](https://e.example/x.png)]({JS})",
    "code in the text": f"[`x`]({JS})",
    "fence that is none": f"``` `\n[x]({JS})",
    "quoted attribute": '[x](https://e.example/"onclick="alert(1))',
    "title with quotes": "[x](https://e.example '\"onclick=\"alert(1)')",
}
REMOTE = {
    "picture": "![x](https://evil.example/x.png)",
    "picture by reference": "![x][1]\n\n[1]: https://evil.example/x.png",
    "short": "![x]\n\n[x]: https://evil.example/x.png",
    "attachment that is not there": "![x](attachment:x.png)",
    "relative picture": "![x](../secret.png)",
    "data": "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "html picture": "<img src=https://evil.example/x.png>",
    "html picture, no space": "<img/src=https://evil.example/x.png>",
    "svg": "<svg/onload=alert(1)>",
    "style": "<style>@import 'https://evil.example';</style>",
    "mermaid": '```mermaid\ngraph TD\nclick A "javascript:alert(1)"\n```',
    "frame": "<iframe src=https://evil.example></iframe>",
    "comment": "<!-- --><script>alert(1)</script>",
    "declaration": "<?php ?><!DOCTYPE x><script>alert(1)</script>",
    "half a tag": "<script",
}
WRITTEN = LINKS | REMOTE
GOOD = "[web](https://pytorch.org/docs?a=1&b=2#x) [mail](mailto:a@b.example) [below](#part)"


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_nothing_that_is_written_is_alive(text: str) -> None:
    words, attachments = shown(text, None, Pictures())
    page = Page(render(Text("markdown", words, attachments)))
    assert page.alive == []
    assert page.pictures == []
    assert 'mermaid"' not in render(Text("markdown", words))


@pytest.mark.parametrize(
    "begins",
    ["", "- ```", "1. ~~~", "> * ````", "  + ~~~~ ", "10) ```\t", "~~~```", "`~~~", "```~~~ "],
)
def test_no_diagram_is_drawn_wherever_it_begins(begins: str) -> None:
    text = f"{begins or '```'}mermaid\ngraph TD\n```"
    assert not re.search(r"[`~]\s*mermaid", inert_markdown(text))


def test_links_to_the_web_and_to_mail_stay() -> None:
    page = Page(render(Text("markdown", inert_markdown(GOOD))))
    assert page.alive == []
    assert len(page.links) == 3


@pytest.mark.parametrize("command", ["href", "style", "class", "cssId", "bbox", "require", "url"])
def test_mathematics_makes_no_link_and_no_style(command: str) -> None:
    for text in (f"$\\{command}{{javascript:x}}{{y}}$", f"&#36;\\\\{command}{{x}}{{y}}&#36;"):
        rendered = render(Text("markdown", inert_markdown(text)))
        assert f"\\{command}" not in rendered
    assert inert_markdown("$\\styled \\urlx \\class_x$").count("\\ ") == 1


LESS = "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"


def test_mathematics_keeps_its_inequalities() -> None:
    kept = "3 < 4 and $a < 2$, x <= y, $A_{ij} \\leq 1$, $a & b \\\\ c & d$, a -> b, f[0] &lt; 1"
    assert inert_markdown(kept) == kept
    assert inert_markdown("$a<b$ and `x<y`") == "$a< b$ and `x< y`"
    assert LESS in render(Text("markdown", inert_markdown("$a<b$")))


# --- bounds ---------------------------------------------------------------------------------------

BOMBS = {
    "blank lines": "\n" * 60_000,
    "blank lines with spaces": " \n\t\n" * 15_000,
    "blank lines of another kind": "\u00a0\n\x0b\n\x0c\n\u2028" * 10_000,
    "environments": "\\begin{a}" * 7_000,
    "environments by name": "".join(f"\\begin{{{'a' * (n % 50)}}}" for n in range(3_000)),
    "dollars": "$" * 60_001,
    "dollars apart": "$ a" * 20_001,
    "display": "$$ a " * 12_001,
    "brackets": "[" * 60_000,
    "brackets closed": "[" * 30_000 + "]" * 30_000,
    "links": "[a](" * 15_000,
    "emphasis": "*a_" * 20_000,
    "stars": "*" * 60_000,
    "ticks": "".join("`" * (n % 100) + " " for n in range(1_200)),
    "quotations": ">" * 60_000,
    "lists": "".join("  " * n + "- a\n" for n in range(240)),
    "numbers": "1. " * 20_000,
    "tables": "|" * 60_000 + "\n" + "|-" * 30_000 + "\n",
    "spaces": "a" + " " * 60_000 + "b",
    "definitions": "a\n: b\n" * 10_000,
    "references": "[a]: b\n" * 8_000,
    "headings": "#" * 60_000,
    "rules": "- " * 30_000,
    "addresses": "https://" * 7_500,
    "angles": "<" * 60_000,
    "entities": "&" * 60_000,
    "backslashes": "\\" * 60_000,
    "tildes": "~~a" * 20_000,
    "one long word": "a" * 60_000,
    "code": "x = (" * 12_000,
    "strings": "f'{" * 20_000,
    "triple quotes": '"""' * 20_001,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_no_text_takes_a_page_longer_than_it_may(text: str) -> None:
    """As a written answer and as code: what is shown in the end renders in time."""
    words, _ = shown(text, None, Pictures())
    assert len(words) <= MAX_MARKDOWN + 100
    cells = [Text("markdown", words), Text("code", tidy(text, MAX_MARKDOWN))]
    start = time.process_time()
    for cell, good in zip(cells, renderable(cells, cpu_seconds=1), strict=True):
        render(cell if good else Text(cell.kind, plain(cell.source)))
    assert time.process_time() - start < 5


RUNS = [*"`~<&]![(:\\ \t\n#a", "]:", "]: ", "]:\n", "&#", "&a", "\\href", "![](", "![](attachment:"]


@pytest.mark.parametrize("after", ["", "x", " x", "\n", ")"])
@pytest.mark.parametrize("begins", ["", "]:", "```", "![](data:image/png;base64,", "&"])
def test_a_run_of_anything_is_made_safe_in_a_moment(begins: str, after: str) -> None:
    for run in RUNS:
        text = (begins + run * 100_000)[:100_000] + after
        start = time.process_time()
        shown(text, None, Pictures())
        assert time.process_time() - start < 0.5, repr((begins, run, after))


def test_the_parts_between_pictures_are_bounded_together() -> None:
    text = "![](attachment:x)".join(["<a" * 10_000] * 200)
    start = time.process_time()
    words, _ = shown(text, None, Pictures())
    assert time.process_time() - start < 0.5
    assert words.endswith(CUT)


def test_what_takes_too_long_or_fails_is_told_from_what_does_not() -> None:
    slow = Text("code", "a" + " \n" * 20_000 + "b")
    broken = Text("markdown", "![x](attachment:nothing.png)")
    texts = [Text("markdown", "*a*"), slow, Text("code", "x = 1"), broken, Text("markdown", "b")]
    assert renderable(texts, cpu_seconds=1) == [True, False, True, False, True]
    assert renderable([]) == []


def test_one_fork_renders_page_after_page_and_another_where_it_has_ended() -> None:
    page = [Text("markdown", "*a*"), Text("code", "x = 1")]
    assert renderable(page) == [True, True]
    first = kept.ready().pid
    assert renderable(page, cpu_seconds=1) == [True, True]
    assert kept.ready().pid == first
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert renderable(page) == [True, True], "that it has ended is no matter of the page"
    assert kept.ready().pid != first


def test_the_fork_of_a_process_stays_whatever_other_threads_it_has() -> None:
    page = [Text("markdown", "*a*")]
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert renderable(page) == [True]
        first = kept.ready().pid
        assert renderable(page) == [True]
        assert kept.ready().pid == first
    finally:
        over.set()
        thread.join()


def test_a_page_has_its_time_whatever_the_pages_before_it_took() -> None:
    words = "*a* `b` [c](d) " * 300
    took, pages = 0.0, 0
    while took < 1.0:
        start = time.process_time()
        render(Text("markdown", words))
        took, pages = took + time.process_time() - start, pages + 1
    assert all(
        renderable([Text("markdown", words)], cpu_seconds=0.9) == [True] for _ in range(pages)
    )


def test_forks_and_threads_have_what_renders_of_their_own() -> None:
    page = [Text("markdown", "*a*"), Text("code", "x = 1")]
    assert renderable(page) == [True, True]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(renderable, [page] * 8)) == [[True, True]] * 8
    with multiprocessing.get_context("fork").Pool(2) as processes:
        assert processes.map(renderable, [page] * 4) == [[True, True]] * 4
    assert renderable(page) == [True, True]


@pytest.mark.parametrize("mark", "\u202e\u2066\u200b\u061c\x00\x1b", ids=ascii)
def test_what_a_marker_reads_stands_where_it_seems_to(mark: str) -> None:
    """No direction is turned and nothing hides in a word; and nothing comes alive by that."""
    assert tidy(f"a = 1  # {mark}b", 100) == "a = 1  # b"
    words, _ = shown(f"a {mark}b <{mark}script> ]{mark}(javascript:x)", None, Pictures())
    assert words == "a b < script> ] (javascript:x)"


def test_an_ordinary_answer_is_left_as_it_is() -> None:
    text = (
        "# Why\n\n- *one* and **two**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\\begin{aligned} "
        "a &= b \\\\ c &= d \\end{aligned}$$"
    )
    assert shown(text, None, Pictures()) == (text, {})
    assert renderable([Text("markdown", text)]) == [True]


# --- pictures -------------------------------------------------------------------------------------


def drawn(kind: str, size: tuple[int, int] = (8, 6)) -> str:
    """A real picture, base64."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_is_known_by_its_bytes(kind: str) -> None:
    picture = picture_in(drawn(kind))
    assert picture is not None
    assert picture.kind == f"image/{kind}"


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        "no base64!",
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n<script>").decode(),
        base64.b64encode(b"\xff\xd8\xff\xe0").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 40).decode(),
        base64.b64encode(b"GIF89a" + b"\0" * 40).decode(),
        "A" * (17 << 20),
    ],
)
def test_what_is_no_picture_is_none(data: Any) -> None:
    assert picture_in(data) is None


def test_pictures_of_an_answer_stay_and_everything_else_goes() -> None:
    good, forged = drawn("png"), base64.b64encode(b"<svg onload=alert(1)>").decode()
    attachments = {
        "image.png": {"image/png": good},
        "a b.jpg": {"image/svg+xml": drawn("jpeg")},
        "x.png": {"image/png": forged},
        "y.png": 7,
    }
    names = ("image.png", "a%20b.jpg", "x.png", "y.png", "z.png")
    text = "".join(f"see ![it {name}](attachment:{name}) there\n" for name in names)
    text += f"![pasted](data:image/png;base64,{good})"
    words, kept = shown(text, attachments, Pictures())
    assert [next(iter(bundle)) for bundle in kept.values()] == [
        "image/png",
        "image/jpeg",
        "image/png",
    ]
    page = Page(render(Text("markdown", words, kept)))
    assert len(page.pictures) == 3
    assert page.alive == []


def test_a_page_has_so_many_pictures_and_no_more() -> None:
    text = f"![a](data:image/png;base64,{drawn('png')})\n" * (MAX_PICTURES + 5)
    assert len(shown(text, None, Pictures())[1]) == MAX_PICTURES


# --- the real pages -------------------------------------------------------------------------------

SOLUTION = "import torch\n\n\ndef halve(x, factor=0.5):\n    return x * factor\n"


@pytest.fixture(scope="module")
def course(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    root = Path(shutil.copytree(released, tmp_path_factory.mktemp("rendering") / "course"))
    return find_assignment(Course(root), SLUG)


def hand_in(assignment: Assignment, student: str, answer: str, attachments: Any, code: str) -> Path:
    made = json.loads((assignment.released / f"{SLUG}.ipynb").read_text(encoding="utf-8"))
    for cell in made["cells"]:
        settings = cell["metadata"].get("nbgrader", {})
        if settings.get("grade_id") == "halve":
            cell["source"] = code
        elif settings.get("solution") and cell["cell_type"] == "markdown":
            cell["source"] = answer
            cell["attachments"] = attachments
    made["cells"].append({"cell_type": "code", "metadata": {}, "source": code + "\n" * 60_000})
    path = assignment.course.submitted / student / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def test_a_rebuilt_notebook_is_one_and_keeps_its_pictures(course: Assignment) -> None:
    picture = {"image.png": {"image/png": drawn("png")}}
    path = hand_in(course, "rebuilt", "![i](attachment:image.png)", picture, SOLUTION)
    notebook = rebuild(course, path)
    nbformat.validate(notebook)
    (cell,) = [cell for cell in notebook.cells if cell.get("attachments")]
    assert list(cell.attachments) == ["picture-1.png"]
    shutil.rmtree(path.parent.parent)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["def halve(x): return x  # old", "OWN"], "own"),
        (["OWN", "def halve(x): return x  # new"], "new"),
        (["OWN", "def halve(x): return x  # new", "def halve(x): return x  # newer"], "newer"),
        (["def halve(x): return x  # old", "STUB", "x = 1"], "old"),
        (["def halve(x): return x  # old", "STUB", "def halve(x): return x  # new"], "new"),
        (["def halve(x): return x  # old", "# elsewhere"], "old"),
    ],
)
def test_the_code_on_a_page_is_the_one_that_is_graded(
    cells: list[str], shown: str, course: Assignment, tmp_path: Path
) -> None:
    """Python's: the last definition, wherever the answer cell stands."""
    made = json.loads((course.released / f"{SLUG}.ipynb").read_text(encoding="utf-8"))
    (own,) = [
        cell
        for cell in made["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "halve"
    ]
    place = made["cells"].index(own)
    before = {"OWN": "def halve(x): return x  # own", "STUB": own["source"]}
    laid = []
    for source in cells:
        answer = source in before or source == "# elsewhere"
        new = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
        laid.append((own if answer else new) | {"source": before.get(source, source)})
    made["cells"][place : place + 1] = laid
    file = tmp_path / f"{SLUG}.ipynb"
    file.write_text(json.dumps(made), encoding="utf-8")
    read = [Cell.of(cell) for cell in json.loads(json.dumps(rebuild(course, file)))["cells"]]
    assert code_of("halve", read).endswith(f"# {shown}")


@pytest.mark.slow
def test_the_feedback_of_a_class_is_whole_and_inert(course: Assignment, sandbox: Sandbox) -> None:
    """A linker, a page bomb, one with pictures, and one who forges a message."""
    picture = {"image.png": {"image/png": drawn("png")}, "gone.png": {"image/gif": "x"}}
    forged = "raise ValueError('$\\\\href{javascript:alert(1)}{x}$ <img src=x onerror=alert(1)>')"
    hand_in(course, "linker", "\n\n".join(WRITTEN.values()) + GOOD, {}, SOLUTION)
    hand_in(course, "bomber", "\n" * 60_000 + "\\begin{a}" * 9_000, {}, SOLUTION)
    pasted = "![i](attachment:image.png) ![g](attachment:gone.png) ![n](attachment:none.png)"
    hand_in(course, "pictures", pasted, picture, SOLUTION)
    hand_in(course, "forger", "an answer", {}, f"def halve(x):\n    {forged}\n")
    hand_in(course, "neighbour", "Plain words, $a<b$.", {}, SOLUTION)
    with warm(sandbox):
        commands.enter(course)
    start = time.process_time()
    commands.write_feedback(course)
    assert time.process_time() - start < 60
    clean = alive_in_template(course)
    for student in ("linker", "bomber", "pictures", "forger", "neighbour"):
        page = Page(feedback(course, student))
        assert [one for one in page.alive if one not in clean] == [], student
        assert len(page.pictures) == (1 if student == "pictures" else 0)
    assert "Plain words, <math" in feedback(course, "neighbour")
    assert "<script" not in feedback(course, "forger")


def feedback(assignment: Assignment, student: str) -> str:
    page = assignment.course.feedback / student / SLUG / f"{SLUG}.html"
    return page.read_text(encoding="utf-8")


def alive_in_template(assignment: Assignment) -> set[str]:
    """What nbgrader's own page has: scripts, styles and links of the template."""
    return set(Page(feedback(assignment, "neighbour")).alive)
