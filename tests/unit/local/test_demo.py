"""What the demo breaks, sees and tells."""

import io
import re
from typing import Any

import pytest
import yaml
from rich.console import Console
from rich.live import Live

from hacluster_local.arm import ArmError
from hacluster_local.demo import damage, story
from hacluster_local.demo.look import Judgement, Thing, View, drift_line
from hacluster_local.demo.screen import Lines, Picture, facts

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


def rule(name: str, **properties: Any) -> dict[str, Any]:
    usual = {"direction": "Inbound", "access": "Allow", "sourceAddressPrefix": "10.0.0.0/8"}
    return {"name": name, "properties": usual | properties}


def security_group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"name": "nsg", "properties": {"securityRules": list(rules)}}


BALANCER: dict[str, Any] = {
    "name": "lb",
    "properties": {
        "probes": [{"name": "p", "id": "/p"}],
        "loadBalancingRules": [{"name": "r", "properties": {"probe": {"id": "/p"}, "port": 80}}],
        "backendAddressPools": [{"name": "pool"}],
    },
}


def test_the_probe_goes_and_the_rest_stays() -> None:
    left = damage.without_probes(BALANCER)["properties"]
    assert left["probes"] == []
    assert left["loadBalancingRules"] == [{"name": "r", "properties": {"port": 80}}]
    assert left["backendAddressPools"] == [{"name": "pool"}]
    assert BALANCER["properties"]["probes"], "what was read is not touched"


@pytest.mark.parametrize(
    "skipped",
    [
        pytest.param(rule("a", direction="Outbound"), id="outbound"),
        pytest.param(rule("a", access="Deny"), id="deny"),
        pytest.param(rule("a", sourceAddressPrefix="*"), id="open already"),
    ],
)
def test_the_rule_that_is_opened_is_one_that_lets_some_in(skipped: dict[str, Any]) -> None:
    assert damage.first_inbound(security_group(skipped, rule("b"))) == "b"
    with pytest.raises(ArmError, match="no inbound rule"):
        damage.first_inbound(security_group(skipped))


def test_only_the_named_rule_is_opened() -> None:
    before = security_group(rule("a"), rule("b", sourceAddressPrefixes=["10.1.0.0/16"]))
    first, second = damage.opened(before, "b")["properties"]["securityRules"]
    assert first == rule("a")
    assert second["properties"]["sourceAddressPrefix"] == "*"
    assert second["properties"]["sourceAddressPrefixes"] == []


def test_the_sample_is_the_shipped_one_in_this_subscription() -> None:
    shipped = yaml.safe_load(story.SAMPLE.read_text())
    adapted = story.adapted(story.SAMPLE, SUBSCRIPTION)
    assert adapted["spec"]["azure"]["subscriptionId"] == SUBSCRIPTION
    assert adapted["spec"].pop("management") == {"deletionPolicy": "Delete"}
    adapted["spec"]["azure"]["subscriptionId"] = shipped["spec"]["azure"]["subscriptionId"]
    assert adapted == shipped


def test_the_secret_is_the_one_the_sample_asks_for_and_new_each_time() -> None:
    sample = yaml.safe_load(story.SAMPLE.read_text())
    (one,), (other,) = story.admin_secrets(sample), story.admin_secrets(sample)
    assert one["metadata"] == {"name": "cluster1-admin", "namespace": "default"}
    assert one["stringData"].keys() == {"password"}
    assert one["stringData"] != other["stringData"]


def view(**parts: Any) -> View:
    return View(exists=True, **parts)


UPDATING = Thing(kind="loadBalancers", name="lb", state="Updating")
DONE = Thing(kind="loadBalancers", name="lb", state="Succeeded")
READY = Judgement(type="Ready", status="False", reason="Progressing", message="2 left")


def test_a_condition_nobody_has_set_is_unknown() -> None:
    assert view(judgements=(READY,)).says("Ready") == "False"
    assert view().says("Ready") == "Unknown"


def test_lines_tell_what_changed_and_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    lines = Lines()
    for shown in (view(things=(UPDATING,)), view(things=(UPDATING,)), view(things=(DONE,)), view()):
        lines.show(shown)
    told = [re.sub(r"^ *\d+\.\d s  ", "", line) for line in out.getvalue().splitlines()]
    assert told == [
        "loadBalancers lb: Updating",
        "loadBalancers lb: Succeeded",
        "loadBalancers lb: gone",
    ]


def test_the_picture_has_conditions_resources_and_drift() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with Live(console=console, auto_refresh=False) as live:
        picture = Picture(live)
        picture.say("Somebody deletes the probe.")
        picture.show(view(things=(UPDATING,), judgements=(READY,), drift=("probe gone",)))
    text = out.getvalue()
    for word in ("Somebody deletes", "loadBalancers", "Updating", "Progressing", "drift: probe"):
        assert word in text


def test_all_that_is_seen_can_be_told() -> None:
    assert facts(view(things=(DONE,), judgements=(READY,), drift=("probe gone",))) == {
        "loadBalancers lb": "Succeeded",
        "condition Ready": "False (Progressing) 2 left",
        "drift probe gone": "seen",
    }


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param(
            {"path": "lb.probes", "why": "missing", "id": None}, "lb.probes  missing", id="map"
        ),
    ],
)
def test_an_entry_of_drift_is_one_line(entry: Any, line: str) -> None:
    assert drift_line(entry) == line


def test_an_error_tells_what_the_object_says() -> None:
    assert "Ready=False Progressing: 2 left" in story.conditions(view(judgements=(READY,)))
    assert "nothing yet" in story.conditions(view())
