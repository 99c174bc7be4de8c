"""Your functions as a check sees them: `student.f(A)` is a call such as the grader makes.

There every call finds what the top level left, and what comes back crosses a line as plain values.
Here, in your own Python, a call gets the same: fresh arguments, the same seeds, float32 with
gradients on; what it changes of your notebook is put back; and a result is made plain, so that a
check cannot say one thing here and another there.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import random
import re
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy
import torch

if __package__:  # `autograder check` loads these files out of its package
    from .kit_values import TooDeep, plain, printable
else:
    from kit_values import TooDeep, plain, printable  # type: ignore[no-redef]

TRAINED = (torch.optim.Optimizer, torch.nn.Module)
CONSTANT = (bool, int, float, str, bytes, type(None))
NAME_CHARACTERS = 40  # of a function's name that is said
SAYS = {
    "raised": "{name} raised {message}",
    "missing": "{name} is not defined",
    "out_of_memory": "{name} needs too much memory: {message}",
    "died": "{name} ended its process: {message}",
}


class Verdict(Exception):
    """A call that did not return.

    outcome: how it ended, "raised", "missing", "out_of_memory" or "died"
    error_types: for "raised", the names of the exception's class and of its bases
    """

    def __init__(self, outcome: str, message: str, error_types: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.outcome, self.error_types = outcome, error_types


class Call(NamedTuple):
    """One call that returned: its value, and what the function left of its arguments."""

    value: Any
    arguments: tuple[Any, ...]


class Student:
    """Your functions as attributes: `student.f(A)` seeds torch, then calls f with a copy of A."""

    def __init__(self, namespace: dict[str, Any], seed: int = 0, times: int = 1) -> None:
        self._namespace, self._seed, self._times = namespace, seed, times

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **options: self.call(name, *arguments, **options).value

    def seeded(self, seed: int) -> Student:
        """The same functions, called after `torch.manual_seed(seed)`."""
        return Student(self._namespace, seed, self._times)

    def twice(self) -> Student:
        """The same functions, each called a second time after the first: what does it leave behind?

        Both start from the same seed, the first with half of every number. The check sees the
        second.
        """
        return Student(self._namespace, self._seed, 2)

    def call(self, name: str, *arguments: Any, **options: Any) -> Call:
        """Call a function by name; gives its value and the arguments as they are afterwards."""
        value, left, _ = self._run(name, arguments, options)
        return Call(value, left)

    def differentiate(
        self, name: str, *arguments: Any, **options: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        """A function's value and the gradients of its sum with respect to each floating argument.

        A gradient is None where the value does not depend differentiably on that argument.
        """
        value, _, gradients = self._run(name, arguments, options, differentiate=True)
        return value, gradients

    def defaults(self, name: str) -> dict[str, Any]:
        """A function's parameters, in order, with their defaults (None: none, or no number)."""
        parameters = list(parameters_of(self._function(name), name))[:32]
        return {item.name: plain_number(item.default) for item in parameters}

    def _function(self, name: str) -> Callable[..., Any]:
        function = self._namespace.get(name)
        if callable(function):
            return function  # type: ignore[no-any-return]
        errors = self._namespace.get("__errors__", ())
        why = [text for source, text in errors if re.search(rf"\b{name}\b", source)]
        message = SAYS["missing"].format(name=name)
        raise Verdict("missing", message + (f": {why[0]}" if why else ""))

    def _run(
        self, name: str, arguments: tuple, options: dict, differentiate: bool = False
    ) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
        """What a call gave, what it left of its arguments, and gradients; a Verdict without."""
        function = self._function(name)
        try:
            with clean_state(), put_back(function, self._namespace):
                undo_settings()
                for earlier in reversed(range(self._times)):
                    given = tuple(halved(fresh(value), earlier) for value in arguments)
                    named = {option: fresh(value) for option, value in options.items()}
                    seed_generators(self._seed)
                    if differentiate:
                        value, gradients = value_and_gradients(function, given, named)
                    else:
                        value, gradients = function(*given, **named), ()
                return plain(value), tuple(map(plain, given)), tuple(map(plain, gradients))
        except KeyboardInterrupt:
            raise
        except TooDeep:
            message = "it returned lists in lists, too deep to be read"
            raise Verdict("died", SAYS["died"].format(name=name, message=message)) from None
        except BaseException as error:
            raise self._verdict(name, error) from error

    def _verdict(self, name: str, error: BaseException) -> Verdict:
        """What an exception that left a function means to its check."""
        text = words_of(error)
        if isinstance(error, MemoryError) or re.search("not enough memory|t allocate memory", text):
            reached = "the memory limit was reached"
            message = SAYS["out_of_memory"].format(name=name, message=reached)
            return Verdict("out_of_memory", message)
        bases = tuple(kind.__name__ for kind in type(error).__mro__[:8])
        if stub := self._stub_of(error):
            calls = "" if stub == name else f" calls {stub}, which"
            return Verdict("raised", f"{name}{calls} is not written yet", bases)
        said = f"{bases[0]}: {text}" if text else bases[0]
        message = SAYS["raised"].format(name=name, message=said + self._place(error))
        return Verdict("raised", message, bases)

    def _stub_of(self, error: BaseException) -> str:
        """The function whose stub an exception is of: one that mentions nothing but
        NotImplementedError, and raised it. "" where that is not so, as where torch raises one.
        """
        step = error.__traceback__
        while step is not None and step.tb_next is not None:
            step = step.tb_next
        if step is None or step.tb_frame.f_globals is not self._namespace:
            return ""
        code, name = step.tb_frame.f_code, step.tb_frame.f_code.co_name
        says = name.isascii() and name.isidentifier() and len(name) <= NAME_CHARACTERS
        return name if says and code.co_names == ("NotImplementedError",) else ""

    def _place(self, error: BaseException) -> str:
        """The last line of yours that an exception passed through."""
        place, step = "", error.__traceback__
        while step is not None:
            if step.tb_frame.f_globals is self._namespace:
                file = step.tb_frame.f_code.co_filename
                cell = f"{file.strip('<>')} " if file.startswith("<cell") else ""
                line = linecache.getline(file, step.tb_lineno).strip()[:120]
                place = f" ({cell}line {step.tb_lineno}" + (f": {line})" if line else ")")
            step = step.tb_next
        return place


