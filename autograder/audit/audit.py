"""Grade the graders: every right answer must keep every point, every known mistake must lose what
it names, every mutant must lose some.

reference, variants      full marks, whatever the seed
stub                     nothing
all_zeros                at most a tenth: results of the right shape are worth little
mistakes                 exactly the checks that they name fail
mutants                  at least one check fails, or equivalent_mutants.toml says why none can
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from autograder.assignment import Assignment
from autograder.audit.mutants import Mutant, mutants_of
from autograder.authoring.folder import equivalents, stops_grading, validate_folder
from autograder.authoring.handout import stub_of
from autograder.errors import AutograderError
from autograder.grading.checks import open_submission, run_checks
from autograder.grading.grader import Grader
from autograder.grading.student import Student
from autograder.grading.submission import Submission, Unit
from autograder.grading.workers import WorkerEnded, run_on_workers
from autograder.results import Check

RIGHT = ("reference", "variant")
ZEROS = "all_zeros"
ZEROS_SHARE = 0.1
MUTANT_CPU_SECONDS = 3.0  # a mutant that never ends is a mutant that lost


@dataclass(frozen=True)
class Specimen:
    """Something whose grade is known. fails: the checks that must fail; None: every one."""

    kind: str
    name: str
    sources: tuple[str, ...]
    fails: frozenset[str] | None = frozenset()

    @property
    def submission(self) -> Submission:
        numbered = enumerate(self.sources, start=1)
        return Submission(
            tuple(Unit("statements", text, str(place)) for place, text in numbered), ""
        )


def one_file(text: str) -> Submission:
    """A submission of one module."""
    return Submission((Unit("statements", text, ""),), "")


@dataclass(frozen=True)
class Task:
    """One grading to make. row: the specimen's line in the report, None for a mutant"""

    submission: Submission
    secret: str
    row: Row | None = None
    mutant: Mutant | None = None


@dataclass
class Row:
    """One specimen's line of the confusion matrix: how often it was graded, and how often each
    check failed.
    """

    specimen: Specimen
    gradings: int = 0
    latest: tuple[Check, ...] = ()  # of its latest grading
    failures: dict[str, int] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)

    def add(self, checks: Iterable[Check]) -> None:
        self.gradings += 1
        self.latest = checks = tuple(checks)
        self.scores.append(sum(check.earned for check in checks))
        for check in checks:
            self.failures[check.name] = self.failures.get(check.name, 0) + (
                check.outcome != "passed"
            )

    def marks(self) -> str:
        """One character a check: · never fails, ✗ always does, a digit: so many tenths."""
        shares = [count / self.gradings for count in self.failures.values()]
        return "".join(
            "·" if share == 0 else "✗" if share == 1 else str(max(1, min(9, round(10 * share))))
            for share in shares
        )


@dataclass
class Report:
    """What an audit of one assignment found. No `findings`: the graders are as they should be."""

    assignment: Assignment
    checks: list[Check] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    mutants: int = 0
    accepted: list[tuple[Mutant, str]] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def note(self, task: Task, checks: list[Check]) -> None:
        """Take in how one grading went."""
        if task.row is not None:
            task.row.add(checks)
            self.findings += judge(task.row.specimen, task.secret, checks)
            self.checks = self.checks or [replace(check, message="", hint="") for check in checks]
        elif task.mutant is not None and all(check.outcome == "passed" for check in checks):
            self.survivors.append(task.mutant)

    @property
    def right_gradings(self) -> int:
        return sum(row.gradings for row in self.rows if row.specimen.kind in RIGHT)


