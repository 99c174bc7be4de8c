"""The walls and the limits, tried from the inside: a real sandbox, and code that wants out."""

from __future__ import annotations

import errno
import gzip
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_course
import torch
from conftest import ROOT

from autograder import doctor
from autograder.assignment import read_assignment
from autograder.errors import SandboxUnavailable
from autograder.grading.grader import Grader
from autograder.limits import Limits
from autograder.sandbox import bubblewrap, cgroup
from autograder.sandbox.box import Box
from autograder.sandbox.inside.meter import longest_wait
from autograder.sandbox.inside.walls import PENDING
from autograder.sandbox.process import Process, Sandbox


def load(box: Box, source: str, *names: str, kind: str = "statements") -> dict:
    return box.load([{"kind": kind, "source": source, "label": ""}], list(names)).header


def outcome(sandbox: Sandbox, limits: Limits, body: str) -> str:
    """How a call of a function with this body ends."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    with sandbox.open(limits) as box:
        load(box, f"import os, sys, time, torch\ndef f():\n{lines}\n", "f")
        reply = box.call("f", (), {}, seed=0)
        return reply.outcome if reply.outcome != "raised" else f"raised {reply.header['type']}"


# --- what comes back ------------------------------------------------------------------------------


def test_values_come_back_as_they_were(sandbox: Sandbox, quick: Limits) -> None:
    source = "import torch\ndef f(a, k=2):\n    return a + 1, [0.5] * 40, (k, None, True, 'text', float('nan'))\n"
    with sandbox.open(quick) as box:
        assert load(box, source, "f")["functions"] == {"f": {"a": None, "k": 2}}
        reply = box.call("f", (torch.eye(2),), {"k": 7}, seed=0)
    tensor, floats, rest = reply.value
    assert torch.equal(tensor, torch.eye(2) + 1)
    assert floats == [0.5] * 40
    assert rest[:4] == (7, None, True, "text")
    assert rest[4] != rest[4]


def test_a_seed_governs_torch_and_the_other_generators_are_always_seeded_alike(
    sandbox: Sandbox, quick: Limits
) -> None:
    source = "import random, numpy, torch\ndef f():\n    return torch.rand(2), random.random(), float(numpy.random.rand())\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        first, again, other = (box.call("f", (), {}, seed=seed).value for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert first[1:] == again[1:]
    assert not torch.equal(first[0], other[0])
    assert first[1:] == other[1:]


def test_every_call_starts_from_a_clean_state(sandbox: Sandbox, quick: Limits) -> None:
    source = "import torch\ntorch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\nseen = []\n"
    source += "def f(a):\n    seen.append(1)\n    a += 1\n    return torch.rand(2), len(seen), torch.is_grad_enabled()\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        for _ in range(2):
            reply = box.call("f", (torch.zeros(2),), {}, seed=0)
            drawn, calls, grad = reply.value
            assert drawn.dtype == torch.float32
            assert (calls, grad) == (1, True)
            assert torch.equal(reply.arguments[0], torch.ones(2))


def test_a_second_call_sees_what_the_first_one_left(sandbox: Sandbox, quick: Limits) -> None:
    source = "import torch\nseen = []\ndef f(a):\n    seen.append(1)\n    a += 1\n    return torch.rand(2), len(seen)\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        once, second = (
            box.call("f", (torch.zeros(2),), {}, seed=3, times=times) for times in (1, 2)
        )
    assert (once.value[1], second.value[1]) == (1, 2)
    assert torch.equal(once.value[0], second.value[0]), "both calls are seeded"
    assert torch.equal(second.arguments[0], torch.ones(2)), "both calls get fresh arguments"


def test_the_first_of_two_calls_has_half_of_every_number(sandbox: Sandbox, quick: Limits) -> None:
    source = (
        "import torch\nseen = []\ndef f(a, x, n, lr=1.0):\n    seen.append((a.clone(), x, n, lr))\n"
    )
    source += "    torch.set_grad_enabled(False)\n    return [*seen[0], torch.is_grad_enabled()]\n"
    source = source.replace(
        "    torch.set", "    enabled = torch.is_grad_enabled()\n    torch.set", 1
    )
    source = source.replace("torch.is_grad_enabled()]", "enabled]")
    A = torch.tensor([2.0, -4.0])
    with sandbox.open(quick) as box:
        load(box, source, "f")
        first, x, n, lr, enabled = box.call("f", (A, 3.0, 3), {"lr": 0.5}, seed=3, times=2).value
    assert torch.equal(first, A / 2)
    assert (x, n, lr) == (1.5, 3, 0.5)
    assert enabled is False, "what the first call sets for everybody stays"


def test_parameters_are_told_through_decorators(sandbox: Sandbox, quick: Limits) -> None:
    source = "import functools\ndef plain(f):\n    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n    return inner\n"
    source += "def kept(f):\n    return functools.wraps(f)(plain(f))\n"
    source += "@plain\n@plain\ndef f(a, lr=0.5):\n    return a\n@kept\ndef g(a, k=3):\n    return a\ndef h(*args):\n    return 1\n"
    with sandbox.open(quick) as box:
        told = load(box, source, "f", "g", "h")["functions"]
    assert told == {"f": {"a": None, "lr": 0.5}, "g": {"a": None, "k": 3}, "h": {"args": None}}


def test_each_statement_runs_by_itself(sandbox: Sandbox, quick: Limits) -> None:
    header = None
    with sandbox.open(quick) as box:
        header = load(
            box,
            "import nothing_of_this_name\ndef f():\n    return 1\nraise SystemExit\n1 / 0\ndef g():\n    return 2\n",
            "f",
            "g",
        )
    assert set(header["functions"]) == {"f", "g"}
    assert [error["type"] for error in header["errors"]] == [
        "ModuleNotFoundError",
        "SystemExit",
        "ZeroDivisionError",
    ]


def test_cells_run_in_a_shell_with_magics(sandbox: Sandbox, quick: Limits) -> None:
    cells = [
        "%matplotlib inline\n!ls /\n%pip install torch\nimport matplotlib.pyplot as plt",
        "plt.plot([1, 2]); plt.show()",
    ]
    cells += [
        "1 / 0",
        "x = input('your name: ')",
        "def f():\n    return 3",
        "%%bash\necho hi",
        "assert False",
    ]
    with sandbox.open(Limits()) as box:
        units = [
            {"kind": "cell", "source": source, "label": str(place)}
            for place, source in enumerate(cells, start=1)
        ]
        reply = box.load(units, ["f"])
        assert box.call("f", (), {}, seed=0).value == 3
    assert [(error["type"], error["where"].split(":")[0]) for error in reply.header["errors"]] == [
        ("ZeroDivisionError", "cell 3 line 1"),
        ("EOFError", "cell 4 line 1"),
        ("AssertionError", "cell 7 line 1"),
    ]


def test_an_endless_cell_costs_nobody_the_functions_around_it(
    sandbox: Sandbox, quick: Limits
) -> None:
    with sandbox.open(quick) as box:
        units = [
            "def f():\n    return 1",
            "while True: pass",
            "import time\ntime.sleep(100)\ndef g():\n    return 2",
        ]
        reply = box.load(
            [{"kind": "cell", "source": source, "label": "1"} for source in units], ["f", "g"]
        )
        assert reply.outcome == "loaded"
        assert box.call("f", (), {}, seed=0).value == 1
        assert box.call("g", (), {}, seed=0).value == 2


def test_an_error_tells_its_kind_its_words_and_its_line(sandbox: Sandbox, quick: Limits) -> None:
    with sandbox.open(quick) as box:
        load(box, "def f(x):\n    y = x + 1\n    return y[3]\n", "f")
        reply = box.call("f", (torch.zeros(2),), {}, seed=0)
    assert reply.outcome == "raised"
    assert reply.message.startswith("IndexError: index 3 is out of bounds")
    assert reply.message.endswith("(submission line 3: return y[3])")


# --- limits ---------------------------------------------------------------------------------------

BREACHES = {
    "while True: pass": "timed_out",
    "time.sleep(1000)": "timed_out",
    "os.fork() or time.sleep(1000)\nos.setsid()\nwhile True: time.sleep(1)": "timed_out",
    "import signal\nfor n in (1, 2, 14, 15, 24): signal.signal(n, signal.SIG_IGN)\nwhile True: pass": "timed_out",
    "return torch.zeros(10**9)": "out_of_memory",
    "x = []\nwhile True: x.append(bytearray(10**7))": "out_of_memory",
    "while True: print('x' * 10000)": "output_limit",
    "while True: os.write(2, b'x' * 10000)": "output_limit",
    "return torch.zeros(2 * 10**7)": "output_limit",
    "os._exit(0)": "died",
    "os.kill(os.getpid(), 9)": "died",
    "import ctypes\nctypes.string_at(0)": "died",
    "os.kill(-1, 9)": "died",
    "os.kill(os.getppid(), 9)": "died",
    "os.kill(os.getppid(), 15)": "died",
    "os.kill(os.getppid(), 19)": "timed_out",
    "os.closerange(3, 100)": "died",
    "sys.exit(0)": "raised SystemExit",
    "while True: os.fork()": "raised BlockingIOError",
    "open('/tmp/big', 'wb').write(bytes(40 << 20))": "raised OSError",
    "for n in range(10**6): open(f'/tmp/{n}', 'w')": "raised OSError",
    "return [open('/dev/null') for _ in range(1000)]": "raised OSError",
    "def g(n): return g(n + 1)\nreturn g(0)": "raised RecursionError",
    "raise KeyboardInterrupt": "raised KeyboardInterrupt",
}


@pytest.mark.parametrize("body", BREACHES, ids=lambda body: body[:40])
def test_a_broken_limit_ends_in_its_own_outcome_and_the_next_call_is_untouched(
    sandbox: Sandbox, body: str
) -> None:
    limits = Limits(
        call_cpu_seconds=1.0,
        call_wall_seconds=4.0,
        memory_bytes=256 << 20,
        output_bytes=1 << 16,
        reply_bytes=1 << 20,
        processes=24,
    )
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    with sandbox.open(limits) as box:
        load(
            box,
            f"import os, sys, time, torch\ndef f():\n{lines}\ndef g():\n    return 5\n",
            "f",
            "g",
        )
        start = time.monotonic()
        reply = box.call("f", (), {}, seed=0)
        seconds = time.monotonic() - start
        ended = reply.outcome if reply.outcome != "raised" else f"raised {reply.header['type']}"
        assert ended == BREACHES[body], reply.message
        assert (
            seconds < 30
        )  # generous: this machine may be busy; docs/limits.md has the measured times
        assert box.call("g", (), {}, seed=0).value == 5


# --- what hides ---------------------------------------------------------------------------------

COMPUTE = """
import os, signal, time
def compute(seconds):
    start = time.process_time()
    while time.process_time() - start < seconds: pass
