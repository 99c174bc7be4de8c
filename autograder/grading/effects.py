"""What a failing function's results have in common, whatever made them so: all are zeros, or where
they started. Where small changes of many places come to the same, that is the better name.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from autograder.grading.example import Asked, tensors_of
from autograder.grading.sentences import lowered
from autograder.results import Diagnosis

ZEROS = ("The results are all zeros", "What should make them anything else?")
START = (
    "Nothing is learnt: what is returned is the start",
    "Is the step reached at all, and does it change what you return?",
)


def told_by_effect(named: Diagnosis, asked: Asked) -> Diagnosis:
    """A diagnosis by a small change, named by its effect where it has one."""
    effect = _effect(asked)
    if named.how != "edit" or effect is None:
        return named
    title, hint = effect
    return replace(
        named, title=title, hint=f"{hint} (It would come of this: {lowered(named.title)}.)"
    )


def _effect(asked: Asked) -> tuple[str, str] | None:
    """What all results have in common, of rungs where something else is right."""
    results = [tensors_of(reply) for reply in asked.replies if reply.outcome == "returned"]
    if not any(results):
        return None
    if all(bool((tensor == 0).all()) for tensors in results for tensor in tensors):
        return ZEROS
    pairs = [
        (tensors_of(reply), start)
        for reply, start in zip(asked.replies, asked.all_starts(), strict=False)
        if start and reply.outcome == "returned"
    ]
    still = [len(ends) == len(start) and all(map(_same, ends, start)) for ends, start in pairs]
    return START if len(pairs) > 1 and all(still) else None


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool(torch.allclose(one.double(), other.double()))
