"""Bad configurations are refused, each with the place and what to write instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.configurations import GOOD, changed

from hacluster_node.cli import programs
from hacluster_node.core.config import Mode, When
from hacluster_node.settings.document import parse, wire_name
from hacluster_node.settings.reader import ConfigInvalid
from hacluster_node.settings.stored import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def faults(content: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(content, "node-1")
    return caught.value.faults


def test_the_good_one_is_read_whole() -> None:
    settings = parse(GOOD, "node-1", 7)
    agent = settings.agent
    assert agent.version == "7"
    assert [item.name for item in agent.group("failover1").resources] == [
        "md", "app", "azuredns1", "azurepp1",
    ]  # fmt: skip
    assert agent.monitors[0].watches == "azurepp1"
    assert agent.monitors[0].when is When.ACTIVE
    assert agent.monitors[3].members == ("genw1", "ipw1")
    assert agent.partition.mode is Mode.WITNESS
    assert settings.service_ports == {"failover1": (80,)}


@pytest.mark.parametrize(
    ("path", "value", "where", "instead"),
    [
        pytest.param("cluster", None, "cluster", "write a text", id="missing"),
        pytest.param("cluster", 7, "cluster", "write a text", id="wrong type"),
        pytest.param("cluster", "a b", "cluster", "letters, digits", id="not a name"),
        pytest.param("clutser", 1, "clutser", "did you mean 'cluster'", id="misspelt"),
        pytest.param("nodes", "x", "nodes", "list of objects", id="not a list"),
        pytest.param("nodes.1", 5, "nodes[1]", "write an object", id="not an object"),
        pytest.param("nodes.1.address", "there", "nodes[node-2].address", "IP", id="address"),
        pytest.param("nodes.1.name", "node-1", "node names", "rename", id="name twice"),
        pytest.param("nodes.0.name", "node-9", "this node", "node-2, node-9", id="not a member"),
        pytest.param("nodes", [GOOD["nodes"][0]], "two nodes", "every node", id="one node"),
        pytest.param("groups", [], "groups", "at least 1", id="no group"),
        pytest.param("groups.0.startup", "Now", "startup", "Automatic, Manual", id="word"),
        pytest.param("groups.0.nodeOrder", ["n9"], "failover1", "node-1, node-2", id="order"),
        pytest.param("groups.0.servicePorts", [0], "servicePorts", "1 to 65535", id="port 0"),
        pytest.param("groups.0.servicePorts", [26001], "servicePorts", "leave it out", id="probe"),
        pytest.param(
            "groups.0.resources.1.type", "Scirpt", "type", "did you mean 'Script'", id="kind"
        ),
        pytest.param(
            "groups.0.resources.1.script", {"start": ["run"]}, "start", "whole path", id="path"
        ),
        pytest.param(
            "groups.0.resources.1.script", {"stop": ["/x"]}, "start", "list of texts", id="start"
        ),
        pytest.param(
            "groups.0.resources.1.dependsOn",
            ["nothing"],
            "dependency",
            "write one of",
            id="unknown need",
        ),
        pytest.param(
            "groups.0.resources.0.dependsOn",
            ["azurepp1"],
            "waits for itself",
            "remove one",
            id="cycle",
        ),
        pytest.param(
            "groups.0.resources.1.dependsOn", ["app"], "waits for itself", "remove one", id="itself"
        ),
        pytest.param("groups.0.resources.3.name", "app", "resource names", "rename", id="twice"),
        pytest.param("groups.0.resources.2.azureDNS.zoneId", "zone", "zoneId", "ARM id", id="zone"),
        pytest.param("monitors.0.intervalSeconds", "1", "intervalSeconds", "number", id="text"),
        pytest.param("monitors.0.intervalSeconds", 0, "intervalSeconds", "0.1", id="zero"),
        pytest.param("monitors.0.retries", 1.5, "retries", "whole number", id="fraction"),
        pytest.param("monitors.0.retries", True, "retries", "whole number", id="true"),
        pytest.param(
            "monitors.0.probePort.resource", "app", "azureppw1", "azurepp1", id="kind of watched"
        ),
        pytest.param("monitors.0.recovery.target", "nobody", "target", "write one of", id="target"),
        pytest.param("monitors.1.timing", "Active", "watches", "write one of", id="watches"),
        pytest.param("monitors.2.ping.addresses", ["x"], "addresses", "IP address", id="ping"),
        pytest.param("monitors.2.nodes", ["n9"], "ipw1", "node-1", id="monitor's node"),
        pytest.param("monitors.3.multiTarget.monitors", ["genw9"], "mtw1", "genw1", id="member"),
        pytest.param(
            "monitors.3.multiTarget.monitors", ["mtw1"], "mtw1", "write one of", id="nested"
        ),
        pytest.param("partition.profile", "Quick", "profile", "Fastest", id="profile"),
        pytest.param("partition.timings", {"renewSeconds": 9}, "timings", "Custom", id="numbers"),
        pytest.param("partition.mode", "guide", "mode", "did you mean 'Guide'", id="mode"),
        pytest.param("heartbeat.timeoutSeconds", 1, "heartbeat timeout", "longer", id="timeout"),
        pytest.param("heartbeat.rollout", "no", "rollout", "enforce", id="rollout"),
    ],
)
def test_each_fault_names_its_place_and_what_to_write(
    path: str, value: Any, where: str, instead: str
) -> None:
    found = faults(changed(path, value))
    assert any(where in fault and instead in fault for fault in found), found


@pytest.mark.parametrize("content", [None, [], "x", 7])
def test_what_is_no_object_is_refused(content: Any) -> None:
    assert "write an object" in faults(content)[0]


def test_all_faults_are_told_at_once() -> None:
    content = changed("cluster", 7)
    content["groups"][0]["startup"] = "Now"
    content["monitors"][0]["retries"] = -1
    assert len(faults(content)) == 3


def test_the_guides_mode_needs_a_heartbeat_timeout_of_a_plus_b_plus_c() -> None:
    content = changed("partition", {"mode": "Guide"})
    content["monitors"][1]["intervalSeconds"] = 30
    content["monitors"][1]["retries"] = 1
    content["monitors"][2]["intervalSeconds"] = 30
    content["monitors"][3]["intervalSeconds"] = 60
    content["monitors"][3]["retries"] = 1
    content["heartbeat"]["timeoutSeconds"] = 209
    assert any("A + B + C" in f and "60 + 120 + 30" in f for f in faults(content))
    content["heartbeat"]["timeoutSeconds"] = 210
    assert parse(content, "node-1").agent.partition.mode is Mode.GUIDE


def test_the_witness_may_be_a_kubernetes_lease() -> None:
    witness = {"type": "KubernetesLease", "server": "https://k", "namespace": "d", "name": "c"}
    settings = parse(changed("partition.witness", witness), "node-1")
    assert settings.witness["namespace"] == "d"
    del witness["server"]
    assert parse(changed("partition.witness", witness), "node-1").witness["server"] == ""
    del witness["name"]
    assert "name" in faults(changed("partition.witness", witness))[0]


def test_numbers_of_the_protocol_are_written_in_words() -> None:
    assert wire_name("renew_s") == "renewSeconds"
    assert wire_name("retries") == "retries"
    assert wire_name("rate_error") == "rateError"


def test_check_config_tells_faults_and_missing_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(GOOD))
    assert programs.main(["check-config", str(path)]) == 0
    path.write_text(json.dumps(changed("monitors.1.custom.script", ["/no/such/script"])))
    assert programs.main(["check-config", str(path)]) == 1
    assert "HAN-C05 monitors[genw1].script: /no/such/script" in capsys.readouterr().err
    path.write_text("{")
    assert programs.main(["check-config", str(path)]) == 1
    assert "HAN-C01" in capsys.readouterr().err
    assert programs.main(["check-config", str(tmp_path / "none")]) == 1
    assert programs.main(["check-config"]) == 2


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomically(path, b"old")
    path.with_name("state.new").mkdir()
    with pytest.raises(Exception, match="HAN-S01"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


BROKEN: dict[str, dict[str, float]] = {
    "rule 8: k >= 3": {"retries": 2},
    "rule 8: R + k (T + backoff) <= D - S - J": {"renewSeconds": 3, "watchdogSeconds": 12},
    "rule 4: R + T < W": {"watchdogSeconds": 4},
    "rule 4: W <= D - T - J": {"watchdogSeconds": 13},
    "rule 5: C >= D (1 + rho) / (1 - rho)": {"waitSeconds": 15},
    "rule 6: G >= F (1 + rho)": {"guardSeconds": 30},
    "A <= D": {"pollSeconds": 16},
    "failsafe: R + T <= P / M - S - J": {"promiseSeconds": 9},
    "0 <= rho < 0.1": {"rateError": 0.1},
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_inequality_broken_alone_is_refused_by_its_name(name: str) -> None:
    content = changed("partition", {"profile": "Custom", "timings": BROKEN[name]})
    found = faults(content)
    assert any(name in fault for fault in found), found
    assert all("write" in fault or "poll" in fault for fault in found)
