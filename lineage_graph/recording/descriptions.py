"""Records of what was read and written: datasets, versions, columns, plans, activities.

Pure functions from frozen values to records; nothing is looked up and nothing is
written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lineage_graph import __version__
from lineage_graph.executors import (
    ColumnPath,
    Description,
    Fingerprint,
    LearntState,
    Operation,
    Pin,
    Program,
)
from lineage_graph.identity import (
    canonical_json,
    digested,
    named,
    part,
    sha256,
    without_credentials,
    without_secrets,
)
from lineage_graph.records import (
    Activity,
    Agent,
    Artifact,
    Association,
    Column,
    Content,
    Dataset,
    DatasetVersion,
    Derivation,
    Distribution,
    Environment,
    Plan,
    Record,
    SoftwareAgent,
    Step,
    Usage,
)

ENGINE = named("agent", "lineage-graph")


def engine_agent() -> Record:
    """Return the software that records."""
    return SoftwareAgent(id=ENGINE, label=f"lineage_graph {__version__}")


def artifact(digest: str, size: int, media_type: str) -> Record:
    """Return the record of a content-addressed file."""
    return Artifact(
        id=digested("artifact", digest), sha256=digest, byte_size=size, media_type=media_type
    )


def content_of(content: Fingerprint | LearntState, state_artifact: str | None = None) -> Content:
    """Return the node of a content: equal content is the same node."""
    table = content if isinstance(content, Fingerprint) else None
    return Content(
        id=digested("content", content.digest),
        fingerprint=content.digest,
        fingerprint_version=content.version,
        row_count=table.rows if table else None,
        schema=table.schema if table else None,
        artifact=digested("artifact", state_artifact) if state_artifact else None,
    )


def distribution(version: str, pin: Pin) -> Distribution:
    """Return where the bytes of a version lie, and how they are read."""
    paths = [without_credentials(path) for path in pin.place.paths]
    reading = {"options": without_secrets(pin.place.options), "schema": pin.place.schema}
    return Distribution(
        id=part(version, "distribution", pin.snapshot),
        location="; ".join(paths) or "in memory",
        format=pin.place.format,
        reader_options=canonical_json({"paths": paths, **reading}).decode(),
        manifest=digested("artifact", pin.manifest) if pin.manifest else None,
        snapshot=pin.snapshot,
        byte_size=pin.size,
    )


@dataclass(frozen=True)
class Derived:
    """How a version came about.

    Attributes:
        activity: What made it.
        inputs: IRI of the version in each slot.
        description: How they reached the output.
    """

    activity: str
    inputs: Mapping[str, str]
    description: Description


def dataset_version(
    version: str,
    dataset: Dataset,
    pin: Pin,
    fingerprint: Fingerprint | None,
    at: datetime | None,
    derived: Derived | None = None,
) -> list[Record]:
    """Return a version with its columns, content, distribution and derivations."""
    paths = entity_derivations(version, derived.inputs, derived) if derived else []
    columns = column_records(version, fingerprint, derived) if fingerprint else []
    content = [content_of(fingerprint)] if fingerprint else []
    where = distribution(version, pin)
    head = DatasetVersion(
        id=version,
        version_of=dataset.id,
        label=dataset.title,
        specialization_of=content[0].id if content else None,
        generated_by=derived.activity if derived else None,
        generated_at=at,
        derived_from=tuple(sorted({d.entity for d in paths})),
        qualified_derivation=tuple(d.id for d in paths),
        distribution=where.id,
        column=tuple(c.id for c in columns if isinstance(c, Column)),
    )
    return [head, where, *content, *columns, *paths]


def content_records(version: str, fingerprint: Fingerprint) -> list[Record]:
    """Return what a version contains, for one that is described already."""
    columns = column_records(version, fingerprint, None)
    content = content_of(fingerprint)
    head = DatasetVersion(
        id=version, specialization_of=content.id, column=tuple(c.id for c in columns)
    )
    return [head, content, *columns]


def entity_derivations(
    version: str, inputs: Mapping[str, str], derived: Derived
) -> list[Derivation]:
    """Return one derivation for each path from an input to the output."""
    return [
        Derivation(
            id=part(version, "derivation", number),
            entity=inputs[path.slot],
            had_activity=derived.activity,
            kinds=path.kinds,
            approximate=path.approximate or None,
        )
        for number, path in enumerate(derived.description.inputs)
        if path.slot in inputs
    ]


def column_records(version: str, fingerprint: Fingerprint, derived: Derived | None) -> list[Record]:
    """Return the columns of a version with what each was made from."""
    records: list[Record] = []
    paths: dict[str, list[ColumnPath]] = {}
    for path in derived.description.columns if derived else ():
        paths.setdefault(path.column, []).append(path)
    sizes = derived.description.group_sizes if derived else ()
    types = column_types(fingerprint.schema)
    for order, (name, digest) in enumerate(fingerprint.columns.items()):
        origins = _column_derivations(version, name, paths.get(name, []), derived)
        records += origins
        records.append(
            Column(
                id=part(version, name),
                name=name,
                datatype=types[order],
                order=order,
                column_digest=digest,
                least_count=fingerprint.least.get(name) if name in sizes else None,
                derived_from=tuple(sorted({d.entity for d in origins})),
                qualified_derivation=tuple(d.id for d in origins),
            )
        )
    return records


def _column_derivations(
    version: str, name: str, paths: Sequence[ColumnPath], derived: Derived | None
) -> list[Derivation]:
    if derived is None:
        return []
    return [
        Derivation(
            id=part(version, name, "derivation", number),
            entity=part(derived.inputs[path.slot], path.source),
            had_activity=derived.activity,
            kinds=path.kinds,
            approximate=path.approximate or None,
        )
        for number, path in enumerate(paths)
        if path.slot in derived.inputs
    ]


def column_types(schema: str) -> list[str]:
    """Return the type of each column of a canonical schema, as text."""
    fields: list[list[Any]] = json.loads(schema)["struct"]
    return [kind if isinstance(kind, str) else canonical_json(kind).decode() for _, kind in fields]


def plan_records(program: Program, description: Description, label: str) -> list[Record]:
    """Return a plan with its steps; the same program twice is the same plan."""
    plan = digested("plan", program.digest)
    cautions = tuple(dict.fromkeys((*description.obstacles, *description.cautions)))
    head = Plan(
        id=plan,
        sha256=program.sha256,
        artifact=digested("artifact", program.sha256),
        executor=program.executor,
        label=label,
        replayable=not description.obstacles,
        caution=cautions,
    )
    body = artifact(program.sha256, len(program.body), "application/x-protobuf")
    steps = [
        Step(
            id=part(plan, "step", use.order),
            step_of=plan,
            operator=use.operator,
            order=use.order,
            preceded_by=tuple(part(plan, "step", n) for n in use.inputs),
            parameters=use.parameters or None,
            deterministic=use.deterministic,
        )
        for use in description.steps
    ]
    return [head, body, *steps]


def usages(activity: str, inputs: Mapping[str, str]) -> list[Usage]:
    """Return which version filled which slot."""
    return [
        Usage(id=part(activity, "usage", slot), entity=version, slot=slot)
        for slot, version in inputs.items()
    ]


def association(activity: str, plan: str) -> Association:
    """Return who followed which plan: the engine carries out, the author asked."""
    return Association(id=part(activity, "association"), agent=ENGINE, had_plan=plan)


def act(
    activity: str, label: str, begun: datetime, author: str, used: tuple[str, ...] = ()
) -> list[Record]:
    """Return what somebody did, by no plan, that ends now: the activity and who was at it.

    Args:
        activity: IRI of the activity.
        label: For people.
        begun: When it began.
        author: IRI of the agent who did it.
        used: IRIs of the versions that were used.
    """
    done = Activity(
        id=activity,
        label=label,
        started_at=begun,
        ended_at=datetime.now(UTC),
        status="completed",
        used=used,
        associated_with=author,
        qualified_association=part(activity, "association"),
    )
    return [done, Association(id=done.qualified_association, agent=ENGINE)]


def agents(author: str) -> list[Record]:
    """Return who is at it whenever something is recorded: the software and the author."""
    return [engine_agent(), Agent(id=author)]


def environment_record(facts: Mapping[str, Any]) -> Environment:
    """Return the environment, named by its digest."""
    text = canonical_json({key: str(value) for key, value in facts.items()})
    return Environment(id=digested("environment", sha256(text)), facts=text.decode())


def activity_fields(
    operation: Operation, activity: str, inputs: Mapping[str, str], environment: str
) -> dict[str, Any]:
    """Return the fields that every kind of activity has."""
    return {
        "id": activity,
        "label": operation.label,
        "started_at": operation.started,
        "ended_at": operation.ended,
        "status": "failed" if operation.error else "completed",
        "error": operation.error,
        "used": tuple(sorted(set(inputs.values()))),
        "qualified_usage": tuple(part(activity, "usage", slot) for slot in inputs),
        "qualified_association": part(activity, "association"),
        "environment": environment,
        "informed_by": (operation.informed_by,) if operation.informed_by else (),
    }
