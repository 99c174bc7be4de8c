"""formgrader's server, held to what an address may ask of it.

nbgrader puts what stands in an address into its pages as HTML, and runs the settings of whichever
folder an address names; any link can lead there, one in a student's answer too. Here the words of
an address are text, the settings are this course's, and what is no page of formgrader's own, a file
of a submission or a list as JSON, runs nothing where it is opened.
"""

from __future__ import annotations

import sys
from typing import Any

SERVER = "nbgrader.server_extensions.formgrader"
INERT = "default-src 'none'; sandbox; frame-ancestors 'self'"  # the policy of what is no page
QUOTED = str.maketrans({"<": "&lt;", ">": "&gt;", '"': "&quot;"})


def hold() -> None:
    """Hold formgrader, where this process serves it: it then loads these settings itself, before it
    answers anybody.
    """
    base, handlers = (sys.modules.get(f"{SERVER}.{name}") for name in ("base", "handlers"))
    if base is None or handlers is None or getattr(base.BaseHandler, "held", False):
        return
    render = base.BaseHandler.render

    def escaped(self: Any, name: str, **values: Any) -> Any:
        return render(self, name, **{key: quoted(value) for key, value in values.items()})

    def of_this_course(self: Any) -> None:
        self.redirect(f"{self.base_url}/formgrader/manage_assignments")

    base.BaseHandler.render, base.BaseHandler.held = escaped, True
    handlers.FormgraderHandler.get = handlers.web.authenticated(of_this_course)
    for one in (base.BaseApiHandler, handlers.SubmissionFilesHandler):
        one.content_security_policy = property(lambda self: INERT)


def quoted(value: Any) -> Any:
    """A text that is no HTML, and ends no string of a script; what else there is as it is."""
    return value.translate(QUOTED) if isinstance(value, str) else value
