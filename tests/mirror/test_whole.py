"""The guide's sample with its mirror disk, on the real API server and machines with kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from tests.mirror.whole import Whole, sample
from tests.netns.world import why_not
from tests.prerequisites import require

from hacluster_local import environment
from hacluster_local.controlplane import binaries
from hacluster_local.setup import guest_kernel, machine_base
from hacluster_local.setup.checkout import DEPLOY
from hacluster_local.store import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000), pytest.mark.xdist_group("netns")]
SAMPLE: Final = DEPLOY / "samples" / "internal-load-balancer.yaml"
READY_WITHIN_S: Final = 1200.0
TAKEN_OVER_WITHIN_S: Final = 600.0
BACK_WITHIN_S: Final = 900.0
FROZEN_S: Final = 30


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    why = why_not() or machine_base.why_not()
    require(not why, why or "root", "run as root on Debian")
    require(not guest_kernel.why_not(), "QEMU", "`make setup PARTS=guest-kernel` installs it")
    home = tmp_path / "h"
    try:
        up = environment.up(home, with_machines=True, emulated=True)
        made = Whole(environment=up, sample=sample(SAMPLE, up.azure.subscription_id))
        try:
            yield made
        finally:
            made.keep()
    finally:
        environment.down(home)


def test_the_sample_keeps_what_it_acknowledged(whole: Whole) -> None:
    """Through a power loss of the active node, its return, and a freeze of the new active one."""
    whole.apply()
    whole.until("Azure is as declared", lambda: whole.says("AzureReconciled") == "True", 600)
    whole.until("it is ready", lambda: whole.says("Ready") == "True", READY_WITHIN_S)
    first = whole.active()
    (second,) = set(whole.nodes) - {first}
    whole.until("the mirror is in step", lambda: whole.is_in_step(first), READY_WITHIN_S)
    _write(whole, first, "one")

    whole.simulator("kill", first)
    whole.tell(f"{first} has lost its power")
    takes_over = lambda: whole.served("one") == "one"  # noqa: E731
    whole.until(f"{second} serves what was written", takes_over, TAKEN_OVER_WITHIN_S)
    whole.until("the object names it", lambda: whole.active() == second, TAKEN_OVER_WITHIN_S)
    _write(whole, second, "two")

    whole.start(first)
    whole.until("both halves are in step", lambda: whole.is_in_step(second), BACK_WITHIN_S)
    whole.until("all is well again", lambda: whole.says("Degraded") == "False", BACK_WITHIN_S)
    assert whole.says("Ready") == "True"

    _freeze(whole, second)


def _freeze(whole: Whole, active: str) -> None:
    """The active node stands still, its clocks too, for a shorter time than the timeout."""
    whole.simulator("freeze", active, str(FROZEN_S))
    whole.tell(f"{active} stands still for {FROZEN_S} s")
    whole.until("it serves", lambda: whole.served("two") == "two", TAKEN_OVER_WITHIN_S)
    whole.until("both halves are in step", lambda: whole.is_in_step(active), BACK_WITHIN_S)
    assert whole.active() == active
    _write(whole, active, "three")


def _write(whole: Whole, node: str, word: str) -> None:
    """Write a file on the mount, and see that clients get it."""
    whole.must(
        node, f"findmnt -n -o SOURCE /srv/data | grep -q drbd && echo {word} >/srv/data/{word}"
    )
    whole.must(node, f"sync /srv/data/{word}")
    whole.until(f"clients get {word}", lambda: whole.served(word) == word, TAKEN_OVER_WITHIN_S)
