"""Measures what the tolerances of gd_svd rest on: python reference_solutions/gd_svd/measure.py [STARTS] [MATRICES]

For the reference and every variant: from how many of STARTS starts (default 30) the final values are reached, and the
largest gap of the loss record over twenty draws. For every mistake: the smallest gap of the record over ten draws.
For the reference and MATRICES matrices (default 100): how many starts each needs until S is right.
"""

import contextlib
import importlib.util
import io
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
    return [factor.detach().double() for factor in factors], [float(torch.as_tensor(loss).detach()) for loss in losses]


def drawn_matrix(draw):
    """A matrix as the check of S draws it."""
    return draw.spectrum(4, 2, (draw.number(1.1, 1.3), draw.number(0.35, 0.45)))


def finds_s(function, hidden, seed, M):
    """Whether S is right, as the check of S decides it."""
    (_, S, _), _ = call(function, seed, M, 800, 0.3)
    return hidden.worst(difference(S.abs().sort(descending=True).values, torch.linalg.svdvals(M.double()))) <= 2e-2


def starts_needed(function, hidden, matrices):
    """How many of the matrices need 1, 2, 3, ... starts until S is right; the last number counts those that need more than ten."""
    needed = [0] * (hidden.STARTS + 1)
    for matrix in range(matrices):
        M, seeds = drawn_matrix(Draw(f"matrix{matrix}", "measure")), range(1000 * matrix, 1000 * matrix + hidden.STARTS)
        needed[next((at for at, seed in enumerate(seeds) if finds_s(function, hidden, seed, M)), hidden.STARTS)] += 1
    return needed


def successes(function, hidden, starts):
    """In how many starts the columns become orthonormal, S is right, and the product is M."""
    orthonormal = found = rebuilt = 0
    for start in range(starts):
        draw = Draw(f"start{start}", "measure")
        M = draw.number(1.2, 1.3) * draw.orthonormal(4, 2)
        (U, _, V), _ = call(function, start, M, 600, 0.3)
        orthonormal += max(hidden.skew(U), hidden.skew(V)) <= 1e-2
        found += finds_s(function, hidden, start, drawn_matrix(draw))
        M = torch.tensor([[1.0, 0.4, 0.3], [0.5, 0.7, -0.2], [0.1, 0.6, 0.2], [-0.2, 0.3, 0.5]])  # of the public check
        factors, _ = call(function, start, M, 500, 0.3)
        rebuilt += hidden.worst(difference(hidden.rebuilt(*factors), M)) <= 1e-2
    return orthonormal, found, rebuilt


def record(function, hidden, secret):
    """The gaps of loss_history against the weighted sum of the terms: at the starts, and the larger one after a large and a small step."""
    draw = Draw(secret, "measure")
    M, terms, losses = draw.uniform(4, 4), [], []
    for _ in range(14):
        factors, history = call(function, draw.seed(), M, 1, 0.0)
        losses += history
        terms.append(hidden.loss_terms(*factors, M))
    terms, losses = torch.stack(terms), torch.tensor(losses, dtype=torch.float64)
    weights = torch.linalg.lstsq(terms, losses[:, None], driver="gelsd").solution[:, 0]
    at_start = difference(terms @ weights, losses) / float(losses.abs().max() + 1e-30)
    seed, below, after_step = draw.seed(), -draw.uniform(4, 4, low=150.0, high=250.0), []
    for M in (below, below / 20):
        factors, _ = call(function, seed, M, 1, 0.2)
        after = call(function, seed, M, 2, 0.2)[1][1]
        after_step.append(abs(after - float(hidden.loss_terms(*factors, M) @ weights)) / (abs(after) + 1e-30))
    return at_start, hidden.worst(*after_step)


def main():
    torch.set_num_threads(1)
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    matrices = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    hidden = checks()
    print(f"{'starts ' + str(starts):32}{'orthonormal':>13}{'S':>6}{'product':>9}{'record, start':>16}{'record, step':>16}")
    for path in (HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))):
        function = load(path)["gd_svd"]
        orthonormal, found, rebuilt = successes(function, hidden, starts)
        gaps = [max(column) for column in zip(*(record(function, hidden, f"seed{seed}") for seed in range(20)), strict=True)]
        print(f"{path.stem:32}{orthonormal:13d}{found:6d}{rebuilt:9d}" + "".join(f"{gap:16.1e}" for gap in gaps), flush=True)
    needed = starts_needed(load(HERE / "solution.py")["gd_svd"], hidden, matrices)
    print(f"\nof {matrices} matrices, this many need 1, 2, 3, ... and more than {hidden.STARTS} starts: {needed}", flush=True)
    print("\nmistakes, smallest gap of ten draws")
    for path in sorted((HERE / "mistakes").glob("*.py")):
        function = load(HERE / "solution.py", path)["gd_svd"]
        try:
            gaps = [min(column) for column in zip(*(record(function, hidden, f"seed{seed}") for seed in range(10)), strict=True)]
        except Exception as error:
            print(f"{path.stem:32}  {type(error).__name__}")
            continue
        print(f"{path.stem:32}{'':28}" + "".join(f"{gap:16.1e}" for gap in gaps), flush=True)


if __name__ == "__main__":
    main()
