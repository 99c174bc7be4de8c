"""For workers that are to be ready before a class comes:

    dask worker ADDRESS --nthreads 1 --preload autograder.cluster.preload

Such a worker joins its scheduler once the processes that grade have booted, and boots others when a
client has gone. Dask calls `dask_setup` and `dask_teardown`.
"""

from __future__ import annotations

from typing import Any

from autograder.cluster.node import Node

ISOLATION = "sandbox"  # a client that asks for another one waits


class Ahead:
    """Processes of one worker that nobody uses yet. count: so many, 0 where it was not asked to"""

    def __init__(self) -> None:
        self.count = 0
        self.nodes: list[Node] = []

    def boot(self) -> None:
        """Start what is missing."""
        while len(self.nodes) < self.count:
            self.nodes.append(Node(ISOLATION))

    def take(self, isolation: str) -> Node:
        """One of them, or a new one where there is none of use."""
        while self.nodes and isolation == ISOLATION:
            node = self.nodes.pop()
            if node.runs():
                return node
        return Node(isolation)

    def end(self) -> None:
        """Start no more, and end those that nobody uses."""
        self.count = 0
        while self.nodes:
            self.nodes.pop().close()


ahead = Ahead()


def dask_setup(worker: Any) -> None:
    """On a worker that starts, before it joins."""
    ahead.count = worker.state.nthreads
    ahead.boot()
    for node in ahead.nodes:
        node.wait()


def dask_teardown(worker: Any) -> None:
    """On a worker that ends."""
    ahead.end()
