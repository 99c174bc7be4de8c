"""Hidden checks of gd_svd: what descent arrives at, from the best of a few starts, and whether it gets there by descent.

Other weights of the three terms and other optimisers are right answers, so no check knows the exact step.
"""

import pytest
import torch

from autograder.vocabulary import (
    close,
    difference,
    expect,
    fresh_start,
    history,
    items,
    kind,
    matrix,
    unchanged,
)

STARTS = 10  # a right answer succeeds from 4 of 5 starts, see design.md


def run(student, M, call, **options):
    """U, S, V as float64, NaN and all, and the loss history of one call; `call` is how messages name it."""
    m, n = M.shape
    what = f"{call} ... (U, S, V, loss_history)"
    U, S, V, losses = items(student.gd_svd(M.clone(), **options), 4, what)
    U, S, V = (
        matrix(value, shape, f"{call} returned {name} for a {m}×{n} matrix", finite=False)
        for name, value, shape in (("U", U, (m, n)), ("S", S, (n,)), ("V", V, (n, n)))
    )
    steps = options["num_iterations"]
    complete = isinstance(losses, tuple | list) and len(losses) == steps
    expect(
        complete,
        f"{call} returned loss_history: {kind(losses)}; expected a list of {steps} losses, one an iteration",
    )
    return U, S, V, losses


def rebuilt(U, S, V):
    """U diag(S) Vᵀ."""
    return (U * S) @ V.T


def skew(Q):
    """The largest difference of QᵀQ and the identity; infinite for NaN."""
    return worst(difference(Q.T @ Q, torch.eye(Q.shape[1])))


def worst(*gaps):
    """The largest of these; infinite where one is NaN."""
    return max(gap if gap == gap else float("inf") for gap in gaps)


def against(draw):
    """6×4, all entries far below zero: from a start in [0, 1) the first step at lr 0.2 makes every entry of S negative."""
    return -draw.uniform(6, 4, low=150.0, high=250.0)


@pytest.mark.task("gd_svd")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "Print U.T @ U - torch.eye(n) after the loop. Which term of the loss makes this small? And for V?"
)
def test_the_columns_become_orthonormal(student, draw):
    """The columns of U and V, anything but orthonormal after 2 iterations of gd_svd, become orthonormal to within 0.01."""
    M, seed, call = (
        draw.number(1.2, 1.3) * draw.orthonormal(4, 2),
        draw.seed(),
        "gd_svd(M, num_iterations=600, lr=0.3)",
    )
    U, _, V, _ = run(
        student.seeded(seed), M, "gd_svd(M, num_iterations=2, lr=0.3)", num_iterations=2, lr=0.3
    )
    expect(
        max(skew(U), skew(V)) > 1e-2,
        "gd_svd(M, num_iterations=2): U and V are orthonormal already, which two steps cannot achieve",
    )
    best = {"U": float("inf"), "V": float("inf")}
    for start in range(STARTS):
        U, _, V, _ = run(student.seeded(seed + start), M, call, num_iterations=600, lr=0.3)
        best = {"U": min(best["U"], skew(U)), "V": min(best["V"], skew(V))}
        if max(skew(U), skew(V)) <= 1e-2:
            return
    gaps = " and ".join(f"{name} from the identity by {gap:.2g}" for name, gap in best.items())
    expect(
        False,
        f"{call}: QᵀQ differs for Q = {gaps} at best, from {STARTS} starts; expected at most 0.01 for both",
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "Compare S with torch.linalg.svdvals(M) for a matrix of your own. Are the columns of U and V orthonormal, too?"
)
def test_finds_the_singular_values(student, draw):
    """S of gd_svd comes, not in 2 iterations but in 800, to within 0.02 of the singular values of M (signs apart)."""
    M, seed = draw.spectrum(4, 2, (draw.number(1.1, 1.3), draw.number(0.35, 0.45))), draw.seed()
    exact = torch.linalg.svdvals(M.double())

    def gap(start, call, steps):
        S = run(student.seeded(start), M, call, num_iterations=steps, lr=0.3)[1]
        return worst(difference(S.abs().sort(descending=True).values, exact))

    call = "gd_svd(M, num_iterations=2, lr=0.3)"
    expect(
        gap(seed, call, 2) > 2e-2,
        f"{call}: S holds the singular values already, which two steps cannot reach",
    )
    call, best = "gd_svd(M, num_iterations=800, lr=0.3)", float("inf")
    for start in range(seed, seed + STARTS):
        best = min(best, gap(start, call, 800))
        if best <= 2e-2:
            return
    expect(
        False,
        f"{call}: S is off the singular values by {best:.2g} at best, of {STARTS} starts; 0.02 is allowed",
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Which entries of S can be negative after the last step, and is their order right once you have taken care of that?"
)
def test_singular_values_are_returned_in_order_and_not_negative(student, draw):
    """gd_svd returns S non-negative and descending, wherever the last step led."""
    call, M = "gd_svd(M, num_iterations=1, lr=0.2)", against(draw)
    for _ in range(6):
        _, S, _, _ = run(student.seeded(draw.seed()), M, call, num_iterations=1, lr=0.2)
        expect(
            bool((S >= 0).all()),
            f"{call}: {int((S < 0).sum())} of {S.numel()} entries of S are negative",
        )
        expect(bool((S[:-1] >= S[1:]).all()), f"{call}: S is not in descending order")
        expect(float(S[0]) > 0, f"{call}: S is zero")


