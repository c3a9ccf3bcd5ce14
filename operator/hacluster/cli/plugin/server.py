"""The API server, by way of the user's own kubectl."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click

from hacluster.model import kinds

TIMEOUT_S: Final = 60.0
"""For one call of kubectl, which gives up by itself after 20 s."""
CLUSTERS: Final = f"{kinds.CLUSTER_PLURAL}.{kinds.GROUP}"
OPERATIONS: Final = f"{kinds.OPERATION_PLURAL}.{kinds.GROUP}"


@dataclass(frozen=True, slots=True)
class Server:
    """kubectl with the flags that the user gave."""

    flags: tuple[str, ...] = ()

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Return what kubectl prints.

        Raises:
            click.ClickException: it failed; with its own words.
        """
        command = ["kubectl", *words, "--request-timeout=20s", *self.flags]
        try:
            done = subprocess.run(  # noqa: S603 - kubectl, with the user's own words
                command, input=stdin, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
            )
        except FileNotFoundError:
            raise click.ClickException("kubectl is not in PATH: install it") from None
        except subprocess.TimeoutExpired:
            why = f"kubectl did not answer within {TIMEOUT_S:.0f} s: is the API server reachable?"
            raise click.ClickException(why) from None
        if done.returncode:
            words_of_kubectl = done.stderr.strip() or f"kubectl ended with {done.returncode}"
            raise click.ClickException(words_of_kubectl.removeprefix("error: "))
        return done.stdout

    def get(self, *words: str) -> Mapping[str, Any]:
        """Return an object, or a list of objects."""
        found: Mapping[str, Any] = json.loads(self.run("get", *words, "--output=json"))
        return found

    def items(self, *words: str) -> Sequence[Mapping[str, Any]]:
        """Return the objects of a list."""
        found: Sequence[Mapping[str, Any]] = self.get(*words).get("items") or ()
        return found

    def create(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object and return it as the API server keeps it."""
        text = self.run("create", "--filename=-", "--output=json", stdin=json.dumps(manifest))
        made: Mapping[str, Any] = json.loads(text)
        return made

    def whoami(self) -> str:
        """Return the user's name as the API server knows it, or nothing where it does not tell."""
        try:
            found = json.loads(self.run("auth", "whoami", "--output=json"))
        except click.ClickException:
            return ""
        return str(((found.get("status") or {}).get("userInfo") or {}).get("username") or "")

    def cluster(self, name: str | None) -> Mapping[str, Any]:
        """Return a cluster's object; without a name the only one of the namespace.

        Raises:
            click.ClickException: there is none of that name, or there are none, or several.
        """
        if name:
            return self.get(CLUSTERS, name)
        found = self.items(CLUSTERS)
        if len(found) == 1:
            return found[0]
        names = ", ".join(str(one["metadata"]["name"]) for one in found)
        if names:
            raise click.UsageError(f"name the cluster; this namespace has: {names}")
        raise click.ClickException("there is no cluster in this namespace: give one by --namespace")


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags by which kubectl finds a server, and the server as ``server``.

    The innermost of a command's decorators.
    """

    @wraps(command)
    def with_server(
        namespace: str | None, context: str | None, kubeconfig: str | None, **more: Any
    ) -> Any:
        given = {"--namespace": namespace, "--context": context, "--kubeconfig": kubeconfig}
        flags = tuple(f"{flag}={value}" for flag, value in given.items() if value)
        return command(server=Server(flags), **more)

    made: Callable[..., Any] = with_server
    for option in (
        click.option("--kubeconfig", help="The kubeconfig; as for kubectl."),
        click.option("--context", help="The kubeconfig's context."),
        click.option("-n", "--namespace", help="The namespace; by default the context's."),
    ):
        made = option(made)
    return made
