"""The report as one page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from lineage_graph.compliance.rendering.dates import made_at
from lineage_graph.compliance.rendering.extra import needed
from lineage_graph.compliance.rendering.words import ORIGINS, SEVERITIES, Words, shown
from lineage_graph.compliance.report import Answer, Entry, Finding, Report, Section
from lineage_graph.errors import DeclarationError

MARKS = {
    "declared": "●",
    "derived": "→",
    "inferred": "≈",
    "not-recorded": "□",
    "not-applicable": "—",
    "error": "■",
    "warning": "▲",
    "info": "○",
}
"""A sign for each origin and severity, always beside its word."""

SEGMENTS = 20
# With more columns than this a table is printed on pages that lie on their side.
_UPRIGHT = 4
# A table of contents names the entries of a section when they are no more than this.
_NAMED = 12


def draw(report: Report) -> str:
    """Return the page.

    Raises:
        DeclarationError: The report's language lacks a word, or a section's columns are not
            what its entries answer.
        MissingExtra: Jinja2 or Babel is not installed.
    """
    with needed():
        import jinja2

    moment = made_at(report.sources.made_at)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lineage_graph.compliance.rendering"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        words=Words(report),
        created=None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        filled=None if report.completeness is None else int(report.completeness * SEGMENTS + 1e-9),
        segments=SEGMENTS,
        marks=MARKS,
        origins=ORIGINS,
        findings=by_severity(report.findings),
        columns=columns,
        answers=answers,
        is_wide=lambda section: section.layout == "table" and len(section.columns) > _UPRIGHT,
        names_entries=lambda section: (
            section.layout == "fields" and 1 < len(section.entries) <= _NAMED
        ),
    )


def by_severity(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """Return the findings with what is gravest first, otherwise in the report's order."""
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return [(severity, list(all_)) for severity, all_ in groupby(ordered, lambda f: f.severity)]


def columns(section: Section) -> list[tuple[str, str]]:
    """Return the label and the provision of each column of a section.

    Raises:
        DeclarationError: An entry does not answer the section's columns.
    """
    refs = [""] * len(section.columns)
    for entry in section.entries:
        for index, answer in enumerate(answers(section, entry)):
            refs[index] = refs[index] or answer.legal_ref
    return list(zip(section.columns, refs, strict=True))


def answers(section: Section, entry: Entry) -> Sequence[Answer]:
    """Return what an entry answers, one answer for each column of its section.

    Raises:
        DeclarationError: It has other answers than the section has columns.
    """
    labels = tuple(answer.label for answer in entry.answers)
    if labels != tuple(section.columns):
        raise DeclarationError(
            f"{entry.title!r} in {section.title!r} answers {labels}, and the columns are "
            f"{tuple(section.columns)}. Give each entry one answer for each column, in order."
        )
    return entry.answers


def _finished(value: Any) -> Any:
    return shown(value) if type(value) is str else value
