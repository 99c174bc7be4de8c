"""A student's archive, unpacked within bounds: regular files alone, none outside its folder, and no
more of them, and no more bytes, than there is room for.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from autograder.gradebook.exchange import MOST_DEEP

CHUNK = 1 << 16
MOST_AT_ONCE = 1 << 18  # bytes that tarfile may ask for: a chunk of a file, or a whole header
HEADERS = 4096  # bytes of an archive for each file that there is room for, beside what is in it
BOUNDED = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
)  # zipfile unpacks the others at once
COMPRESSED: dict[bytes, Callable[..., Any]] = {  # by their first bytes
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


class NoPlace(ValueError):
    """A file of an archive whose name leads out of its folder, or too deep."""


class TooLarge(Exception):
    """An archive that holds more than there is room for."""


@dataclass
class Room:
    """How many bytes and how many files may still be laid. around: the room that it is a part of"""

    size: int
    files: int
    around: Room | None = None

    def take(self, size: int, files: int = 0) -> None:
        """Take some of it; TooLarge where there is too little."""
        if self.around is not None:
            self.around.take(size, files)
        self.size, self.files = self.size - size, self.files - files
        if self.size < 0 or self.files < 0:
            raise TooLarge("it holds too many files, or too much")


def unpack_archive(archive: Path, folder: Path, room: Room) -> None:
    """Lay the files of a zip or tar archive into a folder. Raises whatever reading it raises, and
    TooLarge; then a part of them may lie there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, size, reading in members(archive, room):
        target = place_in(folder, name)
        room.take(0, 1)
        if size > room.size:
            room.take(size)
        target.parent.mkdir(parents=True, exist_ok=True)
        with reading, target.open("wb") as writing:
            while part := reading.read(CHUNK):
                room.take(len(part))
                writing.write(part)


def members(archive: Path, room: Room) -> Iterator[tuple[str, int, IO[bytes]]]:
    """The regular files of an archive: name, size as it says, and what to read it from. What else
    a tar archive holds takes room, too.
    """
    if zipfile.is_zipfile(archive):
        most = max(MOST_AT_ONCE, HEADERS * (room.files + 1))
        with Piecewise(archive, most) as pieces, zipfile.ZipFile(pieces) as opened:
            for info in opened.infolist():
                if info.compress_type not in BOUNDED:
                    raise TooLarge("its compression has no bound: save it as a plain zip archive")
                if not info.is_dir():
                    yield info.filename, info.file_size, opened.open(info)
        return
    with archive.open("rb") as file:
        start = file.read(8)
    opener = next((COMPRESSED[begin] for begin in COMPRESSED if start.startswith(begin)), open)
    with opener(archive, "rb") as whole:
        most = room.size + HEADERS * (room.files + 1)
        with tarfile.open(fileobj=cast(Any, Reader(whole, most)), mode="r:") as unrolled:
            for member in unrolled:
                reading = unrolled.extractfile(member) if member.isreg() else None
                if reading is None:
                    room.take(0, 1)
                else:
                    yield member.name, member.size, reading


class Piecewise(io.FileIO):
    """A zip archive for zipfile, which takes the list of what is in it into memory whole."""

    def __init__(self, archive: Path, most: int) -> None:
        """most: bytes that may be read at once"""
        super().__init__(archive, "rb")
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, as many as are left or may be; TooLarge where more are asked for."""
        wanted = self.most if size is None or size < 0 else size
        if wanted > self.most:
            raise TooLarge("it lists too many files")
        return super().read(wanted) or b""


@dataclass
class Reader:
    """A tar archive for tarfile, which takes a long name, or what else stands in a header, into
    memory whole before anybody sees it. It is read forwards alone.

    most: bytes of it that are read, those that are passed over included
    """

    stream: IO[bytes]
    most: int

    def read(self, size: int) -> bytes:
        """The next bytes; TooLarge where that are many at once, or in all."""
        if not 0 <= size <= MOST_AT_ONCE:
            raise TooLarge("a header in it is too large")
        data = self.stream.read(size)
        self._hold_to_most()
        return data

    def seek(self, place: int) -> None:
        """Pass over what lies before a place."""
        if place > self.most:
            raise TooLarge("it holds too much")
        self.stream.seek(place)
        self._hold_to_most()

    def tell(self) -> int:
        """How far it is read."""
        return self.stream.tell()

    def _hold_to_most(self) -> None:
        if self.tell() > self.most:
            raise TooLarge("it holds too much")


def place_in(folder: Path, name: str) -> Path:
    """Where a member goes; NoPlace where that is outside the folder, or too deep."""
    names = [part for part in name.split("/") if part not in ("", ".")]
    if not names or ".." in names or "\\" in name or "\0" in name or len(names) > MOST_DEEP:
        raise NoPlace(f"a file in it has no name for this folder: {name[:100]!r}")
    return folder.joinpath(*names)
