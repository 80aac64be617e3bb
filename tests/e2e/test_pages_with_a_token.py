"""The pages of a server that has tokens, in a real browser whose person types one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from lineage_graph.access.tokens import Tokens
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.e2e.awkward_store import awkward_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "store"
    awkward_store(folder)
    return folder


@pytest.fixture(scope="module")
def tokens(folder: Path) -> Iterator[Tokens]:
    tokens = Tokens(folder / "access")
    yield tokens
    tokens.close()


@pytest.fixture(scope="module")
def secret(tokens: Tokens) -> str:
    return tokens.create("ana", ["admin"], clearances=None)[0]


@pytest.fixture(scope="module")
def address(folder: Path, secret: str) -> Iterator[str]:
    with serving(Settings(folder, port=0)) as address:
        yield address


def tab(browser: Any, secret: str, lang: str = "en") -> Any:
    """Return a page of a browser in whose window a person types a token once."""
    typed = {"username": "ana", "password": secret}
    return browser.new_context(locale=lang, http_credentials=typed).new_page()


def test_a_person_types_a_token_and_looks_around(browser: Any, address: str, secret: str) -> None:
    page = tab(browser, secret)
    said: list[tuple[int, str]] = []
    page.on("response", lambda answer: said.append((answer.status, answer.url)))
    page.goto(f"{address}/")
    page.get_by_role("link", name="Models", exact=True).click()
    page.locator("tbody th a").first.click()
    picture = page.locator("section[aria-labelledby=lineage-up] img")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 200
    with page.expect_download() as waiting:
        page.get_by_label("GDPR").first.click()
    assert Path(waiting.value.path()).stat().st_size > 0
    with page.expect_download() as waiting:
        page.locator(".files a").first.click()
    assert Path(waiting.value.path()).stat().st_size > 0
    assert {status for status, _ in said} == {200}
    assert any("/api/reports/" in url for _, url in said)
    assert page.context.cookies() == []
    page.context.close()


@pytest.mark.parametrize(("lang", "heading"), [("en", "Who asks?"), ("pt-BR", "Quem pergunta?")])
def test_whoever_gives_up_reads_what_to_do(
    browser: Any, address: str, lang: str, heading: str
) -> None:
    page = tab(browser, "lgt_wrong", lang)
    assert page.goto(f"{address}/id/model/M").status == 401
    assert page.locator("h1").inner_text() == heading
    assert page.evaluate("document.documentElement.lang") == lang
    assert Axe().run(page).response["violations"] == []
    page.context.close()


SITE = """<!DOCTYPE html><title>another</title>
<a id=page href="{0}/id/model/M">a page</a>
<a id=file href="{0}/api/export?name=M">a file</a>
<img src="{0}/pictures/up?iri=model/M"><img src="{0}/api/reports/ropa?format=pdf">
<iframe src="{0}/"></iframe>
<form id=change method=post action="{0}/api/rebuilds" enctype="text/plain" target=one>
<input name='{{"target": "M", "x": "' value='"}}'></form>
<form id=ask method=post action="{0}/graphql" enctype="text/plain" target=two></form>
<iframe name=one></iframe><iframe name=two></iframe>
<script>
change.submit(); ask.submit();
fetch("{0}/sparql?query=ASK{{}}", {{mode: "no-cors", credentials: "include"}}).catch(() => 0);
fetch("{0}/graphql?query={{__typename}}", {{mode: "no-cors", credentials: "include"}});
fetch("{0}/api/artifacts/x", {{method: "PUT", credentials: "include"}}).catch(() => 0);
new WebSocket("{0}/graphql".replace("http", "ws"));
</script>"""


@pytest.fixture
def another(tmp_path: Path, address: str) -> Iterator[str]:
    """Another site, which would like to use what the browser was told."""
    (tmp_path / "index.html").write_text(SITE.format(address), encoding="utf-8")
    site = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    )
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://localhost:{site.server_port}/"
    site.shutdown()
    site.server_close()


# What is posted from another site is refused before it has a route.
ASKED = {
    "/", "/pictures/{direction}", "/api/reports/{name}", "(none)", "/graphql", "/sparql",
}  # fmt: skip


def test_another_site_gets_nothing_by_what_the_browser_was_told(
    browser: Any, address: str, secret: str, another: str, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tab(browser, secret)
    page.goto(f"{address}/")
    said = answered(capfd, {"/"})
    assert "token:ana" in [line["principal"] for line in said]
    page.goto(another)
    said = answered(capfd, ASKED)
    said = [line for line in said if not line["route"].startswith("/assets/")]
    assert [line for line in said if line["principal"] or line["status"] < 400] == []
    # A page that a person goes to from there is opened, and a file is not.
    page.locator("#page").click()
    page.wait_for_url(f"{address}/**")
    assert page.locator("h1 bdi").inner_text() == "M"
    page.goto(another)
    page.locator("#file").click()
    page.wait_for_url(f"{address}/api/export**")
    assert "may not" in page.inner_text("body") or "Say who asks" in page.inner_text("body")
    page.context.close()


def answered(capfd: pytest.CaptureFixture[str], routes: set[str]) -> list[dict[str, Any]]:
    """Return the lines of the server's log, up to when each of some routes has one."""
    text = ""
    said: list[dict[str, Any]] = []
    while not routes <= {line["route"] for line in said}:
        text += capfd.readouterr().err
        found = [line for line in text.splitlines() if '"event": "request"' in line]
        said = [json.loads(line) for line in found if line.endswith("}")]
    return said


def test_a_token_that_is_taken_back_opens_nothing_more(
    browser: Any, address: str, tokens: Tokens
) -> None:
    page = tab(browser, tokens.create("leaving", ["reader"])[0])
    assert page.goto(f"{address}/").status == 200
    tokens.revoke("leaving")
    assert page.reload().status == 401
    page.go_back()
    assert page.locator("tbody").count() == 0
    page.context.close()
