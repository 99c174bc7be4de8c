"""One function call, in its process: arguments in, the student's function called, what it returned
out.

It runs student code, so everything it sends is no more than that code's own claim.
"""

from __future__ import annotations

import linecache
import signal
import time

from .frames import pack, payload_of
from .starts import started_from
from .traces import Traces

SHORT_SEQUENCE = 16  # longer lists of plain numbers cross as one tensor
MOST_ODD = 1000  # of what is no number in such a list
MESSAGE_CHARACTERS = 300


def undo_settings() -> None:
    """Undo what a submission's top level, or an earlier call, may have changed for everybody."""
    import torch

    if torch.get_default_dtype() is not torch.float32:
        torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)


def seed_generators(seed: int) -> None:
    """Seed every generator. `seed` is torch's. The others are always seeded alike: a start from
    numpy.random does not follow torch.manual_seed.
    """
    import random

    import numpy
    import torch

    torch.default_generator.manual_seed(seed)
    random.seed(0)
    numpy.random.seed(0)


def answer(request: dict, payload: bytes, namespace: dict, most: int) -> tuple[bytes, bool]:
    """The packed reply to one call request, whatever the student's function does, and whether that
    returned. most: bytes of tensors that a reply may carry.
    """
    import safetensors.torch

    number = {"number": request["number"]}
    function = namespace.get(request["function"])
    if not callable(function):
        return pack(
            {"outcome": "missing", "message": f"{request['function']} is not defined"} | number
        ), False
    try:
        gradients = None
        began = time.process_time()
        undo_settings()
        for earlier in reversed(range(request["times"])):
            inputs = safetensors.torch.load(payload) if payload else {}
            arguments = [halved(decode(tree, inputs), earlier) for tree in request["arguments"]]
            options = {name: decode(tree, inputs) for name, tree in request["options"].items()}
            seed_generators(request["seed"])
            start = [decode(tree, inputs) for tree in request["start"]]
            with started_from(request["draw"], start):
                if request["differentiate"]:
                    value, gradients = _value_and_gradients(function, arguments, options)
                else:
                    value = function(*arguments, **options)
        tensors: dict = {}
        header = {
            "outcome": "returned",
            "value": encode(value, tensors),
            "arguments": [encode(argument, tensors) for argument in arguments],
            "function_seconds": round(time.process_time() - began, 6),
            **number,
        }
        if gradients is not None:
            header["gradients"] = [encode(gradient, tensors) for gradient in gradients]
        if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > most:
            return pack(
                {"outcome": "output_limit", "message": "returned more than the grader reads"}
                | number
            ), False
        return pack(header, payload_of(tensors) if tensors else b""), True
    except BaseException as error:
        return pack(describe(error) | number), False


def answer_several(
    request: dict, payload: bytes, namespace: dict, most: int, left: Traces
) -> tuple[bytes, bool]:
    """The packed replies to several calls of one function, made one after another in this process,
    and whether it may make more: up to the first that is not over within `seconds` of CPU time for
    all, or that leaves something behind (`left`).
    """
    import safetensors.torch

    function = namespace.get(request["function"])
    told: list[dict] = []
    tensors: dict = {}
    stays = True
    signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, request["seconds"])
    try:
        for call in request["calls"] if callable(function) else ():
            inputs = safetensors.torch.load(payload) if payload else {}
            arguments = [decode(tree, inputs) for tree in call["arguments"]]
            options = {name: decode(tree, inputs) for name, tree in call["options"].items()}
            start = [decode(tree, inputs) for tree in call["start"]]
            try:
                undo_settings()
                seed_generators(request["seed"])
                with started_from(request["draw"] if start else "", start):
                    value = function(*arguments, **options)  # type: ignore[misc]
                end = {
                    "outcome": "returned",
                    "value": encode(value, tensors),
                    "arguments": [encode(argument, tensors) for argument in arguments],
                }
            except Exception as error:
                end = describe(error)
            told.append(end)
            if left.any():
                stays = False
                break
    except BaseException:  # its time is over, or it wants to end
        stays = False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > most:
        told, tensors = [], {}
    header = {"outcome": "returned", "value": None, "several": told, "number": request["number"]}
    return pack(header, payload_of(tensors) if tensors else b""), stays


class TooLong(BaseException):
    """Calls have used their time."""


def too_long(*_) -> None:
    raise TooLong


def halved(value, earlier: int):
    """An argument of a call that is `earlier` than the one that counts: half of each number. What a
    function remembers by a shape then shows.
    """
    import torch

    number = isinstance(value, float)
    number = number or (isinstance(value, torch.Tensor) and value.is_floating_point())
    return value * 0.5**earlier if number and earlier else value


