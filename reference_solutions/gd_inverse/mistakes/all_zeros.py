# /// mistake
# title = "Zeros of the right shapes are returned"
# hint = "Does your function do anything with M before it returns?"
# fails = [
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_one_step_goes_down_the_gradient",
#     "test_the_velocity_carries_over_from_step_to_step",
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_converges_to_the_inverse",
#     "test_more_iterations_continue_fewer",
#     "test_many_small_steps_follow_the_rule",
#     "test_starts_from_random_numbers_that_follow_the_seed",
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_the_first_loss_is_that_of_the_start",
#     "test_finds_the_inverse_of_a_small_matrix",
#     "test_refuses_a_matrix_that_is_not_square",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    return torch.zeros(M.shape), [0.0] * num_iterations
