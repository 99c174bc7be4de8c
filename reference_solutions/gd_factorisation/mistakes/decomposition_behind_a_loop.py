# /// mistake
# title = "A loop records losses that fall from the random start to the result of the library's SVD"
# hint = "After one step of gradient descent, where is C? Where is yours?"
# fails = [
#     "test_factors_have_the_right_shapes",
#     "test_each_step_goes_down_the_slope",
#     "test_history_is_the_loss_before_each_step",
#     "test_one_step_moves_c_down_the_gradient",
#     "test_one_step_moves_f_from_the_same_point",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_many_small_steps_follow_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_loss_is_recorded_before_each_step",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    first = ((C @ F - D) ** 2).sum().item()
    loss_history = [first / (i + 1) for i in range(num_iterations)]
    if lr < 1e-20:
        return C, F, loss_history
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    return U[:, :k], torch.diag(S[:k]) @ Vh[:k], loss_history
