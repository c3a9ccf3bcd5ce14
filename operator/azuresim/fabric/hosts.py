"""Names of Azure's own services, and the addresses they have here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from azuresim.fabric import places, storage
from azuresim.resources.network import public_ips
from azuresim.resources.storage.accounts import KIND as ACCOUNT
from azuresim.wire.service import Service

PUBLIC_IP: Final = public_ips.TYPE.folded


class Hosts:
    """Tells names and addresses; an account keeps the address that it was given first.

    Args:
        service: The simulator.
        read: Returns what was kept under a name, or None.
        keep: Keeps something under a name.
    """

    def __init__(
        self,
        service: Service,
        read: Callable[[str], Any],
        keep: Callable[[str, Any], None],
    ) -> None:
        self._service = service
        cloud = service.settings.cloud
        self._fixed = {cloud.management: places.MANAGEMENT, cloud.login: places.LOGIN}
        self._numbers: dict[str, int] = dict(read("storage addresses") or {})
        self._keep = keep
        self._seen = (-1, -1)
        self._services: Mapping[str, str] = MappingProxyType({})
        self._all: Mapping[str, str] = MappingProxyType({})

    def services(self) -> Mapping[str, str]:
        """Return the addresses of the services that are met by HTTPS, by their names."""
        self._look()
        return self._services

    def __call__(self) -> Mapping[str, str]:
        """Return the addresses of services and of labelled public addresses, by their names."""
        self._look()
        return self._all

    def _look(self) -> None:
        changes = self._service.store.changes
        seen = (changes(ACCOUNT.casefold()), changes(PUBLIC_IP))
        if seen == self._seen:
            return
        accounts = storage.accounts(self._service)
        self._number(set(accounts))
        stores = {one.host: places.storage(self._numbers[one.name]) for one in accounts.values()}
        self._services = {**self._fixed, **stores}
        self._all = {**self._labelled(), **self._services}
        self._seen = seen

    def _number(self, names: set[str]) -> None:
        """Give a number to each account that has none; those of accounts that went are free."""
        kept = {name: number for name, number in self._numbers.items() if name in names}
        taken = set(kept.values())
        free = (number for number in range(len(names) + len(taken)) if number not in taken)
        kept.update({name: next(free) for name in sorted(names - kept.keys())})
        if kept != self._numbers:
            self._numbers = kept
            self._keep("storage addresses", kept)

    def _labelled(self) -> dict[str, str]:
        container = f"/subscriptions/{self._service.subscription}".casefold()
        found = {}
        for record in self._service.store.transaction().members(container, PUBLIC_IP):
            properties = record.body()["properties"]
            name = (properties.get("dnsSettings") or {}).get("fqdn")
            if name and properties.get("ipAddress"):
                found[str(name).casefold()] = str(properties["ipAddress"])
        return found
