"""What every route uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from lineage_graph.access.issuers import Issuer
from lineage_graph.access.pseudonyms import Pseudonyms
from lineage_graph.access.roles import Roles
from lineage_graph.access.tokens import Tokens
from lineage_graph.access.vouched import Vouched
from lineage_graph.declarations import Declarations
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.opening import Opened, opened
from lineage_graph.graph.viewing import Viewing
from lineage_graph.recording.received import Reader
from lineage_graph.replay.requests import Requests
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.server import printing
from lineage_graph.server.declared_queries import DeclaredQueries
from lineage_graph.server.deriving import Deriving
from lineage_graph.server.graphql.operations import Operations
from lineage_graph.server.receiving import Receiving
from lineage_graph.server.recognition import Recognition
from lineage_graph.server.settings import Settings
from lineage_graph.server.turns import Turns
from lineage_graph.server.uploads import Uploads
from lineage_graph.server.views import Views
from lineage_graph.validation import Validator

WRITERS: Final = 32
"""Events and files that are kept at the same time: many, so that one commit takes in many."""


@dataclass(frozen=True)
class Served:
    """A store that is being served.

    Attributes:
        settings: What the operator decided.
        opened: Its parts, without any filter: for appending, never for answering.
        deriving: Works out what events mean while nobody asks.
        views: Graphs to answer from.
        tokens: Who may ask.
        recognition: Tells who a request is from.
        sandbox: Answers questions that somebody typed.
        typed: Whose turn it is at that.
        receiving: Checks and appends what clients send.
        sent: Whose turn it is to have something checked.
        writing: Whose turn it is to have something kept.
        printing: Whose turn it is to have something printed.
        declared: Tells questions that are declared from others.
        rebuilds: What people asked to be rebuilt.
    """

    settings: Settings
    opened: Opened
    deriving: Deriving
    views: Views
    tokens: Tokens
    recognition: Recognition
    sandbox: Sandbox
    typed: Turns
    receiving: Receiving
    sent: Turns
    writing: Turns
    printing: Turns
    declared: DeclaredQueries
    rebuilds: Requests

    @cached_property
    def operations(self) -> Operations:
        """What executes GraphQL."""
        return Operations(self.settings, self.views, self.rebuilds)

    @classmethod
    def open(cls, settings: Settings) -> Served:
        """Open the store.

        Raises:
            LedgerBroken: The ledger is damaged; nothing is served.
            StoreUnavailable: The folder cannot be used.
            DeclarationError: What an organisation declares, or says of an issuer, cannot be used.
            NotFound: A role is given to a group of the issuer that there is not.
        """
        declarations = Declarations(settings.declarations)
        declared = Declared(declarations)
        roles = Roles.declared(declared.rows("access/roles"))
        access = Folders(settings.store).access
        vouched = None
        if settings.oidc is not None:
            vouched = Vouched(Issuer.read(settings.oidc), roles, Pseudonyms(access))
        tokens = Tokens(access)
        parts = opened(settings.store)
        recognition = Recognition(settings, roles, tokens, vouched, parts.author)
        workers = settings.sparql_workers
        receiving = Receiving(
            Reader(declarations, declared.rows),
            Validator(declarations),
            Sandbox(settings.sparql, workers),
            Uploads(parts.artifacts, parts.folders.work),
        )
        return cls(
            settings,
            parts,
            Deriving(parts.derive),
            Views(settings, Viewing(parts.ledger, parts.folders)),
            tokens,
            recognition,
            Sandbox(settings.sparql, workers),
            _at(workers),
            receiving,
            _at(workers),
            Turns(WRITERS, WRITERS // 2),
            Turns(printing.AT_ONCE, 1),
            DeclaredQueries(declarations),
            Requests(parts.folders.root),
        )

    def close(self) -> None:
        """Let the store go."""
        self.deriving.stop()
        self.sandbox.close()
        self.receiving.sandbox.close()
        self.views.close()
        self.tokens.close()
        self.opened.store.close()
        self.opened.ledger.close()
        self.deriving.join()


def _at(workers: int) -> Turns:
    """Return the turns at a sandbox: one worker is for whoever else comes, where there are two."""
    return Turns(workers, max(1, workers - 1))


def served(connection: HTTPConnection) -> Served:
    """Return what the application of a request or WebSocket serves."""
    found: Served = connection.app.state.served
    return found


Here = Annotated[Served, Depends(served)]
