"""What happened: activities, the plans they followed, who did it, and in which environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from lineage_graph.declarations import bundled
from lineage_graph.identity import kind_of, name_of
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import shown
from lineage_graph.server.graphql.nodes import Entity, Node


@strawberry.type(description="A fact about an environment.")
class Fact:
    """A fact about an environment."""

    name: str = strawberry.field(description="Such as `spark`.")
    value: str = strawberry.field(description="Such as `4.3.0`.")


@strawberry.type(description="The software and settings of an activity; no secrets are in it.")
class Environment(Node):
    """The software and settings of an activity."""

    facts: list[Fact] = strawberry.field(description="What is known of it, sorted by name.")


@strawberry.type(description="prov:Agent, a pseudonym: who a person is stays outside the graph.")
class Agent(Node):
    """Who is responsible for something, under a pseudonym."""

    @shown("The pseudonym, or the name of a program.")
    async def name(self, info: Info) -> str:
        """Return what it is called."""
        rows = await self._rows(info)
        label = rows[0]["label"] if rows else None
        return str(label) if label else name_of(self.iri)

    @shown("`Person`, `SoftwareAgent`, or null where that is not recorded.")
    async def kind(self, info: Info) -> str | None:
        """Return what kind of agent it is."""
        rows = await self._rows(info)
        return bundled().term(str(rows[0]["type"])) if rows else None

    async def _rows(self, info: Info) -> list[Mapping[str, Any]]:
        return await info.context.rows("records/agents", "agent", self.iri)


@strawberry.type(description="pplan:Step: one operator of a plan.")
class Step:
    """One operator of a plan."""

    order: int = strawberry.field(description="Position, inputs before outputs, from 0.")
    operator: str = strawberry.field(description="Name of the operator.")
    parameters: str | None = strawberry.field(description="Its arguments, as people read them.")
    deterministic: str | None = strawberry.field(description="`always`, `by-order` or `never`.")
    preceded_by: list[int] = strawberry.field(description="Positions of the steps it takes from.")


@strawberry.type(description="prov:Plan: a program as data; the same program is the same plan.")
class Plan(Node):
    """A program as data."""

    async def _rows(self, info: Info) -> list[Mapping[str, Any]]:
        return await info.context.rows("records/plans", "plan", self.iri)

    async def _first(self, info: Info) -> Mapping[str, Any]:
        rows = await self._rows(info)
        return rows[0] if rows else {}

    @shown("What it does, for people.")
    async def label(self, info: Info) -> str | None:
        """Return what it does."""
        return (await self._first(info)).get("label")

    @shown("Digest of the executable form.")
    async def sha256(self, info: Info) -> str | None:
        """Return the digest of its executable form."""
        return (await self._first(info)).get("sha256")

    @shown("Who can execute it: `spark`, `spark-ml` or `sklearn`.")
    async def executor(self, info: Info) -> str | None:
        """Return who can execute it."""
        return (await self._first(info)).get("executor")

    @shown("Whether everything that it needs was recorded.")
    async def replayable(self, info: Info) -> bool | None:
        """Return whether it can be executed again."""
        return (await self._first(info)).get("replayable")

    @shown("Why it cannot be replayed, or may not give the same bytes.")
    async def cautions(self, info: Info) -> list[str]:
        """Return what to be careful about."""
        return [row["caution"] for row in await self._rows(info) if row["caution"]]

    @shown("Its steps, in order.")
    async def steps(self, info: Info) -> list[Step]:
        """Return its steps."""
        rows = await info.context.rows("records/plan_steps", "plan", self.iri)
        positions = {str(row["step"]): row["position"] for row in rows}
        found: dict[int, Step] = {}
        for row in rows:
            at = row["position"]
            if at not in found:
                found[at] = Step(
                    order=at,
                    operator=row["name"],
                    parameters=row["parameters"],
                    deterministic=row["deterministic"],
                    preceded_by=[],
                )
            if str(row["preceded_by"]) in positions:
                found[at].preceded_by.append(positions[str(row["preceded_by"])])
        return list(found.values())


@strawberry.type(description="Something an activity used.")
class Used:
    """Something an activity used."""

    slot: str | None = strawberry.field(description="Slot of the plan that it filled.")
    entity: Entity = strawberry.field(description="What was used.")


@strawberry.type(description="prov:Activity: what happened. A training is an `mls:Run`.")
class Activity(Node):
    """What happened."""

    async def _row(self, info: Info) -> Mapping[str, Any]:
        rows = await info.context.rows("records/activity", "activity", self.iri)
        return rows[0] if rows else {}

    @shown("What it was, for people.")
    async def label(self, info: Info) -> str | None:
        """Return what it was."""
        return (await self._row(info)).get("label")

    @shown("`completed` or `failed`.")
    async def status(self, info: Info) -> str | None:
        """Return how it ended."""
        return (await self._row(info)).get("status")

    @shown("Class of the error that ended it; never its text.")
    async def error(self, info: Info) -> str | None:
        """Return what ended it."""
        return (await self._row(info)).get("error")

    @shown("When it began.")
    async def started_at(self, info: Info) -> datetime | None:
        """Return when it began."""
        return (await self._row(info)).get("started")

    @shown("When it ended.")
    async def ended_at(self, info: Info) -> datetime | None:
        """Return when it ended."""
        return (await self._row(info)).get("ended")

    @shown("Who did it.")
    async def agent(self, info: Info) -> Agent | None:
        """Return who did it."""
        agent = (await self._row(info)).get("agent")
        return None if agent is None else Agent(iri=str(agent))

    @shown("The plan it followed; null where none was recorded.")
    async def plan(self, info: Info) -> Plan | None:
        """Return the plan it followed."""
        plan = (await self._row(info)).get("plan")
        return None if plan is None else Plan(iri=str(plan))

    @shown("The software and settings it ran in.")
    async def environment(self, info: Info) -> Environment | None:
        """Return the software and settings it ran in."""
        environment = (await self._row(info)).get("environment")
        if environment is None:
            return None
        said = json.loads((await self._row(info)).get("facts") or "{}")
        facts = [Fact(name=name, value=_text(value)) for name, value in sorted(said.items())]
        return Environment(iri=str(environment), facts=facts)

    @shown("What it used, with the slots of the plan.")
    async def used(self, info: Info) -> list[Used]:
        """Return what it used."""
        rows = await info.context.rows("records/used", "activity", self.iri)
        found = [(row["slot"], entity(str(row["entity"]))) for row in rows]
        return [Used(slot=slot, entity=one) for slot, one in found if one is not None]

    @shown("What it generated.")
    async def generated(self, info: Info) -> list[Entity]:
        """Return what it generated."""
        rows = await info.context.rows("records/generated", "activity", self.iri)
        found = (entity(str(row["entity"])) for row in rows)
        return [one for one in found if one is not None]

    @shown("Activities whose plans it followed once more.")
    async def informed_by(self, info: Info) -> list[Activity]:
        """Return the activities it was informed by."""
        rows = await info.context.rows("records/informed_by", "activity", self.iri)
        return [Activity(iri=str(row["other"])) for row in rows]


@strawberry.type(description="A rebuild: the recorded plan was executed again and compared.")
class Replay:
    """A rebuild."""

    activity: Activity = strawberry.field(description="The execution.")
    verdict: str = strawberry.field(description="Whether what came out is what was recorded.")
    explanation: str | None = strawberry.field(description="Why it is not, where it is not.")
    fingerprint: str | None = strawberry.field(description="Fingerprint of what came out.")
    error: str | None = strawberry.field(description="Class of the error that ended it.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime = strawberry.field(description="When it ended.")


async def replays(info: Info, version: str) -> list[Replay]:
    """Return the rebuilds of a version, the first one first."""
    rows = await info.context.rows("records/replays", "version", version)
    return [
        Replay(
            activity=Activity(iri=str(row["replay"])),
            verdict=row["verdict"],
            explanation=row["explanation"],
            fingerprint=row["fingerprint"],
            error=row["error"],
            started_at=row["started"],
            ended_at=row["ended"],
        )
        for row in {str(row["replay"]): row for row in rows}.values()
    ]


def entity(iri: str) -> Entity | None:
    """Return the entity of an IRI; None for what is of another kind."""
    from lineage_graph.server.graphql.datasets import Dataset, DatasetVersion
    from lineage_graph.server.graphql.models import Model, ModelVersion

    kinds: Mapping[str | None, type[Entity]] = {
        "dataset": Dataset,
        "model": Model,
        "version": DatasetVersion,
        "model-version": ModelVersion,
    }
    kind = kinds.get(kind_of(iri))
    return None if kind is None or "#" in iri else kind(iri=iri)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