def words_of(error: BaseException) -> str:
    """What an exception says, on one line of bounded length."""
    try:
        return printable(" ".join(str(error).split()))
    except Exception:  # words that it cannot say
        return ""


# --- before and after a call ----------------------------------------------------------------------


def fresh(value: Any) -> Any:
    """A copy of an argument that shares nothing with the check, nor with another argument."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, tuple | list):
        copies = [fresh(item) for item in value]
        return tuple(copies) if isinstance(value, tuple) else copies
    return value


def halved(value: Any, earlier: int) -> Any:
    """An argument of a call that is `earlier` than the one that counts: half of each number."""
    number = isinstance(value, float)
    number = number or (isinstance(value, torch.Tensor) and value.is_floating_point())
    return value * 0.5**earlier if number and earlier else value


def undo_settings() -> None:
    """float32 on the processor, gradients on."""
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)


def seed_generators(seed: int) -> None:
    """Seed every generator: torch's with `seed`, NumPy's and Python's always alike."""
    if has_accelerator():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)  # the processor's; torch.manual_seed costs 1 ms
    random.seed(0)
    numpy.random.seed(0)


@functools.cache
def has_accelerator() -> bool:
    """Whether torch could compute elsewhere than on the processor, as the grader never does."""
    with warnings.catch_warnings():  # of a driver that is too old
        warnings.simplefilter("ignore")
        xpu = getattr(torch, "xpu", None)  # unknown to older torch
        found = torch.cuda.is_available() or torch.backends.mps.is_available()
        return found or (xpu is not None and xpu.is_available())


@contextlib.contextmanager
def clean_state() -> Iterator[None]:
    """Begin alike; what is changed of that meanwhile is put back."""
    dtype, device = torch.get_default_dtype(), torch.empty(0).device
    states = random.getstate(), numpy.random.get_state()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        undo_settings()
        seed_generators(0)
        try:
            yield
        finally:
            random.setstate(states[0])
            numpy.random.set_state(states[1])
            torch.set_default_dtype(dtype)
            torch.set_default_device(None if device.type == "cpu" else device)


@contextlib.contextmanager
def put_back(function: Any, namespace: dict[str, Any]) -> Iterator[None]:
    """What a call changes of the notebook, and what it remembers, is afterwards as it was before.

    So nothing passes from one check to the next, as nothing does when it is graded:
    no list that a default value keeps, no counter, no tensor that is trained further.
    """
    reached, before = functions_behind(function, namespace), dict(namespace)
    cells = [(cell, cell.cell_contents) for item in reached for cell in filled_cells(item)]
    names = set().union(*(mentioned(item.__code__) for item in reached)) & before.keys()
    values = [before[name] for name in names] + [content for _, content in cells]
    for item in reached:
        values += [item.__defaults__, item.__kwdefaults__, vars(item)]
    found = changeable(values, namespace.get("__name__"))
    undo = [step for step in map(undo_of, found) if step is not None]
    try:
        yield
    finally:
        for step in undo:
            with contextlib.suppress(RuntimeError):  # no longer a tensor that can be written
                step()
        for cell, content in cells:
            cell.cell_contents = content
        for name in namespace.keys() - before.keys():
            del namespace[name]
        namespace.update(before)


def changeable(values: list[Any], home: Any) -> list[Any]:
    """What a call may change in place, in these values and in what they hold.

    home: the notebook's module, whose objects are looked into as well
    """
    found: dict[int, Any] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if id(value) in found:
            continue
        found[id(value)] = value
        if isinstance(value, dict):
            held = value.values()
        elif isinstance(value, list | tuple):
            held = value
        elif isinstance(value, TRAINED) or (type(value).__module__ == home and has_parts(value)):
            held = (vars(value),)
        else:
            continue
        waiting += [item for item in held if not isinstance(item, CONSTANT)]
    return list(found.values())


