"""The claims of the lesson, held against what its own cells computed (the solutions in, top to bottom)."""

import io
import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # numpy 2 asked by Matplotlib
# what the notebook of 2018 prints
SOURCE_C = torch.tensor([[0.9541, 0.2361], [0.0383, 0.5885], [0.4250, 0.2805]])
SOURCE_F = torch.tensor([[0.8476, 0.0384, 0.1336, 0.2426], [0.4866, 0.5036, 0.4603, 0.7705]])
SOURCE_C_GRAD = torch.tensor([[1.7976, 1.5676], [0.0270, -0.2698], [-0.4419, -1.9538]])
SOURCE_F_GRAD = torch.tensor(
    [[1.8045, -0.4818, -0.1906, 0.1710], [0.5332, -0.4509, -0.4052, -0.1633]]
)
SOURCE_D_HAT = torch.tensor(
    [
        [0.0497, 0.1423, 0.0869, 0.1019],
        [0.2768, 0.4008, 0.4364, 0.5000],
        [0.4724, 0.7316, 0.7508, 0.8618],
    ]
)
SOURCE_MISSING = torch.tensor(
    [
        [0.4044, -1.1402, 0.3885, 0.3853],
        [0.8437, -2.5201, 0.8680, 0.8727],
        [-0.5418, 1.6038, -0.5506, -0.5531],
    ]
)
SOURCE_LOSSES = {
    1: 1.8741,
    1000: 0.0223,
    2000: 0.0060,
    3000: 0.0028,
    5000: 0.0017,
    7000: 0.0015,
    10_000: 0.0014,
}


def walked(p, q, lr, momentum, steps):
    """Descent on (pq − 6)² by torch.optim.SGD in float64: p, q and the loss at the start and after every step."""
    p, q = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (p, q))
    optimiser = torch.optim.SGD([p, q], lr=lr, momentum=momentum)
    places = []
    for step in range(steps + 1):
        optimiser.zero_grad()
        loss = (p * q - 6) ** 2
        loss.backward()
        places.append((p.item(), q.item(), loss.item()))
        if step < steps:
            optimiser.step()
    return places


def test_every_figure_has_words(lesson):
    """Every figure is described for a reader who cannot see it."""
    assert len(lesson.figures) == 10
    for _, text in lesson.figures:
        assert len(text) > 40


# --- one step by hand -------------------------------------------------------------------------------------------------


def test_step_with_two_numbers(lesson):
    """From (1, 2) the slopes are −16 and −8 at loss 16, and a step of 0.02 leads to a loss of about 9.915."""
    assert lesson.error.item() == 16 and (lesson.p_slope, lesson.q_slope) == (-16, -8)
    assert lesson.loss_after.item() == pytest.approx(9.9149, abs=1e-3)
    slope = 2 * (lesson.p * lesson.q - 6).item() * lesson.q.item()
    assert lesson.not_zeroed == pytest.approx(-16 + slope, abs=1e-4)


def test_step_with_the_matrices_of_2018(lesson):
    """Gradients, C and F after the step agree with the printed ones to a unit of the last digit; 2.0109 and 1.8740."""
    assert lesson.hand_loss.item() == pytest.approx(2.0109, abs=6e-5)
    assert lesson.loss_after_step == pytest.approx(1.8740, abs=6e-5)
    assert (
        abs(lesson.hand_loss.item() - 2.0110) < 2e-4 and abs(lesson.loss_after_step - 1.8741) < 2e-4
    )
    for got, printed in (
        (lesson.slope_of_C, SOURCE_C_GRAD),
        (lesson.slope_of_F, SOURCE_F_GRAD),
        (lesson.C_step, SOURCE_C),
        (lesson.F_step, SOURCE_F),
    ):
        assert (got.round(decimals=4) - printed).abs().max() < 1.1e-4
    assert lesson.largest_gap < 1e-6


# --- the loop ---------------------------------------------------------------------------------------------------------


