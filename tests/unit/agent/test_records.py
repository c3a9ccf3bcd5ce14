"""What becomes of a group's DNS record when Azure does not answer: nothing is given up for it."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from hacluster_node.core import effects
from hacluster_node.core.clocks import Clocks
from hacluster_node.core.config import AgentConfig, Group, Node, Resource
from hacluster_node.errors import Broken
from hacluster_node.records import azure_dns
from hacluster_node.runtime.effects import Effects

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/cluster1.zone"
OPTIONS = {"zoneId": ZONE, "recordSet": "r", "ttlSeconds": 60, "visibility": "Public"}
CONFIG = AgentConfig(
    cluster="Cluster1",
    node="node-1",
    nodes=(Node("node-1", "10.5.0.120"), Node("node-2", "10.5.0.121")),
    groups=(Group("failover1", (Resource("azuredns1", kind="AzureDNS", options=OPTIONS),)),),
)
START = effects.StartResource(1, "failover1", "azuredns1", 3, 60.0)
STOP = effects.StopResource(1, "failover1", "azuredns1", 3, 60.0)


def outcome(effect: Any, monkeypatch: pytest.MonkeyPatch, code: str) -> tuple[Any, MagicMock]:
    """Return what the state machine hears of an effect that Azure answers so, and the journal."""

    def fails(*_: object) -> None:
        raise Broken(code, "as Azure says")

    monkeypatch.setattr(azure_dns, "put", fails)
    monkeypatch.setattr(azure_dns, "withdraw", fails)
    parts = MagicMock()
    parts.workers.in_order.side_effect = lambda _lane, job: job()
    Effects(parts, CONFIG).carry_out(effect)
    (made,) = parts.inbox.post.call_args.args
    return made(Clocks(1.0, 1.0, 1.0)), parts.journal


@pytest.mark.parametrize(("code", "is_early"), [("HAN-A02", True), ("HAN-A01", False)])
def test_a_start_waits_for_azure_and_is_refused_without_rights(
    code: str, is_early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = outcome(START, monkeypatch, code)
    assert (done.ok, done.is_early) == (False, is_early)
    assert done.detail == f"{code} as Azure says"


@pytest.mark.parametrize("code", ["HAN-A02", "HAN-A01"])
def test_a_record_that_cannot_be_withdrawn_is_told_and_restarts_no_machine(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, journal = outcome(STOP, monkeypatch, code)
    assert done.ok
    (trouble,) = journal.trouble.call_args.args
    assert trouble.code == code
