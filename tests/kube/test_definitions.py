"""The custom resources as their users meet them: defaults, explanations, columns, waiting."""

import json

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.manifests import table


def applied(server: ApiServer, namespace: str, name: str = "minimal") -> str:
    """Apply a good manifest in a namespace, and return the object's name."""
    manifest = table.good()[name]
    manifest["metadata"]["namespace"] = namespace
    assert server.apply(json.dumps(manifest)) == (True, "")
    return str(manifest["metadata"]["name"])


def put_status(server: ApiServer, namespace: str, name: str, status: object) -> None:
    patch = json.dumps({"status": status})
    server.kubectl.run(
        "patch", "hac", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch
    )


CONDITIONS = [
    {
        "type": kind,
        "status": "True",
        "reason": "AsDeclared",
        "message": "all is well",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    for kind in ("Ready", "SplitBrainSafe")
]


def test_defaults_are_written_into_the_object(api_server: ApiServer, namespace: str) -> None:
    name = applied(api_server, namespace)
    spec = api_server.kubectl.get("hac", name, "-n", namespace)["spec"]
    assert spec["management"] == {
        "mode": "Enforce",
        "paused": False,
        "adoption": "Never",
        "deletionPolicy": "RetainDisks",
        "replacement": "Never",
        "syncIntervalSeconds": 60,
    }
    assert spec["access"]["loadBalancer"]["probe"]["port"] == 26001
    assert spec["access"]["loadBalancer"]["probe"]["protocol"] == "HTTP"
    assert spec["access"]["loadBalancer"]["rules"][0]["idleTimeoutMinutes"] == 4
    assert spec["cluster"]["partition"]["mode"] == "Witness"
    assert spec["cluster"]["partition"]["witness"] == "AzureBlob"
    assert spec["nodes"][0]["dataDisks"] == []


@pytest.mark.parametrize("short", ["haclusters", "hacluster", "hac", "azure"])
def test_every_short_name_finds_it(short: str, api_server: ApiServer, namespace: str) -> None:
    name = applied(api_server, namespace)
    found = api_server.kubectl.run("get", short, "-n", namespace, "-o", "name")
    assert found.strip() == f"haclusterspec.hacluster.dev/{name}"


def test_kubectl_explains_each_field(api_server: ApiServer) -> None:
    told = api_server.kubectl.run("explain", "hac.spec.cluster.partition.timings.guardSeconds")
    assert "how long a new active node waits" in " ".join(told.split())
    assert "Move" in api_server.kubectl.run("explain", "hacop.spec.type")


def test_kubectl_waits_for_a_condition(api_server: ApiServer, namespace: str) -> None:
    name = applied(api_server, namespace)
    waiting = ("wait", f"hacluster/{name}", "-n", namespace, "--for=condition=Ready")
    assert api_server.kubectl.attempt(*waiting, "--timeout=0").returncode != 0
    put_status(api_server, namespace, name, {"conditions": CONDITIONS})
    assert "condition met" in api_server.kubectl.run(*waiting, "--timeout=5s")


def test_the_columns_show_what_matters(api_server: ApiServer, namespace: str) -> None:
    name = applied(api_server, namespace)
    status = {
        "conditions": CONDITIONS,
        "activeNode": "web-1",
        "summary": {"access": "10.6.0.100", "nodes": "2/2", "drift": 3, "plan": 0},
        "failovers": [{"at": "2026-01-01T00:00:00Z", "to": "web-1", "why": "web-2 went away"}],
    }
    put_status(api_server, namespace, name, status)
    head, row = api_server.kubectl.run("get", "hac", name, "-n", namespace).splitlines()
    assert head.split() == ["NAME", "READY", "ACTIVE", "ACCESS", "NODES", "REASON", "AGE"]
    assert row.split()[:-1] == ["web", "True", "web-1", "10.6.0.100", "2/2", "AsDeclared"]
    wide = api_server.kubectl.run("get", "hac", name, "-n", namespace, "-o", "wide").splitlines()
    assert wide[0].split()[7:] == ["SAFE", "DRIFT", "LAST", "FAILOVER"]
    assert wide[1].split()[7:9] == ["True", "3"]


def test_the_status_keeps_to_its_schema(api_server: ApiServer, namespace: str) -> None:
    name = applied(api_server, namespace)
    wrong = json.dumps({"status": {"conditions": [{**CONDITIONS[0], "status": "Perhaps"}]}})
    done = api_server.kubectl.attempt(
        "patch", "hac", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", wrong
    )
    assert 'supported values: "True", "False", "Unknown"' in done.stderr


def test_a_spec_that_breaks_no_rule_can_change(api_server: ApiServer, namespace: str) -> None:
    applied(api_server, namespace)
    manifest = table.good()["minimal"]
    manifest["metadata"]["namespace"] = namespace
    table.put(manifest["spec"], ["nodes", "0", "size"], "Standard_B4s")
    table.put(manifest["spec"], ["management"], {"paused": True, "replacement": "OneAtATime"})
    assert api_server.apply(json.dumps(manifest)) == (True, "")
    table.put(manifest["spec"], ["placement"], {"type": "AvailabilitySet"})
    for index in ("0", "1"):
        table.put(manifest["spec"], ["nodes", index, "zone"], table.ABSENT)
    assert api_server.apply(json.dumps(manifest)) == (True, "")


def test_an_operation_never_changes(api_server: ApiServer, namespace: str) -> None:
    operation = {
        "apiVersion": "hacluster.dev/v1alpha1",
        "kind": "HAClusterOperation",
        "metadata": {"name": "move-web", "namespace": namespace},
        "spec": {"cluster": "web", "type": "Move", "group": "web"},
    }
    assert api_server.apply(json.dumps(operation)) == (True, "")
    spec = {"cluster": "web", "type": "Stop", "group": "web"}
    ok, message = api_server.apply(json.dumps({**operation, "spec": spec}))
    assert not ok
    assert "an operation cannot change: make a new object" in message