def test_ten_thousand_iterations_of_2018(lesson):
    """The losses of the notebook of 2018 come out again, and its D̂ and D̂ − D to a unit of the last digit."""
    assert len(lesson.source_losses) == 10_000
    for iteration, printed in SOURCE_LOSSES.items():
        assert lesson.source_losses[iteration - 1] == pytest.approx(printed, abs=1.5e-4)
    assert "iteration  10000: loss 0.0014" in lesson.printed
    assert (lesson.D_hat.round(decimals=4) - SOURCE_D_HAT).abs().max() < 1.1e-4
    assert (100 * lesson.left_over - SOURCE_MISSING).abs().max() < 0.01


def test_how_those_losses_fall(lesson):
    """The first thousand iterations divide the loss by more than 80, the last five thousand by no more than 1.25."""
    losses = lesson.source_losses
    assert losses[0] / losses[999] > 80
    assert losses[4999] / losses[-1] < 1.25


def test_one_direction_is_left_and_leaves_slowly(lesson):
    """What is left has rank 1, and shrinks by 2·lr·(F's second singular value)² in an iteration, 17 millionths."""
    sizes = torch.linalg.svdvals(lesson.left_over)
    assert sizes[1] < 0.02 * sizes[0]
    D_sizes = torch.linalg.svdvals(lesson.D_source)
    assert D_sizes[0].item() == pytest.approx(1.667, abs=1e-3) and D_sizes[
        1
    ].item() == pytest.approx(0.066, abs=1e-3)
    assert lesson.F_sizes[1].item() == pytest.approx(0.09, abs=5e-3)
    assert lesson.measured_rate == pytest.approx(17e-6, abs=1e-6)
    assert lesson.predicted == pytest.approx(lesson.measured_rate, rel=0.05)


def test_what_never_changes(lesson):
    """CᵀC − FFᵀ is the same after 10,000 small steps as before."""
    before = lesson.C_step.T @ lesson.C_step - lesson.F_step @ lesson.F_step.T
    after = lesson.source_C.T @ lesson.source_C - lesson.source_F @ lesson.source_F.T
    assert (before - after).abs().max() < 2e-3 < 0.2 < before.abs().max()


def test_ramp_and_comb(lesson):
    """k = 2 reproduces the patterns to about a millionth; the loss stands still at float32's limit."""
    assert lesson.error_size < 2e-6
    assert lesson.small_losses[-1] < 1e-10
    assert torch.linalg.matrix_rank(lesson.patterns) == 2


# --- the map ----------------------------------------------------------------------------------------------------------


def test_walks_on_the_map(lesson):
    """Two walks reach the valley, one from near the saddle after about eight steps of rest; at lr 0.09 none is reached."""
    straight, late, never = (
        [(a * b - 6) ** 2 for a, b in zip(*walk, strict=True)] for walk in lesson.walks.values()
    )
    assert straight[-1] < 1e-9 and late[-1] < 1e-9
    assert late[8] > 28 > 2 > late[15] and late[5] > 33
    assert 0.35 < min(never) < 0.45
    assert straight[15] < 1e-5


def test_what_a_walk_conserves(lesson):
    """From (1, 2) with steps of 0.02, q² − p² goes from 3 to a little less."""
    ps, qs = next(iter(lesson.walks.values()))
    assert qs[0] ** 2 - ps[0] ** 2 == pytest.approx(3)
    assert qs[-1] ** 2 - ps[-1] ** 2 == pytest.approx(2.84, abs=0.01)


def test_walks_are_those_of_the_rule(lesson):
    """The student's function at k = 1 on D = (6) walks as descent on (pq − 6)² does."""
    for (ps, qs), (p, q, lr) in zip(
        lesson.walks.values(), ((1, 2, 0.02), (0.1, 0.2, 0.02), (1, 2, 0.09)), strict=True
    ):
        for got_p, got_q, (right_p, right_q, _) in zip(
            ps, qs, walked(float(p), float(q), lr, 0, 40), strict=True
        ):
            assert abs(got_p - right_p) < 1e-3 and abs(got_q - right_q) < 1e-3


