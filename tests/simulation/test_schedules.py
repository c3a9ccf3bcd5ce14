"""The real state machine under seeded schedules: no invariant may break."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.simulation import batch, faults, mutants, record

if TYPE_CHECKING:
    from pathlib import Path

SCHEDULES = int(os.environ.get("HACLUSTER_SCHEDULES", "10000"))
"""How many a test run makes; ``python -m tests.simulation`` makes as many as wanted."""
PIECES = 8
WINDOW = 40
"""How far from its recorded seed a mutant must be caught; a rule moved a little moves the seed."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("piece", range(PIECES))
def test_no_invariant_breaks(piece: int) -> None:
    share = -(-SCHEDULES // PIECES)
    result = batch.chunk((piece * share, (piece + 1) * share))
    assert result.broken == []
    assert result.acquisitions > 0


def test_every_class_and_every_pair_is_covered_by_consecutive_seeds() -> None:
    classes = len(faults.CLASSES)
    assert len(faults.COMBINATIONS) == classes + classes * (classes - 1) // 2
    assert faults.schedule(0).classes == faults.COMBINATIONS[0]


@pytest.mark.parametrize("seed", [3, 77, 254])
def test_a_seed_replays_exactly(seed: int) -> None:
    first: list[str] = []
    second: list[str] = []
    faults.run(seed, log=first)
    faults.run(seed, log=second)
    assert first == second
    assert len(first) > 100


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_every_broken_rule_is_noticed(mutant: mutants.Mutant) -> None:
    assert mutant.first < 10_000
    seed, text = mutants.catch(mutant, mutant.first, WINDOW)
    assert seed is not None, f"{text}; find its seed with: python -m tests.simulation --mutants"


def test_a_record_counts_each_range_of_the_present_sources_once(tmp_path: Path) -> None:
    file = tmp_path / "record"
    result = batch.chunk((0, 2))
    for first in (0, 2, 0):
        record.append(file, first, result)
    other = json.dumps({**record.done(file)[0], "first": 9, "sources": "others"})
    file.write_text(f"{file.read_text()}{other}\n")
    assert [each["first"] for each in record.done(file)] == [0, 2]
    assert record.total(record.done(file)).startswith("4 schedules recorded of sources")
