"""The demo, on two students: a course of its own, which the next demo replaces, and no more."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT, few_known_answers, start_with

from autograder.errors import AutograderError, UsageError
from autograder.sandbox.process import Sandbox

SLUG = "sgd_factorisation"
CLASS = ("perfect-module.py", "untouched-stub.notebook.py")


@pytest.fixture
def demo(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """examples/demo.py as a module, which grades in the sandbox that is warm already, and before a
    class the solution and one variant: all of them are graded in test_assignments.py.
    """
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    start_with(sandbox, monkeypatch)
    lay = module.new_course

    def lay_few(folder: Path, lessons: str) -> None:
        lay(folder, lessons)
        few_known_answers(folder / "reference_solutions" / SLUG)

    monkeypatch.setattr(module, "new_course", lay_few)
    return module


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Two students of the example class, and no more."""
    folder = tmp_path / "examples" / SLUG
    folder.mkdir(parents=True)
    for name in CLASS:
        shutil.copy(ROOT / "examples" / SLUG / name, folder)
    return folder.parent


def lay_old_demo(demo: ModuleType, build: Path) -> Path:
    """What an earlier demo left behind; gives a file in it."""
    kept = build / "demo" / "course" / "submitted" / "bob" / "answer.py"
    kept.parent.mkdir(parents=True)
    kept.touch()
    (build / "demo" / demo.MARKER).touch()
    return kept


@pytest.mark.slow
def test_the_demo_makes_a_course_in_the_place_of_the_last_one(
    demo: ModuleType, examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    kept = lay_old_demo(demo, build)
    course = demo.run(build, examples, SLUG)
    assert course.root == build / "demo"
    assert (course.root / demo.MARKER).is_file(), "the next demo could not replace it"
    assert [path.name for path in build.iterdir()] == ["demo"]
    assert not kept.exists()
    assert course.gradebook.is_file()
    pages = [page.parent.parent.name for page in course.feedback.glob("*/*/*.html")]
    assert sorted(pages) == ["perfect-module", "untouched-stub"]
    printed = capsys.readouterr().out
    assert "grading 2 submissions" in printed
    assert "20/20" in printed
    demo.say_where(course)
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert Path(said["class"].removeprefix("page ")).read_text(encoding="utf-8").count("perfect")
    assert Path(said["feedback"].partition(",")[0]).is_file()


def test_a_demo_that_fails_leaves_the_last_one(
    demo: ModuleType, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise AutograderError("the disk is full")

    kept = lay_old_demo(demo, tmp_path)
    monkeypatch.setattr(demo, "release", fail)
    for _ in range(2):  # what the first one left is no hindrance to the second
        with pytest.raises(AutograderError):
            demo.run(tmp_path, examples, SLUG)
    assert kept.exists()


@pytest.mark.parametrize("place", ["demo", "unfinished/demo"])
def test_a_folder_that_no_demo_made_is_not_touched(
    demo: ModuleType, examples: Path, tmp_path: Path, place: str
) -> None:
    theirs = tmp_path / place / "thesis.tex"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    with pytest.raises(UsageError, match="was not made by a demo"):
        demo.run(tmp_path, examples, SLUG)
    assert theirs.exists()
    assert not (tmp_path / "unfinished" / "demo" / "course.toml").exists()


def test_a_link_is_neither_followed_nor_removed(
    demo: ModuleType, examples: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / demo.MARKER).touch()
    (tmp_path / "demo").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="was not made by a demo"):
        demo.run(tmp_path, examples, SLUG)
    assert (elsewhere / demo.MARKER).exists()
