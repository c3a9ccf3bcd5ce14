"""One world for all tests of this level; each test has a cluster, and so a witness, of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.netns.world import World, why_not, world

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world, or a skip with the reason where none can be made; in CI that is a failure."""
    why = why_not()
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    with world(1, tmp_path_factory.mktemp("world")) as made:
        yield made
