"""Ledger entries in an open Oxigraph store: applied, withdrawn, compared and written out."""

from __future__ import annotations

from collections.abc import Container

import pyoxigraph as ox

from lineage_graph.declarations import bundled
from lineage_graph.stores import Applied, Bundle, EntriesAfter, rdf
from lineage_graph.stores.projection import (
    STATE,
    batch,
    in_update,
    state_triples,
    with_graph,
    withdrawn_by,
    without_graph,
)

_LARGE_LOG_BYTES = 200_000
# From about here on building sorted files takes less time than going through the log.
_BULK_BYTES = 1_000_000
# Fewer, larger files need less merging later; some 500 MB of memory at most.
_BATCH_BYTES = 48_000_000


def applied(graph: ox.Store) -> Applied:
    """Return how far a store has come."""
    terms = bundled()
    found = {
        int(quad.object.value): quad.subject
        for quad in graph.quads_for_pattern(
            None, ox.NamedNode(terms.iri("applied_seq")), None, ox.NamedNode(STATE)
        )
        if isinstance(quad.object, ox.Literal)
    }
    if not found:
        return Applied()
    last = max(found)
    chain = ox.NamedNode(terms.iri("applied_chain"))
    for quad in graph.quads_for_pattern(found[last], chain, None, ox.NamedNode(STATE)):
        assert isinstance(quad.object, ox.Literal)
        return Applied(last, quad.object.value)
    return Applied()


def apply(graph: ox.Store, entries_after: EntriesAfter) -> int:
    """Apply the next entries, at most one batch, and return the seq it has come to."""
    before = applied(graph)
    entries = batch(entries_after(before.seq), _BATCH_BYTES)
    if not entries:
        return before.seq
    earlier = list(graph.quads_for_pattern(None, None, None, ox.NamedNode(STATE)))
    now = Applied(entries[-1].seq, entries[-1].chain)
    state = with_graph(state_triples(now), STATE)
    text = [part for e in entries for part in (e.body, without_graph(e.body, e.bundle))]
    if withdrawn := withdrawn_by(entries):
        # The state comes last: what is interrupted before it is done once more.
        _load(graph, b"".join(text))
        _withdraw(graph, withdrawn)
        text = []
    _load(graph, b"".join([state, *text]))
    for quad in earlier:
        graph.remove(quad)
    return now.seq


def _withdraw(graph: ox.Store, bundles: list[str]) -> None:
    """Take out of the merge what only these bundles say; their own graphs stay."""
    said = graph.query(bundled().query("store/withdrawn").bind(bundle=bundles))
    assert isinstance(said, ox.QueryTriples)
    triples = b"".join(sorted({f"{triple} .\n".encode() for triple in said}))
    graph.update(f"DELETE DATA {{ {in_update(triples).decode()} }}")


def _load(graph: ox.Store, text: bytes) -> None:
    """Add N-Quads, all or none, so that the next reader opens the folder quickly."""
    if len(text) > _BULK_BYTES:
        # Writes sorted files past the log and takes them in at once: all or none, too.
        graph.bulk_load(text, format=ox.RdfFormat.N_QUADS)
        return
    graph.load(text, format=ox.RdfFormat.N_QUADS)
    # Every reader would replay a large log when it opens the folder.
    if len(text) > _LARGE_LOG_BYTES:
        graph.flush()


def ntriples(answer: ox.QueryTriples) -> bytes:
    """Return triples as sorted N-Triples, each once."""
    return b"".join(sorted({f"{triple} .\n".encode() for triple in answer}))


def dump(graph: ox.Store, bundle: str | None) -> bytes:
    """Return the bundles, or one of them, as sorted N-Quads."""
    names = _bundles(graph) if bundle is None else [bundle]
    texts = [with_graph(_triples_of(graph, name), name) for name in names]
    return b"".join(sorted(b"".join(texts).splitlines(keepends=True)))


def _bundles(graph: ox.Store) -> list[str]:
    return [name.value for name in graph.named_graphs() if name.value != STATE]


def _triples_of(graph: ox.Store, name: str) -> bytes:
    text = graph.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.NamedNode(name))
    assert text is not None
    return text


def matches(graph: ox.Store, entry: Bundle) -> bool:
    """Tell whether the bundle's graph, and the merge if it holds, have what an entry says."""
    quads = list(graph.quads_for_pattern(None, None, None, ox.NamedNode(entry.bundle)))
    merged = ox.DefaultGraph()
    ended = ox.NamedNode(bundled().iri("invalidated_by"))
    end = next(graph.quads_for_pattern(ox.NamedNode(entry.bundle), ended, None, merged), None)
    if end is None and not all(
        ox.Quad(q.subject, q.predicate, q.object, merged) in graph for q in quads
    ):
        return False
    return set(quads) == rdf.by_value(entry.body)


def unrecorded(graph: ox.Store, bundles: Container[str]) -> str | None:
    """Return one graph or node that none of the bundles accounts for."""
    for name in _bundles(graph):
        if name not in bundles:
            return name
    strays = graph.query(bundled().query("store/strays").bind())
    assert isinstance(strays, ox.QuerySolutions)
    return next((str(row["node"]) for row in rdf.rows(strays)), None)
