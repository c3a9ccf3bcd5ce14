"""Containers of an account, the same at ARM and in its Azurite, whoever made them.

Each side is compared with what both had when they last agreed; so what is on one side only was
either made there or taken away on the other. Right after a start ARM's word counts: an Azurite
that was killed may have lost its last seconds.
"""

import re
import ssl
from collections.abc import Mapping, Set
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.fabric.azurite import AwayError
from azuresim.resources.storage.containers import CONTAINER_KIND
from azuresim.wire import deletes, writes
from azuresim.wire.service import Service

API_VERSION: Final = "2021-12-02"
ARM_VERSION: Final = "2023-01-01"
PATIENCE_S: Final = 30.0
PUBLIC: Final = {"Blob": "blob", "Container": "container"}
NAME: Final = re.compile(r"<Container>\s*<Name>([^<]+)</Name>")
MARKER: Final = re.compile(r"<NextMarker>([^<]+)</NextMarker>")


class Difference(NamedTuple):
    """What is to be done so that both sides have the same containers."""

    make_there: frozenset[str]
    drop_there: frozenset[str]
    make_here: frozenset[str]
    drop_here: frozenset[str]


def difference(here: Set[str], there: Set[str], agreed: Set[str], *, fresh: bool) -> Difference:
    """Return what is to be done.

    Args:
        here: What ARM has.
        there: What the blob service has.
        agreed: What both had when they were last the same.
        fresh: The blob service has just started.
    """
    gone_there = frozenset() if fresh else frozenset((here & agreed) - there)
    return Difference(
        make_there=frozenset(here - there - gone_there),
        drop_there=frozenset((there & agreed) - here),
        make_here=frozenset(there - here - agreed),
        drop_here=gone_there,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """ARM's side of one account.

    Attributes:
        service: The simulator.
        account: Id of the account.
    """

    service: Service
    account: str

    def listed(self) -> dict[str, dict[str, Any]]:
        """Return the containers' properties by name."""
        tx = self.service.store.transaction()
        holder = ids.key(f"{self.account}/blobServices/default")
        members = tx.members(holder, CONTAINER_KIND.casefold())
        return {record.name: record.body()["properties"] for record in members}

    def change(self, made: Set[str], dropped: Set[str]) -> None:
        """Put in what was made, and take out what was dropped, at the data plane."""
        for name in sorted(made):
            self._write("PUT", name)
        for name in sorted(dropped):
            self._write("DELETE", name)

    def _write(self, verb: str, name: str) -> None:
        path = ids.parse(f"{self.account}/blobServices/default/containers/{name}")
        target = self.service.catalog.find(path)
        if target is None:
            return
        call = self.service.call(version=ARM_VERSION, verb=verb)
        try:
            if verb == "PUT":
                writes.put(self.service, call, target, {"properties": {}}, {})
            else:
                deletes.delete(self.service, call, target, {})
        except ArmError:
            return  # the account is going, or has gone
        call.tx.commit()


class BlobService:
    """The Azurite's side of one account.

    Args:
        host: Name of the account's blob service.
        port: Where it listens on the loopback.
        context: Trusts the simulator's authority.
        token: A bearer token for storage.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext, token: str) -> None:
        self._base = f"https://127.0.0.1:{port}"
        self._options: dict[str, Any] = {"ssl": context, "server_hostname": host}
        self._headers = {"Host": host, "Authorization": f"Bearer {token}"}

    async def names(self) -> frozenset[str]:
        """Return the containers' names.

        Raises:
            AwayError: If there is no answer, or no success.
        """
        names: list[str] = []
        query = {"comp": "list"}
        async with self._session() as session:
            while True:
                text = await self._ask(session, "GET", "/", query)
                names += NAME.findall(text)
                marker = MARKER.search(text)
                if marker is None:
                    return frozenset(names)
                query = {"comp": "list", "marker": marker[1]}

    async def change(self, made: Mapping[str, Mapping[str, Any]], dropped: Set[str]) -> None:
        """Make containers with ARM's properties, and delete others.

        Raises:
            AwayError: If there is no answer, or a refusal.
        """
        async with self._session() as session:
            for name, properties in made.items():
                metadata = properties.get("metadata") or {}
                headers = {f"x-ms-meta-{key}": str(value) for key, value in metadata.items()}
                access = PUBLIC.get(properties.get("publicAccess", ""))
                if access:
                    headers["x-ms-blob-public-access"] = access
                await self._ask(session, "PUT", f"/{name}", CONTAINER, headers, 409)
            for name in dropped:
                await self._ask(session, "DELETE", f"/{name}", CONTAINER, {}, 404)

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        return aiohttp.ClientSession(self._base, headers=self._headers, timeout=timeout)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        verb: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        accepted: int = 200,
    ) -> str:
        stamps = {"x-ms-version": API_VERSION, "x-ms-date": formatdate(usegmt=True)}
        sent = {**stamps, **(headers or {})}
        try:
            async with session.request(
                verb, path, params=query, headers=sent, **self._options
            ) as answer:
                text = await answer.text()
                code = answer.headers.get("x-ms-error-code", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AwayError(f"{verb} {path}: {type(error).__name__} {error}") from error
        if answer.status >= 300 and answer.status != accepted:
            raise AwayError(f"{verb} {path}: {answer.status} {code}")
        return text


CONTAINER: Final = {"restype": "container"}


def read_agreed(path: Path) -> frozenset[str]:
    """Return what both sides had when they were last the same."""
    try:
        return frozenset(orjson.loads(path.read_bytes()))
    except (OSError, ValueError):
        return frozenset()


def write_agreed(path: Path, names: Set[str]) -> None:
    """Keep what both sides have, all of it or nothing."""
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps(sorted(names)))
    draft.replace(path)
