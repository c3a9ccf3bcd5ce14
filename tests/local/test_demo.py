"""`make demo` as a process of its own, on the real parts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.prerequisites import require

from hacluster_local import environment, processes
from hacluster_local.controlplane import binaries
from hacluster_local.setup.checkout import ROOT, SOURCES
from hacluster_local.store import install

pytestmark = pytest.mark.timeout(900)
NEEDED = ("## Microsoft.Network/loadBalancers", "## Microsoft.Compute/virtualMachines")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    yield tmp_path / "home"
    environment.down(tmp_path / "home")


def demo(home: Path) -> subprocess.Popen[str]:
    variables = {name: value for name, value in os.environ.items() if name != "KEEP"}
    return subprocess.Popen(
        [sys.executable, "-m", "hacluster_local", "--home", str(home), "demo", "--machines=none"],
        cwd=ROOT,
        env={**variables, "PYTHONPATH": str(SOURCES)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background deaf to SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads
    )


def wait_for(word: str, running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if word in line:
            return
    pytest.fail(f"the demo ended without saying {word!r}:\n{running.communicate()[1]}")


def kill_operator(home: Path) -> None:
    (operator,) = (each for each in processes.find(home) if each.part == "operator")
    os.kill(operator.pid, signal.SIGKILL)


@pytest.mark.timeout(1800)
def test_the_demo_keeps_every_promise(home: Path) -> None:
    require(simulates(*NEEDED), "Azure", "azuresim lacks a type yet")
    with demo(home) as running:
        told, errors = running.communicate()
    assert running.returncode == 0, f"{told[-3000:]}\n{errors[-3000:]}"
    chapters = [line.split("==", 1)[1].strip() for line in told.splitlines() if " == " in line]
    assert [chapter.split(" ", 3)[0:3] for chapter in chapters] == [
        ["kubectl", "apply", "-f"],
        ["Azure", "is", "as"],
        ["Somebody", "deletes", "the"],
        ["The", "probe", "is"],
        ["Somebody", "opens", "the"],
        ["The", "rule", "is"],
        ["kubectl", "delete", "hacluster"],
        ["Azure", "has", "nothing"],
        ["That", "was", "all:"],
    ]
    assert processes.find(home) == []


def simulates(*types: str) -> bool:
    command = [sys.executable, "-m", "azuresim", "coverage"]
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return all(name in done.stdout for name in types)


def test_a_broken_promise_ends_with_an_error_and_the_log_and_leaves_nothing(home: Path) -> None:
    with demo(home) as running:
        wait_for("kubectl apply", running)
        kill_operator(home)
        _, told = running.communicate()
    assert running.returncode == 1
    assert "The demo failed. The operator has ended" in told
    assert "operator.log that matters" in told
    assert processes.find(home) == []


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT], ids=lambda word: word.name)
def test_a_demo_that_is_interrupted_leaves_nothing(word: signal.Signals, home: Path) -> None:
    with demo(home) as running:
        wait_for("kubectl apply", running)
        running.send_signal(word)
        running.communicate()
    assert running.returncode != 0
    assert processes.find(home) == []
    assert {entry.name for entry in home.iterdir()} == {"lock", "log"}
