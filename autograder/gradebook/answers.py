"""What a student wrote, made safe to be shown to others: text that is no more than text, pictures
that are pictures.

Nothing here parses Markdown, since two parsers (nbconvert's, JupyterLab's) read what comes out of
it, and what one takes for code or mathematics the other may take for a link. Instead, what could
begin something alive is taken apart by a space, wherever it stands: `< script>` is no tag to
anybody, `] (javascript:...)` no link, `! [x]` no picture. In code and in mathematics a space more
changes next to nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

MAX_MARKDOWN = 20_000  # characters of an answer
MAX_CODE = 50_000  # of a code cell, as it is shown
MAX_PICTURES = 20  # on one page
MAX_PICTURE = 8 << 20  # bytes
MAX_PIXELS = 64_000_000  # of one picture: a telephone's photograph has 12 to 50 million
CUT = "[cut here: what was handed in is longer]"

UNSEEN = re.compile(  # controls, directions, invisible operators and tags, private and unassigned
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\ufffb\ufffe\uffff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)
SAFE = r"(?:https?://|mailto:|\#)"  # where a link may lead
TAG = re.compile(r"<(?=[A-Za-z/!?])")
LINK = re.compile(rf"\](?=\()(?!\({SAFE})", re.IGNORECASE)
DEFINITION = re.compile(rf"\](?=:)(?!:[ \t]*+\n?[ \t]*+{SAFE})", re.IGNORECASE)
IMAGE = re.compile(r"!(?=\[)")
ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)(?!(?:lt|gt|amp|quot|nbsp);)")
COMMANDS = (  # of MathJax, that make a link, a style, an attribute, or load something
    "href|url|style|class|cssId|bbox|require|mmlToken|includegraphics|data|csname|unicode"
)
COMMAND = re.compile(rf"\\(?=(?:{COMMANDS})(?![A-Za-z]))")
DIAGRAM = re.compile(  # a fence may begin in a list
    r"(?i)((?:(?<!`)`{3,}+|(?<!~)~{3,}+)[ \t]*+)(?=mermaid)"
)
APART = (TAG, LINK, DEFINITION, IMAGE, ENTITY, COMMAND)

ATTACHED = re.compile(
    r"!\[(?P<alt>[^\[\]\n]{0,200})\]\("
    r"(?:attachment:(?P<name>[^()\s]{1,200})"
    r"|data:image/(?:png|jpe?g);base64,(?P<data>[A-Za-z0-9+/=]{1,12000000}))"
    r"(?:[ \t]+\"[^\"\n]{0,200}\")?\)"
)


def seen(text: str) -> str:
    """Text in which every character is seen where it stands: none that hides in a word, and none
    that turns what follows around.
    """
    return "\n".join(UNSEEN.sub("", line) for line in text.splitlines())


def inert_markdown(text: str) -> str:
    """Markdown in which nothing is left to a browser but words: no HTML, links to the web and to
    mail alone, no picture.
    """
    for pattern in APART:
        text = pattern.sub(lambda found: f"{found[0]} ", text)
    return DIAGRAM.sub(r"\1text ", text)


def tidy(text: str, most: int) -> str:
    """Text that is seen, without runs of blank lines, which renderers take very long for, cut to a
    length.
    """
    lines: list[str] = []
    for line in seen(text[: 2 * most]).split("\n"):
        if line.strip() or (lines and lines[-1]):
            lines.append(line if line.strip() else "")
    whole = "\n".join(lines).rstrip()
    if len(whole) <= most and len(text) <= 2 * most:
        return whole
    return f"{whole[:most]}\n\n{CUT}"


def plain(text: str, before: str = "") -> str:
    """The words of a text that cannot be rendered as it is: letters, digits and a little more.

    before: what each line begins with
    """
    words = " ".join(re.sub(r"[^\w.,;:!?()'\"+=/%-]", " ", text[:4000]).split())
    note = "(Shown without its markup, which takes too long to render.)"
    return f"{before}{note}\n\n{before}{words[:2000]}"


# --- pictures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """A picture as nbformat keeps it. kind: its media type; data: base64"""

    kind: str
    data: str


@dataclass
class Pictures:
    """The pictures of one page, numbered; no more than the page may have."""

    count: int = 0
    size: int = 0

    def take(self, data: Any) -> tuple[str, Picture] | None:
        """The picture in some base64 text and its name on the page; None for anything else."""
        picture = picture_in(data) if self.count < MAX_PICTURES else None
        if picture is None or self.size + len(picture.data) > 2 * MAX_PICTURE:
            return None
        self.count += 1
        self.size += len(picture.data)
        return f"picture-{self.count}.{picture.kind.removeprefix('image/')}", picture


def picture_in(data: Any) -> Picture | None:
    """The PNG or JPEG that base64 text holds, by its bytes and not by its name."""
    if not isinstance(data, str) or len(data) > 2 * MAX_PICTURE:
        return None
    try:
        found = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(found) > MAX_PICTURE:
        return None
    for kind, size in (("image/png", png_size(found)), ("image/jpeg", jpeg_size(found))):
        if size is not None and 0 < size[0] * size[1] <= MAX_PIXELS:
            return Picture(kind, base64.b64encode(found).decode("ascii"))
    return None


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG; None where the bytes are none."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG, from its frame header; None where the bytes are none."""
    place = 2 if data.startswith(b"\xff\xd8\xff") else len(data)
    while place + 9 < len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + max(length, 2)
    return None


def shown(text: str, attachments: Any, pictures: Pictures) -> tuple[str, dict[str, dict[str, str]]]:
    """A Markdown answer made safe, and the pictures in it by the names under which it shows them.

    attachments: what the cell carried, believed for nothing
    """
    kept: dict[str, dict[str, str]] = {}
    whole = ""
    # first of all: what is taken out of a word later might join what was taken apart
    for part in _parts(seen(text), attachments, pictures, kept):
        whole += part
        if len(whole) > 2 * MAX_MARKDOWN:  # of what follows, nothing would be shown
            break
    words = tidy(whole, MAX_MARKDOWN)
    return words, {name: data for name, data in kept.items() if f"(attachment:{name})" in words}


def _parts(
    text: str, attachments: Any, pictures: Pictures, kept: dict[str, dict[str, str]]
) -> Iterator[str]:
    """The text between pictures, inert, and each picture that is one on lines of its own."""
    place = 0
    for found in ATTACHED.finditer(text):
        yield inert_markdown(text[place : found.start()][: 2 * MAX_MARKDOWN])
        place = found.end()
        data = found["data"] or _attached(attachments, found["name"])
        taken = pictures.take(data)
        alt = " ".join(re.findall(r"[\w.,-]+", found["alt"]))
        if taken is None:
            yield f" (a picture that is not shown: {alt or 'without a name'}) "
            continue
        name, picture = taken
        kept[name] = {picture.kind: picture.data}
        yield f"\n\n![{alt}](attachment:{name})\n\n"
    yield inert_markdown(text[place:][: 2 * MAX_MARKDOWN + 1])


def _attached(attachments: Any, name: str) -> Any:
    """The base64 text of a cell's attachment; None where it has none of that name."""
    for known in (name, unquote(name)):
        bundle = attachments.get(known) if isinstance(attachments, dict) else None
        if isinstance(bundle, dict):
            return next((data for data in bundle.values() if isinstance(data, str)), None)
    return None
