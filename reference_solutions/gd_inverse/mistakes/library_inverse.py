# /// mistake
# title = "The inverse comes from the library, the losses are made up"
# hint = "The question is how descent gets to the inverse. Where would your X be after one step?"
# fails = [
#     "test_starts_from_random_numbers_that_follow_the_seed",
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_the_first_loss_is_that_of_the_start",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M is not square")
    return torch.linalg.inv(M), [0.97**i for i in range(num_iterations)]
