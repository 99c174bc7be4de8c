"""How far right answers are from the exact means: the figure behind the tolerance in design.md.

python reference_solutions/{name}/measure.py
"""

import runpy
from pathlib import Path

import torch

HERE = Path(__file__).parent
SEEDS = 1000


def largest_difference(file: Path) -> float:
    """Over all seeds, how far a file's column_means is from the mean in float64."""
    column_means = runpy.run_path(str(file))["column_means"]
    largest = 0.0
    for seed in range(SEEDS):
        for m, n in ((5, 3), (2, 4)):
            A = 1.0 + torch.rand((m, n), generator=torch.Generator().manual_seed(seed))
            differences = column_means(A) - A.to(torch.float64).mean(dim=0)
            largest = max(largest, float(differences.abs().max()))
    return largest


for file in (HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))):
    print(f"{file.stem:20} {largest_difference(file):.1e}")