def specimens(assignment: Assignment) -> list[Specimen]:
    """The reference, the stub, the variants and the mistakes of an assignment."""
    solution = assignment.solution.read_text(encoding="utf-8")
    right = [Specimen("reference", "solution", (solution,))]
    right += [
        Specimen("variant", path.stem, (path.read_text(encoding="utf-8"),))
        for path in assignment.variants
    ]
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

    gradings: of right submissions in all, spread over the reference and the variants, each with a
        seed of its own
    seeds: gradings of each mistake and of the stub
    mutate: whether to make and grade mutants
    advance: called with how many gradings are done, of how many
    """
    broken = validate_folder(grader.assignment)
    report = Report(grader.assignment, findings=list(map(str, broken)))
    if any(map(stops_grading, broken)):
        return report
    report.rows = [Row(specimen) for specimen in specimens(grader.assignment)]
    tasks = list(_gradings(report.rows, gradings, seeds))
    if mutate:
        mutants = mutants_of(grader.assignment.solution.read_text(encoding="utf-8"))
        report.mutants = len(mutants)
        tasks += [Task(one_file(mutant.source), "audit 0", mutant=mutant) for mutant in mutants]
    grader.warm()
    for done, (place, checks) in enumerate(_graded(grader, tasks, workers), start=1):
        report.note(tasks[place], checks)
        advance(done, len(tasks))
    if mutate:
        settle_survivors(report)
    return report


def _gradings(rows: list[Row], gradings: int, seeds: int) -> Iterator[Task]:
    """Right answers by turns, each under another secret; then every wrong one `seeds` times."""
    right = [row for row in rows if row.specimen.kind in RIGHT]
    for number in range(max(gradings, len(right))):
        row = right[number % len(right)]
        yield Task(row.specimen.submission, f"audit {number}", row)
    for row in rows:
        if row not in right:
            for seed in range(seeds):
                yield Task(row.specimen.submission, f"audit {seed}", row)


def _graded(
    grader: Grader, tasks: Sequence[Task], workers: int
) -> Iterator[tuple[int, list[Check]]]:
    """The checks of every specimen, by its place. As in grading, one that a clock ended in company
    is graded again alone, and only then counts; of a mutant it is a loop that does not end.
    """
    doubtful = []
    for place, checks, by_clock in _answers(grader, tasks, range(len(tasks)), workers):
        if by_clock and workers > 1 and tasks[place].mutant is None:
            doubtful.append(place)
        else:
            yield place, checks
    for place, checks, _ in _answers(grader, tasks, doubtful, 1):
        yield place, checks


def _answers(
    grader: Grader, tasks: Sequence[Task], places: Sequence[int], workers: int
) -> Iterator[tuple[int, list[Check], str]]:
    """Of some of the specimens: place, checks, and what a clock ended, if anything."""
    answers = run_on_workers(lambda place: _grade(grader, tasks[place]), places, workers)
    for number, answer in answers:
        place = places[number]
        if isinstance(answer, WorkerEnded):
            raise AutograderError(f"a process ended while {tasks[place]} was graded ({answer})")
        yield place, *answer


def _grade(grader: Grader, task: Task) -> tuple[list[Check], str]:
    """In a worker process: the checks of one specimen, and what a clock ended, if anything; of a
    mutant, those up to the first that fails.
    """
    assignment = grader.assignment
    if task.mutant is not None:
        seconds = MUTANT_CPU_SECONDS
        limits = replace(assignment.limits, call_cpu_seconds=seconds, call_wall_seconds=2 * seconds)
        assignment = replace(assignment, limits=limits)
    with open_submission(grader.warm(), assignment, task.submission) as loaded:
        until_one_fails = task.mutant is not None
        student = Student(loaded)
        checks = run_checks(assignment, student, task.secret, until_one_fails=until_one_fails)
        return checks, loaded.box.by_clock


def judge(specimen: Specimen, secret: str, checks: list[Check]) -> list[str]:
    """What is not as it should be in one grading."""
    failed = {check.name: check for check in checks if check.outcome != "passed"}
    expected = {check.name for check in checks} if specimen.fails is None else specimen.fails
    where = f"{specimen.kind} {specimen.name} ({secret})"
    found = [
        f"{where} fails {name}: {failed[name].outcome}: {failed[name].message}"
        for name in failed.keys() - expected
    ]
    found += [f"{where} passes {name}, which it must fail" for name in expected - failed.keys()]
    earned, points = sum(check.earned for check in checks), sum(check.points for check in checks)
    if specimen.name == ZEROS and earned > ZEROS_SHARE * points:
        found.append(
            f"{where} earns {earned:g} of {points:g} points; "
            "zeros of the right shape may earn a tenth"
        )
    return sorted(found)


def settle_survivors(report: Report) -> None:
    """Set aside the survivors that equivalent_mutants.toml accepts; the others, and entries without
    a survivor, are findings.
    """
    accepted = equivalents(report.assignment)
    survivors, report.survivors = report.survivors, []
    for mutant in survivors:
        reason = accepted.get((mutant.was, mutant.becomes))
        if reason:
            report.accepted.append((mutant, reason))
        else:
            report.survivors.append(mutant)
            report.findings.append(
                f"a mutant keeps every point ({mutant.operator}):\n{mutant.diff}"
            )
    alive = {(mutant.was, mutant.becomes) for mutant in survivors}
    for was, becomes in accepted.keys() - alive:
        report.findings.append(
            "equivalent_mutants.toml accepts a mutant that loses points or is not made: "
            f"{was} -> {becomes}"
        )
