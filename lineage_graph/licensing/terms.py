"""What binds something, why, and how far that is settled: the answer and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import kind_of, name_of
from lineage_graph.licensing.algebra import (
    ADAPTED,
    COPY,
    RESULTS,
    USES,
    Algebra,
    Reading,
    Use,
    Verdict,
    strictest,
)
from lineage_graph.licensing.attribution import Attributions, Notice, attributions
from lineage_graph.licensing.judging import HIDDEN, Bound, Judgement, Reason
from lineage_graph.licensing.licenses import Expression, Licenses
from lineage_graph.licensing.settling import depends_on
from lineage_graph.licensing.upstream import PathStep, Way
from lineage_graph.licensing.values import (
    NOT_ADVICE,
    UNSEEN,
    DerivativeDatabase,
    EffectiveTerm,
    NamedStep,
)

OFFER: Final = "offerDerivativeDatabase"
_NOTEBOOK_ROWS: Final = 200

Names = Callable[[Collection[str]], Mapping[str, str]]
"""Gives what people call versions, such as ``flights@3``; one it does not know is left out."""


class LicenseTerms:
    """The effective terms of something, recorded or intended.

    Attributes:
        version: IRI of the version, or the name of what is intended.
        judgement: What holds under the policy that was asked for.
        judgements: What holds under each policy, the freest first.
        declared: Ids of the licences somebody declared for it.
    """

    def __init__(
        self,
        version: str,
        judgement: Judgement,
        judgements: Sequence[Judgement],
        algebra: Algebra,
        licenses: Licenses,
        names: Names,
        declared: tuple[Expression, ...] = (),
    ) -> None:
        self.version = version
        self.judgement = judgement
        self.judgements = tuple(judgements)
        self.declared = tuple(sorted({id_ for said in declared for id_ in said.ids}))
        self._declared = declared
        self._algebra = algebra
        self._licenses = licenses
        self._names = names
        self._called: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What people call it."""
        return self.named(self.version)

    @property
    def policy(self) -> str:
        """Name of the policy that was asked for."""
        return self.judgement.policy.name

    @property
    def verdicts(self) -> Mapping[Use, Verdict]:
        """The verdict on each use."""
        return self.judgement.verdicts

    def settled(self, use: Use) -> bool:
        """Tell whether every policy gives the same verdict, and nothing is out of sight."""
        return not self.unseen and len({j.verdicts[use] for j in self.judgements}) == 1

    @property
    def unseen(self) -> bool:
        """Whether part of what it came from is not visible to who asks."""
        return any(reason.kind == HIDDEN for reason in self.judgement.reasons)

    @cached_property
    def depends_on(self) -> Mapping[Use, tuple[Reading, ...]]:
        """For each use, the readings that decide between different verdicts."""
        return {use: depends_on(self._algebra, self.judgements, use) for use in USES}

    @property
    def outbound(self) -> list[str] | None:
        """Ids of the licences it may be shared under; None when nothing is restricted."""
        found = self.judgement.outbound
        return None if found is None else sorted(self._licenses.get(iri).id for iri in found)

    @property
    def declared_allowed(self) -> bool | None:
        """Whether the sources allow the declared licence.

        None when none is declared, and when what an adapted source allows is not known.
        """
        if not self.declared:
            return None
        if self.unseen:
            return None
        if not all(self.allows(expression) for expression in self._declared):
            return False
        adapted = [b.license for b in self.judgement.bound if b.level == ADAPTED]
        return None if any(license_.unknown_terms for license_ in adapted) else True

    def allows(self, expression: Expression) -> bool:
        """Tell whether it may go out under one of the alternatives of a licence."""
        return not self.unseen and self._allows(self.judgement, expression)

    def _allows(self, judgement: Judgement, expression: Expression) -> bool:
        copied = {
            b.license.iri
            for b in judgement.bound
            if b.level == COPY and not b.license.unknown_terms
        }
        passing = [judgement.outbound, *map(self._algebra.passing_on, copied)]
        return any(
            all(
                allowed is None or self._licenses.iri(one) in allowed
                for allowed in passing
                for one in ids
            )
            for ids in expression.alternatives
        )

    @cached_property
    def terms(self) -> tuple[EffectiveTerm, ...]:
        """Every duty and prohibition that binds, with its source, level and path."""
        self._learn_names(bound for bound, _ in self.judgement.terms)
        return tuple(
            EffectiveTerm(
                term.modality,
                term.action,
                term.label,
                term.section,
                term.certainty,
                self.named(bound.source),
                bound.license.id,
                self.level(bound),
                *self.way(bound),
            )
            for bound, term in self.judgement.terms
            if term.modality != "permission"
        )

    @property
    def permissions(self) -> list[str]:
        """What every source of which more than results is left allows."""
        granted: dict[tuple[int, str, int], set[str]] = {}
        for bound, term in self.judgement.terms:
            if term.modality == "permission":
                key = (bound.node, bound.license.id, bound.level)
                granted.setdefault(key, set()).add(term.label)
        sets = [
            granted.get((b.node, b.license.id, b.level), set())
            for b in self.judgement.bound
            if b.level > RESULTS
        ]
        return sorted(set.intersection(*sets)) if sets else []

    @cached_property
    def attributions(self) -> Attributions:
        """Who is to be named, and who would be by custom."""
        return attributions(
            self.judgement,
            self._algebra,
            self.named,
            lambda bound: tuple(map(str, self.way(bound)[0])),
        )

    @cached_property
    def offered(self) -> tuple[DerivativeDatabase, ...]:
        """Databases on the way that are to be offered to whoever gets it, or their method.

        Source: ODbL 1.0 s.4.6.
        """
        found: dict[str, set[str]] = {}
        for bound, term in self.judgement.terms:
            if (term.modality, term.action) == ("duty", OFFER):
                family = bound.license.family
                for iri in bound.upstream.adapted(bound.node, self.judgement.policy, family):
                    found.setdefault(iri, set()).add(self.named(bound.source))
        return tuple(
            DerivativeDatabase(self.named(iri), iri, tuple(sorted(sources)))
            for iri, sources in found.items()
        )

    def checked(self, use: Use, as_license: str | None = None) -> dict[str, Any]:
        """Return whether it may be used so, under a licence of one's own or without.

        Args:
            use: What is going to be done.
            as_license: The licence it would go out under.

        Returns:
            Plain values: the verdict, whether it is settled, and why.

        Raises:
            InvalidRecord: There is no such use, or no such licence.
        """
        if use not in USES:
            raise InvalidRecord(f"There is no use {use!r}. Use one of: {', '.join(USES)}.")
        reasons = self.reasons(use)
        verdicts = {judgement.policy.name: judgement.verdicts[use] for judgement in self.judgements}
        if as_license is not None:
            expression = self._licenses.parse(as_license)
            refusing = [j for j in self.judgements if not self._allows(j, expression)]
            for judgement in refusing:
                name = judgement.policy.name
                verdicts[name] = strictest([verdicts[name], "conflict"])
            if any(judgement.policy == self.judgement.policy for judgement in refusing):
                why = f"its sources do not allow {expression.text}"
                reasons.insert(0, {"verdict": "conflict", "why": why, "allowed": self.outbound})
        return {
            "name": self.name,
            "for": use,
            "as": as_license,
            "verdict": verdicts[self.policy],
            "policy": self.policy,
            "policies": verdicts,
            "settled": not self.unseen and len(set(verdicts.values())) == 1,
            "depends_on": [reading.label for reading in self.depends_on[use]],
            "reasons": reasons,
            "disclaimer": NOT_ADVICE,
        }

    def notice(self) -> Notice:
        """Return the attribution file."""
        offered = tuple(sorted(str(database) for database in self.offered))
        return Notice(
            self.name, self.policy, self.attributions, offered, tuple(self.gaps), NOT_ADVICE
        )

    @property
    def evidence(self) -> set[str]:
        """Hex sha256 of the kept texts that say which licence a source has."""
        said = (s.evidence for b in self.judgement.bound for s in b.stated.statements)
        return {digest for digest in said if digest}

    @property
    def gaps(self) -> list[str]:
        """What is not recorded, and so not known."""
        unknown = {
            b.source for r in self.judgement.reasons if r.verdict == "unknown" for b in r.bound
        }
        gaps = [f"the licence of {self.named(source)} is not known" for source in sorted(unknown)]
        return [*gaps, *([UNSEEN] if self.unseen else [])]

    @property
    def notes(self) -> list[str]:
        """What a reader should know of how the answer came about."""
        return list(dict.fromkeys(self._notes()))

    def _notes(self) -> Iterator[str]:
        for use, choice in self.judgement.choice.items():
            for text, ids in choice.items():
                yield f"for {use}, of {text} the alternative {' AND '.join(sorted(ids))} is chosen"
        for bound in self.judgement.bound:
            if bound.stated.said_of is not None:
                yield (
                    f"the licence of {self.named(bound.source)} was said of "
                    f"{self.named(bound.stated.said_of)}"
                )
            for exception in bound.stated.expression.exceptions:
                yield f"the exception {exception} of {self.named(bound.source)} is not considered"

    def level(self, bound: Bound) -> str:
        """Return the name of how much of a source is left."""
        return self._algebra.levels[bound.level]

    def way(self, bound: Bound) -> tuple[tuple[NamedStep, ...], NamedStep | None]:
        """Return the path of a source as a person reads it, and its lowest step."""
        way: Way = bound.way
        lowest = way.bottleneck
        return tuple(map(self.step, way.steps)), self.step(lowest) if lowest else None

    def step(self, step: PathStep) -> NamedStep:
        """Return a step as a person reads it."""
        level = self._algebra.levels[step.level]
        source, derived = self.named(step.source), self.named(step.derived)
        return NamedStep(source, derived, step.kinds, level, step.activity)

    def _learn_names(self, bound: Iterator[Bound]) -> None:
        """Ask for many names at once instead of one after the other."""
        every = {(b.node, b.license.id, b.level): b for b in bound}
        steps = [step for one in every.values() for step in one.way.steps]
        wanted = {self.version, *(s.source for s in steps), *(s.derived for s in steps)}
        self._called.update(self._names(wanted - self._called.keys()))

    def named(self, iri: str) -> str:
        """Return what people call a version."""
        if iri not in self._called:
            own = name_of(iri) if kind_of(iri) else iri
            self._called[iri] = self._names([iri]).get(iri, own)
        return self._called[iri]

    def reasons(self, use: Use) -> list[dict[str, Any]]:
        """Return what decides the verdict on a use, the strictest first, as plain values."""
        return [self._reason(reason) for reason in self.judgement.reasons if reason.use == use]

    def _reason(self, reason: Reason) -> dict[str, Any]:
        sources = {b.source: b for b in reason.bound}
        return {
            "verdict": reason.verdict,
            "why": reason.why,
            "sources": [
                {
                    "name": self.named(source),
                    "license": bound.license.id,
                    "level": self.level(bound),
                    "path": [str(step) for step in self.way(bound)[0]],
                }
                for source, bound in sources.items()
            ],
            "action": reason.action or None,
            "section": reason.section,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "policy": self.policy,
            "verdicts": {
                use: {
                    "verdict": self.verdicts[use],
                    "settled": self.settled(use),
                    "policies": {j.policy.name: j.verdicts[use] for j in self.judgements},
                    "depends_on": [_reading(reading) for reading in self.depends_on[use]],
                    "reasons": self.reasons(use),
                }
                for use in USES
            },
            "outbound": self.outbound,
            "declared": list(self.declared),
            "declared_allowed": self.declared_allowed,
            "permissions": self.permissions,
            "terms": [
                {
                    **vars(term),
                    "path": [str(step) for step in term.path],
                    "bottleneck": str(term.bottleneck) if term.bottleneck else None,
                }
                for term in self.terms
            ],
            "derivative_databases": [vars(database) for database in self.offered],
            "attributions": self.attributions.to_dict(),
            "gaps": self.gaps,
            "notes": self.notes,
            "disclaimer": NOT_ADVICE,
        }

    def to_html(self) -> str:
        """Return one self-contained page: the picture, and the whole answer as tables."""
        from lineage_graph.drawing import html
        from lineage_graph.licensing import showing

        return html.page(showing.picture(self), showing.tables(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from lineage_graph.drawing import html
        from lineage_graph.licensing import showing

        fragment = html.fragment(showing.picture(self), showing.tables(self, _NOTEBOOK_ROWS))
        return {"text/plain": str(self), "text/html": fragment}

    def __str__(self) -> str:
        """Return the answer as text."""
        from lineage_graph.licensing import showing

        return showing.text(self)


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "row": reading.label,
        "certainty": reading.certainty,
        "source": reading.source,
        "why": reading.why,
    }
