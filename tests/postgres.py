"""A PostgreSQL server of the tests' own: in a temporary folder, as an ordinary user, on a socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
INSTALL = "these tests need a PostgreSQL server: scripts/install-postgresql"


def program(name: str) -> str:
    """Where a program of the server lies; the test fails, and says what to install, without one."""
    found = shutil.which(name)
    for pattern in PLACES:
        found = found or next(iter(sorted(map(str, Path("/").glob(f"{pattern[1:]}/{name}")))), None)
    if found is None:
        pytest.fail(INSTALL, pytrace=False)
    return found


def run(*command: str, folder: Path) -> None:
    """Run a program in the server's folder; as somebody else where root runs the tests, since the
    server refuses to be root's.
    """
    user = "nobody" if os.getuid() == 0 else None
    done = subprocess.run(
        command, cwd=folder, user=user, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextmanager
def server() -> Iterator[str]:
    """A running server with an empty database; gives its URL for SQLAlchemy."""
    initdb, control, createdb = (program(name) for name in ("initdb", "pg_ctl", "createdb"))
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path is short
    try:
        if os.getuid() == 0:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        data = str(folder / "data")
        run(
            initdb,
            "-D",
            data,
            "-U",
            "grader",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            folder=folder,
        )
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        log = str(folder / "log")
        run(control, "-D", data, "-w", "-o", options, "-l", log, "start", folder=folder)
        try:
            run(createdb, "-h", str(folder), "-U", "grader", "gradebook", folder=folder)
            yield f"postgresql+psycopg://grader@/gradebook?host={folder}"
        finally:
            run(control, "-D", data, "-m", "immediate", "stop", folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
