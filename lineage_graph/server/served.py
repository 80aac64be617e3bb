"""What every route uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lineage_graph.access.roles import Roles
from lineage_graph.access.tokens import Tokens
from lineage_graph.declarations import Declarations
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.opening import Opened, opened
from lineage_graph.server.recognition import Recognition
from lineage_graph.server.settings import Settings
from lineage_graph.server.views import Views


@dataclass(frozen=True)
class Served:
    """A store that is being served.

    Attributes:
        settings: What the operator decided.
        opened: Its parts, without any filter: for appending, never for answering.
        views: Graphs to answer from.
        tokens: Who may ask.
        recognition: Tells who a request is from.
    """

    settings: Settings
    opened: Opened
    views: Views
    tokens: Tokens
    recognition: Recognition

    @classmethod
    def open(cls, settings: Settings) -> Served:
        """Open the store.

        Raises:
            LedgerBroken: The ledger is damaged; nothing is served.
            StoreUnavailable: The folder cannot be used.
            DeclarationError: What an organisation declares cannot be used.
        """
        roles = Roles.declared(Declared(Declarations(settings.declarations)).rows("access/roles"))
        parts = opened(settings.store)
        tokens = Tokens(parts.folders.access)
        recognition = Recognition(settings, roles, tokens, parts.author)
        return cls(settings, parts, Views(settings), tokens, recognition)

    def close(self) -> None:
        """Let the store go."""
        self.views.close()
        self.tokens.close()
        self.opened.store.close()
        self.opened.ledger.close()


def served(request: Request) -> Served:
    """Return what the application of a request serves."""
    found: Served = request.app.state.served
    return found


Here = Annotated[Served, Depends(served)]
