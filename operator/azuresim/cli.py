"""The command line: `serve` runs a simulator, the rest talks to one that runs."""

import asyncio
import json
import logging
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from azuresim import clean
from azuresim.fabric import commands as fabric_commands
from azuresim.fabric.kernel import KernelError
from azuresim.faults.asking import ask, in_directory, show
from azuresim.faults.rules import KINDS
from azuresim.machines import commands as machine_commands
from azuresim.resources.clouds import CLOUDS, PUBLIC
from azuresim.state.database import DirectoryInUseError


@click.group()
def main() -> None:
    """Azure simulated at the wire, for any Azure client."""


@main.command()
@click.option("--listen", default="127.0.0.1:0", show_default=True, help="HOST:PORT; 0: any.")
@in_directory
@click.option("--machines", type=click.Choice(["none", "nspawn", "qemu"]), default="none")
@click.option(
    "--machine-base",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Debian tree that machines start from.",
)
@click.option(
    "--machine-kernel",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Kernel that machines of kind qemu boot: a folder that `make setup` makes.",
)
@click.option(
    "--shutdown-within",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds a machine may take to shut down before its power is cut.",
)
@click.option("--durations", type=click.Choice(["instant", "typical"]), default="instant")
@click.option("--speed", type=click.FloatRange(min=0.001), default=1.0, show_default=True)
@click.option("--throttle", type=click.Choice(["published", "none"]), default="published")
@click.option("--cloud", type=click.Choice(list(CLOUDS)), default=PUBLIC.name)
@click.option("--strict", is_flag=True, help="Refuse unknown fields in bodies.")
@click.option("--name", "names", multiple=True, help="Further name in the certificate.")
@click.option("--azurite", default="", help="Command that starts an Azurite, without options.")
@click.option(
    "--dns-delay",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    help="Seconds from a write of a record set until DNS shows it.",
)
def serve(
    listen: str,
    directory: Path,
    machines: str,
    machine_base: Path | None,
    machine_kernel: Path | None,
    shutdown_within: float,
    durations: str,
    speed: float,
    throttle: str,
    cloud: str,
    strict: bool,  # noqa: FBT001 - click's
    names: tuple[str, ...],
    azurite: str,
    dns_delay: float,
) -> None:
    """Serve until SIGTERM; one JSON line on standard output says when and where."""
    if machines != "none" and machine_base is None:
        raise click.UsageError(
            f"Machines of kind {machines} start from a tree: name it, --machine-base"
        )
    if machines == "qemu" and machine_kernel is None:
        raise click.UsageError("Machines of kind qemu boot a kernel: name it, --machine-kernel")
    from azuresim import serving  # noqa: PLC0415 - a second of imports that no other command needs

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    host, port = _address(listen)
    words = tuple(shlex.split(azurite))
    if words and shutil.which(words[0]) is None:
        raise click.BadParameter(f"There is no program '{words[0]}'.", param_hint="--azurite")
    settings = serving.Settings(
        strict=strict,
        durations=durations,
        speed=speed,
        throttled=throttle == "published",
        cloud=CLOUDS[cloud],
    )
    real = None
    if machines != "none" and machine_base is not None:
        kernel = machine_kernel if machines == "qemu" else None
        real = serving.Real(base=machine_base, patience_s=shutdown_within, kernel=kernel)
    options = serving.Options(
        directory=directory,
        host=host,
        port=port,
        settings=settings,
        names=names,
        azurite=words,
        real=real,
        dns_delay_s=dns_delay,
    )
    try:
        asyncio.run(serving.serve(options))
    except (DirectoryInUseError, serving.UnfitError, KernelError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"Cannot serve on {listen}: {error}") from None


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter("HOST:PORT is expected, for example 127.0.0.1:8443.")
    return host.strip("[]"), int(port)


@main.command()
@in_directory
@click.option("--verb", default="", help="Only this HTTP method.")
@click.option("--type", "kind", default="", help="Only this resource type.")
@click.option("--last", type=int, default=0, help="The last N one by one, instead of counts.")
@click.option("--clear", is_flag=True, help="Forget all.")
def exchanges(
    directory: Path,
    verb: str,
    kind: str,
    last: int,
    clear: bool,  # noqa: FBT001 - click's
) -> None:
    """Tell what was asked and answered, one JSON object per line."""
    narrowed = {"verb": verb, "kind": kind}
    if clear:
        ask(directory, {"do": "exchanges.clear"})
    elif last:
        show(ask(directory, {"do": "exchanges.last", **narrowed, "most": last}))
    else:
        show(ask(directory, {"do": "exchanges.count", **narrowed}))


@main.group()
def fault() -> None:
    """Let things go wrong."""


