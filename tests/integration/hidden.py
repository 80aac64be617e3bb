"""A store in which something is hidden, and requests that would reveal it."""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from graphql import (
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)

from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import NotFound
from lineage_graph.identity import named, sha256
from lineage_graph.openlineage.acceptance import accept
from lineage_graph.replay.requests import Requests
from lineage_graph.server.graphql.paging import opaque
from tests.producers import DATABASE, run
from tests.unit.test_visible_graph import SECRET, Company

DOORS: Mapping[str, Any] = tomllib.loads(
    Path(__file__).with_name("doors.toml").read_text(encoding="utf-8")
)
"""What is asked at each route, and what somebody gets there who lacks a label."""

WORDS = (
    *(SECRET, quote(SECRET), "sal\\u00e1rios", "raises", "bonuses", "payroll"),
    *('"hr"', ">hr<", "the pay", "nobody else", "below 50"),
)
"""Texts that only somebody may read who is cleared."""
_NEVER = {"salários": "falários", "salarios": "falarios", "raises": "raixes", "bonuses": "bonixes"}
_DIGITS = str.maketrans("0123456789abcdef", "fedcba9876543210")
_LAST = 12
_STATED = re.compile(r"^<(urn:lineage-graph:[^>]*)> <([^>]*)> <([^>]*)>", re.MULTILINE)
_DESCRIBED = re.compile(
    r"^<(urn:lineage-graph:(?!agent|environment|artifact|bundle)[^>]*)>", re.MULTILINE
)
_SAID = ("license-statement", "visibility-label")
_CONTENT, _OTHER_CONTENT = "the pay is ours", "the day is ours"
_DEPTH = 3


@dataclass
class Hidden:
    """What is hidden in a store.

    Attributes:
        facts: What placeholders stand for that tell nothing: the seq of the last entry before
            anything was labelled, the day, and requests that anybody may see.
        values: What the other placeholders stand for.
        words: What may be in no answer.
        tokens: Secrets by name: two that lack the label, and ``hr``.
    """

    facts: Mapping[str, str]
    values: Mapping[str, list[str]]
    words: frozenset[str]
    tokens: dict[str, str] = field(default_factory=dict)


def hidden_store(folder: Path) -> Hidden:
    """Record what is seen and what is not, and make three tokens."""
    company = Company(folder)
    told = run("01941b29-7c00-7000-8000-000000000001", inputs=[SECRET], outputs=["bonuses"])
    clean = run(
        "01941b29-7c00-7000-8000-000000000002",
        inputs=["orders"],
        outputs=["invoices"],
        job=f"after {SECRET}",
    )
    for event in (told, clean):
        accept(company.ledger, company.bundles.author, event)
    company.graph.datasets()
    before = company.ledger.head
    evidence = folder.parent / "terms of pay.txt"
    evidence.write_text(_CONTENT)
    company.graph.state_license(SECRET, "CC-BY-NC-4.0", evidence=evidence)
    company.graph.label_visibility(f"{DATABASE} {SECRET}", ["hr"])
    company.hide()
    processing = folder.parent / "processing.yaml"
    processing.write_text(f"processes:\n  - name: payroll\n    datasets: [{SECRET}]\n")
    company.graph.apply(processing)
    company.graph.datasets()
    requests = _requests(folder, company)
    facts = {
        "before": str(before),
        "today": datetime.now(UTC).date().isoformat(),
        "failed": requests["failed"],
        "runs": requests["runs"],
    }
    hidden = Hidden(facts, *_values(company, requests))
    company.close()
    hidden.tokens = _tokens(folder)
    return hidden


def _requests(folder: Path, company: Company) -> dict[str, str]:
    """Ask for rebuilds: one that failed for a hidden cause, one that runs, one that waits."""
    requests, agent = Requests(folder), company.bundles.author
    failed = requests.add(company.averages, agent).id
    with requests.worker() as worker:
        assert worker.take() is not None
        worker.fail(failed, NotFound(f"{SECRET}@1 is not there any more."))
        requests.add(company.chart, agent)
        runs = worker.take()
        assert runs is not None
        worker.tell(runs.id, 1, 2, "raises@1")
    return {"failed": failed, "runs": runs.id, "request": requests.add(company.both, agent).id}


