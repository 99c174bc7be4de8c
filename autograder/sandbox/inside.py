"""Everything that runs behind the line, in one file that imports nothing else of the kit.

The grader starts this file once, inside bubblewrap. It loads torch, then forks one *box* per submission:

    zygote                 warm: torch, numpy, IPython and pyplot loaded; holds nothing secret; runs no student code
    └─ supervisor          pid 1 of the box's own namespaces; starts, limits, watches, kills; runs no student code
       └─ loader           runs the submission's top level once, then waits
          └─ call          one function call on the state that the top level left, then exits

A box talks to the grader over a stream socket of its own. Either side sends frames: two big-endian 32-bit lengths, a
JSON header of the first length, a safetensors payload of the second. One request is answered by one reply:

    {"op": "load", "units": [{"kind": "statements" | "cell", "source": "..."}], "names": ["..."]}
        -> {"outcome": "loaded", "functions": {name: {parameter: default}}, "errors": [...]}
         | {"outcome": "unreadable", "message": "line 3: invalid syntax"}      a module that is not Python
    {"op": "call", "function": "...", "arguments": tree, "options": tree, "seed": 7, "differentiate": false, "times": 1}
        -> {"outcome": "returned", "value": tree, "arguments": tree}    and the tensors that the trees name
         | {"outcome": "raised" | "missing" | "timed_out" | "out_of_memory" | "output_limit" | "died", "message": "..."}

A *tree* is JSON: a scalar; {"tensor": key}; {"items": [...], "type": "tuple" | "list"}; {"floats": key} for a long
list of numbers; {"function": "sin"} for a torch function (arguments only); {"other": "type name"} (results only).

What a submission can reach is its own loader and calls. The supervisor is not dumpable, ignores signals (as the first process
of its PID namespace), shares no descriptor with them but two pipes, and believes nothing they write: CPU time, wall
time, output and reply sizes are its own readings.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import ctypes
import gc
import json
import linecache
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import types

FRAME = struct.Struct("!II")
TICK_SECONDS = 0.02
SHORT_SEQUENCE = 16  # longer lists of plain numbers cross as one tensor
MESSAGE_CHARACTERS = 300
TOP_LEVEL_ENDS = ("loaded", "unreadable")
FUNCTIONS = ("sin", "cos", "tan", "exp", "log", "tanh", "sigmoid", "sqrt", "square", "relu", "erf", "atan", "sinh", "cosh")

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
MADV_COLLAPSE = 25


# --- frames -----------------------------------------------------------------------------------------------------------


def pack(header: dict, payload: bytes = b"") -> bytes:
    """A frame."""
    text = json.dumps(header).encode()
    return FRAME.pack(len(text), len(payload)) + text + payload


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read `count` bytes; EOFError when the other side is gone."""
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError("the other side closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_frame(descriptor: int) -> tuple[dict, bytes]:
    """The next frame from a *trusted* writer."""
    header_length, payload_length = FRAME.unpack(read_exactly(descriptor, FRAME.size))
    return json.loads(read_exactly(descriptor, header_length)), read_exactly(descriptor, payload_length)


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


# --- values -----------------------------------------------------------------------------------------------------------


def encode(value, tensors: dict):
    """The tree of a result; its tensors go into `tensors` under the keys that the tree names."""
    import numpy
    import torch

    if isinstance(value, torch.Tensor):
        return _encode_tensor(value, tensors)
    if value is None or isinstance(value, bool | int | str):
        return value if not isinstance(value, str) else value[:MESSAGE_CHARACTERS]
    if isinstance(value, float | numpy.floating):
        return {"float": repr(float(value))}
    if isinstance(value, numpy.integer):
        return int(value)
    if isinstance(value, tuple | list):
        if len(value) > SHORT_SEQUENCE and all(_is_number(item) for item in value):
            key = str(len(tensors))
            tensors[key] = torch.tensor([float(item) for item in value], dtype=torch.float64)
            return {"floats": key}
        items = [encode(item, tensors) for item in value[:SHORT_SEQUENCE]]
        return {"items": items, "type": "tuple" if isinstance(value, tuple) else "list", "length": len(value)}
    return {"other": f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")[:80]}


def _encode_tensor(value, tensors: dict):
    import torch

    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        return {"other": f"torch.Tensor (layout {value.layout}, device {value.device.type})"}
    plain = value.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    key = str(len(tensors))
    tensors[key] = plain.clone(memory_format=torch.contiguous_format)
    return {"tensor": key}


def payload_of(tensors: dict) -> bytes:
    """The tensors in safetensors' format. By way of numpy where it has their types: in a fresh fork that costs half as much."""
    import safetensors.numpy
    import safetensors.torch
    import torch

    if any(tensor.dtype not in (torch.float32, torch.float64, torch.int64, torch.bool) for tensor in tensors.values()):
        return safetensors.torch.save(tensors)
    return safetensors.numpy.save({key: tensor.numpy() for key, tensor in tensors.items()})


def _is_number(item) -> bool:
    import numpy
    import torch

    if isinstance(item, torch.Tensor):
        return item.ndim == 0 and item.layout is torch.strided
    return isinstance(item, float | int | numpy.floating | numpy.integer)


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


# --- the call process -------------------------------------------------------------------------------------------------


def clean_state(seed: int) -> None:
    """Undo what a submission's top level may have changed for everybody, and seed every generator.

    `seed` is torch's. The others are always seeded alike: a start from numpy.random does not follow torch.manual_seed.
    """
    import random

    import numpy
    import torch

    if torch.get_default_dtype() is not torch.float32:
        torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
    torch.default_generator.manual_seed(seed)
    random.seed(0)
    numpy.random.seed(0)


def answer(request: dict, payload: bytes, namespace: dict, most: int) -> bytes:
    """The packed reply to one call request, whatever the student's function does. most: bytes of tensors that a reply may carry."""
    import safetensors.torch

    number = {"number": request["number"]}
    function = namespace.get(request["function"])
    if not callable(function):
        return pack({"outcome": "missing", "message": f"{request['function']} is not defined"} | number)
    try:
        gradients = None
        start = time.process_time()
        for _ in range(request["times"]):
            inputs = safetensors.torch.load(payload) if payload else {}
            arguments = [decode(tree, inputs) for tree in request["arguments"]]
            options = {name: decode(tree, inputs) for name, tree in request["options"].items()}
            clean_state(request["seed"])
            if request["differentiate"]:
                value, gradients = _value_and_gradients(function, arguments, options)
            else:
                value = function(*arguments, **options)
        tensors: dict = {}
        header = {
            "outcome": "returned",
            "value": encode(value, tensors),
            "arguments": [encode(argument, tensors) for argument in arguments],
            "function_seconds": round(time.process_time() - start, 6),
            **number,
        }
        if gradients is not None:
            header["gradients"] = [encode(gradient, tensors) for gradient in gradients]
        if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > most:
            return pack({"outcome": "output_limit", "message": "returned more than the grader reads"} | number)
        return pack(header, payload_of(tensors) if tensors else b"")
    except BaseException as error:
        return pack(describe(error) | number)


def _value_and_gradients(function, arguments, options):
    """What the function returns and d(sum of it)/d(argument) for every floating tensor argument (None: not connected)."""
    import torch

    leaves = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor) and a.is_floating_point()]
    value = function(*arguments, **options)
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return value, [None] * len(leaves)
    return value, torch.autograd.grad(value.sum(), leaves, allow_unused=True)


