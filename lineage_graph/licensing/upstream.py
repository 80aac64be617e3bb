"""Which sources are still inside something, how much of each, and by which path.

The index answers reachability by numbers; a name is asked for only where a person reads it.
A source that arrives by several paths can be there at several levels: beside an adaptation
a copy is still an adaptation, and the terms of both bind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lineage_graph.index import Closure, LineageIndex
from lineage_graph.licensing.algebra import ADAPTED, COPY, RESULTS, Algebra, Kinds, Policy
from lineage_graph.licensing.statements import Stated, Statements
from lineage_graph.licensing.ways import Ways

Unseen = Callable[[str], bool]
"""Tells whether a version came from something that is not visible to who asks."""
Starts = Mapping[int, tuple[Kinds, ...]]
"""Where a walk begins: a node itself, or, with kinds, what is going to be done to it."""


@dataclass(frozen=True)
class PathStep:
    """One derivation on a path from a source.

    Attributes:
        derived: IRI of what came out, or the name of what is only intended.
        source: IRI of what went in.
        kinds: Terms of what was done.
        activity: IRI of the activity; None for what is only intended.
        level: What the step leaves of the source.
    """

    derived: str
    source: str
    kinds: Kinds
    activity: str | None
    level: int


@dataclass(frozen=True)
class Way:
    """How a source reaches an artifact.

    Attributes:
        level: What is left of it.
        steps: A shortest path on which that much is left, from the source on.
    """

    level: int
    steps: tuple[PathStep, ...]

    @property
    def bottleneck(self) -> PathStep | None:
        """The first step that leaves no more than is left in the end; None when none lowers it."""
        if self.level == COPY:
            return None
        return next((step for step in self.steps if step.level == self.level), None)


class Upstream:
    """What lies upstream of some nodes.

    Args:
        index: Reachability.
        algebra: What steps leave of a source.
        statements: Which licence a source has.
        starts: Where to begin.
        artifact: IRI or name of what it is about; what is said of its own licence binds
            those who get it, not itself.
        as_of: Seq of the last ledger entry to consider; None for all.
        unseen: Tells whether something came from what is not visible here.
    """

    def __init__(
        self,
        index: LineageIndex,
        algebra: Algebra,
        statements: Statements,
        starts: Starts,
        artifact: str,
        as_of: int | None = None,
        unseen: Unseen = lambda version: False,
    ) -> None:
        self._index = index
        self._algebra = algebra
        self._statements = statements
        self._starts = starts
        self._artifact = artifact
        self._as_of = as_of
        self._unseen = unseen
        self._ways: dict[object, Ways] = {}
        self._asked: dict[tuple[str, str], Ways] = {}
        self._known: dict[tuple[int, str, str, int], Way] = {}

    @cached_property
    def _closure(self) -> Closure:
        return self._index.closure(
            list(self._starts), downstream=False, as_of=self._as_of, invalidated=True
        )

    @cached_property
    def _roots(self) -> list[int]:
        nodes = self._closure.nodes
        found: list[int] = nodes[self._index.roots(nodes, as_of=self._as_of)].tolist()
        return found

    @cached_property
    def sources(self) -> dict[int, Stated]:
        """Everything upstream that has a licence of its own, or should have one.

        That is what came from outside, and what somebody declared a licence for on its way.
        """
        said = self._statements.subjects.items()
        others = {node for node, iri in said if iri != self._artifact}
        within = others.intersection(self._closure.nodes.tolist())
        iris = self._index.iris({*self._roots, *within})
        stated = self._statements.stated(list(iris.values()))
        # By IRI, so that an answer does not depend on what was recorded first.
        return {number: stated[iris[number]] for number in sorted(iris, key=iris.__getitem__)}

    def levels(self, node: int, policy: Policy, family: str) -> tuple[int, ...]:
        """Return at which levels a source of a licence family is left, the least first."""
        return self._found(policy, family).levels(node)

    def way(self, node: int, policy: Policy, family: str, level: int) -> Way:
        """Return a path by which a source arrives at one of its levels."""
        asked = (node, policy.name, family, level)
        if asked not in self._known:
            self._known[asked] = self._way(node, policy, family, level)
        return self._known[asked]

    def _way(self, node: int, policy: Policy, family: str, level: int) -> Way:
        taken = list(reversed(self._found(policy, family).path(node, level)))
        iris = self._index.iris({i for s in taken for i in (s.derived, s.source, s.activity)})
        steps = [
            PathStep(
                iris[step.derived],
                iris[step.source],
                step.kinds,
                iris[step.activity],
                self._algebra.strength(policy, family, step.kinds),
            )
            for step in taken
        ]
        begun = taken[-1].derived if taken else node
        intended = [(self._algebra.strength(policy, family, k), k) for k in self._starts[begun]]
        if intended:
            lowered = any(step.level == level for step in steps)
            strength, kinds = max(one for one in intended if lowered or one[0] == level)
            name = self._index.iris([begun])[begun]
            steps.append(PathStep(self._artifact, name, kinds, None, strength))
        return Way(level, tuple(steps))

    def _found(self, policy: Policy, family: str) -> Ways:
        asked = (policy.name, family)
        if asked not in self._asked:
            self._asked[asked] = self._walked(policy, family)
        return self._asked[asked]

    def _walked(self, policy: Policy, family: str) -> Ways:
        """Return the ways for a family; those that travel alike under a policy share theirs."""
        strengths = self._algebra.strengths(policy, family, self._index.kind_sets)
        begun = {
            node: {self._algebra.strength(policy, family, k) for k in kinds} or {COPY}
            for node, kinds in self._starts.items()
        }
        key = (strengths, *sorted((node, *sorted(levels)) for node, levels in begun.items()))
        if key not in self._ways:
            self._ways[key] = Ways(
                self._index, self._closure, begun, strengths, downstream=False, as_of=self._as_of
            )
        return self._ways[key]

    def adapted(self, node: int, policy: Policy, family: str) -> list[str]:
        """Return the IRIs of adaptations of a source by which it arrives here."""
        strengths = self._algebra.strengths(policy, family, self._index.kind_sets)
        ways = Ways(
            self._index,
            self._closure,
            {node: {COPY}},
            strengths,
            downstream=True,
            as_of=self._as_of,
        )
        nodes = self._closure.nodes
        own = self._found(policy, family)
        passing = own.arriving(nodes, RESULTS)
        between = nodes[ways.arriving(nodes, ADAPTED) & passing].tolist()
        return sorted(self._index.iris(between).values())

    @cached_property
    def _history(self) -> Sequence[tuple[int, Kinds]]:
        """Every step there was, and those intended: what it was done to, and what was done."""
        sets = self._index.kind_sets
        recorded = {(edge.source, sets[edge.kinds]) for edge in self._closure.edges()}
        intended = {(node, kinds) for node, several in self._starts.items() for kinds in several}
        return sorted(recorded | intended)

    @cached_property
    def acts(self) -> Mapping[str, Upstream]:
        """For each kind that is an act in the history: what lies upstream of its inputs."""
        done: dict[str, dict[int, tuple[Kinds, ...]]] = {}
        for source, kinds in self._history:
            for kind in self._algebra.acting_kinds.intersection(kinds):
                done.setdefault(kind, {})[source] = ()
        return {
            kind: Upstream(self._index, self._algebra, self._statements, inputs, kind, self._as_of)
            for kind, inputs in done.items()
        }

    @cached_property
    def unknown_kinds(self) -> bool:
        """Whether some step in the history is of a kind that the table does not know."""
        return any(self._algebra.unknown_kinds(kinds) for _, kinds in self._history)

    @cached_property
    def unseen(self) -> bool:
        """Whether something in the history is not visible to who asks."""
        return any(map(self._unseen, self._index.iris(self._starts).values()))

    @cached_property
    def made_from_itself(self) -> bool:
        """Whether the record says that one of the starts was made from itself."""
        starts = self._starts.items()
        return any(
            self._index.in_cycle(node, as_of=self._as_of) for node, kinds in starts if not kinds
        )
