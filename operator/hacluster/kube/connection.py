"""The way to the API server: a kubeconfig that is named, or the Pod's own account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration

MOST_CONNECTIONS: Final = 32
"""To the API server: so many that the lease is renewed in time while many statuses are written."""
TIMEOUT_S: Final = 20
"""For every request of ours; watches are not ours."""


@asynccontextmanager
async def connect(kubeconfig: Path | None) -> AsyncIterator[ApiClient]:
    """Yield a client of the API server; None means the Pod's own account."""
    configuration = Configuration()
    if kubeconfig is not None:
        await config.load_kube_config(
            config_file=str(kubeconfig), client_configuration=configuration
        )
    else:
        config.load_incluster_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = MOST_CONNECTIONS
    async with ApiClient(configuration) as client:
        yield client
