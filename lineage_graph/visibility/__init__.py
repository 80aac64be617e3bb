"""Who may see what: labels on datasets, inherited by whatever is derived from them.

To follow *what a person may see*: ``extracts.py`` reads what each entry of the ledger is about,
``mentions.py`` finds entries by that,
``derivations.py`` says what came from what, :class:`Visibility` puts people's labels on it,
``sight.py`` says what is hidden from somebody who is cleared for some labels only, and
``filtering.py`` takes that out of each entry; ``view.py`` and ``ledger.py`` make a ledger of it
that every projection and question can stand on.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Entry, Ledger
from lineage_graph.visibility.derivations import Derivations
from lineage_graph.visibility.extracts import Extracts
from lineage_graph.visibility.kinds import DECIDING, VERSIONS, kind_in
from lineage_graph.visibility.mentions import Mentions

if TYPE_CHECKING:
    from lineage_graph.stores import Store

__all__ = ["Origin", "Said", "Visibility", "require_labels"]

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


@dataclass(frozen=True)
class Said:
    """One label that somebody put on something, or let something go without.

    Attributes:
        iri: What says so; it can be invalidated.
        about: IRI of the dataset, model or version.
        label: Name of the label.
        at: When it was recorded.
        author: IRI of the agent who said so.
        because: Why.
    """

    iri: str
    about: str
    label: str
    at: datetime
    author: str
    because: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "at": self.at.isoformat()}


@dataclass(frozen=True)
class Origin:
    """A label of a version, and where it comes from.

    Attributes:
        label: Name of the label.
        source: IRI of the version whose dataset or model the label was put on.
        said: What put it there.
    """

    label: str
    source: str
    said: Said


class Decisions:
    """What people decided about visibility and did not take back.

    Attributes:
        labels: What was put on datasets and models, by their IRI.
        declassified: What does not inherit which label, by its IRI.
    """

    def __init__(self, declarations: Declarations) -> None:
        from lineage_graph.stores.oxigraph import MemoryStore

        self._declarations = declarations
        self._store: Store = MemoryStore()
        self._applied: list[Entry] = []
        self._ended: set[str] = set()
        self.labels: Mapping[str, tuple[Said, ...]] = {}
        self.declassified: Mapping[str, tuple[Said, ...]] = {}

    def add(self, entries: Collection[Entry]) -> None:
        """Take in entries that decide something."""
        # A store takes entries without holes, so they are numbered anew.
        first = len(self._applied)
        self._applied += [replace(e, seq=first + n) for n, e in enumerate(entries, 1)]
        while self._store.applied.seq < len(self._applied):
            self._store.apply(lambda after: iter(self._applied[after:]))
        self.labels = self._read("labels", "label")
        self.declassified = self._read("declassifications", "declassification", self._ended)

    def end(self, mentioned: Container[str]) -> bool:
        """End the declassifications in bundles that others mention: they no longer hold.

        A label holds until it is taken back itself.

        Returns:
            Whether some ended.
        """
        ended = {e.bundle for e in self._applied if e.bundle in mentioned}
        new = ended > self._ended
        if new:
            self._ended = ended
            self.add(())
        return new

    def _read(
        self, query: str, what: str, ended: Collection[str] = ()
    ) -> Mapping[str, tuple[Said, ...]]:
        gone = b"".join(entry.body for entry in self._applied if entry.bundle in ended)
        found: defaultdict[str, dict[tuple[str, str], Said]] = defaultdict(dict)
        for row in self._store.select(self._declarations.query(f"visibility/{query}").bind()):
            if row["end"] is None and f"<{row[what]}>".encode() not in gone:
                said = Said(
                    str(row[what]),
                    str(row["about"]),
                    row["name"],
                    row["at"],
                    str(row["author"]),
                    row["because"],
                )
                found[said.about][said.iri, said.label] = said
        return {about: tuple(said.values()) for about, said in found.items()}


@dataclass
class _Taken:
    """How far what entries mention has become labels; not as far as that when reading failed."""

    seq: int = 0
    pairs: int = 0
    versions: int = 0
    aliases: int = 0
    deciding: list[int] = field(default_factory=list)
    changed: bool = False


class Visibility:
    """Which labels everything in a ledger has; threads may share it.

    While nobody put a label on anything, it reads no entry.

    Args:
        ledger: The truth, all of it.
        declarations: Where the queries are.
        kept: File that keeps what was read of the ledger; None for none.

    Attributes:
        lock: Held by whoever brings it up to date or reads what it knows.
        seq: The last entry that is known.
        mentions: What entries mention.
        derivations: What came from what.
        decisions: What people decided.
        things: What each version is a version of.
        versions: Versions of each dataset and model.
        called: All IRIs of a dataset that had several, by each of them.
    """

    def __init__(
        self, ledger: Ledger, declarations: Declarations | None = None, kept: Path | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.seq = 0
        self.mentions = Mentions()
        self.derivations = Derivations()
        self.decisions = Decisions(declarations or Declarations())
        self.things: dict[str, set[str]] = {}
        self.versions: defaultdict[str, list[str]] = defaultdict(list)
        self.called: dict[str, frozenset[str]] = {}
        self._ledger = ledger
        self._extracts = Extracts(ledger, kept)
        self._taken = _Taken()
        self._joined: dict[str, int] = {}
        self._used = False
        self._effective: dict[str, frozenset[str]] = {}

    @property
    def used(self) -> bool:
        """Whether anybody ever put a label on anything, as far as is known."""
        return self._used

    def refresh(self) -> int:
        """Take in what was recorded since.

        Returns:
            Seq of the last entry that is known.
        """
        head = self._ledger.head
        with self.lock:
            if head > self.seq:
                if not self._used:
                    self._used = self._decided(self.seq, head)
                if self._used:
                    self._read(head)
                self.seq = head
            return self.seq

    def _decided(self, after: int, upto: int) -> bool:
        return any(
            self._ledger.described_between(f"{NAMESPACE}{kind}:", after, upto) for kind in DECIDING
        )

    def _read(self, head: int) -> None:
        mentions, taken, known = self.mentions, self._taken, self.derivations.last
        for extract in self._extracts.between(mentions.seq, head):
            if mentions.take(extract):
                taken.deciding.append(mentions.seq)
        deciding = [next(self._ledger.entries(seq - 1, seq)) for seq in taken.deciding]
        self.derivations.refresh(self._ledger, taken.seq, head)
        self.derivations.add(mentions.pairs[taken.pairs :])
        new = mentions.versions[taken.versions :]
        for version, thing in new:
            if thing not in self.things.setdefault(version, set()):
                self.things[version].add(thing)
                self.versions[thing].append(version)
        if deciding:
            self.decisions.add(deciding)
        taken.changed |= self.decisions.end(mentions.of)
        taken.changed |= self._call(mentions.aliases[taken.aliases :])
        if deciding or taken.changed or not self._extended(known, [version for version, _ in new]):
            self._effective = self._spread()
        self._taken = _Taken(
            head, len(mentions.pairs), len(mentions.versions), len(mentions.aliases)
        )

    def _call(self, aliases: Iterable[tuple[str, str, int]]) -> bool:
        """Take in that datasets have or had further IRIs, and tell whether some are new.

        Once two were one, a label on either is on both: else who gives a dataset another name
        takes it from under its labels. For the same reason what somebody had let go before is
        not let go any more: it did not comprise what is called so now.
        """
        new = False
        for one, other, seq in aliases:
            group = self.names_of(one) | self.names_of(other)
            if group != self.names_of(one):
                new = True
                self.called.update((iri, group) for iri in group)
                self._joined.update((iri, seq) for iri in group)
        return new

    def names_of(self, iri: str) -> frozenset[str]:
        """Return all IRIs that a dataset has or had."""
        return self.called.get(iri) or frozenset({iri})

    def said(self, thing: str) -> Iterator[Said]:
        """Yield the labels on a dataset or model, by whichever of its IRIs."""
        for iri in sorted(self.names_of(thing)):
            yield from self.decisions.labels.get(iri, ())

    def _spread(self) -> dict[str, frozenset[str]]:
        """Return the labels of all versions that have some, each label in one pass."""
        names = {said.label for some in self.decisions.labels.values() for said in some}
        found: defaultdict[str, set[str]] = defaultdict(set)
        for label in names:
            own, stops = self._ends(label)
            for version in own | self.derivations.spread(own, stops):
                found[version].add(label)
        return {version: frozenset(labels) for version, labels in found.items()}

    def _extended(self, known: int, versions: Collection[str]) -> bool:
        """Give new versions what they inherit, at the cost of what is new.

        Args:
            known: Highest number of what had been recorded before.
            versions: Versions of which it was just said what they are versions of.

        Returns:
            Whether that was enough: not when labels of older versions change as well.
        """
        iri, number, effective = self.derivations.iri, self.derivations.number, self._effective
        waiting = {number[version] for version in versions if version in number}
        into: defaultdict[int, set[int]] = defaultdict(set)
        for source, derived in self.derivations.new:
            into[derived].add(source)
            waiting.add(derived)
        changed = True
        while changed:
            changed = False
            for derived in waiting & iri.keys():
                version = iri[derived]
                had = effective.get(version, frozenset())
                sources = (effective.get(iri.get(s, ""), frozenset()) for s in into[derived])
                inherited = frozenset().union(*sources) - self._let_go(version)
                labels = had | inherited | self._own(version)
                if labels != had:
                    if derived <= known:
                        return False
                    effective[version], changed = labels, True
        return True

    def _own(self, version: str) -> frozenset[str]:
        return frozenset(n for thing in self.things.get(version, ()) for n in self.labels(thing))

    def _let_go(self, version: str) -> frozenset[str]:
        """Return the labels that a version does not inherit."""
        abouts = (version, *self.things.get(version, ()))
        return frozenset(one.label for about in abouts for one in self._declassified(about))

    def _declassified(self, about: str) -> list[Said]:
        """Return what something was let go without since it has all its names."""
        said, since = self.decisions.declassified.get(about, ()), self._joined.get(about, 0)
        return [one for one in said if self.mentions.born[one.iri] > since]

    def _ends(self, label: str) -> tuple[set[str], set[str]]:
        """Return which versions a label is on by itself, and which do not inherit it."""

        def of(about: str) -> Sequence[str]:
            return [about] if kind_in(about) in VERSIONS else self.versions.get(about, ())

        def with_it(abouts: Iterable[str], said: Callable[[str], Iterable[Said]]) -> set[str]:
            return {about for about in abouts if any(one.label == label for one in said(about))}

        labels, declassified = self.decisions.labels, self.decisions.declassified
        own = {n for a in with_it(labels, labels.__getitem__) for n in self.names_of(a)}
        stops = with_it(declassified, self._declassified)
        return {v for name in own for v in of(name)}, {v for about in stops for v in of(about)}

    def labels(self, iri: str) -> frozenset[str]:
        """Return the labels of a version, or those put on a dataset or model itself."""
        if kind_in(iri) in VERSIONS:
            return self._effective.get(iri, frozenset())
        return frozenset(said.label for said in self.said(iri))

    @property
    def labelled(self) -> Mapping[str, frozenset[str]]:
        """The labels of versions that have some."""
        return self._effective

    def origins(self, version: str) -> list[Origin]:
        """Return where each label of a version comes from, over all its sources."""
        found = []
        for label in sorted(self.labels(version)):
            own, stops = self._ends(label)
            for source in sorted(own & ({version} | self.derivations.sources(version, stops))):
                found += [
                    Origin(label, source, said)
                    for thing in sorted(self.things.get(source, ()))
                    for said in self.said(thing)
                    if said.label == label
                ]
        return found

    def inherited(self, version: str) -> frozenset[str]:
        """Return the labels that a version's sources have."""
        labels = (self.labels(one) for one in self.derivations.sources(version, ()))
        return frozenset().union(*labels)


def require_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels, each once.

    Raises:
        InvalidRecord: There are none, or one is no name.
    """
    if not labels:
        raise InvalidRecord("Name at least one visibility label, such as hr.")
    for label in labels:
        if not NAME.fullmatch(label):
            raise InvalidRecord(
                f"{label!r} is no visibility label: use letters, digits and hyphens, at most 64, "
                "beginning with a letter or digit."
            )
    return tuple(dict.fromkeys(labels))
