"""Measure what the tolerances of test_hidden.py rest on: `python reference_solutions/tensors_and_autograd/measure.py [SEEDS]`.

For the reference and every variant: the largest error of each quantity that a check compares, over random inputs like the
checks' own. For every mistake that returns something of the right kind: its smallest error, where that is more than
rounding, which is how near a wrong answer comes to passing.
"""

import contextlib
import io
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import torch

from autograder.assignment import read_assignment
from autograder.vocabulary import Draw

matplotlib.use("Agg")
FOLDER = Path(__file__).resolve().parent
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
FUNCTIONS = {  # f, its derivative in float64
    "tanh": lambda x: 1 - torch.tanh(x) ** 2,
    "exp": torch.exp,
    "log": lambda x: 1 / x,
    "sqrt": lambda x: 0.5 / torch.sqrt(x),
    "cosh": torch.sinh,
}

ROUNDING = {
    "dot, length 40": 2e-5,
    "dz_dx": 5e-6,
    "dz_dy": 2e-5,
    "f'(x)": 2e-6,
}  # what float32 may cost


def load(*paths):
    """The namespace that these files leave, each laid over the ones before."""
    namespace = {"__name__": "measured"}
    with contextlib.redirect_stdout(io.StringIO()):
        for path in paths:
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    torch.set_default_dtype(torch.float32)
    plt.close("all")
    return namespace


def error(value, expected):
    """The largest absolute error of a result, inf where it is of another kind."""
    if not isinstance(value, torch.Tensor | float | int):
        return float("inf")
    value = torch.as_tensor(value).detach().double()
    if value.numel() != expected.numel() or not bool(torch.isfinite(value).all()):
        return float("inf")
    return float((value.reshape(-1) - expected.reshape(-1)).abs().max())


def errors(module, seed):
    """Errors of one module on the random inputs of one seed: {quantity: largest absolute error}."""
    draw = Draw(str(seed), "measure")
    found = {}
    a, b = draw.uniform(40, low=0.8, high=1.2), draw.uniform(40, low=0.8, high=1.2)
    found["dot, length 40"] = attempt(
        lambda: error(module["dot"](a.clone(), b.clone()), a.double() @ b.double())
    )
    x, y = draw.number(1.6, 2.4), draw.number(1.2, 1.5)
    exact = (
        torch.tensor(y**5, dtype=torch.float64),
        torch.tensor(5 * x * y**4, dtype=torch.float64),
    )
    for index, name in enumerate(("dz_dx", "dz_dy")):
        found[name] = attempt(
            lambda index=index: error(module["partial_derivatives"](x, y)[index], exact[index])
        )
    points = torch.linspace(0.3, 1.7, 6)[torch.randperm(6, generator=draw._generator)]
    gaps = []
    for name, slope in FUNCTIONS.items():
        exact_slope, f = slope(points.double()), getattr(torch, name)
        gaps.append(
            attempt(
                lambda f=f, right=exact_slope: error(
                    module["elementwise_derivative"](f, points.clone()), right
                )
            )
        )
    found["f'(x)"] = max(gaps)
    return found


def attempt(measure):
    """The measured value, inf where the submission raises."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return measure()
        except Exception:
            return float("inf")


def main():
    assignment = read_assignment(FOLDER)
    print(f"largest error over {SEEDS} seeds")
    for path in (assignment.solution, *assignment.variants):
        module = load(path)
        runs = [errors(module, seed) for seed in range(SEEDS)]
        print(
            f"  {path.stem:24}",
            "  ".join(f"{name} {max(run[name] for run in runs):.1e}" for name in runs[0]),
        )
    print("smallest error of a mistake, where it is finite and no rounding")
    for mistake in assignment.mistakes:
        module = load(assignment.solution, mistake.path)
        runs = [errors(module, seed) for seed in range(min(SEEDS, 50))]
        least = {name: min(run[name] for run in runs) for name in runs[0]}
        wrong = [
            f"{name} {value:.1e}"
            for name, value in least.items()
            if ROUNDING[name] < value < float("inf")
        ]
        if wrong:
            print(f"  {mistake.name:32}", "  ".join(wrong))


if __name__ == "__main__":
    main()
