"""One environment for each file of plays."""

from collections.abc import Iterator

import pytest
from tests.netns.acceptance import stage

from hacluster_local.environment import Environment


@pytest.fixture(scope="module")
def environment(
    real_machines: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    with stage.up(tmp_path_factory.mktemp("acceptance") / "home") as made:
        yield made
