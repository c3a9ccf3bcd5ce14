"""`az`, as it is installed, drives a simulator: cloud, sign-in, and a cluster's resources.

Each command is a process that takes a second to start, so there are few, and each of another kind:
plain resources, children, templates, actions, HEAD, lists.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.prerequisites import require
from tests.sim.others import environment
from tests.sim.simulator import Simulator, running

from hacluster_local.setup import clients

SLOW_S = 180
"""`az` takes seconds to start, and more where others work too."""

pytestmark = [pytest.mark.sim, pytest.mark.timeout(1800)]

Az = Callable[..., Any]


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """`az` signed in to a simulator; called with its words, returns what it prints."""
    program = clients.find(clients.AZ)
    require(program, "az", "make setup PARTS=clients")
    folder = tmp_path_factory.mktemp("az")
    with running(folder / "sim") as sim:
        run = _runner(str(program), sim, folder / "config")
        run("config", "set", "core.instance_discovery=false")
        run("cloud", "register", "-n", "Sim", "--endpoint-resource-manager", sim.base)
        run("cloud", "set", "-n", "Sim")
        ready = sim.ready
        run("login", "--service-principal", "-u", ready["clientId"], "-p", ready["clientSecret"],
            "--tenant", ready["tenantId"])  # fmt: skip
        run("group", "create", "-n", "g", "-l", "japaneast", "--tags", "team=db")
        yield run


@pytest.fixture(scope="module")
def network(az: Az) -> str:
    az("network", "vnet", "create", "-g", "g", "-n", "net", "--address-prefixes", "10.0.0.0/16",
       "--subnet-name", "front", "--subnet-prefixes", "10.0.0.0/24")  # fmt: skip
    return "net"


def _runner(program: str, sim: Simulator, config: Path) -> Az:
    surroundings = {
        **environment(),
        "AZURE_CONFIG_DIR": str(config),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "REQUESTS_CA_BUNDLE": sim.ready["caFile"],
    }

    def run(*words: str) -> Any:
        done = subprocess.run(
            [program, *words, "-o", "json"],
            capture_output=True, text=True, env=surroundings, timeout=SLOW_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"az {' '.join(words[:4])}: {done.stderr[-2000:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_a_group_and_its_surroundings(az: Az) -> None:
    (account,) = az("account", "list")
    assert account["cloudName"] == "Sim"
    locations = {each["name"]: each for each in az("account", "list-locations")}
    assert locations["japaneast"]["metadata"]["pairedRegion"][0]["name"] == "japanwest"
    assert [each["name"] for each in az("group", "list", "--tag", "team=db")] == ["g"]


def test_a_network_with_an_address_and_an_interface(az: Az, network: str) -> None:
    where = ("-g", "g")
    az("network", "nsg", "create", *where, "-n", "fw")
    az("network", "nsg", "rule", "create", *where, "--nsg-name", "fw", "-n", "ssh", "--priority",
       "100", "--destination-port-ranges", "22", "--access", "Allow", "--protocol",
       "Tcp")  # fmt: skip
    az("network", "vnet", "subnet", "update", *where, "--vnet-name", network, "-n", "front",
       "--network-security-group", "fw")  # fmt: skip
    az("network", "public-ip", "create", *where, "-n", "ip", "--sku", "Standard", "--zone", "1")
    az("network", "nic", "create", *where, "-n", "nic", "--vnet-name", network, "--subnet",
       "front")  # fmt: skip
    (config,) = az("network", "nic", "ip-config", "list", *where, "--nic-name", "nic")
    assert config["privateIPAddress"] == "10.0.0.4"
    listed = az("resource", "list", *where)
    assert {each["name"] for each in listed} >= {"fw", "net", "ip", "nic"}


def test_tags_are_merged(az: Az) -> None:
    disk = az("disk", "create", "-g", "g", "-n", "data", "--size-gb", "8", "--sku", "Premium_LRS")
    az("tag", "update", "--resource-id", disk["id"], "--operation", "Merge", "--tags", "a=1")
    assert az("tag", "list", "--resource-id", disk["id"])["properties"]["tags"] == {"a": "1"}


def test_names_in_private_dns(az: Az) -> None:
    az("network", "private-dns", "zone", "create", "-g", "g", "-n", "corp.example")
    az("network", "private-dns", "record-set", "a", "add-record", "-g", "g", "-z", "corp.example",
       "-n", "db", "-a", "10.0.0.9")  # fmt: skip
    found = az("network", "private-dns", "record-set", "a", "show", "-g", "g", "-z",
               "corp.example", "-n", "db")  # fmt: skip
    assert found["aRecords"] == [{"ipv4Address": "10.0.0.9"}]


def test_a_machine_behind_a_balancer(az: Az, network: str) -> None:
    where = ("-g", "g")
    az("network", "lb", "create", *where, "-n", "lb", "--sku", "Standard", "--vnet-name", network,
       "--subnet", "front", "--frontend-ip-name", "front", "--backend-pool-name",
       "nodes")  # fmt: skip
    az("network", "nic", "create", *where, "-n", "card", "--vnet-name", network, "--subnet",
       "front", "--lb-name", "lb", "--lb-address-pools", "nodes")  # fmt: skip
    az("vm", "create", *where, "-n", "vm", "--nics", "card", "--admin-username", "someone",
       "--admin-password", "Never.shown.12345", "--size", "Standard_B2s", "--image",
       "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:latest")  # fmt: skip
    assert az("vm", "show", *where, "-n", "vm", "-d")["powerState"] == "VM running"
    az("vm", "deallocate", *where, "-n", "vm")
    assert az("vm", "show", *where, "-n", "vm", "-d")["powerState"] == "VM deallocated"
    pool = az("network", "lb", "address-pool", "show", *where, "--lb-name", "lb", "-n", "nodes")
    assert len(pool["backendIPConfigurations"]) == 1
    assert "Never.shown" not in json.dumps(az("deployment", "group", "list", *where))


def test_a_group_goes_with_all_that_is_in_it(az: Az) -> None:
    az("group", "create", "-n", "short", "-l", "japaneast")
    az("network", "public-ip", "create", "-g", "short", "-n", "ip", "--sku", "Standard")
    az("group", "delete", "-n", "short", "--yes")
    assert az("group", "exists", "-n", "short") is False
