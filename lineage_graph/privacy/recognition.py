"""What the columns of a table mean: names and values together, and how sure that is.

A label is *accepted*, or *suggested* and then treated as personal until a person rejects
it, or *unknown*, which does not mean that nothing personal is there. The rules are those
of ``ontology/semantic-types.ttl``; this is only how they are weighed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lineage_graph.executors import Sample
from lineage_graph.privacy.columns import Column
from lineage_graph.privacy.evidence import Fit, fit
from lineage_graph.privacy.header import ALONE, RANK, Lexicon, Match, Table
from lineage_graph.privacy.rules import Rules, TypeRules
from lineage_graph.privacy.shapes import shape
from lineage_graph.privacy.splitting import Joined, together
from lineage_graph.privacy.types import Rows, SemanticTypes
from lineage_graph.privacy.validators import releases
from lineage_graph.privacy.values import Label, LabelStatus

PROCEDURE: Final = "1"
"""Changes when what is below weighs the same rules differently."""

_UNPROVEN: Final = 0.8
"""What is left of a name's weight where values have the form and fail their check digits."""


_BY_NAME: Final = 0.6
"""What a name is worth where few values support it, and"""
_BY_HINT: Final = 0.4
"""what a hint is, which values alone must bear out,"""
_BORNE_OUT: Final = 0.6
"""and the score of values from which on it is borne out."""


@dataclass(frozen=True)
class Candidate:
    """A type that a column may hold.

    Attributes:
        rules: Of the type.
        score: How sure it is, 0 to 1.
        match: What the column's name says.
        fit: What its values say.
    """

    rules: TypeRules
    score: float
    match: Match | None
    fit: Fit

    @property
    def status(self) -> LabelStatus:
        """What its score makes of it."""
        if self.score >= self.rules.accepted:
            return "accepted"
        return "suggested" if self.score >= self.rules.suggested else "unknown"


class Recogniser:
    """Labels the columns of a table.

    Args:
        types: The declared types.
        declared: Answers queries over ``ontology/``.
    """

    def __init__(self, types: SemanticTypes, declared: Rows) -> None:
        self._types = types
        self._declared = declared

    @cached_property
    def _rules(self) -> Rules:
        return Rules(self._declared)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._rules.types, self._rules.defaults)

    @cached_property
    def digest(self) -> str:
        """Hex digest of the rules and of the releases of what checks values."""
        return self._rules.digest(PROCEDURE, *(f"{n} {v}" for n, v in releases().items()))

    def labels(self, sample: Sample, datatypes: Mapping[str, str]) -> list[Label]:
        """Return one label for each column, in the sample's order.

        Args:
            sample: Some of the table's values.
            datatypes: Column name to Spark's text of its type; a column that is left out
                is taken for text.
        """
        columns = [
            Column(name, values, datatypes.get(name)) for name, values in sample.columns.items()
        ]
        alone = [self._best(column) for column in columns]
        table = self._table(alone)
        found = [
            self._best(column, table) if self._turns(column, table) else best
            for column, best in zip(columns, alone, strict=True)
        ]
        joined = together(columns, self._rules.parts, self._lexicon)
        return [
            self._chosen(column, best, joined.get(column.name), sample)
            for column, best in zip(columns, found, strict=True)
        ]

    def _table(self, found: list[Candidate | None]) -> Table:
        """Return what columns say by themselves, as context for the others."""
        held = frozenset(one.rules.iri for one in found if one and one.status != "unknown")
        types = [self._types.get(iri) for iri in held]
        return Table(any(one.categories and not one.needs_context for one in types), held)

    def _turns(self, column: Column, table: Table) -> bool:
        """Tell whether a column's name says more among the others."""
        matches = self._lexicon.matches
        return bool(column.counts) and matches(column.name) != matches(column.name, table)

    def _chosen(
        self, column: Column, best: Candidate | None, part: Joined | None, sample: Sample
    ) -> Label:
        status: LabelStatus = best.status if best else "unknown"
        if part is not None and status != "accepted":
            return self._label(column, sample, part.type, part.status, 1.0, part.header)
        if best is None or status == "unknown":
            return self._by_shape(column, sample)
        header = best.match.entry if best.match else None
        fitted = best.fit
        return self._label(
            column, sample, best.rules.iri, status, fitted.share, header, fitted.validators
        )

    def _best(self, column: Column, table: Table = ALONE) -> Candidate | None:
        if not column.counts:
            return None
        matches = self._lexicon.matches(column.name, table)
        nameless = self._lexicon.nameless(column.name)
        candidates = (
            self._candidate(column, rules, matches.get(rules.iri), nameless)
            for rules in self._rules.types
            if rules.families & column.families
        )
        return max(candidates, key=self._order, default=None)

    def _order(self, one: Candidate) -> tuple[float, bool, float, int, str]:
        """By which the surest candidate is found; of two as sure, the one about persons."""
        strength = RANK[one.match.strength] if one.match else 0
        personal = bool(self._types.get(one.rules.iri).categories)
        return (round(one.score, 6), personal, one.fit.score, strength, one.rules.iri)

    def _candidate(
        self, column: Column, rules: TypeRules, match: Match | None, nameless: bool
    ) -> Candidate:
        fitted = fit(column, rules, nameless, match is not None)
        score = max(fitted.score, self._by_name(rules, match, fitted) if match else 0.0)
        named = match if match and score > fitted.score else None
        return Candidate(rules, score, named or (match if score else None), fitted)

    def _by_name(self, rules: TypeRules, match: Match, fitted: Fit) -> float:
        """Return how sure a type is by its name, as far as the values support it."""
        if match.strength != "hint" and rules.support is None:
            return max(match.weight, 1 - (1 - match.weight) * (1 - fitted.score))
        if match.strength == "hint":
            return match.weight * _hinted(fitted, self._rules.defaults.support)
        if fitted.support < (rules.support or 0.0):
            return 0.0
        checked = self._types.get(rules.iri).validator is not None
        proven = _UNPROVEN + (1 - _UNPROVEN) * min(1.0, fitted.score) if checked else 1.0
        return match.weight * proven * (_BY_NAME + (1 - _BY_NAME) * fitted.support)

    def _by_shape(self, column: Column, sample: Sample) -> Label:
        name = shape(column)
        if name is None:
            return self._label(column, sample, None, "unknown", None, None)
        return self._label(column, sample, self._types.named(name).iri, "accepted", 1.0, None)

    def _label(
        self,
        column: Column,
        sample: Sample,
        iri: str | None,
        status: LabelStatus,
        share: float | None,
        header: str | None,
        validators: tuple[str, ...] = (),
    ) -> Label:
        return Label(
            column=column.name,
            semantic_type=iri,
            status=status,
            value_share=None if share is None else round(share, 4),
            header=header,
            validators=validators,
            sample_size=column.size,
            seed=sample.seed,
            recogniser=self.digest,
        )


def _hinted(fitted: Fit, least: float) -> float:
    """Return what is left of a hint, by how sure the type is by values alone."""
    if fitted.score < least:
        return 0.0
    return _BY_HINT + (1 - _BY_HINT) * min(1.0, fitted.score / _BORNE_OUT)
