"""What each entry of a ledger mentions, read once from the bodies for everybody who asks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from lineage_graph.declarations import bundled
from lineage_graph.identity import NAMESPACE, named
from lineage_graph.ledger import Entry
from lineage_graph.visibility.spelling import read

THINGS: Final = ("dataset", "model", "version", "model-version")
"""Kinds of what can be seen or hidden."""
VERSIONS: Final = ("version", "model-version")
REFERRED: Final = (
    *("agent", "artifact", "content", "environment", "implementation", "job", "plan"),
    *("process", "organisation", "purpose", "measure"),
)
"""Kinds that several records share: one is there as far as something refers to it."""
STATEMENTS: Final = (
    *("declaration", "license-statement", "semantic-label", "membership-index"),
    *("visibility-label", "declassification"),
)
"""Kinds of what is said of something: each stands by itself."""
RAW: Final = "openlineage-event"
"""Kind of what was received as it is, whatever it names."""
DECIDING: Final = ("visibility-label", "declassification")
"""Kinds of what people decide about visibility."""

IRI: Final = re.compile(rb"<(" + NAMESPACE.encode() + rb"([a-z0-9-]+):[^>#]*)")
_SUBJECT: Final = re.compile(rb"^<(" + NAMESPACE.encode() + rb"([a-z0-9-]+):[^>#]*)", re.MULTILINE)
LITERAL: Final = re.compile(
    rb'^<([^>]*)> <([^>]*)> "((?:[^"\\]|\\.)*)"(?:@[A-Za-z0-9-]+| )', re.MULTILINE
)
_WORD: Final = re.compile(rb"[\w\x80-\xff]")
_WORDS: Final = re.compile(rb"[\w\x80-\xff]+")
_FEW: Final = 16
"""Texts that are sooner found one after the other."""


def kind_in(iri: str) -> str:
    """Return the kind in one of our IRIs, or an empty text."""
    return iri[len(NAMESPACE) :].partition(":")[0] if iri.startswith(NAMESPACE) else ""


def _linking(*terms: str) -> bytes:
    return b"|".join(re.escape(bundled().iri(term).encode()) for term in terms)


class Mentions:
    """What entries mention, kept up to date by whoever reads them.

    Attributes:
        seq: The last entry that was read.
        bundles: IRI of the bundle of each entry, the first one first.
        of: Seqs of the entries that mention a thing, or something that happened once.
        born: Seq of the first entry that describes something that is no thing.
        describes: What is no thing and an entry describes, by seq.
        versions: Each version and what it is a version of, in the order of entries.
        pairs: Each version that was derived and the source, as bodies say it.
        said: Seqs of the entries that name a visibility label.
        raw: Seqs of the entries that keep what was received.
        names: Titles and locations of each thing, as N-Quads write them.
        aliases: A dataset and another IRI that it has or had, in the order of entries.
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
        self.aliases: list[tuple[str, str]] = []
        self.raw: set[int] = set()
        self._text = bytearray()
        self._begins: list[int] = []
        self._where: list[tuple[int, bool]] = []
        self._words: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._found: dict[bytes, set[tuple[int, bool]]] = {}
        self._searched = 0
        ours = NAMESPACE.encode()
        version = ours + rb"(?:version|model-version):[^>#]*"
        thing = ours + rb"(?:dataset|model):[^>#]*"
        self._version_of = re.compile(
            rb"^<(%b)> <(?:%b)> <(%b)>" % (version, _linking("version_of"), thing), re.MULTILINE
        )
        self._derived = re.compile(
            rb"^<(%b)(?:#[^>]*)?> <(?:%b)> <(%b)"
            % (version, _linking("derived_from", "entity"), version),
            re.MULTILINE,
        )
        self._title, self._location, self._label, self._alias = (
            bundled().iri(term).encode()
            for term in ("title", "location", "visibility_label", "alias")
        )
        self.plain = {bundled().iri(t).encode() for t in ("title", "label", "name", "datatype")}

    def read(self, entry: Entry) -> bool:
        """Take in the next entry.

        Returns:
            Whether it decides something about visibility.
        """
        body, seq = entry.body, entry.seq
        own = entry.bundle.encode()
        deciding = False
        for iri, kind in set(IRI.findall(body)):
            name = kind.decode()
            if iri != own and name not in REFERRED:
                self.of[iri.decode()].append(seq)
            deciding |= name in DECIDING
        for iri, kind in set(_SUBJECT.findall(body)):
            if kind.decode() == RAW:
                self.raw.add(seq)
            if kind.decode() not in THINGS:
                self.born.setdefault(iri.decode(), seq)
                self.describes[seq].append(iri.decode())
        for version, of in set(self._version_of.findall(body)):
            self.versions.append((version.decode(), of.decode()))
        for derived, source in set(self._derived.findall(body)):
            self.pairs.append((derived.decode(), source.decode()))
        for subject, predicate, text in LITERAL.findall(body):
            self._read_text(seq, subject, predicate, text)
        self.bundles.append(entry.bundle)
        self.seq = seq
        return deciding

    def _read_text(self, seq: int, subject: bytes, predicate: bytes, text: bytes) -> None:
        if predicate == self._label:
            self.said[text.decode()].append(seq)
            return
        thing = subject.partition(b"#")[0].decode()
        of_thing = kind_in(thing) in THINGS
        if predicate == self._alias:
            self.aliases.append((thing, named("dataset", read(text))))
        if of_thing and text and predicate in (self._title, self._location):
            self.names[thing].add(text)
        if not (of_thing and predicate in self.plain):
            self._begins.append(len(self._text))
            self._where.append((seq, of_thing))
            self._text += text + b"\n"

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
