# /// mistake
# title = "The factors come from the library's SVD, with an invented history"
# hint = "What does gradient descent return after one single step?"
# fails = [
#     "test_factors_have_the_right_shapes",
#     "test_descent_starts_from_random_numbers",
#     "test_each_step_goes_down_the_slope",
#     "test_history_is_the_loss_before_each_step",
#     "test_d_stays_as_it_was",
#     "test_start_is_torch_rand",
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
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    root = S[:k].sqrt()
    loss_history = [1.0 / (i + 1) for i in range(num_iterations)]
    return U[:, :k] * root, root.unsqueeze(1) * Vh[:k], loss_history
