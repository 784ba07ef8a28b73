"""The command line of the comparison: `scripts/compare/run --help`."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from compare import environment
from compare.data import Job, Workload, large_workload, notebook_workload, read_expected
from compare.measure import Host, Measured, Settings, ToolMissing, measure
from compare.report import Context, render
from compare.tools import TOOLS, Tool, select

N_WORKERS = 2
"""As many as the notebook's first parallel run has."""

EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_FAILED = 4
EXIT_DISAGREE = 5
EXIT_MISSING = 77
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was typed; ends the program if it makes no sense."""
    keys = " ".join(tool.key for tool in TOOLS)
    parser = argparse.ArgumentParser(
        prog="scripts/compare/run",
        description="Compares parzen with Python tools on the same data, side by side, and "
        "prints a Markdown table.",
        epilog=f"Tools: {keys}. Exit codes: 0 done; 1 unexpected; 2 usage; 4 a tool failed; 5 counts disagree; 77 something "
        "that is needed is missing; 130 interrupted; 143 terminated. PYTHON and PARZEN name programs to use "
        "in place of the ones found and built.",
    )
    parser.add_argument(
        "--rounds", type=_positive, metavar="N", help="quiet rounds wanted (5; 2 with --quick)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smaller workload, and busy rounds not repeated"
    )
    parser.add_argument(
        "--large", action="store_true", help="a million samples in place of the notebook's"
    )
    parser.add_argument(
        "--only", metavar="TOOL,..", default="*", help="these tools, such as parzen-*,numba"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it here too")
    options = parser.parse_args(arguments)
    try:
        options.tools = select(options.only.split(","), "large" if options.large else "notebook")
    except KeyError as error:
        parser.error(f"--only: {error.args[0]}")
    if options.output and not options.output.absolute().parent.is_dir():
        parser.error(f"--output: the directory of {options.output} does not exist")
    options.rounds = options.rounds or (2 if options.quick else 5)
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def say(message: str) -> None:
    """Talk goes to standard error."""
    print(message, file=sys.stderr, flush=True)


def compare(options: argparse.Namespace) -> tuple[str, Measured]:
    """Measures, and gives the report."""
    parzen = environment.ensure_parzen(say)
    python = environment.ensure_python(say)
    workload = (large_workload if options.large else notebook_workload)(options.quick)
    settings = Settings(options.rounds, n_more_rounds=0 if options.quick else options.rounds)
    context = Context(
        workload,
        N_WORKERS,
        environment.describe_machine(),
        environment.describe_versions(python, parzen),
    )
    with tempfile.TemporaryDirectory(prefix="parzen-compare-") as name:
        directory = Path(name)
        variables = {**os.environ, "NUMBA_CACHE_DIR": str(directory / "numba")}
        say("making the samples and the counts to expect")
        write_data(python, workload, directory, variables)
        job = Job(directory, parzen, N_WORKERS)
        expected = read_expected(directory)

        def start(tool: Tool) -> Host:
            return Host(tool, job, python, variables)

        measured = measure(options.tools, start, expected, settings, random.Random(), say)
    return render(options.tools, measured, expected, settings, context), measured


def write_data(
    python: str, workload: Workload, directory: Path, variables: dict[str, str]
) -> None:
    """Has NumPy write the workload."""
    command = [python, "-m", "compare.data", json.dumps(asdict(workload)), str(directory)]
    subprocess.run(command, env=variables, check=True)


def write_beside(text: str, path: Path) -> None:
    """Writes a file that is there as a whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it and gives the exit code."""

    def terminated(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(EXIT_TERMINATED)

    options = parse(arguments)
    signal.signal(signal.SIGTERM, terminated)
    try:
        report, measured = compare(options)
    except environment.Missing as error:
        say(f"error: {error}")
        return EXIT_MISSING
    except KeyboardInterrupt:
        say("interrupted")
        return EXIT_INTERRUPTED
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"error: {error}")
        return EXIT_UNEXPECTED
    if options.output:
        write_beside(report, options.output)
    sys.stdout.write(report)
    if measured.disagree:
        return EXIT_DISAGREE
    if any(not isinstance(problem, ToolMissing) for problem in measured.problems.values()):
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
