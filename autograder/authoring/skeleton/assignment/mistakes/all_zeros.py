# /// mistake
# title = "Zeros of the right shape"
# hint = "The shape is right. What should be in it?"
# fails = ["test_means_of_a_small_matrix", "test_means_of_a_matrix_that_is_not_square"]
# ///


def column_means(A):
    return torch.zeros(A.shape[1])
