"""What grading a class costs, and what it would cost elsewhere: docs/speed.md.

    python -m benchmarks [--quick] [--again] [--only PHASE ...] [sizes, see --help]

One run measures everything on the same machine, the rivals in turn with ours, on the same
submissions with the same questions. It may be interrupted: phases that are done are kept in
build/bench, and the same command goes on with the others, as long as nothing that is measured has
changed. Figures go to results/latest.json, a plot beside it, the page to docs/speed.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path

from autograder.assignment import find_assignments
from autograder.course import Course, write_whole
from benchmarks import speed_page
from benchmarks.arrivals import burst, kills
from benchmarks.compared import compare, compared, margin
from benchmarks.entered import gradebook, workers
from benchmarks.growth import grown, growth
from benchmarks.machines import dask
from benchmarks.rivals import REPOSITORY
from benchmarks.scratch import COMPARED, HOME, Figures, Scratch, rounded, say
from benchmarks.sizes import QUICK, Sizes

RESULTS = Path(__file__).parent / "results" / "latest.json"
MEASURED_BY = (
    "population", "plain", "rivals", "speed", "scratch",
    "compared", "entered", "machines", "growth", "arrivals",
)  # fmt: skip


def phases_of(sizes: Sizes) -> dict[str, Callable[[Scratch], Figures]]:
    """What is measured, by name, in its order."""
    return {
        "compare": compare,
        "margin": margin,
        "gradebook": gradebook,
        "workers": workers,
        "dask": dask,
        **{f"growth_{size}": partial(growth, size=size) for size in sizes.growth},
        "burst": burst,
        "kills": kills,
    }


def summary(phases: Figures, sizes: Sizes) -> Figures:
    """The figures that are looked at, from those of the phases; None where a phase is missing."""
    figures: Figures = {}
    if "compare" in phases:
        figures |= compared(phases["compare"]["rounds"], sizes)
    if "margin" in phases:
        each = {slug: one["beyond_floor"] for slug, one in phases["margin"].items()}
        figures["beyond_floor"] = each[COMPARED]
        figures["beyond_floor_by_assignment"] = each
        figures["wrong_over_right"] = phases["margin"][COMPARED]["wrong_over_right"]
    if "gradebook" in phases:
        for name in ("gradebook_cpu", "feedback_cpu"):
            figures[name] = phases["gradebook"][name]
    if "workers" in phases:
        figures["speedup_2_workers"] = phases["workers"]["shared"]["speedup"]
        figures["speedup_2_workers_large"] = phases["workers"]["large"]["speedup"]
        figures["workers"] = phases["workers"]
    if "dask" in phases:
        both = phases["dask"]
        figures["dask_over_2_workers"] = both["shared"]["over"]
        figures["dask_over_2_workers_large"] = both["large"]["over"]
        figures["dask_different"] = both["shared"]["different"] + both["large"]["different"]
    if classes := [one for name, one in phases.items() if name.startswith("growth_")]:
        figures |= grown(sorted(classes, key=lambda one: one["size"]))
    for name in ("burst", "kills"):
        if name in phases:
            figures[name] = phases[name]
    return rounded(figures)


def machine() -> Figures:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    import torch

    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),
        "date": date.today().isoformat(),
    }


# --- the command ----------------------------------------------------------------------------------


def key_of(sizes: Sizes) -> str:
    """Changes with the sizes and with whatever is measured."""
    digest = hashlib.sha256(json.dumps(asdict(sizes)).encode())
    for assignment in find_assignments(Course(REPOSITORY)):
        digest.update(assignment.digest.encode())
    for name in MEASURED_BY:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Measure what is not measured yet, and write figures, plot and page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    parser.add_argument("--again", action="store_true", help="measure what is measured, too")
    parser.add_argument("--only", nargs="+", metavar="PHASE", help="these phases alone")
    for name, value in asdict(Sizes()).items():
        kind = type(value[0] if isinstance(value, tuple) else value)
        many = {"nargs": "+"} if isinstance(value, tuple) else {}
        parser.add_argument(f"--{name}", type=kind, help=f"{value} unless told", **many)
    asked = vars(parser.parse_args())
    quick, again, only = (asked.pop(name) for name in ("quick", "again", "only"))
    told = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in asked.items()
        if value is not None
    }
    sizes = replace(QUICK if quick else Sizes(), **told)
    bench, phases = Scratch(sizes, edits=not quick), phases_of(sizes)
    if only:  # "growth" is all of its sizes
        only = [name for name in phases if {name, name.partition("_")[0]} & set(only)]
    if only == []:
        parser.error(f"no such phase; there are {', '.join(phases)}")
    HOME.mkdir(parents=True, exist_ok=True)
    state, key = HOME / "state.json", key_of(sizes)
    kept: Figures = json.loads(state.read_text("utf-8")) if state.is_file() else {}
    if (again and not only) or kept.get("key") != key:
        kept = {"key": key, "phases": {}, "machine": machine()}
    started = time.monotonic()
    bench.prepare()
    say(f"a course is released: {time.monotonic() - started:.0f} s")
    for name in only or phases:
        if name in kept["phases"] and not (again and only):
            say(f"{name}: measured before")
            continue
        begin = time.monotonic()
        kept["phases"][name] = rounded(phases[name](bench))
        say(f"{name}: done in {time.monotonic() - begin:.0f} s")
        write_whole(state, json.dumps(kept))
        publish(kept, sizes, quick=quick)


def publish(kept: Figures, sizes: Sizes, *, quick: bool) -> None:
    """Write what has been measured so far. A quick run says that it is one."""
    figures = {
        "quick": quick,
        "machine": kept["machine"] | {"load_at_the_end": round(os.getloadavg()[0], 1)},
        "sizes": asdict(sizes),
        **summary(kept["phases"], sizes),
    }
    text = json.dumps(figures, indent=2) + "\n"
    if quick and RESULTS.is_file() and not json.loads(RESULTS.read_text("utf-8"))["quick"]:
        write_whole(HOME / "quick.json", text)  # it takes the place of no full run
        return
    write_whole(RESULTS, text)
    speed_page.write(figures)
