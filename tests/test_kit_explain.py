"""What torch says, and what a failing check makes of it: each message is raised by real torch."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
import torch
from conftest import ROOT

from autograder.authoring.student_kit import kit_explain, kit_student
from autograder.authoring.student_kit.kit_explain import ANSWERED, RAISED, explain

GUIDE = (ROOT / "docs" / "student-guide.md").read_text(encoding="utf-8")
MEANING = {explanation.name: explanation.means for explanation in (*RAISED, *ANSWERED)}

SAYS = {
    "the stub's last line": [
        "x = x.abs()\n    raise NotImplementedError('this function is not written yet')",
    ],
    "a leaf changed in place": [
        "X = torch.rand(2, requires_grad=True)\n    X -= 0.1",
        "X = torch.rand(2, 2, requires_grad=True)\n    X[0] -= 0.1",
        "X = torch.rand(2, requires_grad=True)\n    X.add_(1)",
    ],
    "nothing to differentiate": [
        "torch.rand(2).sum().backward()",
        "X = torch.rand(2, requires_grad=True)\n    with torch.no_grad():\n"
        "        loss = (X * X).sum()\n    loss.backward()",
        "X = torch.rand(2, requires_grad=True)\n    torch.tensor((X * X).sum().item()).backward()",
        "X = torch.rand(2, requires_grad=True)\n    (X * X).sum().item().backward()",
        "torch.autograd.grad(torch.rand(2, requires_grad=True).sum(), torch.rand(2))",
        "X, Y = torch.rand(2, requires_grad=True), torch.rand(2, "
        "requires_grad=True)\n    torch.autograd.grad(X.sum(), Y)",
    ],
    "not one number": [
        "X = torch.rand(2, requires_grad=True)\n    (X * X).backward()",
        "X = torch.rand(2, requires_grad=True)\n    torch.autograd.grad(X * X, X)",
    ],
    "no gradient there": [
        "torch.rand(2, requires_grad=True).grad.zero_()",
        "X = torch.rand(2, requires_grad=True)\n    (X * X).sum().backward()\n"
        "    X = X - 0.1 * X.grad\n    X.grad.zero_()",
    ],
    "None where a value is needed": [
        "X = torch.rand(2, requires_grad=True)\n    g = X.grad\n    return X - 0.1 * g",
        "return x - print()",
        "return print() * 0.1",
        "return print().sum()",
        "return print()[0]",
        "return print()(x)",
        "for step in print(): pass",
        "U, V = print()",
        "return torch.dot(x, print())",
    ],
    "backward a second time": [
        "X = torch.rand(2, requires_grad=True)\n    loss = (X * X).sum()\n"
        "    loss.backward()\n    loss.backward()",
    ],
    "changed before its gradient was taken": [
        "X = torch.rand(2, 2, requires_grad=True)\n    Y = torch.rand(2, 2, "
        "requires_grad=True)\n    loss = (X @ Y).sum()\n"
        "    with torch.no_grad():\n        X -= 0.1\n        Y -= 0.1\n    loss.backward()",
        "X = torch.rand(2, requires_grad=True)\n    Y = 2 * X\n    loss "
        "= (Y * Y).sum()\n    Y += 1\n    loss.backward()",
    ],
    "matrices that cannot be multiplied": [
        "return torch.rand(2, 3) @ torch.rand(2, 3)",
        "return torch.mm(torch.rand(2, 3), torch.rand(2, 3))",
        "return torch.rand(2, 3) @ torch.rand(2)",
        "return torch.rand(2) @ torch.rand(3, 2)",
        "return torch.rand(2) @ torch.rand(3)",
        "return torch.dot(torch.rand(2, 2), torch.rand(2, 2))",
        "return torch.rand(2, 2, 3) @ torch.rand(2, 2, 3)",
    ],
    "shapes that do not fit": [
        "return torch.rand(2, 3) - torch.rand(3, 2)",
        "X = torch.rand(2, 2)\n    X[0] = torch.rand(3)",
        "return torch.rand(2).expand(3)",
        "return torch.cat([torch.rand(2, 3), torch.rand(2, 2)])",
        "return torch.stack([torch.rand(2), torch.rand(3)])",
        "return torch.rand(3).view(2, 2)",
        "X = torch.rand(2)\n    X += torch.rand(2, 2)",
        "return torch.linalg.inv(torch.rand(2, 3))",
    ],
    "no power": ["return x^5", "return 2.0^5"],
    "two kinds of numbers": [
        "return torch.rand(2, 2) @ torch.rand(2, 2).double()",
        "return torch.rand(2, 2) @ torch.ones(2, 2).long()",
        "return torch.dot(torch.rand(2), torch.rand(2).double())",
        "return torch.rand(2, 2) @ torch.rand(2).double()",
        "X = torch.ones(2).long()\n    X -= 0.5",
        "return torch.ones(2).long().requires_grad_()",
        "return torch.tensor([1, 2], requires_grad=True)",
        "return torch.ones(2).long().mean()",
        "return torch.linalg.svd(torch.ones(2, 2).long())",
    ],
    "the descent diverged": [
        "return torch.linalg.svd(torch.full((2, 2), torch.nan))",
        "loss = 10.0\n    for _ in range(100):\n        loss = loss**2",
    ],
    "no such element": [
        "return torch.rand(3)[3]",
        "return torch.rand(3, 2)[0, 2]",
        "return [1][1]",
        "return torch.rand(3)[0, 0]",
        "return torch.rand(())[0]",
    ],
    "no value yet": ["if x is None:\n        q = 1\n    return q"],
    "an unknown name": ["return undefined_name", "return numpy.ones(2)"],
    "more than one number": [
        "return torch.rand(2).item()",
        "return float(torch.rand(2))",
        "return 1 if torch.rand(2) > 0 else 2",
    ],
    "a tensor that torch still follows": ["return torch.rand(2, requires_grad=True).numpy()"],
    "an optimiser without its tensors": [
        "return torch.optim.SGD([2 * torch.rand(2, requires_grad=True)], lr=0.1)",
        "return torch.optim.SGD([], lr=0.1)",
        "return torch.optim.SGD(torch.rand(2, requires_grad=True), lr=0.1)",
        "return torch.optim.SGD([1.0], lr=0.1)",
    ],
    "a number and no tensor": ["return float(x.sum()).item()", "return (2).detach()"],
    "no such method": [
        "return torch.rand(2).astype(float)",
        "return torch.rand(2).summ()",
        "return torch.matmull(x, x)",
    ],
}
CASES = [
    pytest.param(name, source, id=f"{name}-{place}")
    for name, all_of in SAYS.items()
    for place, source in enumerate(all_of)
]

ELSEWHERE = [  # as other versions of torch and of Python, and other machines, word it
    ("no graphics card", "AssertionError: Torch not compiled with CUDA enabled (line 4: X.cuda())"),
    ("no graphics card", "RuntimeError: Found no NVIDIA driver on your system. Please check"),
    ("no graphics card", "RuntimeError: No CUDA GPUs are available"),
    (
        "a leaf changed in place",
        "RuntimeError: a leaf Variable that requires grad has been used in an in-place operation.",
    ),
    (
        "nothing to differentiate",
        "RuntimeError: One of the differentiated Tensors appears to not have "
        "been used in the graph.",
    ),
    (
        "no gradient there",
        "TypeError: unsupported operand type(s) for *: 'float' and 'NoneType' "
        "(line 7: X -= lr * X.grad)",
    ),
    (
        "no gradient there",
        "TypeError: unsupported operand type(s) for -: 'Tensor' and 'NoneType' "
        "(<cell 3> line 7: X = X - X.grad)",
    ),
    (
        "None where a value is needed",
        "TypeError: unsupported operand type(s) for -: 'Tensor' and 'NoneType' "
        "(line 9: e = A[r, c] - predict(U[r], V[c]))",
    ),
    (
        "backward a second time",
        "RuntimeError: Trying to backward through the graph a second time, but "
        "the saved intermediate results"
        " have already been freed.",
    ),
    ("matrices that cannot be multiplied", "RuntimeError: mat1 dim 1 must match mat2 dim 0"),
    (
        "matrices that cannot be multiplied",
        "RuntimeError: size mismatch, m1: [2 x 3], m2: [2 x 3] at ../aten/src/TH/generic",
    ),
    ("two kinds of numbers", "RuntimeError: expected scalar type Float but found Double"),
    ("two kinds of numbers", "RuntimeError: mat1 and mat2 must have the same dtype"),
    (
        "two kinds of numbers",
        "RuntimeError: dot : expected both vectors to have same dtype, but found Double and Float",
    ),
    ("two kinds of numbers", "RuntimeError: \"addmm_impl_cpu_\" not implemented for 'Half'"),
    ("two kinds of numbers", "RuntimeError: Found dtype Double but expected Float"),
    ("no value yet", "UnboundLocalError: local variable 'q' referenced before assignment"),
    (
        "more than one number",
        "ValueError: only one element tensors can be converted to Python scalars",
    ),
]

SIGNATURES = {
    "def f(x): pass": {"momentum": 0.9},
    "def f(x, y): pass": {},
    "def f(): pass": {},
    "def f(A, x=None): pass": {"A": 1},
    "def f(x, y=1, z=2): pass": {"w": 1},
}


def said(source: str, **options: Any) -> str:
    """What a check says of a call that raises."""
    namespace: dict[str, Any] = {}
    exec(f"import torch\n{source}", namespace)
    with warnings.catch_warnings(action="ignore"), pytest.raises(kit_student.Verdict) as caught:
        kit_student.Student(namespace).f(torch.ones(2), **options)
    return str(caught.value)


@pytest.mark.parametrize(("name", "source"), CASES)
def test_what_torch_says_is_explained(name: str, source: str) -> None:
    message = said(f"def f(x):\n    {source}")
    assert explain(message, raised=True) == MEANING[name], message


@pytest.mark.parametrize(("name", "message"), ELSEWHERE)
def test_what_other_versions_say_is_explained(name: str, message: str) -> None:
    assert explain(f"f raised {message}", raised=True) == MEANING[name]


@pytest.mark.parametrize(("source", "options"), SIGNATURES.items())
def test_a_changed_signature_is_explained(source: str, options: dict[str, Any]) -> None:
    assert explain(said(source, **options), raised=True) == MEANING["a changed signature"]


def test_a_function_that_is_not_there_is_explained() -> None:
    with pytest.raises(kit_student.Verdict) as caught:
        kit_student.Student({}).f(torch.ones(2))
    for message in (str(caught.value), "f is not defined: cell 21, line 1: SyntaxError: invalid"):
        assert explain(message, raised=True) == MEANING["no function"]


def test_another_functions_signature_is_none_of_ours() -> None:
    assert explain(said("def g(): pass\ndef f(x): g(1)"), raised=True) == ""


@pytest.mark.parametrize(
    "message", ["f raised ValueError: not square", "f raised ZeroDivisionError: division by zero"]
)
def test_what_is_not_known_is_left_to_the_checks_own_hint(message: str) -> None:
    assert explain(message, raised=True) == ""


@pytest.mark.parametrize(
    "message",
    [
        f"f(A) differs by up to {float('nan'):.2g}; expected less than 0.01",
        f"the loss went from 3.1 to {float('nan')}; expected less than half",
        "largest difference nan, at most 1e-04 allowed",
        "the loss ends at nan",
    ],
)
def test_a_difference_that_is_no_number_is_explained(message: str) -> None:
    assert explain(message, raised=False) == MEANING["off by nan"]


@pytest.mark.parametrize(
    "message",
    [
        "what A holds where M is 0, NaN included, changed the result",
        "the descent diverged: the loss is nan from iteration 7 on",
        "f(A) returned 3; expected 4: one banana",
        "f([[2.0, nan], [nan, 0.0]], M, rank=1) never changed row 0 of V",
        "f([[2.0, nan]], M) returned U = [[0.5]]; expected [[0.6]]",
        "the second loss that f(M, lr=1000) records is nan; expected the same",
        "size mismatch of what a check says itself",
    ],
)
def test_a_check_that_says_it_keeps_its_hint(message: str) -> None:
    assert explain(message, raised=False) == ""


def test_every_explanation_is_met_and_in_the_student_guide() -> None:
    assert {
        *SAYS,
        "no function",
        "no graphics card",
        "a changed signature",
        "off by nan",
    } == MEANING.keys()
    words = " ".join(GUIDE.split())
    for name, means in MEANING.items():
        assert f"| {name} | {means} |" in words, (
            f"docs/student-guide.md lacks: | {name} | {means} |"
        )


def test_every_pattern_is_met_by_a_message_of_this_file() -> None:
    messages = [said(f"def f(x):\n    {source}") for sources in SAYS.values() for source in sources]
    messages += [f"f raised {message}" for _, message in ELSEWHERE] + [
        said(source, **kw) for source, kw in SIGNATURES.items()
    ]
    messages.append("f is not defined")
    for explanation in kit_explain.RAISED:
        for pattern in explanation.says:
            assert any(re.search(pattern, message) for message in messages), (
                f"{explanation.name}: {pattern}"
            )
