"""What it would mean if a licence ended, or the licence of one dataset.

The answer is arrays of numbers until somebody reads a row: a licence can reach a hundred
thousand artifacts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lineage_graph.drawing import Arrow, Box, Picture, Table
from lineage_graph.drawing.answers import Answer
from lineage_graph.index import LineageIndex
from lineage_graph.licensing.algebra import Algebra, Policy
from lineage_graph.licensing.licenses import License
from lineage_graph.licensing.statements import Stated
from lineage_graph.licensing.terms import Names
from lineage_graph.licensing.values import NOT_ADVICE, shape_of

if TYPE_CHECKING:
    import numpy as np

AFTER_THE_END: Final = "obtained after the licence ended: nothing covers it"
_SHOWN: Final = 200
_DRAWN: Final = 60

Times = Callable[[Collection[str]], Mapping[str, datetime]]
"""Gives when versions were obtained."""


@dataclass(frozen=True)
class EndingSource:
    """A source whose licence ends.

    Attributes:
        node: Its number in the index.
        stated: Which licence it has.
        license: The licence that ends.
    """

    node: int
    stated: Stated
    license: License


@dataclass(frozen=True)
class Affected:
    """One artifact that one ending licence reaches.

    Attributes:
        artifact: Name of the artifact.
        version: IRI of it.
        source: Name of the source.
        license: Id of the licence that ends.
        level: Name of how much of the source is left.
        remedy: Term of what is to be done.
        advice: What is to be done, in a sentence.
    """

    artifact: str
    version: str
    source: str
    license: str
    level: str
    remedy: str
    advice: str


class Impact(Answer):
    """Which artifacts an ending licence reaches, at which level, and what to do.

    Attributes:
        what: The licence or the dataset.
        policy: Name of the policy the levels hold under.
        at: When it ends; None for now.
        disclaimer: That it is no legal advice.
    """

    disclaimer = NOT_ADVICE

    def __init__(
        self,
        what: str,
        policy: Policy,
        at: datetime | None,
        sources: Collection[EndingSource],
        index: LineageIndex,
        algebra: Algebra,
        names: Names,
        times: Times,
        everything: Callable[[], Collection[str]],
    ) -> None:
        self.what = what
        self.policy = policy.name
        self.at = at
        self._policy = policy
        self._sources = list(sources)
        self._index = index
        self._algebra = algebra
        self._names = names
        self._times = times
        self._everything = everything

    @cached_property
    def _pairs(self) -> tuple[np.ndarray[Any, Any], ...]:
        """Position of the source, number of the artifact, and level, row by row."""
        import numpy as np

        families: dict[str, list[int]] = {}
        for position, source in enumerate(self._sources):
            families.setdefault(source.license.family, []).append(position)
        found = []
        for family, positions in families.items():
            strengths = self._algebra.strengths(self._policy, family, self._index.kind_sets)
            numbers = [self._sources[position].node for position in positions]
            at, node, level = self._index.reach_pairs(numbers, strengths, invalidated=True)
            found.append((np.asarray(positions)[at], node, level))
        if not found:
            return (np.empty(0, int),) * 3
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def __len__(self) -> int:
        """Return how many rows there are: an artifact counts once for each source."""
        return len(self._pairs[0])

    @property
    def levels(self) -> dict[str, int]:
        """How many rows there are at each level."""
        counted = Counter(self._pairs[2].tolist())
        return {
            name: counted[level]
            for level, name in sorted(self._algebra.levels.items(), reverse=True)
            if counted[level]
        }

    def rows(self, limit: int | None = None) -> list[Affected]:
        """Return the artifacts that are affected, those with most of the source first.

        Args:
            limit: Most rows; None for all.
        """
        import numpy as np

        sources, nodes, levels = self._pairs
        order = np.lexsort((nodes, sources, -levels))[:limit]
        chosen = [(int(sources[i]), int(nodes[i]), int(levels[i])) for i in order]
        iris = self._index.iris({node for _, node, _ in chosen})
        versions = {s.stated.version for s in self._sources}
        names = self._names({*iris.values(), *versions})
        late = self._obtained_late(versions)
        return [
            self._affected(self._sources[at], iris[node], level, names, late)
            for at, node, level in chosen
        ]

    def _affected(
        self,
        source: EndingSource,
        iri: str,
        level: int,
        names: Mapping[str, str],
        late: Collection[str],
    ) -> Affected:
        version = source.stated.version
        remedy, advice = self._algebra.consequence(source.license.revocability, level)
        if any(source.license.id not in ids for ids in source.stated.expression.alternatives):
            chosen = source.stated.expression.text
            remedy, advice = "Review", f"another licence can be chosen for it: {chosen}"
        elif version in late:
            remedy, advice = "Review", AFTER_THE_END
        return Affected(
            names.get(iri, iri),
            iri,
            names.get(version, version),
            source.license.id,
            self._algebra.levels[level],
            remedy,
            advice,
        )

    def _obtained_late(self, versions: Collection[str]) -> set[str]:
        if self.at is None or not versions:
            return set()
        return {version for version, at in self._times(versions).items() if at > self.at}

    @cached_property
    def _spared(self) -> list[str]:
        reached = set(self._index.iris(set(self._pairs[1].tolist())).values())
        return [iri for iri in self._everything() if iri not in reached]

    @property
    def unaffected_count(self) -> int:
        """How many recorded versions are not affected."""
        return len(self._spared)

    def unaffected(self, limit: int | None = None) -> list[str]:
        """Return names of recorded versions that are not affected.

        Args:
            limit: Most names; None for all.
        """
        return sorted(self._names(self._spared[:limit]).values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "of": self.what,
            "policy": self.policy,
            "at": self.at.isoformat() if self.at else None,
            "levels": self.levels,
            "affected": [vars(row) for row in self.rows()],
            "not_affected": self.unaffected(),
            "disclaimer": NOT_ADVICE,
        }

    def tables(self, limit: int | None = _SHOWN) -> list[Table]:
        """Return what is affected and what is not as tables."""
        rows = [
            (row.artifact, row.level, row.source, row.license, row.remedy, row.advice)
            for row in self.rows(limit)
        ]
        caption = (
            "Affected" if len(rows) == len(self) else f"Affected, {len(rows):,} of {len(self):,}"
        )
        head = ("Artifact", "Level", "Source", "Licence", "Remedy", "What to do")
        spared = [(name,) for name in self.unaffected(limit)]
        more = "" if len(spared) == self.unaffected_count else f", of {self.unaffected_count:,}"
        return [Table(caption, head, rows), Table(f"Not affected{more}", ("Artifact",), spared)]

    def picture(self, limit: int = _DRAWN) -> Picture:
        """Return each source with what it reaches; the tables say the same."""
        rows = self.rows(limit)
        sources = dict.fromkeys(row.source for row in rows)
        drawn = {row.artifact: shape_of(row.version) for row in rows}
        names = dict.fromkeys([*sources, *drawn])
        arrows = {
            (row.source, row.artifact): row.level for row in rows if row.source != row.artifact
        }
        return Picture(
            title=f"What is affected if {self.what} ends",
            description=f"{self.summary()} Arrows say how much of a source is left. {NOT_ADVICE}",
            boxes=[Box(n, n, drawn.get(n, "dataset"), root=n in sources) for n in names],
            arrows=[Arrow(*ends, level) for ends, level in arrows.items()],
            hidden=max(0, len(self) - len(rows)),
        )

    def summary(self) -> str:
        """Return how much is affected, in a sentence."""
        levels = ", ".join(f"{count:,} as {level}" for level, count in self.levels.items())
        return f"{len(self):,} affected ({levels})." if levels else "Nothing is affected."

    def _lines(self) -> Iterator[str]:
        from lineage_graph.drawing.table import as_text

        yield f"If {self.what} ends: {self.summary()}"
        yield from (as_text(table) for table in self.tables() if table.rows)
        yield NOT_ADVICE
