"""Grade the graders: every right answer must keep every point, every known mistake must lose what it names, every mutant must lose some.

reference, variants      full marks, whatever the seed
stub                     nothing
all_zeros                at most a tenth: results of the right shape are worth little
mistakes                 exactly the checks that they name fail
mutants                  at least one check fails, or equivalent_mutants.toml says why none can
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace

from autograder.assignment import Assignment
from autograder.authoring import stops_grading, validate_folder
from autograder.grading import Grader, this_worker, worker_pool
from autograder.handout import stub_of
from autograder.mutants import Mutant, equivalents, mutants_of
from autograder.results import Check
from autograder.session import Run, open_submission, run_checks
from autograder.student import Student
from autograder.submission import Source, Unit

RIGHT = ("reference", "variant")
ZEROS = "all_zeros"
ZEROS_SHARE = 0.1
MUTANT_CPU_SECONDS = 3.0  # a mutant that never ends is a mutant that lost


@dataclass(frozen=True)
class Specimen:
    """Something whose grade is known beforehand. fails: the checks that must fail; None: every one."""

    kind: str
    name: str
    sources: tuple[str, ...]
    fails: frozenset[str] | None = frozenset()

    @property
    def source(self) -> Source:
        return Source(tuple(Unit("statements", text, str(place)) for place, text in enumerate(self.sources, start=1)), "")


def one_file(text: str) -> Source:
    """A submission of one module."""
    return Source((Unit("statements", text, ""),), "")


@dataclass
class Row:
    """One specimen's line of the confusion matrix: how often it was graded, and how often each check failed."""

    specimen: Specimen
    gradings: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)

    def add(self, checks: Iterable[Check]) -> None:
        self.gradings += 1
        checks = list(checks)
        self.scores.append(sum(check.earned for check in checks))
        for check in checks:
            self.failures[check.name] = self.failures.get(check.name, 0) + (check.outcome != "passed")

    def marks(self) -> str:
        """One character a check: · never fails, ✗ always does, a digit: so many tenths of the time."""
        shares = [count / self.gradings for count in self.failures.values()]
        return "".join("·" if share == 0 else "✗" if share == 1 else str(max(1, min(9, round(10 * share)))) for share in shares)


@dataclass
class Report:
    """What an audit of one assignment found. `findings` empty: the graders are as they should be."""

    assignment: Assignment
    checks: list[Check] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    mutants: int = 0
    accepted: list[tuple[Mutant, str]] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def right_gradings(self) -> int:
        return sum(row.gradings for row in self.rows if row.specimen.kind in RIGHT)


def specimens(assignment: Assignment) -> list[Specimen]:
    """The reference, the stub, the variants and the mistakes of an assignment."""
    solution = assignment.solution.read_text(encoding="utf-8")
    right = [Specimen("reference", "solution", (solution,))]
    right += [Specimen("variant", path.stem, (path.read_text(encoding="utf-8"),)) for path in assignment.variants]
    wrong = [Specimen("stub", "untouched stub", (stub_of(solution),), None)]
    for mistake in assignment.mistakes:
        overlaid = (solution, mistake.path.read_text(encoding="utf-8"))
        wrong.append(Specimen("mistake", mistake.name, overlaid, frozenset(mistake.fails)))
    return right + wrong


