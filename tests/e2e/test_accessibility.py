"""The page of a report in a real browser: what axe finds, in every way it is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from lineage_graph.compliance.rendering import html
from tests.awkward_report import awkward_report


@pytest.mark.parametrize("lang", ["en", "pt-BR"])
def test_axe_finds_nothing_on_screen_in_the_dark_on_paper_or_on_a_telephone(
    browser: Any, lang: str, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(awkward_report(lang, 6)), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    looks = [
        ("screen", "light", 1280),
        ("screen", "dark", 1280),
        ("screen", "light", 360),
        ("print", "light", 800),
        ("print", "dark", 800),
    ]
    for media, scheme, width in looks:
        page.emulate_media(media=media, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
        assert len(found["passes"]) > 20
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide), (media, width)
    assert asked == [file.as_uri()]
    page.emulate_media(media="screen")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.close()
