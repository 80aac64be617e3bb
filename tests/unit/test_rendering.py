"""A report as a page, as a document and as a workbook says everything, and nothing else."""

from __future__ import annotations

import ctypes
import dataclasses
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import openpyxl
import pypdfium2
import pytest

from lineage_graph.compliance.rendering import html, pdf, xlsx
from lineage_graph.compliance.rendering.extra import needed
from lineage_graph.compliance.rendering.page import draw
from lineage_graph.compliance.rendering.words import NEEDED, Words, shown
from lineage_graph.compliance.rendering.workbook import CELL, sheet_name
from lineage_graph.compliance.report import Cell, Report
from lineage_graph.errors import DeclarationError, MissingExtra
from tests.awkward_report import AWKWARD, CONTROL_SHOWN, ROWS, awkward_report, words

ROOT = Path(__file__).parent.parent.parent
VOID = {"meta", "br", "link", "img", "hr", "input"}
both_languages = pytest.mark.parametrize("lang", ["en", "pt-BR"])


class Page(HTMLParser):
    """What a page holds: its elements, and all its text outside of style and title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def texts(report: Report) -> Iterator[str]:
    """Yield everything that a report says, but for its words."""
    yield from (report.title, report.legal_basis, report.disclaimer, *report.parameters.values())
    for section in report.sections:
        yield from (section.title, section.text, *section.columns)
        yield "" if section.entries else section.empty
        for entry in section.entries:
            yield from (entry.title, entry.iri or "")
            for answer in entry.answers:
                yield from (answer.label, answer.legal_ref)
                for cell in answer.cells:
                    yield from (cell.value, cell.because, cell.iri or "")
                    yield report.words[cell.origin]
    for found in report.findings:
        yield from (found.title, found.text, found.legal_ref, found.about, found.iri or "")
    for gap in report.gaps:
        yield from (gap.label, gap.about, gap.text, gap.legal_ref, str(gap.unlocks))
    made = report.sources
    yield from (str(made.seq), made.chain, made.made_at, made.software)
    for pairs in (made.ontology, made.policy):
        yield from (*pairs, *pairs.values())


def plain(text: str) -> str:
    """Return a text without its spaces and in lower case, as layouts differ in both."""
    return re.sub(r"\s+", "", text).casefold()


@cache
def page_of(lang: str) -> str:
    return html(awkward_report(lang))


@both_languages
def test_the_page_parses_and_says_everything_in_the_report(lang: str) -> None:
    page = Page(page_of(lang))
    said = plain("".join(page.texts))
    assert [text for text in texts(awkward_report(lang)) if plain(shown(text)) not in said] == []
    assert CONTROL_SHOWN in "".join(page.texts)
    assert page.named("html") == [{"lang": lang}]
    assert len(page.named("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}
    assert len(page.named("table")) == len(page.named("caption"))
    assert all(attributes.get("scope") for attributes in page.named("th"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(attributes["href"]) for attributes in page.named("a")]
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_the_page_runs_nothing_and_names_no_other_file() -> None:
    page = page_of("en")
    assert not re.search(r"<script|<link|<img|@import|url\(", page)
    assert not re.search(r"\s(src|style|on\w+)=", page)
    assert Page(page).named("script") == []


def test_findings_come_first_and_what_is_gravest_before_them_all() -> None:
    said = "".join(Page(page_of("en")).texts)
    report = awkward_report("en")
    main = said[said.index("Findings", said.index(report.words["notice"])) :]
    order = [report.findings[2].title, report.findings[1].title, report.findings[0].title]
    places = [main.index(text) for text in (*order, report.sections[0].text)]
    assert places == sorted(places)


def test_what_is_not_recorded_is_marked_by_word_and_sign() -> None:
    gap = re.search(r'<span class="origin not-recorded">.*?</span> *([^<]*)</span>', page_of("en"))
    assert gap is not None and "□" in gap[0] and gap[1] == "Not recorded"


def test_only_a_report_without_gaps_is_complete() -> None:
    report = dataclasses.replace(awkward_report("pt-BR", 1), satisfied=1999, applicable=2000)
    assert Words(report).completeness().count("99%") == 1
    assert "100%" in Words(dataclasses.replace(report, satisfied=2000)).completeness()
    none = dataclasses.replace(report, satisfied=0, applicable=0)
    assert Words(none).completeness() == report.words["completeness-none"]
    assert 'role="meter"' not in draw(none)


def test_a_report_without_anything_says_so() -> None:
    report = dataclasses.replace(awkward_report("en", 1), findings=(), gaps=(), sections=())
    page = html(report)
    assert report.words["no-findings"] in page and report.words["no-gaps"] in page
    book = openpyxl.load_workbook(io.BytesIO(xlsx(report)))
    assert book["Findings"]["A2"].value == report.words["no-findings"]
    assert book["Gaps"]["A2"].value == report.words["no-gaps"]


@both_languages
def test_every_word_is_declared_in_every_language(lang: str) -> None:
    assert set(NEEDED) - set(words(lang)) == set()


def test_a_word_that_the_language_lacks_is_an_error() -> None:
    report = awkward_report("pt-BR", 1)
    lacking = {name: word for name, word in report.words.items() if name != "gaps"}
    for form in (html, pdf, xlsx):
        with pytest.raises(DeclarationError, match="pt-BR have no words for gaps"):
            form(dataclasses.replace(report, words=lacking))


def test_answers_that_are_not_those_of_the_columns_are_an_error() -> None:
    report = awkward_report("en", 1)
    section = dataclasses.replace(report.sections[1], columns=("Status",))
    for form in (html, xlsx):
        with pytest.raises(DeclarationError, match="one answer for each column"):
            form(dataclasses.replace(report, sections=(section,)))


@both_languages
def test_the_document_is_tagged_and_says_everything_in_the_report(lang: str) -> None:
    report = awkward_report(lang, 10)
    written = pdf(report)
    document = pypdfium2.PdfDocument(written)
    try:
        assert pypdfium2.raw.FPDFCatalog_IsTagged(document)
        language = (ctypes.c_ushort * 32)()
        pypdfium2.raw.FPDFCatalog_GetLanguage(document, language, 64)
        assert bytes(language).decode("utf-16-le").rstrip("\0") == lang
        assert document.get_metadata_dict()["Title"] == report.title
        assert document.get_metadata_dict()["CreationDate"].startswith("D:20261126113000")
        said = "".join(page.get_textpage().get_text_range() for page in document)
        assert len(document) >= 5
        assert f"{len(document)} / {len(document)}" in said
        landscape = [page.get_width() > page.get_height() for page in document]
        assert any(landscape) and not landscape[0]
    finally:
        document.close()
    said = re.sub(r"[\s\ufffe\u00ad-]+", "", said).casefold()
    # Letters from right to left and joined emoji are drawn, not written, in their order.
    hard = (AWKWARD["right to left"], AWKWARD["emoji"])
    expected = {re.sub(r"[\s-]+", "", shown(t)).casefold() for t in texts(report) if t not in hard}
    # A text that goes over a line or a page is looked for in pieces.
    assert [text for text in expected if text[:12] not in said] == []


def test_a_document_is_the_same_bytes_in_every_process() -> None:
    code = (
        "import hashlib; from lineage_graph.compliance.rendering import pdf, xlsx, html\n"
        "from tests.awkward_report import awkward_report\n"
        "report = awkward_report('en', 1)\n"
        "forms = html(report).encode(), pdf(report), xlsx(report)\n"
        "print([hashlib.sha256(form).hexdigest() for form in forms])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert runs[0] == runs[1]


def test_a_document_reads_no_other_file(tmp_path: Path) -> None:
    from lineage_graph.compliance.rendering.paper import print_page

    secret = tmp_path / "secret.css"
    secret.write_text("h1::after { content: 'read' }")
    page = f"<html lang=en><link rel=stylesheet href='{secret.as_uri()}'><h1>Report</h1></html>"
    document = pypdfium2.PdfDocument(print_page(page))
    try:
        assert document[0].get_textpage().get_text_range().strip() == "Report"
    finally:
        document.close()


@both_languages
def test_the_workbook_says_everything_and_holds_no_formula(lang: str) -> None:
    report = awkward_report(lang)
    book = openpyxl.load_workbook(io.BytesIO(xlsx(report)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(isinstance(c.value, int) for c in cells if c.data_type == "n")
    assert all(cell.hyperlink is None for cell in cells)
    said = plain("\n".join(str(cell.value) for cell in cells))
    assert [text for text in texts(report) if plain(shown(text)) not in said] == []
    assert book.sheetnames[0] == report.words["report"]
    assert book.sheetnames[-3:] == [report.words[n] for n in ("findings", "gaps", "sources")]
    rows = book.worksheets[2]
    assert rows.max_row == ROWS + 1
    assert rows.freeze_panes == "B2" and rows.auto_filter.ref == "A1:L201"
    assert rows["A3"].alignment.wrap_text and rows.column_dimensions["A"].width > 20
    assert book.properties.title == report.title
    assert book.properties.created == datetime(2026, 11, 26, 11, 30)


def test_what_looks_like_a_formula_stays_a_text_also_when_it_is_edited() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(awkward_report("en"))))
    found = [c for s in book for r in s.iter_rows() for c in r if c.value == AWKWARD["formula"]]
    assert len(found) >= 3
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in found)
    with zipfile.ZipFile(io.BytesIO(xlsx(awkward_report("en")))) as parts:
        sheets = [parts.read(n) for n in parts.namelist() if n.startswith("xl/worksheets/")]
    assert sheets and not any(b"<f>" in sheet for sheet in sheets)


def test_sheets_have_names_that_excel_accepts() -> None:
    taken = {"history"}
    titles = ["a/b:c", "A b c", "x" * 40, "x" * 41, "History", "'quoted'", "[]", "", "😀" * 20]
    names = [sheet_name(title, taken) for title in titles]
    assert names[:3] == ["a b c", "A b c (2)", "x" * 31]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(0 < len(name.encode("utf-16-le")) // 2 <= 31 for name in names)
    assert not any(re.search(r"[\[\]:*?/\\]|^'|'$", name) for name in names)


def test_a_text_longer_than_a_cell_says_how_much_is_left_out() -> None:
    report = awkward_report("en", 0)
    finding = dataclasses.replace(report.findings[0], text="é" * (CELL + 1))
    book = openpyxl.load_workbook(
        io.BytesIO(xlsx(dataclasses.replace(report, findings=(finding,))))
    )
    text = str(book["Findings"]["C2"].value)
    kept, left = text.split("\n")
    assert len(text) <= CELL
    assert left == report.words["cut"].format(characters=CELL + 1 - len(kept))


def test_what_is_missing_is_said_with_what_to_type() -> None:
    pip = r'weasy is not installed.*"lineage-graph\[report\]"'
    with pytest.raises(MissingExtra, match=pip), needed():
        raise ModuleNotFoundError("No module named 'weasy'", name="weasy")
    with pytest.raises(MissingExtra, match="apt-get install libpango"), needed():
        raise OSError("cannot load library 'libpango-1.0-0'")


def test_a_report_made_at_no_known_date_has_none() -> None:
    report = awkward_report("en", 0)
    sources = dataclasses.replace(report.sources, made_at="yesterday, 2026-13-45")
    assert "dcterms.created" not in html(dataclasses.replace(report, sources=sources))


def test_a_cell_needs_no_note_and_no_iri() -> None:
    cell = Cell("value", "derived")
    assert (cell.because, cell.iri) == ("", None)
