"""A pair of guests with a mirror that is in step and active on the first node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.mirror.pieces import Pieces, pieces, why_not
from tests.mirror.world import Pair, running
from tests.prerequisites import require

from hacluster_local.setup.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def guest_pieces() -> Pieces:
    """What guests are made of, or a skip with the reason where it cannot be had."""
    lacking = why_not()
    require(not lacking, lacking, "real DRBD runs in guests on Debian, x86-64")
    try:
        return pieces()
    except SetupError as failure:
        require(None, "User-mode Linux", str(failure))
        raise


@pytest.fixture
def new(guest_pieces: Pieces, tmp_path: Path) -> Iterator[Pair]:
    """Two nodes that are up and whose mirror never held data."""
    with running(guest_pieces, tmp_path) as pair:
        yield pair


@pytest.fixture
def pair(new: Pair) -> Pair:
    """Two nodes in step; the first one is active."""
    new.nodes[0].activate(1)
    new.until_in_step()
    return new
