"""An audit as a Markdown page: per assignment, the figures and the confusion matrix."""

from __future__ import annotations

from autograder.audit.audit import RIGHT, Report


def page(reports: list[Report], command: str) -> str:
    """The audit as a Markdown page."""
    lines = [PAGE_HEAD.format(command=command)]
    for report in reports:
        lines += section(report)
    return "\n".join(lines) + "\n"


def section(report: Report) -> list[str]:
    """One assignment's figures and matrix, as Markdown lines."""
    heading = f"## {report.assignment.title} (`{report.assignment.slug}`)"
    return [heading, *figures(report), *matrix(report)]


PAGE_HEAD = """# The graders, graded

Made by `{command}`; do not edit. Every line of a matrix is something whose grade is known
beforehand: the reference solution, other right answers, an untouched stub, known mistakes. Every
column is a check: `·` it never failed, `✗` it always failed, a digit: so many tenths of the
gradings. Right answers must show dots alone; a mistake must show a cross at exactly the checks that
it names.
"""


def figures(report: Report) -> list[str]:
    """The measured quality of one assignment's checks, as a list of Markdown lines."""
    lost = sum(
        score < report.assignment.max_score
        for row in report.rows
        if row.specimen.kind in RIGHT
        for score in row.scores
    )
    mistakes = [row for row in report.rows if row.specimen.kind == "mistake"]
    caught = sum(
        all(row.failures.get(name) == row.gradings for name in row.specimen.fails or ())
        for row in mistakes
    )
    lines = [
        "",
        f"- false rejects: {lost} of {report.right_gradings} gradings of right answers, "
        "each with a seed of its own",
        f"- mistakes that fail all that they name, every time: {caught} of {len(mistakes)}",
    ]
    if report.mutants:
        killed = report.mutants - len(report.accepted) - len(report.survivors)
        accepted, alive = len(report.accepted), len(report.survivors)
        counts = f"{killed} lose points, {accepted} are equivalent, {alive} survive"
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
        f"{place}. {check.title} ({check.function}, {check.points:g})"
        for place, check in enumerate(report.checks, start=1)
    ]
    return [*lines, ""]
