"""The words that checks are written in.

    draw        a check's own random matrices: `draw.uniform(4, 3)`, `draw.mask(4, 3, hidden=2)`,
                `draw.spectrum(5, 4, (3, 2, 1))`; `draw.until(make, accept)` redraws
    results     `items(value, 2, ...)`, `matrix(value, (4, 2), ...)`, `scalar(value, ...)`:
                of the right kind and shape, and finite; as float64
    judging     `expect(condition, message)`, `close(actual, expected, tolerance, what)`,
                `unchanged(call, A)`
    starts      `STANDSTILL`, `fresh_start(start, names, what)`
    yardsticks  `squared_error(A, R)`, `truncated_svd(A, r)`, `truncated_svd_error(A, r)`,
                `sensitivity(rule, A, U, V)`; `@remembered` for what a rule makes of a start

A check that fails says what was called, what came back and what was expected. Messages of hidden
checks give shapes, properties and sizes of errors, never the inputs. All arithmetic is done here,
in float64, on values that crossed the line as bytes.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import torch

from autograder.sandbox.wire import Opaque, TorchFunction

__all__ = [
    "STANDSTILL",
    "Call",
    "Draw",
    "TorchFunction",
    "Wrong",
    "close",
    "difference",
    "expect",
    "fresh_start",
    "history",
    "items",
    "kind",
    "matrix",
    "number",
    "remembered",
    "scalar",
    "sensitivity",
    "squared_error",
    "truncated_svd",
    "truncated_svd_error",
    "unchanged",
]


MOST_DIMENSIONS, MANY = 4, 10_000  # of a shape that is spelled out


@dataclass(frozen=True)
class Call:
    """One call that returned: its value, and what the function left of the arguments that it was
    given.
    """

    value: Any
    arguments: tuple


class Wrong(AssertionError):
    """A wrong answer; its one line is what the student reads."""


def expect(condition: bool, message: str) -> None:
    """Fail the check with `message` unless `condition`."""
    if not condition:
        raise Wrong(message)


# --- results --------------------------------------------------------------------------------------


def kind(value: Any) -> str:
    """A result's type in the student's words: "a tensor of shape (3, 2)", "None", "a list of 2
    items".
    """
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {shape_of(value)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)} item{'' if len(value) == 1 else 's'}"
    if value is None:
        return "None"
    return f"a value of type {str(value) if isinstance(value, Opaque) else type(value).__name__}"


def shape_of(value: torch.Tensor) -> str:
    """A tensor's shape as a message says it: what is out of all proportion could carry a check's
    inputs out.
    """
    sizes = tuple(value.shape)
    if len(sizes) <= MOST_DIMENSIONS and all(size < MANY for size in sizes):
        return str(sizes)
    said = [str(size) if size < MANY else "many" for size in sizes[:MOST_DIMENSIONS]]
    more = ["..."] if len(sizes) > MOST_DIMENSIONS else []
    return f"({', '.join(said + more)})"


def items(value: Any, count: int, what: str) -> tuple:
    """The `count` results of a function that returns several. what: the call and the names, "f(A)
    ... (U, V)".
    """
    expect(
        isinstance(value, tuple | list), f"{what}: returned {kind(value)}; expected {count} results"
    )
    expect(len(value) == count, f"{what}: returned {len(value)} results; expected {count}")
    return tuple(value)


def matrix(value: Any, shape: Sequence[int], what: str, *, finite: bool = True) -> torch.Tensor:
    """`value` as a float64 tensor of `shape`, finite. what: its name in messages, "sgd_factorise(A,
    rank=2) returned U".
    """
    expect(
        isinstance(value, torch.Tensor),
        f"{what}: {kind(value)}; expected a torch.Tensor of shape {tuple(shape)}",
    )
    expect(
        tuple(value.shape) == tuple(shape),
        f"{what} of shape {shape_of(value)}; expected {tuple(shape)}",
    )
    expect(
        value.is_floating_point(),
        f"{what} of dtype {str(value.dtype).removeprefix('torch.')}; "
        "expected a real floating dtype",
    )
    exact = value.to(torch.float64)
    if finite:
        bad = int((~torch.isfinite(exact)).sum())
        expect(bad == 0, f"{what} with {bad} of {exact.numel()} entries NaN or infinite")
    return exact


def scalar(value: Any, what: str) -> float:
    """`value`, a 0-d floating tensor, as a float; finite."""
    return float(matrix(value, (), what))


def number(value: Any, what: str) -> float:
    """`value`, a Python number or a tensor with one element, as a float; finite."""
    one = isinstance(value, int | float) or (isinstance(value, torch.Tensor) and value.numel() == 1)
    expect(one, f"{what}: {kind(value)}; expected a number or a tensor with one element")
    result = float(value)
    expect(math.isfinite(result), f"{what}: {result}; expected a finite number")
    return result


def history(value: Any, length: int, what: str, *, finite: bool = True) -> list[float]:
    """`value`, a list of `length` floats (0-d tensors pass for floats), finite."""
    expect(
        isinstance(value, list | tuple),
        f"{what}: {kind(value)}; expected a list of {length} floats",
    )
    expect(
        len(value) == length, f"{what} of {len(value)} values; expected {length}, one an iteration"
    )
    numbers: list[float] = []
    spoilt = f"{what} with NaN or infinite values in it"
    for item in value:
        if (isinstance(item, torch.Tensor) and item.ndim == 0) or isinstance(item, int | float):
            numbers.append(float(item))
        else:
            expect(not finite or all(map(math.isfinite, numbers)), spoilt)
            raise Wrong(f"{what} with {kind(item)} in it; expected floats")
    expect(not finite or all(map(math.isfinite, numbers)), spoilt)
    return numbers


# --- judging --------------------------------------------------------------------------------------


def difference(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest absolute difference of any two entries; 0.0 for empty tensors."""
    gap = (actual.to(torch.float64) - expected.to(torch.float64)).abs()
    return float(gap.max()) if gap.numel() else 0.0


