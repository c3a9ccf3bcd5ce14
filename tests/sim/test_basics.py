"""What ARM itself keeps: lists with filters, tags at a scope, registrations, zones of a region."""

from typing import Any
from urllib.parse import quote

import pytest
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.sim.simulator import Simulator, running

pytestmark = pytest.mark.sim

ARM = "api-version=2021-04-01"
NETWORK = "api-version=2025-05-01"


@pytest.fixture(scope="module")
def lab(shared_sim: Simulator) -> str:
    """A group with three networks, by their tags."""
    group = f"{shared_sim.subscription}/resourceGroups/lab"
    shared_sim.send("PUT", f"{group}?{ARM}", {"location": "japaneast", "tags": {"Team": "db"}})
    for name, tags in {"a": {"env": "prod"}, "b": {"env": "test"}, "c": {}}.items():
        body = {
            "location": "japaneast",
            "tags": tags,
            "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        }
        path = f"{group}/providers/Microsoft.Network/virtualNetworks/{name}"
        assert shared_sim.send("PUT", f"{path}?{NETWORK}", body).status == 201
    body = {"location": "japaneast", "tags": {"env": "prod"}}
    path = f"{group}/providers/Microsoft.Network/networkSecurityGroups/a"
    assert shared_sim.send("PUT", f"{path}?{NETWORK}", body).status == 201
    return group


def _names(sim: Simulator, path: str, query: str = "") -> list[str]:
    reply = sim.send("GET", f"{path}/resources?{ARM}&{query}")
    assert reply.status == 200, reply.body
    return [f"{each['type'].split('/')[1][0]}:{each['name']}" for each in reply.body["value"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["n:a", "v:a", "v:b", "v:c"]),
        ("resourceType eq 'microsoft.network/VIRTUALNETWORKS'", ["v:a", "v:b", "v:c"]),
        ("tagName eq 'env'", ["n:a", "v:a", "v:b"]),
        ("tagName eq 'ENV' and tagValue eq 'prod'", ["n:a", "v:a"]),
        ("name eq 'a' and resourceType eq 'Microsoft.Network/virtualNetworks'", ["v:a"]),
        ("name ne 'a'", ["v:b", "v:c"]),
        ("substringof('etworkS', resourceType)", ["n:a", "v:a", "v:b", "v:c"]),
        ("startswith(tagName, 'e')", ["n:a", "v:a", "v:b"]),
        ("location eq 'Japan East' and name eq 'c'", ["v:c"]),
        ("name eq 'b' or name eq 'c'", ["v:b", "v:c"]),
        ("name eq 'it''s'", []),
    ],
)
def test_resources_are_filtered(
    shared_sim: Simulator, lab: str, text: str, names: list[str]
) -> None:
    assert _names(shared_sim, lab, f"$filter={quote(text)}") == names


@pytest.mark.parametrize("query", ["$filter=name", "$filter=x%20eq%20'1'", "$top=no", "$expand=x"])
def test_a_query_that_is_not_understood_is_refused(
    shared_sim: Simulator, lab: str, query: str
) -> None:
    reply = shared_sim.send("GET", f"{lab}/resources?{ARM}&{query}")
    assert (reply.status, reply.code[:7]) == (400, "Invalid")


def test_resources_tell_their_times_when_asked(shared_sim: Simulator, lab: str) -> None:
    query = f"{ARM}&$expand=provisioningState,createdTime,changedTime&$top=1"
    (one,) = shared_sim.send("GET", f"{lab}/resources?{query}").body["value"]
    assert one["provisioningState"] == "Succeeded"
    assert one["createdTime"] <= one["changedTime"]
    assert one["createdTime"].startswith("20")
    plain = shared_sim.send("GET", f"{lab}/resources?{ARM}").body["value"][0]
    assert "createdTime" not in plain


def test_groups_are_filtered_by_tag(shared_sim: Simulator, lab: str) -> None:
    holder = f"{shared_sim.subscription}/resourceGroups?{ARM}"
    text = quote("tagName eq 'team' and tagValue eq 'db'")
    found = shared_sim.send("GET", f"{holder}&$filter={text}").body["value"]
    assert [each["id"] for each in found] == [lab]


