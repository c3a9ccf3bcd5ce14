"""Who asks: the machine behind an address in a virtual network, as the network interfaces say."""

from typing import Final

from azuresim import ids
from azuresim.resources.compute.virtual_machines import KIND as MACHINE
from azuresim.resources.network import network_interfaces
from azuresim.wire.service import Service

INTERFACE: Final = network_interfaces.TYPE.folded


class Who:
    """Tells machines by their addresses.

    Args:
        service: The simulator.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._seen = (-1, -1)
        self._machines: dict[tuple[str, str], str] = {}

    def __call__(self, network: str, address: str) -> str:
        """Return the id of the machine that has an address in a virtual network, or nothing."""
        changes = self._service.store.changes
        seen = (changes(INTERFACE), changes(MACHINE.casefold()))
        if seen != self._seen:
            self._seen, self._machines = seen, self._read()
        return self._machines.get((ids.key(network), address), "")

    def _read(self) -> dict[tuple[str, str], str]:
        call = self._service.call()
        found = {}
        container = f"/subscriptions/{call.subscription}".casefold()
        for record in call.tx.members(container, INTERFACE):
            machine = network_interfaces.machine_of(call, record.id)
            for item in record.body()["properties"]["ipConfigurations"] if machine else ():
                properties = item["properties"]
                network = ids.parent_key(ids.key(properties["subnet"]["id"]))
                found[network, properties.get("privateIPAddress", "")] = machine
        return found
