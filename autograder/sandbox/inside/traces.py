"""What a call has left behind in its process, so that no later call finds it there.

A function's calls may share a process as long as none of them changes what a later one could see:
what the function reaches through the names in its code (globals, defaults, closures, attributes,
and what they hold), and the settings of Python, torch and NumPy. All of it is noted once, before
the first call, and looked at after every one. Where a function reaches something that cannot be
looked at (an iterator, a lock, `globals()`), each of its calls gets a process of its own.

This is for the sake of honest code alone. It runs where student code runs, so nothing depends on
what it says but which process makes the next call.
"""

from __future__ import annotations

import builtins
import collections
import dis
import functools
import gc
import os
import re
import signal
import sys
import sysconfig
import threading
import types
import warnings
from collections.abc import Callable, Iterable
from typing import Any

MOST_OBJECTS = 20_000  # that are noted for one function
MOST_BYTES = 4 << 20  # of its tensors and arrays
# what reaches anything by its name in a text, or starts what nobody counts, if code calls or
# mentions it
BUILTIN_REACH = frozenset(("globals", "vars", "eval", "exec", "__import__"))
REACH = frozenset(
    ("import_module", "__globals__", "f_globals", "__main__", "get_ipython", "ctypes")
) | {"_getframe", "currentframe", "get_objects", "start_new_thread"}
CONSTANT = (
    type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis),
    type(NotImplemented), object, re.Pattern, types.CodeType, types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
    types.GenericAlias, types.UnionType,
)  # fmt: skip
HOMES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
MISSING = object()
SMALLEST = sys.float_info.min


class Unknown(Exception):
    """Something that cannot be looked at."""


