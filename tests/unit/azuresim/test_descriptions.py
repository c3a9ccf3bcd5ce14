from pathlib import Path

import pytest

from azuresim.coverage import coverage
from azuresim.resources.contract import Reply, ResourceType
from azuresim.resources.durations import TYPICAL
from azuresim.resources.registry import TYPES

DOCUMENT = Path(__file__).parents[3] / "docs" / "azuresim-coverage.md"


def test_the_coverage_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == coverage(), "run: python -m azuresim coverage"


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.short)
def test_a_type_names_times_that_exist_and_versions_in_order(kind: ResourceType) -> None:
    replies = [value for value in vars(kind).values() if isinstance(value, Reply)]
    named = {kind.duration, *(reply.duration for reply in replies if reply.duration)}
    assert named <= set(TYPICAL)
    assert list(kind.versions) == sorted(kind.versions)


def test_no_type_is_described_twice() -> None:
    names = [kind.folded for kind in TYPES]
    assert len(names) == len(set(names))


def test_disks_take_the_version_that_ansible_deletes_them_with() -> None:
    """`azure_rm_virtualmachine` of azure.azcollection 3.12 has it written into its code."""
    (disks,) = [kind for kind in TYPES if kind.folded == "microsoft.compute/disks"]
    assert "2017-03-30" in disks.versions
