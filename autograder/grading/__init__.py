"""A submission to a result.

submission.py    find and read what was handed in, without running a line of it
student.py       its functions as a check sees them; turns endings into verdicts
checks.py        run an assignment's checks on it with pytest
known.py         what known mistakes answer to calls, run once and remembered
diagnosis.py     which known mistake a failing function behaves like
grader.py        all of that, for one submission
again.py         the same, for one that was graded before
store.py         results kept between runs
rounds.py        which draw of the hidden inputs a submission meets
workers.py       a class of submissions on several processes
preflight.py     right answers before a class
"""
