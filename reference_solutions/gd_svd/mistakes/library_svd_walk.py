# /// mistake
# title = "A walk to the library's decomposition, with the true loss recorded on the way"
# hint = "Which numbers may a step use: M, U, S and V, or also the decomposition that is being looked for?"
# fails = [
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    X, Y, Z = torch.linalg.svd(M, full_matrices=False)
    U, S, V, one = torch.rand(m, n), torch.rand(n), torch.rand(n, n), torch.eye(n)
    loss_history = []
    for _ in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        loss_history.append((fit + ((U.T @ U - one) ** 2).mean() + ((V.T @ V - one) ** 2).mean()).item())
        share = min(1.0, 0.1 * lr * (1 + momentum))
        U, S, V = U + share * (X - U), S + share * (Y - S), V + share * (Z.T - V)
    S, order = S.sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
