"""The claims of the lesson, each by what its own cells left behind; see `autograder.lesson.run`. Staff only."""

from itertools import pairwise

import pytest
import torch


def near(value, expected, tolerance):
    return abs(float(value) - expected) <= tolerance


def test_every_figure_has_words(lesson):
    """Eight figures, each with alternative text that says more than a title."""
    assert len(lesson.figures) == 8
    assert all(len(text) > 40 for _, text in lesson.figures)


def test_story_of_the_ratings(lesson):
    """100,480,507 ratings by 480,189 people on 17,770 films fill 1.2 % of the table; 0.8567 is 10.06 % better than 0.9525."""
    assert near(100 * 100_480_507 / (480_189 * 17_770), 1.2, 0.03)
    assert near(100 * (1 - 0.8567 / 0.9525), 10.06, 0.005)


def test_update_by_hand(lesson):
    """The table of section 2: 0.628, 0.90048, and a prediction of 0.5655."""
    u, v, e = 0.5, 0.8, 2 - 0.5 * 0.8
    u += 0.1 * e * v
    v += 0.1 * e * u
    assert near(u, 0.628, 1e-9) and near(v, 0.90048, 1e-9) and near(u * v, 0.5655, 5e-5)


def test_autograd_agrees_with_paper(lesson):
    """The gradients of one term, by autograd and by the formulas."""
    assert torch.allclose(lesson.u.grad, -(lesson.miss * lesson.v).detach())
    assert torch.allclose(lesson.v.grad, -(lesson.miss * lesson.u).detach())


def test_floors(lesson):
    """Singular values 5.3339, 0.6959, 0.3492; floors 0.6062, 0.1219 and 0, equal to the squares left out."""
    assert torch.allclose(lesson.sigma, torch.tensor([5.3339, 0.6959, 0.3492]), atol=1e-4)
    assert all(near(*pair, 1e-4) for pair in zip(lesson.floors, (0.6062, 0.1219, 0.0), strict=True))
    assert "rank 2: loss 0.1219, squares left out 0.1219" in lesson.printed


def test_weights_of_the_proof(lesson):
    """Eckart–Young's proof: weights between 0 and 1 that add up to n − k, and the bound, for many B of rank k."""
    draw = torch.Generator().manual_seed(0)
    for m, n, k in ((3, 3, 2), (5, 4, 1), (3, 5, 2)):
        A = torch.randn(m, n, generator=draw, dtype=torch.float64)
        B = torch.randn(m, k, generator=draw, dtype=torch.float64) @ torch.randn(
            k, n, generator=draw, dtype=torch.float64
        )
        _, S, Qh = torch.linalg.svd(A)
        invisible = torch.linalg.svd(B)[2][k:].T
        weights = (Qh @ invisible).square().sum(dim=1)
        assert (
            weights.min() > -1e-9 and weights.max() < 1 + 1e-9 and near(weights.sum(), n - k, 1e-9)
        )
        assert torch.allclose(
            (A @ invisible).square().sum(), (S.square() * weights[: len(S)]).sum()
        )
        assert (
            (A - B).square().sum() >= (A @ invisible).square().sum() >= S[k:].square().sum() - 1e-9
        )


def test_the_reports_factors(lesson):
    """Seed 0 gives the report's factors, 0.1220 after 1000 epochs against 0.1219."""
    assert lesson.off < 1e-3
    assert near(lesson.loss_of((lesson.U_lab, lesson.V_lab)), 0.1220, 1e-4)
    assert (
        lesson.report_U[2] > 1
    ).all()  # a start is below 1, so the last row was trained (answers.md)


def test_where_the_last_bit_comes_from(lesson):
    """2000 epochs remove nearly half of the excess, 1000 more next to nothing, half the rate about three quarters."""
    early, late, later, half_rate = (
        lesson.excess[key] for key in ((0.01, 1000), (0.01, 2000), (0.01, 3000), (0.005, 4000))
    )
    assert all(value > 0 for value in lesson.excess.values())
    assert 0.45 < late / early < 0.7
    assert 0.9 < later / late < 1.01
    assert 0.15 < half_rate / later < 0.35


