"""The published schemas of OpenLineage, which every event is checked against.

A facet that the specification knows is checked by its schema, under its key; any other is
accepted as long as it is a facet at all. Formats are annotations, as JSON Schema 2020-12 has
it: real producers send run ids that are no UUIDs. The time must be one, though.

Source: OpenLineage 2-0-2, ``ontology/openlineage``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord, MissingExtra
from lineage_graph.openlineage.documents import quoted
from lineage_graph.openlineage.times import moment
from lineage_graph.strict_json import pointer

if TYPE_CHECKING:
    import jsonschema_rs

Kind = Literal["RunEvent", "JobEvent", "DatasetEvent"]
KINDS: Final[tuple[Kind, ...]] = ("RunEvent", "JobEvent", "DatasetEvent")

_MASK: Final = "this"
"""Stands for values in messages: they may be secrets."""

_BASES: Final = {
    "RunFacet": ("run", "facets"),
    "JobFacet": ("job", "facets"),
    "DatasetFacet": ("dataset", "facets"),
    "InputDatasetFacet": ("inputs", "inputFacets"),
    "OutputDatasetFacet": ("outputs", "outputFacets"),
}
_BASED_ON: Final = {place: base for base, place in _BASES.items()}


def kind_of(event: dict[str, Any]) -> Kind:
    """Return which of the three kinds an event is, by what it is about."""
    if "run" in event:
        return "RunEvent"
    return "DatasetEvent" if "dataset" in event and "job" not in event else "JobEvent"


def check(event: Any) -> Kind:
    """Refuse what is no OpenLineage event.

    Returns:
        Its kind.

    Raises:
        InvalidRecord: It breaks a schema; with the JSON pointer of the first fault.
        MissingExtra: The package that checks is not installed.
    """
    if not isinstance(event, dict):
        raise InvalidRecord(f"/: {quoted(event)} is no event. Send a JSON object.")
    kind = kind_of(event)
    validator = _validators()[kind]
    if not validator.is_valid(event):
        error = max(validator.iter_errors(event), key=lambda one: len(one.instance_path))
        where = pointer(error.instance_path) or "/"
        raise InvalidRecord(f"{where}: {error.message} (OpenLineage {kind}).")
    try:
        moment(event["eventTime"])
    except ValueError as error:
        raise InvalidRecord(f"/eventTime: {error}") from error
    return kind


@cache
def _validators() -> dict[Kind, jsonschema_rs.Validator]:
    try:
        import jsonschema_rs
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"{missing.name} is not installed; type: pip install 'lineage-graph[server]'"
        ) from missing
    documents = [json.loads(path.read_bytes()) for path in _files()]
    registry = jsonschema_rs.Registry([(one["$id"], one) for one in documents])
    core = documents[0]
    known = _known_facets(core, documents[1:])
    return {
        kind: jsonschema_rs.validator_for(
            _with_known_facets(core["$id"], kind, known),
            registry=registry,
            offline=True,
            mask=_MASK,
        )
        for kind in KINDS
    }


def _files() -> Iterator[Path]:
    folder = bundled().root / "ontology" / "openlineage"
    yield folder / "OpenLineage.json"
    yield from sorted((folder / "facets").glob("*.json"))


def _known_facets(
    core: dict[str, Any], documents: list[dict[str, Any]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the schemas of known facets by key, for each place where facets can be."""
    places: dict[tuple[str, str], dict[str, Any]] = {place: {} for place in _BASES.values()}
    for document in documents:
        for key, schema in document["properties"].items():
            by_base: dict[str, list[dict[str, Any]]] = {}
            for reference, base in _definitions(document, schema):
                by_base.setdefault(base, []).append({"$ref": f"{document['$id']}{reference}"})
            for base, several in by_base.items():
                if base in _BASES:
                    places[_BASES[base]][key] = _unless_deleted(several)
    return places


def _definitions(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the definitions that a schema chooses from, each with the facet it is based on."""
    if "$ref" in schema:
        reference = schema["$ref"]
        definition = document["$defs"][reference.rpartition("/")[2]]
        if "allOf" in definition:
            yield reference, definition["allOf"][0]["$ref"].rpartition("/")[2]
            return
        schema = definition
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _definitions(document, choice)


def _unless_deleted(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a facet; one that says it is deleted says nothing else."""
    deleted = {"properties": {"_deleted": {"const": True}}, "required": ["_deleted"]}
    return {"if": deleted, "else": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}


def _with_known_facets(
    core: str, kind: Kind, known: dict[tuple[str, str], dict[str, Any]]
) -> dict[str, Any]:
    def of(place: tuple[str, str]) -> dict[str, Any]:
        other = {"$ref": f"{core}#/$defs/{_BASED_ON[place]}"}
        facets = {"properties": known[place], "additionalProperties": other}
        return {"properties": {place[1]: facets}}

    dataset = of(("dataset", "facets"))
    return {
        "allOf": [{"$ref": f"{core}#/$defs/{kind}"}],
        "properties": {
            "run": of(("run", "facets")),
            "job": of(("job", "facets")),
            "dataset": dataset,
            "inputs": {"items": {"allOf": [dataset, of(("inputs", "inputFacets"))]}},
            "outputs": {"items": {"allOf": [dataset, of(("outputs", "outputFacets"))]}},
        },
    }


@cache
def addresses() -> dict[str, str]:
    """Return the address of each published definition by its name, as events quote it."""
    documents = [json.loads(path.read_bytes()) for path in _files()]
    return {
        name: f"{one['$id']}#/$defs/{name}" for one in reversed(documents) for name in one["$defs"]
    }
