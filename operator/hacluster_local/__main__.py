"""The commands behind the make targets."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from hacluster_local import checks, environment
from hacluster_local.azure import SPEED
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_local.demo import show
from hacluster_local.processes import PartError
from hacluster_local.setup import machine_base
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say

TELLABLE = (environment.RefusedError, PartError, SetupError, KubectlError)


@click.group()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=environment.HOME,
    help="The environment's folder; `.local` of the checkout if left out.",
)
@click.pass_context
def main(context: click.Context, home: Path) -> None:
    """The whole system on this machine."""
    context.obj = home


def machines_option(*kinds: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says how real machines are."""
    return click.option(
        "--machines",
        type=click.Choice(["auto", "none", *kinds]),
        default="auto",
        show_default=True,
        help=f"{', '.join(kinds)}: real ones, with networks between them; needs root. "
        "none: a model. auto: nspawn where there can be any.",
    )


def are_real(machines: str) -> bool:
    """Say whether machines are to be real; where that is left to us, say why they are not."""
    if machines == "auto" and (why := machine_base.why_not()):
        say(f"Machines are a model here, in which no packet flows: {why}.")
        return False
    return machines != "none"


@main.command()
@click.option("--speed", default=SPEED, show_default=True, help="Times as fast as Azure.")
@click.option("--without-operator", is_flag=True, help="Leave the operator to you.")
@machines_option("nspawn", "qemu")
@click.pass_obj
def up(home: Path, *, speed: int, without_operator: bool, machines: str) -> None:
    """Start everything in the background."""
    environment.up(
        home,
        speed=speed,
        with_operator=not without_operator,
        with_machines=are_real(machines),
        emulated=machines == "qemu",
    )
    say(f"Up. Next: . {home}/env && kubectl get haclusters    (end it with: make down)")


@main.command()
@click.pass_obj
def down(home: Path) -> None:
    """End everything and leave nothing behind but logs."""
    ended = environment.down(home)
    say(f"Down: {ended} processes ended." if ended else "Nothing was running.")


@main.command()
@machines_option("nspawn")
@click.pass_obj
def demo(home: Path, *, machines: str) -> None:
    """Apply, drift, repair, delete: the story. With machines: a client survives a power loss."""
    sys.exit(show.demo(home, with_machines=are_real(machines)))


@main.command()
def check() -> None:
    """Check format, lint, types, architecture and generated files."""
    sys.exit(checks.check())


@main.command()
@click.argument("arguments", nargs=-1)
def test(arguments: tuple[str, ...]) -> None:
    """Run all tests."""
    sys.exit(checks.test(arguments))


if __name__ == "__main__":
    # Being asked to end is a reason to clean up, as an interrupt is.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        main()
    except TELLABLE as failure:
        say(f"\n{failure}")
        sys.exit(1)