def children(count, seconds):
    for _ in range(count):
        if os.fork() == 0:
            compute(seconds)
            os._exit(0)
    for _ in range(count):
        os.wait()
def forgets():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True: children(1, 0.1)
def orphans():
    while True:
        if os.fork() == 0:
            if os.fork() == 0: compute(0.1)
            os._exit(0)
        os.wait()
        time.sleep(0.1)
def for_ever():
    while True: pass
"""


def test_what_children_computed_is_in_the_account_of_the_call(sandbox: Sandbox) -> None:
    with sandbox.open(Limits()) as box:
        load(box, COMPUTE, "children")
        before = box.cpu_seconds
        assert box.call("children", (3, 0.4), {}, seed=0).outcome == "returned"
        assert 1.1 < box.cpu_seconds - before < 1.6


@pytest.mark.parametrize("function", ["forgets", "orphans"])
def test_computing_counts_whoever_waits_for_the_children(sandbox: Sandbox, function: str) -> None:
    with sandbox.open(Limits(call_cpu_seconds=1.0, call_wall_seconds=20.0)) as box:
        load(box, COMPUTE, function)
        reply = box.call(function, (), {}, seed=0)
    assert reply.message == "stopped after 1 s of computing"


def test_sockets_count_as_memory(sandbox: Sandbox) -> None:
    source = "import os, socket, time\ndef f():\n    for _ in range(12):\n"
    source += "        if os.fork() == 0: break\n"
    source += "    kept = [socket.socketpair() for _ in range(100)]\n    time.sleep(1000)\n"
    with sandbox.open(Limits(memory_bytes=256 << 20)) as box:
        load(box, source, "f")
        reply = box.call("f", (), {}, seed=0)
    assert (reply.outcome, box.by_clock) == ("out_of_memory", "")


def test_page_tables_count_as_memory(sandbox: Sandbox) -> None:
    """Pages that hold nothing and lie far apart: hardly any memory of a process's own."""
    source = "import ctypes, mmap, os, time\nlibc = ctypes.CDLL(None)\n"
    source += "libc.mmap.restype = ctypes.c_void_p\n"
    source += "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3]\n"
    source += "libc.mmap.argtypes += [ctypes.c_long]\ndef f():\n    for _ in range(4):\n"
    source += "        if os.fork() == 0: break\n    for number in range(12_000):\n"
    source += "        page = libc.mmap((1 << 44) + (number << 21), 4096, 1, 0x22, -1, 0)\n"
    source += "        ctypes.string_at(page, 1)\n    time.sleep(1000)\n"
    with sandbox.open(Limits(memory_bytes=96 << 20, call_wall_seconds=10.0)) as box:
        load(box, source, "f")
        reply = box.call("f", (), {}, seed=0)
    assert (reply.outcome, box.by_clock) == ("out_of_memory", "")


