"""Breaks the shell that runs its cells: run_cell, the namespace, the compiler, tracebacks."""
# %%
ip = get_ipython()
ip.run_cell = lambda *arguments, **options: None
ip.compile = None
ip.user_ns.clear()
# %%
import os
# %%
def truncated_svd(A, rank):
    return 1
# %%
get_ipython().ask_exit(); exit(); quit()
