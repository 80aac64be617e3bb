"""The graph on a SPARQL 1.1 server, through queries and updates over HTTP.

What a server takes for the default graph differs: nothing, everything, or everything with
a statement counted once for each graph that says it. So the merge of all bundles is a graph
of its own, and every request says in the protocol that this is the graph it asks. The
server needs no setting, and other people's graphs beside ours are left alone: only names in
our namespace are ever listed or dropped.

An update of several requests is not one transaction; each is safe to repeat, and how far
the store has come is written last.

Sources: SPARQL 1.1 Protocol, sections 2.1 and 2.2; SPARQL 1.1 Update, section 3.
"""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Container, Iterable, Iterator
from typing import Final
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import pyoxigraph as ox

from lineage_graph.declarations import bundled, term_text
from lineage_graph.errors import DeclarationError, StoreUnavailable
from lineage_graph.identity import NAMESPACE
from lineage_graph.stores import Applied, Bundle, EntriesAfter, Rows, rdf
from lineage_graph.stores.projection import (
    MERGED,
    OWN_GRAPHS,
    STATE,
    batch,
    chunks,
    in_update,
    state_triples,
    with_graph,
    withdrawn_by,
    without_graph,
)
from lineage_graph.stores.reading import require_question

# Each statement goes into its bundle and into the merge; some servers fail above 500.
_TRIPLES_A_REQUEST: Final = 250
_BATCH_BYTES: Final = 4_000_000
_DROPS_A_REQUEST: Final = 100
_RESULTS: Final = "application/sparql-results+json"
_TRIPLES: Final = "application/n-triples"

Field = tuple[str, str]


