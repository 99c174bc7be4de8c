"""Measures what the tolerances of test_hidden.py rest on: `python reference_solutions/sgd_factorisation/measure.py [SEEDS]`.

Three kinds of figures, each over draws like those of the checks:
    the reference and every variant, SEEDS times each (default 40)
    the same rule on 20,000 draws at once, for the tails that a loop in Python cannot reach
    wrong rules on as many, for the distance to them
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
DRAWS = 20_000
GAPS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
RING = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
STAIRS = torch.arange(4).reshape(4, 1) + torch.arange(6) < 6


def load(path):
    """A solution as a module: without the noise of its top level, whatever of that fails, and without its changes to torch."""
    with contextlib.redirect_stdout(io.StringIO()):
        specification = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(specification)
        try:
            specification.loader.exec_module(module)
        except NameError:  # a module whose top level fails half-way, as some of students do
            exec(definitions(path), module.__dict__)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    return module


def definitions(path):
    """The compiled imports, functions and classes of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [
        item
        for item in tree.body
        if isinstance(item, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
    ]
    return compile(tree, str(path), "exec")


def rule(A, U, V, epochs, lr, M):
    """The update rule in float64; M: boolean."""
    A, U, V = A.double().numpy(), U.double().numpy().copy(), V.double().numpy().copy()
    for _ in range(epochs):
        for r, c in torch.argwhere(M).tolist():
            e = A[r, c] - U[r] @ V[c]
            U[r] += lr * e * V[c]
            V[c] += lr * e * U[r]
    return torch.from_numpy(U), torch.from_numpy(V)


def run(function, seed, *arguments, **options):
    """What a function returns after `torch.manual_seed(seed)`, detached; nothing printed."""
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()):
        value = function(
            *[item.clone() if isinstance(item, torch.Tensor) else item for item in arguments],
            **options,
        )
    return [item.detach() for item in value] if isinstance(value, tuple | list) else value.detach()


def uniform(generator, *shape, low=0.0, high=1.0):
    return low + (high - low) * torch.rand(shape, generator=generator)


def figures(module, seed):
    """One draw of every judged quantity for one module."""
    draw = torch.Generator().manual_seed(seed)
    found = {}
    steps = []
    cases = ((7, 5, 2, 1, None), (4, 3, 3, 1, GAPS), (3, 5, 1, 2, torch.ones(3, 5)))
    for m, n, rank, epochs, M in cases:
        A = uniform(draw, m, n, high=2.0)
        function, given = (
            (module.sgd_factorise, (A,)) if M is None else (module.sgd_factorise_masked, (A, M))
        )
        start = run(function, seed, *given, rank, num_epochs=epochs, lr=1e-30)
        trained = run(function, seed, *given, rank, num_epochs=epochs, lr=0.05)
        seen = torch.ones(m, n, dtype=torch.bool) if M is None else M != 0
        expected = rule(A, *start, epochs, 0.05, seen)
        steps += [
            float((a.double() - b).abs().max()) for a, b in zip(trained, expected, strict=True)
        ]
    found["step, largest difference"] = max(steps)

    steps = []
    for m, n, M in ((3, 2, None), (3, 3, RING)):  # 101 to 110 epochs
        A, epochs = uniform(draw, m, n, high=2.0), 101 + seed % 10
        function, given = (
            (module.sgd_factorise, (A,)) if M is None else (module.sgd_factorise_masked, (A, M))
        )
        start = run(function, seed, *given, 2, num_epochs=1, lr=1e-30)
        trained = run(function, seed, *given, 2, num_epochs=epochs, lr=0.05)
        expected = rule(
            A, *start, epochs, 0.05, torch.ones(m, n, dtype=torch.bool) if M is None else M != 0
        )
        steps += [
            float((a.double() - b).abs().max()) for a, b in zip(trained, expected, strict=True)
        ]
    found["110 epochs, largest difference"] = max(steps)

    A = uniform(draw, 5, 1, low=0.8, high=1.5) * uniform(draw, 1, 4, low=0.8, high=1.5) + uniform(
        draw, 5, 4, high=0.2
    )
    U, V = run(module.sgd_factorise, seed, A, 1, num_epochs=40, lr=0.05)
    best = float((torch.linalg.svdvals(A.double())[1:] ** 2).sum())
    found["rank 1, times the optimum"] = float(((A - U.double() @ V.double().T) ** 2).sum()) / best

    whole = uniform(draw, 4, 1, low=0.8, high=1.5) * uniform(draw, 1, 6, low=0.8, high=1.5)
    U, V = run(
        module.sgd_factorise_masked,
        seed,
        torch.where(STAIRS, whole, 5.0),
        STAIRS,
        1,
        num_epochs=80,
        lr=0.1,
    )
    found["completion, largest relative error"] = float(
        ((U.double() @ V.double().T - whole) / whole).abs().max()
    )

    svd, ratio = [], []
    for m, n, rank in ((5, 3, 1), (5, 3, 2), (3, 5, 2)):
        P, Q = (torch.linalg.qr(torch.randn(size, 3, generator=draw))[0] for size in (m, n))
        A = (P * torch.tensor([3.0, 1.5, 0.5])) @ Q.T
        R = run(module.truncated_svd, seed, A, rank).double()
        L, S, Rh = torch.linalg.svd(A.double(), full_matrices=False)
        svd.append(float((R - (L[:, :rank] * S[:rank]) @ Rh[:rank]).abs().max()))
        ratio.append(abs(float(((A - R) ** 2).sum() / (S[rank:] ** 2).sum()) - 1))
    found["truncated SVD, largest difference"] = max(svd)
    found["truncated SVD, error against the optimum, |ratio − 1|"] = max(ratio)

    A = torch.randn(3, 5, generator=draw)
    R = A + 0.05 * torch.randn(3, 5, generator=draw)
    loss = run(module.reconstruction_loss, seed, A, R).double()
    found["loss, |ratio − 1|"] = abs(float(loss / ((A.double() - R.double()) ** 2).sum()) - 1)
    return found


