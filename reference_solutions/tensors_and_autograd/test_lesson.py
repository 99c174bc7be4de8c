"""What the lesson claims, tested on its own cells."""

import contextlib
import io
import math
import re
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).resolve().parent
FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.M | re.S)
DOTS = re.compile(r"^( *)(?:return )?\.\.\.  # replace the dots.*$", re.M)
RUNGS = ("row_lengths", "centred", "outer", "visible", "column_products", "squared_distances")


def scaffolds():
    """The cells of the handout in which students replace dots."""
    cells = FENCE.findall((FOLDER / "handout.md").read_text(encoding="utf-8"))
    return [cell for cell in cells if DOTS.search(cell)]


def answered():
    """The same cells, with the code of answers.md in place of the dots."""
    answers = iter(FENCE.findall((FOLDER / "answers.md").read_text(encoding="utf-8")))

    def answer(dots):
        return "\n".join(dots[1] + line for line in next(answers).rstrip().splitlines())

    cells = [DOTS.sub(answer, cell) for cell in scaffolds()]
    assert next(answers, None) is None, "answers.md has more code than the handout has dots"
    return cells


def printed_by(code, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<answer>", "exec"), names)
    return printed.getvalue()


@pytest.fixture
def names(lesson):
    return dict(vars(lesson)) | {"climbed": set(), "__name__": "lesson"}


def cell_with(words):
    cells = FENCE.findall((FOLDER / "handout.md").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in cells if words in cell]
    return cell


def climb(names, cells):
    """What the ladder's cells print when its helper is fresh."""
    exec(compile(cell_with("def try_out("), "<helper>", "exec"), names)
    return [printed_by(cell, names) for cell in cells]


# --- the ladder, and the autograd in ten lines ------------------------------------------------------------------------


def test_the_puzzles_stand_open_and_stop_nothing(lesson):
    """Unanswered, each of the six puzzles says so and shows what is wanted."""
    for name in RUNGS:
        assert f"{name}: not answered yet. Wanted is\ntensor(" in lesson.printed
    assert lesson.climbed == set()


def test_the_answers_climb_the_ladder(names):
    """The answers of answers.md are right, rung by rung."""
    printed = climb(names, answered()[:6])
    for number, (name, said) in enumerate(zip(RUNGS, printed, strict=True), start=1):
        assert said == f"✓ {name} is right. Rungs climbed: {number} of 6\n"


def test_the_matrix_product_solves_the_last_rung_too(names):
    """The second way to the squared distances, by multiplying out, gives the same."""
    way = "return (P**2).sum(1)[:, None] - 2 * P @ Q.T + (Q**2).sum(1)"
    assert f"`{way.removeprefix('return ')}`" in (FOLDER / "answers.md").read_text(encoding="utf-8")
    (said,) = climb(names, [DOTS.sub("    " + way, scaffolds()[5])])
    assert said.startswith("✓ squared_distances")


@pytest.mark.parametrize(
    ("rung", "wrong", "told"),
    [
        (0, "return (A**2).sum(dim=0).sqrt()", "row_lengths gave shape (2,); wanted is (3,)"),
        (1, "return A - A.mean()", "centred gave\ntensor"),
        (2, "return a * b", "outer raised RuntimeError: The size of tensor a (3)"),
        (3, "return A * M", "visible gave\ntensor([[1., nan]"),
        (
            3,
            "return torch.where(M == 1, A, 0.0)",
            "visible gave\ntensor([[1., 0.],\n        [0., 0.]])",
        ),
        (4, "return A @ A.T", "column_products gave shape (2, 2); wanted is (3, 3)"),
        (5, "return [[0.0]]", "squared_distances gave a list; wanted is a tensor"),
    ],
)
def test_wrong_answers_are_told_what_they_gave(names, rung, wrong, told):
    """A wrong answer to a puzzle hears what it gave, and stops nothing."""
    (said,) = climb(names, [DOTS.sub("    " + wrong, scaffolds()[rung])])
    assert said.startswith(told), said
    assert names["climbed"] == set()


def autograd(names, cell):
    exec(compile(cell, "<Number>", "exec"), names)
    return printed_by(cell_with("def compare("), names)


def test_the_autograd_in_ten_lines_agrees_with_torch(lesson, names):
    """The answer to section 6 gives PyTorch's derivatives for all three functions; unanswered, it says so."""
    assert "not written yet: begin with __mul__" in lesson.printed
    said = autograd(names, answered()[6])
    assert said.count("✓") == 6 and "✗" not in said
    assert "fifth_power, slope by x: yours 16807, PyTorch's 16807" in said
    assert "fifth_power, slope by y: yours 36015, PyTorch's 36015" in said


def test_it_has_about_ten_lines():
    """The class has ten lines of code inside its methods and headings, give or take four."""
    lines = [line for line in answered()[6].splitlines() if line.strip() and '"""' not in line]
    assert 8 <= len(lines) <= 14


def test_overwriting_instead_of_adding_shows_as_the_text_says(names):
    """With `=` for `+=`, fifth_power is right by x and wrong by y."""
    said = autograd(names, answered()[6].replace("self.grad += arriving", "self.grad = arriving"))
    assert "✓ fifth_power, slope by x" in said
    assert "✗ fifth_power, slope by y" in said


def test_half_an_autograd_stops_nothing(names):
    """With __mul__ alone the comparison says what is missing."""
    half = DOTS.sub(
        "        return ...", answered()[6].replace("self.grad += arriving\n", "return\n")
    )
    assert "✗ fifth_power, slope by x: yours 0" in autograd(names, half)
    wrong = answered()[6].replace(
        "return Number(self.value * other.value, ", "return (self.value * other.value, "
    )
    assert "✗ fifth_power raised" in autograd(names, wrong)


def test_doubling_walks_every_path(names):
    """Doubling n times makes backward arrive 2ⁿ times at the first number: thirty doublings are 2³⁰ times."""
    autograd(names, answered()[6])
    first = end = names["Number"](1.0)
    for _ in range(10):
        end = end + end
    arrivals = 0

    class Counting(names["Number"]):
        def backward(self, arriving=1.0):
            nonlocal arrivals
            arrivals += self is first
            super().backward(arriving)

    first.__class__ = Counting
    end.backward()
    assert arrivals == first.grad == 2**10


# --- random numbers, dot products -------------------------------------------------------------------------------------


def test_the_seed_repeats(lesson):
    """The same seed gives the same numbers, in [0, 1); the next ones are others."""
    assert torch.equal(lesson.first, lesson.repeated) and not torch.equal(
        lesson.first, lesson.second
    )
    assert float(lesson.first.min()) >= 0 and float(lesson.first.max()) < 1


def test_zero_times_nan_is_nan(lesson):
    """A product with 0 does not take a nan away, and the mask of rung 4 is what the text says."""
    assert "nan times 0:   tensor([1., nan, 3.])" in lesson.printed
    assert "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)" in lesson.printed


def test_an_in_place_change_is_seen_by_all(lesson):
    """yours.mul_(100) has changed mine; the shapes (1,) and () are two."""
    assert lesson.mine.tolist() == [100, 200]
    assert "(1,) ()" in lesson.printed


def test_the_dot_product_draws_a_cosine(lesson):
    """1 at 0 degrees, 1/2 at 60, 0 at 90 and 270, −1 at 180, and a cosine everywhere."""
    degrees = torch.rad2deg(lesson.angles)
    for place, value in ((0, 1), (lesson.sixty, 0.5), (18, 0), (36, -1), (54, 0)):
        assert math.isclose(float(degrees[place]), place * 5, abs_tol=1e-3)
        assert math.isclose(float(lesson.shadows[place]), value, abs_tol=1e-6)
    assert torch.allclose(lesson.shadows, torch.cos(lesson.angles), atol=1e-6)


def test_a_matrix_product_is_a_table_of_dot_products(lesson):
    """Eight dot products agree with A @ B."""
    assert lesson.table.shape == (2, 4) and lesson.table_gap < 1e-6


def test_random_vectors_are_41_degrees_apart(lesson):
    """Two long vectors from torch.rand are near arccos(3/4) = 41.4 degrees apart."""
    for seed in range(5):
        torch.manual_seed(seed)
        a, b = torch.rand(10_000), torch.rand(10_000)
        angle = math.degrees(math.acos(float(lesson.dot(a, b) / (a.norm() * b.norm()))))
        assert abs(angle - 41.4) < 0.8


# --- derivatives ------------------------------------------------------------------------------------------------------


def test_the_record_and_its_picture(lesson):
    """w = 15 with the slopes 12 and 5, the record as printed, the picture's gradients, and what three more calls do."""
    assert "w = tensor(15., grad_fn=<AddBackward0>)" in lesson.printed
    assert "dw/du = tensor(12.)    dw/dv = tensor(5.)" in lesson.printed
    assert re.search(
        r"AddBackward0\n    MulBackward0\n        PowBackward0\n            .*AccumulateGrad",
        lesson.printed,
    )
    assert {name: box[1].item() for name, box in lesson.boxes.items()} == {
        "u": 2,
        "v": 3,
        "s": 4,
        "p": 12,
        "w": 15,
    }
    assert {name: box[1].grad.item() for name, box in lesson.boxes.items()} == {
        "u": 12,
        "v": 5,
        "s": 3,
        "p": 1,
        "w": 1,
    }
    assert [arrow[2] for arrow in lesson.arrows] == [4, 3, 4, 1, 1]
    assert [
        int(total) for total in re.findall(r"calls of backward: dw/du = (\d+)", lesson.printed)
    ] == [24, 36, 48]


def test_the_sources_numbers(lesson):
    """At x = 3, y = 7 the partial derivatives are 16807 and 36015."""
    assert lesson.at_3_7 == [16807, 36015] == [7**5, 5 * 3 * 7**4]


def test_torch_complains_as_the_table_says(lesson):
    """The five complaints come in the order of the table."""
    words = (
        "does not have a grad_fn",
        "second time",
        "in-place operation",
        "floating point",
        "requires grad",
    )
    assert len(lesson.messages) == 5
    for message, word in zip(lesson.messages, words, strict=True):
        assert word in message


def test_grad_is_none_without_a_word():
    """.grad is None before backward, for what is no leaf, and where no path leads to the result."""
    a, b = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    assert a.grad is None
    middle = a * 2
    (middle * 3).backward()
    assert middle.is_leaf is False and b.grad is None


def test_a_smaller_step_keeps_its_promise_better(lesson):
    """From z = 1, with the gradient (1, 5): 37 %, 90 % and 99 % of what is promised, and less than all of it."""
    assert (lesson.slope_x, lesson.slope_y) == (1, 5)
    assert [round(lesson.kept[rate], 2) for rate in (0.1, 0.01, 0.001)] == [0.37, 0.90, 0.99]


def test_the_walker_stalls(lesson):
    """Ten steps bring it from y = 1.3 to about 0.7, 390 more to about 0.24."""
    assert len(lesson.path) == 401 and lesson.path[0] == (0.8, 1.3)
    assert abs(lesson.path[10][1] - 0.71) < 0.02
    assert abs(lesson.path[400][1] - 0.244) < 0.01


def test_the_gradient_vanishes_on_the_axis_and_nowhere_else(lesson):
    """Grid points without an arrow are those with y = 0."""
    for (_, y), arrow in zip(lesson.spots, lesson.unit, strict=True):
        assert bool(torch.isnan(arrow).any()) == (abs(y) < 1e-6)


def test_the_other_walker_runs_away(lesson):
    """From (1, −0.4): y is about −0.5 after 25 steps, about −1.0 after 50, and beyond all bounds soon."""
    here, ys = (1.0, -0.4), []
    for _ in range(56):
        slopes = lesson.gradient_at(*here)
        here = (here[0] - 0.02 * slopes[0], here[1] - 0.02 * slopes[1])
        ys.append(here[1])
    assert abs(ys[24] + 0.50) < 0.01
    assert abs(ys[49] + 1.01) < 0.03
    assert ys[-1] < -1000 or math.isnan(ys[-1])


# --- a whole grid -----------------------------------------------------------------------------------------------------


def test_v_weighs_the_derivatives_of_the_cubes(lesson):
    """The derivatives 3, 12 and 27 come out weighted by v; without v backward refuses."""
    assert lesson.chosen == {
        (1.0, 0.0, 0.0): [3, 0, 0],
        (0.0, 0.0, 1.0): [0, 0, 27],
        (0.5, 10.0, 0.0): [1.5, 120, 0],
    }
    assert "RuntimeError: grad can be implicitly created only for scalar outputs" in lesson.printed


def test_the_mean_divides_by_the_number_of_elements(lesson):
    """Backward from the mean gives the derivatives divided by their number."""
    x = lesson.grid.clone().requires_grad_()
    torch.sin(x).mean().backward()
    assert torch.allclose(x.grad * len(x), lesson.slope, atol=1e-5)


def test_the_derivative_of_the_sine_is_the_cosine(lesson):
    """Autograd's derivative lies on the cosine, up to rounding."""
    assert lesson.autograd_error < 1e-6


def test_where_activations_are_flat(lesson):
    """tanh and sigmoid have next to no slope at ±4; ReLU, GELU and SiLU only on the left, and about 1 on the right."""
    for name, slope in lesson.steepness.items():
        left, right = abs(float(slope[0])), float(slope[-1])
        assert left < 0.06
        assert right < 0.02 if name in ("tanh", "sigmoid") else 0.94 < right < 1.06


def test_difference_quotients_are_no_match(lesson):
    """The best step is in the middle; its error is more than a thousand times autograd's, and 0.4 and more on the sides."""
    assert 1e-5 < float(lesson.steps[lesson.best]) < 1e-2
    assert float(lesson.errors[lesson.best]) > 1000 * lesson.autograd_error
    assert float(lesson.errors[0]) > 0.4 and float(lesson.errors[-1]) > 0.4


def test_figures_speak(lesson):
    """There are six figures, and each has words for those who cannot see it."""
    assert len(lesson.figures) == 6
    for _, text in lesson.figures:
        assert len(text) > 40
    assert "shadow on the fixed one is 0.50" in lesson.figures[0][1]
    assert "y = 0.71" in lesson.figures[2][1] and "than 0.24" in lesson.figures[2][1]
