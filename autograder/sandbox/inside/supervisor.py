"""The first process of a box: starts the loader, holds it to its limits, and kills. It runs no
student code.

Everything the loader and its calls write is hostile: sizes are bounded before they are read, types
checked before they are used.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import time
from collections.abc import Iterator

from .frames import CALL, END, FRAME, framed, pack, read_frame, write_all
from .loader import serve_submission
from .meter import CROWDED, Census, CpuClock, Group, Usage, longest_wait
from .walls import WRITABLE, confine_student

TICK_SECONDS = 0.02
PIPE_BYTES = 1 << 16  # that a pipe holds: to make room for more costs more than to read it
TOP_LEVEL_ENDS = ("loaded", "unreadable")
# what a header may be, and of which type that is
KINDS = {"started": int, "progress": int, "ended": int, "stays": bool, "outcome": str}
MOST_PARTS = 1 << 14  # lists and objects of a header, four times what the grader takes of values
OWN = 2  # processes of a box where a submission has started none: the loader, and a call's
NO_ANSWER = "the process ended without an answer"
# ends of a call that another call in the same process, earlier, could be the cause of
DOUBTFUL_ENDS = ("raised", "missing", "died", "out_of_memory")


class Breach(Exception):
    """A limit was broken or the submission's processes are gone; carries the reply that says so.

    by_clock: "computed" where it was a limit on CPU time, "slept" where it was one on wall time,
        "crowded" where that was reached because others had the processors; "" for anything else
    """

    def __init__(self, outcome: str, message: str, by_clock: str = "") -> None:
        super().__init__(message)
        self.reply, self.by_clock = {"outcome": outcome, "message": message}, by_clock


class Watch:
    """One request's limits, and the clocks that they are held against."""

    def __init__(
        self,
        clock: CpuClock,
        cpu_limit: float,
        wall_limit: float,
        before: Usage,
        group: Group,
        confined: bool,
    ) -> None:
        self.clock, self.cpu_limit, self.wall_limit = clock, cpu_limit, wall_limit
        self.before = before
        self.group_before, self.kills = group.seconds(), group.kills()
        self.written = {folder: written_in(folder) for folder in WRITABLE} if confined else {}
        self.start = time.monotonic()
        # most calls end before a census is worth its time; where somebody was left, it is due
        self.due = self.start + (TICK_SECONDS if len(before.delays) <= OWN else 0.0)


