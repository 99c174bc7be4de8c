"""The kit and the wall agree: a check that students run says there what it says here.

Calls and cells of every kind that came to mind, in the released folder's way and behind the line.
Every variant and every mistake of every assignment: test_assignments.py, which grades them anyway.
"""

from __future__ import annotations

import functools
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.audit.audit import Specimen
from autograder.authoring.student_kit import conftest as kit
from autograder.authoring.student_kit import kit_notebook, kit_student, kit_values
from autograder.grading.student import Loaded, Student
from autograder.grading.student import Verdict as TheirVerdict
from autograder.limits import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import Opaque

PLACE = re.compile(r" \((?:[\w<>. ]* )?line \d+.*\)$")
KIND = re.compile(
    r"Opaque|\b(?:dict|set|ndarray|numpy\.ndarray|NoneType)\b"
    r"|\b(?:list|tuple|tensor) of \w+(?: items)?\b"
)


@pytest.fixture(autouse=True)
def _warnings_are_none_of_ours() -> Iterator[None]:
    """A submission may warn; this project's own tests end at a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


Ends = dict[str, tuple[str, str]]


def in_the_folder(file: Path) -> Ends:
    """The outcome and message of every public check, as the student's own checks have them."""
    with kit_student.clean_state():
        run = kit.NotebookRun(kit_student.Student(kit_notebook.load(file)))
    run.start()
    assert not run.trouble, run.trouble
    return {told.name: (told.outcome, shared(told.happened)) for told in run.checks}


def shared(message: str) -> str:
    """What both sides say: not in which line, nor the type of what does not cross the line."""
    said = PLACE.sub("", message).partition(" is not defined: ")[0]
    said = re.sub(
        r"\b0x[0-9a-f]+", "0x", said.replace("a view of a leaf Variable", "a leaf Variable")
    )
    return KIND.sub("...", said)


def lay(folder: Path, specimen: Specimen) -> Path:
    """A specimen as a module: what overlays the solution comes after it."""
    path = folder / f"{specimen.name.replace(' ', '_')}.py"
    path.write_text("\n\n".join(specimen.sources), encoding="utf-8")
    return path


# --- calls of every kind --------------------------------------------------------------------------

