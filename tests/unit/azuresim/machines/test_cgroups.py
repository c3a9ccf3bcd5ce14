"""Groups of processes that others take away while they are looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from azuresim.machines.cgroups import Group

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_group_that_is_removed_while_it_is_read_has_no_processes_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tidies up after a machine may be faster than who takes its power."""
    folder, scandir = tmp_path / "freezer" / "one", os.scandir
    folder.mkdir(parents=True)

    def too_late(path: Any) -> Any:
        folder.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", too_late)
    assert Group("one", tmp_path).kill()
    assert not folder.exists()
