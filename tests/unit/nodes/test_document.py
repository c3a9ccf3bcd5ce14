"""The operator's configuration is one that the agent takes, whatever the cluster."""

from typing import Any

import pytest
from tests.unit.plan.clusters import SAMPLES, made_sample, nothing_there, sample

from hacluster.model.timings import PROFILES, Profile
from hacluster.plan.nodes import document
from hacluster.plan.nodes.groups import AddressUnknownError
from hacluster.plan.view import View
from hacluster_node import timing
from hacluster_node.core.config import Mode, When
from hacluster_node.settings.document import Settings, parse


def settings(view: View, contents: document.Contents | None = None) -> Settings:
    return parse(document.content(view, contents or {}), view.spec.nodes[0].name, 1)


def of(change: Any, name: str = "minimal") -> Settings:
    return settings(View.of(sample(name, change)))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_agent_takes_the_configuration_of_every_sample(name: str) -> None:
    view = made_sample(name).view()
    found = settings(view)
    spec = view.spec.cluster
    assert [group.name for group in found.agent.groups] == [g.name for g in spec.failover_groups]
    assert {m.name for m in found.agent.monitors} == {m.name for m in spec.effective_monitors}
    assert [str(node.address) for node in found.agent.nodes] == [
        node.private_ip_address for node in view.spec.nodes
    ]
    assert found.heartbeat_port == spec.heartbeat.port
    assert document.content(view, {}) == document.content(made_sample(name).view(), {})


def test_clients_ports_are_cut_with_the_group_and_the_probes_port_is_not() -> None:
    view = made_sample("internal-load-balancer").view()
    assert settings(view).service_ports == {"failover1": (8080,)}


def test_a_resource_rests_on_the_one_above_it() -> None:
    group = settings(made_sample("internal-load-balancer").view()).agent.groups[0]
    assert [one.depends_on for one in group.resources] == [(), ("md",), ("app",)]


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_and_its_numbers_written_out_mean_the_same(profile: Profile) -> None:
    def by_name(spec: dict[str, Any]) -> None:
        spec["cluster"]["partition"] = {"profile": str(profile)}

    def by_numbers(spec: dict[str, Any]) -> None:
        numbers = PROFILES[profile].model_dump(by_alias=True)
        spec["cluster"]["partition"] = {"profile": str(profile), "timings": numbers}

    named, written = of(by_name).agent.partition, of(by_numbers).agent.partition
    assert named.timings == timing.PROFILES[profile] == written.timings
    assert named.mode is Mode.WITNESS


def test_scripts_are_files_of_roots_named_by_their_content() -> None:
    def change(spec: dict[str, Any]) -> None:
        script = {"start": "#!/bin/sh\nexit 0", "stop": "#!/bin/sh\nexit 1\n"}
        spec["cluster"]["failoverGroups"][0]["resources"][0] = {
            "name": "app",
            "type": "Script",
            "script": script,
        }

    found = of(change)
    options = found.agent.groups[0].resources[0].options
    files = {file.path: file for file in found.software.files}
    for word, text in (("start", "#!/bin/sh\nexit 0\n"), ("stop", "#!/bin/sh\nexit 1\n")):
        file = files[options[word][0]]
        assert (file.content, file.mode, file.owner) == (text, 0o700, "root")
        assert file.path.startswith("/etc/hacluster/scripts/")


def test_the_balancers_monitor_watches_where_the_group_is_not() -> None:
    found = {one.name: one for one in of(lambda _: None).agent.monitors}
    assert (found["azurelbw1"].when, found["azurelbw1"].watches) == (When.INACTIVE, "probe")
    assert found["azureppw1"].when is When.ACTIVE


def test_files_come_from_config_maps_and_secrets() -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"]["nodeConfiguration"] = {
            "packages": ["nginx"],
            "files": [
                {"path": "/etc/one", "configMapKeyRef": {"name": "texts", "key": "one"}},
                {"path": "/etc/two", "secretKeyRef": {"name": "hidden", "key": "two"}},
            ],
            "commands": [{"run": "touch /x", "check": "test -e /x"}],
        }

    view = View.of(sample("minimal", change))
    asked = tuple(document.references(view.spec.cluster.node_configuration))
    assert asked == (("ConfigMap", "texts", "one"), ("Secret", "hidden", "two"))
    found = settings(view, dict(zip(asked, ("1", "hunter2"), strict=True))).software
    assert found.packages == ("nginx",)
    assert [(file.path, file.content) for file in found.files] == [
        ("/etc/one", "1"),
        ("/etc/two", "hunter2"),
    ]
    assert "hunter2" not in repr(found)


def test_every_kind_of_monitor_and_target_is_taken() -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"]["partition"] = {
            "targets": [
                {"name": "t1", "type": "Ping", "ping": {"addresses": ["10.0.0.1"]}},
                {"name": "t2", "type": "TCP", "tcp": {"host": "gate", "port": 443}},
                {"name": "t3", "type": "HTTP", "http": {"url": "http://gate/"}},
            ]
        }
        stage = {"script": "#!/bin/sh\n", "timeoutSeconds": 5}
        spec["cluster"]["monitors"] = [
            {"name": "m1", "type": "Custom", "custom": {"script": "#!/bin/sh\n"}},
            {
                "name": "m2",
                "type": "Custom",
                "custom": {"portCheck": {"host": "127.0.0.1", "port": 80}},
            },
            {"name": "m3", "type": "Ping", "ping": {"addresses": ["10.0.0.1"]}},
            {
                "name": "m4",
                "type": "HTTP",
                "http": {"url": "http://gate/", "expectedStatus": 200},
                "recovery": {"preFailover": stage, "target": "web"},
            },
            {"name": "m5", "type": "Process", "process": {"command": "/bin/app --on"}},
            {"name": "m6", "type": "MultiTarget", "multiTarget": {"monitors": ["m1", "m3"]}},
        ]

    found = of(change)
    options = {one.name: one.options for one in found.agent.monitors}
    assert options["m2"] == {"portCheck": {"host": "127.0.0.1", "port": 80}}
    assert options["m4"]["statuses"] == (200,)
    assert options["m5"] == {"command": "/bin/app --on", "count": 1}
    assert ("m4", "FailOver") in found.scripts
    assert [one.name for one in found.agent.partition.targets] == ["t1", "t2", "t3"]


def test_a_public_address_is_waited_for() -> None:
    def change(spec: dict[str, Any]) -> None:
        group = spec["cluster"]["failoverGroups"][0]
        group["resources"].append({"name": "lo", "type": "LoopbackAddress"})
        for rule in spec["access"]["loadBalancer"]["rules"]:
            rule |= {"floatingIP": True, "backendPort": rule["frontendPort"]}

    with pytest.raises(AddressUnknownError):
        document.content(nothing_there(sample("public-load-balancer", change)), {})
