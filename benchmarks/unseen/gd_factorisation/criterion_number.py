# a Python number


def criterion(A, B):
    return float(((A - B) ** 2).sum())
