"""The ladder of an assignment: tiny inputs of each function, the smallest first.

`ladder.toml` in the staff folder holds them, none of which is from a hidden check, as students are
shown them:

    sgd_factorise = [
        { A = [[2.0]], rank = 1, num_epochs = 1, lr = 0.5 },
    ]

Each rung names the parameters of the function. A list of numbers is a float tensor, one of true and
false a bool tensor, a text such as "sin" that function of torch. A rung with `long = true` is one
of many steps, and is asked only where nothing before it differs.

Where right answers give different results, `right = ["complete"]` names what they have in common:
functions in `properties.py`, beside it. Each takes what a call returned, the call's arguments by
name, and `again`, which makes the call another time with some of them changed (`seed=` among them),
and gives "" or what would be right. Students receive that file.
"""

from __future__ import annotations

import ast
import runpy
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from autograder.assignment import Assignment
from autograder.errors import AuthoringError
from autograder.grading.smallest import SEED, shown
from autograder.grading.student import Recorded
from autograder.sandbox.box import Reply
from autograder.sandbox.wire import TorchFunction

NOT_ASKED = Reply("not asked", {})
PROPERTIES = "properties.py"


@dataclass(frozen=True)
class Rung:
    """One call of a function.

    placed: the arguments that have no default, in order; named: the others
    long: whether it is asked only where nothing before it differs
    places: the names of those placed
    right: what right answers have in common, by name; () where they give the same
    """

    function: str
    placed: tuple[Any, ...]
    named: dict[str, Any]
    long: bool = False
    places: tuple[str, ...] = ()
    right: tuple[str, ...] = ()

    @property
    def call(self) -> Recorded:
        return Recorded(self.function, self.placed, self.named, SEED, False, 1, NOT_ASKED)

    def with_options(self, options: Mapping[str, Any]) -> Rung:
        """The same call with some of its named arguments changed."""
        return replace(self, named={**self.named, **options})

    def with_arguments(self, changed: Mapping[str, Any]) -> Rung:
        """The same call with some of its arguments changed, by name."""
        given = {**self.arguments, **changed}
        placed = tuple(given.pop(name) for name in self.places)
        return replace(self, placed=placed, named=given)

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments, by name."""
        return {**dict(zip(self.places, self.placed, strict=True)), **self.named}

    @property
    def text(self) -> str:
        """The call as students read it."""
        named = [f"{name}={_given(value)}" for name, value in self.named.items()]
        return f"{self.function}({', '.join([*map(_given, self.placed), *named])})"


def _given(value: Any) -> str:
    return f"torch.{value.name}" if isinstance(value, TorchFunction) else shown(value)


def read_properties(assignment: Assignment) -> dict[str, Callable[..., str]]:
    """What right answers have in common, by name; {} where the assignment says nothing of it."""
    file = assignment.folder / PROPERTIES
    if not file.is_file():
        return {}
    try:
        names = runpy.run_path(str(file), run_name="properties")
    except Exception as error:
        raise AuthoringError(file, f"cannot be run ({error!r})", "Mend what it says.") from error
    return {name: value for name, value in names.items() if callable(value) and value.__doc__}


def read_ladder(assignment: Assignment) -> dict[str, tuple[Rung, ...]]:
    """The rungs of each function; {} where the assignment has no ladder."""
    where = assignment.folder / "ladder.toml"
    if not where.is_file():
        return {}
    try:
        tables = tomllib.loads(where.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(where, f"is not TOML ({error})", "Mend that line.") from error
    signatures, properties = _signatures(assignment.solution), read_properties(assignment)
    ladder = {}
    for function, rungs in tables.items():
        if function not in assignment.functions:
            mend = f"Its functions are {', '.join(assignment.functions)}."
            raise AuthoringError(where, f"has rungs of {function}, which is none", mend)
        mend = "A rung is a table of parameters, such as { A = [[2.0]], rank = 1 }."
        if not isinstance(rungs, list) or not all(isinstance(rung, dict) for rung in rungs):
            raise AuthoringError(where, f"has rungs of {function} that are no tables", mend)
        try:
            ladder[function] = tuple(_rung(function, signatures[function], rung) for rung in rungs)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AuthoringError(
                where, f"has a rung of {function} that cannot be read ({error})", mend
            ) from error
        unknown = {name for rung in ladder[function] for name in rung.right} - properties.keys()
        if unknown:
            what = (
                f"names {', '.join(sorted(unknown))} as right, of which {PROPERTIES} says nothing"
            )
            raise AuthoringError(where, what, "Name functions of it that have a docstring.")
    return ladder


@dataclass(frozen=True)
class Signature:
    """The parameters of a function: those that have no default, in order, and all there are; None
    where it takes any.
    """

    required: list[str]
    known: set[str] | None


def _signatures(solution: Path) -> dict[str, Signature]:
    """The parameters of each function of a solution."""
    found = {}
    for node in ast.parse(solution.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            placed, named = [*node.args.posonlyargs, *node.args.args], node.args.kwonlyargs
            count = len(placed) - len(node.args.defaults)
            known = {argument.arg for argument in (*placed, *named)}
            required = [argument.arg for argument in placed[:count]]
            found[node.name] = Signature(required, None if node.args.kwarg else known)
    return found


def _rung(function: str, signature: Signature, table: dict[str, Any]) -> Rung:
    required = signature.required
    placed = tuple(_value(table[name]) for name in required)
    own = (*required, "long", "right")
    rest = {name: value for name, value in table.items() if name not in own}
    unknown = rest.keys() - (rest.keys() if signature.known is None else signature.known)
    if unknown:
        raise ValueError(f"it has no parameter {', '.join(sorted(unknown))}")
    named = {name: _value(value) for name, value in rest.items()}
    right = tuple(table.get("right", ()))
    return Rung(function, placed, named, bool(table.get("long")), tuple(required), right)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return TorchFunction(getattr(torch, value).__name__)
    if isinstance(value, list):
        tensor = torch.tensor(value)
        return tensor if tensor.dtype is torch.bool else tensor.to(torch.float32)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{value!r} is neither a number, a list nor the name of a torch function")