CALLS = {
    "tensor": "return x",
    "a view of the argument": "return x.T",
    "a result that requires grad": "return x.clone().requires_grad_()",
    "a parameter": "return torch.nn.Parameter(x)",
    "in place": "x += 1",
    "in place, then raised": "x += 1\n    raise ValueError('two\\nlines')",
    "whole numbers": "return x.long()",
    "complex numbers": "return x + 1j",
    "conjugated": "return (x + 0j).conj().real",
    "sparse": "return x.to_sparse()",
    "a named tuple": "return torch.linalg.svd(x)",
    "a tuple with grads": "return x.requires_grad_(), [x * 2, (x * 3,)]",
    "a shape": "return x.shape",
    "short list of tensors": "return [x.sum()] * 3",
    "long list of tensors": "return [x.sum()] * 30",
    "long list that requires grad": "x.requires_grad_()\n    return [x.sum()] * 30",
    "long list of numbers": "return [1, 2.5, True] * 10",
    "long tuple of numbers": "return (1,) * 17",
    "long list of lists": "return [[1]] * 30",
    "long list of one-element tensors": "return [torch.ones(1)] * 30",
    "numpy scalars": "return numpy.float32(1.5), numpy.float64(2.5), numpy.int64(3), "
    "numpy.bool_(True)",
    "long list of numpy scalars": "return [numpy.float32(1.5)] * 20",
    "numpy array": "return x.numpy()",
    "nothing": "pass",
    "a subclass of float": "class F(float): pass\n    return F(2.5)",
    "a subclass of int": "import enum\n    return enum.IntEnum('E', 'a b').b",
    "a large whole number": "return 10 ** 30",
    "text": "return 'a\\x1b[31mb' + 'c' * 500",
    "a dictionary": "return {'U': x}",
    "a generator": "return (i for i in range(3))",
    "deep": "return [[[[1]]]]",
    "too deep": "return [[[[[[1]]]]]]",
    "infinity": "return float('inf'), float('nan'), x / 0",
    "random": "import random\n    return torch.rand(2), random.random(), "
    "float(numpy.random.rand())",
    "dtype": "torch.set_default_dtype(torch.float64)\n    return torch.rand(2)",
    "dtype afterwards": "return torch.rand(2)",
    "gradients off": "torch.set_grad_enabled(False)\n    return x",
    "gradients afterwards": "return (x.requires_grad_() * 2).requires_grad",
    "dtype for the next call": "r = torch.rand(2)\n    torch.set_default_dtype(torch.float64)\n"
    "    return r",
    "gradients off for the next call": "y = x.requires_grad_() * 2\n"
    "    torch.set_grad_enabled(False)\n    return y.requires_grad",
    "not written": "raise NotImplementedError",
    "another is not written": "def g(x): raise NotImplementedError\n    return g(x)",
    "written but for a case": "if len(x): raise NotImplementedError('of many rows')",
    "a module without forward": "class Model(torch.nn.Module):\n"
    "        def foward(self, x): return x\n    return Model()(x)",
    "an operator that the processor lacks": "return torch.linalg.svd(x.to_sparse())",
    "no message": "raise ValueError",
    "a class of exceptions": "class Odd(KeyError): pass\n    raise Odd('k')",
    "an exception beyond Exception": "class Odd(BaseException): pass\n    raise Odd('k')",
    "an exception without words": "class Odd(Exception):\n        def __str__(self): return 1 / 0\n"
    "    raise Odd",
    "exit": "raise SystemExit(3)",
    "memory": "raise MemoryError",
    "recursion": "return f(x)",
    "torch says": "return x @ torch.ones(7)",
    "a list that remembers": "LIST.append(1)\n    return len(LIST)",
    "a tensor that remembers": "T.add_(1)\n    return T",
    "a counter": "global COUNT\n    COUNT += 1\n    return COUNT",
    "a new global": "global NEW\n    NEW = globals().get('NEW', 0) + 1\n    return NEW",
    "a generator of random numbers": "return torch.rand(2, generator=GENERATOR)",
}
BEFORE = (
    "import numpy, torch\nLIST = []\nT = torch.zeros(2)\nCOUNT = 0\n"
    "GENERATOR = torch.Generator().manual_seed(3)\n"
)
WHOLE = {
    "a default that remembers": "def f(x, seen=[]):\n    seen.append(1)\n    return len(seen)",
    "a named default that remembers": "def f(x, *, s={}):\n    s[len(s)] = 1\n    return len(s)",
    "a closure that remembers": "def make():\n    n = [0]\n    def f(x):\n        n[0] += 1\n"
    "        return n[0]\n    return f\nf = make()",
    "a nonlocal counter": "def make():\n    n = 0\n    def f(x):\n        nonlocal n\n        n "
    "+= 1\n        return n\n    return f\nf = make()",
    "a helper that remembers": "def g(a=[]):\n    a.append(1)\n    return len(a)\ndef f(x):\n"
    "    return g()",
    "an attribute that remembers": "def f(x):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n",
    "an object that remembers": "class C: n = 0\nc = C()\ndef f(x):\n    c.n += 1\n    return c.n",
    "an optimiser that remembers": "W = torch.ones(2, requires_grad=True)\n"
    "optimizer = torch.optim.SGD([W], lr=0.1, momentum=0.9)\n"
    "def f(x):\n    optimizer.zero_grad()\n    (W * W).sum().backward()\n"
    "    optimizer.step()\n    return W",
    "not a function": "f = 3",
    "nothing of the name": "g = 3",
    "a class": "class f:\n    def __init__(self, x): pass",
    "a lambda": "f = lambda x: 2 * x",
    "partial": "import functools\ndef g(x, n): return n * x\nf = functools.partial(g, n=3)",
    "anything": "def f(*arguments, **options): return arguments",
    "too few parameters": "def f(): return 1",
}
SOURCES = {name: f"def f(x):\n    {body}" for name, body in CALLS.items()} | WHOLE


@pytest.fixture(scope="module")
def loaded(sandbox: Sandbox) -> Iterator[Any]:
    """Load a module behind the line: its functions as a check sees them there."""
    boxes = []

    def load(units: list[dict[str, str]], names: list[str]) -> Student:
        box = sandbox.open(Limits())
        boxes.append(box)
        return Student(Loaded.from_reply(box, box.load(units, names), names))

    yield load
    for box in boxes:
        box.close()


def both(
    loaded: Any, source: str, names: tuple[str, ...] = ("f",)
) -> tuple[kit_student.Student, Student]:
    """The functions of a module here and there."""
    namespace: dict[str, Any] = {"__name__": "submission"}
    exec(source, namespace)
    return kit_student.Student(namespace), loaded(
        [{"kind": "statements", "source": source, "label": ""}], list(names)
    )