def has_parts(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, type)


def undo_of(value: Any) -> Callable[[], Any] | None:
    """What gives a value the contents that it now has; None where it has none that change."""
    if isinstance(value, list | bytearray):
        return functools.partial(value.__setitem__, slice(None), value[:])
    if isinstance(value, dict | set):
        return functools.partial(refill, value, value.copy())
    if isinstance(value, torch.Tensor) and value.layout is torch.strided:
        grad = value.grad.clone() if value.is_leaf and value.grad is not None else None
        contents = value.detach().clone(), value.requires_grad, grad
        return functools.partial(restore_tensor, value, *contents)
    if isinstance(value, numpy.ndarray) and value.flags.writeable:
        return functools.partial(numpy.copyto, value, value.copy())
    if isinstance(value, torch.Generator):
        return functools.partial(value.set_state, value.get_state())
    if isinstance(value, numpy.random.Generator):
        return functools.partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    return None


def refill(value: Any, contents: Any) -> None:
    value.clear()
    value.update(contents)


def restore_tensor(
    value: torch.Tensor, contents: torch.Tensor, requires_grad: bool, grad: torch.Tensor | None
) -> None:
    """Unseen by autograd, which may still need the tensor for a computation of the notebook's."""
    if value.shape == contents.shape and value.dtype == contents.dtype:
        value.data.copy_(contents)
    else:
        value.data = contents
    if value.is_leaf:
        value.requires_grad_(requires_grad).grad = grad


def functions_behind(function: Any, namespace: dict[str, Any]) -> list[types.FunctionType]:
    """The functions of a notebook that a call of one of them may reach."""
    found, seen, waiting = [], set(), [function]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or not callable(item):
            continue
        seen.add(id(item))
        waiting += [getattr(item, "__wrapped__", None), getattr(item, "func", None)]
        if isinstance(item, types.FunctionType) and item.__globals__ is namespace:
            found.append(item)
            waiting += [namespace[name] for name in mentioned(item.__code__) & namespace.keys()]
            waiting += [cell.cell_contents for cell in filled_cells(item)]
    return found


def filled_cells(function: types.FunctionType) -> list[types.CellType]:
    """The variables of an enclosing function that a function uses, those with a value."""
    filled = []
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):
            cell.cell_contents  # noqa: B018 - raises where there is none
            filled.append(cell)
    return filled


def mentioned(code: types.CodeType) -> set[str]:
    """The names that a function's code, and that of functions inside it, may look up."""
    inner = [item for item in code.co_consts if isinstance(item, types.CodeType)]
    return set(code.co_names).union(*map(mentioned, inner))


def value_and_gradients(function: Any, given: tuple, named: dict) -> tuple[Any, tuple]:
    """What a function returns, and d(sum of it)/d(argument) for each floating tensor argument."""
    tensors = [item for item in given if isinstance(item, torch.Tensor)]
    leaves = [item.requires_grad_() for item in tensors if item.is_floating_point()]
    value = function(*given, **named)
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return value, (None,) * len(leaves)
    return value, torch.autograd.grad(value.sum(), leaves, allow_unused=True)


# --- parameters -----------------------------------------------------------------------------------


def parameters_of(function: Any, name: str = "") -> list[inspect.Parameter]:
    """A function's parameters; of a decorator that takes anything, those of what it was put on: of
    the function called `name` first.
    """
    own = own_parameters(function)
    if not takes_anything(own):
        return own
    behind = list(held_behind(function, 4))
    behind.sort(key=lambda held: name_of(held) != name)
    for held in behind:
        parameters = own_parameters(held)
        if parameters and not takes_anything(parameters):
            return parameters
    return own


def own_parameters(function: Any) -> list[inspect.Parameter]:
    """The parameters that it has itself; none where it only looks like a function."""
    try:
        return list(inspect.signature(function).parameters.values())
    except Exception:
        return []


def takes_anything(parameters: list[inspect.Parameter]) -> bool:
    """Whether they are *args and **kwargs, or one of the two."""
    anything = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return bool(parameters) and all(item.kind in anything for item in parameters)


def held_behind(function: Any, depth: int) -> Iterator[Any]:
    """What can be called of what a function holds, and behind what takes anything of it."""
    with contextlib.suppress(Exception):  # an object that only looks like a function
        for held in [held for held in held_by(function) if callable(held)][:8]:
            yield held
            if depth > 1 and takes_anything(own_parameters(held)):
                yield from held_behind(held, depth - 1)


def held_by(function: Any) -> Iterator[Any]:
    """What a decorator's function has closed over, or its object holds."""
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # empty as yet
            yield cell.cell_contents
    yield from getattr(function, "__dict__", {}).values()


def name_of(function: Any) -> str:
    try:
        return str(function.__name__)
    except Exception:
        return ""


def plain_number(default: Any) -> Any:
    """A default value where it is a number, else None."""
    if isinstance(default, bool):
        return default
    usable = isinstance(default, int | float) and default == default and abs(default) < 1e300
    if not usable:
        return None
    return int(default) if isinstance(default, int) else float(default)
