"""One container, blob by blob; see `ports.Store`.

Every call has a deadline and is tried once: the loop is the retry. What a blob holds is in no log
and no error.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ResourceNotModifiedError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from hacluster.reconcile.store_port import Blob, NotChanged, WriteLost
from hacluster.store.signature import account_of, signature
from hacluster.store.translation import is_no_blob, no_answer, refused

DEADLINE_S: Final = 20.0
"""For one call, the token that it may need included."""
LARGEST: Final = 8 << 20
"""Of a blob that is read: ours are far below; whatever is bigger was not written by us."""
VERSION: Final = "2021-12-02"
"""Of the service's interface, pinned: the oldest that has all we use, so that every cloud and the
emulator have it."""
_ONCE: Final[dict[str, Any]] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 15}


class Container:
    """A container as one identity sees it."""

    def __init__(
        self, url: str, credential: AsyncTokenCredential, transport: AioHttpTransport
    ) -> None:
        self._url = url
        self._client = ContainerClient.from_container_url(
            url,
            credential=credential,
            transport=transport,
            api_version=VERSION,
            user_agent="hacluster-operator",
            **_ONCE,
        )
        self._account = BlobServiceClient(
            url.partition("?")[0].rpartition("/")[0],
            credential=credential,
            transport=transport,
            api_version=VERSION,
            user_agent="hacluster-operator",
            **_ONCE,
        )

    async def read(self, name: str, *, unless: str = "") -> Blob | NotChanged | None:
        """Return a blob, or None where there is none."""
        known: dict[str, Any] = {}
        if unless:
            known = {"etag": unless, "match_condition": MatchConditions.IfModified}
        try:
            async with self._translated(f"Reading the blob {name}"):
                stream = await self._client.download_blob(name, offset=0, length=LARGEST, **known)
                content = await stream.readall()
        except (ResourceNotModifiedError, ResourceModifiedError):  # the SDK reads a 304 as either
            return NotChanged()
        except ResourceNotFoundError as error:
            if is_no_blob(error):
                return None
            raise refused(f"Reading the blob {name}", self._url, error) from error
        return Blob(content=bytes(content), tag=str(stream.properties.etag))

    async def write(
        self, name: str, content: bytes, *, only_if: str | None = None
    ) -> str | WriteLost:
        """Write a whole blob and return its new ETag, or `WriteLost`."""
        condition: dict[str, Any] = {"overwrite": only_if != ""}
        if only_if:
            condition |= {"etag": only_if, "match_condition": MatchConditions.IfNotModified}
        asked = f"Writing the blob {name}"
        try:
            async with self._translated(asked):
                blob = self._client.get_blob_client(name)
                written = await blob.upload_blob(content, **condition)
        except (ResourceExistsError, ResourceModifiedError):
            return WriteLost()
        except ResourceNotFoundError as error:
            raise refused(asked, self._url, error) from error
        return str(written["etag"])

    async def sas(self, since: datetime, until: datetime) -> str:
        """Return a signature for this container, signed with a key of the operator's identity."""
        asked = "Asking for a user delegation key"
        try:
            async with self._translated(asked):
                key = await self._account.get_user_delegation_key(since, until)
        except _VALUES as error:
            raise refused(asked, self._url, error) from error
        return signature(
            key,
            account=account_of(self._url),
            container=self._client.container_name,
            since=since,
            until=until,
            version=VERSION,
        )

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all blobs that begin with ``prefix``."""
        asked = f"Listing the blobs {prefix}*"
        try:
            async with self._translated(asked):
                listing = self._client.list_blob_names(name_starts_with=prefix)
                found = [str(name) async for name in listing]
        except ResourceNotFoundError as error:
            raise refused(asked, self._url, error) from error
        return tuple(sorted(found))

    @asynccontextmanager
    async def _translated(self, asked: str) -> AsyncIterator[None]:
        """Raise the operator's error for what goes wrong; what is a value passes as it is.

        A value is: not modified, no such blob or container, and a condition that does not hold.
        """
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield
        except HttpResponseError as error:
            if isinstance(error, _VALUES):
                raise
            raise refused(asked, self._url, error) from error
        except (AzureError, OSError, TimeoutError) as error:
            raise no_answer(asked, self._url, error) from error


_VALUES: Final = (
    ResourceNotModifiedError,
    ResourceNotFoundError,
    ResourceExistsError,
    ResourceModifiedError,
)
