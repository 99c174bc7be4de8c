"""Do two checkouts of the project grade alike? For a change of the engine that must change no
result.

    python scripts/compare-results.py BEFORE AFTER [--keep FOLDER]

BEFORE and AFTER are checkouts whose `.venv` is set up (`make setup`). Each grades, with its own
engine and staff folders, the example class, every variant, every known mistake (laid over the
solution) and the hostile bank, all as AFTER has them. The results are compared as the JSON of
`autograder grade`, without `seconds`, `grader` and `function_seconds`. Prints how many are equal
and what differs; exit status 1 where anything does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = ("seconds", "grader")
SECRET = "0" * 64
HOSTILE = "sgd_factorisation"
HOSTILE_LIMITS = """
[limits]
call_cpu_seconds = 0.5
call_wall_seconds = 2.0
load_cpu_seconds = 0.5
load_wall_seconds = 2.0
memory_mib = 192
processes = 24
output_bytes = 65536
reply_bytes = 1048576
"""


def main() -> int:
    """Compare; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument(
        "--keep",
        type=Path,
        help="where submissions and results stay; a temporary folder if not given",
    )
    asked = parser.parse_args()
    work = (asked.keep or Path(tempfile.mkdtemp(prefix="compare-results-"))).resolve()
    submissions = work / "submissions"
    if not submissions.exists():
        lay_submissions(asked.after.resolve(), submissions)
    told = {
        name: grade(checkout.resolve(), submissions, work / name)
        for name, checkout in vars(asked).items()
        if name in ("before", "after")
    }
    return compare(told["before"], told["after"])


def lay_submissions(checkout: Path, folder: Path) -> None:
    """Everything that is graded: `<group>/<assignment>/<file>`, and a submitted folder for the
    hostile bank.
    """
    for staff in sorted((checkout / "reference_solutions").iterdir()):
        if not (staff / "assignment.toml").is_file():
            continue
        solution = (staff / "solution.py").read_text(encoding="utf-8")
        for kind in ("variants", "mistakes"):
            for path in sorted((staff / kind).glob("*.py")):
                text = path.read_text(encoding="utf-8")
                place = folder / "modules" / staff.name / f"{kind}-{path.name}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(
                    text if kind == "variants" else f"{solution}\n\n{text}", encoding="utf-8"
                )
    for staff in sorted((checkout / "examples").iterdir()):
        for path in sorted(staff.glob("*.py")) if staff.is_dir() else ():
            name = path.name.replace(".notebook.py", ".ipynb")
            place = folder / "modules" / staff.name / f"examples-{name}"
            text = path.read_text(encoding="utf-8")
            place.write_text(notebook(text) if name.endswith(".ipynb") else text, encoding="utf-8")
    lay_hostile(checkout, folder / "hostile")


def notebook(text: str) -> str:
    """A notebook of one code cell a part."""
    parts = [part.strip() for part in text.split("# cell\n") if part.strip()]
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "source": part,
            "outputs": [],
            "execution_count": None,
        }
        for part in parts
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})


def lay_hostile(checkout: Path, folder: Path) -> None:
    """The hostile bank as a class; what its tricks would touch are names of nothing."""
    places = dict.fromkeys(
        ("COURSE", "PROJECT", "HOME", "CANARY", "HOME_CANARY", "PROJECT_CANARY"), "/nonexistent"
    )
    places |= {"PORT": "9"}
    lines = (
        "import sys; sys.path[:0] = ['tests']\n"
        "import hostile_bank; from pathlib import Path\n"
        f"hostile_bank.lay(Path({str(folder)!r}), {places!r})"
    )
    subprocess.run(
        [str(checkout / ".venv" / "bin" / "python"), "-c", lines], cwd=checkout, check=True
    )


def grade(checkout: Path, submissions: Path, folder: Path) -> dict[str, dict]:
    """The results of one checkout, by assignment and submission."""
    results: dict[str, dict] = {}
    for group in ("modules", "hostile"):
        course = folder / group
        for side in ("reference_solutions", "assignments"):
            shutil.copytree(checkout / side, course / side, dirs_exist_ok=True)
        if (checkout / "course.toml").is_file():
            shutil.copy(checkout / "course.toml", course)
        secret = course / "course" / "secret"
        secret.parent.mkdir(exist_ok=True)
        secret.write_text(SECRET + "\n")
        if group == "hostile":
            with (course / "reference_solutions" / HOSTILE / "assignment.toml").open(
                "a"
            ) as settings:
                settings.write(HOSTILE_LIMITS)
        for slug in (
            sorted(path.name for path in (submissions / group).iterdir())
            if group == "modules"
            else [HOSTILE]
        ):
            paths = (
                sorted((submissions / group / slug).iterdir())
                if group == "modules"
                else [submissions / group]
            )
            out = folder / f"{group}-{slug}.jsonl"
            if not out.is_file():
                command = [
                    str(checkout / ".venv" / "bin" / "autograder"),
                    "grade",
                    slug,
                    *map(str, paths),
                ]
                environment = os.environ | {"AUTOGRADER_COURSE": str(course)}
                print(f"{folder.name}: {group} {slug}", file=sys.stderr, flush=True)
                subprocess.run(
                    [*command, "--json", f"{out}.part", "--no-table"],
                    env=environment,
                    cwd=course,
                    check=True,
                )
                os.replace(f"{out}.part", out)
            for line in out.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                results[f"{group} {slug} {told['student'] or ''} {told['submission']}"] = told
    return results


def timeless(told: dict) -> dict:
    """A result without what differs from run to run."""
    kept = {key: value for key, value in told.items() if key not in TIMES}
    kept["tests"] = [
        {key: value for key, value in check.items() if key not in TIMES} for check in told["tests"]
    ]
    return kept


def compare(before: dict[str, dict], after: dict[str, dict]) -> int:
    """Print what differs; 1 where anything does."""
    different = 0
    for name in sorted(before.keys() | after.keys()):
        one, other = (timeless(told[name]) if name in told else None for told in (before, after))
        if one == other:
            continue
        different += 1
        print(f"differs: {name}")
        for key in sorted((one or {}).keys() | (other or {}).keys()):
            was, becomes = ((told or {}).get(key) for told in (one, other))
            if was != becomes and key == "tests" and was and becomes:
                pairs = zip(was, becomes, strict=False)
                print(*(f"    {a}\n    {b}" for a, b in pairs if a != b), sep="\n")
            elif was != becomes:
                print(f"    {key}: {was!r} -> {becomes!r}")
    checks = sum(len(told["tests"]) for told in after.values())
    print(f"{len(before)} and {len(after)} results, {checks} checks: {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
