"""The application: every router behind the one dependency that authorises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from lineage_graph import __version__
from lineage_graph.errors import LineageGraphError
from lineage_graph.server import (
    artifacts,
    contract,
    exporting,
    health,
    ledger,
    metrics,
    openlineage,
    pages,
    problems,
    rebuilds,
    reports,
    sparql,
    store,
)
from lineage_graph.server.addresses import Addresses
from lineage_graph.server.authorize import authorize, refuse_unguarded
from lineage_graph.server.bodies import LARGEST
from lineage_graph.server.body_timeout import BodyTimeout
from lineage_graph.server.graphql import http, sockets
from lineage_graph.server.logs import adopt_uvicorn, log_lines
from lineage_graph.server.observing import Observed
from lineage_graph.server.served import Served
from lineage_graph.server.settings import Settings

ROUTERS = (
    health.router,
    contract.router,
    metrics.router,
    sparql.router,
    openlineage.router,
    pages.router,
    reports.router,
    exporting.router,
    ledger.router,
    store.router,
    artifacts.router,
    http.router,
    sockets.router,
    rebuilds.router,
)


def application(settings: Settings) -> FastAPI:
    """Return the application that serves a store; the store is open while it runs.

    Args:
        settings: What the operator decided.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            app.state.served = Served.open(settings)
        except LineageGraphError as error:
            app.state.failed = error
            raise
        try:
            yield
        finally:
            app.state.served.close()

    app = FastAPI(
        title="lineage_graph",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        dependencies=[Depends(authorize)],
        responses=problems.DOCUMENTED,
    )
    for router in ROUTERS:
        app.include_router(router, max_body_size=LARGEST)
    _surround(app, settings)
    refuse_unguarded(app)
    problems.install(app)
    pages.install(app)
    return app


def _surround(app: FastAPI, settings: Settings) -> None:
    """Put around the routes what holds for all of them, the outermost last."""
    log = log_lines()
    adopt_uvicorn(log)
    app.state.metrics = metrics.Metrics()
    app.add_middleware(BodyTimeout)
    app.add_middleware(Addresses, settings=settings)
    app.add_middleware(Observed, log=log, metrics=app.state.metrics)
