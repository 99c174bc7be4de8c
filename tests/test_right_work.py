"""What passes at home passes here, or the message says why not: in the real sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_course
from click.testing import Result as Ended
from tiny_course import SLUG

from autograder import doctor, environment
from autograder.assignment import Assignment, find_assignment
from autograder.course import Course, read_settings
from autograder.errors import AuthoringError
from autograder.grading.grader import Grader
from autograder.grading.submission import Found
from autograder.limits import Limits
from autograder.results import Result
from autograder.sandbox.process import Sandbox

HALVE = "def halve(x, factor=0.5):\n    return x * factor\n"
TOTAL = "def total(x):\n    return x.sum()\n"
RIGHT = HALVE + TOTAL
GRADE = Callable[..., Result]


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    root = tmp_path_factory.mktemp("course")
    tiny_course.write(root)
    return find_assignment(Course(root), SLUG)


@pytest.fixture
def grade(sandbox: Sandbox, halves: Assignment, tmp_path: Path) -> GRADE:
    """Grade a module, or the cells of a notebook."""

    def run(
        *cells: str, module: str | bytes | None = None, limits: Limits = halves.limits
    ) -> Result:
        path = tmp_path / (f"{SLUG}.ipynb" if module is None else f"{SLUG}.py")
        if module is None:
            made = [{"cell_type": "code", "source": source, "metadata": {}} for source in cells]
            path.write_text(json.dumps({"nbformat": 4, "cells": made}), encoding="utf-8")
        else:
            path.write_bytes(module if isinstance(module, bytes) else module.encode())
        grader = Grader(
            replace(halves, limits=limits), "a secret", sandbox=sandbox, diagnoses=False
        )
        return grader.grade(Found(path, None))

    return run


def messages(result: Result, function: str = "halve") -> list[str]:
    assert result.status == "graded", result.message
    return [check.message for check in result.of(function)]


# --- a failing line costs itself ------------------------------------------------------------------

FIRST_LINES = {
    "a file": "data = open('measurements.csv').read()",
    "pandas, or not": "import pandas_of_another_name as pd\ntable = pd.read_csv('x.csv')",
    "a drive": "from google.colab import drive\ndrive.mount('/content/drive')",
    "a question": "name = input('your name: ')",
    "a download": "import urllib.request\nurllib.request.urlopen('https://example.org')",
    "a magic of nobody": "%load_ext nothing_of_this_name",
    "pip": "!pip install torch\n%pip install plotly",
    "an exit": "raise SystemExit",
    "an assertion": "assert 1 == 2",
    "await that fails": "import asyncio\nawait asyncio.sleep('soon')",
}


@pytest.mark.parametrize("line", FIRST_LINES.values(), ids=FIRST_LINES.keys())
def test_a_first_line_that_fails_costs_a_cell_no_definition(grade: GRADE, line: str) -> None:
    result = grade(f"import torch\n{line}\n{RIGHT}")
    assert result.score == result.max_score, messages(result)


@pytest.mark.parametrize("line", [line for line in FIRST_LINES.values() if line[0] not in "!%"])
def test_a_module_and_a_cell_are_graded_alike(grade: GRADE, line: str) -> None:
    text = f"import torch\n{line}\n{RIGHT}".replace("await ", "")
    assert grade(module=text).score == grade(text).score == 4.5


EXPORTS = {
    "colab": "!pip install torch\n# %matplotlib inline\n!ls data\nimport torch\n{right}",
    "cells in an editor": "# %%\n%matplotlib inline\nimport torch\n# %% [markdown]\n# x\n# %%\n{right}",
    "help": "import torch\n{right}\nhalve?\n!echo done",
    "in a block": "import torch\nif True:\n    !pip install torch\n    pass\n{right}",
}


@pytest.mark.parametrize("text", EXPORTS.values(), ids=EXPORTS.keys())
def test_a_notebook_exported_as_a_module_keeps_its_functions(grade: GRADE, text: str) -> None:
    result = grade(module=text.replace("{right}", RIGHT))
    assert result.score == result.max_score, messages(result)


NOTEBOOK_WAYS = {
    "line magic in a cell": "%matplotlib inline\n{right}",
    "await": (
        "import asyncio\nawait asyncio.sleep(0.001)\nfactor = await asyncio.sleep(0, 2)\n{right}"
    ),
    "await of what another cell has begun": (
        "import asyncio\nasync def begin():\n    return asyncio.ensure_future(asyncio.sleep(0, 2))"
        "\ntask = await begin()||two = await task\n{total}\ndef halve(x):\n    return x / two"
    ),
    "options that a script reads": (
        "import argparse\nargs = argparse.ArgumentParser().parse_args()\nargs.two = 2\n{total}\n"
        "def halve(x):\n    return x / args.two"
    ),
    "a compiled function": (
        "{total}\n@torch.jit.script\ndef halve(x: torch.Tensor):\n    return x / 2"
    ),
    "last expression": "{right}\nhalve(torch.ones(2))",
    "the last value has a name": "{right}\n0.5||assert _ == 0.5\ndef halve(x):\n    return x * _",
    "%%time": "%%time\nopen('nothing')\n{right}",
    "%%capture": "%%capture out\nopen('nothing')\nprint(1)\n{right}",
    "%%timeit is its own": "%%timeit\ndef halve(x):\n    return x||{right}",
    "%timeit -o": (
        "{right}\nt = %timeit -n 100000 -r 7 -o halve(torch.ones(2))\nhalve = halve if t.best "
        "> 0 else 0"
    ),
    "%time": "{right}\nx = %time halve(torch.ones(2))\nhalve = halve if x is not None else 0",
    "%prun": "{right}\n%prun -s cumulative halve(torch.ones(2))",
    "%%writefile": (
        "%%writefile helper.py\nFACTOR = 0.5||import helper\n{total}\ndef halve(x):\n    "
        "return x * helper.FACTOR"
    ),
    "%%file in a package": (
        "!mkdir x||import os\nos.makedirs('lib')||%%writefile lib/tool.py\nF = 0.5||from "
        "lib.tool import F\n{total}\ndef halve(x):\n    return x * F"
    ),
    "%run": (
        "%%writefile helper.py\nF = 0.5||%run helper.py\n{total}\ndef halve(x):\n    return x * F"
    ),
    "future": (
        "from __future__ import annotations\nimport os||{total}\ndef halve(x: Tensor) -> "
        "Tensor:\n    return x / 2"
    ),
    "empty lines above": "\n\n{right}",
    "indented": "  x = 1\n  y = 2||{right}",
}


@pytest.mark.parametrize("text", NOTEBOOK_WAYS.values(), ids=NOTEBOOK_WAYS.keys())
def test_a_notebook_runs_as_it_does_at_home(grade: GRADE, text: str) -> None:
    text = text.replace("{right}", RIGHT).replace("{total}", TOTAL)
    result = grade("import torch", *text.split("||"))
    assert result.score == result.max_score, messages(result)


ANYWHERE = {
    "torch.compile": "@torch.compile\n{halve}{total}",
    "torch.compile()": "@torch.compile(mode='max-autotune', fullgraph=True)\n{halve}{total}",
    "compiled": "{halve}halve = torch.compile(halve, dynamic=True)\n{total}",
    "no_grad": "@torch.no_grad()\n{halve}{total}",
    "partial": (
        "import functools\ndef scale(f, x):\n    return x * f\nhalve = "
        "functools.partial(scale, 0.5)\n{total}"
    ),
    "lambda": "halve = lambda x: x / 2\n{total}",
    "object": (
        "class Halve:\n    def __call__(self, x):\n        return x / 2\nhalve = Halve()\n{total}"
    ),
    "cached": "import functools\n@functools.lru_cache\n{halve}{total}",
    "loader": "from torch.utils.data import DataLoader, TensorDataset\n{total}\ndef halve(x):\n"
    "    data = DataLoader(TensorDataset(x), len(x), num_workers=2, persistent_workers=True)\n"
    "    return torch.cat([part for (part,) in data]) / 2",
    "array": (
        "import numpy\n{halve}\ndef total(x):\n    return torch.as_tensor(numpy.asarray(x).sum())"
    ),
    "future": (
        "from __future__ import annotations\n{total}\ndef halve(x: Nobody):\n    return x / 2"
    ),
    "source": "import inspect\n{halve}inspect.getsource(halve)\n{total}",
}


@pytest.mark.parametrize("text", ANYWHERE.values(), ids=ANYWHERE.keys())
@pytest.mark.parametrize("kind", ["module", "notebook"])
def test_right_ways_to_write_a_function_earn_everything(grade: GRADE, kind: str, text: str) -> None:
    text = text.replace("{halve}", HALVE).replace("{total}", TOTAL)
    if text.startswith("from __future__"):
        text = text.replace("\n", "\nimport torch\n", 1)
    else:
        text = f"import torch\n{text}"
    result = grade(module=text) if kind == "module" else grade(text)
    assert result.score == result.max_score, messages(result) + messages(result, "total")


def test_a_declared_encoding_is_read(grade: GRADE) -> None:
    text = f"# -*- coding: latin-1 -*-\nimport torch\nname = 'Gauß'\n{RIGHT}"
    assert grade(module=text.encode("latin-1")).score == 4.5


LISTED = (
    "pandas as pd||pd.Series(x).sum() / pd.Series(x).sum()",
    "tqdm.auto as tqdm||sum(tqdm.tqdm([1]))",
    "scipy.linalg as linalg||float(linalg.norm([1.0]))",
    "sklearn.decomposition as d||d.PCA().fit([[1, 2], [2, 1]]).n_components_ / 2",
    "plotly.graph_objects as go||len(go.Figure([go.Scatter(y=[1])]).data)",
    "seaborn as sns||len(sns.color_palette('deep', 1))",
    "ipywidgets as w||w.IntSlider(value=1).value",
)


@pytest.mark.parametrize("text", LISTED, ids=lambda text: text.partition("||")[0])
def test_the_packages_of_the_list_work_in_the_sandbox(sandbox: Sandbox, text: str) -> None:
    module, _, value = text.partition("||")
    source = f"import {module}\nx = [1.0]\ndef f():\n    return float({value})\n"
    with sandbox.open(Limits()) as box:
        box.load([{"kind": "cell", "source": source, "label": "1"}], ["f"])
        reply = box.call("f", (), {}, seed=0)
    assert reply.value == 1.0, reply.message


def test_the_doctor_shows_the_list_and_what_a_course_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reference_solutions").mkdir()
    (tmp_path / "course.toml").write_text('packages = ["torch", "nothing-of-this-name"]\n')
    monkeypatch.setenv("AUTOGRADER_COURSE", str(tmp_path))
    monkeypatch.setattr(doctor, "listed_packages", lambda: ["pandas"])
    finding = doctor.for_submissions()
    assert "pandas 3" in finding.found
    assert "torch 2" in finding.found
    assert not finding.good
    assert not finding.needed
    assert "pip install nothing-of-this-name" in finding.mend


def test_the_list_is_read_from_the_package_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = ['pandas>=2.2; extra == "packages"', "scipy[x]>=1; extra == 'packages'", "torch"]
    monkeypatch.setattr(environment, "requires", lambda name: metadata)
    assert environment.listed_packages.__wrapped__() == ("pandas", "scipy")


@pytest.mark.parametrize("value", ['"pandas"', "[1]", "[[]]", "{ a = 1 }"])
def test_a_list_of_packages_is_one_of_texts(tmp_path: Path, value: str) -> None:
    file = tmp_path / "course.toml"
    file.write_text(f"packages = {value}\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match="a list of texts"):
        read_settings(file)


# --- time -----------------------------------------------------------------------------------------


def test_past_the_time_limit_the_statement_that_hangs_is_left_out(
    sandbox: Sandbox, quick: Limits
) -> None:
    text = (
        "import time\nwhile True: pass\nFACTOR = 0.5\n"
        "for name in ('a', 'b'): globals()[name] = 1\ndef f():\n    return FACTOR, a, b\n"
        "time.sleep(1000)\nLATER = f()\ndef g():\n    return 2\nFACTOR = 0.25\n"
    )
    for kind in ("statements", "cell"):
        with sandbox.open(quick) as box:
            reply = box.load([{"kind": kind, "source": text, "label": "1"}], ["f", "g"])
            assert reply.outcome == "loaded"
            assert box.call("f", (), {}, seed=0).value == (0.25, 1, 1)
            assert box.call("g", (), {}, seed=0).value == 2
        told = [(error["where"], error["message"]) for error in reply.header["errors"]]
        assert [where.rpartition(" ")[2] for where, _ in told] == ["2", "7"]
        assert all("time limit" in message for _, message in told)


# --- what is missing, and why ---------------------------------------------------------------------

CAUSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a package": (
        ("import torch", "import plotly_of_nobody\n@plotly_of_nobody.cached\n" + HALVE, TOTAL),
        ("halve is not defined", "cell 2 line 2", "NameError", "plotly_of_nobody"),
    ),
    "the first error": (
        ("import plotly_of_nobody",),
        ("cell 1 line 1", "No module named 'plotly_of_nobody'", "the grader does not have it"),
    ),
    "syntax": (
        ("import torch", f"{TOTAL}\ndef halve(x)\n    return x / 2"),
        ("halve is not defined", "cell 2 line 4", "SyntaxError", "expected ':'"),
    ),
    "Python 2": (
        (f"{HALVE}\nprint 'done'",),
        ("cell 1 line 4", "this is Python 2"),
    ),
    "Python 2's except": (
        (f"try:\n    pass\nexcept ValueError, e:\n    pass\n{HALVE}",),
        ("cell 1 line 3", "this is Python 2"),
    ),
    "conflict": (
        (f"<<<<<<< HEAD\n{HALVE}=======\n{HALVE}>>>>>>> other",),
        ("line 1 is a merge conflict's marker", "delete the markers"),
    ),
    "input": (("factor = float(input())\ndef halve(x, f=factor):\n    return x",),
              ("cell 1 line 2", "NameError")),
    "too long": (("while True:\n    halve = 1",), ("cell 1 line 1", "time limit")),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "said"), CAUSES.values(), ids=CAUSES.keys())
def test_a_missing_function_says_what_stands_above_it(
    grade: GRADE, cells: tuple[str, ...], said: tuple[str, ...]
) -> None:
    (message, *_) = messages(grade(*cells, limits=Limits(load_cpu_seconds=1)))
    for part in said:
        assert part in message
    assert message.count("\n") == 0


def test_a_name_that_a_call_misses_is_traced_to_the_line_that_would_have_made_it(
    grade: GRADE,
) -> None:
    cells = (
        "import torch\nfrom tqdm_of_nobody import trange",
        HALVE.replace("return", "trange(1)\n    return"),
    )
    (message, *_) = messages(grade(*cells))
    assert "NameError: name 'trange' is not defined" in message
    assert "because of cell 1 line 2: ModuleNotFoundError" in message
    (message, *_) = messages(grade("def halve(x):\n    return [x for _ in xrange(2)]"))
    assert "xrange is Python 2's" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{RIGHT}print 'x'\n", "this is Python 2"),
        (f"{RIGHT}<<<<<<< HEAD\n", "merge conflict"),
        (f"{RIGHT}raise ValueError, 'x'\n", "this is Python 2"),
        (f"{RIGHT}x = t'{{1}}'\n", "a template string needs Python 3.14"),
    ],
)
def test_a_module_that_does_not_parse_says_why_by_name(grade: GRADE, text: str, said: str) -> None:
    result = grade(module=text)
    assert result.status == "unreadable"
    assert said in result.message


# --- what a hidden check lets out -----------------------------------------------------------------


def test_an_exception_carries_little_out_of_a_hidden_check(grade: GRADE) -> None:
    result = grade(
        "import torch\nclass Ünlikely(Exception):\n    pass\n"
        "def halve(x):\n    raise Ünlikely(f'{x.tolist()} \\u4e16\\U0001f600' * 50)"
    )
    public, *_, hidden = result.of("halve")
    assert len(public.message) > 200
    assert hidden.visibility == "hidden"
    words = hidden.message.removeprefix("halve raised ")
    assert len(words) <= 80
    assert words.isascii()
    assert words.isprintable()
    assert words.endswith("(cell 1 line 5)")


def test_a_forged_outcome_or_type_carries_no_more(grade: GRADE) -> None:
    result = grade(
        "import torch\ndef halve(x):\n"
        "    kind = type('世' * 30 + 'T' * 200, (dict,), {})\n    return kind()"
    )
    for check in result.of("halve"):
        assert check.message.isascii()
        assert len(check.message) < 200


# --- folders without a submission -----------------------------------------------------------------


def test_an_empty_folder_has_its_line_and_ends_nothing(
    command: Callable[..., Ended], halves: Assignment, tmp_path: Path
) -> None:
    empty, lines = tmp_path / "empty", tmp_path / "lines"
    empty.mkdir()
    (tmp_path / "al.py").write_text(f"import torch\n{RIGHT}", encoding="utf-8")
    paths = (empty, tmp_path / "al.py", tmp_path / "nobody.py")
    done = command(halves.course.root, "grade", SLUG, *paths, "--json", lines, "--workers", 1)
    assert done.exit_code == 0, done.output
    told = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [(one["status"], one["score"]) for one in told] == [
        ("missing", 0),
        ("graded", 4.5),
        ("missing", 0),
    ]
    assert told[0]["submission"] == str(empty)


def test_a_course_in_which_nobody_handed_in_says_so(
    command: Callable[..., Ended], halves: Assignment
) -> None:
    halves.course.submitted.mkdir(parents=True, exist_ok=True)
    done = command(halves.course.root, "grade", SLUG)
    assert done.exit_code == 2