BANK = ROOT / "tests" / "hostile" / "resources"
IN_PLACE = "memory_in_place_of_the_shared"


@pytest.mark.parametrize("trick", ["memory_behind_dead_threads", IN_PLACE])
def test_memory_counts_whatever_a_process_says_of_itself(sandbox: Sandbox, trick: str) -> None:
    if trick == IN_PLACE and platform.machine() != "x86_64":
        pytest.skip("the trick is machine code of x86-64: it cannot be tried here")
    limits = Limits(call_wall_seconds=10.0, memory_bytes=128 << 20, processes=40)
    with sandbox.open(limits) as box:
        load(box, (BANK / f"{trick}.py").read_text(encoding="utf-8"), "sgd_factorise")
        assert box.call("sgd_factorise", (), {}, seed=0).outcome == "out_of_memory"


# children of the top level that take 200 MiB together, or compute, when it is long over
LATER = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.3)
        kept = b"1" * (50 << 20)
        while {computes}: pass
        time.sleep(1000)
def f(x):
    return x
"""
# a top level that says it were over and hears no call, while its children do
UNHEARD = """
import fcntl, json, os, struct, sys, time
frame = sys._getframe()
while "replies" not in frame.f_locals: frame = frame.f_back
fcntl.fcntl(frame.f_locals["requests"], 1031, 4096)
told = {"outcome": "loaded", "functions": {"f": {}}, "errors": [], **frame.f_locals["number"]}
text = json.dumps(told).encode()
os.write(frame.f_locals["replies"], struct.pack("!II", len(text), 0) + text)
def f(x): pass
"""


@pytest.mark.parametrize("pause", [1.0, 0.0], ids=["grader-computes", "calls-are-short"])
def test_memory_counts_between_calls_too(sandbox: Sandbox, pause: float) -> None:
    with sandbox.open(Limits(memory_bytes=64 << 20)) as box:
        load(box, LATER.format(computes=False), "f")
        time.sleep(pause)
        ends, over = set(), time.monotonic() + 20.0
        while ends <= {"returned"} and time.monotonic() < over:
            ends.add(box.call("f", (1,), {}, seed=0, apart=True).outcome)
            over = 0.0 if pause else over
        assert "out_of_memory" in ends
        assert box.call("f", (1,), {}, seed=0).value == 1


def test_computing_counts_between_calls_too(sandbox: Sandbox) -> None:
    with sandbox.open(Limits(call_cpu_seconds=0.5)) as box:
        load(box, LATER.format(computes=True), "f")
        over, reply = time.monotonic() + 20.0, None
        while (reply is None or reply.outcome == "returned") and time.monotonic() < over:
            time.sleep(2.5)  # on a busy machine what nobody asked for takes a while
            reply = box.call("f", (1,), {}, seed=0)
        assert reply is not None and reply.message == "stopped after 0.5 s of computing"
        assert (box.by_clock, box.cpu_seconds < 1.2) == ("computed", True)


def test_memory_counts_while_a_call_is_handed_over(sandbox: Sandbox) -> None:
    source = UNHEARD + LATER.format(computes=False) + "time.sleep(1000)\n"
    with sandbox.open(Limits(memory_bytes=64 << 20, call_wall_seconds=3.0)) as box:
        load(box, source, "f")
        assert box.call("f", (torch.rand(60, 60),), {}, seed=0).outcome == "out_of_memory"


@pytest.mark.parametrize("kind", ["progress", "started", "ended", "stays"])
def test_a_frame_of_two_kinds_ends_no_supervisor(
    sandbox: Sandbox, quick: Limits, kind: str
) -> None:
    with sandbox.open(quick) as box:
        load(box, UNHEARD.replace('"errors": []', f'"{kind}": 0'), "f")
        assert box.call("f", (1,), {}, seed=0).outcome == "returned"


# a call that says it waits for the next one, and has not answered
STAYS = """
import json, os, struct, sys, time
def f():
    frame = sys._getframe()
    while "replies" not in frame.f_locals: frame = frame.f_back
    text = json.dumps({"stays": True, **frame.f_locals["number"]}).encode()
    os.write(frame.f_locals["replies"], struct.pack("!II", len(text), 0) + text)
    time.sleep(1000)
