import re
from collections.abc import Iterator
from typing import Any

import pytest
from azure.mgmt.network import NetworkManagementClient
from tests.sim.network.lab import NETWORK, Lab
from tests.sim.simulator import Simulator


@pytest.fixture
def lab(shared_sim: Simulator, request: pytest.FixtureRequest) -> Lab:
    """A group of the test's own, with a network of two subnets."""
    name = re.sub(r"\W+", "-", request.node.name)[:80].strip("-")
    path = f"{shared_sim.subscription}/resourceGroups/{name}?api-version=2021-04-01"
    shared_sim.send("PUT", path, {"location": "eastus"})
    lab = Lab(shared_sim, name)
    lab.put("virtualNetworks/net", NETWORK)
    return lab


@pytest.fixture
def sdk(shared_sim: Simulator) -> Iterator[Any]:
    """Azure's own network client."""
    with shared_sim.client(NetworkManagementClient) as client:
        yield client
