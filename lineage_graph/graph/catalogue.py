"""What is recorded, by the names people use."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from lineage_graph.declarations import is_absolute_iri
from lineage_graph.errors import NotFound
from lineage_graph.executors import Place
from lineage_graph.graph.numbering import MANY, Numbering
from lineage_graph.identity import NAMESPACE, is_text, kind_of, name_of, named
from lineage_graph.ledger import Ledger
from lineage_graph.lineage import NodeLabel
from lineage_graph.recording import location_key
from lineage_graph.records import Dataset
from lineage_graph.stores import Row

if TYPE_CHECKING:
    from lineage_graph.compliance.gathering import Asked

Kind = Literal["dataset", "model"]
NOT_RECORDED = "not recorded"
KINDS: Mapping[str | None, str] = {"version": "dataset", "model-version": "model"}


class Catalogue:
    """Names and descriptions, asked from the graph.

    Attributes:
        license_of: Gives what was last said of the licence of a dataset or model.
    """

    def __init__(self, queries: Asked, ledger: Ledger) -> None:
        self._queries = queries
        self._ledger = ledger
        self._names_at = 0
        self._names: dict[str, str] = {}
        self._numbering = Numbering(queries, ledger)
        self.license_of: Callable[[str], str | None] = lambda thing: None

    def version(self, name: str, number: int | None, kind: Kind | None = None) -> str:
        """Return the IRI of a version.

        Args:
            name: ``name``, ``name@2``, ``dataset:name``, ``model:name`` or an IRI.
            number: Number of the version, from 1; None for the one in the name, else
                the newest.
            kind: Only a dataset, or only a model.

        Raises:
            NotFound: There is none; names that are close are suggested.
        """
        if self._is_version(name):
            described = self._described([name])
            now = self.called_now([name]).get(name, name)
            if not described and now == name:
                raise NotFound(f"Nothing is recorded under {name}.")
            return now if self._is_version(now) else self.version(now, None)
        thing, asked = self._logical(name, kind)
        versions = self._numbering.ordered([thing]).get(thing)
        wanted = number if number is not None else asked
        if not versions:
            raise NotFound(f"{name} is registered, but no version of it is recorded yet.")
        if wanted is None:
            return versions[-1]
        if not 1 <= wanted <= len(versions):
            raise NotFound(f"{name_of(thing)} has versions 1 to {len(versions)}, not {wanted}.")
        return versions[wanted - 1]

    def thing(self, name: str, kind: Kind | None = None) -> str:
        """Return the IRI of a dataset or model, or of one version where the name says which.

        Raises:
            NotFound: There is none; names that are close are suggested.
        """
        if self._is_version(name):
            return self.version(name, None, kind)
        thing, number = self._logical(name, kind)
        return thing if number is None else self.version(name, None, kind)

    def all_versions(self, name: str) -> list[str]:
        """Return the IRIs of the version that is named, or of all when only the thing is.

        Raises:
            NotFound: There is none.
        """
        thing, asked = (None, None) if self._is_version(name) else self._logical(name, None)
        if thing is None or asked is not None:
            return [self.version(name, None)]
        return self._numbering.ordered([thing]).get(thing, [])

    def subject(self, name: str) -> str:
        """Return what a statement about a name is about: a version, the thing when it has none.

        Raises:
            NotFound: There is none.
        """
        if not self._is_version(name):
            thing = self._logical(name, None)[0]
            if not self._numbering.ordered([thing]).get(thing):
                return thing
        return self.version(name, None)

    def knows(self, name: str) -> bool:
        """Tell whether a dataset or model has exactly this name."""
        iris = [named(kind, name) for kind in ("dataset", "model")]
        return bool(self._described(iris) or self.called_now(iris))

    def called_now(self, iris: Collection[str]) -> Mapping[str, str]:
        """Return what is called otherwise now, by the IRI it had under another name."""
        return self._numbering.now(iris)

    def everything(self) -> Mapping[str, list[str]]:
        """Return the versions of every dataset and model, the first one first."""
        return self._numbering.everything()

    def _is_version(self, name: str) -> bool:
        return name.startswith(NAMESPACE) and kind_of(name) in KINDS

    def _logical(self, name: str, kind: Kind | None) -> tuple[str, int | None]:
        """Return the IRI of a dataset or model, and the version number in the name."""
        if not is_text(name):
            raise NotFound(f"{name!r} is not text, so nothing is called that.")
        bare, _, number = name.rpartition("@")
        if not bare or not number.isdigit():
            bare, number = name, ""
        if name.startswith(NAMESPACE):
            candidates = [bare]
        elif bare.startswith(("dataset:", "model:")) and kind is None:
            said, _, rest = bare.partition(":")
            candidates = [named(said, rest)]
        else:
            candidates = [named(k, bare) for k in ([kind] if kind else ("dataset", "model"))]
        known = self._described(candidates)
        now = self.called_now(candidates)
        found = [now.get(iri, iri) for iri in candidates if iri in known or iri in now]
        if len(found) > 1:
            raise NotFound(
                f"{bare!r} is a dataset and a model. Say dataset:{bare} or model:{bare}."
            )
        if not found:
            raise NotFound(self._unknown(bare, kind))
        return found[0], int(number) if number else None

    def _described(self, iris: list[str]) -> Collection[str]:
        """Return which of some IRIs the ledger describes."""
        asked = [iri for iri in iris if is_absolute_iri(iri)]
        if asked and not self._ledger.described(asked):
            # What events mean is worked out when something is asked, and nothing was yet.
            self._queries.run("records/version_of", of=asked)
        return self._ledger.described(iris)

    def _unknown(self, name: str, kind: Kind | None) -> str:
        names: list[str] = []
        if kind != "model":
            names += [row["title"] for row in self._queries.run("records/datasets")]
        if kind != "dataset":
            names += [row["title"] for row in self._queries.run("records/models")]
        near = get_close_matches(name, names, 3, 0.5)
        what = kind or "dataset or model"
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
        listed = "Type: lineage-graph datasets, or lineage-graph models."
        return f"There is no {what} {name!r}. {hint or listed}"

    def versions(self, name: str) -> list[dict[str, Any]]:
        """Return the versions of a dataset or model, the first one first."""
        thing = self._logical(name, None)[0]
        rows = {str(row["version"]): row for row in self._queries.run("records/versions", of=thing)}
        return [
            _numbered(number, rows[version])
            for number, version in enumerate(self._numbering.ordered([thing]).get(thing, []), 1)
        ]

    def datasets(self) -> list[dict[str, Any]]:
        """Return the recorded datasets."""
        return [
            self._listed(row, str(row["dataset"])) for row in self._queries.run("records/datasets")
        ]

    def models(self) -> list[dict[str, Any]]:
        """Return the recorded models."""
        return [self._listed(row, str(row["model"])) for row in self._queries.run("records/models")]

    def _listed(self, row: Row, iri: str) -> dict[str, Any]:
        return {
            "name": row["title"],
            "versions": row["versions"],
            "license": self.license_of(iri) or NOT_RECORDED,
            "owner": name_of(row["owner"]) if row["owner"] else NOT_RECORDED,
            "description": row["description"],
            "iri": iri,
        }

    def name_of(self, version: str) -> str:
        """Return ``name@number`` of a version."""
        return self.names_of([version]).get(version, name_of(version))

    def _forget_old_names(self) -> None:
        head = self._ledger.head
        if self._names_at != head:
            self._names_at, self._names = head, {}

    def _called(self, versions: Collection[str]) -> dict[str, str]:
        """Return ``name@number`` of versions, and of all others of the same things."""
        rows = self._numbering.version_of("version", versions) if len(versions) < MANY else None
        found = (
            self._numbering.everything()
            if rows is None
            else self._numbering.ordered({r["of"] for r in rows})
        )
        return {
            version: f"{name_of(thing)}@{number}"
            for thing, ordered in found.items()
            for number, version in enumerate(ordered, 1)
        }

    def names_of(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return ``name@number`` of versions; one that is not known is left out."""
        self._forget_old_names()
        missing = [v for v in versions if v not in self._names and kind_of(v) in KINDS]
        if missing:
            self._names |= self._called(missing)
        return {v: self._names[v] for v in versions if v in self._names}

    def versions_of(self, things: Collection[str]) -> Mapping[str, list[str]]:
        """Return the versions of datasets and models, the first one first."""
        return self._numbering.ordered(things)

    def earlier(self, versions: Collection[str]) -> Mapping[str, list[str]]:
        """Return the earlier versions of the same thing, nearest first, then the thing itself."""
        rows = self._numbering.version_of("version", versions)
        of = {str(row["version"]): str(row["of"]) for row in rows}
        ordered = self._numbering.ordered(set(of.values()))
        return {
            version: [*reversed(ordered[thing][: ordered[thing].index(version)]), thing]
            for version, thing in of.items()
        }

    def labels(self, iris: Collection[str]) -> Mapping[str, NodeLabel]:
        """Return how nodes are shown in a lineage."""
        names = self.names_of({iri.partition("#")[0] for iri in iris})
        labels = {}
        for iri in iris:
            version, _, column = iri.partition("#")
            if version not in names:
                continue
            name, kind = names[version], KINDS.get(kind_of(version), "dataset")
            if column:
                name, kind = f"{name}.{name_of(column)}", "column"
            labels[iri] = NodeLabel(iri, name, kind)
        return labels

    def columns(self, version: str) -> list[str]:
        """Return the IRIs of a version's columns; none for a model."""
        rows = self._queries.run("records/columns", version=version)
        return [str(row["column"]) for row in rows]

    def declared(self, dataset: str) -> dict[str, Any]:
        """Return what was said about a dataset, by field name; empty when unknown."""
        if not self._ledger.described([dataset]):
            return {}
        row = self._queries.run("records/datasets", dataset=dataset)[0]
        said = {
            "description": row["description"],
            "location": row["location"],
            "attributed_to": row["owner"],
        }
        return {key: value for key, value in said.items() if value is not None} | {"title": ""}

    def located(self) -> dict[str, Dataset]:
        """Return the datasets by where they lie."""
        return {
            location_key(Place((row["location"],), "")): Dataset(
                id=str(row["dataset"]), title=row["title"], location=row["location"]
            )
            for row in self._queries.run("records/datasets")
            if row["location"]
        }

    def references(self) -> set[str]:
        """Return where datasets lie of whose newest version only digests are kept."""
        rows = self._queries.run("records/kept")
        newest = {(row["dataset"], row["location"]): row["snapshot"] for row in rows}
        return {location for (_, location), kept in newest.items() if kept == "reference"}

    def describe(self, name: str) -> dict[str, Any]:
        """Return what is known about a dataset or model, as plain values."""
        version = self.version(name, None)
        rows = self._queries.run("records/versions", version=version)
        thing = str(rows[0]["of"])
        kind = kind_of(thing)
        question = "records/models" if kind == "model" else "records/datasets"
        head = self._queries.run(question, **{kind or "dataset": thing})[0]
        common = {
            "name": self.name_of(version),
            "kind": kind,
            "version": version,
            "description": head["description"],
            "license": self.license_of(thing) or NOT_RECORDED,
            "owner": name_of(head["owner"]) if head["owner"] else NOT_RECORDED,
            "versions": head["versions"],
            "recorded": rows[0]["generated"],
            "rows": rows[0]["rows"],
            "fingerprint": rows[0]["fingerprint"] or NOT_RECORDED,
            "location": rows[0]["location"],
        }
        details = self._model(version) if kind == "model" else self._columns(version)
        made = self._made(rows[0]["activity"]) if rows[0]["activity"] else {}
        known = {**common, **details, **made, "rebuilds": self._rebuilds(version)}
        return {key: value for key, value in known.items() if value not in (None, [], {})}

    def _columns(self, version: str) -> dict[str, Any]:
        rows = self._queries.run("records/columns", version=version)
        return {"columns": [{"name": row["name"], "type": row["datatype"]} for row in rows]}

    def _model(self, version: str) -> dict[str, Any]:
        columns = self._queries.run("records/features", model=version)
        steps = self._queries.run("records/fitted_steps", model=version)
        return {
            "algorithm": name_of(steps[-1]["implementation"]) if steps else None,
            "features": [row["name"] for row in columns if row["role"] == "feature"],
            "label": next((row["name"] for row in columns if row["role"] == "label"), None),
            "parameters": {
                row["name"]: row["value"]
                for row in self._queries.run("records/parameters", model=version)
            },
            "stages": [
                {"name": row["name"], "learnt": json.loads(row["parameters"] or "{}")}
                for row in steps
            ],
            "metrics": {
                row["name"]: row["value"]
                for row in self._queries.run("records/metrics", model=version)
            },
        }

    def _made(self, activity: str) -> dict[str, Any]:
        """Return how a version came about."""
        row = self._queries.run("records/activity", activity=activity)[0]
        inputs = self._queries.run("records/used", activity=activity)
        found = self._queries.run("records/plan_steps", plan=row["plan"]) if row["plan"] else []
        # A step that reads two others is two rows.
        steps = {step["position"]: step for step in found}.values()
        return {
            "made_by": row["label"],
            "made_from": {str(i["slot"]): self.name_of(str(i["entity"])) for i in inputs},
            "steps": [f"{step['name']} {step['parameters'] or ''}".strip() for step in steps],
            "environment": json.loads(row["facts"]) if row["facts"] else {},
        }

    def _rebuilds(self, version: str) -> list[dict[str, Any]]:
        """Return the rebuilds of a version, the first one first."""
        return [
            {
                "started": row["started"],
                "verdict": row["verdict"],
                "fingerprint": row["fingerprint"],
                "explanation": row["explanation"] or f"it raised {row['error']}",
            }
            for row in self._queries.run("records/replays", version=version)
        ]


def _numbered(number: int, row: Row) -> dict[str, Any]:
    return {
        "n": number,
        "iri": str(row["version"]),
        "generated_at": row["generated"].isoformat() if row["generated"] else None,
        "rows": row["rows"],
        "fingerprint": row["fingerprint"],
        "format": row["format"],
        "activity": row["activity_label"],
        "status": row["status"],
    }
