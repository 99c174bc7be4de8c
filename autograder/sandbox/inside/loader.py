"""The process that runs a submission's top level once, then forks the processes of its calls.

A call's process makes the next call as well, where nothing was left behind in it (traces.py): it
waits for that itself, so that nobody else has to wake up for it.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import types

from .call import MESSAGE_CHARACTERS, answer, answer_several
from .frames import END, pack, read_exactly, read_frame, write_all
from .statements import CellRunner, NotPython, StatementRunner, Steps
from .traces import Traces


def load(request: dict, report) -> dict:
    """Run the units of a submission in order and return the namespace that they leave.

    `request["skip"]` numbers the statements that used up the time limit in earlier runs.
    `report(message)` tells the supervisor which statement starts.
    """
    prepare()
    steps = Steps(request["skip"], report)
    cells = any(unit["kind"] == "cell" for unit in request["units"])
    runner = CellRunner(steps) if cells else StatementRunner(steps)
    for unit in request["units"]:
        runner.run(unit["source"], unit["label"])
    return {"namespace": runner.namespace, "errors": runner.errors}


def prepare() -> None:
    """Make the process what a submission expects at home, and inert what has no place here."""
    import torch

    helper = types.ModuleType("conftest")  # what a released notebook's set-up cell imports
    for name in ("check", "show", "style"):
        vars(helper)[name] = lambda *arguments, **options: None
    sys.modules["conftest"] = helper
    sys.argv[:] = ["submission.py"]  # a module may read its options at the top
    sys.path.insert(0, os.getcwd())  # a module that the submission has written itself
    vars(torch)["compile"] = uncompiled  # there is no compiler here


def uncompiled(model=None, **options):
    """`torch.compile`, as a function and as a decorator with and without options: no change."""
    return (lambda function: function) if model is None else model


def serve_submission(request: dict, requests: int, replies: int, limits: dict) -> None:
    """The loader's life: run the top level, tell what it defined, then fork once a call request."""
    number, own = {"number": request["number"]}, os.getpid()
    try:
        loaded = load(request, lambda message: write_all(replies, pack(message | number)))
    except NotPython as error:
        write_all(
            replies,
            pack({"outcome": "unreadable", "message": str(error)[:MESSAGE_CHARACTERS]} | number),
        )
        return
    if os.getpid() != own:  # a child that came back from the top level
        return
    flush_output()
    namespace = loaded["namespace"]
    functions = {
        name: signature(namespace.get(name), name)
        for name in request["names"]
        if callable(namespace.get(name))
    }
    write_all(
        replies,
        pack({"outcome": "loaded", "functions": functions, "errors": loaded["errors"]} | number),
    )
    traces: dict[str, Traces] = {}
    while True:
        if read_exactly(requests, 1) == END:  # whoever that was for has ended by itself
            continue
        call, payload = read_frame(requests)
        traces_of(call["function"], namespace, traces)  # here once, for all that follow
        pid = os.fork()
        if pid == 0:
            try:
                serve_calls(call, payload, requests, replies, namespace, traces, limits)
            finally:
                os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        write_all(replies, pack({"ended": code, "number": call["number"]}))


def serve_calls(
    call: dict,
    payload: bytes,
    requests: int,
    replies: int,
    namespace: dict,
    traces: dict[str, Traces],
    limits: dict,
) -> None:
    """The life of a call's process: this call, and those that follow until one leaves something
    behind, or the process shall end. Meanwhile nobody else reads what is asked. A child that comes
    back from a call says nothing, and ends.
    """
    own = os.getpid()
    while True:
        number, name = {"number": call["number"]}, call["function"]
        write_all(replies, pack({"started": os.getpid()} | number))
        if "calls" in call:
            left = traces_of(name, namespace, traces)
            most = limits["reply_bytes"]
            reply, returned = answer_several(call, payload, namespace, most, left)
        else:
            reply, returned = answer(call, payload, namespace, limits["reply_bytes"])
        del payload
        flush_output()
        if os.getpid() != own:
            return
        stays = returned and not traces_of(name, namespace, traces).any()
        write_all(replies, reply + pack({"stays": True} | number) if stays else reply)
        if not stays or read_exactly(requests, 1) == END:
            return
        call, payload = read_frame(requests)
        traces_of(call["function"], namespace, traces)


def traces_of(name: str, namespace: dict, traces: dict[str, Traces]) -> Traces:
    """What to look at after calls of a function; noted once, before the first of them."""
    if name not in traces:
        traces[name] = Traces(name, namespace)
    return traces[name]


def flush_output() -> None:
    """Let what was printed be counted for the call that printed it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


def signature(function, name: str = "") -> dict:
    """Parameter names and their defaults, where these are numbers; anything else as null."""
    told = {}
    for parameter in list(parameters_of(function, name))[:32]:
        default = parameter.default
        plain = (
            isinstance(default, bool | int | float) and default == default and abs(default) < 1e300
        )
        told[parameter.name[:80]] = default if plain else None
    return told


def parameters_of(function, name: str = "") -> list:
    """A function's parameters; behind a decorator that takes anything, (*args, **kwargs), those of
    the function it was put on: of that called `name` first.
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


def own_parameters(function) -> list:
    """The parameters that it has itself; none where it only looks like a function."""
    try:
        schema = getattr(function, "schema", None)  # torch.jit.script has it there
        if schema is not None and type(function).__module__.startswith("torch."):
            return scripted(schema)
        return list(inspect.signature(function).parameters.values())
    except Exception:
        return []


def takes_anything(parameters: list) -> bool:
    """Whether they are *args and **kwargs, or one of the two."""
    anything = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return bool(parameters) and all(item.kind in anything for item in parameters)


def held_behind(function, depth: int):
    """What can be called of what a function holds, and behind what takes anything of it."""
    with contextlib.suppress(Exception):  # an object that only looks like a function
        for held in [held for held in held_by(function) if callable(held)][:8]:
            yield held
            if depth > 1 and takes_anything(own_parameters(held)):
                yield from held_behind(held, depth - 1)


def name_of(function) -> str:
    try:
        return str(function.__name__)
    except Exception:
        return ""


def scripted(schema):
    """The parameters in the schema of a function that torch has compiled."""
    kind, nothing = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    return [
        inspect.Parameter(
            item.name, kind, default=item.default_value if item.has_default_value() else nothing
        )
        for item in schema.arguments
    ]


def held_by(function):
    """What a decorator's function has closed over, or its object holds."""
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # empty as yet
            yield cell.cell_contents
    yield from getattr(function, "__dict__", {}).values()
