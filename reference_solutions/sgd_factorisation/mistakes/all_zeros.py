# /// mistake
# title = "Zeros of the right shapes"
# hint = "Which of your lines computes something from A?"
# fails = [
#     "test_factors_start_from_torch_rand",
#     "test_one_update_as_by_hand",
#     "test_two_epochs_reach_every_element",
#     "test_truncated_svd_of_a_small_matrix",
#     "test_loss_adds_up_the_squares",
#     "test_only_observed_elements_train",
#     "test_nan_may_hide_where_the_mask_is_zero",
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
#     "test_truncated_svd_is_the_best",
#     "test_loss_of_any_two_matrices",
#     "test_masked_factors_start_from_torch_rand",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
#     "test_hidden_elements_have_no_influence",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return torch.zeros(A.shape[0], rank), torch.zeros(A.shape[1], rank)


def truncated_svd(A, rank):
    return torch.zeros_like(A)


def reconstruction_loss(A, R):
    return torch.tensor(0.0)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return torch.zeros(A.shape[0], rank), torch.zeros(A.shape[1], rank)
