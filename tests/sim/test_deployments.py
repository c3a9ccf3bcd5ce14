"""Templates are deployed as `az` deploys them."""

from typing import Any

import pytest
from tests.sim.simulator import Simulator, running

pytestmark = pytest.mark.sim

ARM = "api-version=2021-04-01"
NETWORK = "2025-05-01"
TEMPLATE: dict[str, Any] = {
    "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "name": {"type": "string", "defaultValue": "net"},
        "password": {"type": "securestring"},
    },
    "variables": {"inner": "[concat(parameters('name'), '-lb')]"},
    "resources": [
        {
            "type": "Microsoft.Network/loadBalancers",
            "name": "[variables('inner')]",
            "apiVersion": NETWORK,
            "location": "[resourceGroup().location]",
            "sku": {"name": "Standard"},
            "dependsOn": ["[concat('Microsoft.Network/virtualNetworks/', parameters('name'))]"],
            "properties": {
                "frontendIPConfigurations": [
                    {
                        "name": "front",
                        "properties": {
                            "subnet": {
                                "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', "
                                "parameters('name'), 'a')]"
                            }
                        },
                    }
                ]
            },
        },
        {
            "type": "Microsoft.Network/virtualNetworks",
            "name": "[parameters('name')]",
            "apiVersion": NETWORK,
            "location": "japaneast",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "a", "properties": {"addressPrefix": "10.0.0.0/24"}}],
            },
        },
    ],
    "outputs": {
        "net": {"type": "object", "value": "[reference(parameters('name'))]"},
        "id": {
            "type": "string",
            "value": "[resourceId('Microsoft.Network/virtualNetworks', parameters('name'))]",
        },
    },
}
SECRET = {"password": {"value": "never shown"}}


@pytest.fixture
def group(shared_sim: Simulator, request: pytest.FixtureRequest) -> str:
    name = f"g{abs(hash(request.node.name))}"
    path = f"{shared_sim.subscription}/resourceGroups/{name}"
    shared_sim.send("PUT", f"{path}?{ARM}", {"location": "japaneast"})
    return path


def _wish(template: Any = TEMPLATE, **parameters: Any) -> dict[str, Any]:
    given = SECRET | {name: {"value": value} for name, value in parameters.items()}
    return {"properties": {"mode": "Incremental", "template": template, "parameters": given}}


def _where(group: str, name: str = "d") -> str:
    return f"{group}/providers/Microsoft.Resources/deployments/{name}"


def test_a_template_is_deployed(shared_sim: Simulator, group: str) -> None:
    for status in (201, 200):
        reply = shared_sim.send("PUT", f"{_where(group)}?{ARM}", _wish())
        assert (reply.status, reply.body["properties"]["provisioningState"]) == (status, "Accepted")
        watched = reply.header("Azure-AsyncOperation")
        assert watched is not None
        assert shared_sim.send("GET", watched).body["status"] == "Succeeded"
    shown = shared_sim.send("GET", f"{_where(group)}?{ARM}").body
    told = shown["properties"]
    assert told["provisioningState"] == "Succeeded"
    assert told["outputs"]["id"]["value"].endswith("/virtualNetworks/net")
    assert told["outputs"]["net"]["value"]["addressSpace"]
    assert "never shown" not in str(shown)
    path = f"{group}/providers/Microsoft.Network/loadBalancers/net-lb?api-version={NETWORK}"
    assert shared_sim.send("GET", path).body["location"] == "japaneast"
    holder = _where(group).rpartition("/")[0]
    assert shared_sim.send("GET", f"{holder}?{ARM}").body["value"] == [shown]
    assert shared_sim.send("DELETE", f"{_where(group)}?{ARM}").status == 204
    assert shared_sim.send("GET", path).status == 200


def test_a_validation_leaves_nothing(shared_sim: Simulator, group: str) -> None:
    reply = shared_sim.send("POST", f"{_where(group)}/validate?{ARM}", _wish())
    assert reply.status == 200
    assert reply.body["properties"]["provisioningState"] == "Succeeded"
    assert shared_sim.send("GET", f"{group}/resources?{ARM}").body["value"] == []
    assert shared_sim.send("GET", f"{_where(group)}?{ARM}").status == 404


