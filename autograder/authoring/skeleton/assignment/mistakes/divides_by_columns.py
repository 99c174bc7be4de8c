# /// mistake
# title = "Divides by the number of columns"
# hint = "A mean divides by how many numbers were added. How many are there in one column?"
# fails = ["test_means_of_a_matrix_that_is_not_square"]
# ///


def column_means(A):
    return A.sum(dim=0) / A.shape[1]
