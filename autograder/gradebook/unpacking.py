"""A student's archive, unpacked within bounds: regular files alone, none outside its folder, and no
more of them, and no more bytes, than there is room for.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder.gradebook.exchange import MOST_DEEP

CHUNK = 1 << 20


class TooLarge(Exception):
    """An archive that holds more than there is room for."""


@dataclass
class Room:
    """How many bytes and how many files may still be laid."""

    size: float
    files: float

    def take(self, size: int, files: int = 0) -> None:
        """Take some of it; TooLarge where there is too little."""
        self.size, self.files = self.size - size, self.files - files
        if self.size < 0 or self.files < 0:
            raise TooLarge("it holds too many files, or too much")


def unpack_archive(archive: Path, folder: Path, room: Room) -> None:
    """Lay the files of a zip or tar archive into a folder. Raises whatever reading it raises, and
    TooLarge; then a part of them may lie there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, size, reading in members(archive):
        target = place_in(folder, name)
        room.take(0, 1)
        if size > room.size:
            room.take(size)
        target.parent.mkdir(parents=True, exist_ok=True)
        with reading, target.open("wb") as writing:
            while part := reading.read(CHUNK):
                room.take(len(part))
                writing.write(part)


def members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """The regular files of an archive: name, size as it says, and what to read it from."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, opened.open(info)
        return
    with tarfile.open(archive) as unrolled:
        for member in unrolled:
            reading = unrolled.extractfile(member) if member.isreg() else None
            if reading is not None:
                yield member.name, member.size, reading


def place_in(folder: Path, name: str) -> Path:
    """Where a member goes; ValueError where that is outside the folder, or too deep."""
    names = [part for part in name.split("/") if part not in ("", ".")]
    if not names or ".." in names or "\\" in name or "\0" in name or len(names) > MOST_DEEP:
        raise ValueError(f"a member has no place: {name[:100]!r}")
    return folder.joinpath(*names)
