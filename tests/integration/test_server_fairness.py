"""One who asks much, and others who are answered meanwhile: in which order, never how fast."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from lineage_graph.access.tokens import Tokens
from lineage_graph.identity import fresh, named, uuid7
from lineage_graph.nquads import nquads
from lineage_graph.records import Dataset
from lineage_graph.remote.protocol import BUNDLE_TYPE, TXID_HEADER
from lineage_graph.sandbox import Limits
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.asked import small_store

MANY = 60
"""More than there are threads that all routes share."""
SLOW = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
QUICK = "ASK { ?s ?p ?o }"


class Caller:
    """Somebody with a token, who asks many things at once."""

    def __init__(self, address: str, token: str) -> None:
        self._sent = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(MANY * 2)
        self.client = httpx2.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=120,
            limits=httpx2.Limits(max_connections=MANY * 2),
            event_hooks={"request": [lambda _: self._sent.release()]},
        )

    def begins(self, times: int, method: str, path: str, **more: Any) -> list[Future[Any]]:
        """Send requests, and return what they are going to be answered."""
        begun = [self._pool.submit(self.client.request, method, path, **more) for _ in range(times)]
        for _ in begun:
            self._sent.acquire()
        return begun

    def appends(self, times: int) -> list[Future[Any]]:
        """Send as many bundles, each another one."""
        begun = []
        for _ in range(times):
            body = nquads(fresh("bundle"), [Dataset(id=named("dataset", uuid7()), title="x")])
            headers = {"Content-Type": BUNDLE_TYPE, TXID_HEADER: uuid7()}
            path = "/api/ledger/entries"
            begun += self.begins(1, "POST", path, content=body, headers=headers)
        return begun

    def close(self) -> None:
        self._pool.shutdown()
        self.client.close()


@contextmanager
def two(store: Path, **settings: Any) -> Iterator[tuple[Caller, Caller]]:
    """Serve a store to two who may record."""
    tokens = Tokens(store / "access")
    secrets = [tokens.create(name, ["contributor"])[0] for name in ("eager", "other")]
    tokens.close()
    with serving(Settings(store, port=0, **settings)) as address:
        eager, other = (Caller(address, secret) for secret in secrets)
        with closing(eager), closing(other):
            # So that what is made at the first request is there.
            for one in (eager, other):
                one.client.post("/sparql", data={"query": QUICK}).raise_for_status()
            yield eager, other


@contextmanager
def nobody_writes(store: Path) -> Iterator[None]:
    """Hold the ledger, as another process that appends does."""
    with closing(sqlite3.connect(store / "ledger.db", isolation_level=None)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            ledger.execute("ROLLBACK")


def answered(who: Caller) -> list[int]:
    """Ask at every kind of door, and return the statuses."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/health", {}),
        ("GET", "/ready", {}),
        ("GET", "/api/whoami", {}),
        ("GET", "/api/ledger", {}),
        ("GET", "/", {}),
        ("GET", "/api/reports", {}),
        ("GET", "/api/rebuilds", {}),
        ("POST", "/graphql", {"json": {"query": "{ datasets(first: 1) { totalCount } }"}}),
        ("POST", "/sparql", {"data": {"query": QUICK}}),
        ("POST", "/api/store/ask", {"json": QUICK}),
        ("POST", "/api/ledger/entries/page", {"json": [0, 1]}),
    ]
    return [who.client.request(method, path, **more).status_code for method, path, more in asked]


def seen_by_all(who: Caller) -> None:
    """Have one more request answered, so that those before it are being worked on."""
    who.client.get("/health").raise_for_status()


def test_others_are_answered_while_one_waits_for_the_ledger(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store")
    with two(store) as (eager, other):
        with nobody_writes(store):
            appends = eager.appends(MANY)
            seen_by_all(other)
            assert set(answered(other)) == {200}
            assert not any(one.done() for one in appends)
        assert {one.result().status_code for one in appends} == {201}


def test_others_are_answered_while_one_asks_what_takes_long(tmp_path: Path) -> None:
    limits = Limits(seconds=8)
    with two(small_store(tmp_path / "store"), sparql=limits) as (eager, other):
        slow = eager.begins(2, "POST", "/sparql", data={"query": SLOW})
        appends = eager.appends(MANY)
        seen_by_all(other)
        assert set(answered(other)) == {200}
        assert not any(one.done() for one in slow)
        assert {one.result().status_code for one in appends} == {201}
        assert {one.result().status_code for one in slow} == {422}
