"""TCP reset on idle: both ends of a flow that a balancer forgot are told (document).

The kernel forgets a flow whose time is over. Each end is then asked with a packet that fits
nothing; it answers with where its flow is, and that answer, a stray by now, meets the rule of
`nft` that resets it.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from azuresim.fabric import conntrack
from azuresim.fabric.conntrack import Flow
from azuresim.fabric.nft import QUESTION_ID
from azuresim.fabric.wanted import Network

if TYPE_CHECKING:
    import socket

SWEEPS: Final = 20
SWEEP_S: Final = (0.5, 5.0)
"""Flows that are over are found so often within the shortest time-out, and at least and at most
every so many seconds; by itself the kernel takes up to a minute."""


class Idle:
    """Watches the networks whose balancers reset idle flows."""

    def __init__(self) -> None:
        self._listening: dict[str, socket.socket] = {}
        self._networks: dict[str, Network] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def watch(self, networks: Iterable[Network]) -> None:
        """Watch these networks, where it is asked for, and no others; on the loop."""
        wanted = {each.namespace: each for each in networks if _fronts(each)}
        for namespace in self._listening.keys() - wanted.keys():
            self._leave(namespace)
        for namespace in wanted.keys() - self._listening.keys():
            with contextlib.suppress(OSError):  # it is not there yet, or no more: next time
                self._join(namespace)
        self._networks = wanted
        if self._listening and self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Watch no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for namespace in list(self._listening):
            self._leave(namespace)

    def _join(self, namespace: str) -> None:
        made = conntrack.listener(namespace)
        self._listening[namespace] = made
        asyncio.get_running_loop().add_reader(made, self._heard, namespace)

    def _leave(self, namespace: str) -> None:
        made = self._listening.pop(namespace)
        asyncio.get_running_loop().remove_reader(made)
        made.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_pause_s(self._networks.values()))
            for namespace in list(self._listening):
                with contextlib.suppress(OSError):  # the namespace went meanwhile
                    await asyncio.to_thread(conntrack.sweep, namespace)

    def _heard(self, namespace: str) -> None:
        fronts = _fronts(self._networks[namespace])
        for flow in conntrack.silent(self._listening[namespace]):
            if flow.front in fronts or (flow.front[0], 0) in fronts:
                with contextlib.suppress(OSError):
                    _ask_both(namespace, flow)


def _fronts(network: Network) -> Mapping[tuple[str, int], str]:
    """Return address and port of the rules that reset idle flows."""
    return {
        (balance.front, balance.port): balance.id
        for balance in network.balances
        if balance.resets and "tcp" in balance.protocols
    }


def _pause_s(networks: Iterable[Network]) -> float:
    shortest_s = min(
        (balance.idle_s for network in networks for balance in network.balances), default=0
    )
    return max(SWEEP_S[0], min(shortest_s / SWEEPS, SWEEP_S[1]))


def _ask_both(namespace: str, flow: Flow) -> None:
    to_client = conntrack.question(flow.front, flow.client, QUESTION_ID)
    to_back = conntrack.question(flow.client, flow.back, QUESTION_ID)
    conntrack.send(namespace, to_client, 0)
    conntrack.send(namespace, to_back, flow.mark)
