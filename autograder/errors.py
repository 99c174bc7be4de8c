"""Every error that the kit raises on purpose.

AutograderError                 anything below; its text says what happened, where, and what to do
├─ AuthoringError               a staff folder that does not hold together: the file and the mend
├─ UsageError                   a command that asks for something that is not there
├─ PreflightFailed              right answers lose points: whose, in which check, and the mend
├─ SubmissionError              what a student handed in is "unreadable" or "missing" (`status`)
├─ SandboxError                 student code could not be run behind the line
│  ├─ SandboxUnavailable        this machine cannot build the wall; says what to install
│  └─ SandboxLost               the wall stood, then went away or broke the protocol
└─ WireError                    bytes from behind the line that are no valid reply
"""

from __future__ import annotations


class AutograderError(Exception):
    """Base of the tree above."""


class AuthoringError(AutograderError):
    """A staff folder that does not hold together.

    where: the file (or folder) to open
    what: what is wrong with it
    mend: what to do about it
    """

    def __init__(self, where: object, what: str, mend: str) -> None:
        super().__init__(f"{where}: {what}. {mend}")
        self.where, self.what, self.mend = where, what, mend

    def __reduce__(self) -> tuple:  # errors travel between processes
        return AuthoringError, (self.where, self.what, self.mend)


class UsageError(AutograderError):
    """A command that asks for something that is not there."""


class PreflightFailed(AutograderError):
    """Right answers lose points on the inputs that a class would meet."""


class SubmissionError(AutograderError):
    """What a student handed in cannot be read; `status` is the result's status.

    Its message names the file, whose name is a student's, and any bytes but two: it goes into
    terminals and notebooks as what can be printed.
    """

    def __init__(self, status: str, message: str) -> None:
        shown = (one if one.isprintable() or one == "\n" else "?" for one in message)
        super().__init__("".join(shown))
        self.status = status

    def __reduce__(self) -> tuple:
        return SubmissionError, (self.status, str(self))


class SandboxError(AutograderError):
    """Student code could not be run behind the line."""


class SandboxUnavailable(SandboxError):
    """This machine cannot build the wall."""


class SandboxLost(SandboxError):
    """The sandbox stood, then went away or broke the protocol."""


class WireError(AutograderError):
    """Bytes from behind the line that are no valid reply."""


def to_install(extra: str) -> str:
    """The command that adds an extra of the kit to this environment, from where the kit itself came
    (PEP 610): of that name alone, a package index may have somebody else's project.
    """
    import json
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        text = distribution("autograder").read_text("direct_url.json")
    except PackageNotFoundError:  # run from its folder
        text = None
    source = json.loads(text) if text else {}
    url = source.get("url", "")
    if source.get("dir_info", {}).get("editable"):
        return f"pip install -e '{unquote(urlsplit(url).path)}[{extra}]'"
    return f"pip install 'autograder[{extra}]{f' @ {url}' if url else ''}'"


def words_of_the_database(error: BaseException) -> str:
    """What the database itself says of an error, in a line of at most 300 characters: SQLAlchemy
    quotes the statement and its values, too.
    """
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
