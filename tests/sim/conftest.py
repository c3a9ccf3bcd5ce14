from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sim.simulator import Simulator, running


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    """A fresh simulator where everything is over at once."""
    with running(tmp_path / "sim") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared_sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One simulator for a module's tests, for those that keep to groups of their own."""
    with running(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator
