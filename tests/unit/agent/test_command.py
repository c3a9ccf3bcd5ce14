"""Programs are bounded: in time, in output, in what they inherit, and with all their children."""

from __future__ import annotations

import time

import pytest

from hacluster_node.errors import Broken
from hacluster_node.system.command import KEPT_OUTPUT_BYTES, Command, run


def sh(line: str, timeout_s: float = 5.0, **environment: str) -> tuple[int, str, bool]:
    outcome = run(Command(("/bin/sh", "-c", line), timeout_s, environment))
    return outcome.code, outcome.output, outcome.in_time


def test_code_and_output_come_back() -> None:
    assert sh("echo out; echo err >&2; exit 3") == (3, "out\nerr", True)


def test_input_is_handed_over() -> None:
    assert run(Command(("cat",), 5.0, stdin=b"hello")).output == "hello"


def test_only_the_end_of_a_long_output_is_kept() -> None:
    _, output, _ = sh("yes | head -c 300000; echo; echo end")
    assert output.endswith("end")
    assert len(output) <= KEPT_OUTPUT_BYTES


def test_the_environment_is_clean_but_for_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "secret")
    _, output, _ = sh("env", HA_EPOCH="7")
    assert "HA_EPOCH=7" in output
    assert "secret" not in output


def test_a_program_that_ignores_sigterm_is_killed_with_its_children() -> None:
    begun = time.monotonic()
    code, output, in_time = sh("trap '' TERM; sleep 60 & echo $!; wait; sleep 60", 0.2)
    assert not in_time
    assert code == -9
    assert time.monotonic() - begun < 1.9
    time.sleep(0.05)
    assert sh(f"kill -0 {output.split()[0]} 2>/dev/null && grep -v zombie /dev/null")[0] != 0


def test_a_daemon_that_keeps_the_output_open_holds_nobody_up() -> None:
    begun = time.monotonic()
    code, output, in_time = sh("echo started; sleep 3 &")
    assert (code, output, in_time) == (0, "started", True)
    assert time.monotonic() - begun < 1.5


def test_a_program_that_closes_its_output_is_still_waited_for() -> None:
    assert sh("exec >&- 2>&-; sleep 0.2; exit 4")[0] == 4


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Broken, match="HAN-R04 /no/such/program"):
        run(Command(("/no/such/program",), 1.0))
