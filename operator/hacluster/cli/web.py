"""The operator's own pages: health for the kubelet, metrics for Prometheus."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import exposition

from hacluster.cli.metrics import Metrics


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    metrics: Metrics,
    is_alive: Callable[[], bool],
    is_ready: Callable[[], bool],
) -> AsyncIterator[None]:
    """Serve /healthz, /readyz and /metrics while inside."""

    async def measured(_: web.Request) -> web.Response:
        body = exposition.generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE_LATEST})

    def judged(holds: Callable[[], bool]) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(text="ok\n") if holds() else web.Response(text="no\n", status=503)

        return answer

    pages = web.Application()
    pages.router.add_get("/healthz", judged(is_alive))  # type: ignore[arg-type] # any coroutine
    pages.router.add_get("/readyz", judged(is_ready))  # type: ignore[arg-type] # any coroutine
    pages.router.add_get("/metrics", measured)
    runner = web.AppRunner(pages, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