def ended(call: Any) -> Any:
    """How a call of a check ended, in values that can be compared."""
    try:
        return seen(call())
    except (kit_student.Verdict, TheirVerdict) as verdict:
        message = "" if verdict.outcome == "died" else shared(str(verdict))
        return verdict.outcome, message, verdict.error_types


def seen(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (
            "tensor",
            type(value),
            value.dtype,
            value.requires_grad,
            value.shape,
            repr(value.tolist()),
        )
    if isinstance(value, Opaque | kit_values.Opaque):
        return "opaque", str(value).replace("__main__", "submission")
    if isinstance(value, kit_student.Call) or type(value).__name__ == "Call":
        return seen(value.value), seen(value.arguments)
    if isinstance(value, tuple | list):
        return type(value), [seen(item) for item in value]
    return type(value), repr(value)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_call_ends_alike_on_both_sides(loaded: Any, source: str) -> None:
    ours, theirs = both(loaded, BEFORE + source)
    A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    for make in (
        lambda student: student.call("f", A),
        lambda student: student.call("f", A),
        lambda student: student.seeded(5).f(A),
        lambda student: student.twice().call("f", A),
        lambda student: student.seeded(5).twice().f(A),
        lambda student: student.differentiate("f", A),
        lambda student: student.defaults("f"),
    ):
        assert ended(lambda: make(ours)) == ended(lambda: make(theirs))  # noqa: B023
    assert A.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]


def test_arguments_arrive_alike_on_both_sides(loaded: Any) -> None:
    source = (
        "def f(*a):\n    a[0].add_(1)\n    return [type(x).__name__ for x in "
        "a], a[1].sum(), a[0].is_contiguous()"
    )
    ours, theirs = both(loaded, source)
    A = torch.ones(2, 3, requires_grad=True)
    for arguments in (
        (A, A),
        (A.detach().T, A),
        (A, A, 3, 2.5, None, True, "text", torch.sin, (A, [1, 2]), [3] * 20),
    ):
        calls = [
            ended(functools.partial(student.call, "f", *arguments)) for student in (ours, theirs)
        ]
        assert calls[0] == calls[1]


@pytest.mark.parametrize(
    "body",
    [
        "return (a * a).sum() * n",
        "return b.detach()",
        "return float(a.sum())",
        "return a.sum(), b.sum()",
        "return a * a",
        "a.mul_(2)\n    return a.sum()",
        "c = a * 2\n    d = (c * c).sum()\n    c.add_(1)\n    return d",
        "torch.set_grad_enabled(False)\n    return a.sum()",
        "return (a * a).sum().to(torch.complex64)",
        "raise NotImplementedError",
    ],
)
def test_gradients_are_alike_on_both_sides(loaded: Any, body: str) -> None:
    ours, theirs = both(loaded, f"import torch\ndef f(a, n, b, *, c=None):\n    {body}")
    A, B = torch.tensor([1.0, 2.0]), torch.ones(2)
    for make in (
        lambda student: student.differentiate("f", A, 3, B),
        lambda student: student.twice().differentiate("f", A, 3, B, c=B),
        lambda student: student.differentiate("f", A, 3, torch.tensor([1, 2])),
    ):
        assert ended(lambda: make(ours)) == ended(lambda: make(theirs))  # noqa: B023


