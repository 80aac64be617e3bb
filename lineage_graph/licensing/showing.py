"""How effective terms look: tables, a picture of the paths, and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lineage_graph.drawing import Arrow, Box, Picture, Table
from lineage_graph.drawing.table import as_text
from lineage_graph.licensing.algebra import USES, Use
from lineage_graph.licensing.terms import LicenseTerms
from lineage_graph.licensing.values import NOT_ADVICE, EffectiveTerm, shape_of

DRAWN: Final = 60


def tables(found: LicenseTerms, limit: int | None = None) -> list[Table]:
    """Return the answer as tables: the verdicts, what binds and why, what stands in the way.

    Args:
        found: The answer.
        limit: Most rows of a table; None for all.
    """
    policies = tuple(judgement.policy.name for judgement in found.judgements)
    verdicts = [
        (
            use,
            found.verdicts[use],
            how_settled(found, use),
            *(j.verdicts[use] for j in found.judgements),
        )
        for use in USES
    ]
    reasons = [
        (use, r["verdict"], r["why"], ", ".join(s["name"] for s in r["sources"]))
        for use in USES
        for r in found.reasons(use)[:limit]
    ]
    columns = ("Source", "Licence", "Left", "Duties", "Prohibited", "Path", "Lowest step")
    every = [
        Table("Verdicts", ("Use", f"Verdict ({found.policy})", "Settled", *policies), verdicts),
        Table("What binds it", columns, bindings(found)[:limit]),
        Table("What stands in the way", ("Use", "Verdict", "Why", "Sources"), reasons),
    ]
    return [table for table in every if table.rows]


def how_settled(found: LicenseTerms, use: Use) -> str:
    """Return ``settled``, or the readings that the verdict depends on."""
    if found.settled(use):
        return "settled"
    if found.unseen:
        return "depends on what is not visible to you"
    rows = ", ".join(reading.label for reading in found.depends_on[use])
    return f"depends on {rows or 'the licence that is chosen'}"


def bindings(found: LicenseTerms) -> list[tuple[str, ...]]:
    """Return a row for each source and level: duties and prohibitions with their sections, path.

    Columns are source, licence, level, duties, prohibitions, path and the lowest step.
    """
    groups: dict[tuple[str, ...], list[EffectiveTerm]] = {}
    for term in found.terms:
        path = "; ".join(map(str, term.path)) or "it is the source itself"
        lowest = str(term.bottleneck) if term.bottleneck else "no step lowers it"
        groups.setdefault((term.source, term.license, term.level, path, lowest), []).append(term)
    return [
        (*head, _said(terms, "duty"), _said(terms, "prohibition"), path, lowest)
        for (*head, path, lowest), terms in groups.items()
    ]


def _said(terms: Iterable[EffectiveTerm], modality: str) -> str:
    return "; ".join(
        f"{term.label} ({term.section})" if term.section else term.label
        for term in terms
        if term.modality == modality
    )


def picture(found: LicenseTerms, limit: int = DRAWN) -> Picture:
    """Return the paths by which sources reach it, sources on the left.

    Args:
        found: The answer.
        limit: Boxes to draw; the picture says how many it left out.
    """
    bound = found.judgement.bound[:limit]
    licenses = {b.source: b.stated.text for b in bound}
    steps = dict.fromkeys(step for b in bound for step in b.way.steps)
    every = dict.fromkeys([found.version, *licenses, *(step.derived for step in steps)])
    boxes = [
        Box(key, _called(found, key, licenses), shape_of(key), root=key == found.version)
        for key in list(every)[:limit]
    ]
    drawn = {box.key for box in boxes}
    labels: dict[tuple[str, str], dict[str, None]] = {}
    for step in steps:
        if {step.source, step.derived} <= drawn:
            said = f"{', '.join(step.kinds)}: {found.step(step).level}"
            labels.setdefault((step.source, step.derived), {})[said] = None
    return Picture(
        title=f"What binds {found.name}",
        description=f"{verdicts(found)} Arrows say what was done, and what that leaves of the "
        f"source. {NOT_ADVICE}",
        boxes=boxes,
        arrows=[Arrow(*ends, " | ".join(said)) for ends, said in labels.items()],
        hidden=len(every) - len(boxes),
    )


def _called(found: LicenseTerms, key: str, licenses: Mapping[str, str]) -> str:
    name = found.named(key)
    return f"{name} [{licenses[key]}]" if key in licenses else name


def verdicts(found: LicenseTerms) -> str:
    """Return the verdicts in a sentence."""
    return "; ".join(f"{use}: {found.verdicts[use]}" for use in USES) + "."


def closing(found: LicenseTerms) -> list[str]:
    """Return what is said below the tables."""
    lines = []
    if found.outbound is not None:
        lines.append(f"It may be shared under: {', '.join(found.outbound) or 'no licence'}.")
    if found.declared:
        allowed: dict[bool | None, str] = {
            True: "its sources allow that",
            False: "its sources do not allow that",
        }
        said = allowed.get(found.declared_allowed, "whether its sources allow that is not known")
        lines.append(f"Declared: {', '.join(found.declared)}; {said}.")
    for database in found.offered:
        how = f"lineage-graph export {database.name} --format replay --out FOLDER"
        lines.append(f"To be offered: {database}, or its method, which this writes: {how}")
    return [*lines, *found.gaps, *found.notes, NOT_ADVICE]


def text(found: LicenseTerms) -> str:
    """Return the answer as text."""
    parts = [f"{found.name}: {verdicts(found)}", *map(as_text, tables(found))]
    return "\n".join([*parts, *closing(found)])