def test_shelves(lesson):
    """Seed 3 goes straight on, 0 and 7 rest near 0.6, 14 near 0.48; at 2000 epochs all are at the floor, none below."""
    at = {
        seed: dict(zip(lesson.epochs, losses, strict=True))
        for seed, losses in lesson.curves.items()
    }
    assert all(losses[2000] < 1.02 * lesson.floors[1] for losses in at.values())
    assert min(min(losses.values()) for losses in at.values()) > lesson.floors[1]
    assert all(losses[50] < 1.0 < 10 < losses[10] for losses in at.values())
    assert near(at[0][100], 0.6, 0.02) and near(at[0][200], 0.57, 0.03)
    assert near(at[7][200], 0.61, 0.02) and near(at[7][300], 0.58, 0.02)
    assert all(near(at[14][count], 0.4842, 0.03) for count in (200, 300, 500, 700))
    assert at[3][200] < 0.25


def test_stationary_points(lesson):
    """Seven products, all with gradient zero; one minimum, the truncated SVD; curvatures −σⱼ or σᵢ − σⱼ at the saddles."""
    S = lesson.S
    assert len(lesson.stationary) == 7
    for kept, (loss, slope, lowest) in lesson.stationary.items():
        missing = [j for j in range(3) if j not in kept]
        assert slope < 1e-12
        assert near(loss, float(sum(S[j] ** 2 for j in missing)), 1e-9)
        held = float(S[max(kept)]) if len(kept) == 2 else 0.0
        expected = min(held - float(S[missing[0]]), 0.0)
        assert near(lowest, expected, 1e-9)
    assert [kept for kept, (_, _, lowest) in lesson.stationary.items() if lowest > -1e-6] == [
        (0, 1)
    ]
    assert near(lesson.stationary[0,][0], 0.6062, 1e-4) and near(
        lesson.stationary[0, 2][0], 0.4842, 1e-4
    )


def test_ways_down(lesson):
    """The half loss changes by −σⱼt² + ½t⁴ and by −σᵢ(σⱼ − σᵢ)sin²t along the two ways down."""
    P, S, Q, t = lesson.P, lesson.S, lesson.Qh.T, torch.tensor(0.3, dtype=torch.float64)
    A = lesson.A.double()

    def half(X):
        return (A - X).square().sum() / 2

    first = S[0] * torch.outer(P[:, 0], Q[:, 0])
    spare = first + t**2 * torch.outer(P[:, 1], Q[:, 1])
    assert torch.allclose(half(spare) - half(first), -S[1] * t**2 + t**4 / 2)
    held = S[2] * torch.outer(P[:, 2], Q[:, 2])
    p, q = (W[:, 2] * t.cos() + W[:, 1] * t.sin() for W in (P, Q))
    change = half(first + S[2] * torch.outer(p, q)) - half(first + held)
    assert torch.allclose(change, -S[2] * (S[1] - S[2]) * t.sin() ** 2)


def test_other_factors_same_product(lesson):
    """Two starts, factors that differ, products within 0.01 of the truncated SVD; largest error 0.19."""
    (U, V), (W, X) = lesson.two_starts[0], lesson.two_starts[3]
    assert (U - W).abs().max() > 0.5
    assert all(
        (left @ right.T - lesson.best).abs().max() < 0.01 for left, right in ((U, V), (W, X))
    )
    assert near((lesson.A - U @ V.T).abs().max(), 0.19, 0.01)


def test_twelve_masked_starts(lesson):
    """Over all elements 1.01 to 1.96, over the observed ones 6e-7 to 0.013; the report's run is had again, among them."""
    assert near(lesson.as_in_report[0], 0.0009, 1e-4) and near(lesson.as_in_report[1], 1.4484, 1e-3)
    seen, everywhere = zip(*lesson.twelve, strict=True)
    assert near(min(everywhere), 1.01, 0.01) and near(max(everywhere), 1.96, 0.02)
    assert min(seen) < 2e-6 and near(max(seen), 0.013, 0.001)
    assert min(everywhere) < 1.4484 < max(everywhere) and min(seen) < 0.0009 < max(seen)
    together = torch.tensor(lesson.twelve).log().T
    assert abs(float(torch.corrcoef(together)[0, 1])) < 0.6


