"""The record set by whose A record clients find the active node.

Its content belongs to the nodes: the active one writes its address, guarded by the set's etag and
the epoch in its metadata. So the set is made empty, which Azure allows and shows to nobody, and
only its time to live and its owner are kept. Only when a wrong address has outlived all that the
nodes do about it does the assessment name one to write (`Assessment.record_address`).
"""

from typing import Any

from hacluster.model.access import Dns, Visibility
from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the record set what the spec asks for."""
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the record set, or nothing where clients come by the balancer alone."""
    dns = view.spec.access.dns
    if dns is None:
        return ()
    wanted = Wanted(
        id=view.names.record_set(dns),
        body={"properties": _properties(view, dns)},
        needs=frozenset({view.names.zone(dns)}),
    )
    return (wanted,)


def addresses(view: View, dns: Dns) -> tuple[str, ...] | None:
    """Return the addresses that the record set holds, or None where that is not known."""
    seen = view.present(view.names.record_set(dns))
    if seen is None:
        return None
    _, records = _fields(dns)
    found = seen.properties.get(records) or ()
    return tuple(str(record["ipv4Address"]) for record in found)


def _properties(view: View, dns: Dns) -> dict[str, Any]:
    ttl, records = _fields(dns)
    stated: dict[str, Any] = {ttl: _ttl(view, dns), "metadata": view.names.owner_metadata}
    address = view.assessment.record_address
    if address is not None:
        stated[records] = [{"ipv4Address": address}]
    elif view.present(view.names.record_set(dns)) is None:
        stated[records] = []
    return stated


def _ttl(view: View, dns: Dns) -> int:
    """Return the time to live: an AzureDNS resource that says one says it for the record set."""
    stated = (
        resource.azure_dns.ttl_seconds
        for group in view.spec.cluster.failover_groups
        for resource in group.resources
        if resource.azure_dns
    )
    return next((ttl for ttl in stated if ttl), dns.ttl_seconds)


def _fields(dns: Dns) -> tuple[str, str]:
    """Public and private zones spell them differently."""
    return ("TTL", "ARecords") if dns.visibility is Visibility.PUBLIC else ("ttl", "aRecords")
