"""What a comparison needs: an environment of its own with the packages, and parzen."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"

Say = Callable[[str], None]


class Missing(Exception):
    """Something that only whoever runs this can provide; the text is one line."""


def target_directory() -> Path:
    """Where builds go, which git ignores."""
    return REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")


def ensure_python(say: Say) -> str:
    """A Python with the packages of `requirements.txt`, made if it is not there.

    A package that cannot be installed is said so and left out, except NumPy, which makes the
    samples.

    # Errors

    `Missing` without `venv`, `ensurepip` or NumPy.
    """
    directory = target_directory() / "compare-venv"
    python = directory / "bin" / "python"
    stamp = directory / "installed.txt"
    wanted = f"{platform.python_version()}\n{REQUIREMENTS.read_text()}"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return str(python)

    for module in ("venv", "ensurepip"):
        if find_spec(module) is None:
            raise Missing(
                f"this Python has no `{module}` (on Debian and Ubuntu: install python3-venv)"
            )
    say("making a virtual environment")
    made = _run([sys.executable, "-m", "venv", "--clear", str(directory)])
    if made.returncode != 0:
        raise Missing(f"cannot make a virtual environment: {_last_line(made)}")
    if _install(python, say):
        stamp.write_text(wanted)
    return str(python)


def _install(python: Path, say: Say) -> bool:
    """Whether all packages could be installed."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    pip += ["--disable-pip-version-check", "--no-input"]
    say("installing the packages of requirements.txt")
    if _run([*pip, "--requirement", str(REQUIREMENTS)]).returncode == 0:
        return True
    # One by one, so that a package without a wheel for this Python costs only its own rows.
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    for pin in sorted(pins, key=lambda pin: not pin.startswith("numpy==")):
        installed = _run([*pip, "--no-deps", pin])
        if installed.returncode == 0:
            continue
        if pin.startswith("numpy=="):
            raise Missing(f"pip cannot install {pin} (no network?): {_last_line(installed)}")
        say(f"pip cannot install {pin}: {_last_line(installed)}")
    return False


def ensure_parzen(say: Say) -> str:
    """The program parzen, built in release unless the variable `PARZEN` names one.

    # Errors

    `Missing` without cargo, or if the build fails.
    """
    if given := os.environ.get("PARZEN"):
        if shutil.which(given) is None:
            raise Missing(f"PARZEN={given} is not a program")
        return str(Path(shutil.which(given)).resolve())
    if shutil.which("cargo") is None:
        raise Missing("cargo is not installed, and parzen has to be built (or named: PARZEN=...)")
    say("building parzen in release")
    build = subprocess.run(
        ["cargo", "build", "--release", "--bins", "--message-format=json-render-diagnostics"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in build.stdout.splitlines() if build.returncode == 0 else ():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "parzen":
            return message["executable"]
    raise Missing("parzen cannot be built: `cargo build --release` failed")


def describe_versions(python: str, parzen: str) -> str:
    """The versions of everything that is compared."""
    ask = (
        "import importlib.metadata as m, sys\n"
        "for name in ('numpy', 'scipy', 'scikit-learn', 'numba', 'joblib'):\n"
        "    try: print(name, m.version(name))\n"
        "    except m.PackageNotFoundError: print(name, 'missing')\n"
    )
    packages = _run([python, "-c", ask]).stdout.splitlines()
    ours = _run([parzen, "--version"]).stdout.partition("\n")[0] or "parzen, version unknown"
    described = _run(["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"])
    if "PARZEN" not in os.environ and described.returncode == 0:
        ours += f" ({described.stdout.strip()})"
    return ", ".join([ours, f"Python {platform.python_version()}", *packages])


def describe_machine() -> str:
    """Processor, cores, memory and system."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    parts = [processor, f"{n_cores()} cores"]
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{memory / 2**30:.0f} GiB")
    except (OSError, ValueError):
        pass
    return ", ".join([*parts, f"{platform.system()} {platform.release()}"])


def n_cores() -> int:
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    lines = (finished.stderr or finished.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit code {finished.returncode}"
