"""Many runs of the same code at once, whose long computations are made for all of them together.

Each run is a greenlet, which goes on alone until it calls a function that is `met`; there it waits.
When all wait, that function is computed once for all calls whose tensors have the same shapes, and
every run goes on with its own result. The code that is run knows nothing of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import is_dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from greenlet import getcurrent, greenlet

Result = TypeVar("Result")
Many = Callable[[list[tuple]], list]  # the arguments of several calls: the results, in their order


class Asked(NamedTuple):
    """A call that waits."""

    many: Many
    arguments: tuple


def met(many: Many) -> Callable[..., Any]:
    """A function that waits, in one of the runs `together`, until `many` gives it its result."""

    def call(*arguments: Any) -> Any:
        return getcurrent().parent.switch(Asked(many, arguments))

    return call


def together(runs: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each run returns. An exception in one of them, or in a `many`, ends all."""
    results: dict[int, Result] = {}
    waiting: list[tuple[greenlet, Asked]] = []

    def go_on(one: greenlet, *given: Any) -> None:
        asked = one.switch(*given)
        if not one.dead:
            waiting.append((one, asked))

    def keep(number: int, run: Callable[[], Result]) -> None:
        results[number] = run()

    for number, run in enumerate(runs):
        go_on(greenlet(keep), number, run)
    while waiting:
        batches = defaultdict(list)
        for one, asked in waiting:
            batches[asked.many, shapes(asked.arguments)].append((one, asked.arguments))
        waiting.clear()
        for (many, _), batch in batches.items():
            answers = many([arguments for _, arguments in batch])
            for (one, _), answer in zip(batch, answers, strict=True):
                go_on(one, answer)
    return [results[number] for number in range(len(runs))]


def shapes(value: Any) -> Hashable:
    """The shapes of all tensors in the arguments of a call."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, tuple | list):
        return tuple(map(shapes, value))
    if is_dataclass(value):
        return tuple(map(shapes, vars(value).values()))
    return None
