"""Licences: what is said, what binds and why, what an end would mean, and whom to name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from lineage_graph.licensing import USES, Impact, LicenseTerms
from lineage_graph.licensing.algebra import Use
from lineage_graph.licensing.attribution import Attribution, Notice
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import SIZE, value
from lineage_graph.server.graphql.nodes import Entity


@strawberry.enum(description="Which reading of unsettled questions is taken.")
class Policy(Enum):
    """Which reading of unsettled questions is taken."""

    PERMISSIVE = value("permissive", "The freest reading.")
    BALANCED = value("balanced", "The reading of answers that show.")
    CONSERVATIVE = value("conservative", "The strictest reading, of answers that stop something.")


@strawberry.type(description="Somebody says which licence something has.")
class LicenseStatement:
    """Somebody says which licence something has."""

    iri: str = strawberry.field(description="IRI of the statement.")
    expression: str = strawberry.field(description="SPDX expression.")
    at: datetime = strawberry.field(description="When it was recorded.")
    author: str = strawberry.field(description="Pseudonym of who recorded it.")
    said_by: str | None = strawberry.field(description="Who says so.")
    evidence: str | None = strawberry.field(description="sha256 of the text that says so.")
    location: str | None = strawberry.field(description="Name of the file that text came from.")
    attribution: str | None = strawberry.field(description="Who is to be named.")
    address: str | None = strawberry.field(description="Where the licensor publishes it.")


async def statements(info: Info, iri: str) -> list[LicenseStatement]:
    """Return what is said about the licence of exactly this version or dataset."""
    found = await info.context.of(info.context.many.statements, iri) or ()
    return [LicenseStatement(**_without(vars(one), "about")) for one in found]


@strawberry.type(description="A reading of a licence that decides between verdicts.")
class Reading:
    """A reading of a licence that decides between verdicts."""

    label: str = strawberry.field(description="What it is about.")
    certainty: str = strawberry.field(description="How settled it is.")
    source: str | None = strawberry.field(description="Where it is from.")
    why: str | None = strawberry.field(description="Why it is read so.")


@strawberry.type(description="A source that a reason is about.")
class ReasonSource:
    """A source that a reason is about."""

    name: str = strawberry.field(description="Name of the source.")
    license: str = strawberry.field(description="Id of its licence.")
    level: str = strawberry.field(description="How much of it is left.")
    path: list[str] = strawberry.field(description="By which it arrived, step by step.")


@strawberry.type(description="What decides a verdict.")
class Reason:
    """What decides a verdict."""

    verdict: str = strawberry.field(description="The verdict it gives.")
    why: str = strawberry.field(description="In a sentence.")
    action: str | None = strawberry.field(description="The action it is about.")
    section: str | None = strawberry.field(description="Of the licence's text.")
    sources: list[ReasonSource] = strawberry.field(description="The sources it is about.")


@strawberry.type(description="Whether something may be used so.")
class UseVerdict:
    """Whether something may be used so."""

    use: str = strawberry.field(description="`share` or `commercial`.")
    verdict: str = strawberry.field(description="Under the policy that was asked for.")
    settled: bool = strawberry.field(description="Whether every policy gives the same verdict.")
    depends_on: list[Reading] = strawberry.field(description="Readings that decide.")
    reasons: list[Reason] = strawberry.field(description="What decides, the strictest first.")


@strawberry.type(description="One duty or prohibition of one source's licence that binds.")
class Term:
    """One duty or prohibition that binds."""

    modality: str = strawberry.field(description="`duty` or `prohibition`.")
    action: str = strawberry.field(description="Term of the action.")
    label: str = strawberry.field(description="The action, for people.")
    section: str | None = strawberry.field(description="Of the licence's text.")
    certainty: str | None = strawberry.field(description="How settled that is.")
    source: str = strawberry.field(description="Name of the source.")
    license: str = strawberry.field(description="Id of its licence.")
    level: str = strawberry.field(description="How much of the source is left.")
    path: list[str] = strawberry.field(description="From the source, step by step.")
    bottleneck: str | None = strawberry.field(description="The step that leaves no more.")


@strawberry.type(description="What binds something, why, and how far that is settled. Not advice.")
class LicenseTermsAnswer:
    """What binds something, why, and how far that is settled."""

    name: str = strawberry.field(description="What people call it.")
    policy: str = strawberry.field(description="The policy that was asked for.")
    verdicts: list[UseVerdict] = strawberry.field(
        description="The verdict on each use.", metadata={SIZE: 2}
    )
    outbound: list[str] | None = strawberry.field(
        description="Licences it may be shared under; null when nothing is restricted."
    )
    declared: list[str] = strawberry.field(description="Licences somebody declared for it.")
    declared_allowed: bool | None = strawberry.field(
        description="Whether its sources allow what was declared; null where that is not known."
    )
    permissions: list[str] = strawberry.field(description="What every source allows.")
    terms: list[Term] = strawberry.field(description="What binds.", metadata={SIZE: 50})
    gaps: list[str] = strawberry.field(description="What is not recorded, and so not known.")
    notes: list[str] = strawberry.field(description="How the answer came about.")
    disclaimer: str = strawberry.field(description="That it is no legal advice.")


def license_terms(found: LicenseTerms) -> LicenseTermsAnswer:
    """Return what binds something."""
    said = found.to_dict()
    return LicenseTermsAnswer(
        verdicts=[_verdict(found, use) for use in USES],
        terms=[Term(**term) for term in said["terms"]],
        **{
            key: said[key]
            for key in (
                *("name", "policy", "outbound", "declared", "declared_allowed"),
                *("permissions", "gaps", "notes", "disclaimer"),
            )
        },
    )


def _verdict(found: LicenseTerms, use: Use) -> UseVerdict:
    return UseVerdict(
        use=use,
        verdict=found.verdicts[use],
        settled=found.settled(use),
        depends_on=[
            Reading(label=one.label, certainty=one.certainty, source=one.source, why=one.why)
            for one in found.depends_on[use]
        ],
        reasons=[
            Reason(**_without(one, "sources"), sources=[ReasonSource(**s) for s in one["sources"]])
            for one in found.reasons(use)
        ],
    )


@strawberry.type(description="How many artifacts there are at a level.")
class LevelCount:
    """How many artifacts there are at a level."""

    level: str = strawberry.field(description="How much of a source is left.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="One artifact that an ending licence reaches.")
class AffectedArtifact:
    """One artifact that an ending licence reaches."""

    artifact: Entity = strawberry.field(description="The artifact.")
    name: str = strawberry.field(description="What people call it.")
    source: str = strawberry.field(description="Name of the source.")
    license: str = strawberry.field(description="Id of the licence that ends.")
    level: str = strawberry.field(description="How much of the source is left.")
    remedy: str = strawberry.field(description="Term of what is to be done.")
    advice: str = strawberry.field(description="What is to be done, in a sentence.")


@strawberry.type(description="What it would mean if a licence ended. Not advice.")
class LicenseImpactAnswer:
    """What it would mean if a licence ended."""

    of: str = strawberry.field(description="The licence, or the dataset whose licence ends.")
    policy: str = strawberry.field(description="The policy the levels hold under.")
    at: datetime | None = strawberry.field(description="When it ends; null for now.")
    levels: list[LevelCount] = strawberry.field(description="How many there are at each level.")
    affected: list[AffectedArtifact] = strawberry.field(
        description="Those with most of the source first.", metadata={SIZE: 100}
    )
    hidden: int = strawberry.field(description="How many more are affected.")
    unaffected_count: int = strawberry.field(description="How many versions are not affected.")
    disclaimer: str = strawberry.field(description="That it is no legal advice.")


def license_impact(found: Impact, of: str, limit: int) -> LicenseImpactAnswer:
    """Return what it would mean if a licence ended, the first rows of it."""
    from lineage_graph.server.graphql.activities import entity

    affected = [
        AffectedArtifact(
            artifact=artifact,
            name=row.artifact,
            source=row.source,
            license=row.license,
            level=row.level,
            remedy=row.remedy,
            advice=row.advice,
        )
        for row in found.rows(limit)
        if (artifact := entity(row.version)) is not None
    ]
    return LicenseImpactAnswer(
        of=of,
        policy=found.policy,
        at=found.at,
        levels=[LevelCount(level=level, count=count) for level, count in found.levels.items()],
        affected=affected,
        hidden=len(found) - len(affected),
        unaffected_count=found.unaffected_count,
        disclaimer=found.disclaimer,
    )


@strawberry.type(description="One source to be named.")
class Credit:
    """One source to be named."""

    source: str = strawberry.field(description="Name of the source.")
    who: str | None = strawberry.field(description="Who is to be named.")
    license: str = strawberry.field(description="Id of its licence.")
    title: str = strawberry.field(description="The licence's title.")
    text: str | None = strawberry.field(description="Where the licence's text is.")
    address: str | None = strawberry.field(description="Where the licensor publishes it.")
    changed: bool = strawberry.field(description="Whether it is to be said that it was changed.")
    level: str = strawberry.field(description="How much of the source is left.")
    path: list[str] = strawberry.field(description="By which it arrived, step by step.")
    sentence: str = strawberry.field(description="The credit line.")


@strawberry.type(description="Whom to name for something. Not advice.")
class AttributionAnswer:
    """Whom to name for something."""

    name: str = strawberry.field(description="What people call it.")
    policy: str = strawberry.field(description="The policy that was asked for.")
    owed: list[Credit] = strawberry.field(description="Sources whose licence demands it.")
    recommended: list[Credit] = strawberry.field(description="Sources named by custom.")
    offered: list[str] = strawberry.field(description="Databases that are to be offered.")
    gaps: list[str] = strawberry.field(description="What is not recorded, and so not known.")
    text: str = strawberry.field(description="The attribution file, as text.")
    disclaimer: str = strawberry.field(description="That it is no legal advice.")


def attribution(notice: Notice) -> AttributionAnswer:
    """Return whom to name."""
    return AttributionAnswer(
        name=notice.name,
        policy=notice.policy,
        owed=_credits(notice.attributions.owed),
        recommended=_credits(notice.attributions.recommended),
        offered=list(notice.offered),
        gaps=list(notice.gaps),
        text=str(notice),
        disclaimer=notice.disclaimer,
    )


def _credits(found: Iterable[Attribution]) -> list[Credit]:
    return [
        Credit(
            source=one.source,
            who=one.who,
            license=one.license,
            title=one.title,
            text=one.text,
            address=one.address,
            changed=one.changed,
            level=one.level,
            path=list(one.path),
            sentence=one.sentence(),
        )
        for one in found
    ]


def _without(said: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != key}
