"""What `check` shows: a table in a notebook, text elsewhere, a picture; and how it ends."""

from __future__ import annotations

import ast
import base64
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import forked
import pytest
import torch
from conftest import COURSE, ROOT
from test_student_kit import (
    WRONG,
    course,
    execute,
    fill,
    folder,
    notebook_of,
    raised_in,
    solutions,
    without_pytest,
)

from autograder.assignment import Assignment, find_assignments
from autograder.authoring.release import KIT
from autograder.authoring.student_kit import conftest as kit
from autograder.authoring.student_kit import kit_figures, kit_notebook, kit_report, kit_student
from autograder.authoring.student_kit.kit_figures import Picture

__all__ = ["course", "folder"]  # fixtures of the tests of the released folder
HOSTILE = "<script>alert('x')</script> & \"quoted\" \x1b[31m"
MATRIX = torch.tensor([[12.0, 6.0, 12.0], [16.0, 8.0, 16.0]])

CHECKS = '''
import forked
import pytest
import torch


@pytest.mark.task("f")
@pytest.mark.points(1)
@pytest.mark.hint("Look <b>here</b>.")
def test_matrix(student, picture):
    """f(x) is x < 3 & "more"."""
    x = torch.ones(2, 2)
    result = student.f(x)
    picture.compare(yours=result, expected=x, name="f(<x>)")
    assert isinstance(result, torch.Tensor), f"f returned {result}"
    assert torch.equal(result, x), "f(x) is not x"


@pytest.mark.task("f")
@pytest.mark.points(1)
@pytest.mark.hint("Look there.")
def test_history(student, picture):
    """The loss falls."""
    history = student.f(torch.ones(2, 2)).flatten().tolist()
    picture.curve(yours=history, reference=[1.0, 0.1], floor=0.05, name="loss")
    assert history[-1] < 0.2, f"the loss ends at {history[-1]:.2g}"
'''


def run_of(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, function: str | None = "f"
) -> kit.NotebookRun:
    """The checks above on a function, in this process."""
    (folder / "test_public.py").write_text(CHECKS, encoding="utf-8")
    (folder / "pytest.ini").write_bytes((KIT / "pytest.ini").read_bytes())
    monkeypatch.setattr(kit, "HERE", folder)
    namespace: dict[str, Any] = {}
    exec(f"import torch\n{source}", namespace)
    run = kit.NotebookRun(kit_student.Student(namespace), function)
    run.start()
    return run


def page_of(run: kit.NotebookRun) -> str:
    return kit_report.as_html(run.caption, run.checks)


# --- the table ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Elements of a fragment, with their attributes and text; fails where one is not closed."""

    VOID = ("img", "br")

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(fragment)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all_of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def test_the_table_can_be_read_by_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(page_of(run_of("def f(x): return 2 * x", tmp_path, monkeypatch)))
    assert page.texts["caption"] == ["f: 0 of 2 public checks passed"]
    scopes = [
        (attributes.get("scope"), text)
        for attributes, text in zip(page.all_of("th"), page.texts["th"], strict=True)
    ]
    assert scopes[:4] == [
        ("col", title) for title in ("Check", "Result", "What happened", "Where to look")
    ]
    assert scopes[4:] == [("row", 'f(x) is x < 3 & "more".'), ("row", "The loss falls.")]
    marks = [attributes for attributes in page.all_of("span") if attributes.get("aria-hidden")]
    assert len(marks) == 2
    assert [text.strip() for text in page.texts["td"]][::3] == ["✗ failed", "✗ failed"]
    assert all(len(attributes["alt"] or "") > 40 for attributes in page.all_of("img"))
    assert not [
        name
        for _, attributes in page.elements
        for name in attributes
        if name in ("id", "lang", "style", "onclick")
    ]
    assert not page.all_of("script")


def test_two_tables_and_the_page_around_them_do_not_collide() -> None:
    assert all(
        rule.strip().startswith((".kit-checks", "@media"))
        for rule in re.findall(r"(?m)^[^ }][^{]*\{", kit_report.STYLE)
    )


