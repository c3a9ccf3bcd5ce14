"""Every recorded exchange, in order, against a fresh simulator.

The recordings are not part of the repository: HACLUSTER_ARM_RECORDINGS names their
folder, else it is looked for beside the checkout.
"""

import json
import os
import re
from pathlib import Path

import pytest
from tests.sim.contract.replay import Replay
from tests.sim.simulator import Simulator

from azuresim.resources.registry import TYPES

pytestmark = pytest.mark.sim

BESIDE = Path(__file__).parents[4] / "shared" / "arm-recordings"
FOLDER = Path(os.environ.get("HACLUSTER_ARM_RECORDINGS", BESIDE))
FILES = sorted(FOLDER.glob("*.json"))
KIND = re.compile(r"/providers/([^/]+/[^/?]+)")
OPERATIONS = re.compile(r"/locations$|operation", re.IGNORECASE)

WAITING: set[str] = set()
"""Types that are recorded and not simulated yet."""


def _kinds(text: str) -> set[str]:
    return {kind for kind in KIND.findall(text) if not OPERATIONS.search(kind)}


@pytest.mark.skipif(not FILES, reason=f"no recordings in {FOLDER}")
def test_there_are_recordings() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recording_replays(file: Path, sim: Simulator) -> None:
    exchanges = json.loads(file.read_text())
    waiting = WAITING & set().union(*(_kinds(each["url"]) for each in exchanges))
    if waiting:
        pytest.skip(f"not simulated yet: {', '.join(sorted(waiting))}")
    assert list(Replay(sim).differences(exchanges)) == []


def test_nothing_waits_that_is_there() -> None:
    assert not WAITING & {kind.kind for kind in TYPES}
