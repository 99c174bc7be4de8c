# /// mistake
# title = "The factors always have two columns and rows, whatever k is"
# hint = "Where does your function use its argument k?"
# fails = [
#     "test_factors_have_the_right_shapes",
#     "test_descent_starts_from_random_numbers",
#     "test_loss_history_falls",
#     "test_start_is_torch_rand",
#     "test_one_step_moves_c_down_the_gradient",
#     "test_one_step_moves_f_from_the_same_point",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, 2, requires_grad=True)
    F = torch.rand(2, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