def g():
    return 5
"""


def test_to_say_that_one_stays_is_no_answer(sandbox: Sandbox, quick: Limits) -> None:
    with sandbox.open(quick) as box:
        load(box, STAYS, "f", "g")
        reply = box.call("f", (), {}, seed=0)
        assert (reply.outcome, reply.message) == ("died", "the process ended without an answer")
        assert box.call("g", (), {}, seed=0).value == 5


# a call whose child comes back from it, in one way and in another
COMES_BACK = """
import os, sys, time
own = os.getpid()
def returns():
    if os.fork() == 0: return 9
    os.wait()
    return 5
def exits():
    if os.fork() == 0: sys.exit(0)
    os.wait()
    return 5
def first():
    os.fork()
    return 5
def whose():
    return os.getppid() == own
"""


@pytest.mark.parametrize("function", ["returns", "exits", "first"])
def test_a_child_that_comes_back_from_a_call_is_not_heard(
    sandbox: Sandbox, quick: Limits, function: str
) -> None:
    with sandbox.open(quick) as box:
        load(box, COMES_BACK, function, "whose")
        for _ in range(3):
            assert box.call(function, (), {}, seed=0).value == 5
            assert box.call("whose", (), {}, seed=0).value is True
        assert box.by_clock == ""


def test_a_child_that_comes_back_from_the_top_level_is_not_heard(
    sandbox: Sandbox, quick: Limits
) -> None:
    source = COMES_BACK + "if os.fork(): time.sleep(0.2)\n"
    with sandbox.open(quick) as box:
        load(box, source, "whose")
        for apart in (False, False, True, False):
            assert box.call("whose", (), {}, seed=0, apart=apart).value is True
        assert box.by_clock == ""


# calls that leave something running, which counts when they are long over
GOES_ON = """
import _thread, signal, time
class Count: n = 0
def more(*_): Count.n += 1
signal.signal(signal.SIGALRM, more)
def timer():
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return Count.n
def thread():
    _thread.start_new_thread(lambda: (time.sleep(0.05), more()), ())
    return Count.n
"""


@pytest.mark.parametrize("function", ["timer", "thread"])
def test_what_a_call_leaves_running_is_not_there_in_the_next(
    sandbox: Sandbox, quick: Limits, function: str
) -> None:
    with sandbox.open(quick) as box:
        load(box, GOES_ON, function)
        for _ in range(3):
            assert box.call(function, (), {}, seed=0).value == 0
            time.sleep(0.2)


def test_many_processes_that_hold_little_are_no_matter_of_memory(sandbox: Sandbox) -> None:
    source = "import os, time\ndef f():\n    for _ in range(20):\n"
    source += "        if os.fork() == 0: time.sleep(1); os._exit(0)\n"
    source += "    for _ in range(20): os.wait()\n    return 5\n"
    with sandbox.open(Limits(memory_bytes=128 << 20)) as box:
        load(box, source, "f")
        assert box.call("f", (), {}, seed=0).value == 5


def test_timers_of_a_box_are_few_and_newer_calls_are_not_there(
    sandbox: Sandbox, quick: Limits
) -> None:
    source = (BANK / "timers.py").read_text(encoding="utf-8")
    source += "def newer():\n    answers = [LIBC.syscall(n, 0, 0, 0, 0) for n in (457, 458, 467)]\n"
    source += "    return answers, ctypes.get_errno()\n"
    with sandbox.open(quick) as box:
        load(box, source, "sgd_factorise", "newer")
        told = box.call("sgd_factorise", (), {}, seed=0).header
        assert (told["type"], told["message"]) == ("ValueError", str(PENDING))
        assert box.call("newer", (), {}, seed=0).value == ([-1, -1, -1], errno.ENOSYS)


def test_no_huge_page_and_no_queue_of_events_can_be_had(sandbox: Sandbox, quick: Limits) -> None:
    source = "import ctypes, mmap\ndef f(huge):\n"
    source += (
        "    if huge: mmap.mmap(-1, 2 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 1 << 18)\n"
    )
    source += "    return ctypes.CDLL(None).inotify_init1(0)\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        assert box.call("f", (False,), {}, seed=0).value == -1
        assert box.call("f", (True,), {}, seed=0).message.startswith("PermissionError")


def test_no_process_of_a_box_has_a_session_of_its_own(sandbox: Sandbox, quick: Limits) -> None:
    source = "import os\ndef f():\n    before = os.getsid(0)\n    os.setsid()\n"
    source += "    return os.getsid(0) == before == os.getsid(os.getppid())\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        assert box.call("f", (), {}, seed=0).value is True


def test_locks_hold_nothing_in_the_kernel(sandbox: Sandbox, quick: Limits) -> None:
    source = "import fcntl, os\ndef f():\n    file = open('/tmp/x', 'w')\n"
    source += "    fcntl.lockf(file, fcntl.LOCK_EX)\n"
    source += (
        "    if os.fork() == 0:\n        try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    )
    source += "        except OSError: os._exit(1)\n        os._exit(0)\n    return os.wait()[1]\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        assert box.call("f", (), {}, seed=0).value == 0


def test_an_endless_loop_ends_by_computing_where_others_have_the_processors(
    sandbox: Sandbox,
) -> None:
    hogs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        with sandbox.open(Limits(call_cpu_seconds=1.0, call_wall_seconds=1.2)) as box:
            load(box, COMPUTE, "for_ever")
            reply = box.call("for_ever", (), {}, seed=0)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    # on a machine with yet more to do the wall clock ends it, which then counts for nothing
    assert reply.message == "stopped after 1 s of computing" or box.by_clock == "crowded"


def test_the_wall_clock_leaves_out_the_longest_wait_of_one_process() -> None:
    before = {"5": 1.0, "6": 2.0}
    assert longest_wait({"5": 1.5, "6": 2.25, "7": 0.125}, before) == 0.5
    assert longest_wait({}, before) == 0.0


CGROUP = cgroup.own_folder()


@pytest.fixture
def grouped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose boxes have control groups, with whatever controllers there are here."""
    real = cgroup.Groups.find
    monkeypatch.setattr(cgroup.Groups, "find", lambda: real(needed=()))
    home = CGROUP
    try:
        with Sandbox.start() as started:
            yield started
    finally:
        if home is not None:
            (home / "cgroup.procs").write_text(str(os.getpid()))


