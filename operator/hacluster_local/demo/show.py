"""The frame around the story: bring everything up, tell it, explain a failure, clean up."""

import os
from pathlib import Path
from typing import Final

from hacluster_local import environment
from hacluster_local.arm import ArmError
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_local.demo import failover, hands, story
from hacluster_local.demo.screen import screen
from hacluster_local.logs import what_matters
from hacluster_local.setup.progress import say

EXPLAINED: Final = (story.StoryError, hands.RefusedError, ArmError, KubectlError, OSError)
TELLING_PARTS: Final = ("operator", "azuresim")


def demo(home: Path, *, with_machines: bool = False) -> int:
    """Run the demo; return the exit code: 0 only if every promise was kept.

    With machines it is the longer story, of a client that survives a power loss.

    Raises:
        PartError: The environment did not come up.
        RefusedError: One is up already, or there can be no machines here.
    """
    running = environment.up(home, with_machines=with_machines)
    try:
        return _tell(running, with_machines=with_machines)
    finally:
        _leave(running)


def _tell(running: environment.Environment, *, with_machines: bool) -> int:
    try:
        with screen() as shown:
            if with_machines:
                failover.tell(failover.prepare(running, shown))
            else:
                story.tell(story.prepare(running, shown))
    except EXPLAINED as failure:
        say(f"\nThe demo failed. {failure}")
        for part in TELLING_PARTS:
            log = running.home / environment.LOGS / f"{part}.log"
            say(f"\nThe part of {log} that matters:\n{what_matters(log)}")
        return 1
    return 0


def _leave(running: environment.Environment) -> None:
    if os.environ.get("KEEP"):
        say(f"\nLeft running. Next: . {running.home}/env && kubectl get haclusters")
        say("End it with: make down")
        return
    environment.down(running.home)
    say("Everything is ended.")
