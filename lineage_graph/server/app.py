"""The application: every router behind the one dependency that authorises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from lineage_graph import __version__
from lineage_graph.server import health, problems
from lineage_graph.server.authorize import authorize
from lineage_graph.server.served import Served
from lineage_graph.server.settings import Settings

ROUTERS = (health.router,)


def application(settings: Settings) -> FastAPI:
    """Return the application that serves a store; the store is open while it runs.

    Args:
        settings: What the operator decided.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.served = Served.open(settings)
        try:
            yield
        finally:
            app.state.served.close()

    app = FastAPI(
        title="lineage_graph",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(authorize)],
    )
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    return app
