"""What each entry of a ledger mentions, taken from its body and kept in a file of the store.

To read the bodies of a large ledger takes long, and whoever opens it needs to know what is
hidden. The file is a projection: it may be deleted, and it is believed only as far as it is
whole, was made from this very ledger, and by this very code.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from lineage_graph.declarations import bundled
from lineage_graph.identity import NAMESPACE, canonical_json, named, sha256
from lineage_graph.ledger import Entry, Ledger
from lineage_graph.visibility import kinds, spelling
from lineage_graph.visibility.kinds import (
    DECIDING,
    IRI,
    LITERAL,
    RAW,
    REFERRED,
    THINGS,
    kind_in,
    plain,
)

_SUBJECT: Final = re.compile(rb"^<(" + NAMESPACE.encode() + rb"([a-z0-9-]+):[^>#]*)", re.MULTILINE)
_TERMS: Final = (
    *("version_of", "derived_from", "entity", "title", "location", "visibility_label"),
    *("alias", "label", "name", "datatype"),
)
TOGETHER: Final = 256
"""Entries that are kept together; fewer at the end of the ledger are read again."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS part (
  last integer PRIMARY KEY,
  chain text NOT NULL,
  digest text NOT NULL,
  extracts blob NOT NULL
)
"""


class Extract(NamedTuple):
    """What one entry mentions; texts are as N-Quads write them.

    Attributes:
        bundle: IRI of its bundle.
        deciding: Whether it decides something about visibility.
        raw: Whether it keeps what was received.
        mentioned: IRIs of things, and of what happened or was said, without the bundle's.
        described: IRIs of what is no thing.
        versions: Versions, each with what it is a version of.
        pairs: Versions that were derived, each with a source.
        labels: Names of visibility labels.
        names: Things, each with a title or location.
        aliases: Datasets, each with another IRI that it has or had.
        texts: Other texts, each with whether it is said of a thing.
    """

    bundle: str
    deciding: bool
    raw: bool
    mentioned: list[str]
    described: list[str]
    versions: list[tuple[str, str]]
    pairs: list[tuple[str, str]]
    labels: list[str]
    names: list[tuple[str, str]]
    aliases: list[tuple[str, str]]
    texts: list[tuple[bool, str]]


def text_of(read: bytes) -> str:
    """Return what was read from a body as a text from which :func:`bytes_of` makes it again."""
    return read.decode(errors="surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return the bytes of a text that :func:`text_of` made."""
    return text.encode(errors="surrogateescape")


class Extractor:
    """Takes from bodies what they mention."""

    def __init__(self) -> None:
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
        self._plain = plain()

    def read(self, entry: Entry) -> Extract:
        """Return what an entry mentions."""
        body, own = entry.body, entry.bundle.encode()
        met = {(text_of(iri), kind.decode()) for iri, kind in IRI.findall(body) if iri != own}
        subjects = {(text_of(iri), kind.decode()) for iri, kind in _SUBJECT.findall(body)}
        found = Extract(
            entry.bundle,
            any(kind in DECIDING for _, kind in met),
            any(kind == RAW for _, kind in subjects),
            [iri for iri, kind in met if kind not in REFERRED],
            [iri for iri, kind in subjects if kind not in THINGS],
            [(text_of(v), text_of(of)) for v, of in set(self._version_of.findall(body))],
            [(text_of(d), text_of(s)) for d, s in set(self._derived.findall(body))],
            *([], [], [], []),
        )
        for subject, predicate, text in LITERAL.findall(body):
            self._read_text(found, subject, predicate, text)
        return found

    def _read_text(self, found: Extract, subject: bytes, predicate: bytes, text: bytes) -> None:
        if predicate == self._label:
            found.labels.append(text_of(text))
            return
        thing = text_of(subject.partition(b"#")[0])
        of_thing = kind_in(thing) in THINGS
        if predicate == self._alias:
            found.aliases.append((thing, named("dataset", spelling.read(text))))
        if of_thing and text and predicate in (self._title, self._location):
            found.names.append((thing, text_of(text)))
        if not (of_thing and predicate in self._plain):
            found.texts.append((of_thing, text_of(text)))


def _linking(*terms: str) -> bytes:
    return b"|".join(re.escape(bundled().iri(term).encode()) for term in terms)


class Extracts:
    """The extracts of a whole ledger, in the order of its entries.

    Args:
        ledger: All of it: what is seen of one mentions less.
        path: The file that keeps them; None for none.
    """

    def __init__(self, ledger: Ledger, path: Path | None) -> None:
        self._ledger = ledger
        self._path = path
        self._extractor = Extractor()

    def between(self, after: int, upto: int) -> Iterator[Extract]:
        """Yield what the entries after one and up to another mention."""
        if after == 0 and self._path is not None:
            for known in self._known(self._path, upto):
                after += 1
                yield known
        entries = self._ledger.entries(after, upto)
        while some := list(islice(entries, TOGETHER)):
            read = [self._extractor.read(entry) for entry in some]
            if self._path is not None and len(some) == TOGETHER:
                # Without the file, or with half of it, everything is only slower.
                with suppress(sqlite3.Error, OSError):
                    self._keep(self._path, some[0].seq, some[-1], read)
            yield from read

    def _known(self, path: Path, upto: int) -> Iterator[Extract]:
        """Yield what is known of the first entries; drop a file that is not right."""
        if not path.exists():
            return
        try:
            with closing(_opened(path)) as kept:
                last, digest = 0, ""
                parts = kept.execute("SELECT * FROM part WHERE last <= ? ORDER BY last", (upto,))
                for seq, chain, said, packed in parts:
                    digest = _next(digest, seq, chain, packed)
                    if (said, seq) != (digest, last + TOGETHER) or not self._is_at(seq, chain):
                        raise ValueError
                    yield from [Extract(*one) for one in json.loads(zlib.decompress(packed))]
                    last = seq
        except (sqlite3.Error, OSError, ValueError, TypeError, zlib.error):
            with suppress(OSError):
                path.unlink()

    def _is_at(self, seq: int, chain: str) -> bool:
        return self._ledger.chain_at(seq) == chain

    def _keep(self, path: Path, first: int, last: Entry, read: Sequence[Extract]) -> None:
        with closing(_opened(path)) as kept:
            kept.execute("BEGIN IMMEDIATE")
            row = kept.execute(
                "SELECT last, digest FROM part ORDER BY last DESC LIMIT 1"
            ).fetchone()
            before, digest = row or (0, "")
            # Else another process was first, or this one began elsewhere.
            if before == first - 1:
                packed = zlib.compress(json.dumps(read).encode(), 1)
                digest = _next(digest, last.seq, last.chain, packed)
                kept.execute(
                    "INSERT INTO part VALUES (?, ?, ?, ?)", (last.seq, last.chain, digest, packed)
                )
            kept.execute("COMMIT")


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level=None)
    try:
        # What a power cut leaves is found out by its digest.
        file.execute("PRAGMA synchronous = OFF")
        file.execute(_SCHEMA)
    except BaseException:
        file.close()
        raise
    return file


def _next(digest: str, seq: int, chain: Any, packed: Any) -> str:
    return sha256(canonical_json([reader(), digest, seq, chain, sha256(packed)]))


@cache
def reader() -> str:
    """Return a digest of what extracts are made with: this code, and what terms mean."""
    code = [Path(one).read_bytes() for one in (__file__, kinds.__file__, spelling.__file__)]
    terms = [bundled().iri(term) for term in _TERMS]
    return sha256(canonical_json([NAMESPACE, terms, *map(sha256, code)]))
