"""Real processes: started, watched and ended, however they behave."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hacluster_local import processes
from hacluster_local.processes import PartError, Program, Running

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('ready', 'w'); {SLEEP}"
CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
PARENT = f"{CHILD}; open('ready', 'w'); {SLEEP}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop(tmp_path, grace_s=0.1)


def python(script: str, home: Path, name: str = "part") -> Program:
    return Program(name=name, arguments=(sys.executable, "-c", script), directory=home)


def started(script: str, home: Path, name: str = "part") -> Running:
    """Start a script and wait until it has marked itself as ready, if it does so at all."""
    running = processes.start(python(script, home, name), home)
    if "'ready'" in script:
        eventually((home / "ready").exists)
    else:
        eventually(lambda: bool(processes.find(home)))
    return running


def eventually(is_so: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def test_what_is_started_is_found_and_ended(home: Path) -> None:
    started(SLEEP, home, "sleeper")
    assert [found.part for found in processes.find(home)] == ["sleeper"]
    assert processes.stop(home) == 1
    assert processes.find(home) == []


def test_another_environments_processes_are_left_alone(home: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    started(SLEEP, beside, "neighbour")
    try:
        started(SLEEP, home)
        processes.stop(home)
        assert [found.part for found in processes.find(beside)] == ["neighbour"]
    finally:
        processes.stop(beside)


@pytest.mark.parametrize(
    ("script", "count"),
    [pytest.param(DEAF, 1, id="ignores the request"), pytest.param(PARENT, 2, id="has a child")],
)
def test_it_is_ended_though_it(script: str, count: int, home: Path) -> None:
    started(script, home)
    eventually(lambda: len(processes.find(home)) == count)
    assert processes.stop(home, grace_s=0.2) == count
    assert processes.find(home) == []


def test_a_frozen_process_is_ended(home: Path) -> None:
    running = started(SLEEP, home)
    os.kill(running.pid, signal.SIGSTOP)
    processes.stop(home)
    assert processes.find(home) == []


def test_orphans_of_a_killed_parent_are_ended(home: Path) -> None:
    running = started(PARENT, home)
    eventually(lambda: len(processes.find(home)) == 2)
    os.kill(running.pid, signal.SIGKILL)
    assert processes.stop(home) >= 1
    assert processes.find(home) == []


def test_the_latest_is_found_first(home: Path) -> None:
    for name in ("first", "second"):
        started(SLEEP, home, name)
        time.sleep(0.03)  # the clock that orders them ticks every 10 ms
    eventually(lambda: len(processes.find(home)) == 2)
    assert [found.part for found in processes.find(home)] == ["second", "first"]


def test_one_that_ends_early_is_told_with_its_last_words(home: Path) -> None:
    running = processes.start(python("raise SystemExit('no such disk')", home), home)
    with pytest.raises(PartError, match=r"(?s)ended with code 1 before it was ready.*no such disk"):
        processes.wait_until_ready(running, lambda: False, within_s=10)


def test_one_that_never_serves_is_told_after_the_deadline(home: Path) -> None:
    running = started(SLEEP, home)
    with pytest.raises(PartError, match="was not ready within 0 s"):
        processes.wait_until_ready(running, lambda: False, within_s=0.1)


def test_a_program_that_does_not_exist_is_named(home: Path) -> None:
    program = Program(name="ghost", arguments=("/no/such/program",), directory=home)
    running = processes.start(program, home)
    with pytest.raises(PartError, match="/no/such/program"):
        processes.wait_until_ready(running, lambda: False, within_s=10)


def test_an_answer_is_kept_apart_from_the_log_and_private(home: Path) -> None:
    answer = home / "answer.json"
    script = "import sys; print('secret'); sys.stderr.write('log line')"
    arguments = (sys.executable, "-c", script)
    program = Program(name="part", arguments=arguments, directory=home, answer=answer)
    running = processes.start(program, home)
    eventually(lambda: running.exit_code() == 0)
    assert answer.read_text() == "secret\n"
    assert answer.stat().st_mode & 0o777 == 0o600
    assert running.log.read_text() == "log line"


def test_a_tied_process_dies_with_the_one_that_started_it(home: Path) -> None:
    starter = (
        "import os, sys, time; from pathlib import Path; from hacluster_local import processes;"
        f"home = Path({str(home)!r});"
        f"program = processes.Program(name='tied', arguments=(sys.executable, '-c', {SLEEP!r}),"
        " directory=home);"
        "processes.start(program, home, tied=True); print('started', flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", starter], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        # setpriv becomes the program once it has asked the kernel for the tie
        eventually(lambda: any(SLEEP in command(found.pid) for found in processes.find(home)))
        parent.kill()
    eventually(lambda: processes.find(home) == [])


def command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return "" if words[0].endswith((b"env", b"setpriv")) else b" ".join(words).decode()