def test_growth_near_the_saddle():
    """p + q grows by 1 + 12·lr in each step, p − q shrinks by 1 − 12·lr; from (0.1, −0.1) the walk ends at the saddle."""
    for p, q, factor in ((1e-3, 1e-3, 1 + 12 * 0.02), (1e-3, -1e-3, 1 - 12 * 0.02)):
        places = walked(p, q, 0.02, 0, 3)
        assert places[3][0] / places[2][0] == pytest.approx(factor, rel=1e-4)
    assert walked(0.1, -0.1, 0.02, 0, 200)[-1] == pytest.approx((0, 0, 36), abs=1e-9)
    assert walked(0.1, -0.098, 0.02, 0, 200)[-1][2] < 1e-9


def test_where_a_long_step_can_rest():
    """It rests where p² + q² < 1/lr: never at lr > 1/12; with 0.05 from (1, 5) after having been thrown about."""
    thrown = walked(1.0, 5.0, 0.05, 0, 100)
    assert max(loss for *_, loss in thrown) > 30 > 1e-9 > thrown[-1][2]
    assert thrown[-1][0] ** 2 + thrown[-1][1] ** 2 < 1 / 0.05 < 1 + 25
    assert (
        walked(1.0, 2.0, 0.082, 0, 2000)[-1][2]
        < 1e-3
        < 0.1
        < walked(1.0, 2.0, 0.085, 0, 2000)[-1][2]
    )


def test_momentum_on_the_map():
    """At lr 0.02 momentum shortens the rest near the saddle; to 1e-4 it takes 22 steps, 25 with 0.5, more than 44 with 0.9."""
    plain, half, much = (
        [loss for *_, loss in walked(0.1, 0.2, 0.02, momentum, 200)] for momentum in (0, 0.5, 0.9)
    )
    rest = [next(i for i, loss in enumerate(losses) if loss < 18) for losses in (plain, half, much)]
    arrival = [
        max(i for i, loss in enumerate(losses) if loss > 1e-4) for losses in (plain, half, much)
    ]
    assert rest[0] > rest[1] > rest[2]
    assert abs(arrival[1] - 25) < 3 and abs(arrival[0] - 22) < 3
    assert arrival[2] > 2 * arrival[0]


@pytest.mark.skipif(
    shutil.which("node") is None,
    reason="the widget's arithmetic is not run: apt-get install nodejs",
)
def test_widget_walks_as_torch_does():
    """The arithmetic of data/descent.html is that of torch.optim.SGD with momentum."""
    page = (HERE / "data" / "descent.html").read_text(encoding="utf-8")
    start = page.index("function walk")
    script = page[start : page.index("var LOW", start)]
    for arguments in (
        (1.0, 2.0, 0.02, 0.0, 40),
        (0.1, 0.2, 0.02, 0.9, 60),
        (1.0, 5.0, 0.05, 0.0, 60),
        (-1.0, 3.0, 0.03, 0.5, 60),
    ):
        call = f"{script}; console.log(JSON.stringify(walk({', '.join(map(str, arguments))})))"
        ran = subprocess.run(
            ["node", "-e", call], capture_output=True, text=True, check=True, timeout=30
        )
        got, right = np.array(json.loads(ran.stdout)), np.array(walked(*arguments))
        assert got.shape == right.shape and np.allclose(got, right, atol=1e-6)


def test_widget_is_self_contained():
    """The widget loads nothing, is small, and has a label on every slider."""
    page = (HERE / "data" / "descent.html").read_text(encoding="utf-8")
    assert (
        len(page.encode()) < 25_000
        and "http" not in page
        and "src=" not in page
        and " id=" not in page
    )
    assert page.count("<input") == page.count("<label>") == page.count("</label>") == 5


