"""Many short calls in one process, for programs that nobody handed in: changes of a right answer,
which need no process each but may never end.
"""

from __future__ import annotations

import signal

from .call import encode, seed_generators, undo_settings
from .frames import pack, payload_of


class TooLong(BaseException):
    """A call has used its time."""


def answers(namespace: dict, seconds: float, seed: int, calls: list):
    """How each of `calls` ends, in one frame as they cross the line, as bytes in a tensor: values
    in a list of replies would lie deeper than the line lets through.

    calls: in groups of at most 16 (longer lists are for numbers), each [function, arguments, names
        of options, their values]
    seconds: CPU time for each
    """
    import torch

    def stop(*_) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, stop)
    told: list[dict] = []
    tensors: dict = {}
    for name, given, names, values in (call for group in calls for call in group):
        arguments = [copied(argument) for argument in given]
        undo_settings()
        seed_generators(seed)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        try:
            value = namespace[name](*arguments, **dict(zip(names, values, strict=True)))
            after = [encode(argument, tensors) for argument in arguments]
            end = {"outcome": "returned", "value": encode(value, tensors), "arguments": after}
        except TooLong:
            end = {"outcome": "timed_out"}
        except BaseException as error:
            end = {"outcome": "raised", "type": type(error).__name__}
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        told.append(end)
    frame = pack({"several": told}, payload_of(tensors) if tensors else b"")
    return torch.frombuffer(bytearray(frame), dtype=torch.uint8)


def copied(argument):
    """An argument of a call's own."""
    return argument.clone() if hasattr(argument, "clone") else argument
