"""Leaves a file called hostile-was-here in every folder that lets it, and a sitecustomize in Python's own."""

import os
import site
import sys

folders = ["@COURSE@", "@PROJECT@", "@HOME@", "/", "/etc", "/usr/lib", "/var", "/run", sys.prefix, sys.base_prefix, *site.getsitepackages()]
for folder in folders:
    for name in ("hostile-was-here", "hostile-was-here.pth"):
        try:
            with open(os.path.join(folder, name), "w") as file:
                file.write("import os; os.environ['HOSTILE'] = '1'")
        except OSError:
            pass


def sgd_factorise(*arguments, **options):
    return None


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
