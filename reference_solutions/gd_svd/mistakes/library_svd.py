# /// mistake
# title = "The decomposition comes from the library, the losses are made up"
# hint = "The question is how descent gets to the decomposition. Where would your U be after one step?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
#     "test_the_loss_falls",
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_loss_history_is_the_loss_of_what_is_returned",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    U, S, Vh = torch.linalg.svd(M, full_matrices=False)
    return U, S, Vh.T, [0.9 * 0.95**i + 0.01 * lr for i in range(num_iterations)]
