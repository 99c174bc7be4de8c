"""Measures what the tolerances of gd_inverse rest on: python reference_solutions/gd_inverse/measure.py [SEEDS]

For the reference and every variant: the largest gap that each check sees over SEEDS draws (default 60). For every mistake: the
smallest gap over ten draws. A tolerance has to lie between the two.
"""

import contextlib
import importlib.util
import io
import math
import statistics
import sys
from pathlib import Path

import torch

from autograder.vocabulary import Draw, difference

HERE = Path(__file__).parent
COLUMNS = ("one step", "four steps", "250 steps", "history", "after 400", "after 2")


def load(*paths):
    """The definitions of these files, executed one after the other in one namespace, as mistakes are laid over the solution."""
    namespace = {"__name__": paths[-1].stem}
    for path in paths:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    return namespace


def checks():
    spec = importlib.util.spec_from_file_location("hidden_checks", HERE / "test_hidden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gaps(function, hidden, secret, long_run=True):
    """What the checks would see of one function with the inputs of one secret, in the order of COLUMNS."""
    draw = Draw(secret, "measure")
    seed, lr, momentum = draw.seed(), draw.number(0.4, 0.8), draw.number(0.3, 0.8)
    small, large = hidden.matrix_of(draw, 3), hidden.matrix_of(draw, 4)

    def run(M, steps, **options):
        torch.manual_seed(seed)
        with contextlib.redirect_stdout(io.StringIO()):
            X, losses = function(M.clone(), num_iterations=steps, **options)
        return X.detach().double(), [float(torch.as_tensor(loss).detach()) for loss in losses]

    start, _ = run(small, 1, lr=1e-30, momentum=momentum)
    found = []
    for steps in (1, 4):
        X, _ = run(small, steps, lr=lr, momentum=momentum)
        found.append(
            min(
                difference(X, hidden.descend(start, small, steps, lr, momentum, side))
                for side in hidden.SIDES
            )
        )
    slow, steps, lr = (
        draw.spectrum(3, 3, (2.2, 1.5, 0.8)),
        draw.integer(150, 250),
        draw.number(0.004, 0.006),
    )
    start, _ = run(slow, 1, lr=1e-30)
    X, _ = run(slow, steps, lr=lr, momentum=0.9)
    found.append(
        min(
            difference(X, hidden.descend(start, slow, steps, lr, 0.9, side))
            for side in hidden.SIDES
        )
    )
    places = [run(large, 1, lr=1e-30)[0], run(large, 1, lr=0.6)[0], run(large, 2, lr=0.6)[0]]
    losses = run(large, 3, lr=0.6)[1]
    found.append(
        min(
            max(
                abs(loss - hidden.loss_of(X, large, side))
                / (hidden.loss_of(X, large, side) + 1e-30)
                for X, loss in zip(places, losses, strict=True)
            )
            for side in hidden.SIDES
        )
    )
    exact = torch.linalg.inv(large.double())
    found += (
        [difference(run(large, 400)[0], exact), difference(run(large, 2)[0], exact)]
        if long_run
        else [math.nan, math.nan]
    )
    return [gap if gap == gap else math.inf for gap in found]


def main():
    torch.set_num_threads(1)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    hidden = checks()
    print(f"{'':40}" + "".join(f"{column:>14}" for column in COLUMNS))
    rows = []
    for path in (HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))):
        function = load(path)["gd_inverse"]
        seen = [gaps(function, hidden, f"seed{seed}") for seed in range(seeds)]
        rows += seen
        most = [max(column) for column in list(zip(*seen, strict=True))[:5]] + [
            min(row[5] for row in seen)
        ]
        print(f"{path.stem:40}" + "".join(f"{gap:14.1e}" for gap in most))
    for name, pick in (("median of all", statistics.median), ("worst of all", max)):
        columns = list(zip(*rows, strict=True))
        print(
            f"{name:40}"
            + "".join(
                f"{(min if pick is max and i == 5 else pick)(column):14.1e}"
                for i, column in enumerate(columns)
            )
        )
    print("\nmistakes, smallest gap of ten draws")
    for path in sorted((HERE / "mistakes").glob("*.py")):
        function = load(HERE / "solution.py", path)["gd_inverse"]
        try:
            seen = [gaps(function, hidden, f"seed{seed}", long_run=False) for seed in range(10)]
        except Exception as error:
            print(f"{path.stem:40}  {type(error).__name__}")
            continue
        print(
            f"{path.stem:40}"
            + "".join(f"{min(column):14.1e}" for column in list(zip(*seen, strict=True))[:4])
        )


if __name__ == "__main__":
    main()