class SparqlStore:
    """A store on a SPARQL 1.1 server.

    Args:
        address: Base address, to which ``/query`` and ``/update`` are added, or both
            addresses with a space between. ``user:password@`` is sent as HTTP Basic.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, address: str, *, timeout: float = 30.0) -> None:
        query, _, update = address.partition(" ")
        base = query.rstrip("/")
        self._query_url, self._headers = _without_credentials(query if update else f"{base}/query")
        self._update_url, _ = _without_credentials(update or f"{base}/update")
        self._timeout = timeout

    @property
    def applied(self) -> Applied:
        """How far the store has come."""
        for row in self._own_rows("store/applied", state=STATE):
            seq, chain = row["seq"], row["chain"]
            assert isinstance(seq, int) and isinstance(chain, str)
            return Applied(seq, chain)
        return Applied()

    def apply(self, entries_after: EntriesAfter) -> int:
        """Apply the next batch; what an interrupted one left is written over."""
        before = self.applied
        entries = batch(entries_after(before.seq), _BATCH_BYTES)
        if not entries:
            return before.seq
        for update in _updates(entries):
            self._update(update)
        self._withdraw(withdrawn_by(entries))
        now = Applied(entries[-1].seq, entries[-1].chain)
        state = term_text("iri", STATE).encode()
        self._update(
            b"DELETE WHERE { GRAPH %b { ?node ?property ?value } } ;\n" % state
            + _insert([(STATE, state_triples(now))])
        )
        return now.seq

    def _withdraw(self, bundles: list[str]) -> None:
        """Take out of the merge what only these bundles say; their own graphs stay."""
        if bundles:
            query = bundled().query("store/withdrawn").bind(bundle=bundles)
            said = self._ntriples(query, [*_default([MERGED]), *_named(self._bundles())])
            for piece in chunks(said, _TRIPLES_A_REQUEST):
                self._update(_data(b"DELETE", [(MERGED, piece)]))

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT over the merge of all bundles."""
        answer = self._results(sparql, self._dataset(sparql))
        if not isinstance(answer, ox.QuerySolutions):
            raise DeclarationError("the query is not a SELECT")
        return self._complete(answer)

    def ask(self, sparql: str) -> bool:
        """Answer an ASK over the merge of all bundles."""
        answer = self._results(sparql, self._dataset(sparql))
        if not isinstance(answer, ox.QueryBoolean):
            raise DeclarationError("the query is not an ASK")
        return bool(answer)

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as sorted N-Triples, each once."""
        dataset = self._dataset(sparql)
        return self._ntriples(sparql, dataset)

    def dump(self, bundle: str | None = None) -> bytes:
        """Return the bundles, or one of them, as sorted N-Quads; one request for each."""
        names = self._bundles() if bundle is None else [bundle]
        texts = [with_graph(self._triples_of(name), name) for name in names]
        return b"".join(sorted(b"".join(texts).splitlines(keepends=True)))

    def bundle_matches(self, entry: Bundle) -> bool:
        """Tell whether the bundle's graph and the merge hold what an entry says."""
        unmerged = bundled().query("store/unmerged").bind(graph=entry.bundle, merged=MERGED)
        answer = self._results(unmerged, _named([entry.bundle, MERGED]))
        wanted = without_graph(entry.body, entry.bundle)
        return not answer and rdf.same_graph(self._triples_of(entry.bundle), wanted)

    def unrecorded(self, bundles: Container[str]) -> str | None:
        """Return one graph in our namespace, or one node, that no bundle accounts for."""
        names = self._bundles()
        for name in names:
            if name not in bundles:
                return name
        for row in self._own_rows("store/unrecorded", names, merged=MERGED):
            return str(row["node"])
        return None

    def clear(self) -> None:
        """Drop our graphs, and no others."""
        names = iter([STATE, MERGED, *self._bundles()])
        while piece := [name for name, _ in zip(names, range(_DROPS_A_REQUEST), strict=False)]:
            drops = (f"DROP SILENT GRAPH {term_text('iri', name)}" for name in piece)
            self._update(" ;\n".join(drops).encode())

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def _bundles(self) -> list[str]:
        query = bundled().query("store/graphs").bind()
        answer = self._results(query, [])
        assert isinstance(answer, ox.QuerySolutions)
        names = [str(row["graph"]) for row in self._complete(answer)]
        return sorted(n for n in names if n.startswith(NAMESPACE) and n not in OWN_GRAPHS)

    def _triples_of(self, name: str) -> bytes:
        query = bundled().query("store/graph").bind(graph=name)
        return self._ntriples(query, _named([name]))

    def _own_rows(self, name: str, graphs: Iterable[str] = (), **values: str) -> Rows:
        query = bundled().query(name).bind(**values)
        answer = self._results(query, _named([*graphs, *values.values()]))
        assert isinstance(answer, ox.QuerySolutions)
        return self._complete(answer)

    def _dataset(self, sparql: str) -> list[Field]:
        question = require_question(sparql)
        if question.default or question.named:
            # The protocol says it again: a server that always merges overlooks FROM.
            return [*_default(question.default), *_named(question.named)]
        return [*_default([MERGED]), *_named(self._bundles() if question.names_graphs else ())]

    def _results(
        self, sparql: str, dataset: list[Field]
    ) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
        body = self._query(sparql, dataset, _RESULTS)
        try:
            return ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
        except SyntaxError as problem:
            raise self._incomplete(problem) from problem

    def _complete(self, answer: ox.QuerySolutions) -> Rows:
        # Some servers say 200 and stop in the middle of the JSON when they run out of time.
        try:
            return rdf.rows(answer)
        except SyntaxError as problem:
            raise self._incomplete(problem) from problem

    def _ntriples(self, sparql: str, dataset: list[Field]) -> bytes:
        body = self._query(sparql, dataset, _TRIPLES)
        try:
            triples = list(ox.parse(body, format=ox.RdfFormat.N_TRIPLES))
        except SyntaxError as problem:
            raise self._incomplete(problem) from problem
        return b"".join(sorted({f"{quad.triple} .\n".encode() for quad in triples}))

    def _incomplete(self, problem: SyntaxError) -> StoreUnavailable:
        return StoreUnavailable(
            f"the answer of {self._query_url} is incomplete or of another kind than asked"
            f" ({problem}); ask for less, or raise the server's time limit"
        )

    def _query(self, sparql: str, dataset: list[Field], accept: str) -> bytes:
        form: list[Field] = [("query", sparql), *dataset]
        return self._post(self._query_url, urlencode(form).encode(), {"Accept": accept})

    def _update(self, text: bytes) -> None:
        self._post(self._update_url, urlencode({"update": text}).encode(), {})

    def _post(self, url: str, form: bytes, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(url, form, {**self._headers, **headers}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                body = answer.read()
                assert isinstance(body, bytes)
                return body
        except urllib.error.HTTPError as problem:
            raise self._refused(url, problem) from problem
        except (OSError, http.client.HTTPException) as problem:
            raise StoreUnavailable(
                f"{url} does not answer: {problem}; see whether the server runs and has"
                f" {self._timeout:g} seconds for a request"
            ) from problem

    def _refused(self, url: str, problem: urllib.error.HTTPError) -> Exception:
        with problem:
            said = problem.read(2000).decode(errors="replace").strip()
        if problem.code == 400 and url == self._query_url:
            return DeclarationError(f"the query does not parse: {said}")
        advice = {
            401: "give the address as http://user:password@...",
            403: "ask its administrator for the right to read and write",
            404: "give the addresses for queries and for updates, with a space between",
        }.get(problem.code, "look at the server's log")
        return StoreUnavailable(f"{url} answered {problem.code} {problem.reason}: {said}; {advice}")


def _updates(entries: list[Bundle]) -> Iterator[bytes]:
    pieces: list[tuple[str, bytes]] = []
    size = 0
    for entry in entries:
        for piece in chunks(without_graph(entry.body, entry.bundle), _TRIPLES_A_REQUEST):
            lines = piece.count(b"\n")
            if size + lines > _TRIPLES_A_REQUEST:
                yield _insert([*pieces, *((MERGED, text) for _, text in pieces)])
                pieces, size = [], 0
            pieces.append((entry.bundle, piece))
            size += lines
    yield _insert([*pieces, *((MERGED, text) for _, text in pieces)])


def _insert(graphs: Iterable[tuple[str, bytes]]) -> bytes:
    return _data(b"INSERT", graphs)


def _data(what: bytes, graphs: Iterable[tuple[str, bytes]]) -> bytes:
    parts = [
        b"GRAPH %b {\n%b}\n" % (term_text("iri", name).encode(), in_update(triples))
        for name, triples in graphs
    ]
    return b"%b DATA {\n%b}" % (what, b"".join(parts))


def _default(graphs: Iterable[str]) -> list[Field]:
    return [("default-graph-uri", name) for name in graphs]


def _named(graphs: Iterable[str]) -> list[Field]:
    return [("named-graph-uri", name) for name in graphs]


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    encoded = base64.b64encode(secret.encode()).decode("ascii")
    return plain, {"Authorization": f"Basic {encoded}"}
