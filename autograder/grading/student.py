"""The student's functions, as a check sees them: `student.sgd_factorise(A, 2, num_epochs=5)` is a
call behind the line.

A call that returns gives its value. Any other end raises a `Verdict`, which `checks` turns into
that check's outcome, so a check is written as if nothing could go wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from autograder.errors import SubmissionError
from autograder.grading.top_level import (
    TopLevelError,
    read_errors,
    why_missing,
    why_undefined,
)
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.wire import printable
from autograder.vocabulary import Call

if TYPE_CHECKING:
    from autograder.grading.replies import Replies

# of replies: larger ones are not kept, as no diagnosis compares them; nor more of one submission
RECORDED_BYTES, ALL_RECORDED_BYTES = 1 << 20, 1 << 25
HIDDEN_CHARACTERS = 80  # of a call's own words in the message of a hidden check
NAME_CHARACTERS = 40  # of a function's name that a call says
PLACE = re.compile(r"(?:submission|cell \d{1,5}) line \d{1,6}(?!\d)")
SAYS = {
    "timed_out": "{name} did not finish: {message}",
    "out_of_memory": "{name} needs too much memory: {message}",
    "output_limit": "{name} {message}",
    "died": "{name} ended its process: {message}",
    "missing": "{name} is not defined",
    "raised": "{name} raised {message}",
}


class Verdict(Exception):
    """How a call ended that did not return.

    outcome: one of `results.OUTCOMES`
    error_types: for "raised", the names of the exception's class and of its bases, as in
        ("NotSquare", "ValueError", "Exception")
    hidden_message: what a hidden check says in place of `message`, as an exception's words could
        carry its inputs out
    """

    def __init__(
        self,
        outcome: str,
        message: str,
        error_types: tuple[str, ...] = (),
        hidden_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome, self.error_types = outcome, error_types
        self.hidden_message = message if hidden_message is None else hidden_message


def guarded(reply: Reply) -> str:
    """A call's own words for a hidden check: `HIDDEN_CHARACTERS` of printable ASCII, its line
    included.
    """
    kind, text, where = (reply.header.get(name) for name in ("type", "message", "where"))
    place = PLACE.match(where) if isinstance(where, str) else None
    line = f" ({place[0]})" if place else ""
    said = ": ".join(part for part in (kind, text) if isinstance(part, str) and part)
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in said[:400])
    room = HIDDEN_CHARACTERS - len(line)
    return (plain if len(plain) <= room else plain[: room - 3] + "...") + line


def stub_in(reply: Reply) -> str:
    """The function that is not written yet, where a call met its stub; "" where it met none, or
    says something else than a name.
    """
    stub = reply.header.get("stub")
    if not isinstance(stub, str) or len(stub) > NAME_CHARACTERS:
        return ""
    return stub if stub.isascii() and stub.isidentifier() else ""


@dataclass(frozen=True)
class Recorded:
    """A call that was made, and how it ended: what a diagnosis compares. check: who made it"""

    function: str
    arguments: tuple
    options: dict[str, Any]
    seed: int
    differentiate: bool
    times: int
    reply: Reply
    check: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all that it returned is in the record; what is large is not."""
        reply = self.reply
        return reply.outcome != "returned" or len(reply.arguments) == len(self.arguments)

    def made_in(self, box: Box) -> Reply:
        """How the same call ends in a box."""
        return box.call(
            self.function,
            self.arguments,
            self.options,
            seed=self.seed,
            differentiate=self.differentiate,
            times=self.times,
        )


UNANSWERED = Reply("", {})