class Supervisor:
    """One submission's box, seen from its first process."""

    def __init__(self, channel: int, limits: dict, census: Census | None, group: Group) -> None:
        self.channel, self.limits, self.census, self.owns_namespace = (
            channel,
            limits,
            census,
            census is not None,
        )
        self.group = group
        self.loader = 0
        self.loader_name = ""  # in the census's /proc
        self.load_request: dict = {}
        self.requests = self.replies = self.output = -1
        self.buffer = bytearray()
        self.clocked = 0.0  # CPU seconds by the clocks of what was asked for
        # the latest census between two requests, and when it was taken: the next request begins
        # from it. To take it costs as much as a short call, so one serves for a tick; whatever is
        # used meanwhile counts as the next request's
        self.last: Usage | None = None
        self.looked = 0.0
        self.closer_look = 0.0  # when memory may be looked at closely again
        self.started = False
        self.stays = False  # whether the process of the last call waits for another
        self.process = 0  # which request was the first of that process
        self.by_clock = ""  # of the request under way: see Breach
        self.broken: Breach | None = None  # by what ran between two requests: the next one's end
        # of the request under way; what earlier ones left running may still write, and is not heard
        self.number = 0

    def serve(self) -> None:
        """Answer the grader's requests until it hangs up."""
        while True:
            self.rest()
            try:
                request, payload = read_frame(self.channel)
            except EOFError:
                return
            self.by_clock = ""
            if request["op"] == "load":
                self.load_request = {**request, "skip": []}
                reply, tensors = self.load()
            else:
                reply, tensors = self.call(request, payload)
            write_all(self.channel, self.pack_bounded(reply, tensors))

    def rest(self) -> None:
        """Wait for the next request; what was left running keeps to the limits of a call."""
        watch = None
        while self.census and self.loader:
            if select.select([self.channel], [], [], TICK_SECONDS)[0]:
                return
            if watch and self.census.nobody_ran():
                continue
            if not watch:
                watch = self.watch(None, self.limits["call_cpu_seconds"], math.inf)
                watch.due = watch.start
            try:
                self.enforce(watch)
            except Breach as breach:
                self.give_up(breach)
                self.broken = breach

    def watch(self, pid: int | None, cpu_limit: float, wall_limit: float) -> Watch:
        """Limits from now on. pid: of the process whose clock is read, if there is one"""
        before, confined = self.last or self.at_rest(), self.census is not None
        return Watch(CpuClock(pid), cpu_limit, wall_limit, before, self.group, confined)

    def pack_bounded(self, reply: dict, tensors: bytes) -> bytes:
        """The frame of a reply, whose header may have grown over the bound, or deeper than can be
        written, since it was read.
        """
        used = {"cpu_seconds": round(self.cpu_seconds(), 4), "by_clock": self.by_clock}
        try:
            text = json.dumps(reply | used)
            if len(text) - len(json.dumps(used)) <= self.limits["header_bytes"]:
                return framed(text, tensors)
        except RecursionError:
            pass
        return pack(
            {"outcome": "output_limit", "message": "returned more than the grader reads"} | used
        )

    def cpu_seconds(self) -> float:
        """What the submission has used so far. Every account may fall short: the clocks leave out
        children, the census fractions of a tick, and there may be no control group.
        """
        return max(self.clocked, self.everybody())

    def everybody(self) -> float:
        """CPU seconds of all its processes so far."""
        return max(self.group.seconds(), self.at_rest().seconds)

    def at_rest(self) -> Usage:
        """A census between two requests, a tick old at the most."""
        if self.last is None or time.monotonic() - self.looked > TICK_SECONDS:
            self.last, self.looked = self.usage(), time.monotonic()
        return self.last

    def usage(self) -> Usage:
        """What all its processes have used so far, memory left out."""
        return self.census.take(memory=False) if self.census else Usage(0.0, 0, {})

    def load(self) -> tuple[dict, bytes]:
        """Start the loader; where a statement uses up the time limit, start again without it."""
        for _ in range(3):
            self.kill_everything()
            self.number += 1
            self.process = self.number
            self.load_request["number"] = self.number
            self.start_loader()
            cpu, wall = self.limits["load_cpu_seconds"], self.limits["load_wall_seconds"]
            try:
                return self.exchange(
                    self.loader,
                    cpu,
                    wall,
                    finished=lambda header: header.get("outcome") in TOP_LEVEL_ENDS,
                )
            except Breach as breach:
                self.give_up(breach)
                reply = breach.reply
                if self.progress is None or self.progress in self.load_request["skip"]:
                    break
                self.load_request["skip"].append(self.progress)
        return reply, b""

    def call(self, request: dict, payload: bytes) -> tuple[dict, bytes]:
        """One call, in the process of the call before it where that one stays. Where it does not
        return from there, it is made once more, in a process of its own.
        """
        if self.broken is not None:
            broken, self.broken = self.broken, None
            self.by_clock = broken.by_clock
            return broken.reply, b""
        shared = self.stays and not request["apart"]
        reply, tensors = self.call_once(request, payload, anew=not shared)
        if shared and reply["outcome"] in DOUBTFUL_ENDS:
            return self.call_once(request, payload, anew=True)
        return reply, tensors

    def call_once(self, request: dict, payload: bytes, anew: bool) -> tuple[dict, bytes]:
        """One call, anew in a process of its own. Where an earlier call left the loader unable to
        start it, the loader is made anew, once.
        """
        for _ in range(2):
            if not self.loader:
                reply, _ = self.load()
                if reply["outcome"] != "loaded":
                    return reply, b""
            self.number += 1
            words = END + CALL if anew and self.stays else CALL
            if anew or not self.stays:
                self.process = self.number
            self.started = self.stays = False
            try:
                words += pack(request | {"number": self.number}, payload)
                cpu, wall = self.limits["call_cpu_seconds"], self.limits["call_wall_seconds"]
                return self.exchange(None, cpu, wall, finished=self.is_over, words=words)
            except Breach as breach:
                self.give_up(breach)
                reply = breach.reply
                if self.started:
                    break
        return reply, b""

    def is_over(self, header: dict) -> bool:
        """Whether a call's process has ended, or waits for another call."""
        self.stays = header.get("stays") is True
        return self.stays or "ended" in header

    def give_up(self, breach: Breach) -> None:
        """End the loader after a breach, and remember whether a clock decided."""
        self.by_clock = breach.by_clock or self.by_clock
        self.kill_everything()

    def start_loader(self) -> None:
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        self.output, output = os.pipe()
        self.buffer.clear()
        self.written = 0
        self.progress: int | None = None
        pid = os.fork()
        if pid == 0:
            try:
                for descriptor in (self.requests, self.replies, self.output, self.channel):
                    os.close(descriptor)
                if self.census:
                    os.close(self.census.folder)
                self.group.enter()
                if self.owns_namespace:
                    os.setpgid(0, 0)  # no session of its own: see seccomp.py
                else:
                    os.setsid()
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.close(output)
                confine_student(self.limits)
                serve_submission(self.load_request, requests, replies, self.limits)
            finally:
                os._exit(1)
        self.loader = pid
        self.loader_name = self.census.number_of(pid) if self.census else ""
        for descriptor in (requests, replies, output):
            os.close(descriptor)
        os.set_blocking(self.requests, False)

    def send(self, words: bytes, watch: Watch) -> None:
        """Write to the loader, which may be hostile and never read it."""
        view = memoryview(words)
        while view:
            if select.select([], [self.requests], [], TICK_SECONDS)[1]:
                try:
                    view = view[os.write(self.requests, view) :]
                except BrokenPipeError:
                    raise Breach("died", "the process ended before the call") from None
            self.enforce(watch)

    def exchange(
        self, pid: int | None, cpu_limit: float, wall_limit: float, finished, words: bytes = b""
    ) -> tuple[dict, bytes]:
        """Hand over what is asked and wait for the reply to it, reading everything that comes on
        the way within its limits.
        """
        watch = self.watch(pid, cpu_limit, wall_limit)
        self.written = 0
        try:
            self.send(words, watch)
            return self.answer_within(watch, finished)
        except Breach:
            if self.group.kills() > watch.kills:
                raise Breach(
                    "out_of_memory", "its processes together reached the memory limit"
                ) from None
            raise
        finally:
            self.clocked += watch.clock.read()

    def answer_within(self, watch: Watch, finished) -> tuple[dict, bytes]:
        """The reply to what was asked; a Breach where there is none within the limits."""
        reply: tuple[dict, bytes] | None = None
        while True:
            readable = select.select([self.replies, self.output], [], [], TICK_SECONDS)[0]
            if self.output in readable:
                self.drain()
            if self.replies in readable:
                for header, payload in self.frames_that_came():
                    if "started" in header:
                        self.started = True
                        watch.clock = CpuClock(header["started"])
                    elif "progress" in header:
                        self.progress = header["progress"]
                    elif "outcome" in header and reply is None:
                        reply = header, payload
                    if finished(header):
                        if reply is None:
                            raise Breach("died", f"{NO_ANSWER}{ending(header)}")
                        while select.select([self.output], [], [], 0)[0] and self.drain():
                            pass
                        if self.stays:
                            self.wait_for_loader(watch)
                        return reply
            elif self.loader_is_gone():
                raise Breach("died", NO_ANSWER)
            self.enforce(watch)

    def frames_that_came(self) -> Iterator[tuple[dict, bytes]]:
        """Read what is there; the whole frames in it that answer the request under way."""
        part = os.read(self.replies, PIPE_BYTES)
        if not part:
            raise Breach("died", NO_ANSWER)
        self.buffer += part
        while (frame := self.next_frame()) is not None:
            number = frame[0].get("number")
            # the loader knows the process by its first call
            if number == self.number or (number == self.process and "ended" in frame[0]):
                yield frame

    def enforce(self, watch: Watch) -> None:
        """A Breach where the processes have used more than they may."""
        seconds, now = watch.clock.read(), time.monotonic()
        if self.census and now >= watch.due:
            watch.due = now + TICK_SECONDS
            usage = self.census.take()
            in_group = self.group.seconds() - watch.group_before
            seconds = max(seconds, usage.seconds - watch.before.seconds, in_group)
            if self.limits["memory_bytes"] is not None:
                self.enforce_memory(usage, 2 * self.limits["memory_bytes"])
            self.enforce_files(watch)
        if seconds > watch.cpu_limit:
            message = f"stopped after {watch.cpu_limit:g} s of computing"
            raise Breach("timed_out", message, by_clock="computed")
        if now - watch.start > watch.wall_limit:
            self.enforce_wall(watch, now - watch.start)

    def enforce_memory(self, usage: Usage, most: int) -> None:
        """A Breach where the processes together hold more than that: for certain, or by a closer
        look, which is taken where it may be, and for a tenth of the time at most.
        """
        held, now = usage.memory, time.monotonic()
        if self.census and held <= most < held + usage.shared and now >= self.closer_look:
            held = self.census.exactly(usage.delays)
            self.closer_look = time.monotonic() + 10 * (time.monotonic() - now)
        if held > most:
            raise Breach("out_of_memory", "its processes together reached the memory limit")

    def enforce_files(self, watch: Watch) -> None:
        """A Breach where more was written than a /tmp of the box's own would hold.

        Where the box has mounted it (walls.furnish), the kernel holds that bound.
        """
        for folder, before in watch.written.items():
            part, most = WRITABLE[folder]
            files, size = (now - then for now, then in zip(written_in(folder), before, strict=True))
            if files > most or size > self.limits["tmp_bytes"] // part:
                raise Breach("out_of_memory", f"left too much in {folder}")

    def enforce_wall(self, watch: Watch, elapsed: float) -> None:
        """A Breach where the wall limit is passed, the time that its processes waited for a
        processor left out; and where they waited for too long, too.
        """
        waited = longest_wait(self.usage().delays, watch.before.delays)
        by_clock = "slept" if elapsed - waited > watch.wall_limit else "crowded"
        if by_clock == "slept" or elapsed > CROWDED * watch.wall_limit:
            raise Breach("timed_out", f"stopped after {watch.wall_limit:g} s", by_clock)

    def loader_is_gone(self) -> bool:
        """Whether the loader ended, though something that it left may hold its pipes open."""
        return os.waitid(os.P_PID, self.loader, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait_for_loader(self, watch: Watch) -> None:
        """See that the loader still waits for the call's process, and was not killed or stopped by
        it: that the process says it stays proves nothing.
        """
        census, name = self.census, self.loader_name
        while census and name and not census.sleeps(name):
            if self.loader_is_gone():
                raise Breach("died", NO_ANSWER)
            time.sleep(0.001)
            self.enforce(watch)

    def drain(self) -> int:
        """Read and count what was printed; how much it is now (0: nobody can print any more)."""
        printed = len(os.read(self.output, PIPE_BYTES))
        self.written += printed
        if self.written > self.limits["output_bytes"]:
            raise Breach(
                "output_limit", f"printed more than {self.limits['output_bytes'] // 1024} KiB"
            )
        return printed

    def next_frame(self) -> tuple[dict, bytes] | None:
        """The next whole frame of the buffer, from a writer that may be hostile."""
        if len(self.buffer) < FRAME.size:
            return None
        header_length, payload_length = FRAME.unpack_from(self.buffer)
        if (
            header_length > self.limits["header_bytes"]
            or payload_length > self.limits["reply_bytes"]
        ):
            raise Breach("output_limit", "returned more than the grader reads")
        end = FRAME.size + header_length + payload_length
        if len(self.buffer) < end:
            return None
        text = bytes(self.buffer[FRAME.size : FRAME.size + header_length])
        payload = bytes(self.buffer[FRAME.size + header_length : end])
        del self.buffer[:end]
        return believe_shape(text), payload

    def kill_everything(self) -> None:
        """Leave no process of the submission alive, whatever it forked or detached."""
        if self.loader:
            with contextlib.suppress(ProcessLookupError):
                if self.owns_namespace:
                    os.kill(-1, signal.SIGKILL)
                else:
                    os.killpg(self.loader, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0 if self.owns_namespace else os.WNOHANG)[0]:
                    pass
            for descriptor in (self.requests, self.replies, self.output):
                os.close(descriptor)
        self.loader, self.stays = 0, False


def believe_shape(text: bytes) -> dict:
    """A header from hostile bytes: a JSON object that is of one kind at most, and that one of the
    right type; else the process 'died'. One of many parts is not read: that takes time.
    """
    if text.count(b"[") + text.count(b"{") > MOST_PARTS:
        raise Breach("output_limit", "returned more than the grader reads")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    kinds = KINDS.keys() & header.keys() if isinstance(header, dict) else None
    if kinds is None or len(kinds) > 1 or any(type(header[k]) is not KINDS[k] for k in kinds):
        raise Breach("died", "the process wrote something that is no answer")
    return header


def written_in(folder: str) -> tuple[int, int]:
    """How many files there are in a file system, and how many bytes."""
    found = os.statvfs(folder)
    return found.f_files - found.f_ffree, (found.f_blocks - found.f_bfree) * found.f_frsize


def ending(header: dict) -> str:
    """How a call's process ended, in brackets; "" where it says that it waits for another call."""
    code = header.get("ended")
    if code is None:
        return ""
    if code >= 0:
        return f" (exit status {code})"
    with contextlib.suppress(ValueError):
        return f" (killed by {signal.Signals(-code).name})"
    return f" (killed by signal {-code})"
