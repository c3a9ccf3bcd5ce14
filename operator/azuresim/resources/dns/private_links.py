"""Links of private zones to virtual networks, without which a zone is answered nowhere."""

from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import (
    Fact,
    Placed,
    Reply,
    ResourceType,
    Source,
    Style,
)
from azuresim.resources.dns.habits import PRIVATE, wrong
from azuresim.resources.dns.private_zones import ACCEPTED, LOWER
from azuresim.resources.families import missing_reference
from azuresim.resources.schema import Choice, Flag, Ref, shape
from azuresim.state.records import Record

KIND: Final = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
SERVICE_ZONE: Final = "privatelink."
"""Zones of this beginning have a resolution policy (source: document)."""


def _check(call: Call, draft: Draft) -> None:
    network = draft.properties["virtualNetwork"]["id"]
    zone = draft.id.rsplit("/", 2)[0]
    if call.get(network) is None:
        raise missing_reference(network, draft.id)
    if draft.before and ids.key(draft.before["properties"]["virtualNetwork"]["id"]) != ids.key(
        network
    ):
        raise wrong("The virtual network of a Virtual Network Link cannot be changed.")
    if ids.name_of(zone).casefold().startswith(SERVICE_ZONE) and call.version >= "2024-06-01":
        draft.properties.setdefault("resolutionPolicy", "Default")
    for other in _links(call, network):
        if other.key != ids.key(draft.id):
            _require_apart(draft, zone, other)


def _require_apart(draft: Draft, zone: str, other: Record) -> None:
    """Refuse a second link of a network to zones of one name, or a second registration."""
    their_zone = other.id.rsplit("/", 2)[0]
    name, their_name = ids.name_of(zone), ids.name_of(their_zone)
    if ids.key(zone) == ids.key(their_zone):
        message = f"The virtual network is already linked to this zone by '{other.name}'."
        raise ArmError(409, "Conflict", message, flat=True)
    if name.casefold() == their_name.casefold():
        raise wrong(
            "A virtual network cannot be linked to multiple zones with overlapping namespaces. "
            f"You tried to link virtual network with '{name}' and '{their_name}' zones."
        )
    registers = other.body()["properties"]["registrationEnabled"]
    if registers and draft.properties["registrationEnabled"]:
        raise wrong(
            "A virtual network can only be linked to 1 Private DNS zone with auto registration "
            f"enabled; it is to '{their_name}'."
        )


def _links(call: Call, network: str) -> list[Record]:
    """Return the links to a network."""
    folded = KIND.casefold()
    sources = (call.get(link.source) for link in call.tx.referrers(ids.key(network)))
    return [record for record in sources if record is not None and record.kind == folded]


def unlink(call: Call, record: Record) -> None:
    """Take away the links to a virtual network that goes (source: document)."""
    for link in _links(call, record.id):
        call.tx.remove(link.key)


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    del call, record
    properties = wire["properties"]
    at_rest = properties["provisioningState"] == "Succeeded"
    properties["virtualNetworkLinkState"] = "Completed" if at_rest else "InProgress"


TYPE: Final = ResourceType(
    kind=KIND,
    family=PRIVATE,
    versions=versions.PRIVATE_DNS,
    properties=shape(
        registrationEnabled=Flag(default=False),
        resolutionPolicy=Choice(
            words=("Default", "NxDomainRedirect"), sticky=True, since="2024-06-01"
        ),
        virtualNetwork=Ref(kind="Microsoft.Network/virtualNetworks", required=True, optional=True),
    ),
    placed=Placed.GLOBAL,
    create=ACCEPTED,
    update=ACCEPTED,
    patched=ACCEPTED,
    delete=Reply(status=202, style=Style.BOTH),
    creating="Creating",
    duration="virtual network link",
    patch="merge",
    id_form=LOWER,
    check=_check,
    show=_show,
    facts=(
        Fact("writes answer 202 with an empty object, like the zone's", Source.RECORDING),
        Fact("one link between a network and zones of one name", Source.DOCUMENT),
        Fact("a network registers its machines in one zone", Source.DOCUMENT),
        Fact("links to a network go with it", Source.DOCUMENT),
    ),
)
