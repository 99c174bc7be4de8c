"""Many short calls in one process, for programs that nobody handed in: changes of a right answer,
which need no process each but may never end.
"""

from __future__ import annotations

import signal

from .call import seed_generators, undo_settings


class TooLong(BaseException):
    """A call has used its time."""


def answers(namespace: dict, seconds: float, seed: int, calls: list) -> list:
    """How each of `calls` ends, in groups like theirs: ("returned", value,
    [arguments after the call]), ("raised", type),
    or ("timed_out",).

    calls: at most 16 groups of at most 16 (longer lists are for numbers), each call [function,
        arguments, names of options, their values]
    seconds: CPU time for each
    """

    def stop(*_) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, stop)
    ended: list[list[tuple]] = []
    for name, given, names, values in grouped(calls, ended):
        arguments = [copied(argument) for argument in given]
        undo_settings()
        seed_generators(seed)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        try:
            value = namespace[name](*arguments, **dict(zip(names, values, strict=True)))
            ended[-1].append(("returned", value, arguments))
        except TooLong:
            ended[-1].append(("timed_out",))
        except BaseException as error:
            ended[-1].append(("raised", type(error).__name__))
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ended


def grouped(calls: list, ended: list):
    """Each call, after a list for its group was added to `ended`."""
    for group in calls:
        ended.append([])
        yield from group


def copied(argument):
    """An argument of a call's own."""
    return argument.clone() if hasattr(argument, "clone") else argument
