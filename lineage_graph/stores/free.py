"""Free text of strangers: one question, or one document, under limits of rows and bytes.

It is called in a process that may be killed; nothing here bounds time or memory.

Sources: SPARQL 1.1 Protocol, section 2.1.4 (which dataset is asked); SPARQL 1.1 Query Results
JSON Format, section 3; SPARQL 1.1 Query, section 13.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import pyoxigraph as ox

from lineage_graph.declarations import bundled
from lineage_graph.errors import DeclarationError, InvalidRecord, LimitExceeded
from lineage_graph.stores import Rows, rdf
from lineage_graph.stores.compaction import compacted
from lineage_graph.stores.projection import STATE
from lineage_graph.stores.reading import require_question

TABLES: Final = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}


@dataclass(frozen=True)
class Most:
    """How much an answer may hold: rows or statements, and bytes."""

    rows: int
    size: int


@dataclass(frozen=True)
class Dataset:
    """What a question is put to; without any name, the merge of all bundles.

    Attributes:
        default: Bundles whose merge is the default graph.
        named: Bundles that GRAPH finds.
    """

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.default or self.named)


class Formats(NamedTuple):
    """In which format an answer is wanted; None for "not at all".

    Attributes:
        table: For rows, and for yes or no; a key of ``TABLES``.
        graph: For statements; a key of ``rdf.FORMATS``.
    """

    table: str | None
    graph: rdf.RdfFormat | None


class Answered(NamedTuple):
    """The form of a question, and the answer; None when its format is not wanted."""

    form: str
    body: bytes | None


def evaluate(
    graph: ox.Store, sparql: str, dataset: Dataset, formats: Formats, most: Most
) -> Answered:
    """Answer a question in a format.

    Args:
        graph: What is asked.
        sparql: The question.
        dataset: What the protocol names; it takes the place of FROM in the question.
        formats: The formats wanted.
        most: How much the answer may hold.

    Raises:
        DeclarationError: It does not parse, or names a bundle that is not there.
        PolicyRefused: It is more than a question.
        LimitExceeded: The answer is larger than allowed.
    """
    question = require_question(sparql)
    asked = dataset or Dataset(question.default, question.named)
    _require_bundles(graph, asked)
    if len(asked.default) > 1:
        graph = _merged(graph, asked)
    try:
        answer = graph.query(sparql, **_graphs(graph, asked, question.names_graphs))
    except SyntaxError as problem:
        raise DeclarationError(f"the query does not parse: {problem}") from problem
    if isinstance(answer, ox.QueryTriples):
        wanted = formats.graph
        return Answered("CONSTRUCT", None if wanted is None else _statements(answer, wanted, most))
    form = "ASK" if isinstance(answer, ox.QueryBoolean) else "SELECT"
    if formats.table is None:
        return Answered(form, None)
    if isinstance(answer, ox.QueryBoolean):
        return Answered(form, answer.serialize(format=TABLES[formats.table]))
    return Answered(form, _table(answer, formats.table, most))


def _require_bundles(graph: ox.Store, asked: Dataset) -> None:
    """Refuse what is no bundle; how far a store has come is noted in a graph that is none."""
    for name in (*asked.default, *asked.named):
        if name == STATE or not graph.contains_named_graph(ox.NamedNode(name)):
            raise DeclarationError(f"There is no bundle <{name}> to ask.")


def _merged(graph: ox.Store, asked: Dataset) -> ox.Store:
    """Return a graph whose default graph is the merge of several bundles.

    The engine asks several default graphs one after the other, and finds what two of
    them say twice.
    """
    merged = ox.Store()
    for name in asked.default:
        for quad in graph.quads_for_pattern(None, None, None, ox.NamedNode(name)):
            merged.add(ox.Quad(*quad.triple))
    for name in asked.named:
        merged.extend(graph.quads_for_pattern(None, None, None, ox.NamedNode(name)))
    return merged


def _graphs(graph: ox.Store, asked: Dataset, names_graphs: bool) -> dict[str, Any]:
    """Return what the engine is told to look at, so that FROM tells it nothing more."""
    if asked:
        default = [ox.NamedNode(name) for name in asked.default]
        return {
            "default_graph": default if len(default) < 2 else ox.DefaultGraph(),
            "named_graphs": [ox.NamedNode(name) for name in asked.named],
        }
    if not names_graphs:
        return {"named_graphs": []}
    return {"named_graphs": [name for name in graph.named_graphs() if name.value != STATE]}


def _table(answer: ox.QuerySolutions, wanted: str, most: Most) -> bytes:
    names = [variable.value for variable in answer.variables]
    head = json.dumps({"vars": names})
    text = f'{{"head":{head},"results":{{"bindings":['.encode()
    body = b"".join((text, b",".join(_within(_rows(answer, names), most)), b"]}}"))
    if wanted == "json":
        return body
    parsed = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
    assert isinstance(parsed, ox.QuerySolutions)
    other = parsed.serialize(format=TABLES[wanted])
    assert other is not None
    return other


def _rows(answer: ox.QuerySolutions, names: list[str]) -> Iterator[bytes]:
    keys = [json.dumps(name) for name in names]
    for row in answer:
        cells = (
            f"{key}:{_term(term)}" for key, term in zip(keys, row, strict=True) if term is not None
        )
        yield f"{{{','.join(cells)}}}".encode()


def _term(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
    if isinstance(term, ox.NamedNode):
        return f'{{"type":"uri","value":{json.dumps(term.value)}}}'
    if isinstance(term, ox.BlankNode):
        return f'{{"type":"bnode","value":{json.dumps(term.value)}}}'
    if isinstance(term, ox.Triple):
        parts = zip(("subject", "predicate", "object"), term, strict=True)
        inner = ",".join(f'"{name}":{_term(part)}' for name, part in parts)
        return f'{{"type":"triple","value":{{{inner}}}}}'
    value = f'"type":"literal","value":{json.dumps(term.value)}'
    if term.language:
        return f'{{{value},"xml:lang":{json.dumps(term.language)}}}'
    datatype = term.datatype.value
    if datatype == _string():
        return f"{{{value}}}"
    return f'{{{value},"datatype":{json.dumps(datatype)}}}'


@cache
def _string() -> str:
    return bundled().iri("xsd:string")


def _statements(answer: ox.QueryTriples, wanted: rdf.RdfFormat, most: Most) -> bytes:
    lines = {f"{triple} .\n".encode() for triple in _count(answer, most)}
    text = b"".join(_within(sorted(lines), most))
    return compacted(text) if wanted == "jsonld" else rdf.convert(text, "ntriples", wanted)


def _count(found: Iterable[ox.Triple], most: Most) -> Iterator[ox.Triple]:
    for number, triple in enumerate(found):
        if number == most.rows:
            raise _too_many(most)
        yield triple


def _within(pieces: Iterable[bytes], most: Most) -> Iterator[bytes]:
    """Yield pieces as long as they are not too many and not too large."""
    size = 0
    for number, piece in enumerate(pieces):
        if number == most.rows:
            raise _too_many(most)
        size += len(piece)
        if size > most.size:
            raise LimitExceeded(
                f"The answer has more than {most.size} bytes. Ask for less, or in parts"
                " with ORDER BY, LIMIT and OFFSET."
            )
        yield piece


def _too_many(most: Most) -> LimitExceeded:
    return LimitExceeded(
        f"The answer has more than {most.rows} rows. Ask for less, or in parts with ORDER BY,"
        " LIMIT and OFFSET."
    )


def table_rows(body: bytes) -> Rows:
    """Return a SELECT's answer in JSON as plain Python."""
    answer = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
    assert isinstance(answer, ox.QuerySolutions)
    return rdf.rows(answer)


def nquads(data: bytes, format: rdf.RdfFormat, most: Most) -> bytes:
    """Return a document as sorted N-Quads, each statement once.

    Args:
        data: The document.
        format: A key of ``rdf.FORMATS``.
        most: How much it may say.

    Raises:
        InvalidRecord: It does not parse, its context lies on a network, or it has triples
            inside triples, which RDF 1.1 does not have.
        LimitExceeded: It says more than allowed.
    """
    lines: set[bytes] = set()
    size = 0
    try:
        for quad in ox.parse(data, format=rdf.FORMATS[format]):
            if isinstance(quad.object, ox.Triple):
                # They nest, so that a reader without a process of its own could overflow.
                raise InvalidRecord("The document has a statement about a statement: use names.")
            line = f"{quad} .\n".encode()
            size += len(line)
            if size > most.size or len(lines) == most.rows:
                raise LimitExceeded(
                    f"The document says more than {most.rows} things, or takes more than"
                    f" {most.size} bytes. Send it in parts."
                )
            lines.add(line)
    except SyntaxError as problem:
        raise InvalidRecord(f"The document does not parse: {problem}") from problem
    return b"".join(sorted(lines))
