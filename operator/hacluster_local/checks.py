"""What a change must pass: `make check` and `make test`, the same for a developer and in CI."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hacluster_local.setup.checkout import ROOT, SOURCES, VENV
from hacluster_local.setup.progress import Step, say

SOURCE_FOLDERS: Final = ("operator", "tests")
AGENT_PACKAGES: Final = ("operator/hacluster_node", "operator/hacluster_wire")
OLDEST_AGENT_PYTHON: Final = "3.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A file in the repository that a command of ours writes, and that nobody edits."""

    file: str
    command: tuple[str, ...]
    """Prints the file's content to standard output."""


PRINTED: Final = (Generated(file="docs/azuresim-coverage.md", command=("azuresim", "coverage")),)
COMPARED: Final = (
    ("hacluster", "crd", "--check"),
    ("hacluster", "reference", "--check"),
)
"""Commands that write several files, and compare them themselves."""


IN_REAL_TIME: Final = "netns"
"""The mark of tests whose processes would miss their deadlines on a machine that is busy."""
REAL_TIME_FOLDER: Final = "tests/netns"
ALL: Final = "not bench and not long"
NO_TESTS: Final = 5
"""Pytest's exit code where nothing was to be run."""


def check() -> int:
    """Run every check, also after one has failed; return the exit code."""
    checks: dict[str, Callable[[], str]] = {
        "No operator/__init__.py": _operator_is_no_package,
        "Format": lambda: _tool("ruff", "format", "--check", *SOURCE_FOLDERS),
        "Lint": lambda: _tool("ruff", "check", *SOURCE_FOLDERS),
        "Types": lambda: _tool("mypy", *SOURCE_FOLDERS),
        "Import rules": lambda: _tool("lint-imports"),
        f"The agent runs on Python {OLDEST_AGENT_PYTHON}": _agent_python,
        **{" ".join(words): partial(_tool, *words) for words in COMPARED},
        **{f"{each.file} is up to date": partial(_up_to_date, each) for each in PRINTED},
    }
    failed = [name for name, run in checks.items() if not _passes(name, run)]
    if failed:
        say(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


def test(arguments: Sequence[str]) -> int:
    """Run the tests, or those that the arguments choose; return pytest's exit code.

    First all that only needs cores, on all of them; then, with the machine to themselves, the tests
    whose processes keep deadlines of seconds.
    """
    cores = str(os.cpu_count() or 1)
    spread = ("--numprocesses", cores, "--dist", "loadgroup")
    codes = [
        _pytest(*spread, "-m", f"not {IN_REAL_TIME} and {ALL}", *arguments),
        _pytest("-m", f"{IN_REAL_TIME} and {ALL}", *(arguments or (REAL_TIME_FOLDER,))),
    ]
    return next((code for code in codes if code not in (0, NO_TESTS)), min(codes))


def _pytest(*words: str) -> int:
    command = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(command, cwd=ROOT, check=False, env=_environment()).returncode  # noqa: S603


def _passes(name: str, run: Callable[[], str]) -> bool:
    current = Step(name)
    complaint = run()
    current.end("failed" if complaint else "done")
    if complaint:
        say(complaint)
    return not complaint


def _tool(*words: str) -> str:
    """Run a tool of the virtual environment; return what it wrote if it was not content."""
    done = _run(*words)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}".strip() or "It failed."


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(VENV / "bin" / words[0]), *words[1:]]
    return subprocess.run(  # noqa: S603 - tools from the lock file
        command, cwd=ROOT, check=False, capture_output=True, text=True, env=_environment()
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES)}


def _operator_is_no_package() -> str:
    """`operator/` is a source root: as a package it would shadow the standard library's module."""
    if not (SOURCES / "__init__.py").exists():
        return ""
    return "operator/__init__.py shadows the standard library's `operator`: remove it."


def _agent_python() -> str:
    packages = [name for name in AGENT_PACKAGES if (ROOT / name).is_dir()]
    options = ("--no-tips", "--violations", f"--target={OLDEST_AGENT_PYTHON}-")
    return _tool("vermin", *options, *packages)


def _up_to_date(generated: Generated) -> str:
    line = " ".join(generated.command)
    made = _run(*generated.command)
    if made.returncode != 0:
        return f"`{line}` failed:\n{made.stderr.strip()}"
    file = ROOT / generated.file
    if not file.exists() or file.read_text() != made.stdout:
        return f"{generated.file} is not what `{line}` writes. Run: {line} > {generated.file}"
    return ""
