"""One simulator with two real machines for all tests here, which leave them running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.netns.machines.site import Site, simulator
from tests.netns.world import why_not
from tests.prerequisites import require

from hacluster_local.setup import machine_base

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    why = why_not() or machine_base.why_not()
    require(not why, why or "root", "run as root, with systemd-container and debootstrap")
    base = machine_base.find()
    require(base, "the machines' Debian", "`make setup` makes it")
    assert base is not None
    made = Site(simulator(tmp_path_factory.mktemp("machines") / "sim", base))
    made.sim.start()
    made.connect()
    try:
        made.build()
        yield made
    finally:
        made.close()
        made.sim.stop()
        made.say("clean")
