# /// mistake
# title = "Values of M that are close to zero count as hidden"
# hint = "Any value but zero marks an observed element, also a very small one: how does your function compare?"
# fails = ["test_hidden_elements_have_no_influence"]
# ///

import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    hidden = torch.isclose(M.float(), torch.zeros(()))
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if not hidden[r, c]:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