# --- the floor --------------------------------------------------------------------------------------------------------


def test_layers_add_up(lesson):
    """The two layers add up to the matrix, all of the first is positive, and squares add up as the text says."""
    assert torch.allclose(sum(lesson.layers), lesson.patterns, atol=1e-5)
    assert bool((lesson.layers[0] > 0).all())
    assert bool((lesson.layers[1] > 0.1).any()) and bool((lesson.layers[1] < -0.1).any())
    assert (lesson.patterns**2).sum().item() == pytest.approx(
        (lesson.sizes**2).sum().item(), rel=1e-5
    )


# --- flowers ----------------------------------------------------------------------------------------------------------


def test_heights_of_the_two_rests(lesson):
    """681.4, 51.4 and 15.2; the singular values are 25.10, 6.01, 3.41 and 1.88."""
    floors = [lesson.floor_of(lesson.flowers, rank) for rank in range(3)]
    assert floors == pytest.approx([681.4, 51.4, 15.2], abs=0.05)
    assert round(100 * (1 - floors[2] / floors[0]), 1) == 97.8
    assert lesson.S.tolist() == pytest.approx([25.10, 6.01, 3.41, 1.88], abs=6e-3)


def test_four_descents_rest_twice_and_arrive(lesson):
    """Each is near 681.4 for about ten iterations, near 51.4 for hundreds, and within 0.1 % of 15.2 in the end."""
    for _, _, losses in lesson.runs.values():
        first = sum(abs(loss / 681.4 - 1) < 0.05 for loss in losses)
        second = sum(abs(loss / 51.4 - 1) < 0.05 for loss in losses)
        assert 7 < first < 20 and 300 < second < 800
        assert losses[-1] < 1.001 * lesson.floor_of(lesson.flowers, 2)


def test_first_step_throws_most_of_f_away(lesson):
    """Seed 0: F's length falls from above 1 to about 0.5, and both slopes become small beside those at the start."""
    lengths, slopes = [], []
    for iterations, lr in ((1, 0.0), (1, 0.005), (3, 0.005)):
        torch.manual_seed(0)
        C, F, _ = lesson.gd_factorise(lesson.flowers, 2, num_iterations=iterations, lr=lr)
        E = C @ F - lesson.flowers
        lengths.append(F.norm().item())
        slopes.append((2 * C.T @ E).norm().item())
    assert lengths[0] > 1.2 and lengths[1] == pytest.approx(0.5, abs=0.05)
    assert slopes[2] < 0.1 * slopes[0]


def test_the_loss_falls_along_every_direction_that_is_left(lesson):
    """At the saddle of rank 1: −0.120, −0.068 and −0.038 along directions 2, 3 and 4; uphill with opposite signs."""
    assert lesson.on_saddle == pytest.approx(51.3626, abs=1e-3)
    assert [lesson.changes[i] for i in (2, 3, 4)] == pytest.approx(
        [-0.120, -0.068, -0.038], abs=6e-4
    )
    for i in (2, 3, 4):
        assert lesson.changes[i] == pytest.approx(-2 * 0.01 * lesson.S[i - 1].item(), abs=5e-4)
    assert lesson.uphill == pytest.approx(0.120, abs=6e-4)


def test_directions_are_found_one_after_the_other(lesson):
    """Direction 1 within some 30 iterations, 2 from about 0.03 to 6 after about a thousand, 3 and 4 fade."""
    moments, found = lesson.moments, lesson.found.abs()
    early = next(i for i, moment in enumerate(moments) if moment >= 30)
    assert found[early, 0] > 25 and found[early, 1] < 0.1
    late = next(i for i, moment in enumerate(moments) if moment >= 1000)
    assert found[late, 1] > 5.5 and found[-1, 1].item() == pytest.approx(6.01, abs=0.05)
    assert found[-1, 2:].max() < 1e-3 < 5e-3 < found[early:, 2].max()


