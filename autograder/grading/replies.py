"""What a submission answered to the calls of its checks, kept beside its result: a call that was
made before is not made again when a check is corrected.

    course/results/<assignment>/replies/<submission>.frames

The file is a row of frames as they crossed the line (`sandbox.wire`), read as carefully as there:
what loading the submission gave, then each call by its fingerprint. It holds inputs of hidden
checks, so its folder is for the owner alone. A reply holds as long as the submission, the engine,
what all checks share and the limits are the same: a call meets nothing of the calls before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from autograder.assignment import Assignment
from autograder.errors import SandboxError, WireError
from autograder.grading.known import key_of
from autograder.grading.student import Loaded, Recorded
from autograder.sandbox.box import LOADED, Box, Reply, read_reply
from autograder.sandbox.inside.frames import FRAME, pack
from autograder.sandbox.process import Sandbox

if TYPE_CHECKING:
    from autograder.grading.submission import Submission

MOST_BYTES = 1 << 21  # of one submission: who answers more is asked again
Frame = tuple[dict[str, Any], bytes]


class LoadedOtherwise(SandboxError):
    """A submission whose top level now leaves other functions than when its replies were kept."""


class Replies:
    """The replies of one submission.

    loading: the header of the reply to its loading
    frames: of its calls, as they cross the line, by their fingerprints
    calls: the fingerprints of the calls that each check made, in their order
    made_by: the digests of the checks that made them, as they were read (decided.py)
    whole: whether everything could be kept so far
    new: whether something is in it that was not read
    """

    def __init__(
        self,
        loading: dict[str, Any],
        frames: Mapping[str, bytes] | None = None,
        calls: Mapping[str, list[str]] | None = None,
        made_by: Mapping[str, str] | None = None,
    ) -> None:
        self.loading, self.made_by = loading, dict(made_by or {})
        self._frames, self.calls = dict(frames or {}), dict(calls or {})
        self._before = dict(self.calls)
        self.whole, self.new = True, not frames
        self._under_way: list[str] = []
        self._key = ""  # of the call that was recalled last
        self._bytes = sum(map(len, self._frames.values()))

    def begin(self, check: str) -> None:
        """What is asked from now on, this check asks."""
        self._under_way = self.calls[check] = []

    def end(self) -> None:
        """No check asks what is asked from now on."""
        self._under_way = []

    def recall(self, call: Recorded) -> Reply | None:
        """How a call ended, where it was made before. One that its check makes again is another."""
        key = self._key = self._numbered(key_of(call))
        self._under_way.append(key)
        frame = self._frames.get(key)
        if frame is None:
            return None
        try:
            return read_reply(*next(split(frame))[:2])
        except WireError:
            return None

    def note(self, frame: Frame | None) -> None:
        """Keep how the call ended that was asked for last.

        frame: None where it is none that can be read again
        """
        whole = packed(frame, self._key) if self.whole and frame is not None else b""
        if not whole or self._bytes + len(whole) > MOST_BYTES:
            self.whole = False
            return
        self._bytes += len(whole)
        self._frames[self._key] = whole
        self.new = True

    def _numbered(self, key: str) -> str:
        """A call's fingerprint, told from that of the same call before it in the same check: who
        answers twice may do so differently, and a check may ask for that.
        """
        before = sum(one.partition("#")[0] == key for one in self._under_way)
        return f"{key}#{before}" if before else key

    def same_calls(self, checks: Iterable[str]) -> bool:
        """Whether these checks make the calls that they made when this was read."""
        return all(self.calls.get(name) == self._before.get(name) for name in checks)

    def to_bytes(self, checks: Mapping[str, str], valid: str) -> bytes:
        """Everything that today's checks have asked, as a file; b"" where that is not whole.

        checks: their digests; valid: of what replies hang on beside the submission
        """
        if not self.whole:
            return b""
        names = {name: calls for name, calls in self.calls.items() if base(name) in checks}
        asked = dict.fromkeys(key for calls in names.values() for key in calls)
        if not asked.keys() <= self._frames.keys():
            return b""
        head = {"valid": valid, "loading": self.loading, "calls": names, "made_by": dict(checks)}
        begin = packed((head, b""), "")
        parts = [begin, *map(self._frames.__getitem__, asked)]
        return b"".join(parts) if begin and sum(map(len, parts)) <= MOST_BYTES else b""

    @classmethod
    def from_bytes(cls, data: bytes, valid: str) -> Replies | None:
        """Back from a file; None where it holds for something else, or cannot be read."""
        try:
            (head, *_), *frames = split(data)
            if head["valid"] != valid:
                return None
            by_key = {header["key"]: whole for header, _, whole in frames}
            asked = {key for calls in head["calls"].values() for key in calls}
            if not asked <= by_key.keys() or not isinstance(head["loading"]["outcome"], str):
                return None
            return cls(head["loading"], by_key, head["calls"], head["made_by"])
        except Exception:  # whatever may have happened to it
            return None


def base(name: str) -> str:
    """A check without its parameters."""
    return name.partition("[")[0]


def packed(frame: Frame, key: str) -> bytes:
    """A frame with its key; b"" where it cannot be written, as a submission nests what it likes."""
    header, payload = frame
    try:
        return pack({**header, "key": key}, payload)
    except (RecursionError, ValueError):
        return b""


def split(data: bytes) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
    """The frames in a row of them, each read and as it is; ValueError or struct.error where the row
    is cut short.
    """
    place = 0
    while place < len(data):
        header_length, payload_length = FRAME.unpack_from(data, place)
        middle = place + FRAME.size + header_length
        end = middle + payload_length
        if end > len(data):
            raise ValueError("cut short")
        yield json.loads(data[place + FRAME.size : middle]), data[middle:end], data[place:end]
        place = end


# --- a submission that answers from what is kept --------------------------------------------------


class Later:
    """A box that is opened when something has to run in it."""

    def __init__(self, begin: Callable[[], Box]) -> None:
        self._begin = begin
        self._box: Box | None = None

    def __getattr__(self, name: str) -> Any:
        if self._box is None:
            self._box = self._begin()
        return getattr(self._box, name)

    @property
    def by_clock(self) -> str:
        return self._box.by_clock if self._box is not None else ""

    @by_clock.setter
    def by_clock(self, value: str) -> None:
        if self._box is not None:
            self._box.by_clock = value


@contextmanager
def reopened(
    sandbox: Callable[[], Sandbox], assignment: Assignment, submission: Submission, replies: Replies
) -> Iterator[Callable[[], Loaded]]:
    """A submission as it was loaded once, each time as if no check had asked it anything: what it
    has answered before comes from `replies`, and is loaded behind the line for the rest.
    """
    with ExitStack() as stack:

        def begin() -> Box:
            box = stack.enter_context(sandbox().open(assignment.limits))
            reply = box.load([asdict(unit) for unit in submission.units], names)
            if any(reply.header.get(part) != replies.loading.get(part) for part in LOADED):
                raise LoadedOtherwise("a submission was not loaded as it was before")
            return box

        names, box = list(assignment.functions), Later(begin)
        kept = Reply(replies.loading["outcome"], replies.loading)

        def loaded() -> Loaded:
            one = Loaded.from_reply(cast(Box, box), kept, names)
            one.text, one.replies = submission.text, replies
            return one

        yield loaded
