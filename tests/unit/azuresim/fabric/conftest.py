from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.azuresim.fabric.stored import Stored


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    """An empty store with one resource group."""
    made = Stored(tmp_path / "sim")
    yield made
    made.database.close()