@pytest.mark.skipif(
    CGROUP is None or not os.access(CGROUP, os.W_OK),
    reason=f"no control group of version 2 that one may write to; try: {cgroup.GET_ONE}",
)
def test_a_box_has_a_control_group_where_one_can_be_made(grouped: Sandbox) -> None:
    assert CGROUP is not None
    assert grouped.walls[-1] == "cgroup"
    with grouped.open(Limits(call_cpu_seconds=1.0, call_wall_seconds=20.0)) as box:
        load(box, COMPUTE, "children", "forgets")
        assert box.group is not None
        before = box.group.cpu_used()
        box.call("children", (3, 0.2), {}, seed=0)
        assert 0.55 < (box.group.cpu_used() - before) / 1e6 < 1.0
        assert box.call("forgets", (), {}, seed=0).message == "stopped after 1 s of computing"
    grouped.close()
    assert not list(CGROUP.glob(f"autograder-{os.getpid()}-*"))


def test_without_a_control_group_the_census_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "own_folder", lambda: tmp_path / "nowhere")
    with Sandbox.start() as started:
        assert started.walls == ("bubblewrap", "seccomp", "census")
    monkeypatch.setattr(cgroup, "own_folder", lambda: tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    assert cgroup.Groups.find() is None, "a folder in which groups do not come to be"
    assert not (tmp_path / cgroup.GRADER / "box").exists()


def test_data_loaders_and_compiled_functions_work_in_one_process(
    sandbox: Sandbox, quick: Limits
) -> None:
    source = """
import torch
from torch.utils.data import DataLoader, TensorDataset
class Mine(DataLoader):
    def __init__(self, data): super().__init__(data, 2, num_workers=2, persistent_workers=True)
def f():
    data = TensorDataset(torch.arange(6.0))
    loaders = [
        DataLoader(data, 2, True, num_workers=2, prefetch_factor=3, timeout=5),
        DataLoader(data, 2, False, None, None, 4),
        Mine(data),
    ]
    return [sum(float(batch[0].sum()) for batch in loader) for loader in loaders]
@torch.compile
def g():
    return torch.ones(2) * 2
"""
    with sandbox.open(replace(quick, call_wall_seconds=5.0, call_cpu_seconds=3.0)) as box:
        load(box, source, "f", "g")
        assert box.call("f", (), {}, seed=0).value == [15.0, 15.0, 15.0]
        assert box.call("g", (), {}, seed=0).value.tolist() == [2.0, 2.0]


OPTIMISERS = """
import sys, torch
def steps():
    ends = {}
    for name in sorted(torch.optim.__all__):
        kind = vars(torch.optim)[name]
        if not isinstance(kind, type) or name in ("Optimizer", "SparseAdam"):
            continue
        x = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
        optimiser = kind([x], lr=0.1)
        def loss():
            optimiser.zero_grad()
            value = ((x @ x - torch.eye(2)) ** 2).mean()
            value.backward()
            return value
        for _ in range(3):
            optimiser.step(loss)
        ends[name] = x.detach()
    square = torch.func.vmap(torch.func.grad(lambda t: t ** 3))
    ends["func.grad"] = square(torch.tensor([1.0, 2.0]))
    return [[name, end] for name, end in ends.items()]
def compiler():
    return [name for name in sys.modules if name.startswith("torch._dynamo")]
def wanted():
    steps()
    import torch._dynamo
    import torch._dynamo.config
    x = torch.ones(2, requires_grad=True)
    optimiser = torch.optim.Adam([x], lr=0.5)
    x.sum().backward()
    optimiser.step()
    loaded = torch._dynamo is sys.modules["torch._dynamo"]
    return torch._dynamo.is_compiling(), loaded, x.detach()
"""


def test_optimisers_step_as_ever_without_the_compiler(sandbox: Sandbox, quick: Limits) -> None:
    here: dict[str, Any] = {}
    exec(OPTIMISERS, here)
    with sandbox.open(replace(quick, call_wall_seconds=60.0, call_cpu_seconds=30.0)) as box:
        load(box, OPTIMISERS, "steps", "compiler", "wanted")
        ends = box.call("steps", (), {}, seed=0).value
        expected = here["steps"]()
        assert len(expected) > 10 and [name for name, _ in ends] == [name for name, _ in expected]
        for (name, end), (_, other) in zip(ends, expected, strict=True):
            assert torch.equal(end, other), name
        assert box.call("compiler", (), {}, seed=0).value == []
        compiling, loaded, x = box.call("wanted", (), {}, seed=0).value
        assert (compiling, loaded) == (False, True)
        assert x.tolist() == pytest.approx([0.5, 0.5])


COMMON = """
import sys, numpy, torch
def imported():
    before = set(sys.modules)
    v = torch.rand(3, requires_grad=True)
    (v * v).backward(torch.ones(3))
    torch.autograd.grad(v * v, v, grad_outputs=torch.ones(3))
    optimiser = torch.optim.lr_scheduler.StepLR(torch.optim.SGD([v], lr=0.1, momentum=0.9), 1)
    optimiser.step()
    torch.func.vmap(torch.func.grad(lambda t: t * t))(v.detach())
    torch.nn.functional.mse_loss(torch.nn.Linear(3, 3)(v), v).backward()
    torch.linalg.lstsq(torch.rand(3, 3), torch.linalg.pinv(torch.rand(3, 3)))
    numpy.random.rand(3) @ numpy.fft.fft(numpy.ones(3)).real
    torch.utils.data.DataLoader([1, 2])
    return sorted(set(sys.modules) - before)
"""


def test_what_students_use_is_loaded_before_they_come(sandbox: Sandbox, quick: Limits) -> None:
    with sandbox.open(replace(quick, call_wall_seconds=60.0, call_cpu_seconds=30.0)) as box:
        load(box, COMMON, "imported")
        assert box.call("imported", (), {}, seed=0).value == []


SHAPES = """
import sys, torch
def mismatched():
    v = torch.rand(3, requires_grad=True)
    try: (v * v).backward(torch.ones(2))
    except RuntimeError as error: return str(error), "sympy" in sys.modules
def wanted():
    from torch.fx.experimental.symbolic_shapes import ShapeEnv, sym_eq
    v = torch.rand(3, requires_grad=True)
    (v * v).backward(torch.ones(3))
    return ShapeEnv.__name__, sym_eq((1, 2), (1, 3)), torch.equal(v.grad, 2 * v)
"""


def test_shapes_are_compared_without_sympy(sandbox: Sandbox, quick: Limits) -> None:
    with sandbox.open(replace(quick, call_wall_seconds=60.0, call_cpu_seconds=30.0)) as box:
        load(box, SHAPES, "mismatched", "wanted")
        said, loaded = box.call("mismatched", (), {}, seed=0).value
        assert "shape of torch.Size([2])" in said and not loaded
        assert box.call("wanted", (), {}, seed=0).value == ("ShapeEnv", False, True)


# with no file to be opened any more, the first process of a box cannot say which user it is
NAMELESS = """
import os, resource
from autograder.sandbox.inside import walls
walls.libc()
walls.ctypes.PyDLL(None)
number = os.open("/", os.O_RDONLY)
os.close(number)
resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
try: pid = walls.fork_into_namespaces()
except OSError: pid = 0
print("came back", os.waitpid(pid, 0)[1] if pid else "twice", flush=True)
"""


def test_a_first_process_without_a_user_ends(sandbox: Sandbox) -> None:
    if not sandbox.nested:
        pytest.skip("this machine lets nobody but bubblewrap make namespaces")
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "came back 256\n", done.stderr


# --- walls ------------------------------------------------------------------------------------------------------------

DENIED = [
    "import socket; socket.socket()",
    "import subprocess; subprocess.run(['/usr/bin/true'])",
    "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "import ctypes; assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
    "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "import ctypes; assert ctypes.CDLL(None).mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'') == 0",
    "os.memfd_create('x')",
    "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE)",
    "os.sched_setaffinity(1, {0})",
    "open('/proc/self/environ').read()",
    "open('/proc/sys/kernel/core_pattern', 'w')",
    "open('/etc/passwd').read()",
    "os.listdir('/home')",
    "open('/run/inside.py', 'a')",
    "open(torch.__file__, 'a')",
    "os.mkdir('/new')",
    "os.setuid(0)",
    "os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0))",
    "os.chroot('/tmp')",
    f"os.listdir({str(ROOT / 'reference_solutions')!r})",
    "import mmap; mmap.mmap(-1, 4096)",
    "import mmap; mmap.mmap(-1, 4096, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | 0x02)",
    "open('/dev/zero', 'r+b')",
    "import ctypes; assert ctypes.CDLL(None).msgget(0, 0o1600) >= 0",
    "import socket; socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)",
    "import socket; socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 33, 1)",
    "import fcntl; fcntl.fcntl(open('/tmp/x', 'w'), fcntl.F_SETLEASE, fcntl.F_WRLCK)",
    "import fcntl; fcntl.fcntl(open('/tmp/x', 'w'), fcntl.F_GETLEASE)",
]


