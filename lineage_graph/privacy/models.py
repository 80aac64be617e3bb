"""What its training data makes of a model: the first declared rule that fits, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from lineage_graph.privacy.effects import Effects, Fact, StatusRule
from lineage_graph.privacy.identifiability import Evidence, Identifiability
from lineage_graph.privacy.inventory import Inventory
from lineage_graph.privacy.propagation import Propagation
from lineage_graph.privacy.status import Holding, Status
from lineage_graph.privacy.steps import Steps

_NAMED = 3
_NOBODY_LOOKED = "NotExamined"


class Source(NamedTuple):
    """Something a model learnt from.

    Attributes:
        status: What it is.
        kinds: Terms of what was done with it.
    """

    status: Status
    kinds: frozenset[str]


class Models:
    """Statuses of versions of models.

    Args:
        found: What columns and models may hold.
        steps: What was made from what.
        inventory: What there is.
        effects: The rules.
        datasets: Statuses of datasets.
        evidence: What else is recorded.
        fitted: Models to the classes of their fitted steps.
    """

    def __init__(
        self,
        found: Propagation,
        steps: Steps,
        inventory: Inventory,
        effects: Effects,
        datasets: Identifiability,
        evidence: Evidence,
        fitted: Mapping[int, Collection[str]],
    ) -> None:
        self._found = found
        self._steps = steps
        self._inventory = inventory
        self._effects = effects
        self._datasets = datasets
        self._evidence = evidence
        self._fitted = fitted
        self._learning = frozenset().union(*(rule.effects for rule in effects.model_rules))
        self._known: dict[int, Status] = {}

    def status(self, version: int) -> Status:
        """Return the status of a version of a dataset or a model."""
        if not self._inventory.models[version]:
            if version not in self._known:
                self._known[version] = self._datasets.status(version)
            return self._known[version]
        # A model can be made from a model, many times over: the sources of each come first.
        waiting, begun = [version], set()
        while waiting:
            model = waiting[-1]
            below = [m for m in self._below(model) if m not in self._known and m not in begun]
            begun.add(model)
            if below and model not in self._known:
                waiting += below
                continue
            waiting.pop()
            if model not in self._known:
                self._known[model] = self._judged(model)
        return self._known[version]

    def _learnt_from(self, model: int) -> list[tuple[int, frozenset[str]]]:
        return [
            (source, kinds)
            for source, kinds in self._steps.sources_of(model)
            if kinds & self._learning
        ]

    def _below(self, model: int) -> list[int]:
        return [s for s, _ in self._learnt_from(model) if self._inventory.models[s]]

    def _judged(self, model: int) -> Status:
        sources = [
            Source(self._known.get(source) or self.status(source), kinds)
            for source, kinds in self._learnt_from(model)
            # What was made from itself is judged by its other sources.
            if source in self._known or not self._inventory.models[source]
        ]
        sources.sort(key=lambda one: one.status.name)
        facts = self._found.at(model)
        assessed = self._evidence.assessed.get(model)
        keeping = self._keeping(model, facts)
        for rule in self._effects.model_rules:
            matching = self._matching(rule, sources)
            if (
                (matching is None or matching)
                and rule.assessed in (None, assessed)
                and (keeping or not rule.values)
            ):
                break
        held = self._datasets.strongest([self._at_column(one) for one in facts])
        why = " ".join(self._why(rule, matching or [], assessed, keeping))
        deciding = matching[0].status if matching else None
        return Status(
            self._inventory.iri[model],
            self._evidence.names[model],
            rule.status,
            self._effects.english[rule.status],
            rule.iri,
            self._path(model, deciding),
            why,
            self._holdings(held),
        )

    def _matching(self, rule: StatusRule, sources: Sequence[Source]) -> list[Source] | None:
        """Return the sources a rule is about; None for a rule that is about none."""
        if not rule.sources:
            return None
        if not sources and _NOBODY_LOOKED in rule.sources:
            return [Source(_NOT_RECORDED, frozenset())]
        return [
            source
            for source in sources
            if source.status.status in rule.sources
            and (not rule.effects or source.kinds & rule.effects)
        ]

    def _keeping(self, model: int, facts: Sequence[tuple[int, Fact, int]]) -> list[str]:
        """Return the classes of fitted steps that keep values of what is personal."""
        if not any(self._effects.telling(fact) and not fact.alone for _, fact, _ in facts):
            return []
        return sorted(self._effects.keepers.intersection(self._fitted.get(model, ())))

    def _at_column(self, one: tuple[int, Fact, int]) -> tuple[int, Fact, int]:
        """Return a fact at the column that a model learnt it from."""
        _, fact, key = one
        way = self._found.way(key)
        return (way[-2] if len(way) > 1 else way[-1]), fact, key

    def _holdings(self, held: Sequence[tuple[int, Fact, int]]) -> tuple[Holding, ...]:
        return self._datasets.holdings(held)

    def _path(self, model: int, source: Status | None) -> str:
        if source is None or source is _NOT_RECORDED:
            return ""
        return f"{source.path or source.name} -> {self._evidence.names[model]}"

    def _why(
        self,
        rule: StatusRule,
        sources: Sequence[Source],
        assessed: str | None,
        keeping: Sequence[str],
    ) -> Iterator[str]:
        if [one.status for one in sources] == [_NOT_RECORDED]:
            yield "What it was trained on is not recorded."
        elif sources:
            named = ", ".join(map(_named, sources[:_NAMED]))
            more = len(sources) - _NAMED
            yield f"Trained on {named}{f' and {more} more' if more > 0 else ''}."
        if rule.values:
            yield f"Values are kept by {', '.join(keeping)}."
        yield rule.why
        if assessed == "anonymous" and rule.assessed is None:
            yield "An assessment as anonymous is recorded; what is kept inside speaks against it."


_NOT_RECORDED = Status("", "", _NOBODY_LOOKED, "", "", "", "")
"""Stands for training data that is not recorded."""


def _named(source: Source) -> str:
    """Say what a source is, such as ``passengers@2 (identified; cpf: CPF, direct identifier)``."""
    status = source.status
    why = status.why.partition(". ")[0] if status.holdings else ""
    return f"{status.name} ({'; '.join(part for part in (status.label, why) if part)})"
