"""What the known mistakes, and the reference solution, answer to calls of checks: behind the line, and remembered.

Checks make nearly the same calls to every submission, so that after the first few of a class little is left to run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch

from autograder.assignment import Assignment, Overlay
from autograder.sandbox import Box, Reply, Sandbox
from autograder.student import Recorded

REMEMBERED = 8192  # replies, the latest; a few kilobytes each
RESTART = """
def call_from_start(name, start, arguments, option_names, option_values):
    import torch

    real, left = torch.rand, list(start)

    def rand(*shape, **settings):
        drawn = real(*shape, **settings)  # whatever is drawn after the start is drawn as it would have been
        for turned in (False, True):
            for place, tensor in enumerate(left):
                if (tensor.T if turned else tensor).shape == drawn.shape:
                    tensor = left.pop(place)
                    return (tensor.T if turned else tensor).to(torch.float32).clone().requires_grad_(drawn.requires_grad)
        return drawn

    torch.rand = rand
    return globals()[name](*arguments, **dict(zip(option_names, option_values)))
"""


class Known:
    """The known mistakes of one assignment, and what they answered so far."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._replies: OrderedDict[Hashable, Reply] = OrderedDict()

    @contextmanager
    def running(self, sandbox: Sandbox, mistake: Overlay | None) -> Iterator[Running]:
        """One mistake (None: the solution itself), ready to be called."""
        with ExitStack() as stack:
            yield Running(self, sandbox, mistake, stack)

    def recall(self, key: Hashable) -> Reply | None:
        return self._replies.get(key)

    def remember(self, key: Hashable, reply: Reply) -> None:
        self._replies[key] = reply
        if len(self._replies) > REMEMBERED:
            self._replies.popitem(last=False)


class Running:
    """A mistake laid over the solution, loaded into a box when the first call is not remembered. Raises what a box raises."""

    def __init__(self, known: Known, sandbox: Sandbox, mistake: Overlay | None, stack: ExitStack) -> None:
        self._known, self._sandbox, self._mistake, self._stack = known, sandbox, mistake, stack
        self._box: Box | None = None

    def reply(self, call: Recorded) -> Reply:
        """How a call ends that a check made."""
        key = (self._mistake and self._mistake.name, fingerprint(call))
        reply = self._known.recall(key)
        if reply is None:
            differentiate, times = call.differentiate, call.times
            arguments, options, seed = call.arguments, call.options, call.seed
            reply = self._loaded().call(call.function, arguments, options, seed=seed, differentiate=differentiate, times=times)
            if reply.outcome in ("returned", "raised"):  # what broke a limit may not do so on an idle machine
                self._known.remember(key, reply)
        return reply

    def reply_from(self, call: Recorded, start: list[torch.Tensor]) -> Reply:
        """How a call ends where the function's `torch.rand` gives the tensors of `start`."""
        given = (call.function, start, list(call.arguments), list(call.options), list(call.options.values()))
        reply = self._loaded().call("call_from_start", given, {}, seed=call.seed, times=call.times)
        return replace(reply, arguments=tuple(reply.arguments[2])) if len(reply.arguments) > 2 else reply

    def _loaded(self) -> Box:
        if self._box is None:
            assignment = self._known.assignment
            sources = {"solution": assignment.solution.read_text("utf-8"), "restart": RESTART}
            if self._mistake is not None:
                sources[self._mistake.name] = self._mistake.path.read_text("utf-8")
            units = [{"kind": "statements", "source": source, "label": label} for label, source in sources.items()]
            self._box = self._stack.enter_context(self._sandbox.open(assignment.limits))
            self._box.load(units, [*assignment.functions, "call_from_start"])
        return self._box


def fingerprint(call: Recorded) -> Hashable:
    """Equal for calls that are the same to the last bit, and for no others."""
    given = (call.arguments, tuple(call.options.items()))
    return (call.function, _exact(given), call.seed, call.differentiate, call.times)


def _exact(value: Any) -> Hashable:
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), tuple(value.shape), value.detach().contiguous().numpy().tobytes())
    if isinstance(value, tuple | list):
        return (type(value).__name__, tuple(map(_exact, value)))
    return (type(value).__name__, repr(value))
