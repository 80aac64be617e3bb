"""What the entries of a ledger mention, by what is mentioned, for everybody who asks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from lineage_graph.visibility.extracts import Extract, bytes_of

_WORD: Final = re.compile(rb"[\w\x80-\xff]")
_WORDS: Final = re.compile(rb"[\w\x80-\xff]+")
_FEW: Final = 16
"""Texts that are sooner found one after the other."""


class Mentions:
    """What entries mention, kept up to date by whoever takes them in.

    Attributes:
        seq: The last entry that was taken in.
        bundles: IRI of the bundle of each entry, the first one first.
        of: Seqs of the entries that mention a thing, or something that happened once.
        born: Seq of the first entry that describes something that is no thing.
        describes: What is no thing and an entry describes, by seq.
        versions: Each version and what it is a version of, in the order of entries.
        pairs: Each version that was derived and the source, as bodies say it.
        said: Seqs of the entries that name a visibility label.
        raw: Seqs of the entries that keep what was received.
        names: Titles and locations of each thing, as N-Quads write them.
        aliases: A dataset, another IRI that it has or had, and the seq of who says so.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.bundles: list[str] = []
        self.of: defaultdict[str, list[int]] = defaultdict(list)
        self.born: dict[str, int] = {}
        self.describes: defaultdict[int, list[str]] = defaultdict(list)
        self.versions: list[tuple[str, str]] = []
        self.pairs: list[tuple[str, str]] = []
        self.said: defaultdict[str, list[int]] = defaultdict(list)
        self.names: defaultdict[str, set[bytes]] = defaultdict(set)
        self.aliases: list[tuple[str, str, int]] = []
        self.raw: set[int] = set()
        self._text = bytearray()
        self._begins: list[int] = []
        self._where: list[tuple[int, bool]] = []
        self._words: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._found: dict[bytes, set[tuple[int, bool]]] = {}
        self._searched = 0

    def take(self, extract: Extract) -> bool:
        """Take in the next entry.

        Returns:
            Whether it decides something about visibility.
        """
        self.seq = seq = self.seq + 1
        self.bundles.append(extract.bundle)
        for iri in extract.mentioned:
            self.of[iri].append(seq)
        for iri in extract.described:
            self.born.setdefault(iri, seq)
            self.describes[seq].append(iri)
        if extract.raw:
            self.raw.add(seq)
        self.versions += extract.versions
        self.pairs += extract.pairs
        self.aliases += ((one, other, seq) for one, other in extract.aliases)
        for label in extract.labels:
            self.said[label].append(seq)
        for thing, name in extract.names:
            self.names[thing].add(bytes_of(name))
        for of_thing, text in extract.texts:
            self._begins.append(len(self._text))
            self._where.append((seq, of_thing))
            self._text += bytes_of(text) + b"\n"
        return extract.deciding

    def find(self, texts: Collection[bytes]) -> Mapping[int, Mapping[bytes, bool]]:
        """Return where texts stand as words of their own, other than as the name of a thing.

        Returns:
            For each seq the texts, each with whether only a thing is described by it.
        """
        self._search(self._searched, self._words)
        self._searched = len(self._text)
        new: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for text in texts:
            if text and text not in self._found:
                self._found[text] = set()
                new[max(_WORDS.findall(text), key=len, default=b"")].append(text)
        self._search(0, new)
        for word, some in new.items():
            self._words[word] += some
        found: defaultdict[int, dict[bytes, bool]] = defaultdict(dict)
        for text in texts:
            for seq, of_thing in self._found.get(text, ()):
                found[seq][text] = found[seq].get(text, True) and of_thing
        return found

    def _search(self, begin: int, words: Mapping[bytes, list[bytes]]) -> None:
        """Look for texts from somewhere on, by the longest word of each."""
        if begin == len(self._text) or not words:
            return
        if sum(map(len, words.values())) <= _FEW or b"" in words:
            for text in (text for some in words.values() for text in some):
                for at in occurrences(text, self._text, begin):
                    self._take(text, at)
            return
        for met in _WORDS.finditer(self._text, begin):
            for text in words.get(met[0], ()):
                at = met.start() - text.index(met[0])
                if at >= begin and _stands(text, self._text, at):
                    self._take(text, at)

    def _take(self, text: bytes, at: int) -> None:
        self._found[text].add(self._where[bisect_right(self._begins, at) - 1])


def occurrences(text: bytes, within: bytes | bytearray, begin: int = 0) -> Iterator[int]:
    """Yield where a text stands as words of its own."""
    at = within.find(text, begin)
    while at >= 0:
        if _stands(text, within, at):
            yield at
        at = within.find(text, at + 1)


def _stands(text: bytes, within: bytes | bytearray, at: int) -> bool:
    """Tell whether a text is at a place and no part of longer words there."""
    end = at + len(text)
    before, after = within[max(at - 1, 0) : at], within[end : end + 1]
    joined = _joins(text[:1], before) or _joins(text[-1:], after)
    return within[at:end] == text and not joined


def _joins(end: bytes, beside: bytes | bytearray) -> bool:
    """Tell whether two bytes beside each other are of one word."""
    return bool(_WORD.match(end) and _WORD.match(beside))
