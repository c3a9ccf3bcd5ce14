"""The API server's refusals, translated once into the operator's own errors.

The API server's own words are never passed on where a Secret was read: only its status is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from kubernetes_asyncio.client import ApiException

from hacluster.reconcile.ports import KubernetesError


@asynccontextmanager
async def translated(asked: str) -> AsyncIterator[None]:
    """Raise the operator's error for what goes wrong inside; 404 and 409 pass as they are."""
    try:
        yield
    except ApiException as error:
        if error.status in {404, 409}:
            raise
        raise KubernetesError(f"{asked} was answered {error.status}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise KubernetesError(f"{asked} got no answer ({type(error).__name__})") from error
