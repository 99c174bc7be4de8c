"""How a page is made: Jinja with everything escaped, one style sheet, and a policy that lets
nothing else in.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.gradebook.answers import UNSEEN

TICKS = re.compile(r"`([^`]+)`")
TEMPLATES = Path(__file__).parent / "templates"
DATA = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@cache
def environment() -> Environment:
    """The templates, compiled once a process."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"points": points, "duration": duration, "ticks": ticks}
    made.globals["style"] = Markup(source("page.css"))
    return made


@cache
def source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def policy(script: str = "") -> str:
    """What a page may load: its own style and script by their digests, pictures that stand in it.

    script: the file of its script, "" for a page without
    """
    allowed = [f"style-src {digest('page.css')}", "img-src data:", "base-uri 'none'"]
    if script:
        allowed.append(f"script-src {digest(script)}")
    return "; ".join(["default-src 'none'", *allowed, "form-action 'none'"])


def digest(name: str) -> str:
    found = hashlib.sha256(source(name).encode()).digest()
    return f"'sha256-{base64.b64encode(found).decode()}'"


def page(template: str, script: str = "", **values: Any) -> str:
    """The text of a page. script: the file of its script, "" for none"""
    text = (
        environment()
        .get_template(template)
        .render(policy=policy(script), script=Markup(source(script)) if script else "", **values)
    )
    return plain(text)


def plain(text: str) -> str:
    """Text that a browser and an editor show as it is: without control characters, and without
    those that turn the direction of what follows. What UTF-8 cannot write becomes a question mark.
    """
    return UNSEEN.sub("", text).encode("utf-8", "replace").decode("utf-8")


def data(text: str) -> Markup:
    """JSON as it may stand in a page's own <script type="application/json">."""
    return Markup("".join(DATA.get(letter, letter) for letter in text))


# --- words ----------------------------------------------------------------------------------------


def points(value: float) -> str:
    """Points as everywhere: without zeros that say nothing."""
    return f"{round(value, 4):g}"


def ticks(text: str) -> Markup:
    """The staff's words, with `code` between backticks."""
    return Markup(TICKS.sub(r"<code>\1</code>", str(escape(text))))


def duration(late: timedelta) -> str:
    """How long, in the two largest units."""
    minutes = int(late.total_seconds()) // 60
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    told = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(told[:2]) or "less than a minute"
