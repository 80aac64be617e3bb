"""From one recorded activity to OpenLineage's events of a run.

Names of data, of columns and of software leave the house, and how data went from one to
another. Values do not: errors are their classes, and SQL has none.

Source: OpenLineage 2-0-2 and its facets, ``ontology/openlineage``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lineage_graph import __version__
from lineage_graph.declarations import bundled
from lineage_graph.identity import kind_of, name_of, part, without_credentials
from lineage_graph.ledger import Ledger
from lineage_graph.openlineage.looking import Look, Said
from lineage_graph.openlineage.names import Name, place_name
from lineage_graph.openlineage.schemas import addresses
from lineage_graph.openlineage.statements import without_values
from lineage_graph.openlineage.transformations import deciding, transformations
from lineage_graph.recording.descriptions import ENGINE

Event = dict[str, Any]

_ENGINES: Final = {"spark": "spark", "spark-ml": "spark", "sklearn": "scikit-learn"}
_KINDS: Final = frozenset({"Entity", "Derivation"})


class Outgoing:
    """Says what was recorded as others say it.

    Args:
        ledger: The record, as far as it may be told.
        namespace: Of our jobs, and of data that has only a name of ours.
    """

    def __init__(self, ledger: Ledger, namespace: str) -> None:
        self._ledger = ledger
        self._look = Look(ledger)
        self._namespace = namespace

    def events_at(self, seq: int) -> list[Event]:
        """Return the events of one entry of the ledger, as :meth:`events` makes them.

        Raises:
            StoreError: The ledger cannot be read.
            VisibilityChanged: Something that may not be told is known by now.
        """
        entries = self._ledger.entries(seq - 1, seq)
        return [event for entry in entries for event in self.events(entry.body)]

    def events(self, body: bytes) -> Iterator[Event]:
        """Yield the events of each activity that followed a plan: its start and its end.

        Args:
            body: Bundle in which it was recorded.

        Raises:
            StoreError: The ledger cannot be read.
        """
        self._look.into(body)
        for iri, said in self._look.own.items():
            if "Activity" in said.get("type", ()) and (plan := self._plan(said)):
                yield from self._run(iri, said, plan)

    def _plan(self, activity: Said) -> str | None:
        followed = (self._look.one(one, "had_plan") for one in activity["qualified_association"])
        return next(filter(None, followed), None)

    def _run(self, iri: str, said: Said, plan: str) -> Iterator[Event]:
        nodes = self._look.own
        run, engine = {"runId": name_of(iri)}, self._engine(said, plan)
        start = {
            "eventType": "START",
            "eventTime": said["started_at"][0],
            "producer": ENGINE,
            "schemaURL": addresses()["RunEvent"],
            "run": {**run, "facets": engine},
            "job": self._job(said, plan),
            "inputs": [self._input(version) for version in sorted(said.get("used", ()))],
            "outputs": [],
        }
        yield start
        failed = said["status"] == ["failed"]
        made = [
            (one, about) for one, about in nodes.items() if iri in about.get("generated_by", ())
        ]
        outputs = [self._output(one, about) for one, about in made if _is_version(one)]
        outputs += [self._rebuilt(about) for _, about in made if about.get("rebuilt")]
        yield {
            **start,
            "eventType": "FAIL" if failed else "COMPLETE",
            "eventTime": said["ended_at"][0],
            "run": {**run, "facets": {**engine, **_error(said)}},
            "outputs": outputs,
        }

    def _rebuilt(self, comparison: Said) -> dict[str, Any]:
        """Return what came out of a rebuild: what was recorded, or other content of its dataset."""
        version, content = comparison["recorded"][0], comparison["rebuilt"]
        recorded = self._look.of(version)
        output = self._output(
            version, {**recorded, "specialization_of": content, "distribution": []}
        )
        if content != recorded.get("specialization_of"):
            told = _facet("DatasetVersionDatasetFacet", datasetVersion=content[0])
            output["facets"]["version"] = told
        return output

    def _engine(self, said: Said, plan: str) -> dict[str, Any]:
        environment = next(iter(said.get("environment", ())), None)
        facts = json.loads(self._look.one(environment, "facts") or "{}") if environment else {}
        engine = _ENGINES.get(self._look.one(plan, "executor") or "")
        if engine not in facts:
            return {}
        return {
            "processing_engine": _facet(
                "ProcessingEngineRunFacet",
                name=engine,
                version=facts[engine],
                openlineageAdapterVersion=__version__,
            )
        }

    def _job(self, said: Said, plan: str) -> dict[str, Any]:
        name = without_credentials(said["label"][0])
        return {"namespace": self._namespace, "name": name, "facets": self._job_facets(plan)}

    def _job_facets(self, plan: str) -> dict[str, Any]:
        kind = _facet(
            "JobTypeJobFacet",
            processingType="BATCH",
            integration="LINEAGE_GRAPH",
            jobType="JOB",
        )
        statements = list(filter(None, map(without_values, self._statements(plan))))
        if not statements:
            return {"jobType": kind}
        return {"jobType": kind, "sql": _facet("SQLJobFacet", query=";\n".join(statements))}

    def _statements(self, plan: str) -> Iterator[str]:
        number, sql = 0, bundled().iri("operator-iri:sql")
        while step := self._look.of(part(plan, "step", number)):
            if step["operator"] == [sql]:
                yield from step.get("parameters", ())
            number += 1

    def _name(self, version: str) -> Name:
        """Return how others call what something is a version of."""
        of = self._look.one(version, "version_of")
        if of is None:
            return Name(self._namespace, name_of(version))
        if kind_of(of) == "model":
            return Name(f"{self._namespace}/models", name_of(of))
        said = self._look.of(of)
        if space := said.get("namespace"):
            # Another producer's: its name is behind the first space.
            return Name(space[0], name_of(of).partition(" ")[2])
        place = place_name(name_of(of)) if name_of(of) in said.get("location", ()) else None
        return place or Name(self._namespace, name_of(of))

    def _input(self, version: str) -> dict[str, Any]:
        return {**self._name(version)._asdict(), "facets": self._dataset_facets(version)}

    def _dataset_facets(self, version: str) -> dict[str, Any]:
        facets = {"version": _facet("DatasetVersionDatasetFacet", datasetVersion=version)}
        if columns := self._columns(version):
            fields = [{"name": c["name"][0], "type": c["datatype"][0]} for c in columns.values()]
            facets["schema"] = _facet("SchemaDatasetFacet", fields=fields)
        of = self._look.one(version, "version_of")
        if of is not None and kind_of(of) == "model":
            facets["datasetType"] = _facet("DatasetTypeDatasetFacet", datasetType="MODEL")
        location = self._look.one(of, "location") if of is not None else None
        place = place_name(location) if location else None
        if place is not None and place != self._name(version):
            identifier = {**place._asdict(), "type": "LOCATION"}
            facets["symlinks"] = _facet("SymlinksDatasetFacet", identifiers=[identifier])
        return facets

    def _columns(self, version: str) -> dict[str, Said]:
        """Return the columns of a version in their order."""
        columns = self._look.of(version).get("column") or self._read_later(version)
        found = {one: self._look.of(one) for one in columns}
        told = [(iri, said) for iri, said in found.items() if said.get("name")]
        return dict(sorted(told, key=lambda one: int(one[1]["order"][0])))

    def _read_later(self, version: str) -> list[str]:
        """Return the columns of what was read only after it was described.

        They are beside any of them, and a derivation names one.
        """
        prefix = f"{version}#"
        for said in self._look.own.values():
            for source in said.get("entity", ()):
                if source.startswith(prefix):
                    return self._look.beside(version, source).get("column", [])
        return []

    def _output(self, version: str, said: Said) -> dict[str, Any]:
        facets = self._dataset_facets(version)
        whole = [
            way for path in said.get("qualified_derivation", ()) for way in self._ways(path, True)
        ]
        fields = {
            column["name"][0]: [
                way for path in column["qualified_derivation"] for way in self._ways(path)
            ]
            for column in self._columns(version).values()
            if column.get("qualified_derivation")
        }
        on_whole = [way for way in whole if "field" in way]
        facets["columnLineage"] = _facet(
            "ColumnLineageDatasetFacet",
            fields={name: {"inputFields": ways} for name, ways in fields.items()},
            **({"dataset": on_whole} if on_whole else {}),
        )
        inputs = [{"type": "DATASET", **way} for way in whole]
        facets["lineage"] = _facet("LineageDatasetFacet", inputs=inputs)
        output = {**self._name(version)._asdict(), "facets": facets}
        statistics = self._statistics(said)
        return (
            {**output, "outputFacets": {"outputStatistics": statistics}} if statistics else output
        )

    def _ways(self, path: str, of_whole: bool = False) -> Iterator[dict[str, Any]]:
        """Yield from where a derivation of a column, or of the whole, comes and by what."""
        said = self._look.of(path)
        kinds = set(said["type"]) - _KINDS
        for source in said["entity"]:
            version, is_column, column = source.partition("#")
            way: dict[str, Any] = dict(self._name(version)._asdict())
            if not is_column:
                yield {**way, "transformations": transformations(kinds)}
                continue
            by = deciding(kinds) if of_whole else transformations(kinds)
            yield {**way, "field": name_of(column), "transformations": by}

    def _statistics(self, said: Said) -> dict[str, Any] | None:
        told = {
            "rowCount": self._number(said.get("specialization_of", ()), "row_count"),
            "size": self._number(said.get("distribution", ()), "byte_size"),
        }
        known = {name: number for name, number in told.items() if number is not None}
        return _facet("OutputStatisticsOutputDatasetFacet", **known) if known else None

    def _number(self, iris: Iterable[str], term: str) -> int | None:
        found = (self._look.one(iri, term) for iri in iris)
        return next((int(number) for number in found if number is not None), None)


def _facet(definition: str, **said: Any) -> dict[str, Any]:
    return {"_producer": ENGINE, "_schemaURL": addresses()[definition], **said}


def _error(said: Said) -> dict[str, Any]:
    """Return what is told of a failure: the class of the error, as far as it is recorded."""
    if not said.get("error"):
        return {}
    message = said["error"][0]
    return {
        "errorMessage": _facet(
            "ErrorMessageRunFacet", message=message, programmingLanguage="PYTHON"
        )
    }


def _is_version(iri: str) -> bool:
    return kind_of(iri) in ("version", "model-version") and "#" not in iri
