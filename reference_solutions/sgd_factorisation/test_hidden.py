"""Hidden checks."""
import pytest
from autograder.vocabulary import close, items, matrix

@pytest.mark.task("sgd_factorise")
@pytest.mark.points(7)
@pytest.mark.hint("x")
def test_one_epoch(student, draw, reference):
    """One epoch follows the rule."""
    A = draw.uniform(4, 3)
    start = items(student.sgd_factorise(A, 2, num_epochs=1, lr=0.0), 2, "f")
    U, V = items(student.sgd_factorise(A, 2, num_epochs=1, lr=0.05), 2, "f")
    matrix(U, (4, 2), "U")