def describe(error: BaseException) -> dict:
    """What a student needs to read about an exception: its kind, its words, the line of theirs that it came from."""
    try:
        text = " ".join(str(error).split())[:MESSAGE_CHARACTERS]
    except BaseException:  # words that it cannot say
        text = ""
    if isinstance(error, MemoryError) or "not enough memory" in text or "can't allocate memory" in text:
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
    return {"outcome": "raised", "type": bases[0], "bases": bases, "message": text, "where": where}


# --- the loader -------------------------------------------------------------------------------------------------------


def load(request: dict, report) -> dict:
    """Run the units of a submission in order and return the namespace that they leave.

    `request["skip"]` is the unit that used up the time limit last time (None: none did): from it on, only definitions run.
    `report(message)` tells the supervisor which unit starts.
    """
    helper = types.ModuleType("conftest")  # what a released notebook's set-up cell imports; its checks are not run while grading
    vars(helper)["check"] = lambda *arguments, **options: None
    sys.modules["conftest"] = helper
    runner = CellRunner() if any(unit["kind"] == "cell" for unit in request["units"]) else StatementRunner()
    for index, unit in enumerate(request["units"]):
        report({"progress": index})
        past_limit = request["skip"] is not None and index >= request["skip"]
        source = definitions_of(unit["source"]) if past_limit else unit["source"]
        runner.run(source, index, unit["label"])
    return {"namespace": runner.namespace, "errors": runner.errors}


