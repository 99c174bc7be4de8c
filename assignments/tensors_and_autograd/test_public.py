"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


def named(value, ways):
    """What a wrong value looks like, where it can be recognised. ways: {what it looks like: the value}"""
    for what, known in ways.items():
        known = torch.as_tensor(known, dtype=torch.float64)
        if known.shape == value.shape and torch.allclose(value, known, atol=1e-4):
            return f"; it looks as if it were {what}"
    return ""


# --- dot --------------------------------------------------------------------------------------------------------------


def product(result, call):
    """The result of a call of dot as a float64 tensor; fails in words where it is none without dimensions."""
    assert isinstance(result, torch.Tensor), (
        f"{call} returned a {type(result).__name__}; expected a torch.Tensor"
    )
    assert result.shape == (), (
        f"{call} returned a tensor of shape {tuple(result.shape)}; expected shape ()"
    )
    assert not result.is_complex(), f"{call} returned a complex number; expected a real one"
    return result.detach().double()


@pytest.mark.task("dot")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Work it out on paper: 1·4 + 2·(−5) + 3·6. The result is one number, as a tensor without dimensions."
)
def test_dot_of_two_short_vectors(student):
    """dot gives the 0-d tensor 12 for (1, 2, 3) and (4, −5, 6), and −2 for two vectors of length 5."""
    for a, b, expected in (
        ([1, 2, 3], [4, -5, 6], 12),
        ([0.5, 0, -2, 4, 1], [2, 7, 3, 0.25, 2], -2),
    ):
        call = f"dot(tensor({a}), tensor({b}))"
        a, b = torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)
        value = product(student.dot(a, b), call)
        products = (a * b).double()
        ways = {
            "the mean of the products": products.mean(),
            "the sum without any minus sign": products.abs().sum(),
            "the sum without the last product": products[:-1].sum(),
            "the sum of the first three products": products[:3].sum(),
            "the cosine of the angle": expected / (a.norm() * b.norm()).double(),
        }
        right = abs(float(value) - expected) < 1e-4
        assert right, f"{call} returned {float(value):g}; expected {expected}{named(value, ways)}"


@pytest.mark.task("dot")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Is the value right? Then: `a * b` is a new tensor, but `a *= b`, `a.mul_(b)` and `a[i] = …` change the caller's a."
)
def test_dot_does_not_change_the_vectors(student):
    """dot gives 12 once more, and does not change the two vectors that it was given."""
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, -5.0, 6.0])
    call = student.call("dot", a, b)
    name = "dot(a, b) with a = tensor([1, 2, 3]) and b = tensor([4, -5, 6])"
    value = float(product(call.value, name))
    assert abs(value - 12) < 1e-4, f"{name} returned {value:g}; expected 12"
    for letter, before, after in zip("ab", (a, b), call.arguments, strict=True):
        same = isinstance(after, torch.Tensor) and torch.equal(
            after.detach().to(before.dtype), before
        )
        left = after.detach().tolist() if isinstance(after, torch.Tensor) else after
        assert same, (
            f"{name} left {letter} as {left}; expected {letter} unchanged, {before.tolist()}"
        )


# --- partial_derivatives ----------------------------------------------------------------------------------------------


def partials(student, x, y):
    """(call, dz_dx, dz_dy): the two results of a call as floats; fails in words where they are none."""
    result = student.partial_derivatives(x, y)
    call = f"partial_derivatives({x}, {y})"
    assert isinstance(result, tuple | list), (
        f"{call} returned a {type(result).__name__}; expected (dz_dx, dz_dy)"
    )
    assert len(result) == 2, f"{call} returned {len(result)} results; expected 2: dz_dx and dz_dy"
    numbers = []
    for name, value in zip(("dz_dx", "dz_dy"), result, strict=True):
        empty = "; its .grad was never filled" if value is None else ""
        number = isinstance(value, int | float) and abs(value) < 1e300
        tensor = isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_complex()
        what = f"{call} returned {said(value)} for {name}; expected a number or a tensor with one element"
        assert number or tensor, what + empty
        numbers.append(float(value.detach() if isinstance(value, torch.Tensor) else value))
    return call, *numbers


