"""What the agent does with Azure itself: power a peer off, and hear of maintenance.

Scheduled events come from the instance metadata service. One acknowledgement lets an event
start for every machine it lists, so the state machine asks for it only when nothing is
active here (rule 12).
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from hacluster_node.core import effects, events
from hacluster_node.errors import Broken, NodeError
from hacluster_node.net.http import Client

if TYPE_CHECKING:
    from hacluster_node.runtime.inbox import Inbox
    from hacluster_node.runtime.journal import Journal
    from hacluster_node.runtime.stores import Stores
    from hacluster_node.runtime.workers import Workers

_EVENTS = "/metadata/scheduledevents?api-version=2020-07-01"
_INSTANCE = "/metadata/instance/compute?api-version=2021-02-01"
_COMPUTE = "2024-07-01"
_POLL_S = 5.0  # Preempt gives 30 s of notice.
_OFF = frozenset({"PowerState/stopped", "PowerState/deallocated"})
_POWER_OFF_WITHIN_S = 300.0


class Azure:
    """One node's dealings with Azure.

    Args:
        metadata: the instance metadata service's base address.
        stores: makes connections to ARM.
        workers: for what may wait.
        inbox: gets `MaintenanceNoticed`, `MaintenanceEnded`, `PeerPoweredOff`.
        journal: hears of troubles.
    """

    def __init__(
        self, metadata: str, stores: Stores, workers: Workers, inbox: Inbox, journal: Journal
    ) -> None:
        self._metadata = metadata
        self._stores = stores
        self._workers = workers
        self._inbox = inbox
        self._journal = journal
        self._announced: Dict[str, str] = {}
        self._compute: Mapping[str, Any] = {}

    def start(self) -> None:
        """Begin to watch for scheduled events, in a thread of its own."""
        threading.Thread(target=self._watch, name="maintenance", daemon=True).start()

    def power_off(self, effect: effects.PowerOffPeer) -> None:
        """Power a peer off by ARM and post `PeerPoweredOff` once its instance view says so."""
        self._workers.in_order(f"power {effect.node}", lambda: self._power_off(effect.node))

    def acknowledge(self, effect: effects.AcknowledgeMaintenance) -> None:
        """Let a scheduled event start now."""
        body = json.dumps({"StartRequests": [{"EventId": effect.event}]}).encode()
        self._workers.in_order("maintenance", lambda: self._post(body))

    def _post(self, body: bytes) -> None:
        try:
            self._ask("POST", _EVENTS, body)
        except OSError as error:
            self._journal.trouble(Broken("HAN-A02", f"the event was not acknowledged: {error}"))

    def _watch(self) -> None:
        while True:
            # Outside Azure there is no such service; its absence ends nothing.
            with contextlib.suppress(NodeError, OSError, ValueError, KeyError, TypeError):
                self._look()
            time.sleep(_POLL_S)

    def _look(self) -> None:
        own = self._own()["name"]
        content = json.loads(self._ask("GET", _EVENTS))
        current: Dict[str, str] = {}
        for item in content.get("Events", ()):
            if own in item.get("Resources", ()):
                current[item["EventId"]] = item["EventType"]
                if item["EventId"] not in self._announced:
                    self._notice(item)
        for event in set(self._announced) - set(current):
            self._end(event)
        self._announced = current

    def _notice(self, item: Mapping[str, Any]) -> None:
        event, kind = str(item["EventId"]), str(item["EventType"])
        duration = float(item.get("DurationInSeconds", -1))
        self._inbox.post(lambda clocks: events.MaintenanceNoticed(clocks, event, kind, duration))

    def _end(self, event: str) -> None:
        self._inbox.post(lambda clocks: events.MaintenanceEnded(clocks, event))

    def _power_off(self, node: str) -> None:
        machine = self._machine_id(node)
        arm = self._stores.resource_manager()
        version = f"api-version={_COMPUTE}"
        deadline = time.monotonic() + _POWER_OFF_WITHIN_S
        try:
            arm.request("POST", f"{machine}/powerOff?skipShutdown=true&{version}", 20.0)
            while time.monotonic() < deadline:
                view = arm.request("GET", f"{machine}/instanceView?{version}", 20.0)
                if _codes(view.body) & _OFF:
                    self._inbox.post(lambda clocks: events.PeerPoweredOff(clocks, node))
                    return
                time.sleep(2.0)
        except NodeError as error:
            self._journal.trouble(error)

    def _machine_id(self, node: str) -> str:
        """Return the ARM id of a peer: it differs from our own in the last word only."""
        own = str(self._own()["resourceId"])
        return own.rpartition("/")[0] + "/" + node

    def _own(self) -> Mapping[str, Any]:
        if not self._compute:
            self._compute = json.loads(self._ask("GET", _INSTANCE))
        return self._compute

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        client = Client(self._metadata)
        try:
            answer = client.request(method, path, {"Metadata": "true"}, body, 10.0)
        finally:
            client.close()
        if answer.status != 200:
            raise Broken("HAN-A02", f"the metadata service answered {answer.status}")
        return answer.body


def _codes(view: Mapping[str, Any]) -> frozenset[str]:
    statuses: List[Mapping[str, Any]] = view.get("statuses") or []
    return frozenset(str(status.get("code")) for status in statuses)
