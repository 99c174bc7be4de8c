"""Which build of the kit this is: the number, and a digest of all that a wheel brings.

A number says little between releases, as wheels are made of any commit. A clone and the wheel made
of it have the same digest, whatever Python and pip have laid beside the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from autograder.assignment import ENGINE
from autograder.authoring.new import lessons_folder


def version() -> str:
    """The number and the digest of what is installed, such as "0.1.0 (3f2a91c04b7d)"."""
    try:
        number = version_of("autograder")
    except PackageNotFoundError:  # run from its folder
        number = "not installed"
    return f"{number} ({digest(ENGINE, lessons_folder())})"


def digest(engine: Path, lessons: Path) -> str:
    """Changes with the name or the bytes of any file of the package, the lessons included.

    engine: the package; lessons: of the kit, which lie in it where it is installed
    """
    inside = lessons.is_relative_to(engine)
    found = {f"lessons/{place}": path for place, path in files(lessons)}
    for place, path in files(engine):
        if not (inside and path.is_relative_to(lessons)):
            found[place] = path
    whole = hashlib.sha256()
    for place in sorted(found):
        whole.update(f"{place}\0".encode(errors="surrogateescape"))
        whole.update(hashlib.sha256(found[place].read_bytes()).digest())
    return whole.hexdigest()[:12]


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder by their places in it, without what tools leave there."""
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.is_file() and not any(
            part.startswith((".", "__pycache__")) for part in place.parts
        ):
            yield place.as_posix(), path
