"""Hidden checks of gd_svd: what descent arrives at, from the best of a few starts, and whether it
gets there by descent.

Other weights of the three terms and other optimisers are right answers, so no check knows the exact
step. What a check rests on instead, and how it was measured: design.md.
"""

import itertools
import re

import pytest
import torch

from autograder.vocabulary import (
    STANDSTILL,
    close,
    difference,
    expect,
    fresh_start,
    history,
    items,
    matrix,
    unchanged,
)

STARTS = 10  # a right answer arrives from 4 of 5 starts
SPLIT = 3e-4  # between singular values that are nearly equal, as a part of them
ALIKE = 2e-4  # 1 − cosine of columns that are the same, signs apart
CHANCES = 5  # draws in which the columns of a right answer may be the library's by chance
EXACT = 1e-4  # of a loss: how far the record may be from what it records
FAR = 0.02  # 1 − cosine of columns between which no step of a descent leads, once it has arrived
DEFAULT = {"num_iterations": 20000, "lr": 0.9, "momentum": 0.9}
SHORT_CUTS = re.compile(  # what decomposes a matrix, and what may call that by another name
    r"(?<!gd_)(?<![A-Za-z])(?:svd|l?eig|qr|geqrf|householder|schur|polar|cholesky|matrix_power|pca)|"
    r"TruncatedSVD|PCA|lobpcg|"
    r"\b(?:getattr|exec|eval|compile|globals|locals|vars|dir|open|inspect|importlib|ctypes|pickle"
    r"|marshal|attrgetter|methodcaller|scipy|sklearn)\b|__(?:dict|import|builtins|getattr)"
)


# --- the calls ------------------------------------------------------------------------------------


def said(options):
    """The call as messages name it."""
    return f"gd_svd(M, {', '.join(f'{name}={value:g}' for name, value in options.items())})"


def run(student, M, **options):
    """U, S, V as float64, NaN and all, and the losses of one call, as many as iterations."""
    (m, n), call, steps = M.shape, said(options), options["num_iterations"]
    value = student.gd_svd(M.clone(), **options)
    U, S, V, losses = items(value, 4, f"{call} ... (U, S, V, loss_history)")
    U, S, V = (
        matrix(value, shape, f"{call} returned {name} for a {m}×{n} matrix", finite=False)
        for name, value, shape in (("U", U, (m, n)), ("S", S, (n,)), ("V", V, (n, n)))
    )
    long = isinstance(losses, tuple | list) and len(losses) == steps  # may hold NaN
    if (
        not long and str(losses) != f"list of {steps} items"
    ):  # so many tensors do not cross the line
        history(losses, steps, f"{call} returned loss_history")
    return (U, S, V), losses


def record(student, M, **options):
    """The losses of one call, finite."""
    return history(
        run(student, M, **options)[1],
        options["num_iterations"],
        f"{said(options)} returned loss_history",
    )


def start_of(student, M):
    """The student's own start, and its loss: one step that is too small to change anything."""
    factors, losses = run(student, M, num_iterations=1, lr=STANDSTILL)
    return factors, losses


# --- what there is to compare ---------------------------------------------------------------------


def rebuilt(U, S, V):
    """U diag(S) Vᵀ."""
    return (U * S) @ V.T


def crooked(Q):
    """QᵀQ − I."""
    return Q.T @ Q - torch.eye(Q.shape[1], dtype=torch.float64)


def skew(Q):
    """The largest difference of QᵀQ and the identity; infinite for NaN."""
    return worst(float(crooked(Q).abs().max()))


def worst(*gaps):
    """The largest of these; infinite where one is NaN."""
    return max(gap if gap == gap else float("inf") for gap in gaps)


