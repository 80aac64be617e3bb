"""Runs the application on a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from lineage_graph.errors import StoreUnavailable
from lineage_graph.server.app import application
from lineage_graph.server.settings import Settings


def _configured(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def serve(settings: Settings) -> None:
    """Serve until the process is told to end; what is being answered is answered first."""
    uvicorn.Server(_configured(settings)).run()


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve from a thread of this process, and give the address.

    Raises:
        StoreUnavailable: It did not start.
    """
    server = uvicorn.Server(_configured(settings))
    socket = server.config.bind_socket()
    thread = Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            if not thread.is_alive():
                raise StoreUnavailable("The server did not start; its log says why.")
        host, port = socket.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
