"""Runs the application on a socket."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread
from typing import Final

import uvicorn
from fastapi import FastAPI

from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import (
    AccessNotConfigured,
    AddressUnusable,
    LineageGraphError,
    StoreUnavailable,
)
from lineage_graph.graph.folders import Folders
from lineage_graph.server.app import application
from lineage_graph.server.bodies import LARGEST
from lineage_graph.server.connections import Connection
from lineage_graph.server.settings import Settings

CONNECTIONS: Final = 512
"""Connections and requests at the same time; one more is answered with 503."""
_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 128


class _Server(uvicorn.Server):
    """A server that says when it can be asked."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until the process is told to end; what is being answered is answered first.

    Args:
        settings: What the operator decided.
        say: Tells a person where it listens.

    Raises:
        AccessNotConfigured: Others could reach it, and it would know nobody.
        AddressUnusable: It cannot listen there.
        LedgerBroken: The ledger is damaged; nothing is served.
        StoreUnavailable: The folder cannot be used.
    """
    known = _knows_somebody(settings)
    # uvicorn ends gracefully, then raises the signal again: to have done so is success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    app = application(settings)
    with closing(_listening(settings)) as listener:
        whom = "" if known else ", to this machine alone and without authentication"
        where = f"Serving {str(settings.store)!r} at {_address(listener)}{whom}."
        server = _Server(_configured(settings, app), lambda: say(where))
        try:
            server.run([listener])
        except SystemExit as end:
            raise _why_not(app) from end


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve from a thread of this process, and give the address.

    Raises:
        AccessNotConfigured: Others could reach it, and it would know nobody.
        AddressUnusable: It cannot listen there.
        LineageGraphError: The store cannot be opened.
    """
    _knows_somebody(settings)
    app = application(settings)
    server = uvicorn.Server(_configured(settings, app))
    listener = _listening(settings)
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            if not thread.is_alive():
                raise _why_not(app)
        yield _address(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _configured(settings: Settings, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        ws_max_size=LARGEST,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _knows_somebody(settings: Settings) -> bool:
    """Tell whether somebody could authenticate; only this machine is served without."""
    with closing(Tokens(Folders(settings.store).access)) as tokens:
        made = tokens.all()
    if settings.oidc is not None or any(token.state == "live" for token in made):
        return True
    if settings.loopback:
        return bool(made)
    raise AccessNotConfigured(
        f"Others could reach {settings.host}, and nobody could say who they are. Type: "
        f"lineage-graph tokens create NAME --role reader --store {str(settings.store)!r}"
        " and start again, or name an issuer with --oidc FILE."
    )


def _listening(settings: Settings) -> socket.socket:
    where = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise AddressUnusable(
            f"{where} is no address: {error.strerror}. Give another --host."
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressUnusable(
            f"The server cannot listen at {where}: {error.strerror}. Stop what listens there, or "
            "give another --port."
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why_not(app: FastAPI) -> LineageGraphError:
    failed: LineageGraphError | None = getattr(app.state, "failed", None)
    return failed or StoreUnavailable("The server did not start; its log says why.")
