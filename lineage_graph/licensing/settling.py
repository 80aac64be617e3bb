"""Whether the verdict is the same under every policy, and which readings it depends on if not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from lineage_graph.licensing.algebra import Algebra, Policy, Reading, Use
from lineage_graph.licensing.judging import Bound, Judgement


def depends_on(algebra: Algebra, judgements: Sequence[Judgement], use: Use) -> tuple[Reading, ...]:
    """Return the rows of the propagation table that decide between different verdicts.

    Args:
        algebra: The table.
        judgements: One for each policy, the freest first.
        use: The use whose verdicts are compared.

    Returns:
        Rows under the stricter policy, each once; none when the verdict is settled.
    """
    found: dict[str, Reading] = {}
    for free, strict in pairwise(judgements):
        if free.verdicts[use] != strict.verdicts[use]:
            for bound in _decisive(free, strict, use):
                for reading in _differing(algebra, free.policy, bound):
                    found[reading.row] = reading
    return tuple(found.values())


def _decisive(free: Judgement, strict: Judgement, use: Use) -> Iterator[Bound]:
    """Yield the sources that decide the stricter verdict and reach less far under the freer."""
    decided = [r for r in strict.reasons if (r.use, r.verdict) == (use, strict.verdicts[use])]
    sources: Iterable[Bound] = (
        (bound for reason in decided for bound in reason.bound)
        if decided
        else (bound for bound, term in strict.terms if term.modality == "duty")
    )
    for bound in sources:
        before = bound.upstream.levels(bound.node, free.policy, bound.license.family)
        if bound.level not in before:
            yield bound


def _differing(algebra: Algebra, free: Policy, bound: Bound) -> Iterator[Reading]:
    family = bound.license.family
    for step in bound.way.steps:
        pairs = zip(
            algebra.readings(free, family, step.kinds),
            algebra.readings(bound.policy, family, step.kinds),
            strict=True,
        )
        for freer, reading in pairs:
            if freer.level < min(reading.level, bound.level):
                yield reading