def test_how_long_the_rest_is(lesson):
    """Growth by 1.0046 in each step, as expected from g = 77; without the useless part it would be 1.060."""
    assert lesson.g == pytest.approx(77.5, abs=0.5)
    assert 1 + 0.01 * lesson.rate_of_growth == pytest.approx(1.0046, abs=1e-4)
    assert lesson.growth == pytest.approx(1.0046, abs=1e-4)
    assert 1 + 0.01 * lesson.S[1].item() == pytest.approx(1.060, abs=5e-4)
    assert (lesson.flowers.sum(dim=0).abs() < 1e-2).all()
    start = (
        lesson.found[next(i for i, moment in enumerate(lesson.moments) if moment >= 30), 1]
        .abs()
        .item()
    )
    assert math.log(lesson.S[1].item() / start) / (2 * math.log(1.0601)) == pytest.approx(50, abs=5)


def test_twice_the_rate_is_half_the_wait(lesson):
    """The time until the first rest ends halves with each doubling of the rate, the second rest's too; 0.02 diverges."""
    ends = {
        rate: int((losses < 366).nonzero()[0])
        for rate, losses in lesson.by_rate.items()
        if rate <= 0.01
    }
    for rate in (0.0005, 0.001, 0.005):
        assert ends[rate] / ends[2 * rate] == pytest.approx(2, abs=0.15)
    second = {rate: int((lesson.by_rate[rate] < 33).nonzero()[0]) for rate in (0.005, 0.01)}
    assert second[0.005] / second[0.01] == pytest.approx(2.2, abs=0.4)
    assert not torch.isfinite(lesson.by_rate[0.02][-1])


def test_two_pictures_of_the_same_plane(lesson):
    """The reconstructions agree to a few thousandths of a centimetre; F's rows are far from orthogonal, PCA's are not."""
    assert lesson.cloud_gap < 0.01
    assert abs(lesson.angle_C - 90) > 30 and lesson.angle_pca == pytest.approx(90, abs=0.1)


# --- photograph and digits --------------------------------------------------------------------------------------------


def test_photograph(lesson):
    """300×256; k = 2 and 8 are at the floor, 24 is not yet (about 1.17) and is at about 1.02 after 4,000 iterations."""
    assert lesson.photo.shape == (300, 256)
    assert lesson.times_floor[2] < 1.001 and lesson.times_floor[8] < 1.001
    assert 1.1 < lesson.times_floor[24] < 1.25
    assert 1 <= lesson.longer_times_floor < 1.03
    assert lesson.photo_sizes[0].item() == pytest.approx(99.4, abs=0.1)
    assert lesson.photo_sizes[23].item() == pytest.approx(4.1, abs=0.05)


def test_weak_layers_are_found_last(lesson):
    """After 1,500 iterations 16 layers are complete within 2 %, the 24th to about 0.6; after 4,000 nearly all."""
    share = lesson.shares_found["1,500 iterations"]
    assert share[:16].min() > 0.98 and 0.5 < share[23] < 0.7
    assert lesson.shares_found["4,000 iterations"].min() > 0.85


def test_photograph_at_a_larger_rate_diverges(lesson):
    """With k = 24 a learning rate of 0.001 diverges."""
    torch.manual_seed(0)
    assert not np.isfinite(
        lesson.gd_factorise(lesson.photo, 24, num_iterations=60, lr=0.001)[2][-1]
    )


