"""What one submission may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on a submission's box; times in seconds, sizes in bytes.

    CPU time decides for code that computes, so a busy machine costs nobody points; wall time is for
    code that sleeps, and leaves out what a process waits for a processor.
    """

    call_cpu_seconds: float = 10.0
    call_wall_seconds: float = 30.0
    load_cpu_seconds: float = 20.0
    load_wall_seconds: float = 60.0
    submission_seconds: float = (
        900.0  # all together; past it, calls are `timed_out` without being made
    )
    memory_bytes: int | None = (
        1024 * MIB
    )  # address space beyond what the warm process has; None: unlimited
    processes: int | None = 64  # threads count
    open_files: int | None = 256
    file_bytes: int | None = 32 * MIB
    tmp_bytes: int = 64 * MIB
    output_bytes: int = 4 * MIB  # printed, per call and for the top level
    header_bytes: int = 1 * MIB
    reply_bytes: int = 64 * MIB

    def message(self) -> dict:
        """These limits as the box reads them."""
        return {**asdict(self), "address_space_bytes": None, "directory": "/tmp"}