@pytest.mark.parametrize("body", DENIED)
def test_what_is_not_python_is_out_of_reach(sandbox: Sandbox, quick: Limits, body: str) -> None:
    assert outcome(sandbox, quick, body) in (
        "raised PermissionError",
        "raised OSError",
        "raised FileNotFoundError",
        "raised AssertionError",
    )


def test_what_the_kernel_would_refuse_itself_does_not_reach_it(
    sandbox: Sandbox, quick: Limits
) -> None:
    source = "import ctypes, socket\nlibc = ctypes.CDLL(None, use_errno=True)\ndef f():\n"
    source += "    socket.socketpair()\n    told = []\n    pair = (ctypes.c_int * 2)()\n"
    source += "    for family in (0, 2, 10, 16, 17, 30, 40, 44, -1):\n"
    source += "        libc.socketpair(family, 1, 0, pair); told.append(ctypes.get_errno())\n"
    source += "    libc.prctl(62, 0, 0, 0, 0); return told + [ctypes.get_errno()]\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        assert box.call("f", (), {}, seed=0).value == [errno.EPERM] * 10


def test_the_supervisor_cannot_be_signalled_or_seen(sandbox: Sandbox, quick: Limits) -> None:
    body = "for n in (2, 9, 15, 19):\n    os.kill(1, n)\ntime.sleep(0.2)\nreturn 1"
    assert outcome(sandbox, quick, body) == "returned"