def test_what_jpeg_takes(lesson):
    """A JPEG file of 3,500 bytes is closer to the photograph than any matrix of rank 24."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray((lesson.photo.numpy() * 255).round().astype("uint8")).save(
        file, "JPEG", quality=10
    )
    back = np.asarray(Image.open(io.BytesIO(file.getvalue())), dtype=float) / 255
    assert 3000 < len(file.getvalue()) < 4000
    assert ((back - lesson.photo.numpy()) ** 2).sum() < lesson.floor_of(lesson.photo, 24)


def test_digits(lesson):
    """1,797 digits of 64 pixels, ten numbers each: within 2 % of the floor with 16 % of the numbers."""
    assert lesson.digits.shape == (1797, 64)
    assert lesson.digit_times_floor < 1.02
    assert round(100 * 10 * (1797 + 64) / (1797 * 64)) == 16


# --- the answers that only staff have ---------------------------------------------------------------------------------


def test_raw_flowers(lesson):
    """Without centring the strongest direction is the mean flower (cosine above 0.99), and σ₁ is about 96."""
    _, sizes, rows = torch.linalg.svd(lesson.measured, full_matrices=False)
    assert torch.cosine_similarity(rows[0].abs(), lesson.measured.mean(dim=0), dim=0) > 0.99
    assert sizes[0].item() == pytest.approx(96, abs=0.1)


def test_ten_times_the_flowers_need_a_tenth_of_the_rate(lesson):
    """On 10·D a rate of 0.005 diverges and a tenth of it does not."""
    torch.manual_seed(0)
    assert not np.isfinite(
        lesson.gd_factorise(10 * lesson.flowers, 2, num_iterations=200, lr=0.005)[2][-1]
    )
    torch.manual_seed(0)
    losses = lesson.gd_factorise(10 * lesson.flowers, 2, num_iterations=2000, lr=0.0005)[2]
    assert losses[-1] == pytest.approx(100 * lesson.floor_of(lesson.flowers, 2), rel=1e-3)


def test_the_largest_rate_on_the_flowers(lesson):
    """0.018 arrives for four seeds, and 1/(2σ₁) is 0.0199 (0.02 diverges, as the lesson shows)."""
    for seed in range(4):
        torch.manual_seed(seed)
        losses = lesson.gd_factorise(lesson.flowers, 2, num_iterations=500, lr=0.018)[2]
        assert losses[-1] < 1.01 * lesson.floor_of(lesson.flowers, 2)
    assert 1 / (2 * lesson.S[0].item()) == pytest.approx(0.0199, abs=1e-4)


def test_how_long_0_0014_takes(lesson):
    """From 0.0014 a factor of 100 takes about 100,000 more iterations at 0.001, some 400 at 0.25; at 0.3 none suffice."""
    needed = {}
    for rate, steps in ((0.01, 12_000), (0.25, 1000), (0.3, 3000)):
        C, F, D = lesson.source_C.double(), lesson.source_F.double(), lesson.D_source.double()
        start = float(((C @ F - D) ** 2).sum())
        for step in range(steps):
            E = C @ F - D
            if float((E**2).sum()) < start / 100:
                needed.setdefault(rate, step)
            C, F = C - 2 * rate * E @ F.T, F - 2 * rate * C.T @ E
    assert 85_000 < 10 * needed[0.01] < 115_000
    assert 300 < needed[0.25] < 500
    assert 0.3 not in needed
    largest = [
        float(torch.linalg.svdvals(factor.float())[0] ** 2)
        for factor in (lesson.source_C, lesson.source_F)
    ]
    assert 1 / sum(largest) == pytest.approx(0.29, abs=0.01)


def test_a_smaller_second_layer_is_found_later(lesson):
    """A third of σ₂ makes the second rest about ten times as long; σ₂ nearly equal to σ₁ leaves no second rest."""
    lengths = {}
    for second in (6.01, 2.0, 24.0):
        sizes = lesson.S.clone()
        sizes[1:] *= torch.tensor([second / 6.01, min(second / 6.01, 1.0), min(second / 6.01, 1.0)])
        D = lesson.U @ torch.diag(sizes) @ lesson.Vt
        torch.manual_seed(0)
        losses = lesson.gd_factorise(D, 2, num_iterations=5000, lr=0.005)[2]
        lengths[second] = sum(abs(loss / lesson.floor_of(D, 1) - 1) < 0.05 for loss in losses)
    assert 7 < lengths[2.0] / lengths[6.01] < 13
    assert lengths[24.0] < 10