@dataclass
class Loaded:
    """A submission in its box: the box, and what is known of its functions.

    text: its code, as it was handed in
    replies: what it has answered before, and where its answers are kept
    """

    box: Box
    functions: dict[str, dict[str, Any]]
    timed_out: set[str] = field(default_factory=set)
    failed: Verdict | None = None
    recorded: list[Recorded] = field(default_factory=list)
    errors: tuple[TopLevelError, ...] = ()
    text: str = ""
    asked: int = 0  # how often checks wanted something of the submission
    check: str = ""  # the one that is under way
    room: int = ALL_RECORDED_BYTES  # for what is recorded
    replies: Replies | None = None

    def require(self, name: str) -> None:
        """A Verdict unless the submission defines the function."""
        self.asked += 1
        if self.failed is not None:
            raise Verdict(self.failed.outcome, str(self.failed))
        if name not in self.functions:
            message = SAYS["missing"].format(name=name) + why_missing(self.errors, name)
            raise Verdict("missing", message)

    @classmethod
    def from_reply(cls, box: Box, reply: Reply, names: Iterable[str]) -> Loaded:
        """A submission from the reply to its loading. Where its top level could not be run, every
        call ends the same way.

        Raises SubmissionError where it is not Python.
        """
        if reply.outcome == "unreadable":
            raise SubmissionError("unreadable", f"this is not Python: {reply.message}")
        defined = reply.header.get("functions") if reply.outcome == "loaded" else {}
        functions = {}
        for name in names:
            defaults = defined.get(name) if isinstance(defined, dict) else None
            if isinstance(defaults, dict):
                functions[name] = plain_numbers(defaults)
        loaded = cls(box, functions, errors=read_errors(reply.header.get("errors")))
        if reply.outcome != "loaded":
            outcome = reply.outcome if reply.outcome in SAYS else "died"
            loaded.failed = Verdict(outcome, f"the top level of the file {reply.message}")
        return loaded

    def ask(
        self,
        name: str,
        arguments: tuple,
        options: dict,
        seed: int,
        differentiate: bool = False,
        times: int = 1,
    ) -> Reply:
        """Call a function; a Verdict where it did not return. A function that timed out once is not
        called again.
        """
        self.require(name)
        if name in self.timed_out:
            raise Verdict("timed_out", f"{name} was not called again after it did not finish")
        call = Recorded(
            name, arguments, options, seed, differentiate, times, UNANSWERED, self.check
        )
        reply = self._answered(call)
        self.recorded.append(replace(call, reply=self._kept(reply)))
        if reply.outcome == "returned":
            return reply
        if reply.outcome == "timed_out":
            self.timed_out.add(name)
        raise self.verdict(name, reply)

    def _kept(self, reply: Reply) -> Reply:
        """A reply as it is recorded: without its values where they are large, or too many."""
        if reply.size > min(RECORDED_BYTES, self.room):
            return replace(reply, value=None, arguments=(), gradients=())
        self.room -= reply.size
        return reply

    def attempt(self, name: str, arguments: tuple, options: dict, seed: int) -> Reply:
        """Call a function that may take long, however that ends: a limit that it meets is held
        against nothing else, and no known mistake is asked the same.
        """
        self.require(name)
        call = Recorded(name, arguments, options, seed, False, 1, UNANSWERED, self.check)
        return self._answered(call)

    def _answered(self, call: Recorded) -> Reply:
        """How a call ends: as it did before, or in the box."""
        known = self.replies.recall(call) if self.replies is not None else None
        if known is not None:
            return known
        reply = call.made_in(self.box)
        if self.replies is not None:
            self.replies.note(self.box.frame)
        return reply

    def verdict(self, name: str, reply: Reply) -> Verdict:
        """What a call that did not return stands for."""
        outcome = reply.outcome if reply.outcome in SAYS else "died"
        bases = reply.header.get("bases")
        error_types = tuple(map(printable, bases[:8])) if isinstance(bases, list) else ()
        if outcome == "raised" and (stub := stub_in(reply)):
            calls = "" if stub == name else f" calls {stub}, which"
            return Verdict("raised", f"{name}{calls} is not written yet", error_types)
        if outcome == "missing":  # its own code took it away
            return Verdict(outcome, SAYS[outcome].format(name=name), error_types)
        why = why_undefined(self.errors, reply.message) if outcome == "raised" else ""
        said, hidden = (
            SAYS[outcome].format(name=name, message=words) + why
            for words in (reply.message, guarded(reply))
        )
        return Verdict(outcome, said, error_types, hidden)


def plain_numbers(defaults: dict) -> dict[str, Any]:
    """Parameters with their defaults where these are numbers, None where a submission says anything
    else.
    """
    return {
        name: value if isinstance(value, int | float) else None for name, value in defaults.items()
    }


class Student:
    """Gives each function of a submission as an attribute; every call starts from the same seed and
    fresh arguments.
    """

    def __init__(self, submission: Loaded, seed: int = 0, times: int = 1) -> None:
        self._submission, self._seed, self._times = submission, seed, times

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **options: self.call(name, *arguments, **options).value

    def seeded(self, seed: int) -> Student:
        """The same functions, called after `torch.manual_seed(seed)`."""
        return Student(self._submission, seed, self._times)

    def twice(self) -> Student:
        """The same functions, each called a second time in the process of the first call: what does
        it leave behind?

        Both start from the same seed and from fresh arguments, the first one with half of every
        number; the second one is what the check sees.
        """
        return Student(self._submission, self._seed, 2)

    def call(self, name: str, *arguments: Any, **options: Any) -> Call:
        """Call a function by name; gives its value and the arguments as they are after the call."""
        reply = self._submission.ask(name, arguments, options, self._seed, times=self._times)
        return Call(reply.value, reply.arguments)

    def attempt(self, name: str, *arguments: Any, **options: Any) -> Any:
        """The value of a call that may take longer than a right answer is given; None where it did
        not return.
        """
        return self._submission.attempt(name, arguments, options, self._seed).value

    def mentions(self, words: re.Pattern[str]) -> bool:
        """Whether the submission's text has one of these words in it, with its letters as Python
        reads names (NFKC).

        Text decides no point. It tells where a check that costs much is worth that.
        """
        text = self._submission.text
        if not text.isascii():
            # a letter at a time: to put marks in order, thousands behind one letter, takes hours
            text = "".join(map(partial(unicodedata.normalize, "NFKC"), text))
        return words.search(text) is not None

    def differentiate(self, name: str, *arguments: Any, **options: Any) -> tuple[Any, tuple]:
        """A function's value and the gradients of its sum with respect to each floating tensor
        argument.

        A gradient is None where the value does not depend differentiably on that argument.
        """
        reply = self._submission.ask(
            name, arguments, options, self._seed, differentiate=True, times=self._times
        )
        return reply.value, reply.gradients

    def defaults(self, name: str) -> dict[str, Any]:
        """The parameters of a function, in order, with their default values (None: no default, or
        not a number).
        """
        self._submission.require(name)
        return self._submission.functions[name]
