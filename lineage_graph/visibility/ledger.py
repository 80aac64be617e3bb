"""A ledger in which what somebody may not see is absent.

Whatever is made from it, a graph, an index or an answer, cannot contain what it does not say.
Seqs and chains are those of the ledger itself, so a projection recognises it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from lineage_graph.errors import VisibilityChanged
from lineage_graph.identity import digested, sha256
from lineage_graph.ledger import Entry, Invalidation, Ledger, NewEntry
from lineage_graph.ledger.database import Row
from lineage_graph.visibility.filtering import Filter, root_of, statements
from lineage_graph.visibility.kinds import IRI, REFERRED, THINGS, kind_in, plain
from lineage_graph.visibility.sight import Sight
from lineage_graph.visibility.view import UNFILTERED, View

T = TypeVar("T")


class VisibleLedger:
    """What is seen of a ledger; appending goes to the ledger itself.

    It never shows an entry before it is known what is hidden as of that entry. When what had
    been recorded before is seen in another way, every method raises VisibilityChanged: what was
    made from this ledger is outdated, so it has to be opened again.

    Args:
        ledger: The ledger itself, of which this one is a view.
        view: What is seen, shared by all with the same clearances.

    Attributes:
        generation: The state of visibility that this ledger is about.
    """

    def __init__(self, ledger: Ledger, view: View) -> None:
        self._ledger = ledger
        self._view = view
        self.generation = view.look().generation
        self._filter = Filter(plain())

    @property
    def outdated(self) -> bool:
        """Whether what was made from this ledger may show what is hidden by now."""
        return self._view.look().generation != self.generation

    def sight(self) -> Sight:
        """Return what is hidden as of now.

        Raises:
            VisibilityChanged: It is not what it was when the ledger was opened.
        """
        looked = self._view.look()
        if looked.generation != self.generation:
            raise VisibilityChanged(
                "What you may see has changed since this graph was opened. Open it again."
            )
        return looked.sight

    def partial(self, version: str) -> bool:
        """Tell whether a version came from something that is not seen."""
        return version in self.sight().partial

    def close(self) -> None:
        """Close the ledger itself."""
        self._ledger.close()

    def append(self, new: NewEntry) -> int:
        """Append one bundle to the ledger itself."""
        return self._ledger.append(new)

    @property
    def head(self) -> int:
        """Seq of the last entry of which it is known what is hidden."""
        return self.sight().seq

    @property
    def chain_head(self) -> str:
        """Chain of that entry."""
        return self.chain_at(self.head) or ""

    def entries(self, after: int = 0, upto: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, without what is hidden."""
        sight = self.sight()
        if sight.hidden:
            self._view.state()
        last = sight.seq if upto is None else min(upto, sight.seq)
        for entry in self._ledger.entries(after, last):
            yield self._seen(entry, sight) if sight.hidden else entry

    def described(self, iris: Iterable[str]) -> set[str]:
        """Return which of the IRIs some entry describes."""
        return self._shown(lambda: self._ledger.described(iris), self._kept)

    def described_first(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the seq of the first entry that describes an IRI, for those that are."""
        return self._shown(
            lambda: self._ledger.described_first(iris),
            lambda found, sight: {i: found[i] for i in self._kept(found, sight)},
        )

    def described_between(self, prefix: str, after: int, upto: int) -> set[str]:
        """Return the IRIs with a prefix that some entries describe."""
        return self._shown(lambda: self._ledger.described_between(prefix, after, upto), self._kept)

    def iris_with(self, prefix: str) -> list[str]:
        """Return the IRIs with a prefix, without those of parts of things, sorted."""
        return self._shown(
            lambda: self._ledger.iris_with(prefix),
            lambda found, sight: sorted(self._kept(found, sight)),
        )

    def things_after(self, node: int, prefixes: Sequence[str]) -> list[Row]:
        """Return number and IRI of things, and of their columns, in the order of their numbers."""

        def kept(found: list[Row], sight: Sight) -> list[Row]:
            shown = self._kept((iri for _, iri in found), sight)
            return [row for row in found if row[1] in shown]

        return self._shown(lambda: self._ledger.things_after(node, prefixes), kept)

    def is_bundle(self, iri: str) -> bool:
        """Tell whether an entry's bundle has this IRI."""
        sight = self.sight()
        return self._ledger.is_bundle(iri) and not (
            sight.hidden and self._seq_of(iri) in {*sight.dirty, None}
        )

    def index_rows(self, after: int, upto: int) -> Iterator[list[Row]]:
        """Yield the edges that some entries state, as numbers, a page at a time."""
        sight = self.sight()
        if sight.hidden:
            self._view.state()
        for page in self._ledger.index_rows(after, min(upto, sight.seq)):
            if sight.hidden:
                shown = self.iris_of({node for row in page for node in row[1:3]})
                page = [row for row in page if row[1] in shown and row[2] in shown]
            if page:
                yield page

    def invalidations(self, after: int, upto: int) -> list[Invalidation]:
        """Return what no longer holds as far as some entries make it known.

        What is hidden is a number that no name is given for.
        """
        return self._ledger.invalidations(after, min(upto, self.sight().seq))

    def kind_sets(self) -> dict[int, tuple[str, ...]]:
        """Return the sets of derivation kinds by number, the first one met first."""
        return self._ledger.kind_sets()

    def node_ids(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those IRIs that are seen."""
        return self._shown(
            lambda: self._ledger.node_ids(iris),
            lambda found, sight: {i: found[i] for i in self._kept(found, sight)},
        )

    def iris_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the IRIs of those numbers that are seen.

        That of an activity between two things that are seen names nothing else.
        """

        def kept(found: dict[int, str], sight: Sight) -> dict[int, str]:
            shown = self._kept(found.values(), sight)
            return {
                n: i
                for n, i in found.items()
                if i in shown or (kind_in(root_of(i)) == "activity" and self._joins(n, i, sight))
            }

        return self._shown(lambda: self._ledger.iris_of(ids), kept)

    def chain_at(self, seq: int) -> str | None:
        """Return the chain of an entry, of the beginning for 0; None when there is none."""
        return self._ledger.chain_at(seq) if seq <= self.sight().seq else None

    def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Check every entry of the ledger itself."""
        return self._ledger.verify(progress)

    def _shown(self, ask: Callable[[], T], kept: Callable[[T, Sight], T]) -> T:
        """Ask the ledger itself and leave out what is hidden."""
        sight = self.sight()
        found = ask()
        if self.generation != UNFILTERED:
            return kept(found, sight)
        # What was appended meanwhile may have hidden something of it.
        self.sight()
        return found

    def _kept(self, iris: Iterable[str], sight: Sight) -> set[str]:
        """Return which IRIs are those of something that is seen, and known by now."""
        born, known = self._view.visibility.mentions.born, self._view.visibility.mentions.of
        kept = set()
        for iri in iris:
            root = root_of(iri)
            kind = kind_in(root)
            if sight.hides(root):
                continue
            # What is newer than the sight may be hidden by what is newer.
            if kind in THINGS:
                seen = root in known and known[root][0] <= sight.seq
            else:
                lost = kind in REFERRED and root in sight.lost
                seen = born.get(root, sight.seq + 1) <= sight.seq and not lost
            if seen:
                kept.add(iri)
        return kept

    def _joins(self, number: int, activity: str, sight: Sight) -> bool:
        """Tell whether an activity derived something that is seen from something that is."""
        for seq in self._view.visibility.mentions.of.get(activity, ()):
            for page in self._ledger.index_rows(seq - 1, min(seq, sight.seq)):
                ends = [row[1:3] for row in page if row[4] == number]
                iris = self._ledger.iris_of({node for pair in ends for node in pair})
                shown = self._kept(iris.values(), sight)
                if any(iris[one] in shown and iris[other] in shown for one, other in ends):
                    return True
        return False

    def _seq_of(self, bundle: str) -> int | None:
        bundles = self._view.visibility.mentions.bundles
        return bundles.index(bundle) + 1 if bundle in bundles else None

    def _seen(self, entry: Entry, sight: Sight) -> Entry:
        """Return an entry without what is hidden."""
        texts = sight.texts.get(entry.seq, {})
        dirty = entry.seq in sight.dirty
        wanted = {m[0].decode() for m in IRI.findall(entry.body)} & sight.lost.keys()
        wanted = {iri for iri in wanted if sight.lost[iri] < entry.seq}
        if not (dirty or texts or wanted):
            return entry
        said = statements(entry.body)
        if dirty:
            kept = self._filter.kept(said, sight, texts)
            kept = [one for one in kept if not self._is_emptied(one.root, sight)]
            lines = [one.line for one in kept]
            wanted &= {root_of(one.object) for one in kept if one.object is not None}
        else:
            lines = self._filter.told(said, sight, texts)
        lines += self._lent(wanted, entry.seq, sight)
        body = "".join(f"{line} <{entry.bundle}> .\n" for line in sorted(set(lines))).encode()
        if dirty:
            # The name of a bundle of which nothing is seen may be made of what it says.
            bundle = entry.bundle if lines else digested("bundle", entry.chain)
            return replace(entry, bundle=bundle, body=body, digest=sha256(body), author="", txid="")
        return replace(entry, body=body, digest=sha256(body))

    def _is_emptied(self, iri: str, sight: Sight) -> bool:
        """Tell whether something is a bundle of which nothing is seen."""
        seq = self._seq_of(iri) if kind_in(iri) == "bundle" else None
        if seq not in sight.dirty:
            return False
        return not self._seen(next(self._ledger.entries(seq - 1, seq)), sight).body

    def _lent(self, wanted: Iterable[str], seq: int, sight: Sight) -> list[str]:
        """Return what is said of shared things where they were described first."""
        lines: list[str] = []
        waiting, met = list(wanted), set(wanted)
        while waiting:
            iri = waiting.pop()
            first = sight.lost[iri]
            entry = next(self._ledger.entries(first - 1, first))
            said = statements(entry.body)
            lines += self._filter.lent(said, iri, sight.texts.get(first, {}))
            objects = {o.object for o in said if o.subject == iri and o.object is not None}
            new = {o for o in objects & sight.lost.keys() if sight.lost[o] < seq} - met
            waiting += new
            met |= new
        return lines
