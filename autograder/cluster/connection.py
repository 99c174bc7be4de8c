"""The connection to a Dask scheduler. The processes that grade on its workers boot as soon as it
stands, while the client loads what it grades with itself: so nothing heavy is loaded here.
"""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

from autograder.cluster.node import Node
from autograder.cluster.preload import ahead
from autograder.errors import UsageError

try:
    from distributed import Client, WorkerPlugin
except ImportError as error:
    mend = "pip install 'autograder[dask]'"
    raise UsageError(
        f"{error.name} is not installed, which grades on many machines: {mend}"
    ) from None

CONNECT = 30.0  # seconds until a scheduler, and a worker, must have answered


class Nodes(WorkerPlugin):
    """A worker's processes that grade, one for each submission that it may grade at a time; more
    where it turns out that it grades more.
    """

    def __init__(self, isolation: str) -> None:
        self.isolation = isolation
        self.name = f"autograder-nodes-{uuid.uuid4().hex}"

    def setup(self, worker: Any) -> None:
        """On a worker, when it gets this."""
        self.lock = threading.Lock()
        self.all = [ahead.take(self.isolation) for _ in range(worker.state.nthreads)]
        self.idle = list(self.all)

    def teardown(self, worker: Any) -> None:
        """On a worker, when the client goes or the worker ends."""
        for node in self.all:
            node.close()
        ahead.boot()

    def ask(self, submission: bytes, parcel: Path) -> str:
        """The result of a submission as JSON, by a process that has nothing else to do."""
        with self.lock:
            node = self.idle.pop() if self.idle else self._another()
        answer = node.ask(submission, parcel)
        with self.lock:
            self.idle.append(node)
        return answer

    def _another(self) -> Node:
        self.all.append(ahead.take(self.isolation))
        return self.all[-1]


class Connection:
    """A client of a scheduler, and processes that boot on its workers. Use it as a context.

    address: of the scheduler, such as tcp://host:8786 or tls://host:8786; certificates are Dask's
        settings. UsageError where nobody answers there, or has workers.
    isolation: of the sandboxes there
    """

    def __init__(self, address: str, isolation: str) -> None:
        self.address, self.nodes = address, Nodes(isolation)
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
        self.client.register_plugin(self.nodes)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.client.unregister_worker_plugin(self.nodes.name)
        finally:
            self.client.close()
