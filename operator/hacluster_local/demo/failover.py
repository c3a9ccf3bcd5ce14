"""What the demo tells where machines are real: a client, a power loss, a planned move.

The client is curl in the virtual network; what it wrote down is what counts.
"""

import copy
import os
import time
from dataclasses import dataclass, replace
from typing import Any, Final

from hacluster_local.demo import answers, hands, story
from hacluster_local.demo.client import Client, start_client
from hacluster_local.demo.look import View
from hacluster_local.demo.screen import Screen
from hacluster_local.environment import Environment
from hacluster_local.setup.checkout import DEPLOY

SAMPLE: Final = DEPLOY / "samples" / "minimal.yaml"
READY_WITHIN_S: Final = 600.0
ANSWERS_WITHIN_S: Final = 120.0
TAKEN_OVER_WITHIN_S: Final = 240.0
BACK_WITHIN_S: Final = 400.0
PAGE: Final = "/srv/www/index.html"
MACHINES_VERSION: Final = "2024-07-01"
ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True)
class Show:
    """The cast, and the client."""

    cast: story.Cast
    client: Client

    def active(self) -> str:
        """Return the node that the object names as the active one."""
        path = "{.status.activeNode}"
        where = ("--namespace", self.cast.namespace, "-o", f"jsonpath={path}")
        return self.cast.environment.kubectl.run("get", story.KIND, self.cast.name, *where).strip()


def prepare(environment: Environment, screen: Screen) -> story.Cast:
    """Read the sample, let its page tell who answers, and get everybody into place."""
    cast = story.prepare(environment, screen, SAMPLE)
    return replace(cast, sample=adapted(cast.sample))


def adapted(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the sample so that its page tells which node answers, with a shorter lease."""
    told = copy.deepcopy(sample)
    cluster = told["spec"]["cluster"]
    cluster["partition"] = {"profile": "Fast"}
    configuration = cluster["nodeConfiguration"]
    (unit,) = configuration["files"]
    unit["content"] = unit["content"].replace("/usr/share", os.path.dirname(PAGE))  # noqa: PTH120
    page = f"mkdir -p {os.path.dirname(PAGE)} && uname -n > {PAGE}"  # noqa: PTH120
    configuration["commands"] = [{"run": page, "check": f"test -s {PAGE}"}]
    return told


def tell(cast: story.Cast) -> None:
    """Tell the whole story.

    Raises:
        StoryError: Something did not come out as promised.
    """
    story.apply(cast, SAMPLE.name)
    cast.screen.say("The machines boot; the operator brings the agent to them.")
    story.watch(cast, "Ready to be True", is_ready, READY_WITHIN_S)
    show = with_client(cast)
    story.open_firewall(cast)
    lose_power(show)
    move(show)
    if answers.two_at_once(show.client.log()):
        raise story.StoryError(f"Two nodes answered at once: {answers.turns(show.client.log())}")
    cast.screen.say("At no time did two nodes answer.")
    story.delete(cast)
    cast.screen.say(
        "That was all: one object in, a service that outlives its machines, nothing left."
    )


def with_client(cast: story.Cast) -> Show:
    """Let a client in the virtual network ask the service, and wait for its first answer."""
    address = cast.sample["spec"]["access"]["loadBalancer"]["frontend"]["privateIPAddress"]
    client = start_client(cast.environment.home, f"http://{address}/")
    show = Show(cast=cast, client=client)
    node = answered_by(show, None)
    cast.screen.say(f"A client asks http://{address}/ ten times a second: {node} answers.")
    return show


def is_ready(view: View) -> bool:
    """Tell whether the object says that it is ready."""
    return view.says("Ready") == "True"


def lose_power(show: Show) -> float:
    """Cut the active node's power, start it again; return the seconds lost for the client."""
    first = show.active()
    moment = time.time()
    hands.simulator(show.cast.environment, "machine", "kill", first)
    show.cast.screen.say(f"{first} loses its power.")
    gap = _taken_over(show, first, moment)
    _start(show.cast, first)
    show.cast.screen.say(f"Somebody starts {first} again.")
    wait_for_standby(show, first)
    return gap


def _taken_over(show: Show, first: str, moment: float) -> float:
    node = answered_by(show, first)
    gap = answers.gap_s(show.client.log(), moment)
    show.cast.screen.say(f"{node} answers. For the client {gap:.1f} s were lost.")
    return gap


def _start(cast: story.Cast, node: str) -> None:
    group = cast.sample["spec"]["azure"]["resourceGroup"]
    home = f"{cast.arm.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
    path = f"{home}/virtualMachines/{node}/start"
    if cast.arm.call("POST", path, MACHINES_VERSION).status != ACCEPTED:
        raise story.StoryError(f"Azure did not start {node}.")


def wait_for_standby(show: Show, node: str) -> None:
    """Wait until a node can take over again, and the object says so."""
    story.watch(show.cast, f"{node} to be a standby again", is_ready_again, BACK_WITHIN_S)
    show.cast.screen.say(f"{node} can take over again.")


def is_ready_again(view: View) -> bool:
    """Tell whether the cluster could survive another failure."""
    return is_ready(view) and view.says("Degraded") == "False"


def move(show: Show) -> float:
    """Move the group as an administrator would; return the seconds lost for the client."""
    cast, first = show.cast, show.active()
    moment = time.time()
    cast.screen.say(f"kubectl hacluster move {cast.name}")
    (group,) = cast.sample["spec"]["cluster"]["failoverGroups"]
    where = ("--namespace", cast.namespace)
    words = ("move", cast.name, "--group", group["name"], *where)
    hands.plugin(cast.environment, *words)
    gap = _taken_over(show, first, moment)
    wait_for_standby(show, first)
    return gap


def freeze(show: Show, seconds: float) -> float:
    """Let the active node stand still; return the seconds lost for the client."""
    first = show.active()
    moment = time.time()
    hands.simulator(show.cast.environment, "machine", "freeze", first, str(seconds))
    show.cast.screen.say(f"{first} stands still for {seconds:g} s.")
    gap = _taken_over(show, first, moment)
    time.sleep(max(0.0, moment + seconds - time.time()))
    wait_for_standby(show, first)
    return gap


def answered_by(show: Show, other_than: str | None) -> str:
    """Wait until a node, another one than that, answers the client; return its name."""

    def node() -> str:
        last = show.client.last()
        return last.node if last and last.is_good and last.node != other_than else ""

    within_s = ANSWERS_WITHIN_S if other_than is None else TAKEN_OVER_WITHIN_S
    story.watch(show.cast, "the client to be answered", lambda _: bool(node()), within_s)
    return node()