@pytest.mark.task("gd_svd")
@pytest.mark.points(2)
@pytest.mark.hint("Does your step go down the gradient? Which lr does it use?")
def test_one_step_leads_towards_the_matrix(student, draw):
    """One step of gd_svd with a tiny lr moves U diag(S) Vᵀ towards M, and only a little."""
    M, there, call = (
        against(draw),
        student.seeded(draw.seed()),
        "gd_svd(M, num_iterations=1, lr=0.0001)",
    )
    start = rebuilt(
        *run(there, M, "gd_svd(M, num_iterations=1, lr=0)", num_iterations=1, lr=0.0)[:3]
    )
    after = rebuilt(*run(there, M, call, num_iterations=1, lr=1e-4)[:3])
    way = M.double() - start
    progress = float(((after - start) * way).sum() / (way**2).sum())
    expect(progress > 0, f"{call}: U diag(S) Vᵀ does not come from its start (lr=0) towards M")
    expect(
        progress < 0.5, f"{call}: U diag(S) Vᵀ goes {progress:.0%} of the way to M in one tiny step"
    )


def apart(student, draw, M):
    """A student with a fresh seed, its start, and the gradients of the squared fit to M there; no step will change the order of S."""
    for _ in range(50):
        there = student.seeded(draw.seed())
        U, S, V = run(there, M, "gd_svd(M, num_iterations=1, lr=0)", num_iterations=1, lr=0.0)[:3]
        expect(
            len(set(S.tolist())) > 1,
            "gd_svd(M, num_iterations=1, lr=0): all entries of S start equal",
        )
        if float(S.sort().values.diff().min()) > 0.02 and float(S.min()) > 0.05:
            R = rebuilt(U, S, V) - M.double()
            return there, (U, S, V), (R @ V * S, ((U.T @ R) * V.T).sum(1), R.T @ U * S)
    raise AssertionError(
        "gd_svd(M, num_iterations=1, lr=0): S starts with nearly equal or tiny entries, whatever the seed"
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(3.5)
@pytest.mark.hint(
    "Compare U before and after one step of lr=0.001 with U.grad. Which sign has the change? Do S and V change, too?"
)
def test_the_first_step_goes_down_the_gradient(student, draw):
    """The first step of gd_svd changes U, S and V in the direction in which the fit to M improves, wherever that is clear."""
    call = "gd_svd(M, num_iterations=1, lr=1e-05)"
    M = 1000 * draw.normal(6, 4)  # so large that the fit decides every gradient
    M = M - M.mean(0)
    M = M - M.mean(
        1, keepdim=True
    )  # no row or column of one sign, so that the gradients of a positive start have both
    for _ in range(4):
        there, start, gradients = apart(student, draw, M)
        after = run(there, M, call, num_iterations=1, lr=1e-5)[:3]
        for name, before, now, gradient in zip("USV", start, after, gradients, strict=True):
            clear = gradient.abs() > 0.3 * gradient.abs().max()
            uphill = (now - before) * gradient  # 0 where a tiny step is lost to rounding
            expect(
                float(uphill.sum()) < 0,
                f"{call}: {name} does not move down the gradient of the fit",
            )
            astray = int(((uphill > 0) & clear).sum())
            expect(
                astray == 0,
                f"{call}: {astray} of {int(clear.sum())} entries of {name} that clearly should move down the gradient do not",
            )


@pytest.mark.task("gd_svd")
@pytest.mark.points(4.5)
@pytest.mark.hint(
    "Is every step of your loop the same step, the last one too? Which numbers does it use besides M, U, S and V?"
)
def test_the_next_steps_go_down_the_gradient_too(student, draw):
    """The second to fourth step of gd_svd go down the gradient as well, and after 60 tiny steps the end is still far."""
    M = 5 * against(draw)  # all slopes lead S down, while its end, the singular values, is far up
    for _ in range(3):
        there, _, gradients = apart(student, draw, M)
        call = "gd_svd(M, num_iterations=4, lr=1e-06)"
        first = run(there, M, "gd_svd(M, num_iterations=1, lr=1e-06)", num_iterations=1, lr=1e-6)[
            :3
        ]
        fourth = run(there, M, call, num_iterations=4, lr=1e-6)[:3]
        way = flat(fourth) - flat(first)
        along = -float(way @ flat(gradients) / (way.norm() * flat(gradients).norm() + 1e-30))
        expect(
            along > 0.1,
            f"{call}: from the first step to the fourth, U, S and V do not move down the gradient of the fit",
        )
    S = run(there, M, "gd_svd(M, num_iterations=60, lr=1e-06)", num_iterations=60, lr=1e-6)[1]
    near = float(S.max()) > 0.5 * float(torch.linalg.svdvals(M.double())[0])
    expect(
        not near,
        "gd_svd(M, num_iterations=60, lr=1e-06): S has come as far as the singular values, where tiny steps cannot be",
    )


def flat(tensors):
    """All entries of several tensors in one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "What do U, S and V hold before the first step? torch.rand gives numbers between 0 and 1, whatever M is."
)
def test_starts_from_random_numbers_whatever_the_matrix(student, draw):
    """gd_svd starts U, S and V from torch.rand, whatever M is: with lr=0 they stay there."""
    call, seed, names = "gd_svd(M, num_iterations=1, lr=0)", draw.seed(), ("U", "S", "V")
    A, B = draw.uniform(8, 7), draw.normal(8, 7)
    first = run(student.seeded(seed), A, call, num_iterations=1, lr=0.0)[:3]
    fresh_start(first, names, call)
    second = run(student.seeded(seed), B, call, num_iterations=1, lr=0.0)[:3]
    third = run(student.seeded(seed + 1), A, call, num_iterations=1, lr=0.0)[:3]
    for name, one, other, reseeded in zip(names, first, second, third, strict=True):
        close(
            other,
            one,
            1e-6,
            f"{call}: {name} starts differently for another M after the same torch.manual_seed",
        )
        expect(
            difference(one, reseeded) > 1e-3,
            f"{call}: {name} is the same after another torch.manual_seed; start it from torch.rand",
        )
    run(student, torch.ones(3, 1), f"{call} on a 3×1 matrix:", num_iterations=1, lr=0.0)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "In which order does your loop compute the loss, record it and take a step? Whose loss is the first one on the list?"
)
def test_loss_history_holds_the_loss_before_each_step(student, draw):
    """loss_history begins with the loss of its own call's start, whatever lr is, and a longer run continues a shorter one."""
    M, there = draw.uniform(5, 3), student.seeded(draw.seed())
    call = "gd_svd(M, num_iterations=1, lr=0)"
    (first,) = history(
        run(there, M, call, num_iterations=1, lr=0.0)[3], 1, f"{call} returned loss_history"
    )
    call = "gd_svd(M, num_iterations=3, lr=0.05)"
    short = history(
        run(there, M, call, num_iterations=3, lr=0.05)[3], 3, f"{call} returned loss_history"
    )
    longer = "the second of two calls gd_svd(M, num_iterations=6, lr=0.05)"
    long = history(
        run(there.twice(), M, longer, num_iterations=6, lr=0.05)[3],
        6,
        f"{longer} returned loss_history",
    )
    close(
        short[0],
        first,
        1e-5 * max(1.0, abs(first)),
        f"{call}: loss_history[0] is not the loss of the start, which lr=0 records",
    )
    for step, (one, other) in enumerate(zip(short, long, strict=False)):
        close(
            other,
            one,
            1e-4 * max(1.0, abs(one)),
            f"{longer}: loss_history[{step}] is not that of the same call with num_iterations=3",
        )
    expect(
        abs(long[1] - long[0]) > 1e-6, f"{longer}: loss_history does not change with the first step"
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "Compute the loss of the U, S and V that you return, after you have put them in order. Is it still what it was before?"
)
def test_loss_history_is_the_loss_of_what_is_returned(student, draw):
    """loss_history records a weighted sum of the fit and the two penalties, for the same U, S and V that gd_svd returns."""
    call, M = "gd_svd(M, num_iterations=1, lr=0)", draw.uniform(4, 4)
    terms, losses = [], []
    for _ in range(14):
        *factors, record = run(student.seeded(draw.seed()), M, call, num_iterations=1, lr=0.0)
        losses += history(record, 1, f"{call} returned loss_history")
        terms.append(loss_terms(*factors, M))
    terms, losses = torch.stack(terms), torch.tensor(losses, dtype=torch.float64)
    expect(
        float(terms[:, 1:5].max()) > 1e-2,
        f"{call}: U and V are orthonormal already; start them from torch.rand",
    )
    weights = torch.linalg.lstsq(terms, losses[:, None], driver="gelsd").solution[:, 0]
    gap = difference(terms @ weights, losses) / float(losses.abs().max() + 1e-30)
    expect(
        gap < 1e-4,
        f"{call}: loss_history is no weighted sum of the three terms of the U, S and V returned (off by {gap:.1g} of it)",
    )
    expect(float(weights[0]) > 0, f"{call}: the fit to M has no part in the loss that is recorded")
    for name, weight in zip(PENALTIES, weights[1:5].tolist(), strict=True):
        expect(
            weight > 1e-5 * float(weights[0]),
            f"{call}: the penalty for {name} has no part in the loss that is recorded",
        )

    unshifted = abs(float(weights[5])) < 1e-3 * float(losses.abs().max())
    expect(unshifted, f"{call}: a constant is added to the loss that is recorded")

    call = "gd_svd(M, num_iterations=2, lr=0.2)"
    there = student.seeded(draw.seed())
    U, _, V, _ = run(there, M, "gd_svd(M, num_iterations=1, lr=0)", num_iterations=1, lr=0.0)
    signs = torch.diag(torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64))
    mixed = torch.linalg.pinv(U).T @ signs @ torch.linalg.pinv(V)
    mixed = (
        mixed * (200 / mixed.abs().max())
    ).float()  # the first step makes every other entry of S negative
    below = -draw.uniform(
        4, 4, low=150.0, high=250.0
    )  # ... and all of them very negative, or slightly at a twentieth of it
    for M in (below, below / 20, mixed):
        *factors, _ = run(there, M, "gd_svd(M, num_iterations=1, lr=0.2)", num_iterations=1, lr=0.2)
        after = history(
            run(there, M, call, num_iterations=2, lr=0.2)[3], 2, f"{call} returned loss_history"
        )[1]
        gap = abs(after - float(loss_terms(*factors, M) @ weights)) / (abs(after) + 1e-30)
        expect(
            gap < 1e-4,
            f"{call}: loss_history[1] is not the loss of what one iteration returns (off by {gap:.1g} of it)",
        )


