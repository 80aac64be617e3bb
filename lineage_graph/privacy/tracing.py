"""What every version has to do with one person: from what was looked up, along the lineage.

Whoever was found in a version is in it. What has no index of its own is known only where all
that it was made from is not affected; otherwise it is said why nothing is known.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from lineage_graph.privacy.looking import Looked

Verdict = Literal["contains", "trained on", "inferred about", "not affected", "cannot be excluded"]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "contains",
    "inferred about",
    "trained on",
    "cannot be excluded",
    "not affected",
)
AFFECTED: Final = frozenset(("contains", "trained on", "inferred about"))
ROWS: Final = frozenset(("contains", "inferred about"))
"""Verdicts under which rows about the person are in something."""
MIXING: Final = frozenset(("Aggregate", "Chart", "Combine", "Lookup", "Synthesis"))
"""Kinds that put values of a row into others, so that no row need be about the person.

A join is one: what it adds to a row can be of somebody else, as where it joins households.
"""
MEASURING: Final = frozenset(("Evaluation",))


class Finding(NamedTuple):
    """What was found of one version.

    Attributes:
        verdict: The answer.
        why: In a sentence.
        cause: What it was made from that decides; None when it decides itself.
        rows: In how many of its rows the person is; 0 where that is not known.
        order: After how many others it can be made anew; None when it is not affected.
    """

    verdict: Verdict
    why: str
    cause: str | None = None
    rows: int = 0
    order: int | None = None


class Known(NamedTuple):
    """What is known of a version's status.

    Attributes:
        assessed: Whether an assessment says that it is anonymous.
        free: Whether no personal data was found in it and every column was recognised. Rows
            without an identifier can be about a person all the same, so where it came from
            counts before that.
        label: What it is, in words.
    """

    assessed: bool
    free: bool
    label: str


@dataclass(frozen=True)
class Derived:
    """One derivation between versions: what came out, what went in, and what was done."""

    derived: str
    source: str
    kinds: frozenset[str]


class Tracing:
    """Goes from sources to what was made of them, each version once.

    Args:
        versions: IRIs of all versions.
        edges: What was made from what.
        models: Those that are versions of models.
        looked: What looking the person up gave.
        known: Status of each version.
        names: What people call versions.
    """

    def __init__(
        self,
        versions: Collection[str],
        edges: Iterable[Derived],
        models: Collection[str],
        looked: Mapping[str, Looked],
        known: Mapping[str, Known],
        names: Mapping[str, str],
    ) -> None:
        self._versions = versions
        self._models = models
        self._looked = looked
        self._known = known
        self._names = names
        self._parents: dict[str, dict[str, frozenset[str]]] = {v: {} for v in versions}
        for edge in edges:
            if edge.derived in self._parents and edge.source != edge.derived:
                into = self._parents[edge.derived]
                into[edge.source] = into.get(edge.source, frozenset()) | edge.kinds
        self.findings: dict[str, Finding] = {}
        for version in self._in_order():
            judge = self._model if version in models else self._dataset
            self.findings[version] = self._placed(version, judge(version))

    def path(self, version: str) -> str:
        """Return how what decides came there, from where it was found."""
        met = [version]
        while (found := self.findings.get(met[-1])) is not None:
            if found.cause is None or found.cause in met:
                break
            met.append(found.cause)
        return " -> ".join(self._called(one) for one in reversed(met))

    def _in_order(self) -> list[str]:
        """Return the versions, sources first; those of a cycle at the end."""
        waiting = {v: len(parents) for v, parents in self._parents.items()}
        children: defaultdict[str, list[str]] = defaultdict(list)
        for derived, parents in self._parents.items():
            for source in parents:
                if source in self._parents:
                    children[source].append(derived)
                else:
                    waiting[derived] -= 1
        ready = deque(v for v in self._versions if not waiting[v])
        order: dict[str, None] = {}
        while ready:
            version = ready.popleft()
            order[version] = None
            for child in children[version]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        return [*order, *(v for v in self._versions if v not in order)]

    def _placed(self, version: str, found: Finding) -> Finding:
        """Add the place in the order in which what is affected can be made anew."""
        if found.verdict not in AFFECTED:
            return found
        before = [self._order(parent) for parent in self._parents[version]]
        return found._replace(order=max(before, default=-1) + 1)

    def _order(self, version: str) -> int:
        found = self.findings.get(version)
        return -1 if found is None or found.order is None else found.order

    def _verdict(self, version: str) -> Verdict:
        """Return a verdict; of what is in a cycle, or not recorded, nothing is known yet."""
        found = self.findings.get(version)
        return found.verdict if found else "cannot be excluded"

    def _called(self, version: str) -> str:
        return self._names.get(version, version)

    def _dataset(self, version: str) -> Finding:
        parents = self._parents[version]
        looked = self._looked.get(version)
        if looked is not None and looked.rows:
            return self._found(version, looked)
        if looked is not None and not looked.gap:
            return self._not_found(version, looked)
        data = [p for p in parents if p not in self._models]
        for parent in data:
            if "Inference" in parents[parent] and self._verdict(parent) in ROWS:
                why = f"predicted from {self._called(parent)}, which has rows about the person"
                return Finding("inferred about", why, parent)
        known = self._known.get(version, Known(False, False, "not examined"))
        if known.assessed:
            return Finding("not affected", f"{known.label}{self._learnt(version)}")
        unsettled = self._unsettled(version, data)
        if unsettled is not None:
            return unsettled
        if data:
            why = f"made only from what is not affected{self._learnt(version)}"
            return Finding("not affected", why)
        if known.free:
            return Finding("not affected", f"{known.label}{self._learnt(version)}")
        gap = looked.gap if looked is not None else "it has no index"
        return Finding("cannot be excluded", f"{known.label}, and {gap}")

    def _found(self, version: str, looked: Looked) -> Finding:
        rows = "1 row" if looked.rows == 1 else f"{looked.rows:,} rows"
        why = f"{rows} by {' and '.join(looked.by)}"
        parents = self._parents[version]
        data = [p for p in parents if p not in self._models]
        cause = next((p for p in data if self._verdict(p) in ROWS), None)
        inferred = any("Inference" in kinds for kinds in parents.values())
        verdict: Verdict = "inferred about" if inferred else "contains"
        return Finding(verdict, why, cause, looked.rows)

    def _not_found(self, version: str, looked: Looked) -> Finding:
        for parent, kinds in self._parents[version].items():
            mixed = sorted(kinds & MIXING)
            unsettled = self._verdict(parent) == "cannot be excluded"
            if unsettled and parent not in self._models:
                why = f"made from {self._called(parent)}, of which it cannot be excluded"
                return Finding("cannot be excluded", why, parent)
            if mixed and self._verdict(parent) != "not affected":
                why = (
                    f"no row is about the person, but {mixed[0]} of {self._called(parent)} can "
                    "have put values of theirs into other rows"
                )
                return Finding("cannot be excluded", why, parent)
        why = f"no row by {' and '.join(looked.by)}{self._learnt(version)}"
        return Finding("not affected", why)

    def _unsettled(self, version: str, data: Iterable[str]) -> Finding | None:
        """Return the answer of what was made from something that is not spared."""
        for parent in sorted(data, key=lambda p: VERDICTS.index(self._verdict(p))):
            verdict = self._verdict(parent)
            if verdict in ROWS:
                why = (
                    f"made from {self._called(parent)}, which has rows about the person, and "
                    "without an index of its own that covers it"
                )
                return Finding("cannot be excluded", why, parent)
            if verdict == "cannot be excluded":
                why = f"made from {self._called(parent)}, of which it cannot be excluded"
                return Finding("cannot be excluded", why, parent)
        for parent, kinds in self._parents[version].items():
            made_up = parent in self._models and "Synthesis" in kinds
            if made_up and self._verdict(parent) != "not affected":
                why = f"made up by {self._called(parent)}, which can repeat what it learnt"
                return Finding("cannot be excluded", why, parent)
        return None

    def _learnt(self, version: str) -> str:
        """Say which models it was made by learnt from the person."""
        by = [
            self._called(parent)
            for parent in self._parents[version]
            if parent in self._models and self._verdict(parent) in AFFECTED
        ]
        return f"; made by {', '.join(by)}, which learnt from the person" if by else ""

    def _model(self, version: str) -> Finding:
        parents = self._parents[version]
        learnt = {p: kinds - MEASURING for p, kinds in parents.items()}
        learnt = {p: kinds for p, kinds in learnt.items() if kinds}
        if not learnt:
            return Finding("cannot be excluded", "it is not recorded what it was trained on")
        for parent, kinds in learnt.items():
            if "MemorisingTraining" in kinds and self._verdict(parent) in ROWS:
                why = f"it keeps rows of {self._called(parent)}"
                return Finding("contains", why, parent)
        for parent in learnt:
            if self._verdict(parent) in AFFECTED:
                why = f"it learnt from {self._called(parent)}"
                return Finding("trained on", why, parent)
        for parent in learnt:
            if self._verdict(parent) == "cannot be excluded":
                why = f"it learnt from {self._called(parent)}, of which it cannot be excluded"
                return Finding("cannot be excluded", why, parent)
        measured = [p for p in parents if p not in learnt and self._verdict(p) != "not affected"]
        more = (
            f"; measured on {self._called(measured[0])}, whose rows its measures depend on"
            if measured
            else ""
        )
        return Finding("not affected", f"learnt only from what is not affected{more}")
