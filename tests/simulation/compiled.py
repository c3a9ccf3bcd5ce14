"""The same sources as native code, twice as fast: what a million schedules run on.

mypyc translates the modules that decide, and the simulated world, in a copy outside the checkout,
which is kept as long as the sources are the same. Modules that only hold values stay as they are:
mypyc 2.4 makes modules of named tuples that crash when they are imported.

A native copy is trusted only after it went the very same way as the sources themselves, event by
event and effect by effect, in ``PROVED`` schedules.

    python -m tests.simulation.compiled ARGUMENTS    # as of python -m tests.simulation
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.simulation import record

from hacluster_local.setup import cache

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "__init__",
    "commands",
    "config",
    "effects",
    "events",
    "heartbeat",
    "order_kinds",
    "record",
}
"""Modules of the core that stay as they are."""
PROVED = 25
"""Schedules that must go the same way."""
BUILD_S = 1200
COURSE_S = 300


class CannotError(Exception):
    """There is no native copy to be had here; the text says why and what to do."""


def folder() -> Path:
    """Return the folder of a native copy of the present sources, building and proving it if needed.

    Raises:
        CannotError: There is no C compiler, or the copy went another way.
    """
    return cache.entry("schedules", f"{record.sources()}-{sys.implementation.cache_tag}", _make)


def main() -> int:
    """Run ``python -m tests.simulation`` in the native copy, or else here."""
    try:
        where = folder()
    except CannotError as error:
        sys.stderr.write(f"In Python, at half the speed: {error}\n")
        where = record.ROOT
    command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
    return subprocess.run(command, cwd=where, env=_environment(), check=False).returncode


def _make(copy: Path) -> None:
    if shutil.which("cc") is None:
        raise CannotError("no C compiler; install it with: apt-get install gcc python3-dev")
    sys.stderr.write("Translating the core to native code, once; about a minute\n")
    _build(copy)
    if _course(copy) != _course(record.ROOT):
        raise CannotError("the native copy went another way than its sources: a fault of mypyc")


def _build(copy: Path) -> None:
    """Copy the sources (``operator`` leads back to the copy itself) and translate them there."""
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(record.ROOT / "operator/hacluster_node", copy / "hacluster_node", ignore=leave)
    shutil.copytree(record.ROOT / "tests/simulation", copy / "tests/simulation", ignore=leave)
    (copy / "tests/__init__.py").touch()
    (copy / "operator").symlink_to(".")
    core = sorted(copy.glob("hacluster_node/core/*.py"))
    modules = [str(each.relative_to(copy)) for each in core if each.stem not in VALUES]
    modules += ["tests/simulation/host.py", "tests/simulation/world.py"]
    build = (
        "from setuptools import setup; from mypyc.build import mypycify; "
        f"native = mypycify(['--config-file=', *{modules}]); "
        "setup(name='schedules', packages=[], ext_modules=native)"
    )
    _do(copy, BUILD_S, "-c", build, "build_ext", "--inplace")


def _course(where: Path) -> str:
    return _do(where, COURSE_S, "-m", "tests.simulation", "--course", "--seeds", str(PROVED))


def _do(copy: Path, seconds: float, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env=_environment(),
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.CalledProcessError as error:
        raise CannotError(
            f"exit code {error.returncode}: {(error.stdout + error.stderr)[-2000:]}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CannotError(f"{error}") from error
    return done.stdout


def _environment() -> dict[str, str]:
    """Return this environment without what leads back to the sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


if __name__ == "__main__":
    sys.exit(main())
