"""How the storage provider talks: creations are watched through Location alone."""

from dataclasses import replace
from typing import Final

from azuresim.errors import ArmError
from azuresim.resources.families import COMPUTE, Family

_PATH: Final = (
    "/subscriptions/{subscription}/providers/Microsoft.Storage/locations/{location}/"
    "asyncoperations/{id}"
)


def _busy(url: str) -> ArmError:
    del url
    message = "The operation cannot be performed because another operation is in progress."
    return ArmError(409, "StorageAccountOperationInProgress", message)


STORAGE: Final[Family] = replace(
    COMPUTE,
    name="Storage",
    etag="",
    status_path=_PATH,
    result_path=_PATH,
    query="",
    result_query="&monitor=true",
    notify=False,
    retry_after=17,
    timed=False,
    tag_writes=False,
    busy=_busy,
)
CONTAINERS: Final[Family] = replace(STORAGE, name="Blob containers", etag='"{}"', tag_writes=True)
