"""Security groups, packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.netns.fabric.lab import ask, call, echo, who

if TYPE_CHECKING:
    from tests.netns.fabric.lab import Lab


def test_machines_and_the_client_of_a_network_reach_each_other(lab: Lab) -> None:
    one, two = lab.serving("one", "10.0.0.10"), lab.serving("two", "10.0.0.11")
    assert ask(lab.client, "10.0.0.10") == ("one", "10.0.0.5", "10.0.0.10")
    assert ask(one, "10.0.0.11") == ("two", "10.0.0.10", "10.0.0.11")
    assert who(two, "10.0.0.10") == "one"
    assert who(lab.client, "10.0.0.12") == ""
