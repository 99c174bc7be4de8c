# /// mistake
# title = "One step more than asked for is taken"
# hint = "How many steps does your loop take for num_iterations=1? Count them on paper."
# fails = [
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_the_first_loss_is_that_of_the_start",
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations + 1):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history[:num_iterations]
