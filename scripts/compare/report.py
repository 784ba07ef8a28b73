"""The Markdown that is printed: a pure function of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compare.data import Expected, Workload
from compare.measure import (
    Measured,
    Settings,
    Summary,
    describe_problem,
    is_quiet,
    summary_of,
)
from compare.tools import NOTEBOOK_SERIAL, PARZEN_PROCESSES, Tool

NO_VALUE = "–"

WHAT_IS_TIMED = """\
What is timed:

- *program*: a whole program, from its start to its end, with reading the samples, starting \
workers and printing. This is how parzen is timed.
- *call*: the call alone, in a Python that runs, has imported and compiled everything and holds \
the samples in memory. Trees and pools are made in the call; joblib keeps its workers from one \
call to the next. A call that takes less than a process takes to start cannot be beaten by a \
program, however fast.
- Tools take turns in random order. A turn is one call, or several if it is quick. \
Median: of the rounds, each being the median of its turn; shortest: of all calls; \
spread: from the shortest to the longest round, as a share of the median."""


@dataclass(frozen=True)
class Context:
    """Where and on what it was measured."""

    workload: Workload
    n_workers: int
    machine: str
    versions: str


def render(
    tools: Sequence[Tool],
    measured: Measured,
    expected: Expected,
    settings: Settings,
    context: Context,
) -> str:
    """The whole report."""
    parts = [
        "# parzen beside Python tools",
        busy_warning(measured, settings),
        disagreement(measured),
        "\n".join(
            [
                f"- Workload: {context.workload.describe()}; {context.n_workers} workers.",
                f"- Machine: {context.machine}.",
                f"- Versions: {context.versions}.",
                f"- Rounds: {rounds_line(measured)}.",
                f"- Counts: {counts_line(tools, measured, expected)}.",
            ]
        ),
        table(tools, measured),
        WHAT_IS_TIMED,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def busy_warning(measured: Measured, settings: Settings) -> str:
    """What to say first if there were not enough quiet rounds."""
    n_busy = sum(not is_quiet(one, settings.busy_share) for one in measured.rounds)
    if not n_busy:
        return ""
    return (
        f"> **The machine was busy**: in {n_busy} of {len(measured.rounds)} rounds others used "
        f"more than {settings.busy_share:.0%} of it (see *Rounds*). Times are too long, and not by "
        "the same factor for all tools: do not rely on the ratios, and run it again on a quiet "
        "machine."
    )


def disagreement(measured: Measured) -> str:
    """What to say next if a tool did not count as the notebook does."""
    if not measured.disagree:
        return ""
    which = ", ".join(f"{key} ({n} wrong)" for key, n in measured.disagree.items())
    return f"> **The counts do not agree**: {which}."


def rounds_line(measured: Measured) -> str:
    """How many rounds, and what others did meanwhile."""
    line = f"{len(measured.rounds)} counted, {measured.n_dropped} busier ones dropped"
    shares = [one.foreign_share for one in measured.rounds if one.foreign_share is not None]
    if not shares:
        return f"{line}; what others used of the machine cannot be seen here"
    return f"{line}; others used {min(shares):.0%} to {max(shares):.0%} of the machine"


def counts_line(tools: Sequence[Tool], measured: Measured, expected: Expected) -> str:
    """Whether the counts agree, and what ties mean for it."""
    n_counts = len(expected.inclusive)
    agree = "do not all agree" if measured.disagree else "the same from all that ran"
    line = f"{n_counts} of each tool, {agree}"
    if not any(tool.strict and tool.key not in measured.problems for tool in tools):
        return line
    if expected.n_ties:
        return (
            f"{line}; scikit-learn's `KernelDensity` leaves out a sample on the edge of a "
            f"window, as happens {expected.n_ties} times here, and is compared with counts "
            "without these"
        )
    return (
        f"{line}, scikit-learn's `KernelDensity` among them: it would leave out a sample on the "
        "edge of a window, but there is none"
    )


def table(tools: Sequence[Tool], measured: Measured) -> str:
    """One row for each tool; a ratio is left out if there is nothing to relate to."""
    notebook = summary_of(measured, NOTEBOOK_SERIAL)
    parzen = summary_of(measured, PARZEN_PROCESSES)

    def cells(tool: Tool, summary: Summary) -> Iterator[str]:
        yield "program" if tool.whole_program else "call"
        yield duration(summary.median)
        yield duration(summary.shortest)
        yield f"{summary.spread:.0%}"
        if notebook:
            yield significant(notebook.median / summary.median)
        if parzen:
            yield significant(summary.median / parzen.median)
        n_wrong = measured.disagree.get(tool.key)
        yield f"{n_wrong} wrong" if n_wrong else "ok"

    head = ["tool", "timed", "median", "shortest", "spread"]
    head += ["speed, notebook serial = 1"] if notebook else []
    head += ["time, parzen processes = 1"] if parzen else []
    head += ["counts"]
    rows = [head]
    for tool in tools:
        if summary := summary_of(measured, tool.key):
            rows.append([tool.title, *cells(tool, summary)])
        else:
            problem = one_line(describe_problem(measured.problems[tool.key]))
            rows.append([tool.title, *[NO_VALUE] * (len(head) - 2), problem])
    return markdown_table(rows, n_text_columns=2)


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            break
    return f"{significant(seconds * factor)} {unit}"


def significant(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:#.2g}"


def one_line(text: str) -> str:
    """A text that fits into a cell."""
    return " ".join(text.split()).replace("|", "\\|")[:80]


def markdown_table(rows: Sequence[Sequence[str]], n_text_columns: int) -> str:
    """Aligned, so that it can be read as it is: text to the left, figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < n_text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if column < n_text_columns else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])
