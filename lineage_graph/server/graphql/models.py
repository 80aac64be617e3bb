"""Models, their versions, and what differs between two of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import strawberry

from lineage_graph.declarations import bundled
from lineage_graph.identity import name_of
from lineage_graph.server.graphql.activities import Activity
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.datasets import DatasetVersion, Distribution
from lineage_graph.server.graphql.fields import shown
from lineage_graph.server.graphql.nodes import HasVersions, Versioned
from lineage_graph.server.graphql.paging import USUAL, After, Connection, First, sliced

_EVALUATION: Final = "Evaluation"


@strawberry.type(description="mls:HyperParameterSetting: a parameter and the value it had.")
class HyperParameterSetting:
    """A parameter and the value it had."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="The value, as it was written.")


@strawberry.type(description="mls:ModelEvaluation: one measure of one model on one dataset.")
class ModelEvaluation:
    """One measure of a model."""

    name: str = strawberry.field(description="Such as `accuracy`.")
    value: float = strawberry.field(description="What was measured.")
    measured_on: DatasetVersion = strawberry.field(description="On which data.")


@strawberry.type(description="A column that a model learnt from.")
class Feature:
    """A column that a model learnt from."""

    iri: str = strawberry.field(description="IRI of the column.")
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="One stage of a fitted pipeline.")
class FittedStep:
    """One stage of a fitted pipeline."""

    order: int = strawberry.field(description="Position in the pipeline, from 0.")
    name: str = strawberry.field(description="What it is called in the pipeline.")
    implementation: str = strawberry.field(description="The algorithm's class and package.")
    fingerprint: str = strawberry.field(description="Digest of what it learnt.")
    learnt: str | None = strawberry.field(description="What it learnt, as JSON.")


@strawberry.type(description="mls:Model, as one training made it.")
class ModelVersion(Versioned):
    """A model as one training made it."""

    @shown("The model it is a version of.")
    async def model(self, info: Info) -> Model | None:
        """Return the model."""
        of = await info.context.of(info.context.many.of, self.iri)
        return None if of is None else Model(iri=of)

    @shown("Its number among the versions of the model, from 1.")
    async def number(self, info: Info) -> int | None:
        """Return its number."""
        return await self._number(info)

    @shown("When it was trained.")
    async def generated_at(self, info: Info) -> datetime | None:
        """Return when it was trained."""
        return (await self._row(info)).get("generated")

    @shown("The training.")
    async def generated_by(self, info: Info) -> Activity | None:
        """Return the training."""
        activity = (await self._row(info)).get("activity")
        return None if activity is None else Activity(iri=str(activity))

    @shown("Digest over what it learnt; equal models have an equal one.")
    async def fingerprint(self, info: Info) -> str | None:
        """Return the digest over what it learnt."""
        return (await self._row(info)).get("fingerprint")

    @shown("The files that hold it; null when none is known.")
    async def distribution(self, info: Info) -> Distribution | None:
        """Return what holds it."""
        row = await self._row(info)
        if row.get("location") is None:
            return None
        return Distribution(
            location=row["location"], format=row["format"], snapshot=row["snapshot"]
        )

    @shown("The class of the last stage of what was fitted.")
    async def algorithm(self, info: Info) -> str | None:
        """Return what learnt."""
        steps = await self._steps(info)
        return steps[-1].implementation if steps else None

    @shown("The stages of what was fitted, in order.")
    async def stages(self, info: Info) -> list[FittedStep]:
        """Return the stages of what was fitted."""
        return await self._steps(info)

    async def _steps(self, info: Info) -> list[FittedStep]:
        return [
            FittedStep(
                order=row["position"],
                name=row["name"],
                implementation=name_of(str(row["implementation"])),
                fingerprint=row["fingerprint"],
                learnt=row["parameters"],
            )
            for row in await info.context.rows("records/fitted_steps", "model", self.iri)
        ]

    @shown("The parameters of the training, sorted by name.")
    async def parameters(self, info: Info) -> list[HyperParameterSetting]:
        """Return the parameters of the training."""
        rows = await info.context.rows("records/parameters", "model", self.iri)
        return [HyperParameterSetting(name=row["name"], value=str(row["value"])) for row in rows]

    @shown("What was measured of it.")
    async def metrics(self, info: Info) -> list[ModelEvaluation]:
        """Return what was measured of it."""
        return [
            ModelEvaluation(
                name=row["name"],
                value=float(row["value"]),
                measured_on=DatasetVersion(iri=str(row["measured_on"])),
            )
            for row in await info.context.rows("records/metrics", "model", self.iri)
        ]

    @shown("The data it learnt from.")
    async def training_data(self, info: Info) -> list[DatasetVersion]:
        """Return the data it learnt from."""
        return [DatasetVersion(iri=iri) for iri in await self._trained_on(info)]

    async def _trained_on(self, info: Info) -> list[str]:
        rows = await info.context.rows("lineage/derivations", "derived", self.iri)
        kinds = ((str(r["source"]), bundled().term(str(r["kind"]))) for r in rows)
        return list(dict.fromkeys(source for source, kind in kinds if kind != _EVALUATION))

    @shown("The columns it learnt from.")
    async def features(self, info: Info) -> list[Feature]:
        """Return the columns it learnt from."""
        return await self._columns(info, "feature")

    @shown("The column it learnt to predict; null when there is none.")
    async def label(self, info: Info) -> Feature | None:
        """Return the column it learnt to predict."""
        found = await self._columns(info, "label")
        return found[0] if found else None

    async def _columns(self, info: Info, role: str) -> list[Feature]:
        return [
            Feature(iri=str(row["column"]), name=row["name"] or name_of(str(row["column"])))
            for row in await info.context.rows("records/features", "model", self.iri)
            if row["role"] == role
        ]

    @shown("The data it predicted.")
    async def predictions(self, info: Info) -> list[DatasetVersion]:
        """Return the data it predicted."""
        rows = await info.context.rows("records/predictions", "model", self.iri)
        return [DatasetVersion(iri=str(row["version"])) for row in rows]


