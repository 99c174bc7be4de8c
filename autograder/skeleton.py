"""A new assignment that works from its first minute: `autograder new NAME`.

reference_solutions/<name>/
    assignment.toml  handout.md  solution.py  test_public.py  test_hidden.py  measure.py  design.md
    variants/loops.py                     one other right answer
    mistakes/divides_by_columns.py        one misconception, which the public check cannot see and the hidden one does
    mistakes/all_zeros.py                 zeros of the right shape

Release, grade, audit and the tests accept it as it stands; an author replaces it piece by piece and stays on firm ground.
"""

from __future__ import annotations

import keyword
from pathlib import Path

from autograder.assignment import SLUG, STAFF, find_assignments
from autograder.errors import UsageError

TOML = """\
title = "{title}"
order = {order}
objectives = [
    "Reduce a matrix along one of its dimensions",
]

[functions]
column_means = 4

[written]
why_centre = 2
"""

HANDOUT = """\
# {title}

Replace this lesson by yours. It shows every kind of cell that a handout can have.

```python tags=["setup"]
import matplotlib.pyplot as plt
import torch

from conftest import check

torch.manual_seed(0)
```

## The mean of every column

Many methods begin by centring the data: an $m \\times n$ matrix $A$ holds one point per row, and from every column $j$ its mean

$$\\mu_j = \\frac{1}{m} \\sum_{i=1}^{m} A_{ij}$$

is taken away. Write the function that finds all $n$ means at once.

```python stub="column_means"
```

```python check="column_means"
```

Two hundred points before and after centring:

```python
points = torch.randn(200, 2) + torch.tensor([3.0, 1.0])
centred = points - column_means(points)
figure, axes = plt.subplots(figsize=(5, 4))
axes.scatter(*points.T, s=8, label="points")
axes.scatter(*centred.T, s=8, label="centred")
axes.set(title="Centring moves the cloud to the origin", xlabel="column 0", ylabel="column 1", aspect="equal")
axes.legend()
plt.show()
```

Why would a method that looks for directions through the origin want its data centred?

<!-- #region written="why_centre" -->
Because otherwise the first direction it finds points at the mean and says nothing of how the data vary around it.
<!-- #endregion -->
"""

SOLUTION = '''\
"""Reference solution: {title}."""

import torch


def column_means(A):
    """The mean of every column of A.

    A: m×n float tensor, m ≥ 1; leave it as it is

    Returns a float tensor of shape (n,).
    """
    ### BEGIN SOLUTION
    return A.sum(dim=0) / A.shape[0]
    ### END SOLUTION
'''

PUBLIC = '''\
"""The checks that you get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


@pytest.mark.task("column_means")
@pytest.mark.points(1)
@pytest.mark.hint("Which dimension goes away: the one that counts the rows, or the one that counts the columns?")
def test_means_of_a_small_matrix(student):
    """column_means gives (2, 4) for the rows (1, 3) and (3, 5)."""
    call = "column_means([[1, 3], [3, 5]])"
    means = student.column_means(torch.tensor([[1.0, 3.0], [3.0, 5.0]]))
    assert isinstance(means, torch.Tensor), f"{call} returned {type(means).__name__}; expected a torch.Tensor"
    assert means.shape == (2,), f"{call} returned shape {tuple(means.shape)}; expected (2,)"
    close = torch.allclose(means.detach().to(torch.float64), torch.tensor([2.0, 4.0], dtype=torch.float64), atol=1e-4)
    assert close, f"{call} returned {means.tolist()}; expected [2.0, 4.0]"
'''

HIDDEN = '''\
"""The hidden checks."""

import pytest
import torch

from autograder.vocabulary import close, matrix


@pytest.mark.task("column_means")
@pytest.mark.points(3)
@pytest.mark.hint("How many numbers are added up in each column?")
def test_means_of_a_matrix_that_is_not_square(student, draw):
    """column_means is right for matrices with more rows than columns, and with fewer."""
    for m, n in ((5, 3), (2, 4)):
        A = draw.uniform(m, n, low=1.0, high=2.0)
        means = matrix(student.column_means(A), (n,), f"column_means(A of shape {(m, n)}) returned a tensor")
        what = f"column_means(A of shape {(m, n)}) is not the mean of every column"
        close(means, A.to(torch.float64).mean(dim=0), 1e-5, what)
'''

VARIANT = '''\
"""Adds up the rows in a loop of plain Python."""

import torch


def column_means(A):
    total = torch.zeros(len(A[0]))
    for row in A:
        total = total + row
    return total / len(A)
'''

MISTAKE = """\
# /// mistake
# title = "Divides by the number of columns"
# hint = "A mean divides by how many numbers were added. How many are there in one column?"
# fails = ["test_means_of_a_matrix_that_is_not_square"]
# ///


def column_means(A):
    return A.sum(dim=0) / A.shape[1]
"""

ZEROS = """\
# /// mistake
# title = "Zeros of the right shape"
# hint = "The shape is right. What should be in it?"
# fails = ["test_means_of_a_small_matrix", "test_means_of_a_matrix_that_is_not_square"]
# ///


def column_means(A):
    return torch.zeros(A.shape[1])
"""

MEASURE = '''\
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
            largest = max(largest, float((column_means(A) - A.to(torch.float64).mean(dim=0)).abs().max()))
    return largest


for file in (HERE / "solution.py", *sorted((HERE / "variants").glob("*.py"))):
    print(f"{file.stem:20} {largest_difference(file):.1e}")
'''

DESIGN = """\
# Design of `{name}`

## Out of scope

Matrices without rows, integer matrices, more than two dimensions.

## Tolerances

| check | tolerance | measured |
|---|---|---|
| `test_means_of_a_matrix_that_is_not_square` | 1e-5 | right answers differ from the exact mean by at most 2.4e-07 (1,000 seeds) |

The nearest wrong answer known, `divides_by_columns`, is off by at least 2/3 in the first case: the inputs lie between 1 and 2, so
the means do, and it returns 5/3 of them.

The figures come from `measure.py`.
"""

FILES = {
    "handout.md": HANDOUT,
    "solution.py": SOLUTION,
    "test_public.py": PUBLIC,
    "test_hidden.py": HIDDEN,
    "variants/loops.py": VARIANT,
    "mistakes/divides_by_columns.py": MISTAKE,
    "mistakes/all_zeros.py": ZEROS,
    "measure.py": MEASURE,
    "design.md": DESIGN,
    "assignment.toml": TOML,  # last: a folder with it is an assignment
}


def lay(course: Path, name: str) -> list[Path]:
    """Lay a working staff folder `reference_solutions/<name>/`; gives its files. UsageError where that name cannot be had."""
    if not SLUG.fullmatch(name):
        mend = "Use lower-case letters, digits and underscores, a letter first: qr_by_reflections."
        raise UsageError(f"{name!r} is no name for an assignment. {mend}")
    if keyword.iskeyword(name):
        raise UsageError(f"{name!r} is a word of Python's own. Choose another name.")
    folder = course / STAFF / name
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists already, and nothing in it was touched. Choose another name, or remove it first.")
    order = max((assignment.order for assignment in find_assignments(course)), default=0) + 1
    title = name.replace("_", " ").capitalize()
    written = []
    for place, text in FILES.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        for word, value in (("{name}", name), ("{title}", title), ("{order}", str(order))):
            text = text.replace(word, value)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
