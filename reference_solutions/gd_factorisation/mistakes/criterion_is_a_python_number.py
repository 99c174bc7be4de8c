# /// mistake
# title = "The result is a Python number, which autograd cannot differentiate"
# hint = "What does `.item()` make of a tensor, and what can follow it backwards?"
# fails = [
#     "test_criterion_adds_up_squares",
#     "test_criterion_can_be_followed_back",
#     "test_criterion_only_looks",
#     "test_factors_have_the_right_shapes",
#     "test_descent_starts_from_random_numbers",
#     "test_each_step_goes_down_the_slope",
#     "test_history_is_the_loss_before_each_step",
#     "test_loss_history_falls",
#     "test_d_stays_as_it_was",
#     "test_criterion_on_matrices_of_any_shape",
#     "test_criterion_has_the_right_gradients",
#     "test_criterion_leaves_its_arguments_alone",
#     "test_start_is_torch_rand",
#     "test_one_step_moves_c_down_the_gradient",
#     "test_one_step_moves_f_from_the_same_point",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_many_small_steps_follow_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_loss_is_recorded_before_each_step",
#     "test_factorising_leaves_d_alone",
#     "test_defaults_are_as_given",
# ]
# ///


def criterion(A, B):
    return ((A - B) ** 2).sum().item()