def test_the_supervisor_keeps_its_turn(sandbox: Sandbox, quick: Limits) -> None:
    source = "import os\ndef f():\n    os.setpriority(os.PRIO_USER, 0, 19)\n    os.nice(19)\n"
    source += "    return os.getpriority(os.PRIO_PROCESS, 1)\n"
    with sandbox.open(quick) as box:
        load(box, source, "f")
        assert box.call("f", (), {}, seed=0).value == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_submission_sees_no_environment_but_its_own(
    sandbox: Sandbox, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sandbox.open(quick) as box:
        load(box, "import os\ndef f():\n    return ' '.join(sorted(os.environ))\n", "f")
        names = set(box.call("f", (), {}, seed=0).value.split())
    assert names <= set(bubblewrap.environment()) | {
        "PWD",
        "LC_CTYPE",
        "KMP_INIT_AT_FORK",
        "KMP_DUPLICATE_LIB_OK",
        "TORCHINDUCTOR_CACHE_DIR",
    }


def test_one_submission_leaves_nothing_for_the_next(sandbox: Sandbox, quick: Limits) -> None:
    with sandbox.open(quick) as box:
        source = "import os, torch\nopen('/tmp/left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')\ntorch.left = 1\n"
        source += "if os.fork() == 0:\n    os.setsid()\n    while True: pass\n"
        load(box, source)
    with sandbox.open(quick) as box:
        load(
            box,
            "import os, torch\ndef f():\n    return os.path.exists('/tmp/left'), os.path.exists('/dev/shm/left'), hasattr(torch, 'left')\n",
            "f",
        )
        assert box.call("f", (), {}, seed=0).value == (False, False, False)


def test_files_that_all_boxes_see_carry_no_word(sandbox: Sandbox, quick: Limits) -> None:
    """Python's own files and the devices: neither a lock, nor a time, nor who reads them."""
    source = "import fcntl, os, time\nFILE = open(os.__file__)\n"
    source += "def f():\n    fcntl.flock(FILE, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    source += "    before = [os.stat(device).st_mtime_ns for device in DEVICES]\n"
    source += "    for device in DEVICES: os.utime(device)\n    os.utime(0)\n    os.sync()\n"
    source += "    after = [os.stat(device).st_mtime_ns for device in DEVICES]\n    denied = 0\n"
    source += "    for command in (1026, 1036, 1038):\n"
    source += "        try: fcntl.fcntl(FILE, command, bytes(8))\n"
    source += "        except PermissionError: denied += 1\n"
    source += "    return before == after, denied, os.uname().nodename\n"
    source += f"DEVICES = {bubblewrap.DEVICES}\n"
    with sandbox.open(quick) as one, sandbox.open(quick) as other:
        for box in (one, other):
            load(box, source, "f")
        for box in (one, other):
            assert box.call("f", (), {}, seed=0).value == (True, 3, "sandbox")


def test_no_process_of_a_submission_outlives_its_box(sandbox: Sandbox, quick: Limits) -> None:
    mark = f"mark{os.getpid()}"
    with sandbox.open(quick) as box:
        source = f"import ctypes, os\nctypes.CDLL(None).prctl(15, b'{mark}', 0, 0, 0)\n"
        source += "for _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        while True: pass\n"
        load(box, source)
        assert processes_called(mark)
    deadline = time.monotonic() + 20
    while processes_called(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_called(mark)


def processes_called(name: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found += [folder.name] if (folder / "comm").read_text().strip() == name else []
        except OSError:
            continue
    return found


def test_without_nested_namespaces_every_submission_has_a_sandbox_of_its_own(quick: Limits) -> None:
    source = "import os, time\ndef f():\n    return 1\ndef g():\n    os.kill(-1, 9)\n"
    source += "def h():\n    while True: pass\n"
    hog = "import os, time\ndef f():\n    for _ in range(100):\n        try:\n"
    hog += "            if os.fork() == 0: time.sleep(100)\n        except OSError: return _\n"
    few = replace(quick, processes=20)
    slow = Sandbox.start(nested=False)
    with slow, slow.open(few) as box, slow.open(few) as neighbour:
        assert not slow.nested
        load(neighbour, hog, "f")
        assert neighbour.call("f", (), {}, seed=0).value < 20  # what it made sleeps on
        load(box, source, "f", "g", "h")
        assert [box.call(name, (), {}, seed=0).outcome for name in "fghf"] == [
            "returned",
            "died",
            "timed_out",
            "returned",
        ]


def test_without_nested_namespaces_the_walls_are_the_same(quick: Limits) -> None:
    bodies = {f"f{number}": body for number, body in enumerate(DENIED)}
    source = "import os, sys, time, torch\n" + "".join(
        f"def {name}():\n    {body}\n" for name, body in bodies.items()
    )
    source += "def hidden():\n    return os.path.exists('/proc'), sorted(os.listdir('/dev'))\n"
    source += "def fills(folder):\n"
    source += "    for n in range(9): open(f'{folder}/{n}', 'wb').write(bytes(8 << 20))\n"
    source += "def litters():\n    for n in range(10**7): open(f'/tmp/{n}', 'w')\n"
    limits = replace(quick, call_cpu_seconds=3.0, call_wall_seconds=20.0, load_wall_seconds=10.0)
    names = [*bodies, "hidden", "fills", "litters"]
    with Sandbox.start(nested=False) as slow, slow.open(limits) as box:
        load(box, source, *names)
        for name, body in bodies.items():
            assert box.call(name, (), {}, seed=0).outcome == "raised", body
        proc, devices = box.call("hidden", (), {}, seed=0).value
        assert not proc
        assert devices == ["full", "null", "random", "shm", "urandom"]
        for folder in ("/dev/shm", "/tmp"):
            assert box.call("fills", (folder,), {}, seed=0).header["type"] == "OSError"
        assert box.call("litters", (), {}, seed=0).outcome == "out_of_memory"


def test_without_bubblewrap_grading_refuses_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SandboxUnavailable, match=r"apt-get install bubblewrap.*--no-sandbox"):
        Sandbox.start()


@pytest.mark.parametrize(
    ("version", "changelog", "good"),
    [
        ("bubblewrap 0.12.0", "", True),
        ("bubblewrap 1.0", "", True),
        ("bubblewrap 0.11.9", "  * Fix an older hole (CVE-2020-5291)", False),
        ("bubblewrap 0.8.0", "  * Mend a hole (CVE-2026-87766)", True),
        ("no version at all", "", False),
    ],
)
def test_the_version_of_bubblewrap_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, changelog: str, good: bool
) -> None:
    packed = tmp_path / "changelog.Debian.gz"
    packed.write_bytes(gzip.compress(changelog.encode()))
    monkeypatch.setattr(bubblewrap, "version", lambda: version)
    monkeypatch.setattr(doctor, "CHANGELOGS", (tmp_path / "none", packed))
    finding = doctor.bubblewrap_version()
    assert (finding.good, finding.needed) == (good, False)
    assert good or "0.12.0" in finding.mend or finding.found == "cannot be told"


def test_doctor_says_who_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "own_folder", lambda: None)
    finding = doctor.counting()
    assert "census" in finding.found
    assert "systemd-run --user --scope -p Delegate=yes" in finding.mend
    monkeypatch.setattr(cgroup, "own_folder", lambda: tmp_path / cgroup.GRADER)
    assert str(tmp_path) in doctor.counting().found


