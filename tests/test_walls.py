"""One way through each kind of hole, in every shape that the walls can have: for root and for an
ordinary user, with namespaces inside bubblewrap and without, counted by a control group and by the
census. Each must end as it does everywhere else.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from other_user import as_nobody

from autograder.sandbox import cgroup

pytestmark = pytest.mark.slow

SOURCE = """
import ctypes, mmap, os, platform, resource, signal, socket, struct, sys, threading, time
import torch

KERNEL = ctypes.CDLL(None, use_errno=True).syscall  # rt_sigaction and exit by their numbers
SIGACTION, EXIT = {"x86_64": (13, 60), "aarch64": (134, 93)}[platform.machine()]

def spin(seconds):
    start = time.process_time()
    while time.process_time() - start < seconds: pass

def computes_in_forgotten_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        if os.fork() == 0:
            spin(0.1)
            os._exit(0)
        try: os.wait()
        except ChildProcessError: time.sleep(0.1)

def computes_behind_high_bits():
    ignored = ctypes.create_string_buffer(struct.pack("4Q", 1, 0, 0, 0), 32)
    SIGCHLD = ctypes.c_long(signal.SIGCHLD + (1 << 32))
    KERNEL(ctypes.c_long(SIGACTION), SIGCHLD, ctypes.byref(ignored), None, ctypes.c_long(8))
    for _ in range(20):
        if os.fork() == 0:
            spin(0.1)
            os._exit(0)
        time.sleep(0.12)

def holds_behind_dead_threads():
    def hold():
        time.sleep(0.2)
        kept = bytearray(200 << 20)
        kept[::4096] = bytes(range(256)) * 200
        time.sleep(2)
    for _ in range(3):
        if os.fork() == 0:
            threading.Thread(target=hold, daemon=True).start()
            KERNEL(ctypes.c_long(EXIT), ctypes.c_long(0))
    time.sleep(2)

def limits_the_supervisor():
    resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))

def idles_the_supervisor():
    os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))

def hides_in_shared_pages():
    mmap.mmap(-1, 4096)

def hides_in_sockets():
    for _ in range(12):
        if os.fork() == 0: break
    kept = [socket.socketpair() for _ in range(100)]
    time.sleep(100)

def takes_a_session():
    before = os.getsid(0)
    try: os.setsid()
    except OSError: pass
    return os.getsid(0) == before

def kills_everybody():
    os.kill(-1, 9)

def connects():
    socket.socket(socket.AF_INET).connect(("127.0.0.1", 22))

def looks_around():
    return os.path.exists("/proc/self"), os.listdir("/tmp"), bool(os.environ.get("HOME"))

def who_am_i():
    return os.getuid()

def becomes_root():
    os.setuid(0)

def makes_namespaces():
    os.unshare(os.CLONE_NEWUSER) if hasattr(os, "unshare") else torch.zeros(1).missing

def fills_the_disk():
    for n in range(100): open(f"/tmp/{n}", "wb").write(bytes(8 << 20))

def prints():
    while True: os.write(1, b"x" * 65536)

def fails_in_odd_ways():
    raise type("Odd", (BaseException,), {"__str__": lambda self: 1 / 0})()

def answers():
    return 5
"""
ENDS = {
    "computes_in_forgotten_children": "timed_out",
    "computes_behind_high_bits": "timed_out",
    "holds_behind_dead_threads": "out_of_memory",
    "limits_the_supervisor": "raised",
    "idles_the_supervisor": "raised",
    "hides_in_shared_pages": "raised",
    "hides_in_sockets": "out_of_memory",
    "takes_a_session": "returned",
    "kills_everybody": "died",
    "connects": "raised",
    "looks_around": "returned",
    "who_am_i": "returned",
    "becomes_root": "raised",
    "makes_namespaces": "raised",
    "prints": "output_limit",
    "fails_in_odd_ways": "raised",
    "fills_the_disk": "raised",
    "answers": "returned",
}
SCRIPT = """
import json, sys
from autograder.limits import Limits
from autograder.sandbox import cgroup
from autograder.sandbox.process import Sandbox

shapes, source, names = json.loads(sys.argv[1])
real = cgroup.Groups.find
limits = Limits(call_cpu_seconds=0.5, call_wall_seconds=20.0, memory_bytes=256 << 20,
                output_bytes=1 << 16)
told = []
for nested, counting in shapes:
    by_group = counting == "cgroup"
    cgroup.Groups.find = (lambda: real(needed=())) if by_group else (lambda: None)
    with Sandbox.start(nested=nested) as sandbox, sandbox.open(limits) as box:
        box.load([{"kind": "statements", "source": source, "label": ""}], names)
        ends, values = {}, {}
        for name in names:
            reply = box.call(name, (), {}, seed=0)
            ends[name] = reply.outcome
            values[name] = repr(reply.value)
        told.append([list(sandbox.walls), sandbox.nested, ends, values])
print(json.dumps(told))
"""
SHAPES = [
    (user, nested, counting)
    for user in ("root", "ordinary")
    for nested in (True, False)
    for counting in ("census", "cgroup")
]


@contextmanager
def group_for(user: str) -> Iterator[Path | None]:
    """A control group for a run to give away; None where there is none that one may write to."""
    own = cgroup.own_folder()
    if own is None or not os.access(own, os.W_OK):
        yield None
        return
    home = own.parent if own.name == cgroup.GRADER else own
    made = home / f"walls-of-{os.getpid()}-{user}"
    made.mkdir()
    try:
        if user == "ordinary" and os.geteuid() == 0:
            for name in ("", "cgroup.procs", "cgroup.subtree_control"):
                os.chown(made / name, 65534, 65534)
        yield made
    finally:
        for folder in sorted(made.rglob("*/"), reverse=True):
            folder.rmdir()
        made.rmdir()


@functools.cache
def run_as(user: str) -> dict[tuple[bool, str], list[Any]]:
    """What became of all families in each shape of a user's, one after another in one process."""
    with group_for(user) as group:
        shapes = [shape[1:] for shape in SHAPES if shape[0] == user]
        if group is None:
            shapes = [shape for shape in shapes if shape[1] == "census"]
        command = [sys.executable, "-c", SCRIPT, json.dumps([shapes, SOURCE, list(ENDS)])]
        enter = entering(group)
        if user == "root" or os.geteuid() != 0:
            done = subprocess.run(
                command,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
                preexec_fn=enter,
            )
        else:
            done = as_nobody(command, enter=enter)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(shapes, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape)))
def test_every_family_ends_alike_in_every_shape_of_the_walls(shape: tuple[str, bool, str]) -> None:
    user, nested, counting = shape
    if os.geteuid() != 0 and user == "root":
        pytest.skip("these tests run as an ordinary user: root's walls are not tried here")
    told = run_as(user)
    if (nested, counting) not in told:
        pytest.skip(f"no control group of version 2 that one may write to; try: {cgroup.GET_ONE}")
    walls, was_nested, ends, values = told[nested, counting]
    assert (walls, was_nested) == (["bubblewrap", "seccomp", counting], nested)
    assert ends == ENDS
    assert values["takes_a_session"] == "True"
    assert values["looks_around"].startswith("(False, [], ")
    assert values["answers"] == "5"
    assert os.geteuid() != 0 or int(values["who_am_i"]) >= 65534


def entering(group: Path | None) -> Callable[[], None] | None:
    """What puts a process into the group before it becomes another."""
    if group is None:
        return None

    def enter() -> None:
        (group / "cgroup.procs").write_text("0")

    return enter