def test_framed_elements(lesson):
    """Seed 1: the error is zero where observed, 0.93 and 0.59 where hidden."""
    error = lesson.A - lesson.products[1]
    assert error[lesson.observed].abs().max() < 0.005
    assert near(error[1, 0], 0.93, 0.02) and near(error[2, 1], 0.59, 0.02)


def test_counting_is_not_enough(lesson):
    """60 of 80 known against 32 degrees of freedom, and it works; 18 of 36 against 11, and hidden ones are off by about 2."""
    assert int(lesson.known.sum()) == 60 and 2 * (10 + 8 - 2) == 32
    assert int(lesson.own_camp.sum()) == 18 and 6 + 6 - 1 == 11
    assert max(lesson.fits[2]) < 0.02
    assert lesson.fits[1][0] < 0.005 and near(lesson.fits[1][1], 2.0, 0.1)
    people = torch.cat([2 * lesson.people[:3], lesson.people[3:]])
    films = torch.cat([lesson.films[:, :3] / 2, lesson.films[:, 3:]], dim=1)
    assert torch.allclose((people @ films)[lesson.own_camp], lesson.camps[lesson.own_camp])
    assert ((people @ films - lesson.camps)[~lesson.own_camp].abs() > 0.1).all()


def test_one_more_rating_ties_the_camps(lesson):
    """With one rating outside the blocks, the same matrix is found (answers.md)."""
    mask = lesson.own_camp.clone()
    mask[0, 5] = True
    torch.manual_seed(0)
    U, V = lesson.sgd_factorise_masked(lesson.camps, mask, 1, num_epochs=1000, lr=0.1)
    assert (U @ V.T - lesson.camps).abs().max() < 0.02


def test_weight_decay_is_the_nuclear_norm(lesson):
    """With λ = 0.3 the singular values are 5.0339, 0.3959, 0.0492."""
    assert torch.allclose(lesson.shrunk, torch.tensor([5.0339, 0.3959, 0.0492]), atol=1e-4)
    assert torch.allclose(lesson.shrunk, lesson.sigma - 0.3, atol=2e-5)
    factors = lesson.left.detach().square().sum() + lesson.right.detach().square().sum()
    assert near(
        factors / 2, float(lesson.shrunk.sum()), 1e-3
    )  # at the minimum the factors share the norm


def test_photograph_numbers(lesson):
    """160×120 pixels, 6,760 to learn from, 787 to judge by, about 40 % known; forty million steps for twenty fits."""
    assert lesson.picture.shape == (160, 120)
    assert int(lesson.training.sum()) == 6760 and int(lesson.validation.sum()) == 787
    assert near(lesson.kept_pixels.float().mean(), 0.4, 0.01)
    assert near(20 * 300 * 6760, 40e6, 1e6)


def test_rank_without_decay_makes_it_worse(lesson):
    """Without weight decay rank 5 is best, in validation and hidden pixels alike, and the error rises beyond 0.3."""
    for scores in (lesson.judged, lesson.hidden_too):
        line = [scores[k, 0.0] for k in lesson.ranks]
        assert min(line) == line[1] and line[1] < line[2] < line[3] < line[4] and line[4] > 0.3
    assert lesson.plain == 5
    assert near(lesson.judged[5, 0.0], 0.131, 0.005) and near(
        lesson.hidden_too[5, 0.0], 0.144, 0.005
    )


def test_decay_makes_a_generous_rank_harmless(lesson):
    """With weight decay 0.5 ranks 10, 20 and 40 are as good as each other, better than all without; 2.0 is flat and higher."""
    line = [lesson.hidden_too[k, 0.5] for k in (10, 20, 40)]
    assert max(line) - min(line) < 0.005 and max(line) < min(
        lesson.hidden_too[k, 0.0] for k in lesson.ranks
    )
    heavy = [lesson.hidden_too[k, 2.0] for k in (5, 10, 20, 40)]
    assert max(heavy) - min(heavy) < 0.005 and min(heavy) > max(line)


def test_choice_by_validation(lesson):
    """The validation pixels choose weight decay 0.5; its hidden error is within 0.005 of the best of all."""
    assert lesson.choice[1] == 0.5 and lesson.choice[0] >= 10
    assert lesson.hidden_too[lesson.choice] - min(lesson.hidden_too.values()) < 0.005
    gaps = [abs(lesson.judged[key] - lesson.hidden_too[key]) for key in lesson.judged if key[1] > 0]
    assert max(gaps) < 0.02  # the two panels look alike
    assert all(lesson.judged[key] < lesson.hidden_too[key] for key in lesson.judged if key[1] > 0)
    assert len(lesson.judged) == 20


