"""Reports as laws ask for them: which there are, and what they say, as structured values."""

from __future__ import annotations

from typing import Any

import strawberry

from lineage_graph.compliance.report import Report
from lineage_graph.server.graphql.fields import SIZE


@strawberry.type(description="A report that can be asked for.")
class ReportDescription:
    """A report that can be asked for."""

    name: str = strawberry.field(description="Such as `ropa`.")
    law: str = strawberry.field(description="Such as `gdpr`.")
    title: str = strawberry.field(description="Its heading.")
    legal_basis: str = strawberry.field(description="The provisions it answers.")
    parameters: list[str] = strawberry.field(description="What may be given.")
    about: str = strawberry.field(description="What it is for.")


@strawberry.type(description="One value of a field; it says where it comes from.")
class ReportCell:
    """One value of a field."""

    value: str = strawberry.field(description="What is shown.")
    origin: str = strawberry.field(
        description="`declared`, `derived`, `inferred`, `not-recorded` or `not-applicable`."
    )
    because: str = strawberry.field(description="Who declared it, the path, or the reason.")
    iri: str | None = strawberry.field(description="What it is about in the graph.")


@strawberry.type(description="A field of a report, answered for one subject.")
class ReportAnswer:
    """A field of a report, answered for one subject."""

    field: str = strawberry.field(description="IRI of the field.")
    label: str = strawberry.field(description="What the field is called.")
    legal_ref: str = strawberry.field(description="The provision that asks for it.")
    cells: list[ReportCell] = strawberry.field(description="At least one.", metadata={SIZE: 3})


@strawberry.type(description="All fields of one subject: a process, a dataset, a model.")
class ReportEntry:
    """All fields of one subject."""

    title: str = strawberry.field(description="What people call the subject.")
    answers: list[ReportAnswer] = strawberry.field(
        description="One for each field.", metadata={SIZE: 10}
    )
    iri: str | None = strawberry.field(description="The subject; null for the report itself.")


@strawberry.type(description="One part of a report.")
class ReportSection:
    """One part of a report."""

    title: str = strawberry.field(description="Its heading.")
    entries: list[ReportEntry] = strawberry.field(
        description="Its subjects; none is said, never hidden.", metadata={SIZE: 10}
    )
    columns: list[str] = strawberry.field(description="Labels of the fields, in order.")
    layout: str = strawberry.field(description="`fields` or `table`.")
    text: str = strawberry.field(description="A sentence of introduction.")
    empty: str = strawberry.field(description="What is said when there is no entry.")


@strawberry.type(description="What is otherwise in the graph than the law asks.")
class ReportFinding:
    """What is otherwise in the graph than the law asks."""

    severity: str = strawberry.field(description="`error`, `warning` or `info`.")
    title: str = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="What was found, with its path.")
    legal_ref: str = strawberry.field(description="The provision.")
    about: str = strawberry.field(description="What it is about, as people call it.")
    iri: str | None = strawberry.field(description="The same in the graph.")


@strawberry.type(description="Something that is not recorded.")
class ReportGap:
    """Something that is not recorded."""

    label: str = strawberry.field(description="The field.")
    about: str = strawberry.field(description="Of what, as people call it.")
    text: str = strawberry.field(description="The sentence that says so, with the article.")
    legal_ref: str = strawberry.field(description="The provision.")
    unlocks: int = strawberry.field(description="How many fields of the report need it.")


@strawberry.type(description="A name and what it stands for.")
class Named:
    """A name and what it stands for."""

    name: str = strawberry.field(description="The name.")
    value: str = strawberry.field(description="What it stands for.")


@strawberry.type(description="What a report was made from.")
class ReportSources:
    """What a report was made from."""

    seq: int = strawberry.field(description="Last entry of the ledger that it considers.")
    chain: str = strawberry.field(description="That entry's chain.")
    ontology: list[Named] = strawberry.field(description="Files of declarations, with digests.")
    policy: list[Named] = strawberry.field(description="Settings and their values.")
    made_at: str = strawberry.field(description="When, as shown.")
    software: str = strawberry.field(description="Name and release.")


@strawberry.type(description="A report, in one language. Not legal advice.")
class ReportDocument:
    """A report, in one language."""

    name: str = strawberry.field(description="Such as `ropa`.")
    law: str = strawberry.field(description="Such as `gdpr`.")
    lang: str = strawberry.field(description="Such as `pt-BR`.")
    title: str = strawberry.field(description="Its heading.")
    legal_basis: str = strawberry.field(description="The provisions it answers.")
    sections: list[ReportSection] = strawberry.field(description="Its parts.", metadata={SIZE: 5})
    findings: list[ReportFinding] = strawberry.field(description="What is otherwise.")
    gaps: list[ReportGap] = strawberry.field(description="What is not recorded.")
    satisfied: int = strawberry.field(description="How many fields are recorded.")
    applicable: int = strawberry.field(description="Of how many.")
    completeness: float | None = strawberry.field(description="The share; null when none applies.")
    sources: ReportSources = strawberry.field(description="What it was made from.")
    parameters: list[Named] = strawberry.field(description="What was asked.")
    words: list[Named] = strawberry.field(description="Headings and words of the language.")
    disclaimer: str = strawberry.field(description="That it is no legal advice.")


@strawberry.input(description="A parameter of a report.")
class ReportParameter:
    """A parameter of a report."""

    name: str = strawberry.field(description="Such as `dataset`.")
    value: str = strawberry.field(description="Such as `bookings`.")


def document(report: Report) -> ReportDocument:
    """Return a report as GraphQL shows it."""
    said = report.to_dict()
    sources = said["sources"]
    for name in ("ontology", "policy"):
        sources[name] = _pairs(sources[name])
    said |= {
        "sections": [_section(one) for one in said["sections"]],
        "findings": [ReportFinding(**one) for one in said["findings"]],
        "gaps": [ReportGap(**one) for one in said["gaps"]],
        "sources": ReportSources(**sources),
        "parameters": _pairs(said["parameters"]),
        "words": _pairs(said["words"]),
    }
    return ReportDocument(**said)


def _section(said: dict[str, Any]) -> ReportSection:
    entries = [ReportEntry(**one | {"answers": _answers(one)}) for one in said["entries"]]
    return ReportSection(**said | {"entries": entries, "columns": list(said["columns"])})


def _answers(entry: dict[str, Any]) -> list[ReportAnswer]:
    return [
        ReportAnswer(**one | {"cells": [ReportCell(**cell) for cell in one["cells"]]})
        for one in entry["answers"]
    ]


def _pairs(said: dict[str, str]) -> list[Named]:
    return [Named(name=name, value=str(value)) for name, value in sorted(said.items())]
