"""Replies with values that are trees of no known kind: wrong types under every key."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    trees = [{"tensor": []}, {"floats": {}}, {"float": [[]]}, {"items": 3}, {"items": [], "length": "x"}, {"other": {}}, {}, [], {"float": "x"}, {"items": [1], "type": [], "length": 10**9}]
    forge({"outcome": "returned", "value": trees[under_way()[1] % len(trees)], "arguments": {"a": 1}, "gradients": 5})


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
