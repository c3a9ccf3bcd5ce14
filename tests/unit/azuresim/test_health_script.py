"""The script over the model of probes: the newest fitting line wins, nonsense is refused."""

from typing import Any

import pytest

from azuresim.fabric.health import Probed, Script, Verdict, everything_up


def probed(address: str = "10.0.0.4", balancer: str = "lb", **more: Any) -> Probed:
    properties = {"probe": {"protocol": "Tcp"}, "configuration": "", "attached": True, **more}
    return Probed(balancer=balancer, rule="/r", address=address, **properties)


def test_the_model_finds_up_what_has_a_machine() -> None:
    assert everything_up(probed()) == Verdict("Up", "Up_Probe_Success")
    down = everything_up(probed(attached=False))
    assert down == Verdict("Down", "Down_Probe_TcpProbeTimeout")
    down = everything_up(probed(attached=False, probe={"protocol": "Https"}))
    assert down == Verdict("Down", "Down_Probe_HttpEndpointUnreachable")


def test_the_newest_fitting_line_wins() -> None:
    script = Script([], lambda _lines: None)
    script.set({"address": "*", "state": "down"})
    script.set({"address": "10.0.0.4", "state": "up", "balancer": "L*"})
    assert script(probed()).state == "Up"
    assert script(probed(balancer="other")).state == "Down"
    assert script(probed(address="10.0.0.5")).state == "Down"
    script.set({"address": "*", "state": "down"})
    assert script(probed()).state == "Down"
    assert script.clear("*") == 1
    assert script(probed()).state == "Up"


def test_every_change_is_kept() -> None:
    kept: list[list[dict[str, Any]]] = []
    script = Script([], kept.append)
    script.set({"address": "10.0.0.4", "state": "down"})
    again = Script(kept[-1], kept.append)
    assert again(probed()).state == "Down"
    again.clear()
    assert kept[-1] == []


@pytest.mark.parametrize(
    "wish",
    [
        {"address": "10.0.0.4"},
        {"state": "up"},
        {"address": "10.0.0.4", "state": "up", "reason": "Down_Platform"},
        {"address": "10.0.0.4", "state": "up", "colour": "green"},
    ],
    ids=["no state", "no address", "wrong reason", "unknown field"],
)
def test_a_line_that_makes_no_sense_is_refused(wish: dict[str, Any]) -> None:
    script = Script([], lambda _lines: None)
    with pytest.raises(ValueError, match=r"."):
        script.set(wish)
    assert script.list() == []
