# /// mistake
# title = "The start is moved in a straight line to the library's decomposition"
# hint = "Which numbers may a step use: M, U, S and V, or also the decomposition that is being looked for?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_loss_history_is_the_loss_of_what_is_returned",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    X, Y, Z = torch.linalg.svd(M, full_matrices=False)
    U, S, V = torch.rand(m, n), torch.rand(n), torch.rand(n, n)
    loss_history = []
    for i in range(num_iterations):
        share = min(1.0, 0.1 * (lr > 0))
        loss_history.append(((U * S @ V.T - M) ** 2).mean().item())
        U, S, V = U + share * (X - U), S + share * (Y - S), V + share * (Z.T - V)
    S, order = S.sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
