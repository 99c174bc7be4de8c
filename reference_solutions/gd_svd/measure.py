"""Measures what the tolerances of gd_svd rest on, and makes the recorded runs of the lesson.

    python reference_solutions/gd_svd/measure.py [STARTS]
    python reference_solutions/gd_svd/measure.py arrivals [SECRETS]   the rule in float32, all secrets at once
    python reference_solutions/gd_svd/measure.py runs       writes data/runs.json and the frames in data/ellipse.html (two minutes)

For the reference and every variant: from how many of STARTS starts (default 30) the final values are reached, and the
largest part of its tolerance that the check of the record uses in twenty draws.

`arrivals`: the two checks that take the best of several starts, under SECRETS secrets (default 100,000) from the draws that
they really make: how many secrets need 1, 2, 3, ... starts, and how often V is a library's by chance.
"""

import contextlib
import importlib.util
import io
import json
import re
import sys
from pathlib import Path

import torch

from autograder.vocabulary import Draw, difference

HERE = Path(__file__).parent


def load(*paths):
    """The definitions of these files, executed one after the other in a namespace, as mistakes are laid over the solution."""
    namespace = {"__name__": paths[-1].stem}
    for path in paths:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    torch.set_default_dtype(torch.float32)
    return namespace


def checks():
    spec = importlib.util.spec_from_file_location("hidden_checks", HERE / "test_hidden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(function, seed, M, steps, lr):
    torch.manual_seed(seed)
    *factors, losses = function(M.clone(), num_iterations=steps, lr=lr)
    return [factor.detach().double() for factor in factors], [
        float(torch.as_tensor(loss).detach()) for loss in losses
    ]


def drawn_matrix(draw):
    """A matrix as the check of S draws it."""
    return draw.spectrum(4, 2, (draw.number(1.1, 1.3), draw.number(0.35, 0.45)))


def finds_s(function, hidden, seed, M):
    """Whether S is right, as the check of S decides it."""
    (_, S, _), _ = call(function, seed, M, 600, 0.3)
    return (
        hidden.worst(
            difference(S.abs().sort(descending=True).values, torch.linalg.svdvals(M.double()))
        )
        <= 2e-2
    )


def successes(function, hidden, starts):
    """In how many starts the columns become orthonormal, S is right, and the product is M."""
    arrived = found = rebuilt = 0
    for start in range(starts):
        draw = Draw(f"start{start}", "measure")
        M = hidden.nearly_a_circle(draw)
        factors, _ = call(function, start, M, 1010, 0.15)
        arrived += arrives(hidden, factors, M)
        found += finds_s(function, hidden, start, drawn_matrix(draw))
        M = torch.tensor(
            [[1.0, 0.4, 0.3], [0.5, 0.7, -0.2], [0.1, 0.6, 0.2], [-0.2, 0.3, 0.5]]
        )  # of the public check
        factors, _ = call(function, start, M, 500, 0.3)
        rebuilt += hidden.worst(difference(hidden.rebuilt(*factors), M)) <= 1e-2
    return arrived, found, rebuilt


def arrives(hidden, factors, M):
    """Whether the check of a thousand steps would say that these are an SVD of M."""
    (U, _, V), product = factors, hidden.rebuilt(*factors)
    return (
        max(hidden.skew(U), hidden.skew(V)) <= 1e-2 and hidden.worst(difference(product, M)) <= 2e-2
    )


class Here:
    """A function in this process, as a check calls it."""

    def __init__(self, function, seed=0):
        self.function, self.seed = function, seed

    def seeded(self, seed):
        return Here(self.function, seed)

    def gd_svd(self, M, **options):
        torch.manual_seed(self.seed)
        *factors, losses = self.function(M, **options)
        return *(factor.detach() for factor in factors), losses


def record(function, hidden, secret):
    """The largest part of its tolerance that the check of the record uses; infinite where it fails."""
    shares = []

    def close(actual, expected, tolerance, what):
        actual, expected = (torch.as_tensor(x, dtype=torch.float64) for x in (actual, expected))
        shares.append(hidden.worst(difference(actual, expected)) / tolerance)

    kept, hidden.close = hidden.close, close
    try:
        hidden.test_loss_history_is_the_loss_of_what_is_returned(
            Here(function), Draw(secret, "measure")
        )
    except AssertionError:
        return float("inf")
    finally:
        hidden.close = kept
    return max(shares)


# --- the checks that take the best of several starts, under many secrets --------------------------------------------------------


def batch(matrices, seeds, steps, lr, momentum=0.9):
    """The rule in float32 for as many matrices as there are seeds, side by side: U, S, V after as many steps as each asks for."""
    m, n = matrices.shape[1:]
    starts = []
    for seed in seeds:
        torch.manual_seed(seed)
        starts.append((torch.rand(m, n), torch.rand(n), torch.rand(n, n)))
    U, S, V = (torch.stack(parts) for parts in zip(*starts, strict=True))
    velocities = [torch.zeros_like(factor) for factor in (U, S, V)]
    identity, ends = torch.eye(n), [U.clone(), S.clone(), V.clone()]
    steps = torch.tensor(steps)
    for step in range(1, int(steps.max()) + 1):
        US = U * S[:, None]
        R, PU, PV = US @ V.mT - matrices, U.mT @ U - identity, V.mT @ V - identity
        RV = R @ V
        gradients = (
            2 / (m * n) * RV * S[:, None] + 0.04 / n**2 * U @ PU,
            2 / (m * n) * (U * RV).sum(1),
            2 / (m * n) * R.mT @ US + 0.04 / n**2 * V @ PV,
        )
        for factor, velocity, gradient in zip((U, S, V), velocities, gradients, strict=True):
            velocity.mul_(momentum).add_(gradient)
            factor.sub_(velocity, alpha=lr)
        done = steps == step
        if bool(done.any()):
            for end, factor in zip(ends, (U, S, V), strict=True):
                end[done] = factor[done]
    return [end.double() for end in ends]


def needed(draws, hidden, make, lr, accept):
    """How many secrets need 1, 2, 3, ... starts, the last number: more than there are; `make` gives a matrix, a seed and a number of steps."""
    counts, left = [], list(draws)
    for _ in range(hidden.STARTS):
        if not left:
            break
        made = [make(draw) for draw in left]
        matrices = torch.stack([M for M, _, _ in made])
        factors = batch(matrices, [seed for _, seed, _ in made], [steps for *_, steps in made], lr)
        good = [accept([factor[i] for factor in factors], matrices[i]) for i in range(len(left))]
        counts.append(sum(good))
        left = [draw for draw, fine in zip(left, good, strict=True) if not fine]
    return [*counts, len(left)]


def arrivals(hidden, secrets):
    def draws(check):
        return [Draw(f"draws {number}", f"gd_svd.{check}") for number in range(secrets)]

    def a_thousand(draw):
        M, seed = hidden.nearly_a_circle(draw), draw.seed()
        return M, seed, draw.integer(1001, 1030)

    chances = []

    def arrived(factors, M):
        fine = arrives(hidden, factors, M)
        chances.append(fine and hidden.is_the_library(factors[2], M))
        return fine

    found = needed(
        draws("test_a_thousand_steps_arrive_where_the_start_leads"),
        hidden,
        a_thousand,
        0.15,
        arrived,
    )
    print(
        f"a thousand steps: {found} of {secrets} secrets need 1, 2, ... starts; the last: none does"
    )
    print(f"  V is the library's by chance in {sum(chances)} of {len(chances)} draws at lr 0.15")
    chances.clear()
    needed(
        draws("default"), hidden, a_thousand, 0.9, lambda factors, M: arrived(factors, M) or True
    )
    print(f"  and in {sum(chances)} of {len(chances)} at the default lr")

    def two_values(draw):
        return drawn_matrix(draw), draw.seed(), 600

    def s_is_right(factors, M):
        S = factors[1].abs().sort(descending=True).values
        return hidden.worst(difference(S, torch.linalg.svdvals(M.double()))) <= 2e-2

    found = needed(draws("test_finds_the_singular_values"), hidden, two_values, 0.3, s_is_right)
    print(f"singular values: {found}")


# --- the recorded runs of the lesson: other weights and other optimisers than a student's gd_svd has -----------------------------

RUNS = HERE / "data" / "runs.json"
ELLIPSE = HERE / "data" / "ellipse.html"
SEEDS = range(16)
WEIGHTS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LIMIT = 20000  # steps
OPTIMISERS = {
    "SGD, lr 0.9, momentum 0.9": lambda tensors: torch.optim.SGD(tensors, lr=0.9, momentum=0.9),
    "Adam, lr 0.001": lambda tensors: torch.optim.Adam(tensors, lr=0.001),
    "Adam, lr 0.01": lambda tensors: torch.optim.Adam(tensors, lr=0.01),
    "Adam, lr 0.1": lambda tensors: torch.optim.Adam(tensors, lr=0.1),
}


def matrix_of_the_lesson():
    """The 5×4 matrix of the section "Does it find the SVD?"."""
    torch.manual_seed(2)
    Q, _ = torch.linalg.qr(torch.randn(4, 4))
    return torch.randn(5, 4) @ Q / 3


def matrix_of_the_source():
    torch.manual_seed(314)
    return torch.rand(5, 4)


def seeded(M, seed):
    """The start of the reference: U, S, V."""
    torch.manual_seed(seed)
    m, n = M.shape
    return torch.rand(m, n), torch.rand(n), torch.rand(n, n)


def descents(M, seeds, weight, make_optimiser, steps, squares=False):
    """Descents from several starts at once, as one batch. Before each step: how far S is from the singular values, a start each; U, S, V.

    squares: S = s², as the source has it
    """
    exact, identity = torch.linalg.svdvals(M), torch.eye(M.shape[1])
    U, S, V = (
        torch.stack(parts).requires_grad_()
        for parts in zip(*(seeded(M, seed) for seed in seeds), strict=True)
    )
    optimiser = make_optimiser([U, S, V])
    for _ in range(steps):
        values = S * S if squares else S
        yield (
            (values.detach().abs().sort(1, descending=True).values - exact).abs().amax(1),
            (U.detach(), values.detach(), V.detach()),
        )
        fit = ((U * values[:, None] @ V.mT - M) ** 2).mean((1, 2))
        penalty = ((U.mT @ U - identity) ** 2).mean((1, 2)) + ((V.mT @ V - identity) ** 2).mean(
            (1, 2)
        )
        optimiser.zero_grad()
        (fit + weight * penalty).sum().backward()
        optimiser.step()


def steps_until(gaps, tolerance=1e-3):
    """After how many steps the gap of each start comes to stay below the tolerance; None where it does not."""
    found = []
    for column in torch.stack(gaps).T:
        above = (~(column < tolerance)).nonzero().flatten().tolist()
        first = above[-1] + 1 if above else 0
        found.append(first if first < len(column) else None)
    return found


def steps_by_weight(weight, seeds=SEEDS, limit=LIMIT):
    """Steps until S of the lesson's matrix is within 0.001, for each start: SGD, lr 0.6, momentum 0.9."""
    gaps = []
    for gap, _ in descents(
        matrix_of_the_lesson(),
        seeds,
        weight,
        lambda tensors: torch.optim.SGD(tensors, lr=0.6, momentum=0.9),
        limit,
    ):
        gaps.append(gap)
        if len(gaps) > 300 and bool(((torch.stack(gaps[-300:]) < 1e-5).all(0) | gap.isnan()).all()):
            break  # all have arrived, or blown up
    return steps_until(gaps)


def race(make_optimiser, at, weight=0.01, seeds=SEEDS):
    """Quartiles over the starts of how far S of the source's matrix is off, before the steps `at`."""
    M, curves = matrix_of_the_source(), {"low": [], "median": [], "high": []}
    for step, (gap, _) in enumerate(descents(M, seeds, weight, make_optimiser, at[-1] + 1)):
        if step in at:
            gap = gap.nan_to_num(float("inf")).sort().values
            for name, place in (("low", 4), ("median", 8), ("high", 11)):
                value = float(gap[place])
                curves[name].append(float(f"{value:.3g}") if value < 1e6 else None)
    return curves


def as_the_source_ran_it(make_optimiser, steps=20000):
    """S and the squared lengths of the columns of U, from the start of the source and with its S = s²."""
    for _, (U, S, V) in descents(
        matrix_of_the_source(), (314,), 0.01, make_optimiser, steps, squares=True
    ):
        last = U[0].clone(), S[0].clone(), V[0].clone()
    order = last[1].argsort(descending=True)
    return {
        "S": [round(x, 4) for x in last[1][order].tolist()],
        "squared lengths": [round(x, 4) for x in (last[0] ** 2).sum(0)[order].tolist()],
    }


def recorded_runs():
    at = sorted(
        {0, *(round(10 ** (k / 16)) for k in range(69))}
    )  # evenly on a logarithmic axis, up to 17,783
    adam = torch.optim.Adam
    return {
        "weights": {str(weight): steps_by_weight(weight) for weight in WEIGHTS},
        "race": {"step": at, **{name: race(make, at) for name, make in OPTIMISERS.items()}},
        "source": {
            "SGD": as_the_source_ran_it(OPTIMISERS["SGD, lr 0.9, momentum 0.9"]),
            "Adam, weight decay": as_the_source_ran_it(
                lambda tensors: adam(tensors, weight_decay=1e-5)
            ),
            "Adam": as_the_source_ran_it(lambda tensors: adam(tensors)),
        },
    }


def matrix_of_the_ellipse():
    """A turn by -70 degrees, a stretching by 1.25 and 0.5, a turn by 25 degrees."""

    def rotation(degrees):
        angle = torch.deg2rad(torch.tensor(float(degrees)))
        return torch.stack(
            [torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])]
        )

    return rotation(25) @ torch.diag(torch.tensor([1.25, 0.5])) @ rotation(70).T