def definitions_of(source: str) -> str:
    """Only the imports, functions and classes of a unit, each on the lines where it stood."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    kept = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    tree.body = [statement for statement in tree.body if isinstance(statement, kept)]
    return ast.unparse(tree)


class NotPython(Exception):
    """A module that does not parse."""


class StatementRunner:
    """Top-level statements of a module, each by itself."""

    def __init__(self) -> None:
        module = types.ModuleType("submission")
        sys.modules["submission"] = module
        self.namespace = module.__dict__
        self.errors: list[dict] = []

    def run(self, source: str, index: int, label: str) -> None:
        name = f"<submission{'' if label == '' else ' ' + label}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            statements = ast.parse(source, name).body
        except SyntaxError as error:
            raise NotPython(f"line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise NotPython(f"the parser gave up ({type(error).__name__})") from None
        for statement in statements:
            try:
                exec(compile(ast.Module([statement], []), name, "exec"), self.namespace)
            except BaseException as error:
                self.errors.append(describe(error))


class CellRunner:
    """Cells of a notebook, each by itself, in IPython's own shell: magics, `!commands` and displays behave or are inert."""

    def __init__(self) -> None:
        self.shell = shell()
        self.namespace = self.shell.user_ns
        self.errors: list[dict] = []

    def run(self, source: str, index: int, label: str) -> None:
        name = f"<cell {label}>"
        self.shell.compile.get_code_name = lambda raw, code, number: name
        try:
            outcome = self.shell.run_cell(source, store_history=False, silent=True)
        except BaseException as error:
            self.errors.append(describe(error))
            return
        failure = outcome.error_before_exec or outcome.error_in_exec
        if failure is not None:
            self.errors.append(describe(failure))


_shell = None


def shell():
    """IPython's shell, made once in the zygote; forks use their own copy of it."""
    global _shell
    if _shell is None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        class GradingShell(InteractiveShell):
            def enable_gui(self, gui=None):
                pass

            def enable_matplotlib(self, gui=None):
                return None, "agg"

            def system(self, command):
                print("shell commands do not run while grading")

            system_raw = system_piped = system

            def getoutput(self, command, split=True, depth=0):
                self.system(command)
                return []

            def _showtraceback(self, etype, evalue, stb):
                pass

        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        _shell = GradingShell(config=config)

        def inert(line: str, cell: str | None = None) -> None:
            print("shell commands do not run while grading")

        for magic in ("pip", "conda", "mamba", "micromamba", "uv", "sx", "system"):
            _shell.register_magic_function(inert, "line", magic)  # type: ignore[arg-type]  # its stub wants a method
        for magic in ("bash", "sh", "script", "sx", "system", "capture_shell", "perl", "ruby", "javascript"):
            _shell.register_magic_function(inert, "cell", magic)  # type: ignore[arg-type]
    return _shell


def serve_submission(request: dict, requests: int, replies: int, limits: dict) -> None:
    """The loader's life: run the top level, tell what it defined, then fork once per call request."""
    number = {"number": request["number"]}
    try:
        loaded = load(request, lambda message: write_all(replies, pack(message | number)))
    except NotPython as error:
        write_all(replies, pack({"outcome": "unreadable", "message": str(error)[:MESSAGE_CHARACTERS]} | number))
        return
    namespace = loaded["namespace"]
    functions = {name: signature(namespace.get(name)) for name in request["names"] if callable(namespace.get(name))}
    write_all(replies, pack({"outcome": "loaded", "functions": functions, "errors": loaded["errors"][:20]} | number))
    while True:
        call, payload = read_frame(requests)
        number = {"number": call["number"]}
        pid = os.fork()
        if pid == 0:
            try:
                os.close(requests)
                write_all(replies, pack({"started": os.getpid()} | number))
                write_all(replies, answer(call, payload, namespace, limits["reply_bytes"]))
            finally:
                os._exit(0)
        status = os.waitpid(pid, 0)[1]
        write_all(replies, pack({"ended": os.waitstatus_to_exitcode(status)} | number))


