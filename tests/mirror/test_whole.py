"""The guide's sample with a mirror disk, unchanged, on machines with kernels of their own."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from tests.netns.world import why_not
from tests.prerequisites import require

from hacluster_local import environment
from hacluster_local.controlplane import binaries
from hacluster_local.demo import failover, story
from hacluster_local.demo.screen import screen
from hacluster_local.setup import guest_kernel, machine_base
from hacluster_local.setup.checkout import DEPLOY
from hacluster_local.store import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hacluster_local.environment import Environment

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
SAMPLE = DEPLOY / "samples" / "internal-load-balancer.yaml"
READY_WITHIN_S = 900.0
TAKEN_OVER_WITHIN_S = 400.0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Environment]:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    why = why_not() or machine_base.why_not()
    require(not why, why or "root", "run as root on Debian")
    require(not guest_kernel.why_not(), "QEMU", "`make setup PARTS=guest-kernel` installs it")
    try:
        yield environment.up(tmp_path, with_machines=True, emulated=True)
    finally:
        environment.down(tmp_path)


def test_the_sample_with_a_mirror_keeps_its_data_through_a_power_loss(
    running: Environment,
) -> None:
    with screen() as shown:
        cast = story.prepare(running, shown, SAMPLE)
        story.apply(cast, SAMPLE.name)
        story.watch(cast, "Ready to be True", failover.is_ready, READY_WITHIN_S)

    def on(node: str, line: str) -> str:
        words = [str(running.home / "on"), node, "sh", "-c", line]
        return subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()

    nodes = ("node-1", "node-2")
    (first,) = [node for node in nodes if on(node, ROLE).startswith("Primary/")]
    (second,) = [node for node in nodes if node != first]
    _until(lambda: on(first, "drbdadm dstate all") == "UpToDate/UpToDate", READY_WITHIN_S)
    assert on(first, ROLE) == "Primary/Secondary"
    assert on(first, "echo kept >/srv/data/file && sync /srv/data/file && echo done") == "done"
    subprocess.run([str(running.home / "sim"), "machine", "kill", first], check=True)
    _until(lambda: on(second, ROLE).startswith("Primary/"), TAKEN_OVER_WITHIN_S)
    _until(lambda: on(second, "cat /srv/data/file") == "kept", TAKEN_OVER_WITHIN_S)


ROLE = "drbdadm role all"


def _until(is_so: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, f"not within {within_s:.0f} s"
        time.sleep(1)
