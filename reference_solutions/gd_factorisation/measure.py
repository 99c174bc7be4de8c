"""Measure what the tolerances of test_hidden.py rest on: `python reference_solutions/gd_factorisation/measure.py [SEEDS]`.

For the reference and every variant, over random inputs like the checks' own: the largest deviation from the rule in float64
after one step and after three, of the recorded losses, and the squared error after 200 steps as a multiple of the best there is.
For every mistake: the smallest deviation, which is how near a wrong answer comes to passing. For the rule itself: how little
a first step moves, and how good 100, 150 and 200 steps are, over ten times as many seeds.
"""

import contextlib
import io
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import torch

from autograder.assignment import read_assignment
from autograder.vocabulary import Draw, difference, squared_error, truncated_svd_error

matplotlib.use("Agg")
torch.set_num_threads(1)
FOLDER = Path(__file__).resolve().parent
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
SHAPES = (
    ((5, 4), 3, 1),
    ((4, 6), 3, 1),
    ((4, 5), 1, 3),
    ((5, 3), 2, 4),
)  # shape, k, iterations of the checks
LR = 0.05
SLOW = 0.002


def load(*paths):
    """The namespace that these files leave, each laid over the ones before."""
    namespace = {"__name__": "measured"}
    with contextlib.redirect_stdout(io.StringIO()):
        for path in paths:
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    clean()
    return namespace


def clean():
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    plt.close("all")


def call(module, D, k, iterations, lr, seed):
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()):
        C, F, losses = module["gd_factorise"](D.clone(), k, num_iterations=iterations, lr=lr)
    return C.detach().double(), F.detach().double(), [float(loss) for loss in losses]


def descend(C, F, D, iterations, lr):
    D, losses = D.double(), []
    for _ in range(iterations):
        E = C @ F - D
        losses.append(float((E**2).sum()))
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    return C, F, losses


def deviations(module, seed, optimum=True):
    """{quantity: deviation} of one module on the random inputs of one seed; a quantity is missing where the call raises."""
    draw, found = Draw(str(seed), "measure"), {}
    for shape, k, iterations in SHAPES:
        D, start_seed = draw.uniform(*shape, low=0.5, high=1.5), draw.seed()
        with contextlib.suppress(Exception):
            C0, F0, _ = call(module, D, k, 1, 1e-30, start_seed)
            C, F, losses = call(module, D, k, iterations, LR, start_seed)
            C1, F1, expected = descend(C0, F0, D, iterations, LR)
            name = "one step" if iterations == 1 else "three or four steps"
            found[name] = max(found.get(name, 0.0), difference(C, C1), difference(F, F1))
            if len(losses) == len(expected):
                gap = max(abs(got / right - 1) for got, right in zip(losses, expected, strict=True))
                found["losses (relative)"] = max(found.get("losses (relative)", 0.0), gap)
    D, start_seed, steps = (
        draw.uniform(6, 4, low=0.5, high=1.5),
        draw.seed(),
        draw.integer(150, 250),
    )
    with contextlib.suppress(Exception):
        C0, F0, _ = call(module, D, 2, 1, 1e-30, start_seed)
        C, F, _ = call(module, D, 2, steps, SLOW, start_seed)
        C1, F1, _ = descend(C0, F0, D, steps, SLOW)
        found["250 small steps"] = max(difference(C, C1), difference(F, F1))
    if optimum:
        D, start_seed = draw.spectrum(6, 5, (2.0, 1.6, 0.5, 0.3)), draw.seed()
        with contextlib.suppress(Exception):
            C, F, _ = call(module, D, 2, 200, 0.1, start_seed)
            found["200 steps / best"] = squared_error(D, C @ F) / truncated_svd_error(D, 2)
    return found


def table(runs, choose):
    cells = []
    for name in dict.fromkeys(name for run in runs for name in run):
        value = choose(run[name] for run in runs if name in run)
        cells.append(f"{name} {value:.7g}" if "best" in name else f"{name} {value:.1e}")
    return "  ".join(cells)


def of_the_rule(seeds):
    moves, ratios = [], []
    for seed in range(seeds):
        draw = Draw(str(seed), "rule")
        for (n, m), k, iterations in SHAPES:
            D = draw.uniform(n, m, low=0.5, high=1.5)
            C, F = draw.uniform(n, k).double(), draw.uniform(k, m).double()
            C1, F1, _ = descend(C, F, D, iterations, LR)
            moves.append(min(difference(C, C1), difference(F, F1)))
        D = draw.spectrum(6, 5, (2.0, 1.6, 0.5, 0.3))
        C, F, row = draw.uniform(6, 2).double(), draw.uniform(2, 5).double(), []
        for steps in (100, 50, 50):
            C, F, _ = descend(C, F, D, steps, 0.1)
            row.append(squared_error(D, C @ F) / truncated_svd_error(D, 2))
        ratios.append(row)
    print(
        f"the rule itself, {seeds} seeds: C and F move by at least {min(moves):.2g}; squared error over the best, at most:"
    )
    print(
        "  ",
        "  ".join(
            f"{steps} steps {max(row[i] for row in ratios):.7f}"
            for i, steps in enumerate((100, 150, 200))
        ),
    )


def main():
    assignment = read_assignment(FOLDER)
    of_the_rule(10 * SEEDS)
    print(f"largest deviation over {SEEDS} seeds")
    for path in (assignment.solution, *assignment.variants):
        module = load(path)
        print(f"  {path.stem:24}", table([deviations(module, seed) for seed in range(SEEDS)], max))
        clean()
    print(f"smallest deviation of a mistake over {max(5, SEEDS // 5)} seeds")
    for mistake in assignment.mistakes:
        module = load(assignment.solution, mistake.path)
        print(
            f"  {mistake.name:36}",
            table([deviations(module, seed) for seed in range(max(5, SEEDS // 5))], min),
        )
        clean()


if __name__ == "__main__":
    main()