def test_a_table_without_trouble_has_no_empty_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = kit_report.Told("test_f", "f is so.", "passed", "passed")
    page = Page(kit_report.as_html("f: 1 of 1 public checks passed", [told]))
    assert page.texts["th"] == ["Check", "Result", "f is so."]


def test_words_of_a_student_are_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in (f"def f(x): raise ValueError({HOSTILE!r})", f"def f(x): return {HOSTILE!r}"):
        fragment = page_of(run_of(source, tmp_path, monkeypatch))
        assert not Page(fragment).all_of("script")
        assert (
            "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quoted&quot;" in fragment
        )
        assert "\x1b" not in fragment


def test_code_in_a_hint_is_set_as_code() -> None:
    told = kit_report.Told("test_f", "Uses `<b>`.", "failed", "failed", "`x`", "Not with `is not`.")
    fragment = kit_report.as_html("f", [told])
    assert Page(fragment).texts["code"] == ["<b>", "is not"]
    assert "<td>`x`</td>" in fragment


def luminance(colour: str) -> float:
    """Of WCAG 2.2. colour: "#rrggbb" or "#rgb" """
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_text_has_contrast_light_and_dark() -> None:
    style = kit_report.STYLE
    pairs = re.findall(r"--paper: (#\w+); --ink: (#\w+);", style) + re.findall(
        r"color: (#fff); background: (#\w+);", style
    )
    pairs += [
        ("#fff", colour) for colour in re.findall(r"\.kit-good \{ background: (#\w+);", style)
    ]
    assert len(pairs) == 4
    assert min(contrast(*pair) for pair in pairs) > 4.5


# --- text, and the line at the end ----------------------------------------------------------------


def test_the_hint_follows_what_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, nan, raised, unwritten = (
        run_of(f"def f(x): {body}", tmp_path, monkeypatch).checks[1]
        for body in (
            "return x",
            "return x * torch.nan",
            "return x @ torch.ones(3, 1)",
            "raise NotImplementedError",
        )
    )
    assert (wrong.happened, wrong.look) == ("the loss ends at 1", "Look there.")
    assert nan.happened == "the loss ends at nan"
    assert "the descent diverged" in nan.look
    assert "mat1 and mat2 shapes cannot be multiplied" in raised.happened
    assert raised.look.startswith("In A @ B the columns of A")
    assert (unwritten.word, unwritten.happened, unwritten.look) == (
        "not written yet",
        "f is not written yet",
        "",
    )


