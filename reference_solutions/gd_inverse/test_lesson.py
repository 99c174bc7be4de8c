"""The claims of the lesson, each against the numbers that its own cells left behind."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

DATA = Path(__file__).parent / "data"


def first_below(losses, small=1e-6):
    return next((i for i, loss in enumerate(losses) if loss < small), None)


# --- sections 1 and 2 -------------------------------------------------------------------------------------------------


def test_a_nudge_measures_what_the_formula_says(lesson):
    """The slope along X[0, 1], measured, is the one by the formula."""
    assert lesson.measured == pytest.approx(lesson.by_formula, abs=1e-6)


def test_the_slope_along_a_direction_is_its_own_curvature_times_its_own_error(lesson):
    """Autograd's slopes along u₁ and u₂ are h₁c₁ and h₂c₂."""
    assert torch.allclose(lesson.slopes, lesson.h * lesson.components, atol=1e-12)


def test_the_loss_of_a_row_is_a_sum_of_separate_parabolas(lesson):
    """ℓ(x) = Σ ½ h c², in the plane of section 2, at any point."""
    torch.manual_seed(0)
    points = torch.randn(50, 2, dtype=torch.float64)
    parabolas = (0.5 * lesson.h * ((points - lesson.least) @ lesson.U) ** 2).sum(dim=1)
    assert torch.allclose(lesson.row_loss(points), parabolas, atol=1e-12)


def test_the_inverse_that_is_named_is_the_inverse(lesson):
    """The inverse of [[2, 1], [1, 1]] is [[1, -1], [-1, 2]], and `least` is its first row."""
    assert torch.allclose(
        lesson.M @ torch.tensor([[1.0, -1.0], [-1.0, 2.0]], dtype=torch.float64),
        torch.eye(2).double(),
    )
    assert lesson.least.tolist() == [1, -1]


def test_steep_is_47_times_flat(lesson):
    """h₁ is 47 times h₂."""
    assert round(float(lesson.h[0] / lesson.h[1])) == 47


# --- section 3 --------------------------------------------------------------------------------------------------------


def test_the_table_by_hand(lesson):
    """M = 2I, lr 0.1, momentum 0.8: errors 0.8, 0.48, 0.128; without momentum 0.8, 0.64, 0.512."""
    for mu, errors in ((0.8, (0.8, 0.48, 0.128)), (0.0, (0.8, 0.64, 0.512))):
        one_step = lesson.step_matrix(0.1 * 2, mu)
        powers = [float(torch.linalg.matrix_power(one_step, t)[0, 0]) for t in (1, 2, 3)]
        assert powers == pytest.approx(errors, abs=1e-12)


def test_the_table_is_what_the_function_does(lesson):
    """The function's own three steps on 2I are those of the table."""

    def error(steps, lr):
        torch.manual_seed(5)
        return (
            lesson.gd_inverse(2 * torch.eye(2), num_iterations=steps, lr=lr, momentum=0.8)[0]
            - torch.eye(2) / 2
        )

    start = error(1, 1e-30)
    for steps, factor in zip((1, 2, 3), (0.8, 0.48, 0.128), strict=True):
        assert torch.allclose(error(steps, 0.1), factor * start, atol=1e-6)


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
def test_descent_breaks_at_twice_one_plus_momentum(lesson, mu):
    """λ = -1 at p = 2(1 + μ), a factor below 1 before it and above 1 beyond."""
    edge = 2 * (1 + mu)
    assert lesson.factor(edge, mu) == pytest.approx(1, abs=1e-7)
    assert lesson.factor(0.99 * edge, mu) < 1 < lesson.factor(1.01 * edge, mu)


@pytest.mark.parametrize("mu", [0.5, 0.9])
def test_the_floor_lies_at_the_root_of_the_momentum(lesson, mu):
    """Between (1 - √μ)² and (1 + √μ)² the factor is √μ; left of it, it is larger."""
    begins, ends = (1 - mu**0.5) ** 2, (1 + mu**0.5) ** 2
    for product in (1.01 * begins, (begins * ends) ** 0.5, 0.99 * ends):
        assert lesson.factor(product, mu) == pytest.approx(mu**0.5, abs=1e-9)
    assert lesson.factor(0.9 * begins, mu) > mu**0.5 + 1e-3


def test_numbers_of_the_defaults(lesson):
    """At lr 0.9 and momentum 0.9: stable while σ² < 2.11 n², floor from p = 0.0026, that is σ = 0.04 n."""
    assert pytest.approx(2.11, abs=2e-3) == 1.9 / 0.9
    begins = (1 - 0.9**0.5) ** 2
    assert begins == pytest.approx(0.0026, abs=5e-5)
    assert (begins / (2 * 0.9)) ** 0.5 == pytest.approx(0.04, abs=2e-3)