def test_what_was_written_before_a_failure_stays(shared_sim: Simulator, group: str) -> None:
    balancer, network = TEMPLATE["resources"]
    broken = _wish({**TEMPLATE, "resources": [network, {**balancer, "location": "mars"}]})
    checked = shared_sim.send("POST", f"{_where(group)}/validate?{ARM}", broken)
    assert (checked.status, checked.code) == (400, "InvalidTemplateDeployment")
    watched = shared_sim.send("PUT", f"{_where(group)}?{ARM}", broken)
    document = shared_sim.send("GET", watched.header("Azure-AsyncOperation") or "").body
    assert (document["status"], document["error"]["code"]) == ("Failed", "DeploymentFailed")
    (why,) = document["error"]["details"]
    assert why["code"] == "LocationNotAvailableForResourceType"
    shown = shared_sim.send("GET", f"{_where(group)}?{ARM}").body["properties"]
    assert (shown["provisioningState"], shown["error"]) == ("Failed", document["error"])
    (left,) = shared_sim.send("GET", f"{group}/resources?{ARM}").body["value"]
    assert left["name"] == "net"


LONG = {"long": "x" * 20_000}


def test_many_resources_that_need_each_other_are_ordered_at_once(
    shared_sim: Simulator, group: str
) -> None:
    plain = {
        "type": "Microsoft.Network/networkSecurityGroups",
        "apiVersion": "2024-05-01",
        "location": "[resourceGroup().location]",
    }
    many = [
        {**plain, "name": f"n{at}", "dependsOn": [f"n{other}" for other in range(at + 1, 400)]}
        for at in range(400)
    ]
    body = {"properties": {"mode": "Incremental", "template": {"resources": many}}}
    reply = shared_sim.send("PUT", f"{_where(group)}?{ARM}", body)
    assert reply.status == 201
    written = reply.body["properties"]["outputResources"]
    assert [each["id"].rpartition("/")[2] for each in written] == [
        f"n{at}" for at in reversed(range(400))
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"resources": [{"type": "No.Such/type", "name": "x", "apiVersion": "2020-01-01"}]},
        {"resources": [{**TEMPLATE["resources"][1], "copy": {"name": "c", "count": 2}}]},
        {"resources": "none"},
        {"resources": [7]},
        {"variables": {"inner": "[secret()]"}},
        {"parameters": {"more": {"type": "string"}}},
        {
            "resources": [
                {**TEMPLATE["resources"][0], "dependsOn": ["net"]},
                {**TEMPLATE["resources"][1], "dependsOn": ["net-lb"]},
            ]
        },
        {"outputs": {"x": {"type": "string", "value": "[reference('no')]"}}},
        {"variables": {"x": f"[{'9' * 5000}]"}},
        {"variables": {"x": f"[format('{'{0}' * 2000}', '{'x' * 500}')]"}},
        {"variables": {"x": f"[concat({','.join(['subscription()'] * 1500)})]"}},
        {"outputs": {"x": {"value": ["[variables('long')]"] * 500}}, "variables": LONG},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_template_that_is_not_understood_changes_nothing(
    shared_sim: Simulator, group: str, change: dict[str, Any]
) -> None:
    reply = shared_sim.send("PUT", f"{_where(group)}?{ARM}", _wish({**TEMPLATE, **change}))
    assert (reply.status, reply.code) == (400, "InvalidTemplate")
    assert shared_sim.send("GET", f"{group}/resources?{ARM}").body["value"] == []
    assert shared_sim.send("GET", f"{_where(group)}?{ARM}").status == 404


def test_a_deployment_takes_its_resources_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("slow")
    with running(folder, "--durations", "typical", "--speed", "5") as sim:
        group = f"{sim.subscription}/resourceGroups/g"
        sim.send("PUT", f"{group}?{ARM}", {"location": "japaneast"})
        started = sim.send("PUT", f"{_where(group)}?{ARM}", _wish())
        assert started.status == 201
        watched = started.header("Azure-AsyncOperation")
        assert watched is not None
        assert "/operationStatuses/" in watched
        assert sim.send("GET", watched).body["status"] == "InProgress"
        shown = sim.send("GET", f"{_where(group)}?{ARM}").body["properties"]
        assert shown["provisioningState"] == "Running"
        assert sim.send("PUT", f"{_where(group)}?{ARM}", _wish()).status == 409
