"""Hidden checks of `tensors_and_autograd`. What each tolerance is worth: design.md."""

import math

import pytest
import torch

from autograder.vocabulary import (
    TorchFunction,
    close,
    expect,
    items,
    matrix,
    number,
    scalar,
    unchanged,
)

# The yardsticks: derivatives by formula, in float64, in this process.
DERIVATIVES = {
    "cos": lambda x: -torch.sin(x),
    "exp": torch.exp,
    "expm1": torch.exp,
    "log": lambda x: 1 / x,
    "sqrt": lambda x: 0.5 / torch.sqrt(x),
    "erf": lambda x: 2 / math.sqrt(math.pi) * torch.exp(-(x**2)),
    "sigmoid": lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x)),
    "atan": lambda x: 1 / (1 + x**2),
    "cosh": torch.sinh,
    "square": lambda x: 2 * x,
}
NEAR = 1e-5  # of the value where that is above 1; partial derivatives get ten times as much, because fifth powers round more


# --- dot --------------------------------------------------------------------------------------------------------------


def vectors(draw, length, negative=0):
    """Two vectors of entries near 1, of which the first has `negative` entries near −1 at random places."""
    a, b = draw.uniform(length, low=0.8, high=1.2), draw.uniform(length, low=0.8, high=1.2)
    signs = torch.ones(length)
    signs[draw.integer(0, length - negative + 1) :][:negative] = -1
    return a * signs, b


