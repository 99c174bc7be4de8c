"""Shows HTML with a script that would run in the instructor's browser."""
# %%
from IPython.display import HTML, Javascript, display
display(HTML("<script>fetch('/formgrader/api/grades')</script><img src=x onerror=alert(1)>"))
display(Javascript("alert(1)"))
# %%
def truncated_svd(A, rank):
    raise ValueError("<script>alert('CANARY')</script>" + "</td></table>")
