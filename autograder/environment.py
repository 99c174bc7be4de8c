"""Which packages a submission meets, and in which versions: they decide what it can do, and how its
numbers come out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

ALWAYS = ("torch", "numpy", "matplotlib", "ipython")
NONE = "none"  # in the place of a version


def environment(packages: Iterable[str] = ()) -> dict[str, str]:
    """Python's version, and those of the packages that submissions may import.

    packages: what a course names beside those of the kit
    """
    names = dict.fromkeys([*ALWAYS, *listed_packages(), *packages])
    found = {name: version_of(name) for name in names}
    return {"Python": f"{sys.version_info.major}.{sys.version_info.minor}", **found}


@cache
def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NONE


@cache
def listed_packages() -> tuple[str, ...]:
    """The names in the extra `packages` of this distribution."""
    try:
        requirements = requires("autograder") or []
    except PackageNotFoundError:  # run from its folder, not installed
        requirements = []
    wanted = [line for line in requirements if re.search(r"extra == ['\"]packages['\"]", line)]
    return tuple(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted)