def uneven(draw, length):
    """Two vectors of entries of both signs, in each a large one, a small one and, in the middle of the first, a zero."""
    pair = []
    for _ in range(2):
        signs = (1 - 2 * (draw.uniform(length) < 0.5).float()).roll(draw.integer(0, length))
        entries = signs * draw.uniform(length, low=0.5, high=1.5)
        large, small = draw.uniform(length).argsort()[:2].tolist()
        entries[large], entries[small] = 20 * entries[large], entries[small] / 100
        pair.append(entries)
    pair[0][length // 2] = 0.0
    return pair


def telling(pair):
    """Whether the dot product is far from nothing, from that of the absolute values, and from what a part of the vectors gives."""
    products = pair[0].double() * pair[1].double()
    size, total, half = float(products.abs().sum()), float(products.sum()), len(products) // 2
    parts = (products[:half].sum(), products[half:].sum(), products[0], products[-1])
    return (
        0.2 * size < abs(total) < 0.9 * size
        and min(abs(float(part)) for part in parts) > 1e-3 * size
    )


def right_dot(value, a, b, least=1.0):
    """Fail unless `value` is a·b, measured by the sum of the absolute products, `least` at least."""
    call = f"dot(a, b) on vectors of length {len(a)}"
    got = scalar(value, f"{call} returned")
    size = max(least, float(a.double().abs() @ b.double().abs()))  # what rounding is measured by
    what = f"{call} returned {got:g}, which is not their dot product"
    close(got / size, float(a.double() @ b.double()) / size, NEAR, what)


@pytest.mark.task("dot")
@pytest.mark.points(2)
@pytest.mark.hint("Every pair of elements counts once, whatever the length: multiply, then add up.")
def test_dot_of_vectors_of_any_length(student, draw):
    """dot is the sum of the products of the elements, zeros among them, for vectors of any length,
    and of large and small entries.
    """
    for length in (7, draw.integer(20, 40)):
        a, b = draw.until(lambda length=length: uneven(draw, length), telling)
        right_dot(student.dot(a, b), a, b)
    right_dot(student.dot(torch.zeros(3), b[:3]), torch.zeros(3), b[:3])
    for length, size in ((draw.integer(300, 500), 1e3), (6, 1e-3)):
        a, b = (size * one for one in vectors(draw, length, negative=length // 5))
        right_dot(student.dot(a, b), a, b, least=0.0)


@pytest.mark.task("dot")
@pytest.mark.points(1)
@pytest.mark.hint(
    "A vector of one element is still a vector, and its dot product still has no dimension."
)
def test_dot_of_vectors_of_length_one(student, draw):
    """dot of two vectors of length 1 is the product of their elements, as a 0-d tensor."""
    a, b = draw.uniform(1, low=1.5, high=2.5), draw.uniform(1, low=1.5, high=2.5)
    right_dot(student.dot(a, b), a, b)


@pytest.mark.task("dot")
@pytest.mark.points(1)
@pytest.mark.hint("What should come out for two vectors that point in opposite directions?")
def test_dot_of_opposed_vectors_is_negative(student, draw):
    """dot is negative for two vectors that point in opposite directions."""
    a, b = vectors(draw, 6, negative=6)
    right_dot(student.dot(a, b), a, b)


@pytest.mark.task("dot")
@pytest.mark.points(1)
@pytest.mark.hint(
    "An operator such as `*=`, or a method whose name ends in `_`, writes into the tensor that you were given."
)
def test_dot_leaves_its_arguments_alone(student, draw):
    """dot gives the right result and leaves both vectors as they were."""
    a, b = vectors(draw, 5, negative=1)
    call = student.twice().call("dot", a, b)
    right_dot(call.value, a, b)
    unchanged(call, a, b)


# --- partial_derivatives ----------------------------------------------------------------------------------------------


def partials(student, x, y, where):
    """(call, dz_dx, dz_dy) of the student's function, as floats."""
    call = f"partial_derivatives(x, y) at {where}"
    dz_dx, dz_dy = items(student.partial_derivatives(x, y), 2, f"{call} (dz_dx, dz_dy)")
    return call, number(dz_dx, f"{call} returned dz_dx"), number(dz_dy, f"{call} returned dz_dy")


def point(draw):
    """Positive x and y, neither close to 1, where all five candidates of a mix-up differ."""
    return draw.number(1.6, 2.4), draw.number(1.2, 1.5)


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1.5)
@pytest.mark.hint("For dz/dx, y⁵ is a constant factor. Which tensor's .grad holds it?")
def test_first_partial_is_dz_dx(student, draw):
    """The first result of partial_derivatives is dz/dx, wherever it is asked for."""
    for _ in range(2):
        x, y = point(draw)
        call, got, _ = partials(student, x, y, "a random point")
        close(
            got, y**5, 10 * NEAR, f"{call}: dz_dx is not the derivative of x·y⁵ with respect to x"
        )


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1.5)
@pytest.mark.hint("For dz/dy, x is a constant factor. Is z computed from the x and y of the call?")
def test_second_partial_is_dz_dy(student, draw):
    """The second result of partial_derivatives is dz/dy, wherever it is asked for."""
    for _ in range(2):
        x, y = point(draw)
        call, _, got = partials(student, x, y, "a random point")
        close(
            got,
            5 * x * y**4,
            10 * NEAR,
            f"{call}: dz_dy is not the derivative of x·y⁵ with respect to y",
        )


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1)
@pytest.mark.hint("Mind the signs: an odd power keeps the sign of y, an even one loses it.")
def test_partials_at_a_negative_point(student, draw):
    """partial_derivatives is right where x and y are negative, large and small values among them."""
    near = tuple(-value for value in point(draw))
    high, low = (near[0], 20 * near[1]), (-draw.number(200, 300), near[1] / 10000)
    for (x, y), where in (
        (high, "x below 0 and y far below 0"),
        (low, "x far below 0 and y just below 0"),
    ):
        call, dz_dx, dz_dy = partials(student, x, y, f"a point with {where}")
        for name, got, exact in (("dz_dx", dz_dx, y**5), ("dz_dy", dz_dy, 5 * x * y**4)):
            close(
                got / exact, 1.0, 10 * NEAR, f"{call}: {name}, divided by the right value, is not 1"
            )


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1)
@pytest.mark.hint(
    "x·y⁵ is a polynomial: it has derivatives everywhere, so nothing may be divided by x or by y."
)
def test_partials_where_x_or_y_is_zero(student, draw):
    """partial_derivatives is right on the axes, where x or y is 0."""
    other = draw.number(1.2, 1.5)
    for x, y, where in ((0.0, other, "a point with x = 0"), (other, 0.0, "a point with y = 0")):
        call, dz_dx, dz_dy = partials(student, x, y, where)
        close(dz_dx, y**5, 10 * NEAR, f"{call}: dz_dx is wrong")
        close(dz_dy, 5 * x * y**4, 10 * NEAR, f"{call}: dz_dy is wrong")


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Where do the leaves and their .grad live: inside the function, or outside, where they stay when it is done?"
)
def test_partials_of_a_second_call(student, draw):
    """partial_derivatives gives the same when it is called a second time."""
    x, y = point(draw)
    call, dz_dx, dz_dy = partials(student.twice(), x, y, "the same point as the call before it")
    close(dz_dx, y**5, 10 * NEAR, f"{call}: dz_dx is wrong")
    close(dz_dy, 5 * x * y**4, 10 * NEAR, f"{call}: dz_dy is wrong")


