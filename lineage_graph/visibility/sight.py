"""What is hidden from those who have some clearances, as of one entry of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field

from lineage_graph.identity import sha256
from lineage_graph.ledger import Ledger
from lineage_graph.visibility import Visibility
from lineage_graph.visibility.filtering import Filter, statements
from lineage_graph.visibility.kinds import RAW, REFERRED, STATEMENTS, VERSIONS, kind_in, plain
from lineage_graph.visibility.spelling import spellings

_FORMAT = 1


@dataclass
class Sight:
    """What somebody does not see of a ledger up to an entry.

    Attributes:
        clearances: Labels that somebody is cleared for.
        seq: The last entry that was considered.
        hidden: IRIs of versions, datasets and models.
        partial: IRIs of versions that are seen and came from some that are not.
        dirty: Seqs of the entries that mention something hidden.
        gone: IRIs of what happened or was said that is not seen.
        lost: What is shared by records and first described where it cannot be seen, with seqs.
        texts: Hidden names that occur in entries, by seq.
    """

    clearances: frozenset[str]
    seq: int
    hidden: frozenset[str] = frozenset()
    partial: frozenset[str] = frozenset()
    dirty: set[int] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    lost: dict[str, int] = field(default_factory=dict)
    texts: Mapping[int, Mapping[bytes, bool]] = field(default_factory=dict)

    def hides(self, root: str) -> bool:
        """Tell whether something that is no part is not seen."""
        return root in self.hidden or root in self.gone

    def mark(self, upto: int, visibility: Visibility) -> str:
        """Return a digest of what decides how the entries up to one are seen."""
        of = visibility.mentions.of
        parts = [
            str(_FORMAT),
            *sorted(iri for iri in self.hidden if of.get(iri, (upto + 1,))[0] <= upto),
            *sorted(f"{seq}" for seq in self.dirty if seq <= upto),
            *sorted(
                f"{seq} {t!r}" for seq, some in self.texts.items() for t in some if seq <= upto
            ),
        ]
        return sha256("\n".join(parts).encode())

    def agrees(self, before: Sight, visibility: Visibility) -> bool:
        """Tell whether every entry that was considered before is seen as it was then."""
        of, upto = visibility.mentions.of, before.seq
        return (
            not any(of.get(iri, (upto + 1,))[0] <= upto for iri in self.hidden ^ before.hidden)
            and not any(seq <= upto for seq in self.dirty ^ before.dirty)
            and all(
                self.texts.get(seq) == before.texts.get(seq)
                for seq in self.texts.keys() | before.texts.keys()
                if seq <= upto
            )
        )


def looked(visibility: Visibility, ledger: Ledger, clearances: frozenset[str]) -> Sight:
    """Return what is hidden as far as everything is known.

    Args:
        visibility: Brought up to date.
        ledger: The truth.
        clearances: Labels that somebody is cleared for.
    """
    hidden = _hidden(visibility, clearances)
    sight = Sight(clearances, visibility.seq, frozenset(hidden))
    if not hidden:
        return sight
    versions = {iri for iri in hidden if kind_in(iri) in VERSIONS}
    sight.partial = frozenset(visibility.derivations.spread(versions) - hidden)
    mentions = visibility.mentions
    sight.texts = mentions.find(_names(visibility, hidden))
    begun = {seq for iri in hidden for seq in mentions.of.get(iri, ())}
    begun |= {
        seq for label, seqs in mentions.said.items() if label not in clearances for seq in seqs
    }
    begun |= {seq for seq, some in sight.texts.items() if not all(some.values())}
    begun |= mentions.raw
    _spoil(sight, visibility, ledger, begun)
    return sight


def _hidden(visibility: Visibility, clearances: frozenset[str]) -> set[str]:
    hidden = {v for v, labels in visibility.labelled.items() if not labels <= clearances}
    for thing in visibility.decisions.labels:
        if not visibility.labels(thing) <= clearances:
            hidden |= visibility.names_of(thing)
    waiting = list(hidden)
    while waiting:
        for thing in visibility.things.get(waiting.pop(), ()):
            if thing not in hidden and _begun_hidden(visibility, thing, hidden):
                new = {thing, *visibility.versions[thing]} - hidden
                hidden |= new
                waiting += new
    return hidden


def _begun_hidden(visibility: Visibility, thing: str, hidden: Container[str]) -> bool:
    """Tell whether a dataset or model was first known by a version that is hidden.

    What else is said of it was said of that version. If later versions decided, whoever may
    record one could uncover the dataset, or cover it.
    """
    mentioned = {v: visibility.mentions.of[v][0] for v in visibility.versions[thing]}
    first = min(mentioned.values())
    return any(version in hidden for version, seq in mentioned.items() if seq == first)


def _names(visibility: Visibility, hidden: Collection[str]) -> set[bytes]:
    """Return how the titles and locations of what is hidden are written, if nothing else's."""
    names = visibility.mentions.names
    secret = {name for iri in hidden for name in names.get(iri, ())}
    if secret:
        secret -= {name for iri, some in names.items() if iri not in hidden for name in some}
    return {spelling for name in secret for spelling in spellings(name)}


def _spoil(sight: Sight, visibility: Visibility, ledger: Ledger, begun: Iterable[int]) -> None:
    """Find the entries that mention something hidden, or something that such an entry says."""
    mentions, keeping = visibility.mentions, Filter(plain())
    waiting, speaking = list(begun), set()
    while waiting:
        while waiting:
            seq = waiting.pop()
            if seq in sight.dirty:
                continue
            sight.dirty.add(seq)
            bundle = mentions.bundles[seq - 1]
            waiting += mentions.of.get(bundle, ())
            for iri in mentions.describes.get(seq, ()):
                kind = kind_in(iri)
                if kind in REFERRED:
                    if mentions.born[iri] == seq:
                        sight.lost[iri] = seq
                elif kind in STATEMENTS:
                    speaking.add(seq)
                elif kind != RAW and iri not in sight.gone:
                    sight.gone.add(iri)
                    waiting += mentions.of.get(iri, ())
        for seq in speaking:
            entry = next(ledger.entries(seq - 1, seq))
            texts = sight.texts.get(seq, {})
            for iri in keeping.tainted(statements(entry.body), sight, texts) - sight.gone:
                sight.gone.add(iri)
                waiting += mentions.of.get(iri, ())