@strawberry.type(description="The model with a name; its versions were trained.")
class Model(HasVersions[ModelVersion]):
    """The model with a name; its versions were trained."""

    async def _row(self, info: Info) -> Mapping[str, Any]:
        rows = await info.context.rows("records/models", "model", self.iri)
        return rows[0] if rows else {}

    def _version(self, iri: str) -> ModelVersion:
        return ModelVersion(iri=iri)

    @shown("Its versions, the first one first.")
    async def versions(
        self, info: Info, first: First = USUAL, after: After = None
    ) -> Connection[ModelVersion]:
        """Return a page of its versions."""
        return sliced(await self._versions(info), first, after, self._version)


@strawberry.type(description="One value of each of two versions.")
class ComparedValue:
    """One value of each of two versions."""

    name: str = strawberry.field(description="Of the parameter or measure.")
    a: str | None = strawberry.field(description="Of the first version; null where it has none.")
    b: str | None = strawberry.field(description="Of the second version; null where it has none.")
    differs: bool = strawberry.field(description="Whether they differ.")


@strawberry.type(description="What two versions of models have in common, and what differs.")
class VersionComparison:
    """What two versions of models have in common, and what differs."""

    a: ModelVersion = strawberry.field(description="The first one.")
    b: ModelVersion = strawberry.field(description="The second one.")

    @shown("Whether they learnt exactly the same.")
    async def same_content(self, info: Info) -> bool:
        """Return whether they learnt exactly the same."""
        a, b = await self.a._row(info), await self.b._row(info)
        return a.get("fingerprint") is not None and a.get("fingerprint") == b.get("fingerprint")

    @shown("The parameters of both, sorted by name.")
    async def parameters(self, info: Info) -> list[ComparedValue]:
        """Return the parameters of both."""
        return await self._beside(info, "records/parameters")

    @shown(
        "What was measured of both, sorted by name; the last one, where something was "
        "measured on several data."
    )
    async def metrics(self, info: Info) -> list[ComparedValue]:
        """Return what was measured of both."""
        return await self._beside(info, "records/metrics")

    @shown("The columns that either learnt from, with `yes` where it did.")
    async def features(self, info: Info) -> list[ComparedValue]:
        """Return the columns that either learnt from."""
        ones = [[f.name for f in await v._columns(info, "feature")] for v in (self.a, self.b)]
        return beside(*(dict.fromkeys(names, "yes") for names in ones))

    @shown("The data that either learnt from, with `yes` where it did.")
    async def training_data(self, info: Info) -> list[ComparedValue]:
        """Return the data that either learnt from."""
        ones = [await version._trained_on(info) for version in (self.a, self.b)]
        names = info.context.many.names({iri for one in ones for iri in one})
        return beside(*({names.get(iri, iri): "yes" for iri in one} for one in ones))

    async def _beside(self, info: Info, question: str) -> list[ComparedValue]:
        a, b = [await info.context.rows(question, "model", v.iri) for v in (self.a, self.b)]
        return beside(_values(a), _values(b))


def beside(a: Mapping[str, str], b: Mapping[str, str]) -> list[ComparedValue]:
    """Return the values of two versions beside each other, sorted by name."""
    return [
        ComparedValue(name=name, a=a.get(name), b=b.get(name), differs=a.get(name) != b.get(name))
        for name in sorted({*a, *b})
    ]


def _values(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {row["name"]: str(row["value"]) for row in rows}
