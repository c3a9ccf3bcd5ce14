"""What follows from a spec without being written in it."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.kube.manifests import table

from hacluster.model.cluster import ClusterSpec
from hacluster.model.monitors import (
    FinalAction,
    Monitor,
    MonitorType,
    Recovery,
    RecoveryPreset,
    Timing,
)
from hacluster.model.network import OutboundType
from hacluster.model.parse import parse


def spec_of(name: str, changes: Mapping[str, Any] | None = None) -> ClusterSpec:
    manifest = table.good()[name]
    for path, value in (changes or {}).items():
        table.put(manifest["spec"], path.split("."), value)
    return parse(manifest).spec


@pytest.mark.parametrize(
    ("name", "changes", "prefix"),
    [
        ("minimal", {}, "10.6.0.0/24"),
        ("azure-dns", {}, "10.5.0.0/24"),
        ("everything", {}, "10.9.1.0/29"),
        ("existing", {}, None),
    ],
)
def test_the_subnet_has_the_networks_first_prefix(
    name: str, changes: Mapping[str, Any], prefix: str | None
) -> None:
    assert spec_of(name, changes).network.prefix == prefix


@pytest.mark.parametrize(
    ("name", "changes", "outbound"),
    [
        ("minimal", {}, OutboundType.NAT_GATEWAY),
        ("minimal", {"network.outbound": {"type": "None"}}, OutboundType.NONE),
        ("existing", {"network.outbound": {}}, OutboundType.EXISTING),
        ("existing", {}, OutboundType.LOAD_BALANCER),
    ],
)
def test_the_way_out_is_nat_unless_the_network_is_existing(
    name: str, changes: Mapping[str, Any], outbound: OutboundType
) -> None:
    assert spec_of(name, changes).network.outbound_type is outbound


@pytest.mark.parametrize(
    ("recovery", "reactivations", "failovers"),
    [
        (Recovery(), 3, 1),
        (Recovery(preset=RecoveryPreset.FAILOVER), 0, 1),
        (Recovery(preset=RecoveryPreset.FINAL_ACTION_ONLY), 0, 0),
        (Recovery(max_reactivations=0, max_failovers=2), 0, 2),
        (Recovery(preset=RecoveryPreset.FAILOVER, max_reactivations=5), 5, 1),
    ],
)
def test_numbers_that_are_not_written_come_from_the_preset(
    recovery: Recovery, reactivations: int, failovers: int
) -> None:
    assert (recovery.reactivations, recovery.failovers) == (reactivations, failovers)


def implied(spec: ClusterSpec) -> dict[str, Monitor]:
    written = {monitor.name for monitor in spec.cluster.monitors}
    return {m.name: m for m in spec.cluster.effective_monitors if m.name not in written}


def test_monitors_come_with_resources() -> None:
    found = implied(spec_of("internal-load-balancer"))
    assert {name: (m.type, m.resource) for name, m in found.items()} == {
        "azureppw1": (MonitorType.PROBE_PORT, "azurepp1"),
        "azurelbw1": (MonitorType.LOAD_BALANCE, "azurepp1"),
        "mdw1": (MonitorType.MIRROR, "md"),
    }
    port = found["azureppw1"].recovery
    assert (port.target, port.reactivations, port.failovers) == ("azurepp1", 3, 1)
    mirror = found["mdw1"].recovery
    assert (mirror.reactivations, mirror.failovers) == (0, 0)
    assert mirror.final_action is FinalAction.NONE


def test_a_lost_record_moves_the_group() -> None:
    recovery = implied(spec_of("azure-dns"))["azurednsw1"].recovery
    assert (recovery.target, recovery.reactivations, recovery.failovers) == ("azuredns1", 0, 1)


def test_a_record_that_was_just_written_is_not_missed_before_azure_shows_it() -> None:
    assert implied(spec_of("azure-dns"))["azurednsw1"].start_delay_seconds == 60


def test_a_written_monitor_takes_the_place_of_the_implied_one() -> None:
    assert implied(spec_of("everything")) == {}


def test_an_implied_monitor_takes_a_free_name() -> None:
    taken = {"name": "mdw1", "type": "Process", "process": {"command": "x"}}
    found = implied(spec_of("internal-load-balancer", {"cluster.monitors": [taken]}))
    assert found["mdw2"].resource == "md"


@pytest.mark.parametrize(
    ("monitor", "timing"),
    [
        (Monitor(name="a", type=MonitorType.PROBE_PORT, resource="p"), Timing.ACTIVE),
        (Monitor(name="a", type=MonitorType.AZURE_DNS, resource="p"), Timing.ACTIVE),
        (Monitor(name="a", type=MonitorType.MIRROR, resource="p"), Timing.ALWAYS),
        (
            Monitor(name="a", type=MonitorType.AZURE_DNS, resource="p", timing=Timing.ALWAYS),
            Timing.ALWAYS,
        ),
    ],
)
def test_what_watches_an_active_resource_runs_where_it_is(monitor: Monitor, timing: Timing) -> None:
    assert monitor.effective_timing is timing