def close(
    actual: torch.Tensor | float, expected: torch.Tensor | float, tolerance: float, what: str
) -> None:
    """Fail unless every entry is within `tolerance` (absolute) of what is expected."""
    gap = difference(
        torch.as_tensor(actual, dtype=torch.float64), torch.as_tensor(expected, dtype=torch.float64)
    )
    expect(
        gap <= tolerance, f"{what} (largest difference {gap:.2g}, at most {tolerance:.0e} allowed)"
    )


def unchanged(call: Call, *given: torch.Tensor) -> None:
    """Fail where a function changed the tensors that it was given as its first arguments."""
    for number, (before, after) in enumerate(zip(given, call.arguments, strict=False), start=1):
        same = (
            isinstance(after, torch.Tensor)
            and after.shape == before.shape
            and torch.allclose(
                after.to(torch.float64), before.to(torch.float64), rtol=0, atol=0, equal_nan=True
            )
        )
        expect(same, f"the call changed its argument number {number}; work on a copy")


# --- yardsticks -----------------------------------------------------------------------------------


def squared_error(A: torch.Tensor, R: torch.Tensor) -> float:
    """‖A − R‖²_F in float64."""
    return float(((A.to(torch.float64) - R.to(torch.float64)) ** 2).sum())


def truncated_svd(A: torch.Tensor, rank: int) -> torch.Tensor:
    """The best rank-`rank` approximation of A in the Frobenius norm (Eckart and Young, 1936),
    float64, m×n.
    """
    U, S, Vh = torch.linalg.svd(A.to(torch.float64), full_matrices=False)
    return (U[:, :rank] * S[:rank]) @ Vh[:rank]


def truncated_svd_error(A: torch.Tensor, rank: int) -> float:
    """The smallest squared error that any rank-`rank` factorisation of A can have: the sum of the
    squared singular values left out.
    """
    return float((torch.linalg.svdvals(A.to(torch.float64))[rank:] ** 2).sum())


MOVED = 1e-6  # of an entry; rounding to float32 moves it by 6e-8 at the most


