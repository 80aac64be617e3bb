"""What the columns of a dataset make of it: the first declared rule that fits, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineage_graph.privacy.effects import GROUP, Effects, Fact, StatusRule
from lineage_graph.privacy.inventory import Inventory
from lineage_graph.privacy.propagation import Propagation
from lineage_graph.privacy.status import WHOLE, Holding, Status
from lineage_graph.privacy.steps import Steps
from lineage_graph.privacy.types import SemanticTypes

_SAME_ROWS = frozenset(("Identity", "Projection", "Filter"))
"""Kinds that leave the groups that there are, and their sizes."""
_LONGEST = 12
_ENDS = 5
_NAMED = 8


@dataclass(frozen=True)
class Evidence:
    """What else is recorded, by numbers.

    Attributes:
        names: Of versions.
        assessed: Versions to the outcome of their last assessment.
        counts: Columns that count rows to the smallest value in them.
        approximate: Pairs of a column and a source that are only taken to be so.
    """

    names: Mapping[int, str]
    assessed: Mapping[int, str]
    counts: Mapping[int, int]
    approximate: Collection[tuple[int, int]]


class Identifiability:
    """Statuses of versions of datasets.

    Args:
        found: What columns may hold.
        steps: What was made from what.
        inventory: What there is.
        effects: The rules.
        types: The semantic types.
        evidence: What else is recorded.
    """

    def __init__(
        self,
        found: Propagation,
        steps: Steps,
        inventory: Inventory,
        effects: Effects,
        types: SemanticTypes,
        evidence: Evidence,
    ) -> None:
        self._found = found
        self._steps = steps
        self._inventory = inventory
        self._effects = effects
        self._labels = {one.iri: one.labels.get("en", one.name) for one in types.all()}
        self._evidence = evidence
        self._shown: dict[int, str] = {}
        self._counted: dict[int, int] = {}
        for column, least in evidence.counts.items():
            version = int(inventory.version_of[column])
            self._counted[version] = min(least, self._counted.get(version, least))

    def status(self, version: int) -> Status:
        """Return the status of one version."""
        facts = self._found.at(version)
        held = self.strongest(facts)
        unexamined = sorted(self._column(n) for n, fact, _ in facts if fact.unexamined)
        rank = max((fact.rank for _, fact, _ in held), default=0)
        least = self._least(version)
        assessed = self._evidence.assessed.get(version)
        rule = self._effects.dataset_rule(rank, self._group(least), assessed, bool(unexamined))
        path = self.path(held[0][2]) if held else ""
        why = " ".join(self._why(rule, held, least, assessed, unexamined))
        return Status(
            self._inventory.iri[version],
            self._evidence.names[version],
            rule.status,
            self._effects.english[rule.status],
            rule.iri,
            path,
            why,
            self.holdings(held),
            least,
            tuple(dict.fromkeys(unexamined)),
        )

    def _least(self, version: int) -> int | None:
        """Return the size of the smallest group: its own, or that of what it is some rows of."""
        seen: set[int] = set()
        while version not in self._counted and version not in seen:
            seen.add(version)
            sources = set(self._steps.sources_of(version))
            if len(sources) != 1:
                return None
            ((version, kinds),) = sources
            if not kinds <= _SAME_ROWS:
                return None
        return self._counted.get(version)

    def _group(self, least: int | None) -> str:
        if least is None:
            return "not recorded"
        return "below" if least < self._effects.least_group else "at least"

    def strongest(self, facts: Sequence[tuple[int, Fact, int]]) -> list[tuple[int, Fact, int]]:
        """Return what is held, the most identifying first: of each column and type one fact."""
        best: dict[tuple[int, str | None, bool], tuple[int, Fact, int]] = {}
        for one in facts:
            node, fact, _ = one
            if fact.held and not fact.alone:
                key = node, fact.semantic_type, fact.inferred
                if key not in best or _weight(one) > _weight(best[key]):
                    best[key] = one
        return sorted(
            best.values(),
            key=lambda one: (-one[1].rank, self._column(one[0]), one[1].semantic_type or ""),
        )

    def holdings(self, held: Sequence[tuple[int, Fact, int]]) -> tuple[Holding, ...]:
        """Return what is held as a person reads it."""
        roles = self._effects.roles
        return tuple(
            Holding(
                self._column(node),
                fact.semantic_type,
                fact.categories,
                roles[fact.rank],
                fact.label,
                fact.rule,
                self.path(key),
                fact.inferred,
            )
            for node, fact, key in held
        )

    def _column(self, node: int) -> str:
        return self._inventory.column_name(node) or WHOLE

    def _why(
        self,
        rule: StatusRule,
        held: Sequence[tuple[int, Fact, int]],
        least: int | None,
        assessed: str | None,
        unexamined: Sequence[str],
    ) -> Iterator[str]:
        if held:
            yield f"{self.described(held[0])}."
        yield rule.why
        rank = held[0][1].rank if held else 0
        if rank == GROUP:
            yield self._about_groups(least)
        elif rank and assessed == "anonymous":
            yield "An assessment as anonymous is recorded; rows about persons speak against it."
        if unexamined:
            named = ", ".join(unexamined[:_NAMED])
            more = len(unexamined) - _NAMED
            yield f"Not examined: {named}{f' and {more} more' if more > 0 else ''}."
        if held:
            yield from self.doubts(held[0])

    def _about_groups(self, least: int | None) -> str:
        wanted = self._effects.least_group
        if least is None:
            return "Group sizes are not recorded."
        kept = f"fewer than {wanted}" if least < wanted else f"at least {wanted}"
        return f"The smallest group has k={least} rows, {kept}."

    def doubts(self, one: tuple[int, Fact, int]) -> Iterator[str]:
        """Yield what is not certain about the way of a fact."""
        node, fact, key = one
        way = self._found.way(key)
        if any(pair in self._evidence.approximate for pair in zip(way[1:], way, strict=False)):
            yield "A step of the path is approximate: the column may come from there."
        if fact.rule == self._effects.untraced or self._inventory.column_name(node) is None:
            yield "It is not recorded which column came from which."

    def described(self, one: tuple[int, Fact, int]) -> str:
        """Say what a column holds, such as ``cpf: CPF, direct identifier``."""
        node, fact, _ = one
        what = [self.type_name(fact), self._effects.english[self._effects.roles[fact.rank]]]
        if fact.label == "suggested":
            what.append("suggested and not rejected")
        return f"{self._column(node)}: {', '.join(what)}"

    def type_name(self, fact: Fact) -> str:
        """Return what people call the type of a fact."""
        if fact.semantic_type is None:
            return "inferred about persons" if fact.inferred else "about persons"
        name = self._labels.get(fact.semantic_type) or fact.semantic_type.rpartition("/")[2]
        return f"{name}, inferred" if fact.inferred else name

    def path(self, key: int) -> str:
        """Return the way to a fact in one line; a long one is shortened in its middle."""
        way = self._found.way(key)
        steps = [self._called(node) for node in way]
        for at, pair in enumerate(zip(way[1:], way, strict=False), 1):
            if pair in self._evidence.approximate:
                steps[at] += " (approximate)"
        if len(steps) > _LONGEST:
            left_out = len(steps) - 2 * _ENDS
            steps[_ENDS:-_ENDS] = [f"... {left_out} more ..."]
        return " -> ".join(steps)

    def _called(self, node: int) -> str:
        if node not in self._shown:
            name = self._evidence.names[int(self._inventory.version_of[node])]
            column = self._inventory.column_name(node)
            self._shown[node] = f"{name}.{column}" if column is not None else name
        return self._shown[node]


def _weight(one: tuple[int, Fact, int]) -> tuple[object, ...]:
    """What a fact counts beside others of its type; the rest makes the choice always the same."""
    _, fact, _ = one
    sure = ("suggested", "accepted", "confirmed")
    certainty = sure.index(fact.label) if fact.label in sure else -1
    return fact.rank, certainty, fact.rule, fact.categories
