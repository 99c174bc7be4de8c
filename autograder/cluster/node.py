"""A process of its own on another machine that grades one submission after another.

Dask runs tasks in threads. A grader forks, sets limits and runs pytest, for which a thread among
others is no place; so each task goes through one of these. Asked on standard input, one JSON object
a line; answered on what was standard output.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

START = [sys.executable, "-m", __name__]


class NodeEnded(Exception):
    """The process ended without an answer."""


class Node:
    """The end of whoever asks. parcel: a file that holds one; folder: where it may be unpacked"""

    def __init__(self, parcel: Path, folder: Path) -> None:
        self._process = subprocess.Popen(
            [*START, str(parcel), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, submission: bytes) -> str:
        """The result of a submission, as JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(
                base64.b64encode(submission).decode("ascii"), file=self._process.stdin, flush=True
            )
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if not answer.endswith("\n"):
            self.close()
            raise NodeEnded(f"exit status {self._process.returncode}")
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Grade until nobody asks any more. argv: a file that holds a parcel, a folder to work in"""
    from autograder.cluster.parcel import Parcel, from_bytes, unpack
    from autograder.errors import AutograderError
    from autograder.grading.submission import Found

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else prints goes to the log of whoever started this
    logging.basicConfig(level=logging.WARNING)
    file, folder = map(Path, sys.argv[1:])
    value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    try:
        parcel = Parcel(**value | {"archive": base64.b64decode(value["archive"])})
        with closing(unpack(parcel, folder)) as grader:
            grader.warm()
            for line in sys.stdin:
                submission = from_bytes(base64.b64decode(line))
                result = grader.grade(Found(Path("submission"), None), submission)
                print(result.dumps(), file=answers, flush=True)
    except AutograderError as error:
        print(json.dumps({"refused": str(error)}), file=answers, flush=True)


def as_json(parcel: Any) -> str:
    """A parcel as `main` reads it."""
    return json.dumps(
        asdict(parcel) | {"archive": base64.b64encode(parcel.archive).decode("ascii")}
    )


if __name__ == "__main__":
    main()
