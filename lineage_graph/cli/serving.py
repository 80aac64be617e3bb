"""The command that serves a store to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lineage_graph.cli.program import Session, command
from lineage_graph.errors import MissingExtra


@command(
    "serve",
    "serve",
    "serve --port 9000 --store warehouse",
    "serve --host 0.0.0.0 --allow-host lineage.example.org",
    "serve --host 0.0.0.0 --oidc oidc.toml",
)
def serve(
    session: Session,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 for any that is free."),
    ] = 8321,
    dev: Annotated[
        bool, typer.Option("--dev", help="Show GraphQL's schema, and a page to try it.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="Another name by which clients call it; may be repeated.",
        ),
    ] = None,
    oidc: Annotated[
        Path | None,
        typer.Option("--oidc", metavar="FILE", help="Whose signed tokens are believed (TOML)."),
    ] = None,
) -> None:
    """Serve the store over HTTP until the process is told to end.

    Without tokens and without --oidc only this machine is listened to, and whoever sits at it
    may do everything. Any other address needs one of the two.
    """
    from lineage_graph.graph.folders import store_folder

    try:
        from lineage_graph.server import running
        from lineage_graph.server.settings import Settings
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"The server needs {missing.name!r}, which is not installed. Type: "
            "pip install 'lineage-graph[server]'"
        ) from missing
    settings = Settings(
        store_folder(session.store),
        session.declarations,
        host,
        port,
        dev,
        tuple(allow_host or ()),
        oidc,
    )
    running.serve(settings, session.say)
