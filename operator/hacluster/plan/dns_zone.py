"""The DNS zone, and for a private one the link by which the nodes' network resolves it.

With ``manageZone: false`` the zone is somebody else's: it is used, and neither changed nor linked.
"""

from hacluster.model.access import Dns, Visibility
from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make zone and link what the spec asks for."""
    dns = view.spec.access.dns
    if dns and not dns.manage_zone:
        return look_up(view, view.names.zone(dns), "access.dns.zone")
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the zone and its link, or nothing where there is no name or the zone is not ours."""
    dns = view.spec.access.dns
    if dns is None or not dns.manage_zone:
        return ()
    is_private = dns.visibility is Visibility.PRIVATE
    return (_zone(view, dns), _link(view, dns)) if is_private else (_zone(view, dns),)


def _zone(view: View, dns: Dns) -> Wanted:
    return Wanted(
        id=view.names.zone(dns),
        body={"location": "global", "tags": view.names.tags, "properties": {}},
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION,
    )


def _link(view: View, dns: Dns) -> Wanted:
    network = view.names.virtual_network
    properties = {"virtualNetwork": {"id": network}, "registrationEnabled": False}
    return Wanted(
        id=view.names.zone_link(dns),
        body={"location": "global", "tags": view.names.tags, "properties": properties},
        needs=frozenset({view.names.zone(dns), network}),
        immutable=LOCATION
        | {"properties.virtualNetwork": "Delete the link and let it be made again."},
    )
