"""The first wall: what the sandboxed Python can see, as a bubblewrap command.

    <where Python is installed>         read-only, at its own place
    /run/venv                           read-only: the virtual environment, without this package
    /usr/lib, /lib, /lib64,             read-only: the C library and its friends
    /usr/local/lib, /etc/ld.so.cache
    /run/inside.zip                     read-only: the only file of this project
    /dev/{null,full,random,urandom}, /dev/shm           no other device
    /proc                               of the sandbox's own processes; each box hides it
    /tmp, /dev/shm                      empty, private, bounded; each box mounts its own

Where boxes cannot mount anything (`nested` of process.py), a sandbox is made for each box: with no
/proc at all, and with the box's own /tmp and /dev/shm.

No network, no environment but `ENVIRONMENT`, no capability, no new privileges. Started by root,
bubblewrap keeps the two capabilities that `walls.become` needs to turn into an unprivileged user
of its own (`nobody_else`) before it loads anything; started by anybody else, it makes a user
namespace and stays that user.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from autograder.errors import SandboxUnavailable
from autograder.sandbox.inside.walls import WRITABLE

NOBODY = 65534
NOBODYS = range(0x70000000, 0x71000000)  # numbers of users that nothing hands out
HOSTNAME = "sandbox"
VENV = "/run/venv"
ENGINE = Path(__file__).resolve().parent.parent
ARCHIVE = "/run/inside.zip"
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from inside.zygote import main; main()"
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache")
KNOWS_SIZES = (0, 7)  # the version with --size
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/nonexistent",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
    "TORCHDYNAMO_DISABLE": "1",  # @torch.compile, which needs a compiler, calls the plain function
}
PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # which numerical kernels suit this processor


def environment() -> dict[str, str]:
    """The whole environment of student code."""
    return ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def runs_as_root() -> bool:
    return os.geteuid() == 0


def nobody_else() -> int:
    """A user that nobody else is, or `NOBODY` where there are no such users, as in some containers.

    The kernel counts processes, pipes and signals by user: one of the sandbox's own lets no
    submission use up those of another sandbox.
    """
    one = secrets.choice(NOBODYS)
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/uid_map").read_text().splitlines():
            first, _, count = map(int, line.split())
            if one in range(first, first + count):
                return one
    return NOBODY


def python_paths() -> dict[str, str]:
    """Where this Python and its packages live, to where the sandbox has them; never a folder that
    holds more than that (`/usr`).

    A virtual environment moves to `VENV`: it may lie under /tmp, which is another one there, or in
    a project with a telling name.
    """
    base = os.path.realpath(sys.base_prefix)
    if base == "/usr":
        programs = (
            getattr(sys, "_base_executable", sys.executable),
            os.path.realpath(sys.executable),
        )
        paths = {program: program for program in programs}
    else:
        paths = {base: base, sys.base_prefix: sys.base_prefix}
    return paths | ({sys.prefix: VENV} if sys.prefix != sys.base_prefix else {})


def python() -> str:
    """The path of this Python inside the sandbox."""
    return (
        f"{VENV}/bin/{Path(sys.executable).name}"
        if sys.prefix != sys.base_prefix
        else sys.executable
    )


def engine_in(bound: Mapping[str, str]) -> list[str]:
    """Where the sandbox would have this package, with the lessons' solutions and hidden checks.

    bound: the paths of this machine that are bound, to where the sandbox has them
    """
    found = []
    for path, there in bound.items():
        for source in dict.fromkeys((path, os.path.realpath(path))):
            if ENGINE.is_relative_to(source):
                found.append(str(Path(there) / ENGINE.relative_to(source)))
    return list(dict.fromkeys(found))


def parents(paths: Iterable[str]) -> list[str]:
    """Every folder above `paths`, outermost first."""
    above = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(above - {"/"}, key=len)


def command(control: int, inside: int, *, tmp_bytes: int | None = None) -> list[str]:
    """The bubblewrap command that starts the zygote with its control socket on descriptor
    `control`.

    inside: a descriptor of the archive of `inside/`
    tmp_bytes: None for a sandbox in which boxes mount what they need. Else for one box alone: the
        size of its /tmp; the zygote is the first process of its PID namespace.
    """
    program = find_bubblewrap()
    words = [
        program,
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    words += ["--hostname", HOSTNAME]  # not this machine's
    words += ["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    words += (
        ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        if runs_as_root()
        else ["--unshare-user"]
    )
    words += [] if tmp_bytes is None else ["--as-pid-1"]
    words += tmpfs("/tmp", tmp_bytes)
    for path in ("/dev", "/run", *parents(python_paths().values())):
        words += ["--perms", "0755", "--dir", path]  # bubblewrap's own would be root's alone
    bound = {path: path for path in LIBRARIES} | python_paths()
    for path, there in bound.items():
        words += ["--ro-bind-try", path, there]
    for there in engine_in(bound):
        words += ["--tmpfs", there, "--remount-ro", there]
    for device in DEVICES:
        words += ["--dev-bind", device, device]
    if tmp_bytes is None:
        words += ["--perms", "1777", "--dir", "/dev/shm", "--proc", "/proc"]
    else:
        words += tmpfs("/dev/shm", tmp_bytes // WRITABLE["/dev/shm"][0])
    words += ["--perms", "0444", "--ro-bind-data", str(inside), ARCHIVE]
    words += ["--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    return [*words, "--", *zygote(python(), ARCHIVE, control)]


def tmpfs(where: str, size: int | None) -> list[str]:
    """Options that mount an empty folder for everybody, of this size if bubblewrap knows sizes."""
    bounded = size is not None and version_numbers() >= KNOWS_SIZES
    return [*(["--size", str(size)] if bounded else []), "--perms", "1777", "--tmpfs", where]


def zygote(interpreter: str, inside: str, control: int) -> list[str]:
    """The command of the warm process. inside: the folder or the archive that holds the package
    `inside`
    """
    return [interpreter, "-s", "-P", "-B", "-c", START, inside, str(control)]


def find_bubblewrap() -> str:
    """The path of `bwrap`; SandboxUnavailable where there is none."""
    if sys.platform != "linux":
        raise SandboxUnavailable(
            "submissions are graded in a bubblewrap sandbox, which needs Linux; "
            f"this is {sys.platform}. Grade in a Linux virtual machine or WSL 2, "
            "or grade code that you trust with --no-sandbox."
        )
    program = shutil.which("bwrap", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    if program is None:
        raise SandboxUnavailable(
            "submissions are graded in a bubblewrap sandbox and `bwrap` is not installed. "
            "Install it (Debian, Ubuntu: apt-get install bubblewrap; "
            "Fedora: dnf install bubblewrap; "
            "Arch: pacman -S bubblewrap), or grade code that you trust with --no-sandbox."
        )
    return program


def explain_failure(text: str) -> str:
    """What to do about a bubblewrap or a boot that failed with `text` on standard error."""
    said = " ".join(text.split())[-400:] or "it said nothing"
    if (
        "uid map" in text
        or "user namespace" in text
        or "namespace" in text.lower()
        or "Operation not permitted" in text
    ):
        mend = (
            "This machine does not let bubblewrap make namespaces. "
            "Ubuntu 24.04: install the AppArmor profile for bwrap "
            "(apt-get install apparmor-profiles) or set "
            "kernel.apparmor_restrict_unprivileged_userns=0; "
            "Debian: kernel.unprivileged_userns_clone=1; "
            "Docker: run with --privileged, or grade on the host."
        )
    elif "No module named" in text:
        mend = (
            "A package is missing in this Python environment: "
            "install the kit into a virtual environment of its own."
        )
    elif "Permission denied" in text:
        mend = (
            f"The user that student code runs as cannot read {sys.prefix}: "
            "chmod -R a+rX it, or move it out of a private folder."
        )
    else:
        mend = "`autograder doctor` shows what this machine can do."
    return f"the sandbox did not start: {said}. {mend}"


def version() -> str:
    """Bubblewrap's own version line; SandboxUnavailable where there is none."""
    return subprocess.run(
        [find_bubblewrap(), "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()


def version_numbers() -> tuple[int, ...]:
    """Bubblewrap's version as numbers; () where it does not say."""
    found = re.search(r"\d+(?:\.\d+)+", version())
    return tuple(map(int, found[0].split("."))) if found else ()
