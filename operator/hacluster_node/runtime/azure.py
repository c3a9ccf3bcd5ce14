"""What the agent does with Azure itself: power a peer off, and hear of maintenance.

Scheduled events come from the instance metadata service; what is done about each is decided in
`runtime.scheduled`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple

from hacluster_node.core import effects, events
from hacluster_node.errors import Broken, NodeError
from hacluster_node.net.http import Client
from hacluster_node.runtime import scheduled

if TYPE_CHECKING:
    from hacluster_node.core.clocks import Clocks
    from hacluster_node.core.state import NodeState
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
_LOOK_WITHIN_S = 2.0


class Azure:
    """One node's dealings with Azure.

    Args:
        metadata: the instance metadata service's base address.
        stores: makes connections to ARM.
        workers: for what may wait.
        inbox: gets `MaintenanceNoticed`, `MaintenanceEnded`, `PeerPoweredOff`.
        journal: hears of troubles, and of what is done about scheduled events.
        node: the state of the machine, read in the machine's own thread only.
    """

    def __init__(
        self,
        metadata: str,
        stores: Stores,
        workers: Workers,
        inbox: Inbox,
        journal: Journal,
        node: Callable[[], NodeState],
    ) -> None:
        self._metadata = metadata
        self._stores = stores
        self._workers = workers
        self._inbox = inbox
        self._journal = journal
        self._node = node
        self._calendar = scheduled.Calendar()
        self._lock = threading.Lock()
        """Guards the calendar: the state machine's thread writes wishes into it."""
        self._again = threading.Event()
        self._compute: Mapping[str, Any] = {}

    def start(self) -> None:
        """Begin to watch for scheduled events, in a thread of its own."""
        threading.Thread(target=self._watch, name="maintenance", daemon=True).start()

    def power_off(self, effect: effects.PowerOffPeer) -> None:
        """Power a peer off by ARM and post `PeerPoweredOff` once its instance view says so."""
        self._workers.in_order(f"power {effect.node}", lambda: self._power_off(effect.node))

    def acknowledge(self, effect: effects.AcknowledgeMaintenance) -> None:
        """Let a scheduled event start as soon as every node that it lists is ready."""
        with self._lock:
            self._calendar.want(effect.event)
        self._again.set()

    def announced(self) -> List[Dict[str, Any]]:
        """Return the scheduled events of this machine, JSON-ready."""
        with self._lock:
            return self._calendar.table()

    def _watch(self) -> None:
        while True:
            # Outside Azure there is no such service; its absence ends nothing.
            with contextlib.suppress(NodeError, OSError, ValueError, KeyError, TypeError):
                self._look()
            self._again.wait(_POLL_S)
            self._again.clear()

    def _look(self) -> None:
        announced = scheduled.read(json.loads(self._ask("GET", _EVENTS)))
        if not announced and not self.announced():
            return
        seen = self._around(announced)
        if seen is None:
            return
        with self._lock:
            acts = self._calendar.look(announced, seen)
        for act in acts:
            self._do(act, seen.own)

    def _around(self, announced: Tuple[scheduled.Announced, ...]) -> Optional[scheduled.Around]:
        """Ask the state machine what it knows that matters; None if it does not answer in time."""
        box: List[scheduled.Around] = []
        made = threading.Event()

        def look(_clocks: Clocks) -> None:
            box.append(scheduled.around(self._node(), announced))
            made.set()

        self._inbox.post(look)
        return box[0] if made.wait(_LOOK_WITHIN_S) else None

    def _do(self, act: scheduled.Act, own: str) -> None:
        if isinstance(act, scheduled.Notice):
            self._inbox.post(scheduled.noticed(act.announced))
        elif isinstance(act, scheduled.End):
            self._inbox.post(_ended(act.event))
        elif isinstance(act, scheduled.Await):
            self._journal.noted(own, "MaintenanceAwaited", act.why)
        else:
            self._post(act.event, own)

    def _post(self, event: str, own: str) -> None:
        """Acknowledge an event; what fails is tried again by the next look, while it is there."""
        try:
            body = json.dumps({"StartRequests": [{"EventId": event}]}).encode()
            self._ask("POST", _EVENTS, body)
        except (NodeError, OSError) as error:
            self._journal.trouble(Broken("HAN-A02", f"the event was not acknowledged: {error}"))
            return
        with self._lock:
            self._calendar.acknowledged(event)
        why = f"nothing runs here any more: Azure may begin with {event}"
        self._journal.noted(own, "MaintenanceAcknowledged", why)

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


def _ended(event: str) -> Callable[[Clocks], events.Event]:
    return lambda clocks: events.MaintenanceEnded(clocks, event)


def _codes(view: Mapping[str, Any]) -> frozenset[str]:
    statuses: List[Mapping[str, Any]] = view.get("statuses") or []
    return frozenset(str(status.get("code")) for status in statuses)
