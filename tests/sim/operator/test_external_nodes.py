"""Nodes that no agent of ours runs, over the real SDKs: what ARM receives, and what becomes of it.

The simulator's machines are a model here. The shell's script is taken as ARM received it and run by
a shell of this machine, so that nothing stands between what the operator sends and what is judged.
"""

import asyncio
import base64
import contextlib
import json
import os
import pwd
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.loop.guests import FakeVault, agents
from tests.loop.world import FakeKubernetes, NoCounters
from tests.sim.operator.conftest import Calls, settings_for, until
from tests.sim.operator.test_storms import manifest
from tests.sim.simulator import Simulator

from azuresim.faults import control
from hacluster.arm.door import AzureDoor
from hacluster.plan.nodes.preparation import Round, round_of
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.one_pass import OnePass

pytestmark = [pytest.mark.sim, pytest.mark.timeout(240)]
COMMAND = "Microsoft.Compute/virtualMachines/{}/runCommands/hacluster-configuration"
PASSWORD = b"p\xff'ss $(word)\n"
ME = pwd.getpwuid(os.getuid()).pw_name


@dataclass
class Site:
    """A cluster that something else runs, and the operator that keeps it."""

    sim: Simulator
    kubernetes: FakeKubernetes
    vault: FakeVault
    wake: Wake

    def condition(self) -> dict[str, Any]:
        return self.kubernetes.condition("NodesConfigured")

    def command(self, node: str) -> dict[str, Any]:
        path = f"{self.sim.subscription}/resourceGroups/web-ha/providers/{COMMAND.format(node)}"
        reply = self.sim.send("GET", f"{path}?api-version=2025-04-01&$expand=instanceView")
        return dict(reply.body) if reply.status == 200 else {}

    def script(self, node: str) -> str:
        return str(self.command(node)["properties"]["source"]["script"])

    def round(self, node: str) -> Round:
        found = round_of(self.script(node))
        assert found is not None
        return found


@asynccontextmanager
async def kept(
    sim: Simulator, calls: Calls, configuration: dict[str, Any], **machines: Any
) -> AsyncIterator[Site]:
    vault = FakeVault(config_maps={"app": {"conf": "port = '1'\n"}})
    vault.put("app", {"password": PASSWORD, "admin": b"Passw0rd!of-the-admin"})
    body = manifest(sim)
    body["spec"]["cluster"] = {"nodeAgent": "External", "nodeConfiguration": configuration}
    body["spec"]["machines"] |= machines
    kubernetes = FakeKubernetes(body)
    async with AzureDoor(settings_for(sim), vault, calls) as door:
        wake = Wake()
        keeper = Keeper(OnePass(door, kubernetes, NoCounters(), agents(vault)), kubernetes)
        task = asyncio.create_task(keeper.keep(kubernetes.raw, wake))
        try:
            yield Site(sim, kubernetes, vault, wake)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_a_shell_that_gets_what_arm_received_puts_it_in_place(
    sim: Simulator, calls: Calls, tmp_path: Path
) -> None:
    node = tmp_path / "node"
    node.mkdir()
    place = node / "it's" / "$(touch pwned)"
    configuration = {
        "files": [
            {
                "path": f"{place}.conf",
                "owner": ME,
                "configMapKeyRef": {"name": "app", "key": "conf"},
            },
            {
                "path": f"{place}.key",
                "mode": "0600",
                "owner": ME,
                "secretKeyRef": {"name": "app", "key": "password"},
            },
        ],
        "commands": [{"run": f"touch {node}/ready", "check": f"test -e {node}/ready"}],
    }
    async with kept(sim, calls, configuration) as site:
        await until(lambda: site.condition().get("status") == "True")
        assert site.script("web-1") == site.script("web-2")
        shown = site.command("web-1")["properties"]
        assert "protectedParameters" not in shown
        assert shown["instanceView"]["executionState"] == "Succeeded"
        seen = json.dumps([shown, site.kubernetes.body])
        kept_files = [path for path in sim.directory.iterdir() if path.is_file()]
        for secret in (PASSWORD, base64.b64encode(PASSWORD)):
            assert secret.decode("latin-1") not in seen
            assert not [path for path in kept_files if secret in path.read_bytes()]
        held = {"HACLUSTER_FILE_2": base64.b64encode(PASSWORD).decode()}
        await asyncio.to_thread(_ran, site.script("web-1"), held, node, str(place))


