# /// mistake
# title = "The hidden elements are learned as zeros"
# hint = "Is an element that nobody has observed the same as an element that is 0?"
# fails = [
#     "test_only_observed_elements_train",
#     "test_nan_may_hide_where_the_mask_is_zero",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
#     "test_hidden_elements_have_no_influence",
# ]
# ///

def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise(A * M, rank, num_epochs, lr)
