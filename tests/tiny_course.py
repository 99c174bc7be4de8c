"""A course of one small assignment, `halves`, for tests of what surrounds an assignment:
`write(folder)`.
"""

from __future__ import annotations

from pathlib import Path

SLUG = "halves"

TOML = """\
title = "Halves and sums"
order = 1
objectives = ["Halve a tensor", "Sum a tensor"]

[functions]
halve = 3
total = 1.5

[written]
why_halve = 2
"""

HANDOUT = """\
# Halves and sums

A tensor can be halved.

```python tags=["setup"]
%matplotlib inline
import matplotlib.pyplot as plt
import torch

from conftest import check

values = torch.tensor([1.0, 2.0, 3.0])
```

## Halving

```python stub="halve"
```

```python check="halve"
```

```python
helper = halve(values)
figure, axes = plt.subplots()
axes.plot(helper)
plt.show()
```

```python stub="total"
```

```python check="total"
```

Why would anybody halve a tensor?

<!-- #region written="why_halve" -->
Because the other half belongs to somebody else entirely.
<!-- #endregion -->

The end.
"""

SOLUTION = '''\
"""Reference solution: halves and sums."""

import torch


def halve(x, factor=0.5):
    """Half of every element of x.

    x: a tensor; not changed
    Returns a tensor of the same shape.
    """
    ### BEGIN SOLUTION
    scaled_copy = factor * x.clone()
    return scaled_copy
    ### END SOLUTION


def total(x):
    """The sum of the elements of x, a 0-d tensor."""
    ### BEGIN SOLUTION
    terms = 1 * x
    return torch.stack([terms[i] for i in range(len(x))]).sum()
    ### END SOLUTION
'''

PUBLIC = '''\
"""Checks that students get."""

import pytest
import torch


@pytest.mark.task("halve")
@pytest.mark.points(1)
@pytest.mark.hint("A half is one divided by two.")
def test_halve_of_a_vector(student):
    """halve gives (1, 2) for (2, 4)."""
    result = student.halve(torch.tensor([2.0, 4.0]))
    assert isinstance(result, torch.Tensor), f"halve returned {type(result).__name__}; expected a tensor"
    assert result.tolist() == [1.0, 2.0], f"halve([2, 4]) returned {result.tolist()}; expected [1, 2]"


@pytest.mark.task("halve")
@pytest.mark.points(1)
@pytest.mark.hint("Work on a copy.")
def test_halve_leaves_its_argument(student):
    """halve does not change x."""
    call = student.call("halve", torch.tensor([2.0, 4.0]))
    assert call.arguments[0].tolist() == [2.0, 4.0], "halve changed its argument"


@pytest.mark.task("total")
@pytest.mark.points(0.5)
@pytest.mark.hint("Look for torch.sum.")
@pytest.mark.parametrize("length", [1, 3])
def test_total_of_ones(student, length):
    """total counts the ones in a vector of ones."""
    result = student.total(torch.ones(length))
    assert isinstance(result, torch.Tensor), f"total returned {type(result).__name__}; expected a tensor"
    assert float(result) == length, f"total of {length} ones returned {float(result):g}"
'''

HIDDEN = '''\
"""Hidden checks."""

import pytest

from autograder.vocabulary import close, matrix


@pytest.mark.task("halve")
@pytest.mark.points(1)
@pytest.mark.hint("Every element counts.")
def test_halve_of_a_secret_matrix(student, draw):
    """halve works on a matrix of any size whatsoever."""
    A = draw.uniform(3, 2)
    close(matrix(student.halve(A), (3, 2), "halve(A) returned"), A / 2, 1e-6, "halve(A) is not half of A everywhere")


@pytest.mark.task("total")
@pytest.mark.points(0.5)
@pytest.mark.hint("Every element counts.")
def test_total_of_a_secret_vector(student, draw):
    """total adds up a vector that nobody has seen before."""
    x = draw.uniform(5)
    close(student.total(x), x.sum(), 1e-5, "total(x) is not the sum of x")
'''

MISTAKE = """\
# /// mistake
# title = "Divides by three, of all numbers"
# hint = "How many halves make a whole one?"
# fails = ["test_halve_of_a_vector", "test_halve_of_a_secret_matrix"]
# ///


def halve(x, factor=0.5):
    return x * factor * 2 / 3
"""

VARIANT = '''\
"""Divides in place of multiplying."""

import torch


def halve(x, factor=0.5):
    denominator = torch.tensor(1.0) / factor
    return x / denominator


def total(x):
    accumulated = x.new_zeros(())
    for element in x:
        accumulated = accumulated + element
    return accumulated
'''

FILES = {
    "assignment.toml": TOML,
    "handout.md": HANDOUT,
    "solution.py": SOLUTION,
    "test_public.py": PUBLIC,
    "test_hidden.py": HIDDEN,
    "mistakes/thirds.py": MISTAKE,
    "variants/divides.py": VARIANT,
    "data/numbers.csv": "1,2,3\n",
}


def write(course: Path) -> Path:
    """Write the course's staff side; gives the staff folder of its one assignment."""
    staff = course / "reference_solutions" / SLUG
    for name, text in FILES.items():
        path = staff / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return staff