def _ran(script: str, held: dict[str, str], folder: Path, place: str) -> None:
    """Run a script as a node would, and see what became of it."""
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": os.environ["PATH"]} | held,
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"hacluster: in place" in done.stdout
    assert Path(f"{place}.key").read_bytes() == PASSWORD
    assert Path(f"{place}.conf").read_text() == "port = '1'\n"
    assert {one.name for one in folder.iterdir()} == {"it's", "ready"}


async def test_a_failing_script_is_told_and_tried_again_before_the_next_node(
    sim: Simulator, calls: Calls
) -> None:
    rule = {"machine": "web-1", "name": "hacluster-configuration", "exit_code": 1, "count": 1}
    control.ask(sim.directory, {"do": "script.add", **rule, "error": "hacluster: failed disk"})
    async with kept(sim, calls, {"packages": ["nginx"]}) as site:
        await until(lambda: "failed disk" in site.condition().get("message", ""))
        assert site.condition()["reason"] == "SoftwareFailed"
        assert not site.command("web-2")
        await until(lambda: site.condition()["status"] == "True")
        assert (site.round("web-1").attempt, site.round("web-2").attempt) == (2, 1)
        before = site.round("web-1")
        site.kubernetes.body["spec"]["cluster"]["nodeConfiguration"] = {"packages": ["curl"]}
        site.kubernetes.body["metadata"]["generation"] += 1
        site.kubernetes.touch()
        site.wake.heard(site.kubernetes.raw())
        await until(lambda: site.round("web-1").content != before.content)
        await until(lambda: site.round("web-2") == site.round("web-1"))


async def test_windows_machines_get_powershell(sim: Simulator, calls: Calls) -> None:
    path = "C:\\app\\it\u2019s $x; `n.conf"
    configuration = {
        "packages": ["failover-clustering"],
        "files": [
            {"path": path, "content": "a\r\nb '\u2019 $x"},
            {"path": "d:\\key", "mode": "0600", "secretKeyRef": {"name": "app", "key": "password"}},
        ],
        "commands": [{"run": "New-Item 'C:\\x'; exit 0", "check": "exit 1"}],
    }
    windows = {
        "operatingSystem": "Windows",
        "image": {
            "publisher": "MicrosoftWindowsServer",
            "offer": "WindowsServer",
            "sku": "2022-datacenter-g2",
        },
        "admin": {"username": "operator1", "passwordSecretRef": {"name": "app", "key": "admin"}},
    }
    async with kept(sim, calls, configuration, **windows) as site:
        await until(lambda: site.condition().get("status") == "True")
        text = site.script("web-2")
    lines = text.splitlines()
    assert round_of(lines[0]) is not None
    assert lines[1].startswith("param([Parameter(Mandatory)]")
    assert lines[1].endswith("$HACLUSTER_FILE_2)")
    assert text.isascii()
    calls_made = [
        line.strip() for line in text.split("try {\n    Install-Missing", 1)[1].splitlines()
    ]
    words = [
        base64.b64decode(word).decode()
        for line in calls_made[:4]
        for word in re.findall(r"'([A-Za-z0-9+/=]+)'", line)
    ]
    assert words == [
        "failover-clustering",
        path,
        "a\r\nb '\u2019 $x",
        "d:\\key",
        "New-Item 'C:\\x'; exit 0",
        "exit 1",
    ]
    assert calls_made[2].endswith("$true $HACLUSTER_FILE_2")
