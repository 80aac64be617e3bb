"""A small store behind the real server, and clients that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.given import record

GIVEN = Path(__file__).parents[1] / "conformance" / "graphql" / "given.ttl"
JSON = "application/json"
RESPONSE = "application/graphql-response+json"


def small_store(folder: Path) -> Path:
    """Make a store that holds one of everything."""
    folder.mkdir(parents=True)
    record(folder, GIVEN)
    return folder


class Client:
    """Asks a server over HTTP."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def post(self, query: Any, accept: str = RESPONSE, **variables: Any) -> httpx2.Response:
        body = {"query": query, "variables": variables}
        headers = {**self._headers, "Accept": accept}
        return httpx2.post(f"{self.address}/graphql", json=body, headers=headers, timeout=60)

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of an answer without errors."""
        answer = self.post(query, **variables)
        body = answer.json()
        assert answer.status_code == 200 and "errors" not in body, body
        return body["data"]

    def refused(self, query: str, **variables: Any) -> str:
        """Return the message of a request that is refused before anything is asked."""
        answer = self.post(query, **variables)
        body = answer.json()
        assert answer.status_code == 400 and "data" not in body, body
        return str(body["errors"][0]["message"])

    def failed(self, query: str, **variables: Any) -> Any:
        """Return the first error of a request that was answered."""
        answer = self.post(query, **variables)
        assert answer.status_code == 200
        return answer.json()["errors"][0]


@contextmanager
def asking(store: Path, **settings: Any) -> Iterator[Client]:
    """Serve a store, and give whoever asks it as this machine."""
    with serving(Settings(store, port=0, **settings)) as address:
        yield Client(address)
