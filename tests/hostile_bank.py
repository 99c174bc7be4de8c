"""The bank in `hostile/` and files that no editor would keep: laid out as a class that handed them
in.
"""

from __future__ import annotations

import json
import os
import re
import socket
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

BANK = ROOT / "tests" / "hostile"
SLUG = "sgd_factorisation"
FORGE = "from forge import forge, send\n"
CELL = re.compile(r"(?m)^# %%(.*)\n")
EARNS = re.compile(r"(?m)^earns: ([\d.]+)$")


@dataclass(frozen=True)
class Trick:
    """One hostile file: its name as a student's, and the most that it may earn."""

    name: str
    text: str
    earns: float
    notebook: bool


def tricks() -> Iterator[Trick]:
    """Every file of the bank, by name."""
    shared = (BANK / "protocol" / "forge.py").read_text(encoding="utf-8")
    forge = shared[shared.index("import json") :]
    for path in sorted(BANK.glob("*/*.py")):
        if path.name != "forge.py":
            text = path.read_text(encoding="utf-8")
            declared = EARNS.search(text)
            earns = float(declared[1]) if declared else 0.0
            name = f"{path.parent.name}-{path.stem}"
            yield Trick(name, text.replace(FORGE, forge), earns, path.parent.name == "nbgrader")


def as_notebook(text: str) -> dict:
    """A notebook from a script whose cells begin with `# %%` and, on that line, their metadata."""
    pieces = CELL.split(text)[1:]
    cells = [
        {
            "cell_type": "code",
            "metadata": json.loads(told) if told.strip() else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for told, source in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}


def lay(submitted: Path, places: dict[str, str]) -> dict[str, float]:
    """Lay the whole bank in a submitted folder, `places` put in; gives the most that each student
    may earn.
    """
    allowed = {}
    for trick in tricks():
        folder = submitted / trick.name / SLUG
        folder.mkdir(parents=True)
        text = trick.text
        for name, value in places.items():
            text = text.replace(f"@{name}@", value)
        if trick.notebook:
            (folder / f"{SLUG}.ipynb").write_text(json.dumps(as_notebook(text)), encoding="utf-8")
        else:
            (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
        allowed[trick.name] = trick.earns
    for name, make in MALFORMED.items():
        folder = submitted / f"malformed-{name}" / SLUG
        folder.mkdir(parents=True)
        make(folder)
        allowed[folder.parent.name] = 0.0
    return allowed


# --- files that are no submission -----------------------------------------------------------------


def module(data: bytes) -> Callable[[Path], object]:
    """Makes a module of these bytes."""
    return lambda folder: (folder / f"{SLUG}.py").write_bytes(data)


def notebook(data: object) -> Callable[[Path], object]:
    """Makes a notebook of these bytes, or of the JSON of this value."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return lambda folder: (folder / f"{SLUG}.ipynb").write_bytes(text)


def make_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        here = os.open(folder, os.O_RDONLY)
        end.bind(f"/proc/self/fd/{here}/{SLUG}.py")
        os.close(here)


def make_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / f"{SLUG}.ipynb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notebook", bytes(1 << 24))


def link_to(target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / f"{SLUG}.py").symlink_to(target)


def code(source: object) -> dict:
    return {"nbformat": 4, "cells": [{"cell_type": "code", "source": source}]}


MALFORMED: dict[str, Callable[[Path], object]] = {
    "empty": module(b""),
    "null-bytes": module(b"x = 1\0\n"),
    "latin-1": module("# é\nx = 1\n".encode("latin-1")),
    "utf-16": module("x = 1\n".encode("utf-16")),
    "cookie": module(b"# -*- coding: utf-7 -*-\n+AGkAbQBwAG8AcgB0ACAAbwBz-\n"),
    "not-python": module(b"To whom it may concern: my dog ate it.\n"),
    "too-deep-python": module(b"(" * 100_000),
    "slow-f-string": module(b'x = f"' + b"{a}" * 300_000 + b'"\n'),
    "many-statements": module(b"a\n" * 500_000),
    "deep-left": module(b"x = 1" + b"+1" * 400_000),
    "deep-elif": module(b"if 0: pass\n" + b"elif 0: pass\n" * 70_000),
    "large-module": module(b"#" * (3 << 20)),
    "larger-than-any": module(b"#" * (17 << 20)),
    "directory": lambda folder: (folder / f"{SLUG}.py").mkdir(),
    "notebook-directory": lambda folder: (folder / f"{SLUG}.ipynb").mkdir(),
    "pipe": lambda folder: os.mkfifo(folder / f"{SLUG}.py"),
    "socket": make_socket,
    "link-to-a-device": link_to("/dev/zero"),
    "link-to-another": link_to(f"../../good-perfect-module/{SLUG}/{SLUG}.py"),
    "link-in-a-circle": link_to(f"{SLUG}.py"),
    "linked-folder": lambda folder: (
        folder.rmdir(),
        folder.symlink_to(f"../good-perfect-module/{SLUG}"),
    ),
    "nothing": lambda folder: None,
    "archive": make_archive,
    "not-json": notebook(b"{'cells': []}"),
    "deep-json": notebook(b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "wide-json": notebook(b'{"cells": [], "x": [' + b"[]," * 5_000_000 + b"[]]}"),
    "escaped-quotes": notebook(b'{"cells": "' + b'\\"' * 4_000_000),
    "huge-number": notebook(b'{"cells": [], "nbformat": ' + b"9" * 100_000 + b"}"),
    "nan": notebook(b'{"cells": NaN}'),
    "version-99": notebook({"nbformat": 99, "nbformat_minor": -1, "cells": {"code": "x = 1"}}),
    "cells-of-no-kind": notebook(
        {"cells": [1, None, "code", [], {"cell_type": []}, {"cell_type": "code", "source": 7}]}
    ),
    "too-many-cells": notebook(
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}] * 5000}
    ),
    "too-much-code": notebook(code("x = 1\n" * 300_000)),
    "surrogates": notebook(
        b'{"cells": [{"cell_type": "code", "source": "raise ValueError(\'\\ud800\')\\n\\udfff"}]}'
    ),
    "worksheets-of-no-kind": notebook({"nbformat": 3, "worksheets": [[], {"cells": 3}]}),
    "nulls-in-a-cell": notebook(code(["def f():\n", None, 5, "\0\0return"])),
}
