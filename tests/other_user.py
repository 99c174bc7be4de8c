"""Run a command as the user nobody, from root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import ROOT

SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64")
CGROUPS = "/sys/fs/cgroup"


def as_nobody(
    command: list[str], *, enter: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as nobody, who can read this project's Python only through copies of the
    folders in its way. enter: called in the new process, as root, before anything else
    """
    binds: list[str] = []
    for path in sorted({sys.prefix, sys.base_prefix, str(ROOT), CGROUPS}, key=len):
        for parent in reversed(Path(path).parents):
            binds += ["--perms", "0755", "--dir", str(parent)] if str(parent) != "/" else []
        binds += ["--bind-try" if path == CGROUPS else "--ro-bind", path, path]
    outer = ["bwrap", "--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc"]
    outer += ["--perms", "1777", "--tmpfs", "/tmp"]
    for path in SYSTEM:
        outer += ["--ro-bind-try", path, path]
    outer += [*binds, "--cap-add", "ALL"]
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    return subprocess.run(
        [*outer, *drop, *command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=enter,
    )
