"""The connection to a Dask scheduler. The processes that grade on its workers boot as soon as it
stands, while the client loads what it grades with itself: so nothing heavy is loaded here.
"""

from __future__ import annotations

import logging
import threading
import uuid
from pathlib import Path
from typing import Any

from autograder.cluster.node import BOOTED, Node, NodeEnded
from autograder.cluster.preload import ahead
from autograder.errors import UsageError, to_install

try:
    from distributed import Client, SchedulerPlugin, WorkerPlugin
except ImportError as error:
    mend = to_install("dask")
    raise UsageError(
        f"{error.name} is not installed, which grades on many machines: {mend}"
    ) from None

log = logging.getLogger(__name__)
CONNECT = 30.0  # seconds until a scheduler, and a worker, must have answered
GONE = 60.0  # seconds that a client may be away before the scheduler clears up after it


class Nodes(WorkerPlugin):
    """A worker's processes that grade, one for each submission that it may grade at a time; more
    where it turns out that it grades more.
    """

    def __init__(self, isolation: str, name: str) -> None:
        self.isolation, self.name = isolation, name

    def setup(self, worker: Any) -> None:
        """On a worker, when it gets this."""
        self.lock = threading.Lock()
        self.graded = False  # whether a sandbox has started here
        self.all = [ahead.take(self.isolation) for _ in range(worker.state.nthreads)]
        self.idle = list(self.all)

    def teardown(self, worker: Any) -> None:
        """On a worker, when the client goes or the worker ends."""
        for node in self.all:
            node.close()
        ahead.boot()

    def ask(self, submission: bytes, parcel: Path, seconds: float) -> str:
        """The result of a submission as JSON, by a process that has nothing else to do; NodeEnded
        where it did not start, as on a machine without memory, though one has before.
        """
        with self.lock:
            node = self.idle.pop() if self.idle else self._another()
        answer = node.ask(submission, parcel, seconds)
        started = node.wait() == BOOTED
        if self.graded and not started:
            raise NodeEnded(answer)
        with self.lock:
            self.graded = started
            self.idle.append(node)
        return answer

    def _another(self) -> Node:
        self.all.append(ahead.take(self.isolation))
        return self.all[-1]


def clears_up(client: str, prefix: str, patience: float) -> SchedulerPlugin:
    """What ends on the workers of a scheduler whatever begins with `prefix`, where a client has
    gone without a word and stays away for `patience` seconds.

    The class is made here so that it travels by value: a scheduler need not have this package.
    """

    class ClearsUp(SchedulerPlugin):
        name = prefix

        def remove_client(self, scheduler: Any, client: str) -> None:
            if client == goes:
                scheduler.loop.call_later(patience, self.clear, scheduler)

        async def clear(self, scheduler: Any) -> None:
            if goes in scheduler.clients:  # it has come back
                return
            for one in [name for name in scheduler.worker_plugins if name.startswith(prefix)]:
                await scheduler.unregister_worker_plugin(None, one)
            scheduler.remove_plugin(prefix)

    goes = client
    return ClearsUp()


class Connection:
    """A client of a scheduler, and processes that boot on its workers. Use it as a context.

    address: of the scheduler, such as tcp://host:8786 or tls://host:8786; certificates are Dask's
        settings. UsageError where nobody answers there, or has workers.
    isolation: of the sandboxes there
    """

    def __init__(self, address: str, isolation: str) -> None:
        self.address, self.name = address, f"autograder-{uuid.uuid4().hex}"
        self.nodes = Nodes(isolation, f"{self.name}-nodes")
        self._given: list[str] = []  # names of what the workers hold
        try:
            self.client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            mend = "Start one (dask scheduler), or mend the address."
            raise UsageError(f"no scheduler answers at {address} ({error}). {mend}") from None
        try:
            self.client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            self.client.close()
            mend = f"Start some: dask worker {address} --nthreads 1"
            raise UsageError(f"the scheduler at {address} has no workers. {mend}") from None

    def __enter__(self) -> Connection:
        try:
            self.client.register_plugin(clears_up(self.client.id, self.name, GONE))
        except Exception as error:  # one that takes no plugins from clients
            what = (
                "the scheduler clears up after nobody (%s): end this with Ctrl-C, never by a kill"
            )
            log.warning(what, error)
        self.give(self.nodes)
        return self

    def give(self, plugin: Any) -> None:
        """Give every worker a plugin until this ends. Its name begins with this one's: others may
        grade the same assignment there at the same time, by another secret.
        """
        self.client.register_plugin(plugin)
        self._given.append(plugin.name)

    def __exit__(self, *_: object) -> None:
        try:
            for name in self._given:  # what grades first, then what it grades by
                self.client.unregister_worker_plugin(name)
            self.client.unregister_scheduler_plugin(self.name)
        except (ValueError, OSError) as error:  # it took none, was started anew, or has gone
            log.debug("the scheduler has nothing to clear up: %s", error)
        finally:
            self.client.close()
