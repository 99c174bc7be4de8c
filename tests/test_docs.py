"""The documentation names nothing that is not there, and leaves out no command, target or key that
is.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import typer
from conftest import ROOT
from test_house import ROOMS

from autograder.cli import app
from autograder.results import Check, Diagnosis, Result

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])
INSTRUCTOR = ROOT / "docs" / "instructor-guide.md"
MAKEFILE = ROOT / "Makefile"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE.read_text(encoding="utf-8"), flags=re.MULTILINE))

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code_in(page: Path) -> list[str]:
    """The pieces of a page that are code: lines of its blocks, and what stands between backticks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n(.*?)^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = [line.strip() for line in rest.splitlines() if line.startswith("    ")]
    return (
        [line for block in blocks for line in block.splitlines()]
        + indented
        + re.findall(r"`([^`\n]+)`", rest)
    )


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@each_page
def test_every_command_named_is_one(page: Path) -> None:
    for code in code_in(page):
        for name in re.findall(r"(?:^|[ /])autograder ([a-z][a-z_-]*)(?= |$)", code):
            assert name in COMMANDS, f"{page.name} names `autograder {name}`: {code}"


@each_page
def test_every_option_named_is_one(page: Path) -> None:
    for code in code_in(page):
        for name, rest in re.findall(r"(?:^|[ /])autograder ([a-z]+)((?: [^`]*)?)$", code):
            options = {
                flag
                for command in (COMMANDS[name], *getattr(COMMANDS[name], "commands", {}).values())
                for option in command.params
                for flag in (*option.opts, *option.secondary_opts)
            }
            for flag in re.findall(r"(?<= )--[a-z-]+", rest):
                assert flag in options, (
                    f"{page.name} names {flag}, which `autograder {name}` does not have: {code}"
                )


@each_page
def test_every_make_target_named_is_one(page: Path) -> None:
    for code in code_in(page):
        for name in re.findall(r"^make ([a-z]+)", code):
            assert name in TARGETS, f"{page.name} names `make {name}`"


@each_page
def test_a_line_that_is_copied_runs_what_it_says_and_nothing_beside_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in re.findall(
        r"^    (?=[\w./]*(?:pip|make|autograder|nbgrader|pytest) )(.*)", text, re.M
    ):
        command, gap, words = re.match(r"(.*?)(?:(   +)(.*))?$", line).groups()  # type: ignore[union-attr]
        assert not gap or words.startswith("# "), f"{page.name}: what is no part of it: {line}"
        assert not re.search(r"install .*'autograder\[", command), f"{page.name}: not ours: {line}"


@each_page
def test_every_table_is_whole(page: Path) -> None:
    torn = re.search(r"^\|.*\|\n\n\|.*\|\n(?!\|-)", page.read_text(encoding="utf-8"), re.M)
    assert torn is None, (
        f"{page.name}: an empty line in a table: {torn.group()[:200] if torn else ''}"
    )


@each_page
def test_every_relative_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if fragment:
            headings = re.findall(
                r"^#+ (.*)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE
            )
            assert fragment in map(anchor, headings), f"{page.name} links to {target}"


@each_page
def test_every_test_named_is_one(page: Path) -> None:
    for file, name in re.findall(
        r"`(?:tests/)?(test_\w+\.py)::(test_\w+)`", page.read_text(encoding="utf-8")
    ):
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {name}(" in source, f"{page.name} names {file}::{name}"


@each_page
def test_every_specimen_named_is_there(page: Path) -> None:
    """Right answers, known mistakes and hostile files, by their path."""
    places = {"mistakes": "reference_solutions", "variants": "reference_solutions"}
    for path in re.findall(r"`(\w+/\w+/\w+\.py)`", page.read_text(encoding="utf-8")):
        first, kind, _ = path.split("/")
        place = "tests" if first == "hostile" else places.get(kind)
        if place is not None:
            assert (ROOT / place / path).is_file(), f"{page.name} names {path}"


def test_the_instructor_guide_has_every_command_and_target() -> None:
    text = INSTRUCTOR.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"| `autograder {name}` |" in text, (
            f"`autograder {name}` is not in the instructor guide"
        )
    told = set(
        re.findall(
            r"^make ([a-z]+)", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    told |= {
        name
        for name in TARGETS
        if re.search(rf"^{name}:.*## ", MAKEFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    for name in told - {"setup", "format"}:
        assert f"| `make {name}" in text, f"`make {name}` is not in the instructor guide"


@pytest.mark.parametrize("value", [Result, Check, Diagnosis])
def test_the_instructor_guide_explains_every_key_of_a_result(value: type) -> None:
    text = INSTRUCTOR.read_text(encoding="utf-8")
    told = (item for item in dataclasses.fields(value) if item.compare)  # the rest is no key
    keys = {item.name for item in told} | {"score", "earned"}
    assert not {key for key in keys if f"`{key}`" not in text}


def test_the_architecture_has_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {room.partition(".")[0] for room in ROOMS}
    assert not {room for room in rooms if not re.search(rf"`{room}/?`", text)}


def test_the_readme_begins_with_what_this_is_and_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:25])
    for wanted in ("make demo", "make test", "<!-- demo output -->"):
        assert wanted in first_screen