def audit(
    grader: Grader,
    *,
    gradings: int,
    seeds: int,
    mutate: bool,
    workers: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Audit one assignment.

    gradings: of right submissions in all, spread over the reference and the variants, each with a seed of its own
    seeds: gradings of each mistake and of the stub
    mutate: whether to make and grade mutants
    advance: called with how many gradings are done, of how many
    """
    broken = validate_folder(grader.assignment)
    report = Report(grader.assignment, findings=list(map(str, broken)))
    if any(map(stops_grading, broken)):
        return report
    rows = report.rows = [Row(specimen) for specimen in specimens(grader.assignment)]
    right = [row for row in rows if row.specimen.kind in RIGHT]
    tasks = [(right[number % len(right)], f"audit {number}") for number in range(max(gradings, len(right)))]
    tasks += [(row, f"audit {seed}") for row in rows if row not in right for seed in range(seeds)]
    mutants = mutants_of(grader.assignment.solution.read_text(encoding="utf-8")) if mutate else []
    report.mutants = len(mutants)
    with worker_pool(grader, workers) as pool:
        graded = {pool.submit(_grade, row.specimen.source, secret): (row, secret) for row, secret in tasks}
        tried = {pool.submit(_grade, one_file(mutant.source), "audit 0", True): mutant for mutant in mutants}
        for done, future in enumerate(as_completed([*graded, *tried]), start=1):
            checks = future.result()
            if future in graded:
                row, secret = graded[future]
                row.add(checks)
                report.findings += judge(row.specimen, secret, checks)
                report.checks = report.checks or [replace(check, message="", hint="") for check in checks]
            elif all(check.outcome == "passed" for check in checks):
                report.survivors.append(tried[future])
            advance(done, len(graded) + len(tried))
    if mutate:
        settle_survivors(report)
    return report


def _grade(source: Source, secret: str, mutant: bool = False) -> list[Check]:
    """In a worker process: the checks of one specimen; of a mutant, those up to the first that fails."""
    grader = this_worker()
    assignment = grader.assignment
    if mutant:
        limits = replace(assignment.limits, call_cpu_seconds=MUTANT_CPU_SECONDS, call_wall_seconds=2 * MUTANT_CPU_SECONDS)
        assignment = replace(assignment, limits=limits)
    with open_submission(grader.warm(), assignment, source) as submission:
        return run_checks(Run(assignment, Student(submission), secret, until_one_fails=mutant))


def judge(specimen: Specimen, secret: str, checks: list[Check]) -> list[str]:
    """What is not as it should be in one grading."""
    failed = {check.name: check for check in checks if check.outcome != "passed"}
    expected = {check.name for check in checks} if specimen.fails is None else specimen.fails
    where = f"{specimen.kind} {specimen.name} ({secret})"
    found = [f"{where} fails {name}: {failed[name].outcome}: {failed[name].message}" for name in failed.keys() - expected]
    found += [f"{where} passes {name}, which it must fail" for name in expected - failed.keys()]
    earned, points = sum(check.earned for check in checks), sum(check.points for check in checks)
    if specimen.name == ZEROS and earned > ZEROS_SHARE * points:
        found.append(f"{where} earns {earned:g} of {points:g} points; zeros of the right shape may earn a tenth")
    return sorted(found)


def settle_survivors(report: Report) -> None:
    """Set aside the survivors that equivalent_mutants.toml accepts; the others, and entries without a survivor, are findings."""
    accepted = equivalents(report.assignment)
    survivors, report.survivors = report.survivors, []
    for mutant in survivors:
        reason = accepted.get((mutant.was, mutant.becomes))
        if reason:
            report.accepted.append((mutant, reason))
        else:
            report.survivors.append(mutant)
            report.findings.append(f"a mutant keeps every point ({mutant.operator}):\n{mutant.diff}")
    alive = {(mutant.was, mutant.becomes) for mutant in survivors}
    for was, becomes in accepted.keys() - alive:
        report.findings.append(f"equivalent_mutants.toml accepts a mutant that loses points or is not made: {was} -> {becomes}")


# --- the page ---------------------------------------------------------------------------------------------------------


def page(reports: list[Report], command: str) -> str:
    """The audit as a Markdown page: per assignment, the figures and the confusion matrix."""
    parts = [PAGE_HEAD.format(command=command)]
    for report in reports:
        parts += [f"## {report.assignment.title} (`{report.assignment.slug}`)", *figures(report), *matrix(report)]
    return "\n".join(parts) + "\n"


PAGE_HEAD = """# The graders, graded

Made by `{command}`; do not edit. Every line of a matrix is something whose grade is known beforehand: the reference solution, other right
answers, an untouched stub, known mistakes. Every column is a check: `·` it never failed, `✗` it always failed, a digit: so many tenths of
the gradings. Right answers must show dots alone; a mistake must show a cross at exactly the checks that it names.
"""


def figures(report: Report) -> list[str]:
    """The measured quality of one assignment's checks, as a list of Markdown lines."""
    lost = sum(score < report.assignment.max_score for row in report.rows if row.specimen.kind in RIGHT for score in row.scores)
    mistakes = [row for row in report.rows if row.specimen.kind == "mistake"]
    caught = sum(all(row.failures.get(name) == row.gradings for name in row.specimen.fails or ()) for row in mistakes)
    lines = [
        "",
        f"- false rejects: {lost} of {report.right_gradings} gradings of right answers, each with a seed of its own",
        f"- mistakes that fail all that they name, every time: {caught} of {len(mistakes)}",
    ]
    if report.mutants:
        killed = report.mutants - len(report.accepted) - len(report.survivors)
        counts = f"{killed} lose points, {len(report.accepted)} are equivalent, {len(report.survivors)} survive"
        lines.append(f"- mutants of the solution: {report.mutants}, of which {counts}")
    lines += [f"- **{finding}**" for finding in report.findings]
    return [*lines, ""]


def matrix(report: Report) -> list[str]:
    """The confusion matrix as a code block, with a legend of the checks."""
    width = max((len(row.specimen.name) for row in report.rows), default=0)
    lines = ["```"]
    for row in report.rows:
        scores = sorted({f"{score:g}" for score in row.scores}, key=float)
        span = scores[0] if len(scores) == 1 else f"{scores[0]}–{scores[-1]}" if scores else ""
        lines.append(f"{row.specimen.kind:<10}{row.specimen.name:<{width}}  {row.marks()}  {span}")
    lines += ["```", ""]
    lines += [
        f"{place}. {check.title} ({check.function}, {check.points:g})" for place, check in enumerate(report.checks, start=1)
    ]
    return [*lines, ""]
