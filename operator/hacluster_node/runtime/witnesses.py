"""Carries out reads and writes of the witness's records, one lane and connection per group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Optional

from hacluster_node.core.events import Event, WitnessAnswered, WitnessOutcome
from hacluster_node.core.record import Record
from hacluster_node.witness.blob import BlobRegister
from hacluster_node.witness.lease import LeaseAddress, LeaseRegister
from hacluster_node.witness.register import Conflict, Found, Missing, Register, Written

if TYPE_CHECKING:
    from hacluster_node.core import effects
    from hacluster_node.core.clocks import Clocks
    from hacluster_node.runtime.inbox import Inbox
    from hacluster_node.runtime.stores import Stores
    from hacluster_node.runtime.workers import Workers
    from hacluster_node.settings.document import Settings
    from hacluster_node.settings.node_file import Kubernetes

Answer = tuple[WitnessOutcome, Optional[Record], str, str]


class Witnesses:
    """The registers of all groups.

    Args:
        stores: makes a container connection per group.
        workers: one lane per group.
        inbox: gets each outcome as `WitnessAnswered`.
        kubernetes: the API server, as the node's own file names it.
        token: tells what to show to it.
    """

    def __init__(
        self,
        stores: Stores,
        workers: Workers,
        inbox: Inbox,
        kubernetes: Optional[Kubernetes] = None,
        token: Callable[[], str] = str,
    ) -> None:
        self._kubernetes = kubernetes
        self._token = token
        self._stores = stores
        self._workers = workers
        self._inbox = inbox
        self._registers: Dict[str, Register] = {}
        self._kind: Dict[str, str] = {}
        self.last_failure = ""
        self.writes = 0

    def configure(self, settings: Settings) -> None:
        """Use the witness that the settings name."""
        kind = dict(settings.witness)
        if kind != self._kind:
            self._kind, self._registers = kind, {}

    def read(self, effect: effects.ReadWitness) -> None:
        """Read a group's record and post what came of it."""
        self._workers.in_order(
            f"witness {effect.group}", lambda: self._post(effect.request, self._read(effect))
        )

    def write(self, effect: effects.WriteWitness) -> None:
        """Write a group's record and post what came of it."""
        self.writes += 1
        self._workers.in_order(
            f"witness {effect.group}", lambda: self._post(effect.request, self._write(effect))
        )

    def _read(self, effect: effects.ReadWitness) -> Answer:
        outcome = self._register(effect.group).read(effect.timeout_s)
        if isinstance(outcome, Missing):
            return WitnessOutcome.ABSENT, None, "", ""
        if isinstance(outcome, Found):
            try:
                record = Record.parse(json.loads(outcome.content))
            except ValueError as error:
                return WitnessOutcome.UNKNOWN, None, "", f"HAN-W03 {error}"
            return WitnessOutcome.OK, record, outcome.version, ""
        return WitnessOutcome.UNKNOWN, None, "", f"{outcome.code} {outcome.why}"

    def _write(self, effect: effects.WriteWitness) -> Answer:
        content = json.dumps(effect.record.plain()).encode()
        register = self._register(effect.group)
        outcome = register.write(content, effect.expect, effect.timeout_s)
        if isinstance(outcome, Written):
            return WitnessOutcome.OK, effect.record, outcome.version, ""
        if isinstance(outcome, Conflict):
            return WitnessOutcome.CONFLICT, None, "", ""
        return WitnessOutcome.UNKNOWN, None, "", f"{outcome.code} {outcome.why}"

    def _post(self, request: int, answer: Answer) -> None:
        outcome, record, version, detail = answer
        self.last_failure = detail
        self._inbox.post(_answered(request, outcome, record, version, detail))

    def _register(self, group: str) -> Register:
        if group not in self._registers:
            if self._kind.get("type") == "KubernetesLease":
                self._registers[group] = LeaseRegister(self._lease(group))
            else:
                container = self._stores.container()
                self._registers[group] = BlobRegister(container, f"witness/{group}")
        return self._registers[group]

    def _lease(self, group: str) -> LeaseAddress:
        kind, own = self._kind, self._kubernetes
        name = f"{kind['name']}-{group}".lower()
        if own is not None and not kind["server"]:
            return LeaseAddress(own.server, kind["namespace"], name, self._token, ca=own.ca)
        path = Path(kind["tokenFile"])
        return LeaseAddress(
            server=kind["server"],
            namespace=kind["namespace"],
            name=name,
            token=lambda: path.read_text(encoding="utf-8").strip(),
            ca_file=kind["caFile"] or None,
        )


def _answered(
    request: int, outcome: WitnessOutcome, record: Optional[Record], version: str, detail: str
) -> Callable[[Clocks], Event]:
    return lambda clocks: WitnessAnswered(clocks, request, outcome, record, version, detail)
