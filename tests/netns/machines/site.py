"""A simulator with real machines, and the guide's small network in it: two nodes and a balancer."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.sim.resources.bodies import IMAGE
from tests.sim.simulator import OPERATOR, Simulator

from azuresim.fabric.names import Names
from hacluster_node.install.units import AGENT
from hacluster_node.runtime.boot import VARIABLE, boot_id

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S: Final = 120.0
"""Whatever is waited for comes within this time, also on a machine that is busy with other work."""
KIND: Final = ("--machines", "nspawn")
GROUP: Final = "ha"
FRONT_END: Final = "10.5.0.200"
NODES: Final = {"node-1": "10.5.0.120", "node-2": "10.5.0.121"}
PLACE: Final = {"location": "japaneast"}
KEY: Final = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq9bQx0f1f5q0Zl3Yk2l2dQp0V7o2Fq3oV9g1k1Xk1d admin"
)
CUSTOM_DATA: Final = "#cloud-config\nruncmd:\n  - echo configured >/var/lib/custom\n"
SERVE: Final = (
    "mkdir -p /srv/web && hostname >/srv/web/index.html && systemd-run --quiet --unit=web "
    "python3 -m http.server --directory /srv/web 8080"
)


@dataclass
class Site:
    """The simulator, its clients, and short ways to ask."""

    sim: Simulator
    compute: Any = field(init=False, repr=False)
    network: Any = field(init=False, repr=False)

    def connect(self) -> None:
        """Make the SDK's clients; the simulator must run."""
        self.compute = self.sim.client(ComputeManagementClient, polling_interval=0.2)
        self.network = self.sim.client(NetworkManagementClient, polling_interval=0.2)

    def close(self) -> None:
        for client in (self.compute, self.network):
            client.close()

    def build(self) -> None:
        """Make the network and both machines."""
        with self.sim.client(ResourceManagementClient) as resources:
            resources.resource_groups.create_or_update(GROUP, PLACE)
        self._network()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.make, NODES))

    def _network(self) -> None:
        allowed = {
            "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourceAddressPrefix": "VirtualNetwork", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "8080",
        }  # fmt: skip
        rules = {"securityRules": [{"name": "web", "properties": allowed}]}
        group = self._made("network_security_groups", "nsg", {"properties": rules})
        subnet = {"addressPrefix": "10.5.0.0/24", "networkSecurityGroup": {"id": group}}
        space = {
            "addressSpace": {"addressPrefixes": ["10.5.0.0/24"]},
            "subnets": [{"name": "nodes", "properties": subnet}],
        }
        self.vnet = self._made("virtual_networks", "net", {"properties": space})
        self._balancer()

    def _balancer(self) -> None:
        me = f"{self.sim.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network"
        base = f"{me}/loadBalancers/lb"
        front = {
            "privateIPAllocationMethod": "Static",
            "privateIPAddress": FRONT_END,
            "subnet": {"id": f"{self.vnet}/subnets/nodes"},
        }
        probe = {"protocol": "Tcp", "port": 8080, "intervalInSeconds": 5, "probeThreshold": 1}
        rule = {
            "protocol": "Tcp", "frontendPort": 80, "backendPort": 8080,
            "frontendIPConfiguration": {"id": f"{base}/frontendIPConfigurations/front"},
            "backendAddressPool": {"id": f"{base}/backendAddressPools/nodes"},
            "probe": {"id": f"{base}/probes/web"},
        }  # fmt: skip
        properties = {
            "frontendIPConfigurations": [{"name": "front", "properties": front}],
            "backendAddressPools": [{"name": "nodes"}],
            "probes": [{"name": "web", "properties": probe}],
            "loadBalancingRules": [{"name": "web", "properties": rule}],
        }
        body = {"sku": {"name": "Standard"}, "properties": properties}
        self.balancer = self._made("load_balancers", "lb", body)

    def _made(self, kind: str, name: str, body: dict[str, Any]) -> str:
        operations = getattr(self.network, kind)
        made = operations.begin_create_or_update(GROUP, name, {**PLACE, **body}).result()
        return str(made.id)

    def make(self, name: str) -> None:
        """Make a machine with its interface in the balancer's pool."""
        configuration = {
            "privateIPAllocationMethod": "Static",
            "privateIPAddress": NODES[name],
            "subnet": {"id": f"{self.vnet}/subnets/nodes"},
            "loadBalancerBackendAddressPools": [
                {"id": f"{self.balancer}/backendAddressPools/nodes"}
            ],
        }
        configurations = [{"name": "ip", "properties": configuration}]
        body = {"properties": {"ipConfigurations": configurations}}
        nic = self._made("network_interfaces", name, body)
        self.compute.virtual_machines.begin_create_or_update(
            GROUP, name, machine(name, nic)
        ).result()

    def run(self, name: str, script: str) -> str:
        """Run a script by action Run Command and return what it printed."""
        asked = {"commandId": "RunShellScript", "script": [script]}
        done = self.compute.virtual_machines.begin_run_command(GROUP, name, asked).result()
        text = done.value[0].message
        output = text.partition("[stdout]\n")[2].partition("\n[stderr]")[0]
        return str(output)

    def managed(self, name: str, script: str, called: str = "rc", **more: Any) -> Any:
        """Run a script by managed Run Command and return its instance view."""
        commands = self.compute.virtual_machine_run_commands
        body = {**PLACE, "properties": {"source": {"script": script}, **more}}
        commands.begin_create_or_update(GROUP, name, called, body).result()
        got = commands.get_by_virtual_machine(GROUP, name, called, expand="instanceView")
        return got.instance_view

    def power(self, name: str) -> str:
        """Return what the instance view says of a machine's power."""
        view = self.compute.virtual_machines.instance_view(GROUP, name)
        (power,) = [one.code for one in view.statuses if one.code.startswith("PowerState/")]
        return str(power).removeprefix("PowerState/")

    def boot_id(self, name: str) -> str:
        return self.run(name, "cat /proc/sys/kernel/random/boot_id").strip()

    def agents_boot_id(self, name: str) -> str:
        """Return the boot id that an agent is told on a machine, locked in as its unit says."""
        unit = AGENT.split("[Service]")[1].split("[Install]")[0]
        kept = [line for line in unit.splitlines() if line and not line.startswith(OF_AN_AGENT)]
        own = [
            "[Service]",
            "Type=oneshot",
            "ExecStart=/usr/bin/env",
            "StandardOutput=file:/run/told",
        ]
        text = "\n".join([*own, *kept])
        place = "/run/systemd/system/told.service"
        asked = f"cat >{place} <<'.'\n{text}\n.\nsystemctl daemon-reload; systemctl start told"
        told = self.run(name, f"{asked}\ncat /run/told")
        return boot_id(dict(line.split("=", 1) for line in told.split("\n") if VARIABLE in line))

    def say(self, *words: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Say something to the simulator by its own command line."""
        line = [sys.executable, "-m", "azuresim", *words, "--directory", str(self.sim.directory)]
        surroundings = {"PYTHONPATH": str(OPERATOR), "PATH": PATH}
        return subprocess.run(
            [*line, *more], capture_output=True, text=True, check=False, env=surroundings
        )

    def on(self, place: str, *words: str) -> str:
        """Run a command on a machine or as a client and return what it printed."""
        return self.say("machine", "run", more=(place, *words)).stdout

    def served_by(self, tries: int = 8) -> set[str]:
        """Return who answers a client in the virtual network at the balancer's front end."""
        loop = f"for i in $(seq {tries}); do curl -s -m 3 http://{FRONT_END}/; done"
        return set(self.on("vnet", "sh", "-c", loop).split())


OF_AN_AGENT: Final = ("Type", "ExecStart", "Restart", "User", "Group", "State", "ReadWrite")
"""What of the agent's unit needs an agent that is installed."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def machine(name: str, nic: str) -> dict[str, Any]:
    keys = [{"path": "/home/azureuser/.ssh/authorized_keys", "keyData": KEY}]
    profile = {
        "computerName": name,
        "adminUsername": "azureuser",
        "customData": base64.b64encode(CUSTOM_DATA.encode()).decode(),
        "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": keys}},
    }
    boot = {"name": f"{name}-os", "createOption": "FromImage", "deleteOption": "Delete"}
    data = {
        "lun": 0, "name": f"{name}-data", "createOption": "Empty", "diskSizeGB": 20,
        "deleteOption": "Delete",
    }  # fmt: skip
    properties = {
        "hardwareProfile": {"vmSize": "Standard_B2s"},
        "storageProfile": {"imageReference": dict(IMAGE), "osDisk": boot, "dataDisks": [data]},
        "osProfile": profile,
        "networkProfile": {"networkInterfaces": [{"id": nic}]},
    }
    return {**PLACE, "properties": properties}


def wait_for(is_so: Callable[[], object], meaning: str) -> None:
    """Wait until something is so, for as long as the patience lasts."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"{meaning} did not happen within {PATIENCE_S:.0f} s"
        time.sleep(0.2)


def simulator(directory: Path, base: Path, kernel: Path | None = None) -> Simulator:
    """Return a simulator with real machines, emulated ones if a kernel is given, not started."""
    kind = ("--machines", "qemu", "--machine-kernel", str(kernel)) if kernel else KIND
    patience = "40" if kernel else "6"
    options = (*kind, "--machine-base", str(base), "--shutdown-within", patience)
    return Simulator(directory, options, errors=directory.with_suffix(".log"))


def traces(directory: Path) -> list[str]:
    """Return what the kernel has of a simulator: groups, links, namespaces, devices, mounts."""
    prefix, home = Names.of(directory).prefix, str(directory.resolve())
    groups = [str(each) for each in Path("/sys/fs/cgroup").rglob(f"{prefix}*/")]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    namespaces = [each.name for each in Path("/run/netns").glob(f"{prefix}*")]
    devices = [path.read_text() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    inside = [line for line in (*devices, *mounts) if home in line]
    return [*groups, *(line for line in links.splitlines() if prefix in line), *namespaces, *inside]
