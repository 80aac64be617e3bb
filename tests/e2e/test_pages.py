"""The server's pages in a real browser: what axe finds, what a keyboard reaches, what runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe

from lineage_graph.identity import named
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.e2e.awkward_store import AWKWARD, COLUMNS, awkward_store

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
LOOKS = [("screen", "light", 1280), ("screen", "dark", 1280), ("screen", "light", 360),
         ("screen", "dark", 360), ("print", "light", 800)]  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages") / "store"
    awkward_store(folder)
    with serving(Settings(folder, port=0)) as address:
        yield address


def about(name: str) -> str:
    return f"/id?{urlencode({'iri': named('dataset', name)})}"


class Tab:
    """A page of the browser that notes what it asks for and complains about."""

    def __init__(self, browser: Any, address: str, lang: str = "en") -> None:
        self._context = browser.new_context(locale=lang)
        self.page = self._context.new_page()
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda box: self.complaints.append(f"dialog {box.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", self._failed)

    def go(self, path: str) -> None:
        answer = self.page.goto(self.address + path)
        assert answer.status == 200, path

    def _failed(self, request: Any) -> None:
        # Whoever clicks before a picture is there does not want it any more.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(request.url)

    def close(self) -> None:
        assert self.complaints == []
        strangers = {urlsplit(one).netloc for one in self.asked} - {urlsplit(self.address).netloc}
        assert strangers == set()
        self._context.close()


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Tab]:
    tab = Tab(browser, address)
    yield tab
    tab.close()


PATHS = {
    "everything": "/",
    "a search without an answer": "/?q=nowhere",
    "models": "/?kind=model",
    "reports": "/reports",
    "a model": "/id/model/M",
    "a dataset with awkward names": about(AWKWARD["script"]),
    "a name of 4 kB": about(AWKWARD["4 kB"]),
    "right to left": about(AWKWARD["right to left"]),
    "without a version": about("planned & <never> made"),
    "an agent": "/id/urn:lineage-graph:agent:tester",
}


@pytest.mark.parametrize("lang", ["en", "pt-BR"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_axe_finds_nothing_in_any_language_scheme_or_width(
    browser: Any, address: str, path: str, lang: str
) -> None:
    tab = Tab(browser, address, lang)
    tab.go(path)
    assert tab.page.evaluate("document.documentElement.lang") == lang
    for media, scheme, width in LOOKS:
        tab.page.emulate_media(media=media, color_scheme=scheme)
        tab.page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(tab.page).response
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
        assert len(found["passes"]) > 15
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not tab.page.evaluate(wide), (media, width)
    tab.close()


def test_no_name_runs_or_hides_anything(tab: Tab) -> None:
    tab.go("/")
    shown = tab.page.locator("tbody th a").all_inner_texts()
    assert {name.strip() for name in AWKWARD.values()} <= {name.strip() for name in shown}
    addresses = [one.get_attribute("href") for one in tab.page.locator("tbody th a").all()]
    for name in AWKWARD.values():
        tab.go(addresses[[one.strip() for one in shown].index(name.strip())])
        assert tab.page.locator("h1 bdi").inner_text() == name.strip()
        assert tab.page.locator("#columns-table ~ tbody th").all_inner_texts() == list(COLUMNS)
        # Nothing but what the templates hold has become an element.
        assert tab.page.locator("script, img[onerror], main b").count() == 0
    tab.go(about("planned & <never> made"))
    assert "planned & <never> made" in tab.page.locator("h1").inner_text()


def test_everything_is_reached_and_done_with_the_keyboard(tab: Tab) -> None:
    tab.go("/")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    assert tab.page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    reached = []
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        reached.append(tab.page.evaluate("document.activeElement.outerHTML.slice(0, 300)"))
        if 'id="q"' in reached[-1]:
            tab.page.keyboard.type("onerror")
    assert sum("/id/" in one for one in reached) >= 10
    tab.page.locator("#q").press("Enter")
    tab.page.wait_for_url("**/?q=onerror")
    assert tab.page.locator("tbody th a").all_inner_texts() == [AWKWARD["image"]]
    tab.page.locator("tbody th a").press("Enter")
    tab.page.wait_for_url("**/id**")
    assert tab.page.locator("h1 bdi").inner_text() == AWKWARD["image"]


def test_a_lineage_is_a_picture_and_the_same_as_a_table(tab: Tab) -> None:
    tab.go("/id/model/M")
    picture = tab.page.locator("section[aria-labelledby=lineage-up] img")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 200
    rows = tab.page.locator("#lineage-up-table ~ tbody tr").all_inner_texts()
    assert rows
    tab.page.locator("section[aria-labelledby=lineage-up] tbody a").first.click()
    assert "/id/urn:lineage-graph:version:" in tab.page.url


def test_the_language_that_is_chosen_stays(tab: Tab) -> None:
    tab.go("/id/model/M")
    tab.page.get_by_role("link", name="pt-BR").click()
    assert tab.page.locator("#terms").inner_text() == "Termos de licença"
    tab.page.get_by_role("link", name="Tudo").click()
    assert tab.page.evaluate("document.documentElement.lang") == "pt-BR"
    tab.page.locator("#q").fill("M")
    tab.page.get_by_role("button", name="Buscar").click()
    assert tab.page.evaluate("document.documentElement.lang") == "pt-BR"


def test_many_versions_are_shown_page_by_page(tab: Tab) -> None:
    tab.go(about(AWKWARD["script"]))
    numbers = tab.page.locator("#versions-table ~ tbody th")
    assert numbers.all_inner_texts() == [str(n) for n in range(60, 10, -1)]
    tab.page.get_by_role("link", name="Next page").click()
    assert numbers.all_inner_texts() == [str(n) for n in range(10, 0, -1)]


def test_a_report_is_downloaded_and_never_shown(tab: Tab) -> None:
    tab.go("/id/model/M")
    with tab.page.expect_download() as waiting:
        tab.page.get_by_label(re.compile("GDPR.*, html")).first.click()
    assert waiting.value.suggested_filename.endswith("-gdpr-en.html")
    # A browser gives up to show what it saves instead.
    tab.complaints = [one for one in tab.complaints if "/api/reports/" not in one]


def test_a_page_links_to_the_history_as_files(tab: Tab) -> None:
    tab.go("/id/model/M")
    links = tab.page.locator(".files a[href^='/api/export']").all()
    addresses = [str(one.get_attribute("href")) for one in links]
    assert len(addresses) == 3
    for one in addresses:
        assert httpx2.get(tab.address + one, timeout=60).status_code == 200


@pytest.mark.parametrize("path", ["/", "/reports", "/id/model/M", "/id/model/nowhere"])
def test_every_page_forbids_what_it_does_not_need(address: str, path: str) -> None:
    answer = httpx2.get(address + path, headers={"accept": "text/html"})
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {"Accept", "Accept-Language"} == set(answer.headers["vary"].split(", "))
    assert not re.search(r"<script|<style|<[^>]*( style=| on\w+=|javascript:)", answer.text)
