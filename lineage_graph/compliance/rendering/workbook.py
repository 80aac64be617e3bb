"""The report as an Excel workbook: a sheet for each section, then findings, gaps and sources."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from lineage_graph.compliance.rendering.dates import made_at
from lineage_graph.compliance.rendering.extra import needed
from lineage_graph.compliance.rendering.page import answers, by_severity, columns
from lineage_graph.compliance.rendering.words import Words, shown
from lineage_graph.compliance.report import Cell, Entry, Report, Section
from lineage_graph.drawing.text import printable

# What Excel holds: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
CELL = 32_767
NAME = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
# A name that Excel keeps for itself.
_RESERVED = "history"
# XlsxWriter would write the present, and two workbooks of one report would differ.
_UNDATED = datetime(1980, 1, 1)

# Characters in a column, and points of a line of text.
_WIDTH = 42.0
_LINE = 15.0

Row = Sequence[str | int]


class _Gap(str):
    """A text that says that something is not recorded."""

    __slots__ = ()


def write(report: Report) -> bytes:
    """Return the workbook.

    Raises:
        DeclarationError: The report's language lacks a word, or a section's columns are not
            what its entries answer.
        MissingExtra: XlsxWriter or Babel is not installed.
    """
    with needed():
        import xlsxwriter

    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        _Writer(book, report).write()
    return buffer.getvalue()


class _Writer:
    def __init__(self, book: Any, report: Report) -> None:
        self._book = book
        self._report = report
        self._words = Words(report)
        self._names: set[str] = {_RESERVED}
        # The prefix keeps a text a text also after somebody has edited the cell.
        plain = {"text_wrap": True, "valign": "top", "quote_prefix": True}
        self._text = book.add_format(plain)
        self._number = book.add_format({"valign": "top", "align": "left", "num_format": "0"})
        self._head = book.add_format(
            {**plain, "bold": True, "valign": "bottom", "bottom": 1, "bg_color": "#F4F2ED"}
        )
        self._missing = book.add_format({**plain, "bold": True, "border": 4, "bg_color": "#FFF3DC"})

    def write(self) -> None:
        report, word = self._report, self._words
        moment = made_at(report.sources.made_at)
        self._book.set_properties(
            {
                "title": _fitted(report.title, 255),
                "subject": _fitted(report.legal_basis, 255),
                "comments": _fitted(report.disclaimer, 255),
                "author": _fitted(report.sources.software, 255),
                "created": moment.replace(tzinfo=None) if moment else _UNDATED,
            }
        )
        pairs = (word["name"], word["value"])
        self._sheet(word["report"], pairs, self._summary())
        for section in report.sections:
            head = self._table_head(section) if section.layout == "table" else self._fields_head()
            rows = self._table(section) if section.layout == "table" else self._fields(section)
            self._sheet(section.title, head, rows, section.empty)
        names = ("severity", "findings", "found", "about", "provision", "identifier")
        self._sheet(word["findings"], [word[name] for name in names], self._findings())
        missing = ("field", "about", "not-recorded", "provision", "unlocks")
        self._sheet(word["gaps"], [word.heading(name) for name in missing], self._gaps())
        self._sheet(word["sources"], pairs, self._sources())

    def _sheet(self, title: str, head: Sequence[str], rows: Iterable[Row], empty: str = "") -> None:
        sheet = self._book.add_worksheet(sheet_name(title, self._names))
        last = 0
        for column, text in enumerate(head):
            self._cell(sheet, 0, column, text, self._head)
        wide = _WIDTH if len(head) < 6 else _WIDTH * 0.75
        for last, row in enumerate(rows, 1):
            sheet.set_row(last, _height(row, wide))
            for column, value in enumerate(row):
                style = self._missing if isinstance(value, _Gap) else self._text
                self._cell(sheet, last, column, value, style)
        if not last and empty:
            last = 1
            self._cell(sheet, last, 0, empty, self._missing)
        sheet.set_column(0, len(head) - 1, wide)
        sheet.autofilter(0, 0, last, len(head) - 1)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&C&P / &N")

    def _cell(self, sheet: Any, row: int, column: int, value: str | int, style: Any) -> None:
        if isinstance(value, int):
            sheet.write_number(row, column, value, self._number)
        elif text := self._whole(value):
            sheet.write_string(row, column, text, style)
        else:
            sheet.write_blank(row, column, None, style)

    def _whole(self, text: str) -> str:
        whole = shown(text)
        if _units(whole) <= CELL:
            return whole
        kept = _fitted(whole, CELL - 200)
        return f"{kept}\n{self._words['cut'].format(characters=len(whole) - len(kept))}"

    def _summary(self) -> Iterator[Row]:
        report, word = self._report, self._words
        yield (word["report"], report.title)
        yield (word["provisions"], report.legal_basis)
        yield (word["completeness"], word.completeness())
        yield (word["made-at"], report.sources.made_at)
        yield from (
            (f"{word['asked']}: {name}", value) for name, value in report.parameters.items()
        )
        yield (word["findings"], len(report.findings))
        yield (word["gaps"], len(report.gaps))
        for section in report.sections:
            yield (section.title, section.text or len(section.entries))
        yield (word["notice"], report.disclaimer)

    def _fields_head(self) -> list[str]:
        names = ("subject", "field", "value", "origin", "because", "provision", "identifier")
        return [self._words[name] for name in names]

    def _fields(self, section: Section) -> Iterator[Row]:
        for entry in section.entries:
            for answer in answers(section, entry):
                for cell in answer.cells:
                    origin = self._words.heading(cell.origin)
                    said = (_marked(cell.value, [cell]), _marked(origin, [cell]), cell.because)
                    iris = _iris(entry, [cell])
                    yield (entry.title, answer.label, *said, answer.legal_ref, iris)

    def _table_head(self, section: Section) -> list[str]:
        head = [self._words["subject"]]
        for label, legal_ref in columns(section):
            named = f"{label} ({legal_ref})" if legal_ref else label
            head += [named, f"{label}: {self._words['origin']}"]
        return [*head, self._words["identifier"]]

    def _table(self, section: Section) -> Iterator[Row]:
        for entry in section.entries:
            row = [entry.title]
            for answer in answers(section, entry):
                for texts in (map(_value, answer.cells), map(self._origin, answer.cells)):
                    row.append(_marked("\n".join(texts), answer.cells))
            yield [*row, _iris(entry, [cell for answer in entry.answers for cell in answer.cells])]

    def _origin(self, cell: Cell) -> str:
        origin = self._words.heading(cell.origin)
        return f"{origin}: {cell.because}" if cell.because else origin

    def _findings(self) -> Iterator[Row]:
        for severity, findings in by_severity(self._report.findings):
            for found in findings:
                grave = self._words.heading(severity)
                where = (found.about, found.legal_ref, found.iri or "")
                yield (grave, found.title, found.text, *where)
        if not self._report.findings:
            yield (self._words["no-findings"],)

    def _gaps(self) -> Iterator[Row]:
        for gap in self._report.gaps:
            yield (gap.label, gap.about, _Gap(gap.text), gap.legal_ref, gap.unlocks)
        if not self._report.gaps:
            yield (self._words["no-gaps"],)

    def _sources(self) -> Iterator[Row]:
        sources, word = self._report.sources, self._words
        yield (word["report"], f"{self._report.name} ({self._report.law})")
        yield (word["made-at"], sources.made_at)
        yield (word["software"], sources.software)
        yield (word["ledger-entry"], sources.seq)
        yield (word["chain"], sources.chain)
        yield from ((f"{word['policy']}: {name}", text) for name, text in sources.policy.items())
        yield from (
            (f"{word['ontology']}: {name}", text) for name, text in sources.ontology.items()
        )


def sheet_name(title: str, taken: set[str]) -> str:
    """Return a name for a sheet that Excel accepts, and note that it is taken.

    Args:
        title: What it is called.
        taken: Names in use, in lower case; the returned one is added.
    """
    base = _FORBIDDEN.sub(" ", printable(title)).strip("' ") or "-"
    name, number = _fitted(base, NAME).strip("' "), 1
    while name.casefold() in taken:
        number += 1
        end = f" ({number})"
        name = _fitted(base, NAME - len(end)).strip("' ") + end
    taken.add(name.casefold())
    return name


def _value(cell: Cell) -> str:
    return cell.value


def _iris(entry: Entry, cells: Iterable[Cell]) -> str:
    iris = (entry.iri, *(cell.iri for cell in cells))
    return "\n".join(dict.fromkeys(iri for iri in iris if iri))


def _marked(text: str, cells: Sequence[Cell]) -> str:
    return _Gap(text) if any(cell.origin == "not-recorded" for cell in cells) else text


def _height(row: Row, wide: float) -> float:
    """Return the points that a row needs, at most what Excel allows.

    Excel makes room for wrapped texts by itself; LibreOffice does not.
    """
    cells = (str(value).split("\n") for value in row)
    lines = max(sum(1 + int(len(line) * 1.1 / wide) for line in cell) for cell in cells)
    return min(_LINE * lines + 2, 409.0)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _fitted(text: str, units: int) -> str:
    """Return the beginning of a text, in Excel's characters, which are UTF-16 code units."""
    return shown(text).encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")