@fault.command("add")
@in_directory
@click.argument("what", type=click.Choice(sorted(KINDS)))
@click.option("--verb", default="", help="HTTP method; all if left out.")
@click.option("--type", "kind", default="", help="Resource type, * allowed.")
@click.option("--name", default="", help="Resource name, * allowed.")
@click.option("--count", type=click.IntRange(min=0), default=1, help="How often; 0: no end.")
@click.option("--probability", type=click.FloatRange(0, 1), default=1.0)
@click.option("--retry-after", type=int, default=5, help="Seconds, for throttle and lock.")
@click.option("--status", type=int, default=503, help="What error and error-after answer.")
@click.option("--seconds", type=float, default=5.0, help="Real seconds, for stale, slow, hang.")
@click.option("--code", default="InternalExecutionError", help="Error code, for fail.")
@click.option("--message", default="An internal execution error occurred. Please retry later.")
def fault_add(directory: Path, what: str, count: int, **rule: Any) -> None:
    """Put a fault in force and print it."""
    wish = {"do": "fault.add", "fault": what, "count": count or None, **rule}
    show([ask(directory, wish)])


@fault.command("list")
@in_directory
def fault_list(directory: Path) -> None:
    """Print the faults in force."""
    show(ask(directory, {"do": "fault.list"}))


@fault.command("clear")
@in_directory
@click.argument("rule_id", default="")
def fault_clear(directory: Path, rule_id: str) -> None:
    """Lift one fault, or all of them; all of them let stuck operations end."""
    click.echo(ask(directory, {"do": "fault.clear", "id": rule_id}))


@main.group()
def principal() -> None:
    """Say who may sign in."""


@principal.command("add")
@in_directory
@click.option("--name", default="simulated", help="What people call it.")
@click.option("--secret", is_flag=True, help="A secret beside a certificate or federation.")
@click.option("--lifetime", "lifetime_s", type=float, default=0.0, help="Seconds; 0: no end.")
@click.option("--certificate", type=click.File(), help="PEM file of the public certificate.")
@click.option("--issuer", default="", help="Issuer of a federated credential.")
@click.option("--subject", default="", help="Subject of a federated credential.")
@click.option("--keys", type=click.File(), help="The issuer's JSON web key set.")
def principal_add(directory: Path, name: str, certificate: Any, keys: Any, **more: Any) -> None:
    """Make a service principal without any role, and print how it signs in."""
    wish: dict[str, Any] = {"do": "principal.add", "name": name, "secret": more["secret"]}
    wish["lifetime_s"] = more["lifetime_s"]
    if certificate is not None:
        wish["certificate"] = certificate.read()
    if more["issuer"]:
        if keys is None:
            raise click.UsageError("A federated credential needs --keys, the issuer's key set.")
        described = {"issuer": more["issuer"], "subject": more["subject"]}
        wish["federation"] = {**described, "keys": json.load(keys)}
    show([ask(directory, wish)])


@principal.command("list")
@in_directory
def principal_list(directory: Path) -> None:
    """Print the principals, without their secrets."""
    show(ask(directory, {"do": "principal.list"}))


@principal.command("remove")
@in_directory
@click.argument("client_id")
def principal_remove(directory: Path, client_id: str) -> None:
    """Take a principal away; its tokens live on until they expire."""
    click.echo(ask(directory, {"do": "principal.remove", "client_id": client_id}))


@main.group()
def health() -> None:
    """Say what a balancer's probes find, instead of the model."""


@health.command("set")
@in_directory
@click.argument("address")
@click.argument("state", type=click.Choice(["up", "down"]))
@click.option("--reason", default="", help="Azure's code; that of a plain probe if left out.")
@click.option("--balancer", default="*", help="Only for balancers of this name, * allowed.")
def health_set(directory: Path, **line: str) -> None:
    """Let probes find the backend at ADDRESS (* for all) up or down, until told otherwise."""
    show([ask(directory, {"do": "health.set", **line})])


@health.command("list")
@in_directory
def health_list(directory: Path) -> None:
    """Print what was said, oldest first."""
    show(ask(directory, {"do": "health.list"}))


@health.command("clear")
@in_directory
@click.argument("address", default="")
def health_clear(directory: Path, address: str) -> None:
    """Let the model decide again, about one address or all."""
    click.echo(ask(directory, {"do": "health.clear", "address": address}))


main.add_command(fabric_commands.event)
main.add_command(machine_commands.machine)
main.add_command(machine_commands.script)
main.add_command(clean.command)


@main.command()
def coverage() -> None:
    """Print what is simulated, why it is believed to be so, and what is not there."""
    from azuresim.coverage import coverage as table  # noqa: PLC0415 - as above

    click.echo(table(), nl=False)