TIMED = """
import time
def timed(clock=time.perf_counter, form=lambda seconds, digits=2: f"{seconds:.{digits}f}"):
    def decorate(g):
        def inner(*a, **k):
            began = clock()
            try: return g(*a, **k)
            finally: form(clock() - began)
        return inner
    return decorate
@timed()
def f(a, lr=0.5): return a * lr
"""
HOLDS = """
class Holds:
    def __init__(self, g, log=print, form=str.format):
        self.log, self.form, self.g = log, lambda x, n=1: x, g
    def __call__(self, *a): return self.g(*a)
@Holds
def f(a, lr=0.5): return a * lr
"""
BEHIND = (TIMED, TIMED.replace("@timed()", "@timed()\n@timed(print)"), HOLDS)
SIGNATURES = {
    "plain": "def f(a, n=3, lr=0.5, name='x', *, on=True, none=None, tensor=[1]): pass",
    "numbers that are none": "def f(a=float('nan'), b=1e301, c=float('inf'), d=-1e301): pass",
    "numpy's": "import numpy\ndef f(a=numpy.float64(0.5), b=numpy.float32(0.5), "
    "c=numpy.int64(2)): pass",
    "behind a decorator": "def d(g):\n    def inner(*a, **k): return g(*a, **k)\n    return "
    "inner\n@d\ndef f(a, lr=0.5): pass",
    "behind three": "def d(g):\n    def inner(*a, **k): return g(*a, **k)\n    return "
    "inner\n@d\n@d\n@d\ndef f(a, lr=0.5): pass",
    "behind functools.wraps": "import functools\ndef d(g):\n    @functools.wraps(g)\n    def "
    "inner(*a): return g(*a)\n    return inner\n"
    "@d\ndef f(a, lr=0.5): pass",
    "a decorator that names one": "def d(g):\n    def h(a, **k): return g(a, **k)\n    return h\n"
    "@d\ndef f(a, lr=0.5): pass",
    "behind a decorator with options": BEHIND[0],
    "behind two of them": BEHIND[1],
    "behind an object with options": BEHIND[2],
    "behind something without parameters": "def d(g):\n    def h(): return g(1)\n    return h\n"
    "@d\ndef f(a, lr=0.5): pass",
    "anything": "def f(*a, **k): pass",
    "an object": "class C:\n    def __call__(self, a, lr=0.5): pass\nf = C()",
    "a builtin": "f = max",
    "torch's": "import torch\nf = torch.sin",
    "partial": "import functools\ndef g(a, lr=0.5, n=3): pass\nf = functools.partial(g, lr=0.1)",
    "many": f"def f({', '.join(f'a{i}={i}' for i in range(40))}): pass",
    "missing": "g = 1",
}