def _value_and_gradients(function, arguments, options):
    """What the function returns and d(sum of it)/d(argument) for every floating tensor argument
    (None: not connected).
    """
    import torch

    leaves = [
        a.requires_grad_()
        for a in arguments
        if isinstance(a, torch.Tensor) and a.is_floating_point()
    ]
    value = function(*arguments, **options)
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return value, [None] * len(leaves)
    return value, torch.autograd.grad(value.sum(), leaves, allow_unused=True)


def describe(error: BaseException) -> dict:
    """What a student needs to read about an exception: its kind, its words, the line of theirs that
    it came from.
    """
    try:
        text = " ".join(str(error).split())[:MESSAGE_CHARACTERS]
    except BaseException:  # words that it cannot say
        text = ""
    if (
        isinstance(error, MemoryError)
        or "not enough memory" in text
        or "can't allocate memory" in text
    ):
        return {"outcome": "out_of_memory", "message": "the memory limit was reached"}
    where = ""
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name.startswith(("<submission", "<cell")):
            line = linecache.getline(name, step.tb_lineno).strip()[:120]
            where = f"{name.strip('<>')} line {step.tb_lineno}" + (f": {line}" if line else "")
        step = step.tb_next
    bases = [kind.__name__[:80] for kind in type(error).__mro__[:8]]
    told = {"outcome": "raised", "type": bases[0], "bases": bases, "message": text, "where": where}
    return told | {"stub": stub} if (stub := stub_of(error)) else told


def stub_of(error: BaseException) -> str:
    """The function whose stub an exception is of: one that mentions nothing but
    NotImplementedError, and raised it. "" where that is not so, as where torch raises one.
    """
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None or not step.tb_frame.f_code.co_filename.startswith(("<submission", "<cell")):
        return ""
    code = step.tb_frame.f_code
    return code.co_name if code.co_names == ("NotImplementedError",) else ""


# --- values ---------------------------------------------------------------------------------------


def encode(value, tensors: dict):
    """The tree of a result; its tensors go into `tensors` under the keys that the tree names."""
    import numpy
    import torch

    if isinstance(value, torch.Tensor):
        return _encode_tensor(value, tensors)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)[:MESSAGE_CHARACTERS]
    if isinstance(value, int | numpy.integer):
        return int(value) if abs(int(value)) < 1 << 63 else {"other": "int"}
    if isinstance(value, numpy.bool_):
        return bool(value)
    if isinstance(value, tuple | list):
        return _encode_sequence(value, tensors)
    if (number := _as_float(value)) is not None:
        return {"float": repr(number)}
    return {"other": kind_of(value)}


def _encode_sequence(value, tensors: dict):
    """A short sequence item by item. A long one as numbers, and beside them what is none: the first
    few as they are, the others by their kind.
    """
    import torch

    kind = "tuple" if isinstance(value, tuple) else "list"
    if len(value) <= SHORT_SEQUENCE:
        return {"items": [encode(item, tensors) for item in value], "type": kind}
    numbers = [_as_float(item) for item in value]
    odd = [place for place, number in enumerate(numbers) if number is None]
    packed = torch.tensor([number or 0.0 for number in numbers], dtype=torch.float64)
    key = str(len(tensors))
    tensors[key] = packed
    tree: dict = {"floats": key, "type": kind}
    if odd:
        tree["odd"] = [[place, encode(value[place], tensors)] for place in odd[:SHORT_SEQUENCE]]
        tree["more"] = [[place, kind_of(value[place])] for place in odd[SHORT_SEQUENCE:MOST_ODD]]
    return tree


def kind_of(value) -> str:
    """The name of a value's type, with its module where it is no built-in."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return name.removeprefix("builtins.")[:80]


def _encode_tensor(value, tensors: dict):
    import torch

    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        return {"other": f"torch.Tensor (layout {value.layout}, device {value.device.type})"}
    plain = value.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    key = str(len(tensors))
    tensors[key] = plain.clone(memory_format=torch.contiguous_format)
    return {"tensor": key}


def _as_float(item) -> float | None:
    """A number as a float: Python's, NumPy's, a 0-d array or tensor, whatever else can be one; None
    for anything else.
    """
    import torch

    if isinstance(item, torch.Tensor):
        plain = item.ndim == 0 and item.layout is torch.strided and not item.is_complex()
    else:
        plain = hasattr(type(item), "__float__") and getattr(item, "ndim", 0) == 0
    if not plain:
        return None
    try:
        return float(item)
    except Exception:  # it only looks like one
        return None


def decode(tree, tensors: dict):
    """An argument from its tree. The grader wrote it, so nothing is checked here."""
    import torch

    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree:
        return tensors[tree["tensor"]]
    if "float" in tree:
        return float(tree["float"])
    if "function" in tree:
        return getattr(torch, tree["function"])
    items = [decode(item, tensors) for item in tree["items"]]
    return tuple(items) if tree["type"] == "tuple" else items