def _values(
    company: Company, requests: Mapping[str, str]
) -> tuple[dict[str, list[str]], frozenset[str]]:
    iris, bundles = {_dataset(), named("dataset", "raises")}, set()
    for entry in company.ledger.entries():
        subjects = {m[1] for m in _STATED.finditer(entry.body.decode()) if _tells(m, company)}
        if subjects:
            bundles.add(entry.bundle)
            iris |= subjects | set(_DESCRIBED.findall(entry.body.decode()))
    ended = {iri for iri in iris if ":license-statement:" in iri}
    titles = [SECRET, "raises", "salarios 2026", f"{DATABASE} {SECRET}"]
    names = [*titles, f"{SECRET}@1", _dataset(), company.salaries, company.both]
    digest = sha256(_CONTENT.encode())
    values = {
        "title": titles,
        "name": names,
        "iri": sorted(iris),
        "bundle": sorted(bundles),
        "ended": sorted(ended),
        "node": sorted(opaque(f"node:{iri}") for iri in iris if "#" not in iri),
        "digest": [digest],
        "request": [requests["request"]],
    }
    tails = {iri.partition("#")[0].rpartition(":")[2] for iri in (*iris, *bundles)}
    words = {*WORDS, digest, requests["request"], *tails, *values["node"]}
    return values, frozenset(words)


def _tells(statement: re.Match[str], company: Company) -> bool:
    """Tell whether a statement is about something hidden."""
    told = {company.salaries, company.both, _dataset()}
    kind = statement[1].split(":")[2]
    return statement[1] in told or (kind in _SAID and statement[3] in told)


def _dataset() -> str:
    return named("dataset", SECRET)


def _tokens(folder: Path) -> dict[str, str]:
    tokens = Tokens(folder / "access")
    everything = ["auditor", "steward", "admin"]
    made = {
        "reader": tokens.create("reader", ["reader"])[0],
        "admin": tokens.create("admin", everything)[0],
        "hr": tokens.create("cleared", everything, clearances=["hr"])[0],
    }
    tokens.close()
    return made


def never(value: str) -> str:
    """Return what never was in place of something hidden, of the same form."""
    if value == sha256(_CONTENT.encode()):
        return sha256(_OTHER_CONTENT.encode())
    for word, other in _NEVER.items():
        for one, two in ((word, other), (quote(word), quote(other))):
            value = value.replace(one, two)
    root, hash_, rest = value.partition("#")
    if re.search(r"[0-9a-f]{12}$", root):
        root = root[:-_LAST] + root[-_LAST:].translate(_DIGITS)
    return root + hash_ + rest


@dataclass(frozen=True)
class Ask:
    """One request.

    Attributes:
        method: Of HTTP.
        path: With the query.
        body: What is sent.
        media: Media type of the body.
        asked: What it names.
    """

    method: str
    path: str
    body: bytes | None
    media: str
    asked: tuple[str, ...] = ()


def asks(route: str, hidden: Hidden) -> Iterator[tuple[Ask, Ask | None]]:
    """Yield the requests of a route: about what is hidden, and about what never was."""
    for one in DOORS[route].get("asks", ()):
        yield from _filled(route.partition(" ")[0], one, hidden)


def operations(
    field_: str, schema: GraphQLSchema, hidden: Hidden
) -> Iterator[tuple[Ask, Ask | None]]:
    """Yield the operations that ask one root field for everything that it leads to."""
    for arguments in DOORS["POST /graphql"]["fields"][field_]:
        query = schema.query_type
        assert query is not None
        of = query if field_ in query.fields else schema.mutation_type
        assert of is not None
        head = "query" if of is query else "mutation"
        head += " ($who: [Identity!]!)" if "$who" in arguments else ""
        chosen = _selection(get_named_type(of.fields[field_].type), schema, _DEPTH)
        yield from _filled(
            "POST",
            {"path": "/graphql", "query": f"{head} {{ {field_}{arguments} {chosen} }}"},
            hidden,
        )


