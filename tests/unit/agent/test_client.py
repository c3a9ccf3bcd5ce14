"""The command line: words to requests, and what people read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hacluster_node.cli import client
from hacluster_node.cli.table import WIDTH, event_lines, status_table
from hacluster_node.core import commands
from hacluster_node.runtime.control import command_of

OPERATOR = Path(client.__file__).parents[2]
STATUS: dict[str, Any] = {
    "cluster": "Cluster1",
    "node": "node-1",
    "configuration": "7",
    "splitBrainSafe": True,
    "splitBrainReason": "",
    "leaving": "",
    "configurationRefused": "",
    "troubles": {"HAN-W01": "the store answered 503"},
    "missing": {"watchdog": "/dev/watchdog does not exist"},
    "witness": {"writes": 3, "lastFailure": ""},
    "groups": [
        {
            "name": "failover1",
            "standing": "Inactive",
            "holder": "node-2",
            "epoch": 12,
            "whyNotActive": "it failed here; node-2 is to take it and nobody else may, for now",
            "resources": {"azurepp1": "Off"},
        }
    ],
    "peers": [
        {"name": "node-2", "alive": True, "secondsSinceHeard": 0.4},
        {"name": "node-3", "alive": False, "secondsSinceHeard": None},
    ],
    "monitors": [
        {
            "name": "ipw1",
            "health": "Abnormal",
            "suspended": False,
            "simulated": True,
            "monitored": True,
            "detail": "HAN-M01 10.5.0.5 did not answer within 3 s",
        }
    ],
}


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("move g", commands.MoveGroup("g")),
        ("move g n2", commands.MoveGroup("g", "n2")),
        ("group start g", commands.StartGroup("g")),
        ("group stop g", commands.StopGroup("g")),
        ("resource start g r", commands.StartResource("g", "r")),
        ("resource stop g r", commands.StopResource("g", "r")),
        ("monitor suspend", commands.SuspendMonitor("")),
        ("monitor suspend m", commands.SuspendMonitor("m")),
        ("monitor resume m", commands.ResumeMonitor("m")),
        ("simulate-failure m", commands.SimulateFailure("m")),
        ("clear", commands.ClearFailure("")),
        ("start", commands.StartService()),
        ("stop", commands.StopService()),
        ("shutdown", commands.ShutDown(reboot=False)),
        ("shutdown --reboot", commands.ShutDown(reboot=True)),
        ("force-activate g --other-node-is-off n2", commands.ForceActivate("g", "n2")),
    ],
)
def test_each_line_becomes_its_command(line: str, command: commands.Command) -> None:
    assert command_of(client.request(line.split())) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mvoe g",
        "move",
        "move g n2 n3",
        "group g",
        "force-activate g",
        "shutdown now",
        "move -x",
    ],
)
def test_what_makes_no_command_is_wrong_usage(line: str) -> None:
    with pytest.raises(client.UsageError):
        client.request(line.split())


def test_a_field_of_the_wrong_type_never_reaches_the_machine() -> None:
    with pytest.raises(ValueError, match="wrong type"):
        command_of({"do": "move", "group": 7})


def test_the_table_fits_a_phone_and_tells_the_bad_news_first() -> None:
    lines = status_table(STATUS).splitlines()
    assert max(map(len, lines)) <= WIDTH + 4
    assert lines[1].startswith("! HAN-W01")
    text = "\n".join(lines)
    for word in ("failover1", "Inactive", "node-2", "here: it failed", "never", "simulated"):
        assert word in text


def test_events_are_told_with_their_reason() -> None:
    entry = {"at": 0.0, "what": "Fenced", "subject": "g", "why": "why " * 20, "epoch": 3}
    lines = list(event_lines([entry]))
    assert "Fenced g @3" in lines[0]
    assert len(lines) > 2


def test_no_agent_is_told_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["status"], str(tmp_path / "none")) == client.NO_AGENT
    assert "HAN-U01" in capsys.readouterr().err
    assert client.main(["mvoe"], str(tmp_path / "none")) == client.USAGE


def test_the_client_imports_little() -> None:
    """A status within 50 ms is lost by one careless import."""
    code = "import sys; import hacluster_node.cli.client; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(OPERATOR)!r}); {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert loaded & {"argparse", "ssl", "http.client", "dataclasses", "logging", "asyncio"} == set()
