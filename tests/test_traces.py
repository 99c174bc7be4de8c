"""Calls share a process where none of them leaves anything behind in it, and only there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch

from autograder.limits import Limits
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.process import Sandbox

BEFORE = """
import collections, functools, itertools, math, os, random, sys, threading, warnings
import numpy
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
LIST, DEEP, TABLE, COUNT, SEEN = [], {"a": [1]}, {}, 0, set()
T = torch.zeros(2)
W = torch.ones(2, requires_grad=True)
ARRAY = numpy.zeros(2)
GENERATOR, RNG = torch.Generator().manual_seed(3), numpy.random.default_rng(3)
MODEL = nn.Linear(2, 2)
OPTIMIZER = torch.optim.SGD([W], lr=0.1, momentum=0.9)
COUNTER, LOCK = itertools.count(), threading.Lock()
class Thing:
    n = 0
    def __init__(self): self.m = 0
    def bump(self): self.m += 1
    @classmethod
    def all(cls): cls.n += 1
THING = Thing()
def helper(x, seen=[]):
    seen.append(1)
def make():
    n = 0
    def inner():
        nonlocal n
        n += 1
    return inner
CLOSED = make()
@functools.lru_cache
def cached(x):
    return x + 1
BY_NAME = {"helper": helper}
"""
LEAVES = (
    "LIST.append(1)",
    "DEEP['a'][0] += 1",
    "TABLE['x'] = 1",
    "SEEN.add(1)",
    "global COUNT; COUNT += 1",
    "global NEW; NEW = 1",
    "globals()['COUNT'] = 5",
    "exec('LIST.append(1)')",
    "T.add_(1)",
    "T.data = torch.ones(3)",
    "T.note = 1",
    "W.data -= 0.1",
    "(W * W).sum().backward()",
    "W.requires_grad_(False)",
    "ARRAY[0] = 1",
    "torch.rand(2, generator=GENERATOR)",
    "RNG.random()",
    "MODEL.weight.data.zero_()",
    "MODEL.train(False)",
    "OPTIMIZER.param_groups[0]['lr'] = 1.0",
    "next(COUNTER)",
    "THING.bump()",
    "THING.other = 1",
    "Thing.all()",
    "helper(x)",
    "BY_NAME['helper'](x)",
    "CLOSED()",
    "cached(1)",
    "FUNCTION.calls = getattr(FUNCTION, 'calls', 0) + 1",
    "FUNCTION.__defaults__ = (2,)",
    "torch.rand = torch.zeros",
    "setattr(torch, 'rand', torch.zeros)",
    "torch.Tensor.trained = True",
    "nn.functional.relu = torch.zeros",
    "import torch.nn.functional as G; G.relu = torch.zeros",
    "math.counter = 1",
    "import builtins; builtins.print = None",
    "torch.autograd.set_detect_anomaly(True)",
    "torch.use_deterministic_algorithms(True)",
    "torch.set_flush_denormal(True)",
    "numpy.seterr(all='raise')",
    "warnings.simplefilter('error')",
    "sys.stdout = open(os.devnull, 'w')",
    "sys.setrecursionlimit(2000)",
    "os.environ['SEEN'] = '1'",
    "os.chdir('/')",
    "threading.Thread(target=threading.Event().wait, daemon=True).start()",
)
CLEAN = (
    "pass",
    "x += 1",
    "print('a line')",
    "torch.manual_seed(5); numpy.random.seed(1); random.seed(2)",
    "torch.set_default_dtype(torch.float64)",
    "torch.set_grad_enabled(False)",
    "with torch.no_grad(): x -= 1",
    "C = torch.rand(2, requires_grad=True); (C * C).sum().backward(); C.grad.zero_()",
    "o = torch.optim.Adam([torch.ones(1, requires_grad=True)]); o.zero_grad(); o.step()",
    "o = torch.optim.RMSprop([torch.ones(1, requires_grad=True)]); o.step()",
    "model = nn.Linear(2, 2); model.eval(); model(x)",
    "F.mse_loss(x, x); np.linalg.norm(ARRAY); len(LIST); math.sqrt(2)",
    "import torch.distributions",
    "warnings.warn('look out')",
    "T + W; MODEL(x); OPTIMIZER.zero_grad",
    "THING.m + Thing.n; collections.Counter('aab')",
    "LIST.append(1); LIST.pop()",
    "[i for i in range(3)]; sorted(x.tolist(), key=lambda v: -v)",
)


def source(bodies: Sequence[str]) -> str:
    """Functions f0, f1, ... of these bodies; each gives the process that it ran in."""
    text = BEFORE
    for number, body in enumerate(bodies):
        lines = "".join(f"    {line}\n" for line in body.split("\n"))
        lines = lines.replace("FUNCTION", f"f{number}")
        text += f"def f{number}(x, k=1):\n{lines}    return os.getpid()\n"
    return text


def loaded(sandbox: Sandbox, limits: Limits, *bodies: str) -> Box:
    """A box with these functions."""
    box = sandbox.open(limits)
    names = [f"f{number}" for number in range(len(bodies))]
    unit = {"kind": "statements", "source": source(bodies), "label": ""}
    assert len(box.load([unit], names).header["functions"]) == len(bodies)
    return box


def call(box: Box, number: int = 0, **options: bool) -> Reply:
    reply = box.call(f"f{number}", (torch.ones(2),), {}, seed=0, **options)
    assert reply.outcome == "returned", reply.message
    return reply


@pytest.fixture(scope="module")
def box(sandbox: Sandbox) -> Iterator[Box]:
    """One box for all functions: what a call leaves in its process cannot reach another function's,
    or a test here fails.
    """
    with loaded(sandbox, Limits(), *LEAVES, *CLEAN) as box:
        yield box


@pytest.mark.parametrize("body", LEAVES)
def test_a_call_that_leaves_something_is_the_last_of_its_process(box: Box, body: str) -> None:
    number = LEAVES.index(body)
    assert call(box, number).value != call(box, number).value


@pytest.mark.parametrize("body", CLEAN)
def test_calls_that_leave_nothing_share_a_process(box: Box, body: str) -> None:
    number = len(LEAVES) + CLEAN.index(body)
    first = call(box, number).value
    assert call(box, number).value == first
    assert call(box, number, apart=True).value != first


def test_what_one_call_used_is_not_the_next_ones(sandbox: Sandbox, quick: Limits) -> None:
    """Each call of a process has the whole of every limit."""
    busy = (
        "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint('x' * 40000)"
    )
    with loaded(sandbox, quick, f"import time\n{busy}") as box:
        assert len({call(box).value for _ in range(4)}) == 1


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ("raise ValueError", "raised"),
        ("os._exit(3)", "died"),
        ("while True: pass", "timed_out"),
        ("os.kill(os.getpid(), 9)", "died"),
        ("return 'x' * (1 << 30)", "out_of_memory"),
        ("print('x' * 100000)", "output_limit"),
    ],
)
def test_after_a_call_that_ends_badly_there_is_a_new_process(
    sandbox: Sandbox, quick: Limits, ends: str, outcome: str
) -> None:
    with loaded(sandbox, quick, f"if x[0] == 1: return os.getpid()\n{ends}") as box:
        processes = []
        for _ in range(2):
            processes.append(box.call("f0", (torch.ones(1),), {}, seed=0).value)
            assert box.call("f0", (torch.zeros(1),), {}, seed=0).outcome == outcome
        assert processes[0] != processes[1]


def test_what_fails_only_after_another_call_does_not_fail(sandbox: Sandbox, quick: Limits) -> None:
    """What a library keeps where nobody looks cannot cost a point by an exception: a call that does not
    return is made again in a process of its own.
    """
    body = "import logging\nlog = logging.getLogger('deep')\nif log.disabled: raise ValueError\nlog.disabled = True"
    with loaded(sandbox, quick, body) as box:
        assert len({call(box).value for _ in range(4)}) > 1
