"""The warm process: it loads torch once, then forks a box for every submission. It holds nothing
secret and runs no student code.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import functools
import gc
import inspect
import json
import os
import resource
import select
import signal
import socket
import sys

from .call import seed_generators, undo_settings
from .eager import do_without_compiler
from .frames import payload_of
from .meter import Census, Group
from .shell import shell
from .supervisor import Supervisor
from .walls import (
    PR_SET_DUMPABLE,
    become,
    check_call,
    clear,
    drop_capabilities,
    filter_system_calls,
    fork_into_namespaces,
    furnish,
    libc,
)

PR_SET_PDEATHSIG = 1
MADV_COLLAPSE = 25
OF_WORKERS = (  # arguments of a DataLoader
    "num_workers",
    "prefetch_factor",
    "persistent_workers",
    "timeout",
    "multiprocessing_context",
    "worker_init_fn",
)


def main() -> None:
    """Serve the grader at the other end of the socket whose descriptor is the first argument."""
    sys.path.pop(0)  # where these files came from: no module of a submission's shall be one of them
    zygote(socket.socket(fileno=int(sys.argv[1])))


def zygote(control: socket.socket) -> None:
    """Serve boxes until the grader hangs up. Messages: a JSON configuration first, then one a box,
    with its socket.
    """
    configuration = json.loads(control.recv(1 << 16))
    program = base64.b64decode(configuration["seccomp"])
    become(configuration["uid"])
    warm_up()
    proc = configuration["proc"]  # a descriptor of it, where there is none to see
    settle_memory(read_own("maps", proc))
    baseline = address_space_bytes(read_own("statm", proc))
    control.send(
        json.dumps(
            {"ready": True, "nested": configuration["mode"] == "nested" and can_nest()}
        ).encode()
    )
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        readable = select.select([control], [], [], 1.0)[0]
        if not readable:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
        if not message:
            return
        limits = json.loads(message)
        if limits["memory_bytes"] is not None and baseline:
            limits["address_space_bytes"] = baseline + limits["memory_bytes"]
        if configuration["mode"] == "single":
            control.close()
            clear()
            box(descriptors, limits, program, Census(proc, limits["memory_bytes"] or 0))
            return
        nested = configuration["mode"] == "nested"
        try:
            pid = fork_into_namespaces() if nested else os.fork()
        except OSError as error:  # this machine has no more, for now: that box is lost
            print(error, file=sys.stderr)
            pid = -1
        if pid == 0:
            try:
                control.close()
                with contextlib.suppress(EOFError, BrokenPipeError):
                    open_box(descriptors, limits, program, nested)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def warm_up() -> None:
    """Load and run once what submissions use, so that forks find it loaded."""
    import statistics  # noqa: F401

    import IPython  # noqa: F401
    import matplotlib
    import numpy.fft  # noqa: F401
    import safetensors.torch
    import torch

    matplotlib.use("Agg")
    import matplotlib.pyplot

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    vars(torch)["set_num_threads"] = lambda count: (
        None
    )  # more threads than one would hang the forks that follow

    load_data_in_one_process()
    do_without_compiler()
    matrix = torch.rand(3, 3, requires_grad=True)
    for name in torch.optim.__all__:  # the first of its kind writes to its class
        with contextlib.suppress(Exception):  # what is none, or wants more
            vars(torch.optim)[name]([matrix], lr=0.1)
    for optimizer in (
        torch.optim.SGD([matrix], lr=0.1, momentum=0.9),
        torch.optim.Adam([matrix], lr=0.1),
    ):
        optimizer.zero_grad()
        ((matrix @ matrix - torch.eye(3)) ** 2).mean().backward()
        optimizer.step()
    torch.linalg.svd(matrix.detach())
    torch.linalg.inv(matrix.detach() + torch.eye(3))
    safetensors.torch.load(payload_of({"0": torch.rand(2)}))
    safetensors.torch.load(payload_of({"0": torch.rand(2, dtype=torch.float16)}))
    undo_settings()
    seed_generators(0)  # for the first time: imports what it seeds
    shell().run_cell("1 + 1", silent=True, store_history=False)
    forget_folders()


def forget_folders() -> None:
    """Let go of what is known of the packages' own folders, 200 of them: each import statement has
    all that is known looked at anew, and written to with it.
    """
    for folder in set(sys.path_importer_cache).difference(sys.path):
        del sys.path_importer_cache[folder]


def load_data_in_one_process() -> None:
    """Make every DataLoader work without worker processes, which hang behind the filter."""
    from torch.utils.data import DataLoader

    plain = DataLoader.__init__
    parameters = inspect.signature(plain)

    @functools.wraps(plain)
    def without_workers(*arguments, **options):
        given = parameters.bind(*arguments, **options).arguments
        plain(**{name: value for name, value in given.items() if name not in OF_WORKERS})

    DataLoader.__init__ = without_workers  # type: ignore[method-assign]


def read_own(name: str, proc: int | None) -> str:
    """A file of this process in /proc; "" where there is none."""
    path = f"/proc/self/{name}" if proc is None else f"self/{name}"
    with contextlib.suppress(OSError), open(os.open(path, os.O_RDONLY, dir_fd=proc)) as file:
        return file.read()
    return ""


def settle_memory(maps: str) -> None:
    """Make forks cheap: freeze what the collector would touch, and put the heap on huge pages
    (Linux 6.1).

    maps: the mappings of this process, as /proc tells them
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):
        for line in maps.splitlines():
            bounds, access = line.split()[:2]
            start, end = (int(part, 16) for part in bounds.split("-"))
            if access.startswith("rw") and end - start >= 2 << 20:
                libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


def address_space_bytes(statm: str) -> int:
    return int(statm.split()[0]) * resource.getpagesize() if statm else 0


def open_box(descriptors: list[int], limits: dict, program: bytes, nested: bool) -> None:
    """The life of a box's first process, in namespaces of its own: furnish them.

    descriptors: the box's socket, then those of its control group (meter.Group) if it has one
    """
    census = None
    if nested:
        libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        census = Census(most=limits["memory_bytes"] or 0)
        furnish(limits)
    box(descriptors, limits, program, census)


def can_nest() -> bool:
    """Whether namespaces can be made in this one; some systems allow them to bubblewrap alone."""
    try:
        pid = fork_into_namespaces()
    except (OSError, KeyError):  # what is no machine of CLONE
        return False
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    try:
        furnish({"tmp_bytes": 1 << 20})
        os._exit(0)
    finally:
        os._exit(1)


def box(descriptors: list[int], limits: dict, program: bytes, census: Census | None) -> None:
    """Become the supervisor of one box. Without a census it is for one's own code, outside any
    sandbox.
    """
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if census:
        with contextlib.suppress(PermissionError):  # it leads one already
            os.setsid()
        drop_capabilities()
        check_call("prctl", libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        filter_system_calls(program)
    supervisor = Supervisor(descriptors[0], limits, census, Group(descriptors[1:]))
    try:
        supervisor.serve()
    finally:
        supervisor.kill_everything()
