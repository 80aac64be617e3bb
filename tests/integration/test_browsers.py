"""Tokens that browsers send by themselves: they open pages, and are good for nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from lineage_graph.access.tokens import PREFIX, Tokens
from lineage_graph.server.app import application
from lineage_graph.server.authorize import browsed, routes
from lineage_graph.server.failures import MOST
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.asking import WEBSOCKET, happens

TYPED = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
LINKED = {**TYPED, "Sec-Fetch-Site": "cross-site"}
FRAMED = {**LINKED, "Sec-Fetch-Dest": "iframe"}
SHOWN = {
    "Accept": "image/*",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "image",
}
EMBEDDED = {**SHOWN, "Sec-Fetch-Site": "cross-site"}
BESIDE = {**SHOWN, "Sec-Fetch-Site": "same-site"}


def basic(secret: str, user: str = "anybody") -> dict[str, str]:
    """Return what a browser sends of what was typed into its window."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"}


@pytest.fixture
def admin(store: Path) -> str:
    tokens = Tokens(store / "access")
    secret, _ = tokens.create("admin", ["admin"], clearances=None)
    tokens.close()
    return secret


@pytest.fixture
def address(store: Path, admin: str) -> Iterator[str]:
    with serving(Settings(store, port=0)) as where:
        yield where


PAGES = {"GET /", "GET /id", "GET /id/{name:path}", "GET /reports"}
PARTS = {"GET /api/export", "GET /api/reports/{name}", "GET /pictures/{direction}"}
PUBLIC = {"GET /assets/icon.svg", "GET /assets/pages.css", "GET /health", "GET /ready"}


def test_a_token_that_a_browser_sends_opens_pages_and_their_parts_alone(
    address: str, admin: str, store: Path
) -> None:
    """Whatever changes something, asks in GraphQL or SPARQL, or is a WebSocket, takes none."""

    def opened(sent: Mapping[str, str]) -> set[str]:
        found = {
            f"{method} {route.path}": happens(
                address, method, str(route.path), admin, {**sent, **basic(admin)}
            )
            for route in routes(application(Settings(store)))
            for method in sorted(route.methods or {WEBSOCKET})
        }
        return {name for name, became in found.items() if became == "let in"} - PUBLIC

    assert opened(TYPED) == opened(SHOWN) == PAGES | PARTS
    assert opened(LINKED) == PAGES
    for sent in (FRAMED, EMBEDDED, BESIDE, {}, {"Accept": "text/html"}):
        assert opened(sent) == set(), sent


def test_what_browsers_may_open_is_only_read(store: Path) -> None:
    marked = [route for route in routes(application(Settings(store))) if browsed(route)]
    assert {method for route in marked for method in route.methods or ()} == {"GET"}


def test_only_a_person_who_opens_a_page_is_asked_for_a_token(address: str) -> None:
    def challenged(path: str, sent: Mapping[str, str]) -> str:
        answer = httpx2.get(address + path, headers=dict(sent))
        assert answer.status_code == 401
        return answer.headers["www-authenticate"].partition(" ")[0]

    assert challenged("/", TYPED) == challenged("/id/dataset/x", LINKED) == "Basic"
    assert challenged("/api/reports/ropa", TYPED) == "Basic"
    for sent in (FRAMED, EMBEDDED, SHOWN, {}, {**TYPED, "Accept": "application/json"}):
        assert challenged("/", sent) == "Bearer", sent
    # A browser says nothing of this where others could read along, so it is not asked to.
    assert challenged("/", {"Accept": TYPED["Accept"]}) == "Bearer"
    for path in ("/sparql", "/graphql", "/openapi.json", "/metrics"):
        assert challenged(path, TYPED) == "Bearer"


def test_a_person_without_a_token_reads_what_to_do(address: str) -> None:
    english = httpx2.get(f"{address}/reports", headers=TYPED)
    portuguese = httpx2.get(f"{address}/reports", headers={**TYPED, "Accept-Language": "pt"})
    assert english.headers["content-type"].startswith("text/html")
    assert "token" in english.text and "script" not in english.text
    assert '<html lang="pt-BR">' in portuguese.text
    assert httpx2.get(f"{address}/reports").json()["code"] == "unauthenticated"


def test_nothing_that_a_token_opened_is_kept(address: str, admin: str) -> None:
    for path in ("/", "/reports", "/id/dataset/nowhere", "/api/reports/ropa", "/pictures/up?iri=x"):
        answer = httpx2.get(address + path, headers={**TYPED, **basic(admin)})
        assert "no-store" in answer.headers["cache-control"], path
        assert "set-cookie" not in answer.headers


def test_whatever_is_wrong_with_it_is_told_the_same_and_counts(address: str, admin: str) -> None:
    def sent(authorization: str) -> httpx2.Response:
        return httpx2.get(address, headers={**TYPED, "Authorization": authorization})

    good = basic(admin)["Authorization"]
    wrong = [
        basic(admin[:-1])["Authorization"],
        basic("")["Authorization"],
        basic(f"{admin} ")["Authorization"],
        "Basic",
        "Basic %%%",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"x:\xff\xfe").decode(),
        good + " x",
    ]
    answers = [sent(one) for one in wrong]
    assert {one.status_code for one in answers} == {401}
    assert {one.headers["www-authenticate"] for one in answers} == {
        'Basic realm="lineage_graph", charset="UTF-8"'
    }
    assert len({one.text for one in answers}) == 1
    rest = [sent(basic(f"{PREFIX}{n}")["Authorization"]).status_code for n in range(MOST)]
    assert rest == [401] * (MOST - len(wrong)) + [429] * len(wrong)
    assert sent(good).status_code == 200


def test_another_site_neither_learns_nor_uses_up_anything(address: str, admin: str) -> None:
    """What another site makes a browser send is not looked up, so it counts for nothing."""
    for sent in (basic(admin), basic(f"{PREFIX}wrong")):
        answers = [httpx2.get(address, headers={**EMBEDDED, **sent}) for _ in range(MOST + 1)]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "cross-origin")}
    assert httpx2.get(address, headers={**TYPED, **basic(admin)}).status_code == 200


def test_a_revoked_token_opens_nothing_more(address: str, admin: str, store: Path) -> None:
    assert httpx2.get(address, headers={**TYPED, **basic(admin)}).status_code == 200
    tokens = Tokens(store / "access")
    tokens.revoke("admin")
    tokens.close()
    refused = httpx2.get(address, headers={**TYPED, **basic(admin)})
    assert (refused.status_code, "no-store" in refused.headers["cache-control"]) == (401, True)


def test_no_line_repeats_what_was_typed(
    address: str, admin: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sent = basic(admin, "Ana Souza"), basic(f"{PREFIX}wrong", "Ana Souza")
    for one in sent:
        httpx2.get(address, headers={**TYPED, **one})
    text = ""
    while text.count('"event": "request"') < len(sent):
        text += capfd.readouterr().err
    typed = (admin, f"{PREFIX}wrong", "Ana", *(one["Authorization"].split()[1] for one in sent))
    assert [one for one in typed if one in text] == []
    assert '"principal": "token:admin"' in text
