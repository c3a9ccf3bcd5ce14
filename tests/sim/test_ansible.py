"""Ansible's `azure.azcollection`, as it is installed, makes and removes what a cluster needs.

The collection cannot be given an address of its own: for one it calls
`get_cloud_from_metadata_endpoint`, which the azure-cli-core that it requires no longer has. So the
simulator carries Azure's names, and a proxy leads them to it.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.prerequisites import require
from tests.sim.others import environment, relaying
from tests.sim.simulator import Simulator, running

from hacluster_local.setup import clients

PLAYBOOK = Path(__file__).parent / "ansible" / "cluster.yml"
AZURE_NAMES = ("management.azure.com", "login.microsoftonline.com")
PASSWORD = "Never.shown.12345"
PLAY_S = 900
"""A module takes seconds to import the SDKs, and many times that where others work too."""

pytestmark = [pytest.mark.sim, pytest.mark.timeout(3 * PLAY_S)]

Play = Callable[[str], dict[str, int]]


@pytest.fixture
def carrying_azures_names(tmp_path: Path) -> Iterator[Simulator]:
    names = [word for name in AZURE_NAMES for word in ("--name", name)]
    with running(tmp_path / "sim", *names) as sim:
        yield sim


@pytest.fixture
def play(carrying_azures_names: Simulator, tmp_path: Path) -> Iterator[Play]:
    """Run the tasks of a tag; return the recap: how many were ok, changed, and so on."""
    program = clients.find(clients.ANSIBLE)
    require(program, "Ansible with its Azure collection", "make setup PARTS=clients")
    port = urlsplit(carrying_azures_names.base).port
    assert port is not None
    with relaying(port) as proxy:
        surroundings = _surroundings(carrying_azures_names, tmp_path, proxy)
        yield lambda tag: _play(str(program), tag, surroundings)


def _surroundings(sim: Simulator, home: Path, proxy: str) -> dict[str, str]:
    return {
        **environment(),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "AZURE_CONFIG_DIR": str(home / "azure"),
        "AZURE_SUBSCRIPTION_ID": sim.ready["subscriptionId"],
        "AZURE_TENANT": sim.ready["tenantId"],
        "AZURE_CLIENT_ID": sim.ready["clientId"],
        "AZURE_SECRET": sim.ready["clientSecret"],
        "CLUSTER_PASSWORD": PASSWORD,
        "HTTPS_PROXY": proxy,
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "",
        "REQUESTS_CA_BUNDLE": sim.ready["caFile"],
    }


def _play(program: str, tag: str, surroundings: dict[str, str]) -> dict[str, int]:
    python = Path(program).parent / "python"
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={python}",
         "--tags", tag, str(PLAYBOOK)],
        capture_output=True, text=True, env=surroundings, timeout=PLAY_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    recap: dict[str, int] = json.loads(done.stdout)["stats"]["localhost"]
    return recap


def resources(sim: Simulator) -> set[str]:
    listed: list[dict[str, Any]] = sim.send(
        "GET", f"{sim.subscription}/resources?api-version=2021-04-01"
    ).body["value"]
    return {each["name"] for each in listed}


def test_a_cluster_is_made_once_found_as_it_is_and_taken_away(
    play: Play, carrying_azures_names: Simulator
) -> None:
    sim = carrying_azures_names
    made = play("make")
    assert made["changed"] == made["ok"] == 10
    assert resources(sim) >= {"net", "fw", "ip", "lb", "nic", "vm", "corp.example"}
    again = play("make")
    assert (again["ok"], again["changed"]) == (10, 0)
    removed = play("remove")
    assert removed["changed"] == removed["ok"] == 9
    assert resources(sim) == set()