def signature(function) -> dict:
    """Parameter names and their defaults, where these are numbers; anything else as null."""
    told = {}
    for parameter in list(parameters_of(function))[:32]:
        default = parameter.default
        plain = isinstance(default, bool | int | float) and default == default and abs(default) < 1e300
        told[parameter.name[:80]] = default if plain else None
    return told


def parameters_of(function, depth: int = 4):
    """A function's parameters; behind a decorator that takes anything, (*args, **kwargs), those of the function it was put on."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # it has none, or is an object that only looks like a function
        return ()
    closure = getattr(function, "__closure__", None) or ()
    if depth and closure and all(item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in parameters):
        with contextlib.suppress(Exception):
            return next(parameters_of(cell.cell_contents, depth - 1) for cell in closure if callable(cell.cell_contents))
    return parameters


# --- the supervisor ---------------------------------------------------------------------------------------------------


class Breach(Exception):
    """A limit was broken or the submission's processes are gone; carries the reply that says so."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.reply = {"outcome": outcome, "message": message}


class Supervisor:
    """One submission's box, seen from its first process."""

    def __init__(self, channel: int, limits: dict, census: Census | None) -> None:
        self.channel, self.limits, self.census, self.owns_namespace = channel, limits, census, census is not None
        self.loader = 0
        self.load_request: dict = {}
        self.requests = self.replies = self.output = -1
        self.buffer = bytearray()
        self.cpu_used = 0.0
        self.started = False
        self.number = 0  # of the request under way; what earlier ones left running may still write, and is not heard

    def serve(self) -> None:
        """Answer the grader's requests until it hangs up."""
        while True:
            try:
                request, payload = read_frame(self.channel)
            except EOFError:
                return
            if request["op"] == "load":
                self.load_request = {**request, "skip": None}
                reply, tensors = self.load()
            else:
                reply, tensors = self.call(request, payload)
            write_all(self.channel, self.pack_bounded(reply, tensors))

    def pack_bounded(self, reply: dict, tensors: bytes) -> bytes:
        """The frame of a reply, whose header may have grown over the bound, or deeper than can be written, since it was read."""
        used = {"cpu_seconds": round(self.cpu_used, 4)}
        try:
            if len(json.dumps(reply)) <= self.limits["header_bytes"]:
                return pack(reply | used, tensors)
        except RecursionError:
            pass
        return pack({"outcome": "output_limit", "message": "returned more than the grader reads"} | used)

    def load(self) -> tuple[dict, bytes]:
        """Start the loader; where a unit uses up the time limit, start again without it and with definitions only after it."""
        for _ in range(3):
            self.kill_everything()
            self.number += 1
            self.load_request["number"] = self.number
            self.start_loader()
            cpu, wall = self.limits["load_cpu_seconds"], self.limits["load_wall_seconds"]
            try:
                return self.exchange(self.loader, cpu, wall, finished=lambda header: header.get("outcome") in TOP_LEVEL_ENDS)
            except Breach as breach:
                self.kill_everything()
                reply = breach.reply
                if self.progress in (None, self.load_request["skip"]):
                    break
                self.load_request["skip"] = self.progress
        return reply, b""

    def call(self, request: dict, payload: bytes) -> tuple[dict, bytes]:
        """One call. Where an earlier call left the loader unable to start it, the loader is made anew, once."""
        for _ in range(2):
            if not self.loader:
                reply, _ = self.load()
                if reply["outcome"] != "loaded":
                    return reply, b""
            self.started = False
            self.number += 1
            try:
                self.send(pack(request | {"number": self.number}, payload))
                cpu, wall = self.limits["call_cpu_seconds"], self.limits["call_wall_seconds"]
                return self.exchange(None, cpu, wall, finished=lambda header: "ended" in header)
            except Breach as breach:
                self.kill_everything()
                reply = breach.reply
                if self.started:
                    break
        return reply, b""

    def start_loader(self) -> None:
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        self.output, output = os.pipe()
        self.buffer.clear()
        self.written = 0
        self.progress: int | None = None
        pid = os.fork()
        if pid == 0:
            try:
                for descriptor in (self.requests, self.replies, self.output, self.channel):
                    os.close(descriptor)
                if self.census:
                    os.close(self.census.folder)
                os.setsid()
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.close(output)
                confine_student(self.limits)
                serve_submission(self.load_request, requests, replies, self.limits)
            finally:
                os._exit(1)
        self.loader = pid
        for descriptor in (requests, replies, output):
            os.close(descriptor)
        os.set_blocking(self.requests, False)

    def send(self, data: bytes) -> None:
        """Write a request to the loader, which may be hostile and never read it."""
        deadline = time.monotonic() + self.limits["call_wall_seconds"]
        view = memoryview(data)
        while view:
            ready = select.select([], [self.requests], [], max(0.0, deadline - time.monotonic()))[1]
            if not ready:
                raise Breach("timed_out", "the submission stopped listening")
            try:
                view = view[os.write(self.requests, view) :]
            except BrokenPipeError:
                raise Breach("died", "the process ended before the call") from None

    def exchange(self, pid: int | None, cpu_limit: float, wall_limit: float, finished) -> tuple[dict, bytes]:
        """Wait for the reply to what was asked, reading everything that comes on the way within its limits."""
        start = time.monotonic()
        clock = CpuClock(pid)
        before, due = None, start + TICK_SECONDS  # most calls end before the first census, which takes longer than they do
        reply: tuple[dict, bytes] | None = None
        self.written = 0
        while True:
            readable = select.select([self.replies, self.output], [], [], TICK_SECONDS)[0]
            if self.output in readable:
                self.drain()
            if self.replies in readable:
                part = os.read(self.replies, 1 << 20)
                if not part:
                    raise Breach("died", "the process ended without an answer")
                self.buffer += part
                while (frame := self.next_frame()) is not None:
                    header = frame[0]
                    if header.get("number") != self.number:
                        continue
                    if "started" in header:
                        self.started = True
                        clock = CpuClock(header["started"])
                    elif "progress" in header:
                        self.progress = header["progress"]
                    elif "outcome" in header and reply is None:
                        reply = frame
                    if finished(header):
                        self.cpu_used += clock.last
                        if reply is None:
                            raise Breach("died", f"the process ended without an answer ({ending(header['ended'])})")
                        return reply
            elif self.loader_is_gone():
                raise Breach("died", "the process ended without an answer")
            seconds, now = clock.read(), time.monotonic()
            if self.census and now >= due:
                due = now + TICK_SECONDS
                together, memory = self.census.take()
                before = together if before is None else before
                seconds = max(seconds, together - before)
                if self.limits["memory_bytes"] is not None and memory > 2 * self.limits["memory_bytes"]:
                    raise Breach("out_of_memory", "its processes together reached the memory limit")
            if seconds > cpu_limit:
                self.cpu_used += seconds
                raise Breach("timed_out", f"stopped after {cpu_limit:g} s of computing")
            if now - start > wall_limit:
                self.cpu_used += seconds
                raise Breach("timed_out", f"stopped after {wall_limit:g} s")

    def loader_is_gone(self) -> bool:
        """Whether the loader ended, though something that it left running may hold its pipes open."""
        return os.waitid(os.P_PID, self.loader, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def drain(self) -> None:
        self.written += len(os.read(self.output, 1 << 20))
        if self.written > self.limits["output_bytes"]:
            raise Breach("output_limit", f"printed more than {self.limits['output_bytes'] // 1024} KiB")

    def next_frame(self) -> tuple[dict, bytes] | None:
        """The next whole frame of the buffer, from a writer that may be hostile."""
        if len(self.buffer) < FRAME.size:
            return None
        header_length, payload_length = FRAME.unpack_from(self.buffer)
        if header_length > self.limits["header_bytes"] or payload_length > self.limits["reply_bytes"]:
            raise Breach("output_limit", "returned more than the grader reads")
        end = FRAME.size + header_length + payload_length
        if len(self.buffer) < end:
            return None
        text = bytes(self.buffer[FRAME.size : FRAME.size + header_length])
        payload = bytes(self.buffer[FRAME.size + header_length : end])
        del self.buffer[:end]
        return believe_shape(text), payload

    def kill_everything(self) -> None:
        """Leave no process of the submission alive, whatever it forked or detached."""
        if self.loader:
            with contextlib.suppress(ProcessLookupError):
                if self.owns_namespace:
                    os.kill(-1, signal.SIGKILL)
                else:
                    os.killpg(self.loader, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0 if self.owns_namespace else os.WNOHANG)[0]:
                    pass
            for descriptor in (self.requests, self.replies, self.output):
                os.close(descriptor)
        self.loader = 0


def believe_shape(text: bytes) -> dict:
    """A header from hostile bytes: a JSON object whose control fields have the right types; else the process 'died'."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise Breach("died", "the process wrote something that is no answer")
    for name, kind in (("started", int), ("progress", int), ("ended", int), ("outcome", str)):
        if name in header and type(header[name]) is not kind:
            raise Breach("died", "the process wrote something that is no answer")
    return header


def ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


class CpuClock:
    """The CPU time of one process of the box since this clock was made, read from outside that process."""

    def __init__(self, pid: int | None) -> None:
        self.identifier = (~pid << 3) | 2 if pid and 1 < pid < 1 << 22 else None  # see clock_getcpuclockid(3)
        self.last = 0.0
        self.first = self._now() or 0.0

    def _now(self) -> float | None:
        if self.identifier is None:
            return None
        try:
            return time.clock_gettime(self.identifier)
        except OSError:
            return None

    def read(self) -> float:
        now = self._now()
        if now is not None:
            self.last = now - self.first
        return self.last


class Census:
    """CPU time and memory of everything that this process started, from a /proc that none of it can see.

    What each of them has in common with the warm process, which is most of it, is not counted as memory.
    """

    def __init__(self) -> None:
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.first = os.readlink("/proc/self")
        self.tick, self.page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
        self.common = self.usage(self.first)[1]

    def take(self) -> tuple[float, int]:
        """CPU seconds, those of ended children included, and bytes of memory, all processes together."""
        seconds, memory, waiting = 0.0, 0, self.children(self.first)
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):  # it may end at any time
                used, resident = self.usage(pid)
                seconds, memory = seconds + used, memory + max(0, resident - self.common)
                waiting += self.children(pid)
        return seconds, memory

    def usage(self, pid: str) -> tuple[float, int]:
        words = self.read(f"{pid}/stat").rpartition(")")[2].split()  # from the third field of proc(5) on
        return sum(map(int, words[11:15])) / self.tick, int(words[21]) * self.page

    def children(self, pid: str) -> list[str]:
        tasks = [pid]
        if int(self.read(f"{pid}/stat").rpartition(")")[2].split()[17]) > 1:
            folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.folder)
            tasks = os.listdir(folder)
            os.close(folder)
        return [child for task in tasks for child in self.read(f"{pid}/task/{task}/children").split()]

    def read(self, name: str) -> str:
        descriptor = os.open(name, os.O_RDONLY, dir_fd=self.folder)
        try:
            return os.read(descriptor, 1 << 16).decode(errors="replace")
        finally:
            os.close(descriptor)


# --- walls ------------------------------------------------------------------------------------------------------------


def libc():
    return ctypes.CDLL(None, use_errno=True)


def check_call(name: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount_tmpfs(where: str, options: str, flags: int) -> None:
    check_call(f"mount {where}", libc().mount(b"tmpfs", where.encode(), b"tmpfs", flags | MS_NOSUID | MS_NODEV, options.encode()))


def enter_namespaces() -> None:
    """New user, PID, mount, IPC, UTS and network namespaces for the child that is forked next."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET
    check_call("unshare", libc().unshare(flags))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def furnish(limits: dict) -> None:
    """Private /tmp and /dev/shm of a bounded size, and nothing where /proc was."""
    check_call("mount /", libc().mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    mount_tmpfs("/tmp", f"size={limits['tmp_bytes']},nr_inodes=4096,mode=1777", MS_NOEXEC)
    mount_tmpfs("/dev/shm", f"size={limits['tmp_bytes'] // 4},nr_inodes=256,mode=1777", MS_NOEXEC)
    mount_tmpfs("/proc", "size=4k,nr_inodes=1,mode=555", MS_RDONLY | MS_NOEXEC)


def drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    check_call("capset", libc().capset(header, bytes(24)))


def filter_system_calls(program: bytes) -> None:
    """Install a seccomp filter that was built outside (empty: none could be built)."""
    check_call("no_new_privs", libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if program:
        code = ctypes.create_string_buffer(program, len(program))
        pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        check_call("seccomp", libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointer, 0, 0))


def confine_student(limits: dict) -> None:
    """Resource limits of the loader and all that it forks."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it: a file over its bound is an OSError
    bounds = {
        resource.RLIMIT_AS: limits["address_space_bytes"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, bound in bounds.items():
        if bound is not None:
            resource.setrlimit(which, (bound, bound))
    os.chdir(limits["directory"])


def box(channel: int, limits: dict, program: bytes, census: Census | None) -> None:
    """Become the supervisor of one box. Without a census it is for one's own code, outside any sandbox."""
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if census:
        drop_capabilities()
        check_call("prctl", libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        filter_system_calls(program)
    supervisor = Supervisor(channel, limits, census)
    try:
        supervisor.serve()
    finally:
        supervisor.kill_everything()


# --- the zygote -------------------------------------------------------------------------------------------------------


def warm_up() -> None:
    """Load and run once what submissions use, so that forks find it loaded."""
    import IPython  # noqa: F401
    import matplotlib
    import numpy  # noqa: F401
    import safetensors.torch
    import torch

    matplotlib.use("Agg")
    import matplotlib.pyplot

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    vars(torch)["set_num_threads"] = lambda count: None  # more threads than one would hang the forks that follow
    matrix = torch.rand(3, 3, requires_grad=True)
    for optimizer in (torch.optim.SGD([matrix], lr=0.1, momentum=0.9), torch.optim.Adam([matrix], lr=0.1)):
        optimizer.zero_grad()
        ((matrix @ matrix - torch.eye(3)) ** 2).mean().backward()
        optimizer.step()
    torch.linalg.svd(matrix.detach())
    torch.linalg.inv(matrix.detach() + torch.eye(3))
    safetensors.torch.load(payload_of({"0": torch.rand(2)}))
    safetensors.torch.load(payload_of({"0": torch.rand(2, dtype=torch.float16)}))
    shell().run_cell("1 + 1", silent=True, store_history=False)


def settle_memory() -> None:
    """Make forks cheap: freeze what the collector would touch, and put the heap on huge pages (Linux 6.1)."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError), open("/proc/self/maps") as maps:
        for line in maps.read().splitlines():
            bounds, access = line.split()[:2]
            start, end = (int(part, 16) for part in bounds.split("-"))
            if access.startswith("rw") and end - start >= 2 << 20:
                libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


def address_space_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def become(uid: int | None) -> None:
    """Give up root for good. `uid` None: already an ordinary user."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        check_call("prctl", libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))  # setuid cleared it, and /proc/self was root's without


def zygote(control: socket.socket) -> None:
    """Serve boxes until the grader hangs up. Messages: a JSON configuration first, then one a box, with its socket."""
    configuration = json.loads(control.recv(1 << 16))
    program = base64.b64decode(configuration["seccomp"])
    become(configuration["uid"])
    warm_up()
    settle_memory()
    baseline = address_space_bytes()
    control.send(json.dumps({"ready": True, "nested": configuration["mode"] == "nested" and can_nest()}).encode())
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        readable = select.select([control], [], [], 1.0)[0]
        if not readable:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not message:
            return
        limits = json.loads(message)
        if limits["memory_bytes"] is not None and baseline:
            limits["address_space_bytes"] = baseline + limits["memory_bytes"]
        if configuration["mode"] == "single":
            control.close()
            box(descriptors[0], limits, program, Census())
            return
        if os.fork() == 0:
            status = 1
            try:
                control.close()
                with contextlib.suppress(EOFError, BrokenPipeError):
                    open_box(descriptors[0], limits, program, configuration["mode"])
                status = 0
            finally:
                os._exit(status)
        os.close(descriptors[0])


def open_box(channel: int, limits: dict, program: bytes, mode: str) -> None:
    """Between zygote and box: make the walls, then fork the box's first process and wait for it."""
    if mode == "none":
        box(channel, limits, program, None)
        return
    enter_namespaces()
    pid = os.fork()
    if pid == 0:
        try:
            libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            census = Census()
            furnish(limits)
            box(channel, limits, program, census)
        finally:
            os._exit(0)
    os.close(channel)
    os.waitpid(pid, 0)


def can_nest() -> bool:
    """Whether namespaces can be made inside this one; some systems allow them to bubblewrap alone."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    try:
        enter_namespaces()
        pid = os.fork()
        if pid == 0:
            furnish({"tmp_bytes": 1 << 20})
            os._exit(0)
        os._exit(0 if os.waitpid(pid, 0)[1] == 0 else 1)
    finally:
        os._exit(1)


if __name__ == "__main__":
    zygote(socket.socket(fileno=int(sys.argv[1])))
