"""The verdict on something under one policy, and why.

Of several reasons the strictest is the verdict, so that a further source can never make it
freer. Where a source may be used under one licence *or* another, the alternative with the
best verdict is chosen, and the answer says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Final

from lineage_graph.errors import InvalidRecord
from lineage_graph.licensing.algebra import (
    ADAPTED,
    NO_REACH,
    UNKNOWN_KIND,
    USES,
    VERDICTS,
    Algebra,
    Policy,
    Term,
    Use,
    Verdict,
    strictest,
)
from lineage_graph.licensing.licenses import License, Licenses
from lineage_graph.licensing.statements import Stated
from lineage_graph.licensing.upstream import Upstream, Way
from lineage_graph.licensing.values import UNSEEN

_MOST_CHOICES = 512
HIDDEN: Final = "hidden"
"""Kind of the reason that something in the history is not visible to who asks."""

Choice = Mapping[str, frozenset[str]]
"""Text of an expression that offers alternatives to the ids that were chosen."""


@dataclass(frozen=True)
class Bound:
    """One licence of one source that reaches the artifact at one level.

    Attributes:
        node: Number of the source in the index.
        stated: Which licence it has, and who says so.
        license: The licence.
        level: How much of the source is left, at least 1. A source that arrives by
            several paths may be bound at several levels.
        upstream: Where it was found; gives the path.
        policy: Under which the level holds.
    """

    node: int
    stated: Stated
    license: License
    level: int
    upstream: Upstream
    policy: Policy

    @property
    def source(self) -> str:
        """IRI of the source."""
        return self.stated.version

    @property
    def way(self) -> Way:
        """The path by which it reaches the artifact; without steps where nothing is left."""
        if self.level == NO_REACH:
            return Way(NO_REACH, ())
        return self.upstream.way(self.node, self.policy, self.license.family, self.level)


@dataclass(frozen=True)
class Reason:
    """Something that decides a verdict.

    Attributes:
        use: Which use it is about.
        verdict: What it makes of it.
        why: In words.
        bound: The sources it comes from; empty when it is about the record itself.
        action: Term of the action it is about.
        section: Of the licence's text.
        kind: Term of the derivation kind that was the act in question.
    """

    use: Use
    verdict: Verdict
    why: str
    bound: tuple[Bound, ...] = ()
    action: str | None = None
    section: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Judgement:
    """What holds under one policy.

    Attributes:
        policy: The policy.
        bound: The sources that reach the artifact, each at its highest level last.
        terms: What their licences say of it.
        reasons: What decides the verdicts, the strictest first.
        verdicts: The verdict on each use.
        outbound: IRIs of the licences it may be shared under; None when nothing is
            restricted.
        choice: For each use, what was chosen where there were alternatives.
    """

    policy: Policy
    bound: tuple[Bound, ...]
    terms: tuple[tuple[Bound, Term], ...]
    reasons: tuple[Reason, ...]
    verdicts: Mapping[Use, Verdict]
    outbound: frozenset[str] | None
    choice: Mapping[Use, Choice]

    def strictness(self, *uses: Use) -> tuple[int, int, int]:
        """Return what to compare alternatives by, for some uses at once: less is better."""
        ranks = [VERDICTS.index(verdict) for verdict in self.verdicts.values()]
        worst = max(VERDICTS.index(self.verdicts[use]) for use in uses)
        return worst, sum(ranks), len(self.terms)


class Judge:
    """Judges artifacts.

    Args:
        algebra: What licences and steps do.
        licenses: The licences there are.
    """

    def __init__(self, algebra: Algebra, licenses: Licenses) -> None:
        self._algebra = algebra
        self._licenses = licenses

    def judge(self, upstream: Upstream, policy: Policy, together: bool = False) -> Judgement:
        """Return what holds under a policy, by the best choice among alternatives.

        The choice is made for each use by itself: were one use to decide for another, a
        further source could make that other one freer.

        Args:
            upstream: What lies upstream.
            policy: Which readings are taken.
            together: Make one choice for all uses, as one copy that is shared for a
                commercial purpose needs.

        Raises:
            InvalidRecord: There are too many alternatives to compare.
        """
        possible = [self._judged(upstream, policy, choice) for choice in _choices(upstream)]
        if together:
            return min(possible, key=lambda j: j.strictness(*USES))
        best = {use: min(possible, key=lambda j: j.strictness(use)) for use in USES}
        return replace(
            best["share"],
            verdicts={use: best[use].verdicts[use] for use in USES},
            reasons=tuple(r for use in USES for r in best[use].reasons if r.use == use),
            choice={use: best[use].choice[use] for use in USES},
        )

    def _judged(self, upstream: Upstream, policy: Policy, choice: Choice) -> Judgement:
        bound = tuple(self._bound(upstream, policy, choice))
        terms = tuple((b, t) for b in bound for t in self._algebra.terms(b.license.iri, b.level))
        adapted = [b for b in bound if b.level == ADAPTED and not b.license.unknown_terms]
        outbound = self._algebra.outbound({b.license.iri for b in adapted})
        reasons = [
            *self._rulings(bound),
            *self._unrecorded(upstream, policy, choice, bound),
            *_no_outbound(adapted, outbound),
            *_contradictions(bound),
            *self._acts(upstream, policy, choice),
            *_doubts(upstream),
        ]
        reasons.sort(key=lambda r: (-VERDICTS.index(r.verdict), r.use, r.why))
        verdicts = {use: strictest(r.verdict for r in reasons if r.use == use) for use in USES}
        if verdicts["share"] == "permitted" and any(t.modality == "duty" for _, t in terms):
            verdicts["share"] = "permitted-with-duties"
        return Judgement(
            policy, bound, terms, tuple(reasons), verdicts, outbound, dict.fromkeys(USES, choice)
        )

    def _bound(self, upstream: Upstream, policy: Policy, choice: Choice) -> Iterator[Bound]:
        for node, stated in upstream.sources.items():
            for license_ in self._of(stated, choice):
                for level in upstream.levels(node, policy, license_.family):
                    yield Bound(node, stated, license_, level, upstream, policy)

    def _of(self, stated: Stated, choice: Choice) -> list[License]:
        expression = stated.expression
        ids = choice.get(expression.text, expression.alternatives[0])
        return [self._licenses.get(one) for one in sorted(ids)]

    def _rulings(self, bound: tuple[Bound, ...]) -> Iterator[Reason]:
        for b in bound:
            for use in USES:
                if not b.license.declared:
                    why = "what its licence says is not declared; describe the licence in a file"
                    yield Reason(use, "unknown", why, (b,))
                for ruling in self._algebra.rulings(b.license.iri, b.level, use):
                    yield Reason(
                        use, ruling.verdict, ruling.why, (b,), ruling.action, ruling.section
                    )

    def _unrecorded(
        self, upstream: Upstream, policy: Policy, choice: Choice, bound: tuple[Bound, ...]
    ) -> Iterator[Reason]:
        """Yield sources of which nothing may be left, and of which nobody knows the licence.

        What a reading leaves of a source is of no use where the terms are not known.
        """
        arrived = {b.node for b in bound}
        for node, stated in upstream.sources.items():
            unknown = [one for one in self._of(stated, choice) if one.unknown_terms]
            if node in arrived or not unknown:
                continue
            gone = Bound(node, stated, unknown[0], NO_REACH, upstream, policy)
            for use in USES:
                yield Reason(use, "unknown", "it went in, and its licence is not known", (gone,))

    def _acts(self, upstream: Upstream, policy: Policy, choice: Choice) -> Iterator[Reason]:
        for kind, inputs in upstream.acts.items():
            for bound in self._bound(inputs, policy, choice):
                for act in self._algebra.acts(bound.license.iri):
                    if (act.kind, act.level) == (kind, bound.level):
                        why = f"a step of kind {kind} used it, which its licence may not allow"
                        yield Reason(
                            act.use, act.verdict, why, (bound,), act.action, act.section, kind
                        )


def _choices(upstream: Upstream) -> Iterator[Choice]:
    offered = {
        stated.expression.text: stated.expression.alternatives
        for stated in upstream.sources.values()
        if len(stated.expression.alternatives) > 1
    }
    if prod(map(len, offered.values())) > _MOST_CHOICES:
        raise InvalidRecord(
            f"The sources offer more than {_MOST_CHOICES} combinations of licences. State for "
            "some of them which licence you use them under."
        )
    for chosen in product(*offered.values()):
        yield dict(zip(offered, chosen, strict=True))


def _no_outbound(adapted: list[Bound], outbound: frozenset[str] | None) -> Iterator[Reason]:
    if outbound is not None and not outbound:
        names = " and ".join(sorted({b.license.id for b in adapted}))
        why = f"no licence satisfies {names}" if len(adapted) > 1 else f"{names} allows none"
        yield Reason("share", "conflict", why, tuple(adapted))


def _contradictions(bound: tuple[Bound, ...]) -> Iterator[Reason]:
    told = {b.node: b for b in bound if b.stated.contradictory}
    for b in told.values():
        said = " and ".join(sorted({s.expression for s in b.stated.statements}))
        for use in USES:
            yield Reason(use, "conflict", f"its licence is said to be {said}", (b,))


def _doubts(upstream: Upstream) -> Iterator[Reason]:
    for use in USES:
        if upstream.unknown_kinds:
            why = f"a step is of a kind that is not known; it is taken for {UNKNOWN_KIND}"
            yield Reason(use, "review", why)
        if upstream.made_from_itself:
            yield Reason(use, "review", "the record says that it was made from itself")
        if upstream.unseen:
            yield Reason(use, "unknown", UNSEEN, kind=HIDDEN)
