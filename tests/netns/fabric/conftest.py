"""One simulator with a data plane for all tests here; each test has a network of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.lab import Lab, Site, group, started
from tests.netns.world import why_not
from tests.prerequisites import require

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    why = why_not()
    require(not why, why or "root", "run as root, with iproute2 and nftables")
    with started(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def lab(site: Site, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A group of the test's own, with a network of two subnets; removed with all in it."""
    with group(site, request.node.name) as made:
        yield made
