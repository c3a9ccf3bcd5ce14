"""The boot id: systemd's word first, in one spelling, and nothing guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hacluster_node.errors import Broken
from hacluster_node.install.units import AGENT
from hacluster_node.runtime.boot import VARIABLE, boot_id

if TYPE_CHECKING:
    from pathlib import Path

OWN = "1a9e31a9-0b41-4975-a6bc-2d0b2d688f60"
HOST = "91304ae4-d2c9-41cf-b825-925a9d58e10a"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "boot_id"
    path.write_text(f"{HOST}\n")
    return path


def test_what_systemd_says_counts_where_the_kernels_file_is_the_hosts(kernel: Path) -> None:
    assert boot_id({VARIABLE: OWN.replace("-", "")}, kernel) == OWN


def test_without_systemd_the_kernel_is_asked(kernel: Path) -> None:
    assert boot_id({}, kernel) == HOST


def test_what_is_no_boot_id_is_never_replaced_by_the_hosts(kernel: Path) -> None:
    with pytest.raises(Broken, match="is no boot id"):
        boot_id({VARIABLE: "%b"}, kernel)


def test_the_agents_unit_tells_it() -> None:
    assert f"\nEnvironment={VARIABLE}=%b\n" in AGENT