class Traces:
    """What a function may leave behind. Made before its first call.

    function: the name of it in `namespace`, which the submission's top level has left
    """

    def __init__(self, function: str, namespace: dict) -> None:
        self.noted: list[Callable[[], bool]] = []  # each says whether its object is as it was
        self._seen: dict[int, object] = {}  # by identity; held, so that none is used again
        self._waiting: list[object] = []
        self._mentioned: set[str] = set()  # names and texts in the code that is reached
        # where that code looks them up: its globals; modules and classes that it may write to
        self._places: list = [vars(builtins)]
        self._bytes = 0
        try:
            self._note_state(settings)
            self._reach(function, namespace)
            self.known = True
        except Exception:
            self.known = False

    def any(self) -> bool:
        """Whether anything is not as it was, or cannot be known."""
        try:
            return not self.known or not all(same() for same in self.noted)
        except Exception:
            return True

    # --- what is reached

    def _reach(self, function: str, namespace: dict) -> None:
        """Note everything, until nothing new is found under any name in any place."""
        self._mentioned.add(function)
        self._places.append(namespace)
        looked_up: set[tuple[int, str]] = set()
        while True:
            while self._waiting:
                self._note(self._waiting.pop())
            new = [
                (place, name)
                for place in self._places
                for name in self._mentioned
                if (id(place), name) not in looked_up
            ]
            if not new:
                return
            looked_up.update((id(place), name) for place, name in new)
            self._look_up(new)

    def _look_up(self, pairs: list[tuple[Any, str]]) -> None:
        """Note what is under these names in these places: whatever it is, or that nothing is."""
        found = [(place, name, place.get(name, MISSING)) for place, name in pairs]
        self.noted.append(lambda: all(is_as_found(*item) for item in found))
        for place, _, value in found:
            inner = isinstance(value, types.ModuleType | type)
            if value is not MISSING and (inner or not is_library_space(place)):
                self._wait_for((value,))

    def _wait_for(self, values: Iterable[object]) -> None:
        for value in values:
            if type(value) in CONSTANT or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            self._waiting.append(value)
            if len(self._seen) > MOST_OBJECTS:
                raise Unknown

    def _note(self, value) -> None:
        if is_of_a_library(value):
            return
        kind = type(value)
        note = NOTES.get(kind)
        if note is not None:
            note(self, value)
        elif issubclass(kind, type):
            self._note_class(value)
        elif is_library(sys.modules.get(kind.__module__)):
            self._note_library_object(value, kind)
        else:
            self._note_object(value)

    def _note_module(self, module) -> None:
        """A library's module: that the names in the code have the same values in it. One of the
        submission's own: whatever it holds.
        """
        if is_library(module):
            self._places.append(vars(module))
        else:
            self._wait_for((vars(module),))

    def _note_function(self, function) -> None:
        if is_library_code(function.__globals__):
            return
        names = mentioned(function.__code__)
        if not REACH.isdisjoint(names) or {"sys", "modules"} <= names:
            raise Unknown
        if not BUILTIN_REACH.isdisjoint(names) and calls_by_text(function.__code__):
            raise Unknown
        self._mentioned |= names
        if not any(function.__globals__ is place for place in self._places):
            self._places.append(function.__globals__)
        imported = (sys.modules.get(name) for name in names)
        self._wait_for(module for module in imported if module is not None)
        parts = (function.__code__, function.__defaults__, function.__kwdefaults__)
        self.noted.append(
            lambda: (
                function.__code__ is parts[0]
                and function.__defaults__ is parts[1]
                and function.__kwdefaults__ is parts[2]
            )
        )
        self._wait_for((*parts[1:], vars(function), *(function.__closure__ or ())))

    def _note_cell(self, cell) -> None:
        content = content_of(cell)
        self.noted.append(lambda: content_of(cell) is content)
        if content is not MISSING:
            self._wait_for((content,))

    def _note_class(self, kind) -> None:
        if is_library(sys.modules.get(kind.__module__)):
            self._places.append(vars(kind))
            return
        before = dict(vars(kind))
        self.noted.append(lambda: same_items(dict(vars(kind)), before))
        self._wait_for((*before.values(), *kind.__mro__[1:], type(kind)))

    def _note_object(self, value) -> None:
        """An object of a class of the submission's own, which is Python through and through."""
        kind = type(value)
        for base in kind.__mro__:
            plain = base in (object, module_class(), optimizer_class())
            own = not is_library(sys.modules.get(base.__module__))
            if not (plain or (own and not vars(base).get("__slots__"))):
                raise Unknown
        self._wait_for((kind,))
        self._note_attributes(value)

    def _note_library_object(self, value, kind) -> None:
        import numpy
        import torch

        constant = (numpy.generic, numpy.dtype, numpy.ufunc, torch.Size, torch.finfo, torch.iinfo)
        if issubclass(kind, constant) or kind.__module__ == "typing":
            return
        if kind in (torch.dtype, torch.device, torch.layout, torch.memory_format):
            return
        if kind in (torch.Tensor, torch.nn.Parameter):
            self._note_tensor(value)
        elif kind is numpy.ndarray:
            self._note_array(value)
        elif value is torch.default_generator:
            return
        elif kind is torch.Generator:
            self._note_state(lambda: value.get_state().numpy().tobytes())
        elif kind is numpy.random.Generator:
            self._note_state(lambda: repr(value.bit_generator.state))
        elif kind is functools._lru_cache_wrapper:
            self._note_state(value.cache_info)
            self._wait_for((value.__wrapped__, vars(value)))
        elif isinstance(value, module_class() | optimizer_class()):
            self._note_attributes(value)
        else:
            raise Unknown

    def _note_attributes(self, value) -> None:
        held = object.__getattribute__(value, "__dict__")
        self._wait_for((held,))

    def _note_tensor(self, tensor) -> None:
        import torch

        if tensor.layout is not torch.strided or tensor.device.type != "cpu":
            raise Unknown

        def parts():
            grad = tensor.grad if tensor.is_leaf else None
            return tensor.requires_grad, tensor.dtype, tuple(tensor.shape), grad, tensor.grad_fn

        before, data = parts(), contents(tensor)
        self._count(len(data))
        self.noted.append(lambda: all(map(is_same, parts(), before)) and contents(tensor) == data)
        self._wait_for((before[3], vars(tensor)) if before[3] is not None else (vars(tensor),))

    def _note_array(self, array) -> None:
        if array.dtype.hasobject:
            raise Unknown
        self._count(array.nbytes)
        self._note_state(lambda: (array.dtype.str, array.shape, array.tobytes()))

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise Unknown

    def _note_state(self, state: Callable[[], object]) -> None:
        before = state()
        self.noted.append(lambda: state() == before)

    def _note_sequence(self, value) -> None:
        before = list(value)
        self.noted.append(lambda: len(value) == len(before) and all(map(is_same, value, before)))
        self._wait_for(before)

    def _note_set(self, value) -> None:
        before = set(value)
        self.noted.append(lambda: value == before)
        self._wait_for(before)

    def _note_mapping(self, value) -> None:
        before = dict(value)
        self.noted.append(lambda: same_items(value, before))
        self._wait_for((*before, *before.values(), getattr(value, "default_factory", None)))

    def _note_wrapper(self, value) -> None:
        self._wait_for((value.__func__,))

    def _note_method(self, value) -> None:
        self._wait_for((value.__func__, value.__self__))

    def _note_builtin(self, value) -> None:
        if not isinstance(value.__self__, types.ModuleType):
            self._wait_for((value.__self__,))

    def _note_property(self, value) -> None:
        self._wait_for((value.fget, value.fset, value.fdel))

    def _note_partial(self, value) -> None:
        self._wait_for((value.func, value.args, value.keywords, vars(value)))


