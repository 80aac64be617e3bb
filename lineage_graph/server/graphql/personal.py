"""Personal data: what columns hold, what a version is under the law, and who is affected."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import strawberry

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.privacy import Status
from lineage_graph.privacy.subjects import SubjectImpact
from lineage_graph.privacy.types import SemanticType
from lineage_graph.privacy.values import Label
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import SIZE
from lineage_graph.server.graphql.nodes import Entity
from lineage_graph.server.graphql.scalars import BigInt


@strawberry.type(description="What a column is taken to hold, and why.")
class ColumnLabel:
    """What a column is taken to hold, and why."""

    column: str = strawberry.field(description="Name of the column.")
    type: str | None = strawberry.field(
        description="Short name of the semantic type; null when it is not known."
    )
    type_iri: str | None = strawberry.field(description="IRI of the semantic type.")
    categories: list[str] = strawberry.field(
        description="Categories of personal data in DPV that values of the type are."
    )
    role: str | None = strawberry.field(description="How a value leads to a person.")
    status: str = strawberry.field(
        description="`accepted`, `suggested`, `unknown`, `confirmed` or `rejected`."
    )
    holds: bool = strawberry.field(description="Whether it is taken to hold the type.")
    value_share: float | None = strawberry.field(
        description="Which part of the sampled values fits, 0 to 1; null for a person's word."
    )
    header: str | None = strawberry.field(description="What the column's name matched.")
    validators: list[str] = strawberry.field(description="The checks that values passed.")
    author: str | None = strawberry.field(
        description="Pseudonym of the person who said so; null for a recogniser."
    )
    because: str | None = strawberry.field(description="Why, in that person's words.")


def column_label(info: Info, label: Label) -> ColumnLabel:
    """Return a label, with what is declared of its type."""
    many = info.context.many
    type_ = many.semantic_type(label.semantic_type) if label.semantic_type else None
    return ColumnLabel(
        column=label.column,
        type=type_.name if type_ else None,
        type_iri=label.semantic_type,
        categories=[many.term(one) for one in type_.categories] if type_ else [],
        role=type_.role if type_ else None,
        status=label.status,
        holds=label.holds,
        value_share=label.value_share,
        header=label.header,
        validators=list(label.validators),
        author=label.author,
        because=label.because,
    )


@strawberry.type(description="Personal data in one column, and how it came there.")
class Holding:
    """Personal data in one column, and how it came there."""

    column: str = strawberry.field(description="The column; for a model, one it learnt from.")
    semantic_type: str | None = strawberry.field(description="What was found where it began.")
    categories: list[str] = strawberry.field(description="What it is now, in DPV's words.")
    role: str = strawberry.field(description="How it leads to a person now.")
    label_status: str | None = strawberry.field(description="How sure the beginning is.")
    rule: str = strawberry.field(description="The last rule that changed it.")
    path: str = strawberry.field(description="From where it was found, step by step.")
    inferred: bool = strawberry.field(description="Whether a model made it up about persons.")


@strawberry.type(description="What a version is under data protection law, and why. Not advice.")
class PersonalData:
    """What a version is under data protection law, and why."""

    name: str = strawberry.field(description="What people call the version.")
    status: str = strawberry.field(description="Such as `Pseudonymised`.")
    label: str = strawberry.field(description="The status, for people.")
    personal: bool = strawberry.field(description="Whether it is treated as personal data.")
    rule: str = strawberry.field(description="The rule that gave the status.")
    path: str = strawberry.field(description="How what decides it came in, step by step.")
    why: str = strawberry.field(description="In a sentence or two; also what is not known.")
    min_group: int | None = strawberry.field(
        description="Fewest rows of a group, as far as that is recorded."
    )
    holdings: list[Holding] = strawberry.field(
        description="The personal data that is in it, the most identifying first."
    )


def personal_data(info: Info, status: Status | None) -> PersonalData | None:
    """Return what a version is under data protection law."""
    if status is None:
        return None
    term = info.context.many.term
    return PersonalData(
        name=status.name,
        status=status.status,
        label=status.label,
        personal=status.personal,
        rule=term(status.rule),
        path=status.path,
        why=status.why,
        min_group=status.min_group,
        holdings=[
            Holding(
                column=one.column,
                semantic_type=term(one.semantic_type) if one.semantic_type else None,
                categories=[term(category) for category in one.categories],
                role=one.role,
                label_status=one.label_status,
                rule=term(one.rule),
                path=one.path,
                inferred=one.inferred,
            )
            for one in status.holdings
        ],
    )


@strawberry.input(description="One identifier of a person. Give it as a variable only.")
class Identity:
    """One identifier of a person."""

    type: str = strawberry.field(description="Short name of a semantic type, such as `cpf`.")
    value: str = strawberry.field(description="The person's value; it is kept nowhere.")


def identities(given: Iterable[Identity], types: Collection[SemanticType]) -> dict[str, str]:
    """Return identifiers by the short names of their types.

    Raises:
        InvalidRecord: None is given, or one type twice; no value is repeated.
        NotFound: A type is not one that persons can be looked up by; it is not repeated,
            for it may be a value in the wrong place.
    """
    given = list(given)
    known = {one.name.casefold() for one in types if one.indexable}
    found = {one.type.strip().casefold(): one.value for one in given}
    if not given or len(found) < len(given):
        raise InvalidRecord("identities: give at least one, and each type once.")
    if not found.keys() <= known:
        raise NotFound(f"identities: a type is none of {', '.join(sorted(known))}.")
    return found


@strawberry.type(description="How many versions there are of a verdict.")
class VerdictCount:
    """How many versions there are of a verdict."""

    verdict: str = strawberry.field(description="Such as `contains`.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="What one version has to do with the person.")
class SubjectVersion:
    """What one version has to do with the person."""

    version: Entity = strawberry.field(description="The version.")
    name: str = strawberry.field(description="What people call it.")
    verdict: str = strawberry.field(
        description="`contains`, `trained on`, `inferred about`, `not affected` or `cannot be "
        "excluded`."
    )
    path: str = strawberry.field(description="How what decides came there.")
    why: str = strawberry.field(description="In a sentence.")
    rows: BigInt = strawberry.field(
        description="In how many of its rows the person is; 0 where that is not known."
    )
    duty: str | None = strawberry.field(description="What is to be done to erase the person.")
    sources: list[str] = strawberry.field(description="The articles that say so.")
    order: int | None = strawberry.field(description="Its place in the order of making anew.")


@strawberry.type(description="What is recorded about one person. Not advice.")
class SubjectImpactAnswer:
    """What is recorded about one person."""

    asked_by: list[str] = strawberry.field(description="Types of the identifiers, without values.")
    counts: list[VerdictCount] = strawberry.field(
        description="How many versions there are of each verdict."
    )
    versions: list[SubjectVersion] = strawberry.field(
        description="Those that contain the person first.", metadata={SIZE: 100}
    )
    hidden: int = strawberry.field(description="Versions that are not among these.")
    plan: list[list[str]] = strawberry.field(
        description="What would be made anew, in order; names of one step in any order."
    )
    limits: str = strawberry.field(description="What this answer does not cover.")
    disclaimer: str = strawberry.field(description="That it is no legal advice.")


def subject_impact(found: SubjectImpact, limit: int) -> SubjectImpactAnswer:
    """Return what is recorded about one person, the first rows of it."""
    from lineage_graph.server.graphql.activities import entity

    rows = found.rows(limit=limit)
    versions = [
        SubjectVersion(
            version=version,
            name=row.name,
            verdict=row.verdict,
            path=row.path,
            why=row.why,
            rows=BigInt(row.rows),
            duty=row.duty,
            sources=list(row.sources),
            order=row.order,
        )
        for row in rows
        if (version := entity(row.version)) is not None
    ]
    return SubjectImpactAnswer(
        asked_by=list(found.asked_by),
        counts=[
            VerdictCount(verdict=verdict, count=count) for verdict, count in found.counts.items()
        ],
        versions=versions,
        hidden=len(found) - len(versions),
        plan=found.plan(),
        limits=found.limits,
        disclaimer=found.disclaimer,
    )
