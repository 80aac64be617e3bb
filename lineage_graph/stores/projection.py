"""What every store does with a ledger entry, whatever it keeps it in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from lineage_graph.declarations import bundled, term_text
from lineage_graph.identity import named
from lineage_graph.stores import Applied, Bundle

STATE = named("projection", "state")
MERGED = named("projection", "merged")
OWN_GRAPHS = frozenset({STATE, MERGED})

_BACKSLASH_PAIR = re.compile(rb"\\\\([uU])|\\.")


def batch(entries: Iterable[Bundle], most_bytes: int) -> list[Bundle]:
    """Take the entries of one transaction: bounded in memory, but at least one."""
    taken: list[Bundle] = []
    size = 0
    for entry in entries:
        taken.append(entry)
        size += len(entry.body)
        if size >= most_bytes:
            break
    return taken


def without_graph(body: bytes, graph: str) -> bytes:
    """Return N-Quads of one graph as N-Triples.

    A literal never holds a raw line break (N-Quads, section 4), so the graph's name in
    front of a line's end can be nothing else.
    """
    return body.replace(f" <{graph}> .\n".encode(), b" .\n")


def with_graph(triples: bytes, graph: str) -> bytes:
    """Return N-Triples as sorted N-Quads of one graph."""
    lines = sorted(set(triples.splitlines(keepends=True)))
    return b"".join(lines).replace(b" .\n", f" <{graph}> .\n".encode())


def withdrawn_by(entries: Iterable[Bundle]) -> list[str]:
    """Return the bundles of which some entries say that they no longer hold."""
    ended = term_text("iri", bundled().iri("invalidated_by")).encode()
    line = re.compile(rb"^<(%b[^>]*)> %b " % (named("bundle", "").encode(), ended), re.M)
    found: set[str] = set()
    for entry in entries:
        # Almost none says so, and to look for one text is quick.
        if ended in entry.body:
            found.update(name.decode() for name in line.findall(entry.body))
    return sorted(found)


def state_triples(applied: Applied) -> bytes:
    """Return the two N-Triples that say how far a store has come."""
    node = term_text("iri", named("projection", str(applied.seq)))
    seq = term_text("iri", bundled().iri("applied_seq"))
    chain = term_text("iri", bundled().iri("applied_chain"))
    integer = term_text("iri", bundled().iri("xsd:integer"))
    return (
        f'{node} {seq} "{applied.seq}"^^{integer} .\n'
        f"{node} {chain} {term_text('string', applied.chain)} .\n"
    ).encode()


def in_update(triples: bytes) -> bytes:
    r"""Return N-Triples as they may stand in an update of any server.

    As in :func:`lineage_graph.declarations.string_text`, ``C:\users`` must survive a
    server that resolves ``\u`` before it looks for strings.
    """

    def pair(found: re.Match[bytes]) -> bytes:
        return rb"\\\u%04X" % ord(found[1]) if found[1] else found[0]

    return _BACKSLASH_PAIR.sub(pair, triples)


def chunks(triples: bytes, most: int) -> Iterator[bytes]:
    """Yield N-Triples in pieces of a number of statements."""
    lines = iter(triples.splitlines(keepends=True))
    while piece := b"".join(islice(lines, most)):
        yield piece