PENALTIES = ("the lengths in U", "the angles in U", "the lengths in V", "the angles in V")


def loss_terms(U, S, V, M):
    """The mean squared fit; of UᵀU and VᵀV each, the squared distance from the identity on the diagonal and off it; 1 for a constant."""
    terms = [((rebuilt(U, S, V) - M.double()) ** 2).mean()]
    for Q in (U, V):
        wrong = (Q.T @ Q - torch.eye(Q.shape[1], dtype=torch.float64)) ** 2
        terms += [wrong.diagonal().sum(), wrong.sum() - wrong.diagonal().sum()]
    return torch.stack([*terms, torch.ones((), dtype=torch.float64)])


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint("Operations that end in an underscore, and -=, +=, *=, change a tensor in place.")
def test_the_matrix_is_left_alone(student, draw):
    """gd_svd does not change the M that it is given."""
    M = draw.uniform(4, 2)
    unchanged(student.call("gd_svd", M.clone(), num_iterations=3, lr=0.1), M)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint("Compare your `def` line with the one that you were given.")
def test_defaults_are_those_of_the_stub(student, draw):
    """gd_svd takes 20,000 iterations at lr=0.9 and momentum=0.9 where the caller does not say otherwise."""
    M, there = draw.uniform(3, 2), student.seeded(draw.seed())
    plain = run(there, M, "gd_svd(M, num_iterations=2)", num_iterations=2)
    said = run(
        there,
        M,
        "gd_svd(M, num_iterations=2, lr=0.9, momentum=0.9)",
        num_iterations=2,
        lr=0.9,
        momentum=0.9,
    )
    for name, one, other in zip(("U", "S", "V"), plain, said, strict=False):
        close(
            one,
            other,
            1e-5,
            f"gd_svd(M, num_iterations=2): {name} differs from the same call with lr=0.9, momentum=0.9",
        )
    default = there.defaults("gd_svd").get("num_iterations")
    expect(default == 20000, f"gd_svd has num_iterations={default} by default; expected 20000")