def test_last_pictures(lesson):
    """With all known pixels: about 0.31 without weight decay, about 0.125 with the choice."""
    assert near(lesson.rmse_without, 0.31, 0.04) and near(lesson.rmse_chosen, 0.125, 0.005)


def test_neighbours(lesson):
    """Neighbours win on the photograph (0.103), and are worse than the plain average once shuffled; factors do not notice."""
    photo, mixed = "the photograph", "its rows and columns shuffled"
    assert near(lesson.race[photo, "neighbours"], 0.103, 0.003)
    assert lesson.race[photo, "neighbours"] < lesson.race[photo, "factors"]
    average = lesson.rmse(lesson.picture[lesson.kept_pixels].mean(), ~lesson.kept_pixels)
    assert lesson.race[mixed, "neighbours"] > average
    assert near(lesson.race[mixed, "factors"], lesson.race[photo, "factors"], 0.005)


def test_race(lesson):
    """Four sweeps of least squares reach 0.1219 to four places; 1000 epochs do not."""
    assert round(lesson.sweeps[3], 4) == 0.1219 and round(lesson.sweeps[2], 4) > 0.1219
    assert lesson.sweeps[3] < lesson.loss_of((lesson.U_lab, lesson.V_lab))
    assert all(late <= early + 1e-6 for early, late in pairwise(lesson.sweeps))


def test_soft_threshold_is_the_minimum(lesson):
    """No matrix near X* has a lower ½‖A − X‖² + λ‖X‖*, and it grows at least by ½‖X − X*‖²."""
    A, draw = lesson.A.double(), torch.Generator().manual_seed(0)

    def objective(X):
        return (A - X).square().sum() / 2 + 0.5 * torch.linalg.svdvals(X).sum()

    best = lesson.P @ torch.diag((lesson.S - 0.5).clamp(min=0)) @ lesson.Qh
    for size in (0.01, 0.1, 1.0):
        for _ in range(20):
            step = size * torch.randn(3, 3, generator=draw, dtype=torch.float64)
            assert objective(best + step) - objective(best) >= step.square().sum() / 2 - 1e-9


def test_small_starts(lesson):
    """Smaller starts guess better, from about 3.6 to below 0.25, and end closer to rank 2."""
    errors = [lesson.hidden_rmse(lesson.ends[size]) for size in lesson.sizes]
    assert all(late < early for early, late in pairwise(errors))
    assert near(errors[0], 3.59, 0.15) and near(errors[-1], 0.17, 0.05)
    third = [float(torch.linalg.svdvals(lesson.ends[size])[2]) for size in lesson.sizes]
    assert third == sorted(third, reverse=True)
    observed = [float((X - lesson.target)[lesson.shown].abs().max()) for X in lesson.ends.values()]
    assert max(observed) < 0.02  # everything observed is fitted
    assert near(lesson.shown.sum(), 300, 30)


def test_small_start_is_not_the_smallest_nuclear_norm(lesson):
    """The smallest start ends at a larger nuclear norm than weight decay does, and closer to the truth."""
    small = lesson.ends[0.001]
    norms = [float(torch.linalg.svdvals(X).sum()) for X in (small, lesson.penalised)]
    assert norms[0] > norms[1] + 0.5
    assert lesson.hidden_rmse(small) < lesson.hidden_rmse(lesson.penalised) / 2


@pytest.mark.parametrize(("rate", "diverges"), [(0.01, True), (0.003, False)])
def test_fifty_times_the_matrix(lesson, rate, diverges):
    """50·A diverges at the rate 0.01 and not at 0.003, on either side of 1/σ₁ = 0.00375 (answers.md)."""
    torch.manual_seed(0)
    U, V = lesson.sgd_factorise(50 * lesson.A, 2, num_epochs=200, lr=rate)
    assert bool(torch.isfinite(U @ V.T).all()) is not diverges
    assert near(1 / (50 * lesson.sigma[0]), 0.00375, 1e-5)
