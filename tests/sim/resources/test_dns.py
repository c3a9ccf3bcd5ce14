"""Zones, record sets and links through the real SDKs."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim

ZONE = {"location": "global"}


@pytest.fixture(scope="module")
def dns(shared_sim: Simulator) -> Iterator[Any]:
    """A client for public zones."""
    with shared_sim.client(DnsManagementClient) as client:
        yield client


@pytest.fixture(scope="module")
def private(shared_sim: Simulator) -> Iterator[Any]:
    """A client for private zones."""
    with shared_sim.client(PrivateDnsManagementClient) as client:
        yield client


def _network(network: Any, group: str, name: str = "net") -> str:
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    body = {"location": "eastus", "properties": space}
    return str(network.virtual_networks.begin_create_or_update(group, name, body).result().id)


def _link(network_id: str, *, registers: bool = False) -> dict[str, Any]:
    properties = {"virtualNetwork": {"id": network_id}, "registrationEnabled": registers}
    return {"location": "global", "properties": properties}


def test_a_zone_has_servers_and_what_makes_it_a_zone(dns: Any, group: str) -> None:
    zone = dns.zones.create_or_update(group, "one.example", ZONE)
    assert "/dnszones/" in zone.id
    servers = zone.name_servers
    ends = [".com.", ".net.", ".org.", ".info."]
    assert [server.endswith(end) for server, end in zip(servers, ends, strict=True)] == [True] * 4
    found = {each.type: each for each in dns.record_sets.list_by_dns_zone(group, "one.example")}
    assert set(found) == {"Microsoft.Network/dnszones/NS", "Microsoft.Network/dnszones/SOA"}
    names = [each.nsdname for each in found["Microsoft.Network/dnszones/NS"].ns_records]
    assert names == servers
    assert zone.number_of_record_sets == 2
    with pytest.raises(HttpResponseError, match="cannot be deleted"):
        dns.record_sets.delete(group, "one.example", "@", "SOA")
    dns.zones.begin_delete(group, "one.example").result()
    with pytest.raises(ResourceNotFoundError):
        dns.zones.get(group, "one.example")


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("A", {"ARecords": [{"ipv4Address": "10.0.0.4"}]}),
        ("AAAA", {"AAAARecords": [{"ipv6Address": "2001:db8::1"}]}),
        ("CNAME", {"CNAMERecord": {"cname": "other.example"}}),
        ("MX", {"MXRecords": [{"preference": 1, "exchange": "mail.example"}]}),
        ("NS", {"NSRecords": [{"nsdname": "ns.example"}]}),
        ("PTR", {"PTRRecords": [{"ptrdname": "name.example"}]}),
        ("SRV", {"SRVRecords": [{"priority": 1, "weight": 2, "port": 3, "target": "t.example"}]}),
        ("TXT", {"TXTRecords": [{"value": ["words"]}]}),
        ("CAA", {"caaRecords": [{"flags": 0, "tag": "issue", "value": "ca.example"}]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_set_lives_and_dies(
    dns: Any, shared_sim: Simulator, group: str, kind: str, records: Any
) -> None:
    dns.zones.create_or_update(group, "one.example", ZONE)
    path = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones"
        f"/one.example/{kind}/www?api-version=2018-05-01"
    )
    body = {"properties": {"TTL": 1, "metadata": {"epoch": "7"}, **records}}
    made = shared_sim.send("PUT", path, body, headers={"If-None-Match": "*"})
    assert made.status == 201
    properties = made.body["properties"]
    assert properties["fqdn"] == "www.one.example."
    assert properties["targetResource"] == {}
    assert {name: properties[name] for name in records} == records
    assert shared_sim.send("PUT", path, body).status == 200
    seen = dns.record_sets.get(group, "one.example", "www", kind)
    assert (seen.ttl, seen.metadata) == (1, {"epoch": "7"})
    names = [each.name for each in dns.record_sets.list_by_type(group, "one.example", kind)]
    assert "www" in names
    dns.record_sets.delete(group, "one.example", "www", kind)
    assert shared_sim.send("DELETE", path).status == 204


def test_a_record_set_is_guarded_by_its_etag(dns: Any, group: str) -> None:
    dns.zones.create_or_update(group, "one.example", ZONE)
    sets = dns.record_sets

    def write(address: str, **more: Any) -> Any:
        body = {"ttl": 5, "a_records": [{"ipv4_address": address}]}
        return sets.create_or_update(group, "one.example", "www", "A", body, **more)

    first = write("10.0.0.4", if_none_match="*")
    with pytest.raises(HttpResponseError, match="exists already") as caught:
        write("10.0.0.5", if_none_match="*")
    assert caught.value.status_code == 412
    second = write("10.0.0.5", if_match=first.etag)
    with pytest.raises(HttpResponseError, match="has been modified") as caught:
        write("10.0.0.6", if_match=first.etag)
    assert caught.value.status_code == 412
    with pytest.raises(HttpResponseError):
        sets.delete(group, "one.example", "www", "A", if_match=first.etag)
    seen = sets.get(group, "one.example", "www", "A")
    assert (seen.etag, seen.a_records[0].ipv4_address) == (second.etag, "10.0.0.5")
    patched = sets.update(group, "one.example", "www", "A", {"metadata": {"epoch": "8"}})
    assert (patched.metadata, patched.ttl) == ({"epoch": "8"}, 5)


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("www", "A", {"TTL": 0, "ARecords": []}),
        ("www", "A", {"TTL": 5, "ARecords": [{"ipv4Address": "2001:db8::1"}]}),
        ("www", "A", {"ARecords": []}),
        ("@", "CNAME", {"TTL": 5, "CNAMERecord": {"cname": "x.example"}}),
        ("www", "SOA", {"TTL": 5}),
        ("a..b", "A", {"TTL": 5}),
        ("taken", "CNAME", {"TTL": 5, "CNAMERecord": {"cname": "x.example"}}),
    ],
    ids=["ttl", "address", "no ttl", "apex", "soa", "name", "beside an A"],
)
def test_what_is_no_record_set_is_refused(
    dns: Any, shared_sim: Simulator, group: str, name: str, kind: str, body: Any
) -> None:
    dns.zones.create_or_update(group, "one.example", ZONE)
    zone = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones"
        "/one.example"
    )
    tail = "?api-version=2018-05-01"
    taken = shared_sim.send("PUT", f"{zone}/A/taken{tail}", {"properties": {"TTL": 5}})
    assert taken.status == 201
    refused = shared_sim.send("PUT", f"{zone}/{kind}/{name}{tail}", {"properties": body})
    assert refused.status in {400, 409}
    assert dns.zones.get(group, "one.example").number_of_record_sets == 3


def test_record_sets_of_all_types_come_in_pages(dns: Any, group: str) -> None:
    dns.zones.create_or_update(group, "one.example", ZONE)
    for name in ("*", "b", "web.c"):
        body = {"ttl": 5, "a_records": [{"ipv4_address": "10.0.0.4"}]}
        dns.record_sets.create_or_update(group, "one.example", name, "A", body)
    names = [e.name for e in dns.record_sets.list_all_by_dns_zone(group, "one.example", top=2)]
    assert sorted(names) == ["*", "@", "@", "b", "web.c"]
    ending = dns.record_sets.list_by_dns_zone(group, "one.example", recordsetnamesuffix="c")
    assert [each.name for each in ending] == ["web.c"]
    assert "one.example" in {each.name for each in dns.zones.list()}
    assert [each.name for each in dns.zones.list_by_resource_group(group)] == ["one.example"]


def test_a_private_zone_holds_on_to_its_links(private: Any, network: Any, group: str) -> None:
    zones, links = private.private_zones, private.virtual_network_links
    made = zones.begin_create_or_update(group, "in.example", ZONE).result()
    assert f"/resourceGroups/{group.lower()}/" in made.id
    net = _network(network, group)
    link = links.begin_create_or_update(
        group, "in.example", "link", _link(net, registers=True)
    ).result()
    assert link["properties"]["virtualNetworkLinkState"] == "Completed"
    seen = zones.get(group, "in.example")["properties"]
    counts = (
        seen["numberOfVirtualNetworkLinks"],
        seen["numberOfVirtualNetworkLinksWithRegistration"],
    )
    assert counts == (1, 1)
    with pytest.raises(HttpResponseError, match="CannotDeleteResource"):
        zones.begin_delete(group, "in.example")
    off = {"properties": {"registrationEnabled": False}}
    changed = links.begin_update(group, "in.example", "link", off).result()
    assert changed["properties"]["registrationEnabled"] is False
    links.begin_delete(group, "in.example", "link").result()
    assert list(links.list(group, "in.example")) == []
    zones.begin_delete(group, "in.example").result()


def test_links_need_a_network_and_go_with_it(private: Any, network: Any, group: str) -> None:
    zones, links = private.private_zones, private.virtual_network_links
    for name in ("in.example", "other.example"):
        zones.begin_create_or_update(group, name, ZONE).result()
    net = _network(network, group)
    with pytest.raises(HttpResponseError, match="InvalidResourceReference"):
        links.begin_create_or_update(group, "in.example", "link", _link(f"{net}-gone"))
    body = _link(net, registers=True)
    links.begin_create_or_update(group, "in.example", "link", body).result()
    with pytest.raises(HttpResponseError, match="already linked"):
        links.begin_create_or_update(group, "in.example", "twice", body)
    with pytest.raises(HttpResponseError, match="auto registration"):
        links.begin_create_or_update(group, "other.example", "link", body)
    network.virtual_networks.begin_delete(group, "net").result()
    assert list(links.list(group, "in.example")) == []


def test_a_private_record_set_lives_and_dies(private: Any, group: str) -> None:
    private.private_zones.begin_create_or_update(group, "in.example", ZONE).result()
    sets = private.record_sets
    where = (group, "in.example", "A", "db")
    first = sets.create_or_update(
        *where, {"properties": {"ttl": 1, "aRecords": [{"ipv4Address": "10.0.0.4"}]}}
    )
    assert first["properties"]["isAutoRegistered"] is False
    assert first["properties"]["fqdn"] == "db.in.example."
    changed = sets.update(*where, {"properties": {"metadata": {"epoch": "1"}}})
    assert changed["properties"]["aRecords"] == [{"ipv4Address": "10.0.0.4"}]
    names = sorted(each.name for each in sets.list(group, "in.example"))
    assert names == ["@", "db"]
    sets.delete(*where)
    with pytest.raises(ResourceNotFoundError, match="does not exist"):
        sets.get(*where)
