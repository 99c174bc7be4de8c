"""The second wall: a system-call filter, built here and installed by the box on itself.

A list of what is denied, as container engines have it, because torch, numpy and the C library use
different calls on different
versions: kernel interfaces that a calculation never needs and that escapes from namespaces have
    needed.
"""

from __future__ import annotations

import errno
import tempfile
from contextlib import suppress

DENIED = """
    acct add_key bpf clock_adjtime clock_settime create_module delete_module execve execveat
    fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module
    io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load
    kexec_load keyctl landlock_create_ruleset lookup_dcookie memfd_create memfd_secret mount
    mount_setattr move_mount move_pages mq_open name_to_handle_at nfsservctl
    open_by_handle_at open_tree perf_event_open personality pidfd_getfd pidfd_open
    pivot_root process_madvise process_vm_readv process_vm_writev ptrace query_module
    quotactl quotactl_fd reboot request_key semget setdomainname sethostname setns
    settimeofday shmat shmget socket swapoff swapon sysfs _sysctl syslog umount umount2
    unshare uselib userfaultfd ustat vhangup vmsplice
""".split()  # noqa: SIM905 - a hundred names read better without their quotes

CLONE_NAMESPACES = (
    0x7E020080  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET, and NEWTIME
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
    rules.add_rule(
        pyseccomp.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags are behind a pointer: make libc use clone
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
