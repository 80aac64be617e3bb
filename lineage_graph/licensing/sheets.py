"""What is declared of one licence, on one page."""

from __future__ import annotations

from typing import Any

from lineage_graph.licensing.algebra import NO_REACH, Algebra, Term
from lineage_graph.licensing.licenses import License, Licenses
from lineage_graph.licensing.values import NOT_ADVICE


def sheet(licenses: Licenses, algebra: Algebra, text: str) -> list[dict[str, Any]]:
    """Return what each licence in an expression permits, prohibits and demands.

    Args:
        licenses: The licences there are.
        algebra: What they say.
        text: SPDX id or expression, title or address.

    Raises:
        InvalidRecord: No such licence is known, or the expression cannot be read.
    """
    return [
        _sheet(licenses, algebra, licenses.get(one)) for one in sorted(licenses.parse(text).ids)
    ]


def _sheet(licenses: Licenses, algebra: Algebra, license_: License) -> dict[str, Any]:
    found = algebra.outbound([license_.iri]) or frozenset()
    levels = [(rank, name) for rank, name in sorted(algebra.levels.items(), reverse=True)]
    return {
        "id": license_.id,
        "title": license_.title,
        "declared": license_.declared,
        "family": algebra.name(license_.family),
        "ends": algebra.name(license_.revocability),
        "jurisdiction": license_.jurisdiction,
        "text": list(license_.texts),
        "checked": license_.checked,
        "comment": license_.comment.get("en"),
        "outbound": sorted(licenses.get(iri).id for iri in found),
        "terms": [
            {"level": name, **_said(term)}
            for rank, name in levels
            if rank > NO_REACH
            for term in algebra.terms(license_.iri, rank)
        ],
        "disclaimer": NOT_ADVICE,
    }


def _said(term: Term) -> dict[str, Any]:
    return {
        "kind": term.modality,
        "what": term.label,
        "section": term.section,
        "certainty": term.certainty,
    }
