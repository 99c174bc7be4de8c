"""torch without its compiler, of which nothing is wanted here. To import that takes as long as to
import torch, doubles what a fork has to copy, and every optimiser does it at its first step, to say
that it is not to be compiled; `backward(gradient)` imports symbolic shapes, and SymPy with them, to
compare two shapes.

What asks for more of the compiler than to be left alone imports it as ever.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator

MARK = "__dynamo_disable"  # where torch._compile keeps what a function is when not compiled
COMPILER = "torch._dynamo"
SHAPES = "torch.fx.experimental.symbolic_shapes"


class Aside:
    """What a module of torch's compiler says to code that is not compiled; anything else of it is
    imported when it is asked for. known: what needs no import
    """

    def __init__(self, module: str, **known) -> None:
        vars(self).update(known, _module=module)

    def __getattr__(self, name: str):
        if name.startswith("__"):  # what is asked of any module
            raise AttributeError(name)
        there: object = sys.modules.get(self._module)
        if there is self:
            del sys.modules[self._module]
        return getattr(importlib.import_module(self._module), name)


def do_without_compiler() -> None:
    """Let optimisers and function transforms work without importing the compiler. Called before
    the first of them is used.
    """
    import torch

    autograd = Aside(f"{COMPILER}.compiled_autograd", _disable=contextlib.nullcontext)
    vars(torch)["_dynamo"] = Aside(COMPILER, compiled_autograd=autograd)
    if SHAPES not in sys.modules:
        shapes = Aside(SHAPES)
        vars(shapes).update(sym_eq=equal_or(shapes), expect_true=true_or(shapes))
        sys.modules[SHAPES] = shapes  # type: ignore[assignment]
    for value in vars(torch.optim.Optimizer).values():
        plain = getattr(value, "__wrapped__", None)
        if plain is not None and came_from(value, "torch._compile"):
            vars(plain)[MARK] = plain
    for kind in subclasses(torch.optim.Optimizer):
        step = vars(kind).get("step")
        plain = getattr(step, "__wrapped__", None)
        if plain is not None and came_from(step, "torch.optim.optimizer"):
            setattr(kind, "step", differentiable_or_not(plain))  # noqa: B010 - no type has one


def equal_or(shapes: Aside):
    """`sym_eq` of shapes that are plain numbers; of others that of the module itself."""

    def sym_eq(one, other):
        numbers = all(type(size) is int for shape in (one, other) for size in shape)
        return tuple(one) == tuple(other) if numbers else shapes.__getattr__("sym_eq")(one, other)

    return sym_eq


def true_or(shapes: Aside):
    """`expect_true` of a plain truth value; of others that of the module itself."""

    def expect_true(value, *options):
        return value if type(value) is bool else shapes.__getattr__("expect_true")(value, *options)

    return expect_true


def came_from(value: object, module: str) -> bool:
    """Whether a function was defined in this module, whatever it has been named since."""
    return getattr(value, "__globals__", {}).get("__name__") == module


def subclasses(kind: type) -> Iterator[type]:
    inner: type
    for inner in type.__subclasses__(kind):
        yield inner
        yield from subclasses(inner)


def differentiable_or_not(step):
    """An optimiser's step, as torch.optim wraps it, without a word to the compiler."""
    import torch

    @functools.wraps(step)
    def unwatched(self, *arguments, **options):
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return step(self, *arguments, **options)

    return unwatched