def test_only_a_stub_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What torch raises, or a function that is called, is another thing to mend."""
    model = (
        "class Model(torch.nn.Module):\n    def foward(self, x): return x\n"
        "def f(x): return Model()(x)"
    )
    run = run_of(model, tmp_path, monkeypatch)
    assert {check.word for check in run.checks} == {"raised"}
    assert 'missing the required "forward" function' in run.checks[0].happened
    assert "is not written yet" not in run.summary
    run = run_of(
        "def g(x): raise NotImplementedError\ndef f(x): return g(x)", tmp_path, monkeypatch
    )
    assert [(check.word, check.happened, check.look) for check in run.checks] == [
        ("raised", "f calls g, which is not written yet", "")
    ] * len(run.checks)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            "def f(x): return torch.tensor([[1.0, 1.0], [1.0, 0.1]])",
            'f: 1 of 2 public checks passed. Not yet: f(x) is x < 3 & "more"',
        ),
        ("def f(x): return x", "f: 1 of 2 public checks passed. Not yet: The loss falls"),
        (
            "def f(x): raise NotImplementedError",
            "f is not written yet: 0 of 2 public checks passed",
        ),
        (
            "f = None",
            'f: 0 of 2 public checks passed. Not yet: f(x) is x < 3 & "more" (and 1 more)',
        ),
    ],
)
def test_one_line_says_how_it_went(
    source: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(source, tmp_path, monkeypatch)
    assert run.summary == line
    assert not run.passed


def test_checks_that_cannot_be_run_are_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There are checks of f." in run_of("", tmp_path, monkeypatch, "g").summary
    assert not run_of("", tmp_path, monkeypatch, "g").passed
    monkeypatch.setattr(sys.modules[__name__], "CHECKS", "import nowhere_to_be_found")
    run = run_of("", tmp_path, monkeypatch)
    assert (
        run.summary == "The checks cannot be read: E   ModuleNotFoundError: No module named "
        "'nowhere_to_be_found'"
    )
    assert not run.passed


def test_a_script_prints_text_and_ends_with_the_exception(folder: Path) -> None:
    (folder / "mine.py").write_text(
        f"from conftest import check\n{WRONG}\ncheck('halve')\nprint('never')", encoding="utf-8"
    )
    done = python(folder, "mine.py")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "✓ halve gives (1, 2) for (2, 4).",
        "✗ halve does not change x.",
        "    halve changed its argument",
    ]
    last = done.stderr.splitlines()[-1]
    assert (
        last == "conftest.NotPassed: halve: 1 of 2 public checks passed. Not yet: "
        "halve does not change x"
    )
    assert "never" not in done.stdout


def test_ipython_in_a_terminal_shows_text_and_no_traceback(folder: Path) -> None:
    (folder / "mine.ipy").write_text(
        f"from conftest import check\n{WRONG}\ncheck('halve')", encoding="utf-8"
    )
    done = python(folder, "-m", "IPython", "--no-banner", "--quick", "--colors=NoColor", "mine.ipy")
    assert done.stdout.count("✗ halve does not change x.") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("Not yet: halve does not change x") == 1


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = {
        **without_pytest(),
        "PYTHONIOENCODING": "utf-8",
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env=settings,
        timeout=300,
        check=False,
    )


def test_a_notebook_shows_the_table_and_text_and_raises_in_one_line(folder: Path) -> None:
    notebook = notebook_of("from conftest import check", WRONG, 'check("halve")', 'check("halve")')
    printed = execute(notebook, folder)
    cell = notebook.cells[2]
    assert [output.output_type for output in cell.outputs] == ["display_data", "error"]
    assert printed[2].startswith(
        "✓ halve gives (1, 2) for (2, 4).\n✗ halve does not change x.\n"
        "    halve changed its argument"
    )
    assert (
        Page(cell.outputs[0].data["text/html"]).texts["caption"][0] == printed[2].splitlines()[-1]
    )
    [error] = raised_in(cell)
    assert error.ename == "NotPassed"
    assert error.traceback == [error.evalue]
    assert error.evalue == f"{printed[2].splitlines()[-1]}. Not yet: halve does not change x"
    assert cell.outputs[0] == notebook.cells[3].outputs[0]


# --- pictures -------------------------------------------------------------------------------------


def test_a_check_that_fails_has_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of("def f(x): return 2 * x", tmp_path, monkeypatch)
    matrix, history = run.checks
    assert matrix.words == (
        "f(<x>), in colours, red positive: expected, yours and the difference. "
        "They differ most in row 0, column 0: yours 2, expected 1."
    )
    assert "yours goes from 2 to 2 in 4 values; the reference goes from 1 to 0.1" in history.words
    images = Page(page_of(run)).all_of("img")
    assert [image["alt"] for image in images] == [matrix.words, history.words]
    for image, told in zip(images, run.checks, strict=True):
        assert (
            base64.b64decode((image["src"] or "").removeprefix("data:image/png;base64,"))
            == told.png
        )
    assert f"    Picture: {matrix.words}"[:60] in "\n".join(kit_report.as_text(matrix))


def test_a_check_that_passes_or_raises_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in ("return x", "return x @ torch.ones(3, 1)", "return None"):
        assert not run_of(f"def f(x): {body}", tmp_path, monkeypatch).checks[0].png


def shown(**what: Any) -> Any:
    picture = Picture()
    (picture.compare if "expected" in what else picture.curve)(name="f(A, 2)", **what)
    return picture.drawn()


NOISE = torch.rand(300, 256, generator=torch.Generator().manual_seed(0)) - 0.5
DRAWN = {
    "small": {"yours": MATRIX.flip(0), "expected": MATRIX},
    "large": {"yours": NOISE, "expected": NOISE.flip(0)},
    "vector": {"yours": [1, 2, 3], "expected": torch.ones(3)},
    "another shape": {"yours": MATRIX.T, "expected": MATRIX},
    "long and thin": {"yours": torch.ones(1, 200), "expected": torch.zeros(1, 200)},
    "NaN": {"yours": torch.full((2, 3), torch.nan), "expected": MATRIX},
    "infinite": {"yours": MATRIX / 0, "expected": MATRIX},
    "huge": {"yours": MATRIX * 1e30, "expected": MATRIX},
    "whole numbers that need no gradient": {"yours": MATRIX.long(), "expected": MATRIX},
    "a gradient": {"yours": MATRIX.clone().requires_grad_(), "expected": MATRIX},
    "curve": {
        "yours": [3 * 0.97**n for n in range(10_000)],
        "reference": [3 * 0.9**n for n in range(99)],
        "floor": 0.01,
    },
    "curve that diverges": {
        "yours": [10.0 ** (n * n) if n < 17 else torch.inf for n in range(30)],
        "floor": 0.1,
    },
    "curve of tensors": {"yours": [torch.tensor(1.0, requires_grad=True)] * 3},
    "curve of zeros": {"yours": [0.0] * 3, "reference": [1.0, 0.5, 0.2], "floor": 0.0},
    "curve of one value": {"yours": [1.0]},
    "a tensor of losses": {"yours": torch.ones(5)},
}
UNDRAWN = {
    "nothing": {"yours": None, "expected": MATRIX},
    "a number": {"yours": torch.tensor(1.0), "expected": torch.tensor(2.0)},
    "no elements": {"yours": torch.zeros(0, 3), "expected": torch.zeros(0, 3)},
    "complex": {"yours": MATRIX + 1j, "expected": MATRIX},
    "sparse": {"yours": MATRIX.to_sparse(), "expected": MATRIX},
    "text": {"yours": "U", "expected": MATRIX},
    "uneven": {"yours": [[1, 2], [3]], "expected": MATRIX},
    "cube": {"yours": torch.ones(2, 2, 2), "expected": MATRIX},
    "no history": {"yours": None, "reference": [1.0]},
    "an empty history": {"yours": [], "reference": [1.0]},
    "words for losses": {"yours": ["1", "none"], "reference": [1.0]},
    "all NaN": {"yours": [torch.nan] * 3},
}


@pytest.mark.parametrize(
    ("number", "limit", "text"),
    [
        (0.0013, 0.9, "0"),
        (-0.13, 0.9, "-0.13"),
        (12.0, 16.0, "12"),
        (12.34, 16.0, "12.3"),
        (-0.001, 3.0, "0"),
        (150.4, 160.0, "150"),
        (0.0512, 0.06, "0.051"),
        (1e30, 16.0, "1e+30"),
        (float("nan"), 1.0, "nan"),
    ],
)
def test_numbers_in_a_picture_are_short(number: float, limit: float, text: str) -> None:
    assert kit_figures.short(number, limit) == text


@pytest.mark.parametrize("what", DRAWN.values(), ids=DRAWN.keys())
def test_what_can_be_shown_is_small_and_has_words(what: dict[str, Any]) -> None:
    drawing = shown(**what)
    assert drawing.png.startswith(b"\x89PNG")
    assert len(drawing.png) < 20_000
    assert drawing.words.startswith("f(A, 2), ")
    assert len(drawing.words) > 40


@pytest.mark.parametrize("what", UNDRAWN.values(), ids=UNDRAWN.keys())
def test_what_cannot_be_shown_breaks_nothing(what: dict[str, Any]) -> None:
    assert shown(**what) is None


def test_a_picture_leaves_the_notebooks_figures_alone() -> None:
    import matplotlib
    import matplotlib.pyplot as plt

    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    with matplotlib.rc_context({"text.usetex": True, "font.size": 40, "savefig.dpi": 600}):
        assert shown(yours=MATRIX.flip(0), expected=MATRIX) == shown(
            yours=MATRIX.flip(0), expected=MATRIX
        )
        assert len(shown(yours=MATRIX.flip(0), expected=MATRIX).png) < 20_000
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures


# --- quick, and in files of its own ---------------------------------------------------------------


@pytest.mark.parametrize(
    "source", ["def f(x): return x", "def f(x): return 2 * x"], ids=["one fails", "two pictures"]
)
def test_a_check_answers_at_once(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = []
    for _ in range(4):
        start = time.process_time()
        page_of(run_of(source, tmp_path, monkeypatch))
        seconds.append(time.process_time() - start)
    assert min(seconds[1:]) < 0.25


@pytest.mark.parametrize(
    "assignment", find_assignments(COURSE), ids=lambda assignment: assignment.slug
)
def test_the_checks_of_a_lesson_answer_at_once(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (KIT / "pytest.ini", assignment.checks[0], assignment.solution):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(kit, "HERE", tmp_path)
    student = kit_student.Student(kit_notebook.load(tmp_path / "solution.py"))
    seconds = []
    for _ in range(4):
        start = time.process_time()
        for function in assignment.functions:
            run = kit.NotebookRun(student, function)
            run.start()
            assert run.passed, run.summary
        seconds.append(time.process_time() - start)
    assert min(seconds[1:]) < (0.5 if assignment.slug == "gd_svd" else 0.3)


RELEASED = ROOT / "assignments" / "gd_svd"
PACKAGED = ("__package__", "__name__.startswith('autograder.')")  # what the package alone imports


def test_the_files_of_the_kit_need_python_3_10_and_no_other_package() -> None:
    known = {
        *sys.stdlib_module_names,
        "torch",
        "numpy",
        "matplotlib",
        "pytest",
        "IPython",
        "PIL",
        *(path.stem for path in RELEASED.glob("kit_*.py")),
    }
    for path in (*RELEASED.glob("kit_*.py"), RELEASED / "conftest.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
        in_the_package = [
            child
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) in PACKAGED
            for child in node.body
        ]
        for node in ast.walk(tree):
            if node in in_the_package:
                continue
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )
            assert {name.partition(".")[0] for name in names} <= known, path.name
        assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 100, path.name


# --- nbgrader's validation ------------------------------------------------------------------------


def validated(notebook: Path) -> str:
    """What `nbgrader validate` says of a notebook, in a kernel."""
    done = forked.run("nbgrader", "validate", notebook.name, folder=notebook.parent)
    return done.stdout + done.stderr


def rewritten(folder: Path, answers: dict[str, str]) -> Path:
    path = folder / "halves.ipynb"
    fill(path, answers)
    return path


@pytest.mark.slow
def test_nbgrader_validation_tells_the_truth(folder: Path) -> None:
    stub = validated(folder / "halves.ipynb")
    assert "halve is not written yet: 0 of 2 public checks passed" in stub
    assert "total is not written yet: 0 of 2 public checks passed" in stub
    assert "VALIDATION FAILED ON 3 CELL(S)" in stub  # the question is not answered either
    answered = solutions() | {"why_halve": "Because it is too large."}
    changing = "def halve(x, factor=0.5):\n    x *= factor\n    return x"
    wrong = validated(rewritten(folder, answered | {"halve": changing}))
    assert "VALIDATION FAILED ON 1 CELL(S)" in wrong
    assert "halve: 1 of 2 public checks passed. Not yet: halve does not change x" in wrong
    assert "Success! Your notebook passes all the tests." in validated(rewritten(folder, answered))


# --- another device -------------------------------------------------------------------------------


class Elsewhere(torch.Tensor):
    """A tensor that says that it is on a GPU."""

    device = torch.device("cuda")  # type: ignore[assignment]

    def cpu(self) -> torch.Tensor:  # type: ignore[override]
        return self.as_subclass(torch.Tensor)


def test_a_result_on_a_gpu_is_taken_from_there() -> None:
    given = torch.ones(2, requires_grad=True).as_subclass(Elsewhere)
    assert given.device.type == "cuda"
    value, several = kit_student.plain([given, (given,)])
    assert type(value) is type(several[0]) is torch.Tensor
    assert (value.device.type, value.tolist()) == ("cpu", [1.0, 1.0])


def test_every_device_is_seeded_where_there_is_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: False)
    kit_student.has_accelerator.cache_clear()
    try:
        student = kit_student.Student({"f": lambda: torch.rand(1)})
        assert student.seeded(7).f().equal(student.seeded(7).f())
        assert seeded.count(7) == 2
    finally:
        monkeypatch.undo()
        kit_student.has_accelerator.cache_clear()
