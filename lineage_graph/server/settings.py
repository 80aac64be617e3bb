"""What an operator decides about a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from lineage_graph.sandbox import Limits


@dataclass(frozen=True)
class QueryLimits:
    """What one GraphQL operation may cost; ``docs/graphql.md`` says how it is counted.

    Attributes:
        depth: Levels of objects inside one another.
        aliases: Fields that are given another name.
        directives: Directives in a document.
        tokens: Tokens in a document.
        cost: Objects that may have to be made.
        seconds: How long it may take.
    """

    depth: int = 8
    aliases: int = 15
    directives: int = 10
    tokens: int = 1_000
    cost: int = 5_000
    seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """How a server runs.

    Attributes:
        store: Folder of the store.
        declarations: Folder of an organisation's own ``ontology/`` and ``queries/``.
        host: Address to listen on.
        port: Port to listen on; 0 for any that is free.
        largest_bundle: Most bytes of one bundle, and of a question that a client sends.
        largest_artifact: Most bytes of one uploaded file.
        dev: Whether GraphQL shows its schema and a page to try it.
        allowed_hosts: Names, with or without a port, by which clients may call it besides
            those of this machine.
        oidc: File that says whose signed tokens are believed; None for nobody's.
        sparql: What one SPARQL query may cost.
        sparql_workers: How many SPARQL queries are worked on at once.
        graphql: What one GraphQL operation may cost.
    """

    store: Path
    declarations: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8321
    dev: bool = False
    allowed_hosts: tuple[str, ...] = ()
    oidc: Path | None = None
    sparql: Limits = field(default_factory=Limits)
    sparql_workers: int = 2
    largest_bundle: int = 32 << 20
    largest_artifact: int = 4 << 30
    graphql: QueryLimits = QueryLimits()

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
