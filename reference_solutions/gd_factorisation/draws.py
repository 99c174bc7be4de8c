"""The rule in float32 on numpy's arrays, for `python -m benchmarks.draws`; and for the long checks, the
rule from many starts at once.
"""

import numpy
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C, F = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    return _descent(D, C, F, num_iterations, lr)


def _descent(D, C, F, steps, lr):
    C, F, D, twice, losses = C.numpy(), F.numpy(), D.numpy(), numpy.float32(2 * lr), []
    with numpy.errstate(all="ignore"):
        for _ in range(steps):
            E = C @ F - D
            losses.append(float((E * E).sum()))
            C, F = C - twice * (E @ F.T), F - twice * (C.T @ E)
    return torch.from_numpy(C), torch.from_numpy(F), losses


def _many_descents(_, calls):
    """`_descent` for each of these arguments."""
    return [(C, F, losses.tolist()) for C, F, losses in _side_by_side(calls, torch.float32)]


def _many_descend(_, calls):
    """`descend` of the hidden checks, in float64, for each of these arguments."""
    given = [(run.D, C, F, run.steps, run.lr) for run, C, F in calls]
    return _side_by_side(given, torch.float64)


def _side_by_side(calls, dtype):
    """C, F and the losses of each call, computed together for those whose matrices have one shape."""
    shapes = [(D.shape, C.shape) for D, C, *_ in calls]
    results = {}
    for shape in dict.fromkeys(shapes):
        numbers = [number for number, one in enumerate(shapes) if one == shape]
        alike = _of_one_shape([calls[number] for number in numbers], dtype)
        results |= zip(numbers, alike, strict=True)
    return [results[number] for number in range(len(calls))]


def _of_one_shape(calls, dtype):
    """The longest come first, so that those that have ended are the last ones of all arrays."""
    order = sorted(range(len(calls)), key=lambda number: -calls[number][3])
    *given, steps, rates = zip(*(calls[number] for number in order), strict=True)
    D, C, F = (torch.stack(values).to(dtype) for values in given)
    twice = torch.tensor([2 * lr for lr in rates], dtype=dtype)[:, None, None]
    losses, ends, going = [], {}, len(calls)
    for step in range(steps[0] + 1):
        first = going
        while going and steps[going - 1] == step:
            going -= 1
            ends[going] = C[going].clone(), F[going].clone()
        if going < first:
            D, C, F, twice = (value[:going] for value in (D, C, F, twice))
        E = C @ F - D
        losses.append((E * E).sum((1, 2)))
        C, F = C - twice * (E @ F.mT), F - twice * (C.mT @ E)
    record, results = torch.nn.utils.rnn.pad_sequence(losses), {}  # call × step
    for place, number in enumerate(order):
        results[number] = *ends[place], record[place, : steps[place]].double()
    return [results[number] for number in range(len(calls))]


LONG = (
    "test_many_small_steps_follow_the_rule",
    "test_the_default_number_of_steps_follows_the_rule",
    "test_steps_go_on_where_nothing_is_left_to_gain",
    "test_loss_is_recorded_before_each_step",
)
MANY = {"_descent": _many_descents, "descend": _many_descend}