def test_the_sdk_reads_and_writes_tags_at_any_scope(shared_sim: Simulator, lab: str) -> None:
    net = f"{lab}/providers/Microsoft.Network/virtualNetworks/c"
    with shared_sim.client(ResourceManagementClient) as client:

        def patch(scope: str, operation: str, tags: dict[str, str]) -> Any:
            body = {"operation": operation, "properties": {"tags": tags}}
            return client.tags.begin_update_at_scope(scope, body).result().properties.tags

        before = shared_sim.send("GET", f"{net}?{NETWORK}").body["etag"]
        assert patch(net, "Merge", {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
        assert patch(net, "Merge", {"B": "3"}) == {"a": "1", "B": "3"}
        assert patch(net, "Delete", {"a": "1", "b": "no"}) == {"B": "3"}
        assert patch(net, "Replace", {"c": "4"}) == {"c": "4"}
        shown = shared_sim.send("GET", f"{net}?{NETWORK}").body
        assert shown["tags"] == {"c": "4"}
        assert shown["etag"] != before
        client.tags.begin_delete_at_scope(net).result()
        assert client.tags.get_at_scope(net).properties.tags == {}
        subscription = shared_sim.subscription
        assert patch(subscription, "Merge", {"owner": "us"}) == {"owner": "us"}
        assert client.tags.get_at_scope(subscription).properties.tags == {"owner": "us"}


def test_the_tags_of_nothing_are_404(shared_sim: Simulator, lab: str) -> None:
    scopes = (f"{lab}-no", f"{lab}/providers/Microsoft.Network/virtualNetworks/no")
    for scope in scopes:
        path = f"{scope}/providers/Microsoft.Resources/tags/default?{ARM}"
        assert shared_sim.send("GET", path).status == 404
        assert shared_sim.send("PUT", path, {"properties": {"tags": {}}}).status == 404


def test_an_unregistered_namespace_makes_nothing(shared_sim: Simulator, lab: str) -> None:
    provider = f"{shared_sim.subscription}/providers/Microsoft.ManagedIdentity"
    path = f"{lab}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1"
    body, version = {"location": "japaneast"}, "api-version=2023-01-31"
    reply = shared_sim.send("POST", f"{provider}/unregister?{ARM}")
    assert reply.body["registrationState"] == "Unregistered"
    reply = shared_sim.send("PUT", f"{path}?{version}", body)
    assert (reply.status, reply.code) == (409, "MissingSubscriptionRegistration")
    reply = shared_sim.send("POST", f"{provider}/register?{ARM}")
    assert reply.body["registrationState"] == "Registered"
    assert shared_sim.send("PUT", f"{path}?{version}", body).status == 201


def test_existence_is_asked_by_head(shared_sim: Simulator, lab: str) -> None:
    net = f"{lab}/providers/Microsoft.Network/virtualNetworks"
    assert shared_sim.send("HEAD", f"{net}/a?{NETWORK}").status == 204
    assert shared_sim.send("HEAD", f"{net}/no?{NETWORK}").status == 404
    assert shared_sim.send("HEAD", f"{lab}?{ARM}").status == 204
    assert shared_sim.send("HEAD", f"{lab}-no?{ARM}").status == 404


def test_zones_are_those_of_the_region(shared_sim: Simulator, lab: str) -> None:
    def make(name: str, location: str, zones: list[str]) -> Any:
        body = {"location": location, "sku": {"name": "Standard"}, "zones": zones}
        path = f"{lab}/providers/Microsoft.Network/publicIPAddresses/{name}"
        body["properties"] = {"publicIPAllocationMethod": "Static"}
        return shared_sim.send("PUT", f"{path}?{NETWORK}", body)

    assert make("good", "japaneast", ["1", "2", "3"]).status == 201
    refused = make("flat", "westus", ["1"])
    assert (refused.status, refused.code) == (400, "LocationNotSupportAvailabilityZones")
    refused = make("far", "japaneast", ["4"])
    assert (refused.status, refused.code) == (400, "InvalidAvailabilityZone")
    assert make("plain", "westus", []).status == 201


def test_a_cloud_has_its_own_regions(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("china"), "--cloud", "AzureChina") as sim:
        where = f"{sim.subscription}/locations?api-version=2022-12-01"
        names = [each["name"] for each in sim.send("GET", where).body["value"]]
        assert "chinanorth3" in names
        assert "eastus" not in names
        group = f"{sim.subscription}/resourceGroups/g?{ARM}"
        assert sim.send("PUT", group, {"location": "eastus"}).status == 400
        assert sim.send("PUT", group, {"location": "China North 3"}).status == 201


def test_a_cloud_has_its_own_names(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("china"), "--cloud", "AzureChina") as sim:
        told = sim.send("GET", "/metadata/endpoints?api-version=2022-09-01", signed=False).body
        assert told["suffixes"]["storage"] == "core.chinacloudapi.cn"
        assert "https://management.core.chinacloudapi.cn/" in told["authentication"]["audiences"]
        group = f"{sim.subscription}/resourceGroups/g"
        sim.send("PUT", f"{group}?{ARM}", {"location": "chinanorth3"})
        body = {
            "location": "chinanorth3",
            "sku": {"name": "Standard"},
            "properties": {
                "publicIPAllocationMethod": "Static",
                "dnsSettings": {"domainNameLabel": "front"},
            },
        }
        path = f"{group}/providers/Microsoft.Network/publicIPAddresses/front?{NETWORK}"
        made = sim.send("PUT", path, body).body["properties"]
        assert made["dnsSettings"]["fqdn"] == "front.chinanorth3.cloudapp.chinacloudapi.cn"
        own, foreign = (
            sim.credential().get_token(f"https://{audience}/.default")
            for audience in ("management.chinacloudapi.cn", "storage.azure.com")
        )
        where = f"{group}?{ARM}"
        for token, status in ((own, 200), (foreign, 401)):
            headers = {"Authorization": f"Bearer {token.token}"}
            assert sim.send("GET", where, headers=headers).status == status
