"""What the values of a column say for a type: how many fit, and how sure that makes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lineage_graph.privacy.checks import column_check
from lineage_graph.privacy.columns import Column
from lineage_graph.privacy.rules import Evidence, TypeRules
from lineage_graph.privacy.validators import validator

Passed = list[bool]


@dataclass(frozen=True)
class Fit:
    """How the values of a column fit a type.

    Attributes:
        share: Which part of the values passes a test, 0 to 1.
        support: That share, as far as it has to go to count as all, 0 to 1.
        score: How sure the type is by values alone, 0 to 1.
        validators: Names of the checks that values passed.
    """

    share: float
    support: float
    score: float
    validators: tuple[str, ...]


NO_FIT: Final = Fit(0.0, 0.0, 0.0, ())


def fit(column: Column, rules: TypeRules, nameless: bool, wanted: bool) -> Fit:
    """Return how the values fit a type.

    Tests with the same full share add up: each value counts with the surest it passes.

    Args:
        column: The values.
        rules: Of the type.
        nameless: The column's name says nothing.
        wanted: The column's name says the type, so tests that only support one are made;
            else only those that could suggest it by themselves.
    """
    tested = [one for one in rules.evidence if wanted or one.weight >= rules.suggested]
    groups: defaultdict[float, list[tuple[Evidence, Passed]]] = defaultdict(list)
    for one in tested:
        if (one.nameless and not nameless) or not _countable(column, one):
            continue
        passed = _passed(column, one)
        if any(passed):
            groups[one.full].append((one, passed))
    fits = [_joined(column, full, members) for full, members in groups.items()]
    if not fits:
        return NO_FIT
    best = max(fits, key=lambda one: (one.score, one.support))
    return Fit(
        best.share if best.score else max(one.share for one in fits),
        max(one.support for one in fits),
        best.score,
        best.validators or max(fits, key=lambda one: one.support).validators,
    )


def _countable(column: Column, one: Evidence) -> bool:
    few = one.most_distinct is None or column.distinct <= one.most_distinct
    enough = column.distinct >= one.least_distinct and column.distinct_share >= one.distinct
    return few and enough


def _joined(column: Column, full: float, members: list[tuple[Evidence, Passed]]) -> Fit:
    weights = [0.0] * column.distinct
    hit = [False] * column.distinct
    for one, passed in members:
        for at, ok in enumerate(passed):
            if ok:
                hit[at] = True
                weights[at] = max(weights[at], one.weight)
    share = column.share(hit)
    sure = sum(w * n for w, (_, n) in zip(weights, column.counts, strict=True)) / column.size
    top = max(weights, default=0.0)
    score = min(top, sure / full)
    return Fit(share, min(1.0, share / full), score, _names(members))


def _names(members: Iterable[tuple[Evidence, Passed]]) -> tuple[str, ...]:
    names = {name for one, _ in members for name in (one.validator, one.check) if name is not None}
    return tuple(sorted(names))


def _passed(column: Column, one: Evidence) -> Passed:
    """Return which distinct values pass all conditions, the cheapest first."""
    ok = [True] * column.distinct
    if one.least is not None or one.greatest is not None:
        low = float("-inf") if one.least is None else one.least
        high = float("inf") if one.greatest is None else one.greatest
        ok = [number is not None and low <= number <= high for number in column.numbers]
    if one.listed is not None:
        ok = [a and text in one.listed for a, text in zip(ok, column.folded, strict=True)]
    if one.first is not None:
        ok = [a and word[0] in one.first for a, word in zip(ok, column.words, strict=True)]
    if one.last is not None:
        ok = [a and word[1] in one.last for a, word in zip(ok, column.words, strict=True)]
    if one.pattern is not None and any(ok):
        matches = one.pattern.fullmatch
        ok = [a and matches(v) is not None for a, (v, _) in zip(ok, column.counts, strict=True)]
    if one.validator is not None and any(ok):
        valid = validator(one.validator)
        ok = [a and valid(v) for a, (v, _) in zip(ok, column.counts, strict=True)]
    if one.check is not None and any(ok):
        ok = [a and b for a, b in zip(ok, column_check(one.check)(column), strict=True)]
    return ok
