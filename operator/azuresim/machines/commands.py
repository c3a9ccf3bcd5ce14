"""What the command line says to the machines of a running simulator."""

from pathlib import Path
from typing import Any

import click

from azuresim.faults.asking import ask, in_directory, show
from azuresim.machines import reach


@click.group()
def machine() -> None:
    """Look at machines, or stop them from inside."""


@machine.command("list")
@in_directory
def machine_list(directory: Path) -> None:
    """Print the machines, one JSON object per line."""
    show(ask(directory, {"do": "machine.list"}))


@machine.command("stop")
@in_directory
@click.argument("name")
def machine_stop(directory: Path, name: str) -> None:
    """Stop machines NAME (* allowed) as a crash would: Azure starts them only when asked to."""
    click.echo(ask(directory, {"do": "machine.stop", "name": name}))


@machine.command("kill")
@in_directory
@click.argument("name")
def machine_kill(directory: Path, name: str) -> None:
    """Take the power of machines NAME (* allowed) away. Azure starts them only when asked to."""
    click.echo(ask(directory, {"do": "machine.kill", "name": name}))


@machine.command("freeze")
@in_directory
@click.argument("name")
@click.argument("seconds", type=click.FloatRange(min=0, max=3600, min_open=True))
def machine_freeze(directory: Path, name: str, seconds: float) -> None:
    """Let machines NAME (* allowed) stand still for SECONDS; their clocks run on."""
    click.echo(ask(directory, {"do": "machine.freeze", "name": name, "seconds": seconds}))


@machine.command("cut")
@in_directory
@click.argument("name")
@click.argument("other", default="*")
@click.option("--one-way", is_flag=True, help="Only packets from NAME to OTHER are lost.")
@click.option("--percent", type=click.IntRange(1, 100), default=100, help="Share that is lost.")
def machine_cut(directory: Path, **wish: Any) -> None:
    """Lose what machines NAME (* allowed) and OTHER send each other.

    OTHER is a machine, or one of internet, store, vnet, platform; all of them if left out.
    """
    click.echo(ask(directory, {"do": "machine.cut", **wish}))


@machine.command("heal")
@in_directory
@click.argument("name", default="*")
@click.argument("other", default="")
def machine_heal(directory: Path, **wish: Any) -> None:
    """Undo the cuts of machines NAME, or only those between them and OTHER."""
    click.echo(ask(directory, {"do": "machine.heal", **wish}))


@machine.command("run", context_settings={"ignore_unknown_options": True})
@in_directory
@click.argument("name")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def machine_run(directory: Path, name: str, words: tuple[str, ...]) -> None:
    """Run a command as root in machine NAME, or as a client: internet, vnet, vnet/NETWORK."""
    where = ask(directory, {"do": "machine.where", "name": name})
    try:
        reach.become(where, words)
    except OSError as error:
        raise click.ClickException(f"Cannot get into {name}: {error}") from None


@click.group()
def script() -> None:
    """Say how scripts of Run Command end."""


@script.command("add")
@in_directory
@click.option("--machine", "machine_name", default="", help="Name of the machine, * allowed.")
@click.option("--name", default="", help="Name of the Run Command, * allowed.")
@click.option("--contains", default="", help="What the script must contain.")
@click.option("--exit-code", type=int, default=0)
@click.option("--output", default="")
@click.option("--error", default="")
@click.option("--takes", type=float, default=0.0, help="Simulated seconds; -1: it hangs.")
@click.option("--count", type=click.IntRange(min=0), default=0, help="How many runs; 0: no end.")
def script_add(directory: Path, machine_name: str, count: int, **rule: Any) -> None:
    """Put a rule in force and print it."""
    wish = {"do": "script.add", "machine": machine_name, "count": count or None, **rule}
    show([ask(directory, wish)])


@script.command("list")
@in_directory
def script_list(directory: Path) -> None:
    """Print the rules in force, oldest first."""
    show(ask(directory, {"do": "script.list"}))


@script.command("clear")
@in_directory
@click.argument("rule", default="")
def script_clear(directory: Path, rule: str) -> None:
    """Lift one rule by its id, or all."""
    wish = {"do": "script.clear"} | ({"id": rule} if rule else {})
    click.echo(ask(directory, wish))