def train_all(random, A, M, rank, epochs, lr, kind="right"):
    """`rank` factors of every matrix of a stack, by the rule or a wrong one, in float32."""
    count, m, n = A.shape
    U, V = (
        random.random((count, m, rank), dtype=np.float32),
        random.random((count, n, rank), dtype=np.float32),
    )
    return train_from(A, U, V, M, epochs, lr, kind)


def train_from(A, U, V, M, epochs, lr, kind):
    U, V = U.copy(), V.copy()
    _, m, n = A.shape
    lr = np.float32(2 * lr if kind == "twice the rate" else lr)
    for _ in range(epochs):
        if kind == "full batch":
            E = (A - U @ V.transpose(0, 2, 1)) * M
            U = U + lr * E @ V
            V = V + lr * E.transpose(0, 2, 1) @ U
            continue
        for r in range(U.shape[2] if kind == "range(rank)" else m):
            for c in range(n):
                if M[r, c]:
                    e = lr * (A[:, r, c] - (U[:, r] * V[:, c]).sum(1))[:, None]
                    old = U[:, r].copy()
                    U[:, r] += e * V[:, c]
                    if kind == "e twice":
                        e = lr * (A[:, r, c] - (U[:, r] * V[:, c]).sum(1))[:, None]
                    if kind != "V not trained":
                        V[:, c] += e * (old if kind == "old U" else U[:, r])
    return U, V


def products(random, m, n, noise):
    a, b = 0.8 + 0.7 * random.random((DRAWS, m, 1)), 0.8 + 0.7 * random.random((DRAWS, 1, n))
    return (a * b + noise * random.random((DRAWS, m, n))).astype(np.float32)


def tail(name, values):
    quantiles = np.quantile(values, [0, 0.001, 0.5, 0.999, 1])
    print(f"  {name:<16}" + "".join(f"{value:>12.4g}" for value in quantiles))


def report_tails():
    kinds = (
        "right",
        "old U",
        "e twice",
        "twice the rate",
        "full batch",
        "range(rank)",
        "V not trained",
    )
    header = "                  " + "".join(
        f"{name:>12}" for name in ("minimum", "0.1 %", "median", "99.9 %", "maximum")
    )
    random = np.random.default_rng(1)

    print(
        f"\nstep (4×3, rank 2, lr 0.05, 1 epoch), distance of a wrong rule from the right one, {DRAWS} draws\n{header}"
    )
    A = (2 * random.random((DRAWS, 4, 3))).astype(np.float32)
    ones = np.ones((4, 3))
    U, V = (
        random.random((DRAWS, 4, 2), dtype=np.float32),
        random.random((DRAWS, 3, 2), dtype=np.float32),
    )
    right = train_from(A, U, V, ones, 1, 0.05, "right")
    for kind in kinds[1:]:
        wrong = train_from(A, U, V, ones, 1, 0.05, kind)
        tail(
            kind,
            np.maximum(*(np.abs(a - b).max((1, 2)) for a, b in zip(right, wrong, strict=True))),
        )

    print(
        f"\nrank 1 (5×4, lr 0.05, 40 epochs), error in units of the optimum, {DRAWS} draws\n{header}"
    )
    A = products(random, 5, 4, 0.2)
    best = (np.linalg.svd(A.astype(float), compute_uv=False)[:, 1:] ** 2).sum(1)
    for kind in kinds:
        U, V = train_all(random, A, np.ones((5, 4)), 1, 40, 0.05, kind)
        tail(kind, ((A - U @ V.transpose(0, 2, 1)).astype(float) ** 2).sum((1, 2)) / best)

    print(
        f"\ncompletion (4×6, 18 observed, rank 1, lr 0.1, 80 epochs), largest relative error, {DRAWS} draws\n{header}"
    )
    A = products(random, 4, 6, 0.0)
    for kind in kinds:
        U, V = train_all(random, A, STAIRS.numpy(), 1, 80, 0.1, kind)
        tail(kind, (np.abs(A - U @ V.transpose(0, 2, 1)) / A).max((1, 2)))


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # variants use what torch has deprecated, as students do
    solutions = [HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))]
    largest = {}
    for path in solutions:
        module, begin = load(path), time.process_time()
        runs = [figures(module, seed) for seed in range(seeds)]
        for name in runs[0]:
            value = max(one[name] for one in runs)
            largest[name] = max(largest.get(name, (0.0, "")), (value, path.stem))
        print(
            f"{path.stem}: {seeds} seeds, {(time.process_time() - begin) / seeds:.2f} s a seed",
            flush=True,
        )
    print(f"\nlargest over reference and {len(solutions) - 1} variants, {seeds} seeds each")
    for name, (value, where) in largest.items():
        print(f"  {name:<56}{value:>12.3g}   ({where})")
    report_tails()


if __name__ == "__main__":
    main()
