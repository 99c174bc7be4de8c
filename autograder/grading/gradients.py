"""Does a small change end the calls that checks made for gradients as the submission did?

The ladder differentiates nothing. Where the checks did, and the change has other gradients there
than the submission, it explains a part of what is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from autograder.errors import AutograderError
from autograder.grading.alike import form, loose, same
from autograder.grading.student import Loaded, Recorded

log = logging.getLogger(__name__)


def differentiated(calls: Iterable[Recorded]) -> list[Recorded]:
    """The calls that were made for gradients, of which all that they returned is known."""
    return [call for call in calls if call.differentiate and call.is_whole]


def end_alike(
    calls: Sequence[Recorded], opened: AbstractContextManager[Loaded], *, by_form: bool
) -> bool:
    """Whether a program ends every call as the submission did; not where it cannot be asked.

    opened: the program behind the line, once it is entered
    by_form: whether only their form is compared, as from another start
    """
    try:
        with opened as loaded:
            ends = [call.made_in(loaded.box) for call in calls]
    except AutograderError as error:
        log.warning("a change of %s cannot be asked: %s", calls[0].function, error)
        return False
    pairs = [(loose(call.reply), loose(end)) for call, end in zip(calls, ends, strict=True)]
    if by_form:
        return all(form(one) == form(other) for one, other in pairs)
    return all(same(one, other) for one, other in pairs)