def sensitivity(rule: Callable[..., Any], *inputs: torch.Tensor) -> float:
    """How far the results of `rule` move where every entry of its inputs moves by a millionth of
    itself: the largest change of any entry, infinite where one is NaN.

    It is tried in three directions, every entry up or down, and then by more and less, as a rule
    may amplify in one direction alone: by one of them, one secret in 100,000 was judged wrongly.

    A rule that is to be followed within a tolerance is well conditioned on its inputs where this is
    at most half of that tolerance: what float32 rounds away is a tenth of it or less. See
    `Draw.until`.
    """
    generator = torch.Generator().manual_seed(0)
    exact = [value.to(torch.float64) for value in inputs]
    there, gaps = _tensors(rule(*exact)), [0.0]
    for direction in (_up_or_down, _more_or_less, _more_or_less):
        moved = [value * (1 + MOVED * direction(value.shape, generator)) for value in exact]
        near = _tensors(rule(*moved))
        gaps += [difference(one, other) for one, other in zip(there, near, strict=True)]
    return math.inf if any(map(math.isnan, gaps)) else max(gaps)


def _up_or_down(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return 2.0 * torch.randint(0, 2, shape, generator=generator) - 1


def _more_or_less(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


Rule = TypeVar("Rule", bound=Callable[..., Any])
# results of rules by their code, which outlives the module that is executed anew for every student
REMEMBERED: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()
PLAIN = frozenset((type(None), bool, int, float, str))
MOST_REMEMBERED = 512  # with 10,000 losses each they are 40 MB


def remembered(rule: Rule) -> Rule:
    """A rule that is worked out once for arguments that are equal to the bit: most students of a
    class start where the solution does, and there it ends alike.

    For rules that depend on their arguments alone: tensors, numbers, texts, and tuples, lists and
    dataclasses of them; with any others it is worked out as it is. Nobody may change the results.
    """
    code = getattr(rule, "__code__", rule)

    @wraps(rule)
    def again(*given: Any) -> Any:
        try:
            key = (id(code), exact_key(given))
        except TypeError:
            return rule(*given)
        if key not in REMEMBERED:
            REMEMBERED[key] = (code, rule(*given))
            if len(REMEMBERED) > MOST_REMEMBERED:
                REMEMBERED.popitem(last=False)
        REMEMBERED.move_to_end(key)
        return REMEMBERED[key][1]

    return cast(Rule, again)


def exact_key(value: Any) -> Hashable:
    """Equal for values that are the same to the last bit, and for no others; TypeError for what is
    no plain value.
    """
    kind = type(value)
    if kind in PLAIN:  # most are: told without a question more
        return (kind.__name__, repr(value))
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), tuple(value.shape), value.detach().contiguous().numpy().tobytes())
    if isinstance(value, tuple | list):
        return (kind.__name__, tuple(map(exact_key, value)))
    if is_dataclass(value) and not isinstance(value, type):
        parts = [exact_key(getattr(value, one.name)) for one in fields(value)]
        return (kind.__name__, tuple(parts))
    if isinstance(value, int | float | str):
        return (kind.__name__, repr(value))
    raise TypeError(f"a value of type {kind.__name__} has no exact key")


def _tensors(value: Any) -> list[torch.Tensor]:
    """One result or several, each as a float64 tensor."""
    several = value if isinstance(value, tuple | list) else [value]
    return [torch.as_tensor(one, dtype=torch.float64) for one in several]


# --- starts ---------------------------------------------------------------------------------------

# A learning rate that changes nothing, to ask a function where it starts: added to an entry, 1e-30
# of anything is lost in rounding. Careful code may refuse lr = 0; this it cannot refuse.
STANDSTILL = 1e-30
ALMOST_ZERO = 1e-20  # an entry that starts at exactly 0 does move, by about STANDSTILL
COINCIDENCES = 1
UNLUCKY = 1e-10  # how often numbers of torch.rand may all lie too low, or all too high


def fresh_start(start: Sequence[torch.Tensor], names: Sequence[str], what: str) -> None:
    """Fail unless the factors start as `torch.rand` gives them: in [0, 1), hardly two entries
    alike, and spread over all of it.

    `torch.rand` gives multiples of 2^-24, so that two of 135 entries are equal in one start of
    1,900, two pairs in one of 7 million. How far they are to be spread depends on their number: of
    63, one lies above 0.69 and one below 0.31, but for one start in 10^10.
    """
    for value, name in zip(start, names, strict=True):
        inside = bool(((value > -ALMOST_ZERO) & (value < 1)).all())
        expect(inside, f"{what}: {name} does not start in [0, 1); start it from torch.rand")
        expect(
            _repeated(value) <= COINCIDENCES,
            f"{what}: {name} starts with equal entries; start it from torch.rand",
        )
        _spread(value, f"{what}: {name} starts")
    entries = torch.cat([value.flatten() for value in start])
    _spread(entries, f"{what}: all starts lie")
    alike = _repeated(entries) - sum(map(_repeated, start))
    expect(
        alike <= COINCIDENCES,
        f"{what}: {' and '.join(names)} start with the same numbers; draw each from torch.rand",
    )


