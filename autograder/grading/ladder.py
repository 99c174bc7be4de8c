"""The ladder of an assignment: tiny inputs of each function, the smallest first.

`ladder.toml` in the staff folder holds them, none of which is from a hidden check, as students are
shown them:

    sgd_factorise = [
        { A = [[2.0]], rank = 1, num_epochs = 1, lr = 0.5 },
    ]

Each rung names the parameters of the function. A list of numbers is a float tensor, one of true and
false a bool tensor, a text such as "sin" that function of torch. A rung with `long = true` is one
of many steps, and is asked only where nothing before it differs.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from autograder.assignment import Assignment
from autograder.errors import AuthoringError
from autograder.grading.student import Recorded
from autograder.sandbox.process import Reply
from autograder.sandbox.wire import TorchFunction

SEED = 0
DIGITS = 4  # of a number that is shown
SHOWN_NUMBERS = 12  # of a tensor; the rest is "..."
NOT_ASKED = Reply("not asked", {})


@dataclass(frozen=True)
class Rung:
    """One call of a function. placed: the arguments that have no default, in order; named: the
    others; long: whether it is asked only where nothing before it differs
    """

    function: str
    placed: tuple[Any, ...]
    named: dict[str, Any]
    long: bool = False

    @property
    def call(self) -> Recorded:
        return Recorded(self.function, self.placed, self.named, SEED, False, 1, NOT_ASKED)

    def with_options(self, options: Mapping[str, Any]) -> Rung:
        """The same call with some of its named arguments changed."""
        return replace(self, named={**self.named, **options})

    @property
    def text(self) -> str:
        """The call as students read it."""
        named = [f"{name}={shown(value)}" for name, value in self.named.items()]
        return f"{self.function}({', '.join([*map(shown, self.placed), *named])})"


def read_ladder(assignment: Assignment) -> dict[str, tuple[Rung, ...]]:
    """The rungs of each function; {} where the assignment has no ladder."""
    where = assignment.folder / "ladder.toml"
    if not where.is_file():
        return {}
    try:
        tables = tomllib.loads(where.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(where, f"is not TOML ({error})", "Mend that line.") from error
    required = _required(assignment.solution)
    ladder = {}
    for function, rungs in tables.items():
        if function not in assignment.functions:
            mend = f"Its functions are {', '.join(assignment.functions)}."
            raise AuthoringError(where, f"has rungs of {function}, which is none", mend)
        mend = "A rung is a table of parameters, such as { A = [[2.0]], rank = 1 }."
        if not isinstance(rungs, list) or not all(isinstance(rung, dict) for rung in rungs):
            raise AuthoringError(where, f"has rungs of {function} that are no tables", mend)
        try:
            ladder[function] = tuple(_rung(function, required[function], rung) for rung in rungs)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AuthoringError(
                where, f"has a rung of {function} that cannot be read ({error})", mend
            ) from error
    return ladder


def _required(solution: Path) -> dict[str, list[str]]:
    """The parameters of each function of a solution that have no default."""
    required = {}
    for node in ast.parse(solution.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            count = len(node.args.args) - len(node.args.defaults)
            required[node.name] = [argument.arg for argument in node.args.args[:count]]
    return required


def _rung(function: str, required: list[str], table: dict[str, Any]) -> Rung:
    placed = tuple(_value(table[name]) for name in required)
    rest = {name: value for name, value in table.items() if name not in (*required, "long")}
    named = {name: _value(value) for name, value in rest.items()}
    return Rung(function, placed, named, bool(table.get("long")))


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return TorchFunction(getattr(torch, value).__name__)
    if isinstance(value, list):
        tensor = torch.tensor(value)
        return tensor if tensor.dtype is torch.bool else tensor.to(torch.float32)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{value!r} is neither a number, a list nor the name of a torch function")


# --- what is shown --------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value as one line that a student reads."""
    if isinstance(value, torch.Tensor):
        if value.numel() > SHOWN_NUMBERS:
            return f"a tensor of shape {tuple(value.shape)}"
        return _listed(value.tolist())
    if isinstance(value, TorchFunction):
        return f"torch.{value.name}"
    if isinstance(value, tuple | list):
        parts = [shown(part) for part in value[:SHOWN_NUMBERS]]
        rest = ", ..." if len(value) > SHOWN_NUMBERS else ""
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return f"{opening}{', '.join(parts)}{rest}{closing}"
    return _listed(value) if isinstance(value, float) else str(value)


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_listed, value))}]"
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def told(reply: Reply) -> str:
    """How a call ended, as one line that a student reads."""
    if reply.outcome == "returned":
        return shown(reply.value)
    if reply.outcome == "raised":
        return f"raised {reply.message}"
    return reply.outcome.replace("_", " ")
