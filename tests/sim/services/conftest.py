"""A simulator with an Azurite for each account, and who the metadata service takes us for."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.prerequisites import require
from tests.sim.services.serving import ASKED_BY
from tests.sim.simulator import Simulator

from hacluster_local.store import install


class World(Simulator):
    """A simulator whose services can be met."""

    def is_asked_by(self, machine: str) -> None:
        """Let the metadata service take whoever asks for this machine."""
        (self.directory / ASKED_BY).write_text(machine)


def world_at(directory: Path, azurite: str) -> World:
    """Return a world, not started."""
    module = "tests.sim.services.serving"
    return World(directory, ("--azurite", azurite), module=module)


@pytest.fixture(scope="session")
def azurite() -> str:
    """The command that starts an Azurite."""
    found = install.find()
    require(found, "Azurite", "make setup")
    assert found is not None
    return shlex.join((str(found.node), str(found.script)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, azurite: str) -> Iterator[World]:
    """One world for the tests of a module, which keep to groups of their own."""
    made = world_at(tmp_path_factory.mktemp("world") / "sim", azurite)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def group(world: World, request: pytest.FixtureRequest) -> str:
    """A resource group of the test's own."""
    return made_group(world, request.node.name[:60].strip("_"))


def made_group(world: Simulator, name: str) -> str:
    """Make a resource group."""
    with world.client(ResourceManagementClient) as resources:
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
    return name


@pytest.fixture
def through_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Let clients of this test reach the services by their names, and the metadata service."""
    lead_clients(world, monkeypatch)
    return world


def lead_clients(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what clients read from the environment."""
    monkeypatch.setenv("HTTPS_PROXY", world.ready["proxy"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", world.ready["metadata"])
