"""The process in which one tool runs, and nothing else.

A host of its own for each tool keeps what one imports, allocates or starts from another, so that
`fork` copies the page tables of a small process and no thread of a foreign library.

`python -m compare.host serve KEY DIRECTORY PARZEN WORKERS` answers requests, a JSON line each,
until standard input ends; `once` in place of `serve` makes one call and prints the counts.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from compare.data import Job
from compare.tools import Call, tool


def take_turn(call: Call, at_least_s: float, at_most_calls: int) -> dict[str, Any]:
    """Calls until the time is up or the calls are: what each took, and the last one's counts."""
    gc.collect()
    seconds: list[float] = []
    while not seconds or (sum(seconds) < at_least_s and len(seconds) < at_most_calls):
        start = time.perf_counter()
        counts = call()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "counts": counts}


def explain(error: Exception) -> str:
    """One line, without the command line of a program that failed: that told why by itself."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    return f"{type(error).__name__}: {error}"


def serve(key: str, job: Job, requests: TextIO, answers: TextIO) -> None:
    """Prepares the tool, says whether it could, and takes turns when asked."""

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        call = tool(key).prepare(job)
    except ImportError as error:
        return answer({"missing": str(error)})
    except Exception as error:
        return answer({"failed": explain(error)})
    answer({"ready": True})
    for line in requests:
        try:
            answer(take_turn(call, **json.loads(line)))
        except Exception as error:
            return answer({"failed": explain(error)})


def main() -> None:
    mode, key, directory, parzen, n_workers = sys.argv[1:]
    job = Job(Path(directory), parzen, int(n_workers))
    if mode == "once":
        print(json.dumps(tool(key).prepare(job)()))
        return
    # What a tool prints must not get between the answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(answers, "w") as stream:
            serve(key, job, sys.stdin, stream)
    except BrokenPipeError:
        pass  # Whoever asked is gone.


if __name__ == "__main__":
    main()