def _spread(value: torch.Tensor, what: str) -> None:
    """Fail where all entries lie so low, or so high, as `UNLUCKY` lets them."""
    low, high = float(value.min()), float(value.max())
    reach = UNLUCKY ** (1 / value.numel())
    fine = high > reach and low < 1 - reach
    expect(fine, f"{what} from {low:.2g} to {high:.2g}; use the numbers of torch.rand as they are")


def _repeated(value: torch.Tensor) -> int:
    """How many entries repeat another one."""
    ordered = value.flatten().sort().values
    return int((ordered[1:] == ordered[:-1]).sum())


# --- draw -----------------------------------------------------------------------------------------

Made = TypeVar("Made")
TRIES = 100


class Draw:
    """Random inputs of one check, float32, governed by one seed.

    secret: the course's own; name: the check's. Knowing the check without the secret is not knowing
        its inputs.
    """

    def __init__(self, secret: str, name: str) -> None:
        seed = int.from_bytes(hashlib.sha256(f"{secret}\0{name}".encode()).digest()[:7])
        self._generator = torch.Generator().manual_seed(seed)

    def seed(self) -> int:
        """A seed for `student.seeded`."""
        return self.integer(0, 2**31)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` (included) to `high` (excluded)."""
        return int(torch.randint(low, high, (), generator=self._generator))

    def until(
        self, make: Callable[[], Made], accept: Callable[[Made], bool], tries: int = TRIES
    ) -> Made:
        """What `make` draws, anew until `accept` holds of it; the last one after so many `tries`.

        For inputs on which the check's rule must be well conditioned, lest a secret fail everybody:

            A, start = draw.until(inputs, lambda drawn: sensitivity(rule, *drawn) < TOLERANCE / 2)

        `make` may ask the student for a start, and `accept` may judge it: a start that is never
        accepted is used all the same, so that nobody escapes a check by one. `accept` should hold
        of one draw in two, or more. `python -m benchmarks.draws` shows whether it is strict enough.
        """
        for _ in range(tries):
            made = make()
            if accept(made):
                break
        return made

    def number(self, low: float, high: float) -> float:
        """A float between `low` and `high`."""
        return low + (high - low) * float(torch.rand((), generator=self._generator))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Independent entries, uniform between `low` and `high`."""
        return low + (high - low) * torch.rand(shape, generator=self._generator)

    def normal(self, *shape: int) -> torch.Tensor:
        """Independent standard normal entries."""
        return torch.randn(shape, generator=self._generator)

    def orthonormal(self, m: int, n: int) -> torch.Tensor:
        """m×n (m ≥ n) with orthonormal columns, uniformly distributed."""
        Q, R = torch.linalg.qr(torch.randn((m, n), generator=self._generator, dtype=torch.float64))
        return (Q * R.diagonal().sign()).to(torch.float32)

    def spectrum(self, m: int, n: int, singular_values: Sequence[float]) -> torch.Tensor:
        """m×n with these singular values (at most min(m, n) of them; the others are 0) and random
        singular vectors.
        """
        r = len(singular_values)
        U, V = self.orthonormal(m, r), self.orthonormal(n, r)
        return (U * torch.tensor(singular_values, dtype=torch.float32)) @ V.T

    def mask(self, m: int, n: int, hidden: int) -> torch.Tensor:
        """Boolean m×n with `hidden` entries False, never a whole row or column of them."""
        while True:
            flat = torch.ones(m * n, dtype=torch.bool)
            flat[torch.randperm(m * n, generator=self._generator)[:hidden]] = False
            M = flat.reshape(m, n)
            if bool(M.any(0).all()) and bool(M.any(1).all()):
                return M