def flat(tensors):
    """All entries of several tensors in one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def aligned(factors, before):
    """The factors in the order, and with the signs, in which they are nearest to those before a
    tiny step: order and signs are settled anew in every call.
    """
    (U, S, V), n = factors, len(factors[1])

    def turned(i, j):  # triple i with the signs of triple j before
        u, v = (
            -1.0 if Q[:, i] @ there[:, j] < 0 else 1.0
            for Q, there in ((U, before[0]), (V, before[2]))
        )
        return U[:, i] * u, S[i] * u * v, V[:, i] * v

    triples = [[turned(i, j) for j in range(n)] for i in range(n)]
    there = [[Q[..., j] for Q in before] for j in range(n)]
    gaps = [
        [
            sum(float(((a - b) ** 2).sum()) for a, b in zip(triple, there[j], strict=True))
            for j, triple in enumerate(row)
        ]
        for row in triples
    ]
    order = min(
        itertools.permutations(range(n)),
        key=lambda order: sum(gaps[i][j] for j, i in enumerate(order)),
    )
    nearest = [triples[i][j] for j, i in enumerate(order)]
    return tuple(torch.stack(parts, dim=-1) for parts in zip(*nearest, strict=True))


def slopes_of_the_fit(factors, M):
    """The gradients of half the squared difference of U diag(S) Vᵀ and M."""
    U, S, V = factors
    R = rebuilt(U, S, V) - M.double()
    return R @ V * S, ((U.T @ R) * V.T).sum(1), R.T @ U * S


def along(way, slopes):
    """The cosine of a way and the descent; 0 where nothing moved."""
    way, down = flat(way), -flat(slopes)
    return float(way @ down / (way.norm() * down.norm() + 1e-30))


# --- matrices -------------------------------------------------------------------------------------


def against(draw, m=6, n=4, scale=1.0):
    """All entries far below zero: from a start in [0, 1) the first step at lr 0.2 makes every entry
    of S negative.
    """
    return -scale * draw.uniform(m, n, low=150.0, high=250.0)


def uneven(draw, m, n, scale):
    """Entries of both signs, zeros, small and large ones among them."""
    M = scale * draw.normal(m, n)
    for place, factor in zip(
        draw.uniform(m * n).argsort()[:4].tolist(), (0.0, 0.0, 0.01, 3.0), strict=True
    ):
        M.view(-1)[place] *= factor
    return M


def nearly_a_circle(draw):
    """4×2, with singular values that differ by three in ten thousand.

    A library tells which directions are whose. Descent would need a million steps for
    that: within a thousand it ends at orthonormal columns to which its start has led.
    """
    large = draw.number(1.1, 1.3)
    return draw.spectrum(4, 2, (large, large * (1 - SPLIT)))


def from_the_library(V, M):
    """How far the columns of V are from the right singular vectors of M, in any order, signs apart:
    1 − cosine, of the worst one. Infinite for NaN.
    """
    exact = torch.linalg.svd(M.double(), full_matrices=False).Vh.T
    cosines = ((V / V.norm(dim=0)).T @ exact).abs().max(0).values
    return worst(float((1 - cosines).max()))


def is_the_library(V, M):
    """Whether the columns of V are the right singular vectors of M, in any order, signs apart."""
    return from_the_library(V, M) <= ALIKE


# --- the checks -----------------------------------------------------------------------------------


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Which entries of S can be negative after the last step, and is their order right once you "
    "have taken care of that?"
)
def test_singular_values_are_returned_in_order_and_not_negative(student, draw):
    """gd_svd returns S non-negative and descending, wherever the last step led."""
    options = {"num_iterations": 1, "lr": 0.2}
    for _ in range(2):
        (_, S, _), _ = run(student.seeded(draw.seed()), against(draw, 9, 8), **options)
        negative = int((S < 0).sum())
        expect(
            negative == 0, f"{said(options)}: {negative} of {S.numel()} entries of S are negative"
        )
        expect(bool((S[:-1] >= S[1:]).all()), f"{said(options)}: S is not in descending order")
        expect(float(S[0]) > 0, f"{said(options)}: S is zero")


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Compare U before and after one step of lr=0.001 with U.grad. Which sign has the change? Do S "
    "and V change, too?"
)
def test_the_first_step_goes_down_the_gradient(student, draw):
    """The first step of gd_svd changes U, S and V in the direction in which the fit to M improves,
    wherever that is clear.
    """
    options = {"num_iterations": 1, "lr": 1e-5}
    M = uneven(draw, 7, 5, scale=1000)  # so large that the fit decides every gradient
    M = M - M.mean(0)
    # no row or column of one sign, so that the gradients of a positive start have both
    M = M - M.mean(1, keepdim=True)
    for _ in range(2):
        there = student.seeded(draw.seed())
        start, _ = start_of(there, M)
        after = aligned(run(there, M, **options)[0], start)
        slopes = slopes_of_the_fit(start, M)
        far = difference(rebuilt(*start), M) > 0.01 * float(M.abs().max())
        expect(far, "gd_svd with a tiny lr: U diag(S) Vᵀ starts at M; start from torch.rand")
        for name, before, now, slope in zip("USV", start, after, slopes, strict=True):
            clear = slope.abs() > 0.3 * slope.abs().max()
            uphill = (now - before) * slope  # 0 where a tiny step is lost to rounding
            what = f"{name} does not move down the gradient of the fit"
            expect(float(uphill.sum()) < 0, f"{said(options)}: {what}")
            astray = int(((uphill > 0) & clear).sum())
            expect(
                astray == 0,
                f"{said(options)}: {astray} of {int(clear.sum())} entries of {name} that clearly "
                "should move down the gradient do not",
            )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Is every step of your loop the same step, the last one too? Which numbers does it use besides "
    "M, U, S and V?"
)
def test_the_next_steps_go_down_the_gradient_too(student, draw):
    """The second to fourth step of gd_svd go down the gradient of the fit as well."""
    M = against(draw, scale=5)  # all slopes lead S down, while its end is far up
    there, lr = student.seeded(draw.seed()), 1e-6
    start, _ = start_of(there, M)
    first, fourth = (
        aligned(run(there, M, num_iterations=steps, lr=lr)[0], start) for steps in (1, 4)
    )
    way = [now - before for now, before in zip(fourth, first, strict=True)]
    what = f"{said({'num_iterations': 4, 'lr': lr})}: from the first step to the fourth, U, S and V"
    down = along(way, slopes_of_the_fit(start, M)) > 0.1
    expect(down, f"{what} do not move down the gradient of the fit")
    expect(float(flat(way).norm()) < 1, f"{what} have come farther than so tiny steps can lead")


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Where U diag(S) Vᵀ is M already, which terms of the loss still have a gradient, and is it in "
    "U.grad and V.grad?"
)
def test_steps_straighten_the_columns_where_the_fit_is_perfect(student, draw):
    """Where gd_svd starts at U diag(S) Vᵀ = M, its first step brings the columns of both U and V
    nearer to length 1, here for a 1×1 matrix.
    """
    options = {"num_iterations": 1, "lr": 0.01}
    there = student.seeded(draw.seed())
    start, _ = start_of(there, 1000 + draw.uniform(1, 1))  # one column has no order
    M = rebuilt(*start).float()
    after = aligned(run(there, M, **options)[0], start)
    for name, Q, now in (("U", start[0], after[0]), ("V", start[2], after[2])):
        if skew(Q) > 1e-3:  # a column that has length 1 has nowhere to go
            expect(
                along([now - Q], [Q @ crooked(Q)]) > 0.3 and difference(now, Q) < 1,
                f"{said(options)}, where U diag(S) Vᵀ starts at M, and M is 1×1: {name} comes no "
                "nearer to 1",
            )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "What do U, S and V hold before the first step? torch.rand gives numbers between 0 and 1, "
    "whatever M is."
)
def test_starts_from_random_numbers_whatever_the_matrix(student, draw):
    """gd_svd starts U, S and V from torch.rand, whatever M is: a tiny learning rate leaves them
    there.
    """
    there, names = student.seeded(draw.seed()), ("U", "S", "V")
    first, _ = start_of(there, draw.uniform(8, 7))
    fresh_start(first, names, "gd_svd with a tiny lr")
    second, _ = start_of(there, uneven(draw, 8, 7, scale=1))
    for name, one, other in zip(names, first, second, strict=True):
        what = f"{name} starts differently for another M after the same torch.manual_seed"
        close(other, one, 1e-6, f"gd_svd with a tiny lr: {what}")


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "In which order does your loop compute the loss, record it and take a step? Whose loss is the "
    "first one on the list?"
)
def test_loss_history_holds_the_loss_before_each_step(student, draw):
    """loss_history begins with the loss of its own call's start, whatever lr is, and a longer run
    continues a shorter one.
    """
    M, there = uneven(draw, 5, 3, scale=2), student.seeded(draw.seed())
    (first,) = record(there, M, num_iterations=1, lr=STANDSTILL)
    short = record(there, M, num_iterations=3, lr=0.1)
    long = record(there.twice(), M, num_iterations=6, lr=0.1)
    call = "the second of two calls gd_svd(M, num_iterations=6, lr=0.1)"
    what = f"{call}: loss_history[0] is not the loss of the start, which a tiny lr records"
    close(long[0] / max(1.0, abs(first)), first / max(1.0, abs(first)), 1e-5, what)
    for step, (one, other) in enumerate(zip(short, long, strict=False)):
        what = f"{call}: loss_history[{step}] is not that of the same call with num_iterations=3"
        close(other / max(1.0, abs(one)), one / max(1.0, abs(one)), EXACT, what)
    moved = max(abs(loss - long[0]) for loss in long) > 1e-6
    expect(moved, f"{call}: loss_history does not change with the steps")


PENALTIES = ("the lengths in U", "the angles in U", "the lengths in V", "the angles in V")


def loss_terms(U, S, V, M):
    """The mean squared fit; of UᵀU and VᵀV each, the squared distance from the identity on the
    diagonal and off it; 1 for a constant.
    """
    terms = [((rebuilt(U, S, V) - M.double()) ** 2).mean()]
    for Q in (U, V):
        wrong = crooked(Q) ** 2
        terms += [wrong.diagonal().sum(), wrong.sum() - wrong.diagonal().sum()]
    return torch.stack([*terms, torch.ones((), dtype=torch.float64)])


def samples(student, draw, place):
    """The terms of the loss at places where the student's function goes, and what it records there:
    eight places, more until they tell the weights of the terms well apart.
    """
    terms, losses = [], []
    while len(terms) < 8 or (len(terms) < 14 and not told_apart(torch.stack(terms))):
        factors, M, loss = place(student.seeded(draw.seed()))
        terms.append(loss_terms(*factors, M))
        losses.append(loss)
    return torch.stack(terms), torch.tensor(losses, dtype=torch.float64)


def told_apart(terms):
    """Whether no combination of the terms, each scaled to 1, is nearly the same at all places; one
    that is always 0 is not told apart.
    """
    return float(torch.linalg.svdvals(terms / terms.norm(dim=0).clamp(min=1e-3))[-1]) > 0.02


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Compute the loss of the U, S and V that you return, after you have put them in order. Is it "
    "still what it was before?"
)
def test_loss_history_is_the_loss_of_what_is_returned(student, draw):
    """loss_history records a weighted sum of the fit and the two penalties, for the same U, S and V
    that gd_svd returns, after one step and after hundreds, small or large ones.
    """
    M = draw.uniform(4, 4)

    def at_start(there):
        factors, losses = start_of(there, M)
        (loss,) = history(losses, 1, "gd_svd with a tiny lr returned loss_history")
        return factors, M, loss

    def on_the_way(there):
        other, steps = draw.uniform(4, 4, low=-1.0), draw.integer(5, 80)
        factors, _ = run(there, other, num_iterations=steps, lr=0.1)
        return factors, other, record(there, other, num_iterations=steps + 1, lr=0.1)[steps]

    terms, losses = samples(student, draw, at_start)
    if not told_apart(terms):  # all starts are alike, orthonormal or nearly zero
        terms, losses = samples(student, draw, on_the_way)
    weights = torch.linalg.lstsq(terms, losses[:, None], driver="gelsd").solution[:, 0]
    scale = float(losses.abs().max() + 1e-30)
    what = "loss_history is no weighted sum of the three terms of the U, S and V returned"
    close(terms @ weights / scale, losses / scale, EXACT, what)
    fit = float(weights[0])
    expect(fit > 0, "loss_history: the fit to M has no part in the loss that is recorded")
    for name, weight in zip(PENALTIES, weights[1:5].tolist(), strict=True):
        expect(
            weight > 1e-5 * fit,
            f"loss_history: the penalty for {name} has no part in the loss that is recorded",
        )
    unshifted = abs(float(weights[5])) < 1e-3 * float(losses.abs().max())
    expect(unshifted, "loss_history: a constant is added to the loss that is recorded")

    def agrees(M, there, shorter, longer, lr):
        """The record of the longer run holds the loss of what each shorter one returns."""
        losses = record(there, M, num_iterations=longer, lr=lr)
        for steps in shorter:
            factors, _ = run(there, M, num_iterations=steps, lr=lr)
            scale = max(abs(losses[steps]), abs(losses[0]))
            what = f"loss_history[{steps}] is not the loss of what {steps} iterations return"
            close(
                losses[steps] / scale,
                float(loss_terms(*factors, M) @ weights) / scale,
                EXACT,
                f"{said({'num_iterations': longer, 'lr': lr})}: {what}",
            )

    there = student.seeded(draw.seed())
    (U, _, V), _ = start_of(there, M)
    signs = torch.diag(torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64))
    # the first step makes every other entry of S negative
    mixed = torch.linalg.pinv(U).T @ signs @ torch.linalg.pinv(V)
    agrees((mixed * (200 / mixed.abs().max())).float(), there, (1,), 2, 0.2)
    agrees(against(draw, 4, 4, scale=1 / 20), there, (1, 2, 3), 4, 0.2)  # ... all of them
    few, many = draw.integer(10, 60), draw.integer(120, 250)
    agrees(uneven(draw, 4, 4, scale=1), there, (few, many), many + 1, 0.02)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.25)
@pytest.mark.hint("Operations that end in an underscore, and -=, +=, *=, change a tensor in place.")
def test_the_matrix_is_left_alone(student, draw):
    """gd_svd does not change the M that it is given."""
    M = uneven(draw, 4, 2, scale=5)
    unchanged(student.call("gd_svd", M.clone(), num_iterations=3, lr=0.1), M)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint("Compare your `def` line with the one that you were given.")
def test_defaults_are_those_of_the_stub(student, draw):
    """gd_svd takes 20,000 iterations at lr=0.9 and momentum=0.9 where the caller does not say
    otherwise.
    """
    defaults = student.defaults("gd_svd")
    order = [name for name in defaults if name in DEFAULT]
    expect(
        order == list(DEFAULT), f"gd_svd takes {', '.join(order)}, in another order than the stub"
    )
    for name, expected in DEFAULT.items():
        got = defaults[name]
        in_body = got is None and name != "num_iterations"  # None may be filled in by the body
        expect(
            got == expected or in_body, f"gd_svd has {name}={got} by default; expected {expected}"
        )
    M, there = uneven(draw, 3, 2, scale=1), student.seeded(draw.seed())
    count = type(defaults["num_iterations"])(2)  # 2.0 where the default is 2e4: it must do
    plain, _ = run(there, M, num_iterations=count)
    if None in (defaults[name] for name in DEFAULT):
        spoken, _ = run(there, M, num_iterations=2, lr=0.9, momentum=0.9)
        for name, one, other in zip("USV", plain, spoken, strict=True):
            what = f"gd_svd(M, num_iterations=2): {name} differs from the call with lr=0.9"
            close(one, other, 1e-5, f"{what}, momentum=0.9")


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Compare S with torch.linalg.svdvals(M) for a matrix of your own. Are the columns of U and V "
    "orthonormal, too?"
)
def test_finds_the_singular_values(student, draw):
    """S of gd_svd comes in 600 iterations to within 0.02 of the singular values of M."""
    best = float("inf")
    for _ in range(STARTS):
        M = draw.spectrum(4, 2, (draw.number(1.1, 1.3), draw.number(0.35, 0.45)))
        (_, S, _), _ = run(student.seeded(draw.seed()), M, num_iterations=600, lr=0.3)
        exact = torch.linalg.svdvals(M.double())
        best = min(best, worst(difference(S.abs().sort(descending=True).values, exact)))
        if best <= 2e-2:
            return
    expect(
        False,
        "gd_svd(M, num_iterations=600, lr=0.3): S is off the singular values by "
        f"{best:.2g} at best, of {STARTS} starts; 0.02 is allowed",
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(10.25)
@pytest.mark.hint(
    "Which terms of the loss make the columns of U and of V orthonormal? And is every step of your "
    "loop the same step, the last one too?"
)
def test_a_thousand_steps_arrive_where_the_start_leads(student, draw):
    """After a thousand iterations of gd_svd, columns are orthonormal and rebuild M; where singular
    values are nearly equal, they are not a library's columns but those to which the start has led.
    """
    best, copies, came = None, 0, False
    for _ in range(STARTS):
        M, there = nearly_a_circle(draw), student.seeded(draw.seed())
        options = {"num_iterations": draw.integer(1001, 1030), "lr": 0.15}
        (U, S, V), _ = run(there, M, **options)
        gaps = {
            "UᵀU from the identity by": (skew(U), 1e-2),
            "VᵀV from the identity by": (skew(V), 1e-2),
            "S from the singular values by": (
                worst(difference(S, torch.linalg.svdvals(M.double()))),
                2e-2,
            ),
            "U diag(S) Vᵀ from M by": (worst(difference(rebuilt(U, S, V), M)), 2e-2),
        }
        wrong = {what: gap for what, (gap, most) in gaps.items() if gap > most}
        best = wrong if best is None or len(wrong) < len(best) else best
        if not wrong:
            came, copies = True, copies + is_the_library(V, M)
            if copies in (0, CHANCES):
                break
    told = " and ".join(f"{what} {gap:.2g}" for what, gap in best.items())
    expect(came, f"{said(options)}: off are {told}, at best, from {STARTS} starts")
    what = "U and V are those of a library, which descent cannot tell from others in so many steps"
    expect(copies < CHANCES, f"{said(options)}: {what}")
    for _ in range(CHANCES):
        M, there, steps = (
            nearly_a_circle(draw),
            student.seeded(draw.seed()),
            draw.integer(1001, 1030),
        )
        (_, _, V), _ = run(there, M, num_iterations=steps)
        if not is_the_library(V, M):
            break
    else:
        expect(False, f"gd_svd(M, num_iterations={steps}): {what}")
    if student.mentions(SHORT_CUTS):
        goes_on_as_it_began(student, draw)


def goes_on_as_it_began(student, draw):
    """Whoever can call a library may do so late. A run of the default length costs twice as much as
    all the rest, so only they pay it. Its columns may be the library's where descent has turned
    them there, but not from far away in one step.
    """

    def gap(**options):
        """How far the columns are from the library's; None where the call does not return."""
        value, call = there.attempt("gd_svd", M.clone(), **options), "gd_svd(M)"
        if value is None:
            return None
        V = items(value, 4, f"{call} ... (U, S, V, loss_history)")[2]
        return from_the_library(matrix(V, (2, 2), f"{call} returned V", finite=False), M)

    for _ in range(STARTS):
        M, there, few = nearly_a_circle(draw), student.seeded(draw.seed()), 1030
        far = gap(num_iterations=few)
        if far is None or far > FAR:
            break
    many, end = DEFAULT["num_iterations"], gap()
    while many - few > 1 and far is not None and end is not None and end <= ALIKE:
        # the likeliest first, which is also the dearest
        steps = many - 1 if many == DEFAULT["num_iterations"] else (few + many) // 2
        there_now = gap(num_iterations=steps)
        if there_now is None:
            return
        if there_now <= ALIKE:
            many = steps
        else:
            few, far = steps, there_now
    expect(
        many - few > 1 or far <= FAR,
        f"gd_svd(M, num_iterations={many}): U and V are those of a library; with {few} they are "
        "far from these",
    )
