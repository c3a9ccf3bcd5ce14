"""What the agent does with Azure itself: scheduled events, and powering a silent peer off."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.servers import Answer, Request, Token, as_json, serving
from tests.unit.agent_core.driver import Driver, config, held_by

from hacluster_node.core import effects, events
from hacluster_node.core.clocks import Clocks
from hacluster_node.net.arm import ResourceManager
from hacluster_node.runtime import azure as module
from hacluster_node.runtime.azure import Azure
from hacluster_node.runtime.inbox import Inbox
from hacluster_node.runtime.journal import Journal
from hacluster_node.runtime.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MACHINES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines"


class Cloud:
    """Instance metadata and ARM in one, as one node sees them."""

    def __init__(self) -> None:
        self.refusals = 0
        """How many acknowledgements are answered by an error."""
        self.events: list[dict[str, Any]] = []
        self.started: list[str] = []
        self.power = {"node-2": "PowerState/running"}
        self.denied = False

    def __call__(self, request: Request) -> Answer:
        if request.path.startswith("/metadata/"):
            assert request.headers["metadata"] == "true"
            return self._metadata(request)
        if self.denied:
            return as_json(403, {"error": {"code": "AuthorizationFailed"}})
        name = request.path.split("/virtualMachines/")[1].split("/")[0]
        if "/powerOff?skipShutdown=true" in request.path and request.method == "POST":
            self.power[name] = "PowerState/stopped"
            return Answer(202)
        return as_json(200, {"statuses": [{"code": self.power[name]}]})

    def _metadata(self, request: Request) -> Answer:
        if "/instance/compute" in request.path:
            return as_json(200, {"name": "node-1", "resourceId": f"{MACHINES}/node-1"})
        if request.method == "POST" and self.refusals:
            self.refusals -= 1
            return Answer(500)
        if request.method == "POST":
            self.started += [item["EventId"] for item in request.json["StartRequests"]]
            return Answer(200)
        return as_json(200, {"DocumentIncarnation": 1, "Events": self.events})


class Stores:
    def __init__(self, base: str) -> None:
        self.base = base

    def resource_manager(self) -> ResourceManager:
        return ResourceManager(self.base, Token())


Site = tuple[Cloud, Azure, Inbox, Journal]


@pytest.fixture
def machine() -> Driver:
    return Driver(config(node="node-1", names=("node-1", "node-2")), record=held_by("node-2"))


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, machine: Driver) -> Iterator[Site]:
    monkeypatch.setattr(module, "_POLL_S", 0.05)
    made, inbox, journal = Cloud(), Inbox(), Journal()
    with serving(made) as base:
        stores: Any = Stores(base)
        azure = Azure(base, stores, Workers(), inbox, journal, lambda: machine.machine.node)
        yield made, azure, inbox, journal


def taken(inbox: Inbox, within_s: float = 3.0) -> events.Event | None:
    """Return the next event, or None if none comes; who only wants to look is let look."""
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        maker = inbox.take(left)
        event = maker(Clocks(1.0, 1.0, 1.0)) if maker is not None else None
        if event is not None:
            return event
    return None


def lived(machine: Driver, azure: Azure, inbox: Inbox, until: Callable[[], bool]) -> None:
    """Let the state machine live with its Azure until something is so."""
    deadline = time.monotonic() + 10
    while not until():
        assert time.monotonic() < deadline
        event = taken(inbox, 0.1)
        if event is not None:
            machine.tell(type(event), *event[1:])
        machine.run(0.5)
        for effect in machine.all(effects.AcknowledgeMaintenance):
            azure.acknowledge(effect)
        machine.forget()


def announcement(event: str, *machines: str) -> dict[str, Any]:
    return {
        "EventId": event,
        "EventType": "Freeze",
        "Resources": list(machines),
        "DurationInSeconds": 9,
    }


def test_an_event_for_this_machine_is_noticed_acknowledged_and_ended_once(
    cloud: Site, machine: Driver
) -> None:
    made, azure, inbox, journal = cloud
    made.events = [announcement("e1", "node-1"), announcement("e2", "node-2")]
    azure.start()
    lived(machine, azure, inbox, lambda: bool(made.started))
    assert machine.machine.node.maintenance == {"e1": "Freeze"}
    lived(machine, azure, inbox, lambda: azure.announced()[0]["acknowledged"])
    assert taken(inbox, 0.3) is None
    assert made.started == ["e1"]
    made.events = []
    lived(machine, azure, inbox, lambda: not machine.machine.node.maintenance)
    assert azure.announced() == []
    told = [entry["what"] for entry in journal.entries(20)]
    assert told == ["MaintenanceAcknowledged"]


def test_an_acknowledgement_that_azure_refuses_is_told_and_sent_again(
    cloud: Site, machine: Driver
) -> None:
    made, azure, inbox, journal = cloud
    made.refusals = 2
    made.events = [announcement("e1", "node-1")]
    azure.start()
    lived(machine, azure, inbox, lambda: bool(made.started))
    assert "HAN-A02" in journal.troubles()


def test_an_event_that_lists_the_peer_too_is_not_let_begin_for_it(
    cloud: Site, machine: Driver
) -> None:
    made, azure, inbox, _ = cloud
    made.events = [announcement("e1", "node-1", "node-2")]
    azure.start()
    looks = iter(range(8))
    lived(machine, azure, inbox, lambda: next(looks, None) is None)
    assert machine.machine.node.maintenance
    assert made.started == []
    machine.hear("node-2", eligible=False)
    lived(machine, azure, inbox, lambda: made.started == ["e1"])


def test_a_peer_counts_as_off_only_when_its_instance_view_says_so(
    cloud: Site,
) -> None:
    made, azure, inbox, _ = cloud
    azure.power_off(effects.PowerOffPeer("node-2", "silent"))
    event = taken(inbox)
    assert isinstance(event, events.PeerPoweredOff)
    assert event.node == "node-2"
    assert made.power["node-2"] == "PowerState/stopped"


def test_a_power_off_that_azure_denies_is_told_and_proves_nothing(
    cloud: Site,
) -> None:
    made, azure, inbox, journal = cloud
    made.denied = True
    azure.power_off(effects.PowerOffPeer("node-2", "silent"))
    assert inbox.take(0.3) is None
    assert "HAN-A01" in journal.troubles()
    assert json.dumps(journal.entries(1)).count("HAN-A01") == 1
