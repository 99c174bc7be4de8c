"""Namespaces, mounts, capabilities, the system-call filter and resource limits: what stands around
a submission.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import struct
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "ppc64le": 120}  # the number of that call
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SECCOMP_MODE_FILTER = 2

# what a box may write to: the part of `tmp_bytes` that it may fill there, and with how many files
WRITABLE = {"/tmp": (1, 4096), "/dev/shm": (4, 256)}
# signals and timers that may wait: what a user may have of them, all boxes and the grader share
PENDING = 256


def libc():
    return ctypes.CDLL(None, use_errno=True)


def check_call(name: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount_tmpfs(where: str, options: str, flags: int) -> None:
    check_call(
        f"mount {where}",
        libc().mount(
            b"tmpfs", where.encode(), b"tmpfs", flags | MS_NOSUID | MS_NODEV, options.encode()
        ),
    )


def fork_into_namespaces() -> int:
    """`os.fork`, whose child is the first process of new user, PID, mount, IPC, UTS and network
    namespaces. With unshare(2) it would take another process in between, which costs as much.

    As the C library knows nothing of this fork, no thread may run, and the child may count on no
    handler of pthread_atfork(3). A child that cannot be the user it was ends, and never returns.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET
    python = ctypes.PyDLL(None, use_errno=True)  # keeps hold of the interpreter's lock
    number = ctypes.c_long(CLONE[os.uname().machine])
    python.PyOS_BeforeFork()
    pid = python.syscall(number, ctypes.c_long(flags | signal.SIGCHLD), *[ctypes.c_long(0)] * 4)
    if pid:
        python.PyOS_AfterFork_Parent()
        check_call("clone", min(pid, 0))
        return pid
    python.PyOS_AfterFork_Child()
    try:
        map_user(uid, gid)
    except BaseException as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    return 0


def map_user(uid: int, gid: int) -> None:
    """In a new user namespace, be the user that one was outside it, and nobody else."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def furnish(limits: dict) -> None:
    """Private /tmp and /dev/shm of a bounded size, and nothing where /proc was."""
    check_call("mount /", libc().mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    for folder, (part, files) in WRITABLE.items():
        options = f"size={limits['tmp_bytes'] // part},nr_inodes={files},mode=1777"
        mount_tmpfs(folder, options, MS_NOEXEC)
    mount_tmpfs("/proc", "size=4k,nr_inodes=1,mode=555", MS_RDONLY | MS_NOEXEC)


def clear() -> None:
    """Remove what the warm-up has left in the folders that a box may write to, for the one box that
    has no folders of its own.
    """
    for folder in WRITABLE:
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            else:
                os.unlink(entry)


def drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    check_call("capset", libc().capset(header, bytes(24)))


def filter_system_calls(program: bytes) -> None:
    """Install a seccomp filter that was built outside (empty: none could be built)."""
    check_call("no_new_privs", libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if program:
        code = ctypes.create_string_buffer(program, len(program))
        pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        check_call("seccomp", libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointer, 0, 0))


def confine_student(limits: dict) -> None:
    """Resource limits of the loader and all that it forks; and its supervisor may look into it."""
    signal.signal(
        signal.SIGXFSZ, signal.SIG_IGN
    )  # as Python has it: a file over its bound is an OSError
    bounds = {
        resource.RLIMIT_AS: limits["address_space_bytes"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_SIGPENDING: PENDING,
        resource.RLIMIT_CORE: 0,
    }
    for which, bound in bounds.items():
        if bound is not None:
            resource.setrlimit(which, (bound, bound))
    libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.chdir(limits["directory"])


def become(uid: int | None) -> None:
    """Give up root for good. `uid` None: already an ordinary user."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        check_call(
            "prctl", libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        )  # setuid cleared it, and /proc/self was root's without
