"""What the agent does with Azure itself: scheduled events, and powering a silent peer off."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.servers import Answer, Request, Token, as_json, serving

from hacluster_node.core import effects, events
from hacluster_node.core.clocks import Clocks
from hacluster_node.net.arm import ResourceManager
from hacluster_node.runtime import azure as module
from hacluster_node.runtime.azure import Azure
from hacluster_node.runtime.inbox import Inbox
from hacluster_node.runtime.journal import Journal
from hacluster_node.runtime.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines"


class Cloud:
    """Instance metadata and ARM in one, as one node sees them."""

    def __init__(self) -> None:
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
        if request.method == "POST":
            self.started += [item["EventId"] for item in request.json["StartRequests"]]
            return Answer(200)
        return as_json(200, {"DocumentIncarnation": 1, "Events": self.events})


class Stores:
    def __init__(self, base: str) -> None:
        self.base = base

    def resource_manager(self) -> ResourceManager:
        return ResourceManager(self.base, Token())


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Cloud, Azure, Inbox, Journal]]:
    monkeypatch.setattr(module, "_POLL_S", 0.05)
    made, inbox, journal = Cloud(), Inbox(), Journal()
    with serving(made) as base:
        yield made, Azure(base, Stores(base), Workers(), inbox, journal), inbox, journal  # type: ignore[arg-type] # only resource_manager is asked for


def taken(inbox: Inbox) -> events.Event:
    maker = inbox.take(3.0)
    assert maker is not None
    event = maker(Clocks(1.0, 1.0, 1.0))
    assert event is not None
    return event


def announcement(event: str, *machines: str) -> dict[str, Any]:
    return {
        "EventId": event,
        "EventType": "Freeze",
        "Resources": list(machines),
        "DurationInSeconds": 9,
    }


def test_an_event_for_this_machine_is_noticed_once_and_its_end_too(
    cloud: tuple[Cloud, Azure, Inbox, Journal],
) -> None:
    made, azure, inbox, _ = cloud
    made.events = [announcement("e1", "node-1"), announcement("e2", "node-2")]
    azure.start()
    noticed = taken(inbox)
    assert isinstance(noticed, events.MaintenanceNoticed)
    assert noticed[1:] == ("e1", "Freeze", 9.0)
    assert inbox.take(0.2) is None
    made.events = []
    ended = taken(inbox)
    assert isinstance(ended, events.MaintenanceEnded)
    assert ended.event == "e1"


def test_an_acknowledgement_lets_exactly_that_event_start(
    cloud: tuple[Cloud, Azure, Inbox, Journal],
) -> None:
    made, azure, _, _ = cloud
    azure.acknowledge(effects.AcknowledgeMaintenance("e1"))
    deadline = time.monotonic() + 3
    while made.started != ["e1"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_peer_counts_as_off_only_when_its_instance_view_says_so(
    cloud: tuple[Cloud, Azure, Inbox, Journal],
) -> None:
    made, azure, inbox, _ = cloud
    azure.power_off(effects.PowerOffPeer("node-2", "silent"))
    event = taken(inbox)
    assert isinstance(event, events.PeerPoweredOff)
    assert event.node == "node-2"
    assert made.power["node-2"] == "PowerState/stopped"


def test_a_power_off_that_azure_denies_is_told_and_proves_nothing(
    cloud: tuple[Cloud, Azure, Inbox, Journal],
) -> None:
    made, azure, inbox, journal = cloud
    made.denied = True
    azure.power_off(effects.PowerOffPeer("node-2", "silent"))
    assert inbox.take(0.3) is None
    assert "HAN-A01" in journal.troubles()
    assert json.dumps(journal.entries(1)).count("HAN-A01") == 1
