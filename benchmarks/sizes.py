"""How much of everything `make bench` measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured.

    rounds: of the comparison; compared: submissions that ours grades in one; rivals: that each of
        the others does
    margin: right submissions of each assignment, less four, whose cost is taken at the margin
    growth: sizes of a class; the one of `whole` is also entered, and then once more, unchanged
    entered: submissions entered in the gradebook; shared: of a class on one worker, on two, on two
        of Dask; large: of another one
    burst: submissions that arrive within `seconds`; kills, of a class of `killed`
    """

    rounds: int = 2
    compared: int = 100
    rivals: int = 12
    margin: int = 24
    wrong: int = 40
    growth: tuple[int, ...] = (10, 100, 1000, 5000)
    whole: int = 1000
    entered: int = 60
    shared: int = 100
    large: int = 300
    burst: int = 1000
    seconds: float = 60.0
    kills: int = 20
    killed: int = 100


QUICK = Sizes(
    rounds=1,
    compared=20,
    rivals=2,
    margin=10,
    wrong=10,
    growth=(10, 50, 200),
    whole=50,
    entered=12,
    shared=16,
    large=24,
    burst=40,
    seconds=10.0,
    kills=3,
    killed=16,
)
