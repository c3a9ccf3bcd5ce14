"""`hacluster run`: the operator; here alone all rooms meet."""

import asyncio
import logging
import os
import signal

import click

from hacluster.arm.door import AzureDoor
from hacluster.cli import logs
from hacluster.cli.agent_package import shipped
from hacluster.cli.metrics import Metrics
from hacluster.cli.settings import Settings
from hacluster.cli.web import serving
from hacluster.handlers import framework
from hacluster.kube.accounts import NodeAccounts
from hacluster.kube.connection import connect
from hacluster.kube.lease import KubernetesLease, Lease
from hacluster.kube.objects import Objects
from hacluster.kube.operations import OperationObjects
from hacluster.kube.secrets import SecretReader
from hacluster.reconcile.keeper import Keeper
from hacluster.reconcile.one_pass import OnePass
from hacluster.reconcile.operations.keeper import OperationKeeper
from hacluster.reconcile.operations.meetings import StoreMeetings
from hacluster.reconcile.operations.one_round import Rounds
from hacluster.reconcile.ports import Agents
from hacluster.store.container import Container

logger = logging.getLogger(__name__)

LEASE = "hacluster-operator"


@click.command("run")
@click.option(
    "--listen",
    default="0.0.0.0:8080",
    envvar="HACLUSTER_LISTEN",
    show_default=True,
    help="Where /healthz, /readyz and /metrics are served.",
)
@click.option(
    "--log-level",
    default="INFO",
    envvar="HACLUSTER_LOG_LEVEL",
    show_default=True,
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="DEBUG adds what Azure is asked.",
)
def command(listen: str, log_level: str) -> None:
    """Run the operator until it is told to stop, or loses its lease."""
    logs.set_up(log_level.upper())
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise click.UsageError(f"--listen wants HOST:PORT, not {listen}")
    if not asyncio.run(operate(Settings.of(), host, int(port))):
        raise click.exceptions.Exit(1)


async def operate(settings: Settings, host: str, port: int) -> bool:
    """Lead when it is this replica's turn; return whether it ended because it was told to."""
    metrics, package = Metrics(), await asyncio.to_thread(shipped)
    state = _State(metrics)
    _stop_when_told(state)
    async with (
        serving(host, port, metrics, lambda: not state.is_broken, state.is_ready),
        connect(settings.kubeconfig) as client,
    ):
        secrets = SecretReader(client)
        objects = Objects(client)
        lease = Lease(KubernetesLease(client, settings.namespace, LEASE), settings.replica)
        async with AzureDoor(settings.azure, secrets, metrics.arm_call, Container) as azure:
            desk = OperationObjects(client, objects)
            agents = Agents(
                package=package,
                guest=settings.guests.guest,
                vault=secrets,
                random=os.urandom,
                acts=desk,
                accounts=NodeAccounts(client),
                api_server=settings.api_server(client.configuration.ssl_ca_cert),
            )
            keeper = Keeper(OnePass(azure, objects, metrics, agents), objects)
            operations = OperationKeeper(Rounds(desk, StoreMeetings(azure, secrets)))
            return await _lead(lease, (keeper, operations), state)


class _State:
    """What the health pages tell."""

    def __init__(self, metrics: Metrics) -> None:
        self.stop = asyncio.Event()
        self.watching = asyncio.Event()
        self.is_standby = False
        self.is_broken = False
        self.metrics = metrics

    def is_ready(self) -> bool:
        """Say whether this replica does its part: it waits for the lease, or watches."""
        return self.is_standby or self.watching.is_set()


def _stop_when_told(state: _State) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, state.stop.set)


async def _take_signals_back(state: _State) -> None:
    """Undo that kopf takes the signals for itself: it would then wait for our flag in vain."""
    await state.watching.wait()
    _stop_when_told(state)


async def _lead(lease: Lease, keepers: tuple[Keeper, OperationKeeper], state: _State) -> bool:
    """Wait for the lease, then work while it holds."""
    logger.info("Waited for the lease", extra={"replica": lease.identity})
    state.is_standby = True
    if not await _unless_stopped(lease.acquire(), state.stop):
        return True
    state.is_standby = False
    state.metrics.leads.set(1)
    keeper, operations = keepers
    state.metrics.clusters.set_function(lambda: len(keeper.memories))
    logger.info("Took the lease", extra={"replica": lease.identity})
    # In this order: kopf ends every task that is younger than itself.
    holding = asyncio.create_task(lease.hold())
    taking = asyncio.create_task(_take_signals_back(state))
    watching = asyncio.create_task(framework.run(keeper, operations, state.stop, state.watching))
    try:
        await asyncio.wait({watching, holding}, return_when=asyncio.FIRST_COMPLETED)
        was_lost = holding.done() and not watching.done()
        if was_lost:
            logger.error("Lost the lease", extra={"replica": lease.identity})
        state.stop.set()
        await watching
        return not was_lost
    finally:
        state.is_broken = True
        for task in (holding, taking):
            task.cancel()
        await asyncio.gather(holding, taking, return_exceptions=True)
        await operations.close()
        await lease.release()
        logger.info("Ended", extra={"replica": lease.identity})


async def _unless_stopped(work: object, stop: asyncio.Event) -> bool:
    """Wait for some work or for the end; say whether the work was done."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload] # any coroutine
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    is_done = bool(task.done())
    for each in (task, stopped):
        each.cancel()
    await asyncio.gather(task, stopped, return_exceptions=True)
    return is_done
