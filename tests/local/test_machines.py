"""`make up MACHINES=nspawn`: real machines at hand, and nothing of them after `make down`."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.netns.machines.site import NODES, Site, traces
from tests.prerequisites import require
from tests.sim.simulator import Simulator

from hacluster_local import environment, processes
from hacluster_local.__main__ import are_real
from hacluster_local.azure import Azure
from hacluster_local.controlplane import binaries
from hacluster_local.environment import RefusedError
from hacluster_local.setup import machine_base
from hacluster_local.store import install


def said(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def remote(azure: Azure, directory: Path) -> Simulator:
    """Return a simulator that somebody else has started."""
    ready = {
        "resourceManager": azure.resource_manager, "authority": azure.authority,
        "caFile": str(azure.ca_file), "tenantId": azure.tenant_id,
        "subscriptionId": azure.subscription_id, "clientId": azure.client_id,
        "clientSecret": azure.client_secret,
    }  # fmt: skip
    return Simulator(directory, ready=ready)


@pytest.mark.timeout(600)
def test_machines_are_at_hand_and_nothing_is_left_of_them(tmp_path: Path) -> None:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    require(machine_base.find(), "the machines' Debian", "`make setup` makes it")
    on = str(tmp_path / "on")
    try:
        running = environment.up(tmp_path, with_operator=False, with_machines=True)
        site = Site(remote(running.azure, tmp_path / "azure"))
        site.connect()
        site.build()
        assert said(on, "node-2", "hostname").strip() == "node-2"
        assert "1 received" in said(on, "vnet", "ping", "-c", "1", NODES["node-1"])
        assert said(on, "internet", "ip", "-br", "addr", "show", "lo")
        assert said(str(tmp_path / "sim"), "machine", "kill", "node-1").strip() == "1"
        site.close()
        for process in processes.find(tmp_path):
            os.kill(process.pid, signal.SIGKILL)
        assert traces(tmp_path / "azure")
    finally:
        environment.down(tmp_path)
    assert traces(tmp_path / "azure") == []
    assert processes.find(tmp_path) == []
    assert {entry.name for entry in tmp_path.iterdir()} == {"lock", "log"}


def test_where_there_can_be_none_that_is_said_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(install.find(), "Azurite", "`make setup` installs it")
    monkeypatch.setattr(machine_base, "why_not", lambda: "systemd-nspawn is not installed")
    with pytest.raises(RefusedError, match=r"systemd-nspawn is not installed.*MACHINES=none"):
        environment.up(tmp_path, with_machines=True)
    assert processes.find(tmp_path) == []


def test_machines_are_real_where_there_can_be_any(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine_base, "why_not", lambda: "")
    assert (are_real("auto"), are_real("none")) == (True, False)
    monkeypatch.setattr(machine_base, "why_not", lambda: "systemd-nspawn is not installed")
    assert (are_real("auto"), are_real("nspawn")) == (False, True)
    assert "a model here" in "".join(capfd.readouterr())
