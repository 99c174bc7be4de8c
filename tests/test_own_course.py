"""A course of one's own: `pip install` and `autograder init`, with no checkout anywhere."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import Result
from conftest import ROOT, few_known_answers
from nbgrader.api import Gradebook
from test_grading import Command
from test_hostile import timeless
from typer.testing import CliRunner

from autograder import doctor
from autograder.assignment import find_assignments
from autograder.authoring.new import chosen_lessons
from autograder.cli import app
from autograder.course import Course, Settings, write_whole
from autograder.errors import AuthoringError, to_install
from autograder.gradebook.commands import gradebook_name
from autograder.results import Result as Graded
from autograder.version import digest

SLUG, OWN = "sgd_factorisation", "demo_assignment"
STUDENTS = ("perfect-module", "published-loop", "library-svd")
SNOOPER = '''
"""Looks for the package that grades, and for the lessons' solutions in it."""
import glob
import sys
import tomllib

FOLDERS = [*sys.path, "/run", "/usr"]
FOUND = [path for folder in FOLDERS for path in glob.glob(f"{folder}/autograder/*")]
try:
    import autograder.cli
    FOUND.append("the engine")
except ImportError:
    pass


def tell(*arguments, **options):
    raise ValueError(f"{len(FOUND)} found: {FOUND[:3]}")


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
'''


def init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["init", str(folder), *options], prog_name="autograder")


# --- what init lays -------------------------------------------------------------------------------


def test_a_new_course_holds_all_lessons_and_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = init(tmp_path / "linear-algebra-2027")
    assert done.exit_code == 0, done.output
    course = Course(tmp_path / "linear-algebra-2027")
    lessons = {folder.name for folder in chosen_lessons("all")}
    assert {assignment.slug for assignment in find_assignments(course)} == lessons != set()
    assert course.settings.title == "Linear algebra 2027"
    assert course.settings.course_id == "linear-algebra-2027"
    monkeypatch.setenv("AUTOGRADER_COURSE", str(course.root))
    (finding,) = doctor.course()
    assert finding.found == f"Linear algebra 2027, in {course.root}"
    ignored = (course.root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "course/" in ignored
    assert course.secret() == course.secret()
    assert (course.work / "secret").stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_named_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / "taken", "text")
    assert str(caught.value) == f"[Errno 21] Is a directory: '{tmp_path / 'taken'}'"
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xce\xff"])
def test_a_file_that_holds_no_secret_is_none(tmp_path: Path, data: bytes) -> None:
    course = Course(tmp_path)
    course.work.mkdir()
    (course.work / "secret").write_bytes(data)
    with pytest.raises(AuthoringError, match="secret: holds no secret"):
        course.secret()
    assert (course.work / "secret").read_bytes() == data


@pytest.mark.parametrize("name", ['Bob "ML" course', r"a\quest", "Gr\xfc\xdfe", "bell\x07\x7f"])
def test_the_title_is_the_folders_name_whatever_is_in_it(tmp_path: Path, name: str) -> None:
    assert init(tmp_path / name, "--lessons", "none").exit_code == 0
    expected = {"bell\x07\x7f": "Bell"}.get(name, name.capitalize())
    assert Course(tmp_path / name).settings.title == expected
    assert f"# {expected}\n" in (tmp_path / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lessons", "expected"),
    [
        ("none", set()),
        ("gd_svd", {"gd_svd"}),
        ("gd_svd, gd_inverse,gd_svd", {"gd_svd", "gd_inverse"}),
    ],
)
def test_lessons_are_chosen_by_name(tmp_path: Path, lessons: str, expected: set[str]) -> None:
    assert init(tmp_path / "mine", "--lessons", lessons).exit_code == 0
    found = find_assignments(Course(tmp_path / "mine"))
    assert {assignment.slug for assignment in found} == expected


def test_an_unknown_lesson_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    done = init(tmp_path / "mine", "--lessons", "gd_svd,qr")
    assert (done.exit_code, "no lesson 'qr'. There are: " in done.stderr) == (2, True)
    assert not (tmp_path / "mine").exists()


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = init(tmp_path)
    assert (done.exit_code, "exists already" in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("title = 3", "has title = 3. It is a text in quotes."),
        ("workers = true", "has workers = True"),
        ("workers = -1", "has workers = -1"),
        ("colour = 'red'", "has unknown settings colour. Known are title"),
        ("title =", "is not TOML"),
        ("[limits]\nseconds = 3", "has unknown limits seconds"),
        ("[limits]\ncall_cpu_seconds = 'ten'", "has the limit call_cpu_seconds = 'ten'. Give a"),
        ("[limits]\nmemory_mib = true", "has the limit memory_mib = True. Give a whole number"),
        ("[limits]\nprocesses = 0", "has the limit processes = 0"),
        ("[limits]\nload_wall_seconds = inf", "has the limit load_wall_seconds = inf"),
    ],
)
def test_settings_that_make_no_sense_are_named(tmp_path: Path, line: str, what: str) -> None:
    assert init(tmp_path / "mine", "--lessons", "gd_svd").exit_code == 0
    (tmp_path / "mine" / "course.toml").write_text(line, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"course\.toml: ") as caught:
        find_assignments(Course(tmp_path / "mine"))
    assert what in str(caught.value)


def test_a_courses_limits_hold_unless_an_assignment_says_otherwise(tmp_path: Path) -> None:
    init(tmp_path / "mine", "--lessons", "gd_svd,gd_inverse")
    limits = "[limits]\ncall_cpu_seconds = 3.0\nmemory_mib = 512\n"
    (tmp_path / "mine" / "course.toml").write_text(limits, encoding="utf-8")
    own = tmp_path / "mine" / "reference_solutions" / "gd_svd" / "assignment.toml"
    own.write_text(own.read_text(encoding="utf-8") + "\n[limits]\nmemory_mib = 99\n")
    inverse, svd = find_assignments(Course(tmp_path / "mine"))
    assert (inverse.limits.call_cpu_seconds, inverse.limits.memory_bytes) == (3.0, 512 << 20)
    assert (svd.limits.call_cpu_seconds, svd.limits.memory_bytes) == (3.0, 99 << 20)


def test_nbgrader_takes_its_settings_from_course_toml(tmp_path: Path) -> None:
    from traitlets.config import Config

    from autograder.gradebook.settings import configure

    init(tmp_path / "mine", "--lessons", "none")
    text = 'course_id = "la"\ngradebook = "postgresql://x/y"\nexchange = "/srv/exchange"\n'
    (tmp_path / "mine" / "course.toml").write_text(text, encoding="utf-8")
    config = Config()
    configure(config, tmp_path / "mine")
    assert config.CourseDirectory.root == str(tmp_path / "mine" / "course")
    assert config.CourseDirectory.course_id == "la"
    assert config.CourseDirectory.db_url == "postgresql://x/y"
    assert config.Exchange.root == "/srv/exchange"


def test_a_course_without_settings_has_the_defaults(tmp_path: Path) -> None:
    assert Course(tmp_path).settings == Settings()


# --- from the wheel alone -------------------------------------------------------------------------


@dataclass
class Installed:
    """An environment that holds the built wheel and what it needs, and a course made there."""

    bin: Path
    course: Course

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the course."""
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": os.environ["HOME"]}
        return subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=self.course.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own.

    The packages that it needs are this environment's, by hard links: what is tested is the wheel.
    """
    folder = tmp_path_factory.mktemp("installed")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT]
    subprocess.run(wheel, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    here = Path(sys.prefix)
    site = Path("lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    ours = shutil.ignore_patterns("*autograder*")
    for part in (site, Path("share"), Path("etc")):
        there = folder / "venv" / part
        shutil.copytree(here / part, there, copy_function=os.link, ignore=ours, dirs_exist_ok=True)
    for program in ("nbgrader", "alembic", "jupyter"):
        text = (here / "bin" / program).read_text(encoding="utf-8")
        copy = folder / "venv" / "bin" / program
        copy.write_text(text.replace(str(here), str(folder / "venv")), encoding="utf-8")
        copy.chmod(0o755)
    (built,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install"]
    subprocess.run([*install, "-q", "--no-deps", "--no-index", built], check=True)
    made = Installed(folder / "venv" / "bin", Course(folder))
    done = made.run("autograder", "init", "my-course", "--lessons", SLUG)
    assert done.returncode == 0, done.stderr
    course = Course(folder / "my-course")
    few_known_answers(course.staff / SLUG, "range_over_rank", "all_zeros", "mask_means_one")
    return Installed(made.bin, course)


@pytest.fixture(scope="module")
def graded(installed: Installed) -> list[Graded]:
    """A class graded there, from init to feedback: its results, as `autograder grade` has them."""
    course = installed.course
    for student in (*STUDENTS, "snooper"):
        folder = course.submitted / student / SLUG
        folder.mkdir(parents=True)
        text = SNOOPER
        if student != "snooper":
            text = (ROOT / "examples" / SLUG / f"{student}.py").read_text(encoding="utf-8")
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
    for words in (["new", OWN], ["release", "--no-edits"], ["gradebook", SLUG, "--feedback"]):
        done = installed.run("autograder", *words)
        assert done.returncode == 0, done.stdout + done.stderr
    done = installed.run("autograder", "grade", SLUG, "--json", "-")
    assert done.returncode == 0, done.stderr
    return [Graded.from_json(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_the_course_of_the_wheel_gives_the_points_that_the_checkout_gives(
    installed: Installed, graded: list[Graded], command: Command
) -> None:
    """The gradebook, `grade`, and the checkout, which grades everything again, say the same."""
    course = installed.course
    done = command(course.root, "grade", SLUG, "--json", "-", "--again")
    assert done.exit_code == 0, done.stderr
    for result, line in zip(graded, done.stdout.splitlines(), strict=True):
        here = timeless(Graded.from_json(json.loads(line)))
        assert here | {"grader": ""} == timeless(result) | {"grader": ""}
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        scores = {item.student.id: item.score for item in book.assignment_submissions(SLUG)}
    assert scores == {result.student: result.score for result in graded}
    assert scores["perfect-module"] == 20.0
    for student in STUDENTS:
        assert (course.feedback / student / SLUG / f"{SLUG}.html").is_file()


@pytest.mark.slow
def test_a_submission_sees_nothing_of_the_installed_package(graded: list[Graded]) -> None:
    (result,) = (result for result in graded if result.student == "snooper")
    messages = {check.message for check in result.tests if check.outcome == "raised"}
    assert messages
    assert all("ValueError: 0 found: []" in message for message in messages), messages


@pytest.mark.slow
def test_nbgraders_own_commands_work_in_the_course(
    installed: Installed, graded: list[Graded]
) -> None:
    """And make of an assignment laid by `autograder new` the release that is there already."""
    release = installed.course.release / OWN
    before = {path: path.read_bytes() for path in release.rglob("*") if path.is_file()}
    assert release / f"{OWN}.ipynb" in before
    done = installed.run("nbgrader", "generate_assignment", OWN, "--force")
    assert done.returncode == 0, done.stderr
    after = {path: path.read_bytes() for path in release.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.slow
def test_a_clone_and_the_wheel_made_of_it_are_told_as_the_same(installed: Installed) -> None:
    """And the doctor says it as `--version` does."""
    said = CliRunner().invoke(app, ["--version"]).output
    assert re.fullmatch(r"autograder 0\.\S+ \([0-9a-f]{12}\)\n", said)
    assert installed.run("autograder", "--version").stdout == said
    assert said == f"autograder {doctor.kit().found}\n"


@pytest.mark.parametrize("changed", ["cli/x.py", "pages/templates/page.html", "lessons/one/a.py"])
def test_any_file_that_differs_makes_another_version(tmp_path: Path, changed: str) -> None:
    """And none of those that Python and editors leave beside them does."""
    engine = tmp_path / "autograder"
    for name in ("cli/x.py", "pages/templates/page.html", "lessons/one/a.py"):
        write_whole(engine / name, "one")
    before = digest(engine, engine / "lessons")
    shutil.copytree(engine / "lessons", tmp_path / "reference_solutions")
    write_whole(engine / "cli" / "__pycache__" / "x.pyc", "compiled")
    write_whole(engine / "lessons" / "one" / ".pytest_cache" / "note", "left behind")
    assert digest(engine, engine / "lessons") == before
    write_whole(engine / changed, "another")
    assert digest(engine, engine / "lessons") != before
    write_whole(engine / changed, "one")
    (engine / changed).rename(engine / f"{changed}.old")
    assert digest(engine, engine / "lessons") != before
    (engine / f"{changed}.old").rename(engine / changed)
    shutil.rmtree(engine / "lessons")
    assert digest(engine, tmp_path / "reference_solutions") == before


@pytest.mark.parametrize(
    ("installed", "command"),
    [
        ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "pip install -e '/a b[dask]'"),
        ({"url": "file:///c/kit.whl"}, "pip install 'autograder[dask] @ file:///c/kit.whl'"),
        (None, "pip install 'autograder[dask]'"),
    ],
)
def test_an_extra_comes_from_where_the_kit_came(
    installed: dict | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return json.dumps(installed) if installed else None

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Installed())
    assert to_install("dask") == command


@pytest.mark.parametrize("when", ["loaded", "run"])
def test_whoever_interrupts_the_command_as_it_begins_is_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    """The command begins where the installed script does."""
    script = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, function = script["autograder"].partition(":")
    begin = getattr(importlib.import_module(module), function)
    interrupted = Mock(side_effect=KeyboardInterrupt)
    if when == "run":
        monkeypatch.setattr("autograder.cli.main", interrupted)
    else:
        monkeypatch.delitem(sys.modules, "autograder.cli")
        monkeypatch.setattr(sys, "meta_path", [Mock(find_spec=interrupted), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        begin()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "autograder: interrupted\n"


def test_a_password_in_the_gradebooks_url_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('gradebook = "postgresql://me:s3cret@host/book"')
    assert gradebook_name(Course(tmp_path)) == "postgresql://me:***@host/book"
    assert gradebook_name(Course(tmp_path / "other")).endswith("gradebook.db")