def test_where_namespaces_are_refused_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="AppArmor"):
        Sandbox.start()


# --- a sandbox that boots beside something else ---------------------------------------------------


def started_by(pid: int) -> set[tuple[int, str]]:
    """The processes below one, each with the time at which it began: a number may come again."""
    children: dict[int, set[tuple[int, str]]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(words[1]), set()).add((int(file.parent.name), words[19]))
    found, waiting = set(), [pid]
    while waiting:
        below = children.get(waiting.pop(), set()) - found
        found |= below
        waiting += [number for number, _ in below]
    return found


def run_on(processes: set[tuple[int, str]]) -> set[int]:
    """Those of some processes that have not ended, wherever they hang now."""
    left = set()
    for number, began in processes:
        try:
            words = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        left |= {number} if words[19] == began and words[0] != "Z" else set()
    return left


def comes_to_be(what: Callable[[], bool]) -> bool:
    """Whether something is so within 20 seconds."""
    deadline = time.monotonic() + 20
    while not (so := what()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return so


@pytest.fixture
def nothing_is_left() -> Iterator[set[tuple[int, str]]]:
    """Fails where a test leaves a process of its own, also one that has ended and was not waited
    for, or a descriptor. It gives those that there were before.
    """
    before, opened = started_by(os.getpid()), os.listdir("/proc/self/fd")
    yield before
    assert not started_by(os.getpid()) - before
    assert len(os.listdir("/proc/self/fd")) == len(opened)


def test_a_sandbox_that_boots_and_is_never_waited_for_leaves_no_process(
    tmp_path: Path, nothing_is_left: set[tuple[int, str]]
) -> None:
    grader = Grader(read_assignment(tiny_course.write(tmp_path)), secret="none")
    grader.begin()
    grader.begin()  # it boots already

    def below() -> set[tuple[int, str]]:
        return started_by(os.getpid()) - nothing_is_left

    assert comes_to_be(lambda: len(below()) > 1), "bubblewrap, and what it has started"
    booting = below()
    grader.close()
    assert comes_to_be(lambda: not run_on(booting))
    grader.close()


@pytest.mark.parametrize("waited", [True, False])
def test_a_boot_that_failed_is_ended_like_any_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nothing_is_left: set[tuple[int, str]],
    waited: bool,
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho no namespaces >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    starting = Sandbox.begin()
    if waited:
        with pytest.raises(SandboxUnavailable, match="no namespaces"):
            starting.ready()
    starting.end()
    starting.end()


@pytest.mark.parametrize("isolation", ["sandbox", "none"])
def test_who_waits_for_a_boot_and_is_interrupted_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, nothing_is_left: set[tuple[int, str]], isolation: str
) -> None:
    def interrupted(process: Process) -> dict:
        raise KeyboardInterrupt

    monkeypatch.setattr(Process, "ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Sandbox.start(isolation)
