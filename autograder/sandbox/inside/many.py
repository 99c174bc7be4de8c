"""Many short calls in one process, for programs that nobody handed in: changes of a right answer,
which need no process each but may never end.
"""

from __future__ import annotations

import signal

from .call import seed_generators, undo_settings


class TooLong(BaseException):
    """A call has used its time."""


def answers(namespace: dict, seconds: float, seed: int, calls: list) -> list:
    """How each of `calls` ends: ("returned", value, [arguments after the call]), ("raised", type),
    or ("timed_out",).

    calls: at most 16, each [function, arguments, names of options, their values]
    seconds: CPU time for each
    """

    def stop(*_) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, stop)
    ended: list[tuple] = []
    for name, given, names, values in calls:
        arguments = [copied(argument) for argument in given]
        undo_settings()
        seed_generators(seed)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        try:
            value = namespace[name](*arguments, **dict(zip(names, values, strict=True)))
            ended.append(("returned", value, arguments))
        except TooLong:
            ended.append(("timed_out",))
        except BaseException as error:
            ended.append(("raised", type(error).__name__))
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ended


def copied(argument):
    """An argument of a call's own."""
    return argument.clone() if hasattr(argument, "clone") else argument