# --- elementwise_derivative -------------------------------------------------------------------------------------------


def right_derivative(value, name, x):
    call = f"elementwise_derivative(torch.{name}, x) with x of shape {tuple(x.shape)}"
    got, exact = matrix(value, x.shape, f"{call} returned"), DERIVATIVES[name](x.double())
    size = exact.abs().clamp(min=1.0)
    close(
        got / size,
        exact / size,
        NEAR,
        f"{call} is not the derivative of torch.{name} at every element",
    )
    return got


def points(draw, length):
    """`length` points from 0.3 to 1.7, none close to another, in no order."""
    places = torch.linspace(0.3, 1.7, length) + draw.uniform(length, low=-0.02, high=0.02)
    order = sorted(range(1, length), key=lambda _: draw.number(0, 1))
    return places[[*order, 0]]  # the smallest one last, so that they never lie in order


def points_anywhere(draw):
    """Six points from -4.4 to 3.9, in no order: of both signs, far from 0, next to it, and 0 itself."""
    places = torch.tensor([-4.0, -1.2, -0.002, 0.0, 1.5, 3.5]) * draw.uniform(6, low=0.9, high=1.1)
    return places[draw.uniform(6).argsort()]


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Does your function use the f that it was given? Try torch.exp, which is its own derivative."
)
def test_derivative_of_the_function_given(student, draw):
    """elementwise_derivative differentiates the function that it is given, not only sin, for any
    number of elements.
    """
    for name in (
        "erf",
        ("sigmoid", "atan")[draw.integer(0, 2)],
        ("exp", "expm1")[draw.integer(0, 2)],
    ):
        x = torch.cat([points_anywhere(draw) for _ in range(12 if name == "erf" else 1)])
        right_derivative(student.elementwise_derivative(TorchFunction(name), x), name, x)


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(1)
@pytest.mark.hint("f may have no value left of 0: look at no point but the elements of x.")
def test_derivative_near_the_edge_of_a_domain(student, draw):
    """elementwise_derivative works for log and sqrt, which have no value left of 0, also next to 0."""
    for name in ("log", "sqrt"):
        x = points(draw, 5)
        x[draw.integer(0, 5)] = 1e-12 * draw.number(1, 9)  # no difference quotient reaches it
        right_derivative(student.elementwise_derivative(TorchFunction(name), x), name, x)


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(1)
@pytest.mark.hint(
    "f'(x[i]) depends on x[i] alone: which vector given to backward counts every element exactly once?"
)
def test_each_element_counts_by_itself(student, draw):
    """The derivative at an element does not depend on which other elements x has, nor on their number."""
    whole = points(draw, 7)
    whole[5] = whole[2]  # a value may occur twice
    part = whole[:4]
    call = "elementwise_derivative(torch.cosh, x)"
    f = TorchFunction("cosh")
    of_whole = matrix(student.elementwise_derivative(f, whole), (7,), f"{call} returned")
    of_part = matrix(student.elementwise_derivative(f, part), (4,), f"{call} returned")
    close(
        of_whole[:4],
        of_part,
        NEAR,
        f"{call} gives other derivatives at the same points when x is longer",
    )
    close(
        of_whole,
        DERIVATIVES["cosh"](whole.double()),
        NEAR,
        f"{call} is not the derivative where a value occurs twice",
    )


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(1)
@pytest.mark.hint(
    "A derivative belongs to one point: no neighbour is needed. The result has as many elements as x."
)
def test_derivative_at_a_single_point(student, draw):
    """elementwise_derivative of a vector of one element is a vector of one element."""
    x = draw.uniform(1, low=0.3, high=0.9)
    right_derivative(student.elementwise_derivative(TorchFunction("cos"), x), "cos", x)


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Differentiating is not descending: leave the values of x as they are. And what does a second "
    "call find that the first one has left, outside of the function or in torch's settings?"
)
def test_derivative_leaves_x_alone(student, draw):
    """elementwise_derivative leaves the values of x as they were, and is right also in a second
    call, at other points.
    """
    x = points(draw, 5)
    call = student.twice().call("elementwise_derivative", TorchFunction("square"), x)
    right_derivative(call.value, "square", x)
    after = call.arguments[1] if len(call.arguments) == 2 else None
    same = isinstance(after, torch.Tensor) and torch.equal(after.to(x.dtype), x)
    expect(same, "elementwise_derivative(f, x) changed the values of x; work on a copy")