def test_left_of_the_floor_the_factor_is_nearly_straight(lesson):
    """Far left the factor is about 1 - p / (1 - μ)."""
    for mu in (0.5, 0.9):
        product = 0.05 * (1 - mu**0.5) ** 2
        assert 1 - lesson.factor(product, mu) == pytest.approx(product / (1 - mu), rel=0.03)


def test_ten_steps_of_one(lesson):
    """A constant gradient makes the velocity 1/(1 - μ), for 0.9 ten times, of it."""
    assert sum(0.9**t for t in range(1000)) == pytest.approx(10)


def test_156_139_32(lesson):
    """The row is below 1e-6 for good from steps 156, 139 and 32 on."""
    assert lesson.settings == ((0.5, 0.0), (0.5, 0.9), (0.7, 0.6))
    assert lesson.arrivals == [156, 139, 32]


def test_fewer_than_thirty_steps_can_be_found(lesson):
    """lr 0.855 and momentum 0.57 need 27 steps, Polyak's own choice 38 (answers.md)."""
    assert lesson.arrival(lesson.path(0.855, 0.57, 200)[1]) == 27
    assert lesson.arrival(lesson.path(0.889, 0.556, 200)[1]) == 38


def test_powers_are_where_descent_leads(lesson):
    """The path by powers of the step matrix is that of torch.optim.SGD on the loss of the row."""
    x = torch.tensor([0.9, 0.9], dtype=torch.float64, requires_grad=True)
    optimiser, places = torch.optim.SGD([x], lr=0.7, momentum=0.6), []
    for _ in range(41):
        places.append(x.detach().clone())
        optimiser.zero_grad()
        lesson.row_loss(x).backward()
        optimiser.step()
    assert torch.allclose(torch.stack(places), lesson.path(0.7, 0.6, 40)[0], atol=1e-10)


# --- the widget -------------------------------------------------------------------------------------------------------


