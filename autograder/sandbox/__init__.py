"""Start, limit, watch and kill what runs student code: the wall between the grader and a
submission.

process.py      the grader's end: one warm process for a run
box.py          one box for a submission
wire.py         what crosses the line, seen from the trusted side
bubblewrap.py   the first wall: what the sandboxed Python can see
seccomp.py      the second wall: which system calls it may make
cgroup.py       a control group for each box, where the machine has one to give
inside/         what runs behind them
"""