@pytest.mark.parametrize("source", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_defaults_are_alike_on_both_sides(loaded: Any, source: str) -> None:
    ours, theirs = both(loaded, source)
    mine, other = (
        ended(lambda student=student: list(student.defaults("f").items()))
        for student in (ours, theirs)
    )
    assert mine == other
    if source in BEHIND:
        assert ours.defaults("f") == {"a": None, "lr": 0.5}


# --- cells of every kind --------------------------------------------------------------------------

STUB = "def f(x):\n    raise NotImplementedError"
CELLS: dict[str, list[str]] = {
    "a solution": ["def f(x): return 2 * x"],
    "untouched": [],
    "assigned anew": [
        "def f(x): return 2 * x",
        "def twice(g):\n    return lambda x: 2 * g(x)",
        "f = twice(f)",
    ],
    "decorated anew by a foreign function": [
        "def f(x): return 2 * x",
        "import functools\nf = functools.partial(f)",
    ],
    "another name for it": ["def g(x): return 2 * x", "f = g"],
    "made by a function of its own": ["def make(n):\n    return lambda x: n * x", "f = make(2)"],
    "a value that a function uses": [
        "def g(x): return 2 * x",
        "THREE = g(1.5)",
        "def f(x): return THREE * x",
    ],
    "a number of the notebook": ["N = 2", "def f(x): return N * x"],
    "a number changed": ["N = 1", "N += 1", "def f(x): return N * x"],
    "defined in a branch": ["if True:\n    def f(x): return 2 * x\nelse:\n    f = None"],
    "a module that may be absent": [
        "try:\n    from nowhere import profile\nexcept ImportError:\n    def profile(g): return g",
        "@profile\ndef f(x): return 2 * x",
    ],
    "the last definition counts": ["def f(x): return x", "def f(x): return 2 * x"],
    "an error before the definition": ["print(undefined_name)\ndef f(x): return 2 * x"],
    "an error after the definition": ["def f(x): return 2 * x\nprint(undefined_name)"],
    "a guard": ['if __name__ == "__main__":\n    N = 2', "def f(x): return N * x"],
    "a class that says where it is from": [
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: 'int' = 2",
        "def f(x): return [C.__module__, __name__, repr(C())]",
    ],
    "no Python": ["def f(x:\n    return x"],
    "a local variable called check": [
        "def f(x):\n    check = 2\n    style = show = check\n    return show * x"
    ],
    "check in a solution": ["def f(x): return 2 * x\ncheck('f')"],
    "show and display": [
        "def f(x): return 2 * x\ndisplay(f)\nshow(None, 'nothing')\nresult = style()"
    ],
    "display in the function": ["def f(x):\n    display(x)\n    return 2 * x"],
    "magic lines": ["%matplotlib inline\n!ls\ndef f(x): return 2 * x"],
    "magics that give something": [
        "files = !ls\ntaken = %timeit -o -n1 sum(range(9))\nTWO = %time 1 + 1\n%time N = 3",
        "%matplotlib inline\nKEPT = (7\n    % 4)\ntorch.dot?\n?torch.dot\n",
        "def f(x): return x * TWO * N * KEPT + len(files)",
    ],
    "a table that a loop fills": [
        "SQUARES = {}\nfor i in range(4):\n    SQUARES[i] = i * i",
        "ODD = []\ni = 0\nwhile len(ODD) < 2:\n    ODD.append(2 * i + 1)\n    i += 1",
        "def f(x): return x * SQUARES[3] * ODD[1]",
    ],
    "a table that statements fill": [
        "class Settings: pass",
        "TABLE, NAMES = {}, [1]\nTABLE.update(a=2)\nNAMES.append(3)\nsetattr(Settings, 'n', 5)",
        "Settings.m = 7",
        "def f(x): return x * TABLE['a'] * NAMES[1] * Settings.n * Settings.m",
    ],
    "settings of torch in a cell": [
        "torch.set_default_dtype(torch.float64)",
        "def f(x): return torch.ones(2)",
    ],
    "timed": ["%%time\ndef f(x): return 2 * x"],
    "written to a file": ["%%writefile f.py\ndef f(x): return 2 * x"],
    "another language": ["%%bash\necho f", "def f(x): return 2 * x"],
    "from conftest in the function's cell": [
        "from conftest import check\ndef f(x): return 2 * x\ncheck('f')"
    ],
    "double precision": ["torch.set_default_dtype(torch.float64)\ndef f(x): return torch.rand(2)"],
    "a dataclass": [
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 2",
        "def f(x): return C().n * x",
    ],
    "leaves at once": ["raise SystemExit", "def f(x): return 2 * x"],
}


LENIENT = {
    "an error before the definition"
}  # the kit runs of such a cell only what defines something


@pytest.mark.parametrize(
    ("cells", "solution"),
    [pytest.param(cells, True, id=f"{name}, in a solution cell") for name, cells in CELLS.items()]
    + [
        pytest.param(cells, False, id=f"{name}, in a cell of one's own")
        for name, cells in CELLS.items()
        if name not in LENIENT
    ],
)
def test_every_notebook_defines_the_same_on_both_sides(
    loaded: Any, tmp_path: Path, cells: list[str], solution: bool
) -> None:
    sources = ["import torch\nfrom conftest import check, show, style", STUB, *cells]
    marks = [
        {"tags": ["setup"]},
        {"nbgrader": {"solution": True}},
        *[{"nbgrader": {"solution": solution}} for _ in cells],
    ]
    parts = [
        {"cell_type": "code", "metadata": mark, "source": source}
        for mark, source in zip(marks, sources, strict=True)
    ]
    (tmp_path / "notebook.ipynb").write_text(json.dumps({"cells": parts}), encoding="utf-8")
    with kit_student.clean_state():
        namespace = kit_notebook.load(tmp_path / "notebook.ipynb", ["f"])
    units = [
        {"kind": "cell", "source": source, "label": str(number)}
        for number, source in enumerate(sources, start=1)
    ]
    ours, theirs = kit_student.Student(namespace), loaded(units, ["f"])
    A = torch.tensor([1.0, 2.0])
    assert ended(lambda: ours.f(A)) == ended(lambda: theirs.f(A))


MODULES = {
    "as Colab exports a notebook": '"""x.ipynb"""\n\n!pip install torch\n# %matplotlib inline\n'
    "%cd /content\nimport torch\ndef f(x): return 2 * x",
    "values that only IPython gives": "files = !ls\nTWO = %time 1 + 1\n%time N = 3\n"
    "def g(x): return x\ndef f(x): return [name in globals() for name in ('files', 'TWO', 'N')]",
    "a guard": 'N = 1\nif __name__ == "__main__":\n    N = 2\ndef f(x): return N * x',
}


@pytest.mark.parametrize("source", MODULES.values(), ids=MODULES.keys())
def test_every_module_defines_the_same_on_both_sides(
    loaded: Any, tmp_path: Path, source: str
) -> None:
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    with kit_student.clean_state():
        ours = kit_student.Student(kit_notebook.load(tmp_path / "module.py", ["f"]))
    theirs = loaded([{"kind": "statements", "source": source, "label": ""}], ["f"])
    A = torch.tensor([1.0, 2.0])
    assert ended(lambda: ours.f(A)) == ended(lambda: theirs.f(A))
    assert ended(lambda: ours.f(A))[0] != "missing"