def test_the_widget_stands_alone():
    """It is small, loads nothing, names its sliders, and brings its own colours."""
    text = (DATA / "descent.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 25_000
    assert set(re.findall(r"https?://[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\bid=|<(link|img|iframe)\b|\bsrc=|fetch\(|import\b", text)
    assert text.count('<input type="range"') == text.count("<label>") == 3
    assert "background: #ffffff; color: #1a1a1a" in text


def test_the_widget_shows_the_settings_of_the_figure(lesson):
    """Its buttons begin with the three settings of the static figure."""
    text = (DATA / "descent.html").read_text(encoding="utf-8")
    buttons = re.findall(r'data-lr="([\d.]+)" data-mu="([\d.]+)"', text)
    assert [(float(lr), float(mu)) for lr, mu in buttons[:3]] == list(lesson.settings)


@pytest.mark.skipif(
    shutil.which("node") is None,
    reason="the widget's arithmetic is not run: apt-get install nodejs",
)
def test_the_widget_computes_what_the_figure_shows(lesson):
    """Places, losses and factors of the widget's own arithmetic are the lesson's."""
    text = (DATA / "descent.html").read_text(encoding="utf-8")
    constants = text[text.index("  var LEAST") : text.index("  /* arithmetic */")]
    arithmetic = text[text.index("/* arithmetic */") : text.index("/* end of arithmetic */")]
    settings = [*lesson.settings, (0.9, 0.5), (0.855, 0.57)]
    call = f"console.log(JSON.stringify({json.dumps(settings)}.map(([lr, mu]) => descent(lr, mu, 60))))"
    done = subprocess.run(
        ["node", "-e", constants + arithmetic + call],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for (lr, mu), run in zip(settings, json.loads(done.stdout), strict=True):
        places, losses = lesson.path(lr, mu, 60)
        assert torch.allclose(
            torch.tensor(run["places"], dtype=torch.float64), places, rtol=1e-9, atol=1e-9
        )
        assert torch.allclose(
            torch.tensor(run["losses"], dtype=torch.float64), losses, rtol=1e-8, atol=1e-12
        )
        factors = [lesson.factor(float(lr * h), mu) for h in lesson.h]
        assert run["factors"] == pytest.approx(factors, abs=1e-6)


# --- sections 5 and 6 -------------------------------------------------------------------------------------------------


def test_the_function_does_what_the_powers_predict(lesson):
    """The errors along the three directions lie on the lines, to what float32 resolves."""
    assert lesson.apart < 1e-4
    assert (
        float(lesson.yours[0].abs().min()) > 0.1
    )  # there is an error in every direction to begin with


def test_the_third_direction_is_left_of_the_floor(lesson):
    """p = 0.002 for σ = 0.1: left of the floor, so it never changes its sign; the two others do."""
    product = 0.9 * 2 * 0.1**2 / 9
    assert product == pytest.approx(0.002) and product < (1 - 0.9**0.5) ** 2
    for k, swings in enumerate((True, True, False)):
        line = lesson.predicted[:, k]
        assert bool((line[1:] * line[:-1] < 0).any()) is swings


def test_the_gradient_never_quite_emptied_is_the_velocity(lesson):
    """The trick prints the columns "velocity" and "new error" of the table by hand."""
    assert lesson.by_trick == [(2.0, 0.8), (3.2, 0.48), (3.52, 0.128)]


def test_the_trick_goes_where_the_optimiser_goes(lesson):
    """In the curved valley both are at the same place at each of 200 steps, up to rounding."""
    assert len(lesson.gaps) == 200 and max(lesson.gaps) < 1e-4


def test_the_trick_finds_the_inverse_as_the_function_does(lesson):
    """On a matrix, too, the trick has the iterates of v ← μv + ∇."""
    M = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    torch.manual_seed(3)
    X = torch.rand(2, 2, requires_grad=True)
    for _ in range(50):
        ((X @ M - torch.eye(2)) ** 2).mean().backward()
        with torch.no_grad():
            X -= 0.5 * X.grad
        X.grad *= 0.9
    torch.manual_seed(3)
    assert torch.allclose(X.detach(), lesson.gd_inverse(M, num_iterations=50, lr=0.5)[0], atol=1e-5)


def test_without_emptying_the_error_swings_for_ever(lesson):
    """Momentum 1: both eigenvalues have the absolute value 1 (answers.md)."""
    assert lesson.factor(0.3, 1.0) == pytest.approx(1)


def test_the_third_choice_does_not_see_two_entries():
    """½(XM + MX) for M = diag(1, -1) is the same whatever X₁₂ and X₂₁ are (answers.md)."""
    M = torch.diag(torch.tensor([1.0, -1.0]))
    X = torch.tensor([[1.0, 7.0], [-3.0, -1.0]])
    assert torch.equal((X @ M + M @ X) / 2, torch.eye(2))


# --- section 7 --------------------------------------------------------------------------------------------------------


def test_the_posts_two_matrices(lesson):
    """Diagonal about 120 iterations to 1e-6, random about 350, almost three times as many."""
    assert lesson.first_below["diagonal"] == pytest.approx(120, abs=10)
    assert lesson.first_below["random"] == pytest.approx(355, abs=20)
    assert 2.5 < lesson.first_below["random"] / lesson.first_below["diagonal"] < 3.1


def test_why_the_random_one_is_slow(lesson):
    """Its smallest singular value, 0.11, is left of the floor, 0.15; 0.24 is not, and no value of the diagonal one."""
    floor = 4 * ((1 - 0.9**0.5) ** 2 / (2 * 0.9)) ** 0.5
    values = torch.linalg.svdvals(lesson.noise)
    assert floor == pytest.approx(0.15, abs=5e-3) and round(float(values[-1]), 2) == 0.11
    assert float(values[-1]) < floor < float(values[-2]) and floor < 1


def test_a_diagonal_matrix_with_as_small_a_value_is_as_slow(lesson):
    """The diagonal matrix with 0.11 in place of its 1 needs about as long as the random one."""
    torch.manual_seed(314)
    _, losses = lesson.gd_inverse(
        torch.diag(torch.tensor([0.11, 2.0, 3.0, 4.0])), num_iterations=1000
    )
    assert first_below(losses) == pytest.approx(lesson.first_below["random"], rel=0.25)


def test_both_end_at_the_resolution_of_float32(lesson):
    """The last losses are about 1e-15 and 1e-13, and X is the inverse."""
    for matrix, low, high in ((lesson.diagonal, 1e-17, 1e-13), (lesson.noise, 1e-15, 1e-11)):
        torch.manual_seed(314)
        X, losses = lesson.gd_inverse(matrix, num_iterations=1000)
        assert low < losses[-1] < high
        assert float((X - torch.linalg.inv(matrix)).abs().max()) < 1e-3


def test_a_singular_matrix(lesson):
    """torch.ones(2, 2): the loss stays at ¼, every entry of XM becomes ½, and X depends on the seed (answers.md)."""
    ends = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        X, losses = lesson.gd_inverse(torch.ones(2, 2), num_iterations=400)
        assert losses[-1] == pytest.approx(0.25, abs=1e-5)
        assert torch.allclose(X @ torch.ones(2, 2), torch.full((2, 2), 0.5), atol=1e-4)
        ends.append(X)
    assert float((ends[0] - ends[1]).abs().max()) > 0.01


# --- section 8 --------------------------------------------------------------------------------------------------------


def test_the_default_is_flat_and_then_square(lesson):
    """Momentum 0.9: about 110 up to 8; in the end four times the work for twice the condition number, almost 5,000 for 64."""
    assert all(100 <= count <= 125 for count in lesson.default[:3])
    assert lesson.default[5] / lesson.default[4] == pytest.approx(4, abs=0.3)
    assert 4500 < lesson.default[5] < 5000


def test_the_estimate_of_the_number_of_steps(lesson):
    """About ln(1000)(1 - μ)/(ηh) steps, within a third, for the flattest."""
    h = 2 * (2 / 64) ** 2 / 16
    assert math.log(1000) * 0.1 / (0.9 * h) == pytest.approx(lesson.default[5], rel=0.34)


def test_without_momentum_it_is_square_from_the_beginning(lesson):
    """50, 200, 793 iterations for 2, 4, 8."""
    assert lesson.plain[0] == pytest.approx(50, abs=3) and lesson.plain[2] == pytest.approx(
        793, abs=30
    )
    for small, large in ((0, 1), (1, 2)):
        assert lesson.plain[large] / lesson.plain[small] == pytest.approx(4, abs=0.2)
    assert all(math.isnan(count) for count in lesson.plain[3:])


def test_momentum_can_be_slower(lesson):
    """For condition number 2 momentum 0.9 needs about 105 iterations and none 50."""
    assert lesson.default[0] == pytest.approx(105, abs=8)
    assert lesson.default[0] > 1.8 * lesson.plain[0]
    assert pytest.approx(0.8875) == 1 - 0.9 * 2 * 1 / 16 and 0.8875 < 0.9**0.5  # answers.md


def test_tuned_is_proportional_to_the_condition_number(lesson):
    """From 8 iterations at 2 to about 410 at 64, and twice for twice in the end."""
    assert lesson.tuned[0] == pytest.approx(8, abs=2) and lesson.tuned[5] == pytest.approx(
        413, abs=15
    )
    assert lesson.tuned[5] / lesson.tuned[4] == pytest.approx(2, abs=0.25)


def test_the_stretched_floor_spans_all_curvatures(lesson):
    """With Polyak's settings every direction has the factor (κ - 1)/(κ + 1), about 1 - 2/κ."""
    for condition in (4, 32):
        root = (condition - 1) / (condition + 1)
        steep, flat = (1 + root) ** 2, (1 - root) ** 2
        assert steep / flat == pytest.approx(condition**2)
        for product in (flat, 1.0, steep):
            assert lesson.factor(product, root**2) == pytest.approx(root, abs=1e-6)
    assert pytest.approx(1 - 2 / 32, abs=0.005) == 31 / 33


def test_the_gain_of_momentum_in_the_end(lesson):
    """About 7 at condition number 8, and 10 is the limit (answers.md)."""
    assert lesson.plain[2] / lesson.default[2] == pytest.approx(7, abs=0.5)
    product = 1e-7
    assert (1 - lesson.factor(product, 0.9)) / product == pytest.approx(10, rel=1e-3)


def test_more_than_ten_just_left_of_the_floor(lesson):
    """12 at condition number 16; at 32 some 12,600 iterations without momentum, a factor of 10.4 (answers.md)."""
    for condition, cap, gain in ((16, 4000, 12.0), (32, 14000, 10.4)):
        without, _ = lesson.iterations_needed(condition, cap, momentum=0.0)
        assert without / lesson.default[lesson.conditions.index(condition)] == pytest.approx(
            gain, abs=0.3
        )
    assert without == pytest.approx(12_600, abs=200)


def test_ten_times_the_matrix_and_a_hundredth_of_the_rate(lesson):
    """The products of learning rate and curvature stay, so does the pace (answers.md)."""
    torch.manual_seed(0)
    _, losses = lesson.gd_inverse(10 * lesson.with_condition(32), num_iterations=2000, lr=0.009)
    assert first_below(losses) == pytest.approx(lesson.default[4], rel=0.3)


# --- section 9 --------------------------------------------------------------------------------------------------------


def test_the_edge_is_where_it_was_predicted(lesson):
    """Up to c = 2.9 the loss after 60 iterations is below 1, from 2.95 on above 1e10; the edge is 2.91."""
    assert lesson.edge == pytest.approx(2.91, abs=0.005)
    for scale, ending in zip(lesson.scales, lesson.endings, strict=True):
        assert ending < 1 if scale < lesson.edge else ending > 1e10
    assert lesson.scales[5] == 2.9 and lesson.scales[6] == 2.95


# --- form -------------------------------------------------------------------------------------------------------------


def test_every_figure_has_its_words(lesson):
    """Eight figures, each described for a reader who cannot see it."""
    assert len(lesson.figures) == 8
    assert all(len(text) > 40 for _, text in lesson.figures)
