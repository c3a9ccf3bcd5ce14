"""`make demo MACHINES=nspawn`: from `kubectl apply` to a failover that a client survives.

Real are the API server, the machines, their agents, their packets and the store.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hacluster_local import environment, processes
from hacluster_local.setup.checkout import ROOT, SOURCES

pytestmark = pytest.mark.timeout(1800)
ENDS_WITHIN_S = 1500


@pytest.fixture
def home(real_machines: None, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    environment.down(tmp_path / "home")


def test_a_client_survives_a_power_loss_and_a_move(home: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "KEEP"}
    command = [sys.executable, "-m", "hacluster_local", "--home", str(home)]
    with subprocess.Popen(
        [*command, "demo", "--machines", "nspawn"],
        cwd=ROOT,
        env={**variables, "PYTHONPATH": str(SOURCES)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            told, _ = running.communicate(timeout=ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGTERM)
            told, _ = running.communicate(timeout=ENDS_WITHIN_S)
            pytest.fail(told[-3000:])
    assert running.returncode == 0, told[-3000:]
    chapters = [line.split("==", 1)[1].strip() for line in told.splitlines() if " == " in line]
    assert sum("answers. For the client" in chapter for chapter in chapters) == 2, told
    assert "At no time did two nodes answer." in chapters
    assert processes.find(home) == []
