"""The second wall: a system-call filter, built here and installed by the box on itself.

A list of what is denied, as container engines have it, because torch, numpy and the C library use
different calls on different versions: kernel interfaces that a calculation never needs and that
escapes from namespaces have needed.

`RULES` are about single arguments, and keep a submission from hiding what it uses: CPU time of
children that nobody waits for, memory that no process has mapped, a scheduler's share for each of
its processes; from setting limits for its supervisor; and from leaving word for others at files
that all of them see. Where ordinary code would stumble over an
error, the call succeeds and does nothing.
"""

from __future__ import annotations

import errno
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

DENIED = """
    acct add_key bpf clock_adjtime clock_settime create_module delete_module execve execveat
    fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module
    inotify_init inotify_init1 io_setup io_uring_enter io_uring_register io_uring_setup ioperm
    iopl kcmp kexec_file_load
    kexec_load keyctl landlock_create_ruleset lookup_dcookie memfd_create memfd_secret mount
    mount_setattr move_mount move_pages mq_open msgget name_to_handle_at nfsservctl
    open_by_handle_at open_tree perf_event_open personality pidfd_getfd pidfd_open
    pivot_root process_madvise process_vm_readv process_vm_writev ptrace query_module
    quotactl quotactl_fd reboot request_key semget setdomainname sethostname setns
    settimeofday shmat shmget socket swapoff swapon sysfs _sysctl syslog umount umount2
    unshare uselib userfaultfd ustat vhangup vmsplice
""".split()  # noqa: SIM905 - a hundred names read better without their quotes

# Calls of kernels newer than that list, which have one number on every architecture: they are not
# there, as on an older kernel, until somebody has read what they do. One tells what is mounted.
NEWER = range(450, 512)

CLONE_NAMESPACES = (
    0x7E020080  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET, and NEWTIME
)
NOTHING = 0  # no error: the call says that it worked, and did nothing


INT = 0xFFFFFFFF


@dataclass(frozen=True)
class Is:
    """A condition on argument number `place` of a call: that its bits `mask` are `value`; or, not
    `equal`, that all of it is anything else.

    A register has 64 bits, and of an int the kernel reads the lower 32: who compares all of them is
    passed by with a bit among the others.
    """

    place: int
    value: int
    mask: int = INT
    equal: bool = True


@dataclass(frozen=True)
class Rule:
    """A call that ends in `error` where all conditions hold."""

    call: str
    error: int
    conditions: tuple[Is, ...] = ()


SHARED_ANONYMOUS = 0x21  # MAP_SHARED and MAP_ANONYMOUS
HUGE = 0x40000  # MAP_HUGETLB
PAGEOUT = 21  # MADV_PAGEOUT
SOCKET_LEVEL = 1  # SOL_SOCKET
BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and the same with FORCE
LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, and the same of open file descriptions
WORDS = (1026, 1036, 1038)  # F_NOTIFY, F_SET_RW_HINT and F_SET_FILE_RW_HINT
LEASES = (1024, 1025)  # F_SETLEASE and F_GETLEASE
UNIX_SOCKETS = 1  # AF_UNIX
CORE_SCHEDULING = 62  # PR_SCHED_CORE
TIMES = "utime utimes futimesat utimensat utimensat_time64".split()  # noqa: SIM905
SUPERVISOR = 1  # its number in the box
OF_A_PROCESS = "prlimit64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler".split()  # noqa: SIM905
PRIORITIES = ("setpriority", "ioprio_set")  # of a process, of a group, or of all of a user's

RULES = (
    # whoever ignores SIGCHLD is not charged for its children, and neither is anybody else
    Rule("rt_sigaction", NOTHING, (Is(0, signal.SIGCHLD),)),
    # pages that are shared and that nobody has mapped any more are in nobody's account
    Rule("mmap", errno.EPERM, (Is(3, SHARED_ANONYMOUS, mask=SHARED_ANONYMOUS),)),
    # nor are huge pages that were set aside, where somebody has done that
    Rule("mmap", errno.EPERM, (Is(3, HUGE, mask=HUGE),)),
    # nor are pages that a process has sent to the swap
    Rule("madvise", NOTHING, (Is(2, PAGEOUT),)),
    # locks of ranges of bytes are kernel memory without a bound
    *(Rule("fcntl", NOTHING, (Is(1, command),)) for command in LOCKS),
    # Python's files and the devices are the same for every box, and for the machine: a lock, a hint
    # or the present as the time of such a file tells others something, that of a device for ever
    Rule("flock", NOTHING),
    *(Rule("fcntl", errno.EPERM, (Is(1, command),)) for command in WORDS),
    # who has a lease of one keeps everybody else waiting who opens it, and learns of them
    *(Rule("fcntl", errno.EPERM, (Is(1, command),)) for command in LEASES),
    *(Rule(call, NOTHING) for call in TIMES),
    # to have all of the machine's disks written keeps everybody waiting
    *(Rule(call, NOTHING) for call in ("sync", "syncfs")),
    # a socket is charged for buffers of the usual size (meter.py)
    *(
        Rule("setsockopt", errno.EPERM, (Is(1, SOCKET_LEVEL), Is(2, option)))
        for option in BUFFER_SIZES
    ),
    # and other families of sockets load parts of the kernel that a calculation never needs
    Rule("socketpair", errno.EPERM, (Is(0, UNIX_SOCKETS, equal=False),)),
    # to share a core with nobody else leaves the other half of it idle
    Rule("prctl", errno.EPERM, (Is(0, CORE_SCHEDULING),)),
    # the scheduler gives every session a share of its own, so a box keeps to one
    Rule("setsid", NOTHING),
    # the first process of a box watches it, and limits, parts of the processor and priorities can
    # be set for any process of the same user: without files it would end, idle it would not look
    *(Rule(call, errno.EPERM, (Is(0, SUPERVISOR),)) for call in OF_A_PROCESS),
    *(Rule(call, NOTHING) for call in PRIORITIES),
)


def build_filter() -> bytes:
    """The filter as BPF instructions, empty where libseccomp is not on this machine."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):
        return b""
    denied = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in DENIED:
        with suppress(OSError, ValueError):  # not every call exists on every architecture
            rules.add_rule(denied, name)
    for bit in (1 << position for position in range(32) if CLONE_NAMESPACES >> position & 1):
        rules.add_rule(denied, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, bit, bit))
    for rule in RULES:
        conditions = map(_argument, rule.conditions)
        with suppress(OSError, ValueError):  # as above
            rules.add_rule(pyseccomp.ERRNO(rule.error), rule.call, *conditions)
    missing = pyseccomp.ERRNO(errno.ENOSYS)
    rules.add_rule(missing, "clone3")  # its flags are behind a pointer: make libc use clone
    for number in NEWER:
        rules.add_rule(missing, number)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _argument(condition: Is) -> Any:
    import pyseccomp

    if not condition.equal:
        return pyseccomp.Arg(condition.place, pyseccomp.NE, condition.value)
    return pyseccomp.Arg(condition.place, pyseccomp.MASKED_EQ, condition.mask, condition.value)