def _selection(kind: GraphQLNamedType, schema: GraphQLSchema, depth: int) -> str:
    """Return all fields of a type, and of what they lead to, a few steps far."""
    if is_leaf_type(kind):
        return ""
    if is_abstract_type(kind):
        parts = [
            f"... on {one.name} {_selection(one, schema, depth - 1)}"
            for one in schema.get_possible_types(kind)
        ]
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(kind, GraphQLObjectType)
    chosen = ["__typename"]
    for name, field_ in kind.fields.items():
        # Elsewhere it is a text, and both may stand in one answer.
        if kind.name == "ModelVersion" and name == "label":
            continue
        if any(is_non_null_type(a.type) and a.default_value is None for a in field_.args.values()):
            continue
        inner = get_named_type(field_.type)
        wrapper = name in ("edges", "node", "pageInfo")
        if is_leaf_type(inner):
            chosen.append(name)
        elif depth > 1 or wrapper:
            chosen.append(f"{name} {_selection(inner, schema, depth - (not wrapper))}")
    return f"{{ {' '.join(chosen)} }}"


def _filled(
    method: str, said: Mapping[str, str], hidden: Hidden
) -> Iterator[tuple[Ask, Ask | None]]:
    text = f"{said['path']}{said.get('body', '')}{said.get('query', '')}"
    names = [name for name in hidden.values if f"{{{name}}}" in text]
    if not names:
        yield _ask(method, said, hidden, {}), None
        return
    for value in hidden.values[names[0]]:
        rest = {name: hidden.values[name][0] for name in names[1:]}
        given = {names[0]: value, **rest}
        other = {name: never(one) for name, one in given.items()}
        if "content" in text:
            given["content"], other["content"] = _CONTENT, _OTHER_CONTENT
        yield _ask(method, said, hidden, given), _ask(method, said, hidden, other)


def _ask(method: str, said: Mapping[str, str], hidden: Hidden, given: Mapping[str, str]) -> Ask:
    asked = tuple(given.values())
    values = {**hidden.facts, **given}

    def filled(text: str, escaped: Any) -> str:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", escaped(value))
        return text

    path, _, query = said["path"].partition("?")
    path = filled(path, lambda value: quote(value, safe=""))
    if query:
        pairs = (part.partition("=") for part in query.split("&"))
        path += "?" + "&".join(f"{k}={quote(filled(v, str), safe='')}" for k, _, v in pairs)
    media = said.get("type", "application/json")
    body = said.get("body")
    if "query" in said:
        who = [{"type": "cpf", "value": "529.982.247-25"}]
        document = filled(said["query"], _escaped)
        variables = {"who": who} if "$who" in document else {}
        sent = json.dumps({"query": document, "variables": variables})
        return Ask(method, path, sent.encode(), media, asked)
    if body is not None:
        body = filled(body, _escaped if media == "application/json" else str)
    return Ask(method, path, None if body is None else body.encode(), media, asked)


def _escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def without(asked: Collection[str], text: str) -> str:
    """Return an answer without what was asked, however it is written there."""
    spoken = {part for one in asked for part in (one, one.partition("@")[0], one.partition("#")[0])}
    for one in [one for one in spoken if one.startswith("urn:")]:
        spoken |= {one.rpartition(":")[2], opaque(f"node:{one}")}
    spellings = {
        written
        for one in spoken
        for written in (
            *(one, quote(one), quote(one, safe=""), quote(quote(one)), html.escape(one)),
            *(quote_plus(one), json.dumps(one)[1:-1], re.sub(r"[^A-Za-z0-9@_-]+", "-", one)),
        )
    }
    for one in sorted(spellings, key=len, reverse=True):
        text = text.replace(one, "(asked)")
    return text
