"""The mirror's promise on real DRBD, in short: one story that `make test` tells every time."""

from __future__ import annotations

import pytest
from tests.mirror.world import Pair, until

from hacluster_node.errors import Refused


@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_when_the_active_node_dies(new: Pair) -> None:
    first, second = new.nodes
    until(lambda: "both halves are new" in first.check(), "the halves have met")

    first.activate(1)
    first.write("a", "written on the first")
    new.until_in_step()
    assert (first.check(), second.check()) == ("", "")

    with pytest.raises(Refused, match=r"HAN-D01.*still Primary"):
        second.activate(2)

    first.deactivate()
    second.activate(2)
    assert second.read("a") == "written on the first"
    second.write("b", "written on the second")

    second.guest.kill()
    first.activate(3)
    assert (first.read("a"), first.read("b")) == ("written on the first", "written on the second")
    first.write("c", "written alone")
    assert first.check().startswith("HAN-D01 peer is not connected")

    second.reboot()
    until(lambda: first.check() == "", "the note is cleared")
    first.deactivate()
    second.activate(4)
    assert second.read("c") == "written alone"
