# /// mistake
# title = "Zeros of the right shapes are returned"
# hint = "Does your function do anything with M before it returns?"
# fails = [
#     "test_starts_from_random_numbers_that_follow_the_seed",
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_the_first_loss_is_that_of_the_start",
#     "test_finds_the_inverse_of_a_small_matrix",
#     "test_refuses_a_matrix_that_is_not_square",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    return torch.zeros(M.shape), [0.0] * num_iterations
