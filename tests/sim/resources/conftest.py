import re
from collections.abc import Iterator
from typing import Any

import pytest
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.sim.simulator import Simulator


@pytest.fixture
def group(shared_sim: Simulator, request: pytest.FixtureRequest) -> str:
    """A resource group of the test's own."""
    name = re.sub(r"\W", "_", request.node.name)[:60].strip("_")
    with shared_sim.client(ResourceManagementClient) as resources:
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
    return name


@pytest.fixture(scope="module")
def compute(shared_sim: Simulator) -> Iterator[Any]:
    """A client for machines and disks."""
    with shared_sim.client(ComputeManagementClient) as client:
        yield client


@pytest.fixture(scope="module")
def network(shared_sim: Simulator) -> Iterator[Any]:
    """A client for networks and interfaces."""
    with shared_sim.client(NetworkManagementClient) as client:
        yield client