NOTES = {
    types.ModuleType: Traces._note_module,
    types.FunctionType: Traces._note_function,
    types.CellType: Traces._note_cell,
    types.MethodType: Traces._note_method,
    types.BuiltinFunctionType: Traces._note_builtin,
    staticmethod: Traces._note_wrapper,
    classmethod: Traces._note_wrapper,
    property: Traces._note_property,
    functools.partial: Traces._note_partial,
    list: Traces._note_sequence,
    tuple: Traces._note_sequence,
    collections.deque: Traces._note_sequence,
    bytearray: lambda self, value: self._note_state(lambda: bytes(value)),
    set: Traces._note_set,
    frozenset: Traces._note_set,
    dict: Traces._note_mapping,
    collections.defaultdict: Traces._note_mapping,
    collections.OrderedDict: Traces._note_mapping,
    collections.Counter: Traces._note_mapping,
}


def settings() -> tuple:
    """What a call may have set for everybody, `call.undo_settings` apart."""
    import numpy
    import torch

    return (
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_float32_matmul_precision(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        SMALLEST / 2 > 0,  # not where denormals are flushed
        numpy.geterr(),
        list(warnings.filters),
        (id(warnings.showwarning), id(sys.stdout), id(sys.stderr), id(sys.gettrace())),
        sys.getrecursionlimit(),
        gc.isenabled(),
        threading.active_count(),
        # timers that run; the third kind is call.answer_several's own
        [signal.getitimer(kind)[0] > 0 for kind in (signal.ITIMER_REAL, signal.ITIMER_PROF)],
        os.getcwd(),
        dict(os.environ._data),  # type: ignore[attr-defined]  # as bytes: nothing to decode
    )


@functools.cache
def module_class():
    import torch

    return torch.nn.Module


@functools.cache
def optimizer_class():
    import torch

    return torch.optim.Optimizer


@functools.cache
def shared_generators() -> tuple:
    """Python's and NumPy's own, which every call seeds; torch's is known by itself."""
    import random

    import numpy

    return random._inst, numpy.random.mtrand._rand


def contents(tensor) -> bytes:
    """A tensor's elements, to the bit."""
    import torch

    plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    return plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def content_of(cell):
    """What a variable of an enclosing function holds; MISSING where it has no value yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def is_same(one, other) -> bool:
    return one is other or (type(one) in (*CONSTANT, tuple) and one == other)


def same_items(now, before: dict) -> bool:
    return len(now) == len(before) and all(
        now.get(key, MISSING) is value for key, value in before.items()
    )


def is_as_found(place, name: str, value: object) -> bool:
    """Whether a name still has its value; a module may have been imported under it since."""
    now = place.get(name, MISSING)
    return now is value or (value is MISSING and type(now) is types.ModuleType)


def is_library(module: object) -> bool:
    """Whether a module is one of Python's or of an installed package, and none of a
    submission's.
    """
    return isinstance(module, types.ModuleType) and is_library_code(vars(module))


def is_of_a_library(value) -> bool:
    """Whether a library's module has this very object under its name, and it is no module or class:
    a function, say, of any kind. Generators of random numbers that every call seeds count.
    """
    if isinstance(value, types.ModuleType | type):
        return False
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        return owner is shared_generators()[0] or owner is shared_generators()[1]
    home, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not (isinstance(home, str) and isinstance(name, str)):
        return False
    module = sys.modules.get(home)
    return is_library(module) and vars(module).get(name) is value


def is_library_space(place) -> bool:
    """Whether names in this place are a library's: a module's or a class's."""
    return isinstance(place, types.MappingProxyType) or is_library_code(place)


def is_library_code(namespace: dict) -> bool:
    """The same, of the globals of a function."""
    name, file = namespace.get("__name__"), namespace.get("__file__")
    if not isinstance(name, str) or sys.modules.get(name) is None:
        return False
    if sys.modules[name].__dict__ is not namespace:
        return False
    if isinstance(file, str):
        return file.startswith(HOMES) or name.startswith("inside.")
    origin = getattr(namespace.get("__spec__"), "origin", None)
    return origin in ("built-in", "frozen")


def mentioned(code: types.CodeType) -> set[str]:
    """The names in a function's code and in that of functions inside it, and texts that may be
    some, as in `setattr(torch, "rand", f)`.
    """
    inner = [item for item in code.co_consts if isinstance(item, types.CodeType)]
    texts = {item for item in code.co_consts if isinstance(item, str) and item.isidentifier()}
    return set(code.co_names).union(texts, *map(mentioned, inner))


def calls_by_text(code: types.CodeType) -> bool:
    """Whether code looks up `eval` and the like among its globals: `model.eval()` is no such
    thing.
    """
    inner = [item for item in code.co_consts if isinstance(item, types.CodeType)]
    found = (step.argval for step in dis.get_instructions(code) if "GLOBAL" in step.opname)
    return any(name in BUILTIN_REACH for name in found) or any(map(calls_by_text, inner))
