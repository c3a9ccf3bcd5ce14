"""What happens in the demo, and what must come of it; a promise not kept ends it."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from hacluster_local import processes
from hacluster_local.arm import Arm
from hacluster_local.demo.damage import Vandal
from hacluster_local.demo.look import Onlooker, View
from hacluster_local.demo.screen import Screen
from hacluster_local.environment import Environment
from hacluster_local.setup.checkout import DEPLOY

KIND: Final = "haclusters.hacluster.dev"
SAMPLE: Final = DEPLOY / "samples" / "internal-load-balancer.yaml"
BETWEEN_LOOKS_S: Final = 1.5
CONVERGED_WITHIN_S: Final = 300.0
REPAIRED_WITHIN_S: Final = 180.0
GONE_WITHIN_S: Final = 300.0
STALLED_FOR_S: Final = 45.0
"""An object that says so long that it is stalled needs a person, not more time."""


class StoryError(Exception):
    """A promise was not kept; says which, and what was seen instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who and what takes part."""

    environment: Environment
    screen: Screen
    sample: dict[str, Any]
    onlooker: Onlooker
    vandal: Vandal
    arm: Arm

    @property
    def namespace(self) -> str:
        """Where the object lives."""
        return str(self.sample["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """What the object is called."""
        return str(self.sample["metadata"]["name"])


def prepare(environment: Environment, screen: Screen, file: Path = SAMPLE) -> Cast:
    """Read the sample and get everybody into place."""
    sample = adapted(file, environment.azure.subscription_id)
    group = sample["spec"]["azure"]["resourceGroup"]
    arm = Arm(environment.azure)
    metadata = sample["metadata"]
    cluster = f"{metadata['namespace']}/{metadata['name']}"
    return Cast(
        environment=environment,
        screen=screen,
        sample=sample,
        onlooker=Onlooker(environment.kubectl, arm, cluster, group),
        vandal=Vandal(arm, group),
        arm=arm,
    )


def adapted(file: Path, subscription: str) -> dict[str, Any]:
    """Return the sample for this environment: its subscription, and nothing kept at the end."""
    sample: dict[str, Any] = yaml.safe_load(file.read_text())
    sample["spec"]["azure"]["subscriptionId"] = subscription
    sample["spec"].setdefault("management", {})["deletionPolicy"] = "Delete"
    return sample


def tell(cast: Cast) -> None:
    """Tell the whole story.

    Raises:
        StoryError: Something did not come out as promised.
    """
    apply(cast, SAMPLE.name)
    _break_probe(cast)
    open_firewall(cast)
    delete(cast)
    cast.screen.say("That was all: one object in, a cluster's Azure side out, and nothing left.")


def apply(cast: Cast, name: str) -> None:
    """Apply the sample of a name, and wait until Azure is as declared."""
    secrets_too = admin_secrets(cast.sample)
    aside = "   (and a Secret with the admin's password)" if secrets_too else ""
    cast.screen.say(f"kubectl apply -f {name}{aside}")
    kubectl = cast.environment.kubectl
    for manifest in (*secrets_too, cast.sample):
        kubectl.run("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    watch(
        cast,
        "AzureReconciled to be True",
        lambda view: view.says("AzureReconciled") == "True",
        CONVERGED_WITHIN_S,
    )
    cast.screen.say("Azure is as declared: AzureReconciled=True.")


def _break_probe(cast: Cast) -> None:
    balancer = cast.vandal.delete_probe()
    cast.screen.say(f"Somebody deletes the probe of {balancer}, behind the operator's back.")
    _ask_for_a_pass(cast)
    watch(cast, "the probe to be back", lambda _: cast.vandal.has_probe(), REPAIRED_WITHIN_S)
    _settled(cast)
    cast.screen.say("The probe is back.")


def open_firewall(cast: Cast) -> None:
    """Open a security rule to everybody, and see it closed again."""
    rule = cast.vandal.open_to_everybody()
    cast.screen.say(f"Somebody opens the security rule {rule} to the whole world.")
    _ask_for_a_pass(cast)
    closed = f"the rule {rule} to be closed again"
    watch(cast, closed, lambda _: not cast.vandal.lets_everybody_in(rule), REPAIRED_WITHIN_S)
    _settled(cast)
    cast.screen.say("The rule is what was declared again.")


def delete(cast: Cast) -> None:
    """Delete the object, and see that nothing is left of it."""
    cast.screen.say(f"kubectl delete hacluster {cast.name}")
    where = ("--namespace", cast.namespace, "--wait=false")
    cast.environment.kubectl.run("delete", KIND, cast.name, *where)
    watch(cast, "the object to be gone", lambda view: not view.exists, GONE_WITHIN_S)
    left = cast.onlooker.things()
    if left:
        names = ", ".join(f"{thing.kind} {thing.name}" for thing in left)
        raise StoryError(f"The object is gone, but Azure still has: {names}.")
    cast.screen.say("Azure has nothing left of it.")


def _settled(cast: Cast) -> None:
    watch(
        cast,
        "no drift and AzureReconciled to be True again",
        lambda view: view.says("AzureReconciled") == "True" and not view.drift,
        REPAIRED_WITHIN_S,
    )


def watch(cast: Cast, what: str, is_so: Callable[[View], bool], within_s: float) -> None:
    """Look, and show what is seen, until it is so."""
    began = moving = time.monotonic()
    while True:
        view = cast.onlooker.look()
        cast.screen.show(view)
        if is_so(view):
            return
        now = time.monotonic()
        moving = moving if view.says("Stalled") == "True" else now
        if now - began > within_s or now - moving > STALLED_FOR_S:
            raise StoryError(f"Waited {now - began:.0f} s for {what}.\n{conditions(view)}")
        parts = {process.part for process in processes.find(cast.environment.home)}
        if "operator" not in parts:
            raise StoryError(f"The operator has ended while we waited for {what}.")
        time.sleep(BETWEEN_LOOKS_S)


def conditions(view: View) -> str:
    """Return the conditions as lines, for an error message."""
    lines = [f"    {j.type}={j.status} {j.reason}: {j.message}" for j in view.judgements]
    return "\n".join(["The object says:", *(lines or ["    nothing yet"])])


def _ask_for_a_pass(cast: Cast) -> None:
    """Ask the operator to look now instead of at its next interval, as `kubectl annotate` can."""
    now = f"hacluster.dev/requested-at={datetime.now(UTC).isoformat()}"
    where = ("--namespace", cast.namespace, "--overwrite")
    cast.environment.kubectl.run("annotate", KIND, cast.name, now, *where)


def admin_secrets(sample: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Secret that the sample refers to, if it does, with a password made up now."""
    reference = sample["spec"]["machines"]["admin"].get("passwordSecretRef")
    if reference is None:
        return []
    password = f"{secrets.token_urlsafe(18)}-aA1"
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": reference["name"],
                "namespace": sample["metadata"]["namespace"],
            },
            "stringData": {reference["key"]: password},
        }
    ]