def frames():
    """The descent of the ellipse: step, U by rows, S, V by rows, in the order and with the signs of the end."""
    at = sorted({0, *(round(10 ** (k / 22)) for k in range(74))})
    kept = []
    run = descents(
        matrix_of_the_ellipse(),
        (17,),
        0.01,
        lambda tensors: torch.optim.SGD(tensors, lr=0.2, momentum=0.9),
        at[-1] + 1,
    )
    for step, (_, factors) in enumerate(run):
        if step in at:
            kept.append((step, *(factor[0].clone() for factor in factors)))
    order, signs = kept[-1][2].abs().argsort(descending=True), kept[-1][2].sign()
    found = []
    for step, U, S, V in kept:
        U, S, V = (U * signs)[:, order], (S * signs)[order], V[:, order]
        found.append(
            [
                step,
                *(
                    round(x, 3) + 0.0
                    for x in (*U.flatten().tolist(), *S.tolist(), *V.flatten().tolist())
                ),
            ]
        )
    return found


def write_runs():
    RUNS.write_text(json.dumps(recorded_runs(), separators=(",", ":")) + "\n", encoding="utf-8")


def write_frames():
    text = json.dumps(frames(), separators=(",", ":"))
    page = re.sub(
        r"/\*FRAMES\*/.*?/\*END\*/",
        lambda _: f"/*FRAMES*/{text}/*END*/",
        ELLIPSE.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    ELLIPSE.write_text(page, encoding="utf-8")


def main():
    torch.set_num_threads(1)
    if sys.argv[1:] == ["runs"]:
        write_frames()
        write_runs()
        return
    hidden = checks()
    if sys.argv[1:2] == ["arrivals"]:
        arrivals(hidden, int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
        return
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    print(f"{'starts ' + str(starts):32}{'arrive':>13}{'S':>6}{'product':>9}{'record':>9}")
    for path in (HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))):
        function = load(path)["gd_svd"]
        shares = max(record(function, hidden, f"seed{seed}") for seed in range(20))
        print(
            f"{path.stem:32}" + "{:13d}{:6d}{:9d}".format(*successes(function, hidden, starts)),
            end="",
        )
        print(f"{shares:9.3f}", flush=True)


if __name__ == "__main__":
    main()
