"""A report as plain text: for a terminal, as Markdown, and as CSV with one row a cell.

Sources: CommonMark 0.31 and GitHub's tables; RFC 4180 (CSV).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from lineage_graph.compliance.rendering.words import Words
from lineage_graph.compliance.report import Cell, Entry, Report, Section
from lineage_graph.drawing.text import printable

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ESCAPED: Final = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|~"} | {"\n": " ", "\r": ""})


def csv_text(report: Report) -> str:
    """Return every cell of a report as a row of CSV.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    names = ("section", "subject", "identifier", "field", "provision", "value", "origin", "because")
    writer.writerow([report.words[name] for name in names])
    for section in report.sections:
        for entry in section.entries:
            for answer in entry.answers:
                for cell in answer.cells:
                    row = (
                        *(section.title, entry.title, cell.iri or entry.iri or ""),
                        *(answer.label, answer.legal_ref, cell.value),
                        *(report.words[cell.origin], cell.because),
                    )
                    writer.writerow(map(_harmless, row))
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    words = report.words
    parts = [f"# {_md(report.title)}", _md(report.legal_basis), f"> {_md(report.disclaimer)}"]
    if report.parameters:
        asked = [(name, value) for name, value in report.parameters.items()]
        parts += [f"## {words['asked']}", _md_table((words["name"], words["value"]), asked)]
    parts += [f"## {words['completeness']}", _md(Words(report).completeness())]
    for section in report.sections:
        parts += _md_section(report, section)
    parts += [f"## {words['findings']}", _md_findings(report)]
    parts += [f"## {words['gaps']}", _md_gaps(report)]
    parts += [f"## {words['sources']}", _md_table((words["name"], words["value"]), sources(report))]
    return "\n\n".join(parts) + "\n"


def _md_section(report: Report, section: Section) -> Iterator[str]:
    words = report.words
    yield f"## {_md(section.title)}"
    if section.text:
        yield _md(section.text)
    if not section.entries:
        yield _md(section.empty)
    elif section.layout == "table":
        rows = [
            (entry.title, *(_told(report, answer.cells) for answer in entry.answers))
            for entry in section.entries
        ]
        yield _md_table((words["subject"], *section.columns), rows)
    else:
        head = tuple(words[name] for name in ("field", "provision", "value", "origin", "because"))
        for entry in section.entries:
            yield f"### {_md(entry.title)}"
            yield _md_table(head, list(_rows(report, entry)))


def _rows(report: Report, entry: Entry) -> Iterator[tuple[str, ...]]:
    for answer in entry.answers:
        for cell in answer.cells:
            origin = report.words[cell.origin]
            yield answer.label, answer.legal_ref, cell.value, origin, cell.because


def _told(report: Report, cells: Sequence[Cell]) -> str:
    return "; ".join(
        f"{cell.value} ({', '.join(filter(None, (report.words[cell.origin], cell.because)))})"
        for cell in cells
    )


def _md_findings(report: Report) -> str:
    words = report.words
    if not report.findings:
        return _md(words["no-findings"])
    head = tuple(words[name] for name in ("severity", "name", "found", "provision"))
    rows = [(words[f.severity], f.title, f.text, f.legal_ref) for f in report.findings]
    return _md_table(head, rows)


def _md_gaps(report: Report) -> str:
    words = report.words
    if not report.gaps:
        return _md(words["no-gaps"])
    head = tuple(words[name] for name in ("field", "about", "found", "provision", "unlocks"))
    rows = [(g.label, g.about, g.text, g.legal_ref, str(g.unlocks)) for g in report.gaps]
    return _md_table(head, rows)


def sources(report: Report) -> list[tuple[str, str]]:
    """Return what a report was made from, by what the language calls it."""
    words, made = report.words, report.sources
    return [
        (words["ledger-entry"], str(made.seq)),
        (words["chain"], made.chain),
        *((f"{words['policy']}: {name}", value) for name, value in made.policy.items()),
        *((f"{words['ontology']}: {name}", digest) for name, digest in made.ontology.items()),
        (words["made-at"], made.made_at),
        (words["software"], made.software),
    ]


def _md(text: str) -> str:
    return printable(text.translate(_ESCAPED))


def _md_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(map(_md, head)), ["---"] * len(head), *([_md(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(report: Report) -> str:
    """Return a report as a person reads it in a terminal."""
    words = report.words
    lines = [report.title, report.legal_basis, Words(report).completeness()]
    for section in report.sections:
        lines += ["", section.title.upper(), *([section.text] if section.text else [])]
        lines += [] if section.entries else [f"  {section.empty}"]
        for entry in section.entries:
            lines += [f"  {entry.title}"]
            lines += [
                f"    {answer.label}: {_told(report, answer.cells)} [{answer.legal_ref}]"
                for answer in entry.answers
            ]
    lines += ["", words["findings"].upper()]
    lines += [f"  {words[f.severity]}: {f.text} [{f.legal_ref}]" for f in report.findings] or [
        f"  {words['no-findings']}"
    ]
    lines += ["", words["gaps"].upper()]
    lines += [f"  {g.label} ({g.about}): {g.text} [{g.legal_ref}]" for g in report.gaps] or [
        f"  {words['no-gaps']}"
    ]
    made = sources(report)
    # Digests of files fill a screen and tell nobody anything there: other formats have them.
    shown = [one for one in made if not one[0].startswith(words["ontology"])]
    lines += ["", words["sources"].upper(), *(f"  {name}: {value}" for name, value in shown)]
    return "\n".join(map(printable, [*lines, "", report.disclaimer])) + "\n"