def said(value):
    """What a result is, in a few words."""
    if isinstance(value, int | float):
        return "a number that is not finite"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def near(value, expected):
    return abs(value - expected) <= 1e-4 * max(abs(expected), 100)


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "On paper: to differentiate with respect to one variable, treat the other one as a constant."
)
def test_partials_at_three_and_two(student):
    """partial_derivatives gives 32 and 240 at x = 3, y = 2."""
    call, dz_dx, dz_dy = partials(student, 3.0, 2.0)
    ways = {
        "the right two in the other order": (240, 32),
        "twice the right values: backward adds to the .grad that it finds": (64, 480),
        "5·x·y⁵ for dz_dy, the power before differentiating": (32, 480),
        "the derivatives of (x·y)⁵, the power of the whole product": (12960, 19440),
    }
    way = named(torch.tensor([dz_dx, dz_dy], dtype=torch.float64), ways)
    for name, value, expected in (("dz_dx", dz_dx, 32), ("dz_dy", dz_dy, 240)):
        assert near(value, expected), (
            f"{call} returned {name} = {value:g}; expected {expected}{way}"
        )


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "All that your function knows of the point must come from its arguments, and no gradient from the call before."
)
def test_partials_at_two_other_points(student):
    """partial_derivatives gives 16807 and 36015 at x = 3, y = 7, and −32 and 40 at x = 0.5, y = −2, each time."""
    for x, y, expected in ((3.0, 7.0, (16807, 36015)), (0.5, -2.0, (-32, 40))):
        call, *first = partials(student, x, y)
        second = partials(student, x, y)[1:]
        for name, value, again, right in zip(
            ("dz_dx", "dz_dy"), first, second, expected, strict=True
        ):
            kept = f"{call} returned {name} = {value:g}, and the same call once more {again:g}"
            assert near(value, again), (
                f"{kept}: a .grad outlives the call, and the next call adds to it"
            )
            assert near(value, right), f"{call} returned {name} = {value:g}; expected {right}"


# --- elementwise_derivative -------------------------------------------------------------------------------------------


def derivative(result, length, call):
    """The result of elementwise_derivative in float64; fails in words where it is no vector of this length."""
    empty = (
        "; the .grad of a tensor that is no leaf, or that no path leads to, is None"
        if result is None
        else ""
    )
    what = f"{call} returned a {type(result).__name__}; expected a torch.Tensor{empty}"
    assert isinstance(result, torch.Tensor), what
    shape = tuple(result.shape)
    assert shape == (length,), (
        f"{call} returned a tensor of shape {shape}; expected shape {(length,)}, one for each element"
    )
    result = result.detach()
    assert not result.is_complex(), f"{call} returned complex numbers; expected real ones"
    assert bool(torch.isfinite(result).all()), f"{call} returned nan or infinite values"
    return result.double()


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "The derivative of sin is cos: draw your result on top of torch.cos(x) and look at where they part."
)
def test_derivative_of_sin_is_cos(student, picture):
    """elementwise_derivative(torch.sin, x) is cos(x) at every point of a grid."""
    x = torch.linspace(-3.0, 3.0, 13)
    call = "elementwise_derivative(torch.sin, x) with x of shape (13,)"
    value = derivative(student.elementwise_derivative(torch.sin, x.clone()), 13, call)
    cosine = torch.cos(x.double())
    picture.compare(yours=value, expected=cosine, name="elementwise_derivative(torch.sin, x)")
    first = torch.zeros(13, dtype=torch.float64)
    first[0] = cosine[0]
    ways = {
        "sin(x) itself": torch.sin(x.double()),
        "−sin(x), one derivative too many": -torch.sin(x.double()),
        "cos(x) / 13: x has 13 elements": cosine / 13,
        "x·cos(x)": x.double() * cosine,
        "the derivative of the first value alone, and 0 for the others": first,
        "cos(x) added up from the first element on: .grad grows from element to element": cosine.cumsum(
            0
        ),
    }
    gap = float((value - cosine).abs().max())
    assert gap < 1e-4, f"{call} differs from cos(x) by up to {gap:.2g}{named(value, ways)}"


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Another function must give another derivative: where does your code call the f of its argument?"
)
def test_derivative_of_tanh(student, picture):
    """elementwise_derivative(torch.tanh, x) is 1 − tanh²(x), at points in any order."""
    x = torch.tensor([0.5, -1.0, 2.0, 0.0, -0.25])
    call = "elementwise_derivative(torch.tanh, tensor([0.5, -1, 2, 0, -0.25]))"
    value = derivative(student.elementwise_derivative(torch.tanh, x.clone()), 5, call)
    expected = 1 - torch.tanh(x.double()) ** 2
    picture.compare(yours=value, expected=expected, name="elementwise_derivative(torch.tanh, x)")
    ways = {
        "cos(x), the derivative of another function": torch.cos(x.double()),
        "tanh(x) itself": torch.tanh(x.double()),
    }
    gap = float((value - expected).abs().max())
    assert gap < 1e-4, f"{call} differs from 1 − tanh²(x) by up to {gap:.2g}{named(value, ways)}"


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Are the slopes right? Then: to know a slope is not to walk down it, and no value of x has to change for that."
)
def test_derivative_does_not_change_x(student):
    """elementwise_derivative(torch.square, x) is 2x, and does not change the values of x."""
    x = torch.tensor([1.0, -2.0, 3.0])
    call = student.call("elementwise_derivative", torch.square, x)
    name = "elementwise_derivative(torch.square, x) with x = tensor([1, -2, 3])"
    value = derivative(call.value, 3, name)
    gap = float((value - 2 * x.double()).abs().max())
    assert gap < 1e-4, f"{name} differs from 2x by up to {gap:.2g}"
    after = call.arguments[-1]
    same = isinstance(after, torch.Tensor) and torch.equal(after.detach().to(x.dtype), x)
    left = after.detach().tolist() if isinstance(after, torch.Tensor) else after
    assert same, f"{name} left x as {left}; expected x unchanged"
