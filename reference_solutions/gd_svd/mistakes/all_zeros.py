# /// mistake
# title = "Zeros of the right shapes are returned"
# hint = "Does your function do anything with M before it returns?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
#     "test_the_loss_falls",
#     "test_the_product_rebuilds_a_small_matrix",
#     "test_the_columns_of_both_become_orthonormal",
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_singular_values_are_returned_in_order_and_not_negative",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_loss_history_is_the_loss_of_what_is_returned",
#     "test_finds_the_singular_values",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    return torch.zeros(m, n), torch.zeros(n), torch.zeros(n, n), [0.0] * num_iterations
