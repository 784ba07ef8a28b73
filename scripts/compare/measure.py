"""Rounds in which the tools take turns in random order, the machine watched all the while."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compare.data import Expected, Job
from compare.tools import Tool

ANSWER_TIMEOUT_S = 600.0
"""How long a turn may take before the tool counts as failed."""


class ToolFailed(Exception):
    """A tool cannot be measured, or no longer; the text says why."""


class ToolMissing(ToolFailed):
    """It is not installed."""


class Host:
    """A process that runs one tool: see `compare.host`."""

    def __init__(self, tool: Tool, job: Job, python: str, environment: Mapping[str, str]) -> None:
        command = [python, "-m", "compare.host", "serve", tool.key]
        command += [str(job.directory), job.parzen, str(job.n_workers)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the host and all that it started."""
        for stream in (self._process.stdin, self._process.stdout):
            stream.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def wait_until_ready(self) -> None:
        self._answer()

    def take_turn(self, at_least_s: float, at_most_calls: int) -> dict[str, Any]:
        request = {"at_least_s": at_least_s, "at_most_calls": at_most_calls}
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ToolFailed("its process died") from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        # An answer is one line, and none is sent unasked: once it begins, the rest follows.
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(ANSWER_TIMEOUT_S):
                raise ToolFailed(f"no answer in {ANSWER_TIMEOUT_S:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise ToolFailed("its process died")
        answer = json.loads(line)
        if "missing" in answer:
            raise ToolMissing(answer["missing"])
        if "failed" in answer:
            raise ToolFailed(answer["failed"])
        return answer


@dataclass(frozen=True)
class ProcessTicks:
    """What `/proc/PID/stat` says of a process, in clock ticks."""

    pid: int
    parent: int
    used: int
    """By the process itself, and by children of it that have ended and been waited for."""


def parse_process_stat(text: str) -> ProcessTicks:
    """Reads a line of `/proc/PID/stat`; the name in it may contain blanks and parentheses."""
    pid, _, rest = text.partition(" (")
    fields = rest[rest.rindex(")") + 2 :].split()
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return ProcessTicks(int(pid), int(fields[1]), user + system + children_user + children_system)


def parse_machine_stat(text: str) -> tuple[int, int]:
    """The busy and all ticks of the machine, from `/proc/stat`; time stolen by other guests of
    the same host is busy."""
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = (
        int(field) for field in text.splitlines()[0].split()[1:]
    )
    busy = user + nice + system + irq + softirq + steal
    return busy, busy + idle + iowait


def ticks_of_tree(processes: Iterable[ProcessTicks], root: int) -> int:
    """The ticks of `root` and all that descend from it."""
    children: dict[int, list[ProcessTicks]] = {}
    total = 0
    for process in processes:
        children.setdefault(process.parent, []).append(process)
        if process.pid == root:
            total = process.used
    pending = [root]
    while pending:
        for child in children.get(pending.pop(), ()):
            total += child.used
            pending.append(child.pid)
    return total


@dataclass(frozen=True)
class Ticks:
    """A moment of the machine: clock ticks since it started."""

    own: int
    busy: int
    all: int

    def foreign_share(self, later: Ticks) -> float:
        """The share of the whole machine that others used between two moments.

        The kernel counts processes exactly and the machine by samples, so the difference of the
        two may come out a little below nothing.
        """
        everything = later.all - self.all
        foreign = (later.busy - self.busy) - (later.own - self.own)
        return max(0.0, foreign / everything) if everything > 0 else 0.0


def read_ticks(proc: Path = Path("/proc")) -> Ticks | None:
    """The present moment, this process and its descendants being what is our own; `None` where
    there is no `/proc`."""
    try:
        busy, everything = parse_machine_stat((proc / "stat").read_text())
    except OSError:
        return None
    processes: list[ProcessTicks] = []
    for directory in proc.iterdir():
        if directory.name.isdigit():
            try:
                processes.append(parse_process_stat((directory / "stat").read_text()))
            except OSError:
                continue  # It ended meanwhile.
    return Ticks(ticks_of_tree(processes, os.getpid()), busy, everything)


@dataclass(frozen=True)
class Settings:
    """How long and how often."""

    n_rounds: int
    n_more_rounds: int
    """How many busy rounds may be repeated."""
    busy_share: float = 0.05
    """A round is busy if others use more of the machine."""
    turn_s: float = 0.25
    """A quick tool is called again until its turn has lasted so long."""
    turn_calls: int = 100


@dataclass
class Round:
    """What each tool took: of the calls in a turn, the median and the shortest."""

    foreign_share: float | None
    medians: dict[str, float] = field(default_factory=dict)
    shortest: dict[str, float] = field(default_factory=dict)


@dataclass
class Measured:
    """What came of it."""

    rounds: list[Round] = field(default_factory=list)
    """Those that count."""
    n_dropped: int = 0
    problems: dict[str, ToolFailed] = field(default_factory=dict)
    """Tools that are missing or failed, and why."""
    disagree: dict[str, int] = field(default_factory=dict)
    """Tools whose counts were wrong, and how many were."""


@dataclass(frozen=True)
class Summary:
    """Of one tool over the rounds, in seconds; the spread is relative to the median."""

    median: float
    shortest: float
    spread: float


def summarise(medians: Sequence[float], shortest: Sequence[float]) -> Summary:
    """The median of the rounds' medians, the shortest call of all, and how far the longest of
    the rounds' medians is from the shortest of them."""
    median = statistics.median(medians)
    return Summary(median, min(shortest), (max(medians) - min(medians)) / median)


def summary_of(measured: Measured, key: str) -> Summary | None:
    """The summary of a tool, if it took part and was measured to the end."""
    if key in measured.problems or not any(key in one.medians for one in measured.rounds):
        return None
    return summarise(
        [r.medians[key] for r in measured.rounds], [r.shortest[key] for r in measured.rounds]
    )


def is_quiet(one: Round, limit: float) -> bool:
    """Whether others left the machine alone; where that cannot be seen, it is taken for granted."""
    return one.foreign_share is None or one.foreign_share <= limit


def keep(rounds: Sequence[Round], n_wanted: int) -> list[Round]:
    """The rounds to count: those in which others used the machine least.

    They are chosen by what others did and never by what the tools took, so the choice favours
    no tool.
    """
    return sorted(rounds, key=lambda one: one.foreign_share or 0.0)[:n_wanted]


def count_wrong(counts: Sequence[int], expected: Sequence[int]) -> int:
    """How many counts differ; all of them, if there are not as many as expected."""
    if len(counts) != len(expected):
        return max(len(counts), len(expected))
    return sum(count != right for count, right in zip(counts, expected))


def measure(
    tools: Sequence[Tool],
    start: Callable[[Tool], Host],
    expected: Expected,
    settings: Settings,
    order: random.Random,
    say: Callable[[str], None],
    watch: Callable[[], Ticks | None] = read_ticks,
) -> Measured:
    """Starts a host for each tool, warms all up, and runs rounds until enough were quiet."""
    measured = Measured()
    with ExitStack() as stack:
        hosts: dict[str, Host] = {}

        def turn(tool: Tool, at_least_s: float, at_most_calls: int) -> list[float]:
            """What the calls took; empty if the tool failed."""
            try:
                if tool.key not in hosts:
                    hosts[tool.key] = stack.enter_context(start(tool))
                    hosts[tool.key].wait_until_ready()
                answer = hosts[tool.key].take_turn(at_least_s, at_most_calls)
            except ToolFailed as error:
                measured.problems[tool.key] = error
                say(f"{tool.key}: {describe_problem(error)}")
                return []
            right = expected.strict if tool.strict else expected.inclusive
            if n_wrong := count_wrong(answer["counts"], right):
                measured.disagree[tool.key] = n_wrong
            return answer["seconds"]

        say("warming up")
        for tool in tools:
            turn(tool, 0.0, 1)

        rounds: list[Round] = []
        n_quiet = 0
        while n_quiet < settings.n_rounds and len(rounds) < (
            settings.n_rounds + settings.n_more_rounds
        ):
            present = [tool for tool in tools if tool.key not in measured.problems]
            order.shuffle(present)
            before = watch()
            one = Round(None)
            for tool in present:
                if seconds := turn(tool, settings.turn_s, settings.turn_calls):
                    one.medians[tool.key] = statistics.median(seconds)
                    one.shortest[tool.key] = min(seconds)
            after = watch()
            if before and after:
                one.foreign_share = before.foreign_share(after)
            rounds.append(one)
            n_quiet += is_quiet(one, settings.busy_share)
            say(f"round {len(rounds)}: {describe_share(one.foreign_share)}")

        measured.rounds = keep(rounds, settings.n_rounds)
        measured.n_dropped = len(rounds) - len(measured.rounds)
    return measured


def describe_problem(problem: ToolFailed) -> str:
    """What is the matter with a tool, in words."""
    return f"{'missing' if isinstance(problem, ToolMissing) else 'failed'}: {problem}"


def describe_share(share: float | None) -> str:
    """What others used, in words."""
    if share is None:
        return "what others used of the machine cannot be seen here"
    return f"others used {share:.0%} of the machine"
