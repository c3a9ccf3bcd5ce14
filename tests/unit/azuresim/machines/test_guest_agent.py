"""The guest agent's runs: real scripts, in this process's own system."""

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from azuresim.machines.guest import agent


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(agent, "RUNS", tmp_path)
    yield tmp_path
    for folder in tmp_path.iterdir():
        agent.end(folder)


def asked(text: str, **more: Any) -> dict[str, Any]:
    plain = {"parameters": {}, "arguments": [], "protected": {}, "user": "", "known": False}
    return {"id": uuid.uuid4().hex, "text": text, "timeout_s": 30.0, **plain, **more}


def test_output_error_and_exit_code_come_back() -> None:
    answer = agent.run(asked("echo out; echo err >&2; exit 3"))
    assert answer == {"exit_code": 3, "output": "out\n", "error": "err\n"}


def test_a_script_runs_by_the_interpreter_it_names_else_by_bash() -> None:
    assert agent.run(asked("#!/bin/sh\necho ${BASH:-none}"))["output"] == "none\n"
    assert agent.run(asked("echo ${BASH:+bash}"))["output"] == "bash\n"


def test_parameters_come_by_name_and_by_place() -> None:
    given = asked("echo $NAME $1 $2", parameters={"NAME": "a"}, arguments=["b c", "d"])
    assert agent.run(given)["output"] == "a b c d\n"


def test_protected_parameters_are_in_no_argument_list_and_no_file(runs: Path) -> None:
    script = "tr '\\0' ' ' </proc/$PPID/cmdline; tr '\\0' ' ' </proc/$$/cmdline; echo ${#SECRET}"
    given = asked(script, protected={"SECRET": "hidden-away"})
    answer = agent.run(given)
    assert answer["output"].endswith("11\n")
    assert "hidden-away" not in answer["output"]
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if "hidden-away" in path.read_text()]


def test_one_id_is_run_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    mark = tmp_path_factory.mktemp("mark") / "lines"
    given = asked(f"echo once >>{mark}; sleep 0.2")
    threads = [threading.Thread(target=agent.run, args=(given,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    agent.run(given)
    assert mark.read_text() == "once\n"


def test_a_run_that_must_be_known_and_is_not_is_not_begun(runs: Path) -> None:
    assert agent.run(asked("true", known=True)) == {"unknown": True}
    assert list(runs.iterdir()) == []


def test_a_script_that_takes_too_long_is_killed_with_all_it_started() -> None:
    answer = agent.run(asked("sleep 301 & echo begun; sleep 302", timeout_s=0.5))
    assert answer == {"exit_code": agent.TIMED_OUT, "output": "begun\n", "error": ""}
    until(lambda: not alive("sleep 30[12]"))


def test_a_run_that_is_forgotten_is_ended() -> None:
    given = asked("sleep 303")
    thread = threading.Thread(target=agent.run, args=(given,))
    thread.start()
    until(lambda: alive("sleep 303"))
    agent.forget(given)
    thread.join(10)
    assert not thread.is_alive()
    until(lambda: not alive("sleep 303"))


def test_a_run_from_an_earlier_boot_never_reports_and_hits_nobody(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = asked("sleep 304")
    threading.Thread(target=agent.run, args=(given,), daemon=True).start()
    until(lambda: alive("sleep 304"))
    with monkeypatch.context() as later:
        later.setattr(agent, "boot", lambda: "another")
        agent.end(runs / given["id"])
        assert alive("sleep 304")
    agent.forget(given)


def test_an_unknown_user_is_told() -> None:
    answer = agent.run(asked("true", user="nobody-at-all"))
    assert answer["exit_code"] == 1
    assert "nobody-at-all" in answer["error"]


def alive(pattern: str) -> bool:
    found = subprocess.run(["pgrep", "-f", f"^{pattern}"], check=False, capture_output=True)
    return found.returncode == 0


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
