"""The records of datasets and jobs: what producers say of them whatever run it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage_graph.identity import named, without_credentials
from lineage_graph.openlineage.activities import columns_of
from lineage_graph.openlineage.facts import dataset_unit, job_unit, version_unit
from lineage_graph.openlineage.known import Known, text_of
from lineage_graph.openlineage.names import (
    FILES,
    Name,
    dataset_iri,
    declared_version,
    job_iri,
    outside_version,
)
from lineage_graph.records import Agent, Record
from lineage_graph.records.openlineage import Job, NamedDataset, WrittenVersion

Facts = Mapping[tuple[str, ...], tuple[str, Any]]


def dataset_records(known: Known, dataset: Name) -> list[Record]:
    """Return what is said of a dataset; nothing when it is called by another name.

    The version that was there before any run is known to have written one is described here:
    no run alone knows of it.
    """
    names = known.names(dataset)
    if known.dataset(dataset) != dataset:
        return []
    facts = [known.facts(dataset_unit(name)) for name in names]
    if not any(facts):
        return []
    owners = _owners(_latest(facts, "ownership"))
    others = [name for name in names if name != dataset]
    read = known.is_read(text_of(dataset_unit(dataset)), outside_version(dataset))
    unread = [] if read else [outside_version(name) for name in names]
    head = NamedDataset(
        id=dataset_iri(dataset),
        title=dataset.text,
        namespace=dataset.namespace,
        alias=tuple(name.text for name in others),
        # Nobody read what had been there: what was said of that is said of what there is.
        alternate_of=(*map(dataset_iri, others), *unread),
        description=_described(facts),
        location=_location(names),
        attributed_to=owners[0].id if owners else None,
        keyword=_tags(facts),
    )
    return [head, *owners[:1], *(_outside(dataset, others, facts) if read else ())]


def version_records(known: Known, dataset: Name, number: str) -> list[Record]:
    """Return what is said of a version that a producer names.

    Nothing is, when its dataset is called by another name.
    """
    names = known.names(dataset)
    facts = [known.facts(version_unit(name, number)) for name in names]
    if known.dataset(dataset) != dataset or not any(facts):
        return []
    was = [declared_version(name, number) for name in names if name != dataset]
    schema = _latest(facts, "schema")
    fields = [] if schema else _fields([known.facts(dataset_unit(name)) for name in names])
    return list(_version(dataset, declared_version(dataset, number), was, schema, fields))


def job_records(known: Known, job: Name) -> list[Record]:
    """Return what is said of a job."""
    facts = known.facts(job_unit(job))
    if not facts:
        return []
    owners = _owners(_latest([facts], "ownership"))
    source = _latest([facts], "sourceCodeLocation") or {}
    sql = _latest([facts], "sql") or {}
    declared = {
        role: sorted({dataset_iri(known.dataset(Name(*one))) for one in names})
        for role in ("in", "out")
        for names in [_latest([facts], "declared", role) or []]
    }
    head = Job(
        id=job_iri(job),
        title=job.text,
        namespace=job.namespace,
        description=_described([facts]),
        location=without_credentials(source["url"]) if source.get("url") else None,
        attributed_to=tuple(owner.id for owner in owners),
        keyword=_tags([facts]),
        sql=(sql["query"],) if sql.get("query") else (),
        declared_input=tuple(declared["in"]),
        declared_output=tuple(declared["out"]),
    )
    return [head, *owners]


def _outside(dataset: Name, others: Sequence[Name], facts: Sequence[Facts]) -> Iterator[Record]:
    was = [outside_version(name) for name in others]
    schema = _earliest(facts, "read")
    return _version(dataset, outside_version(dataset), was, schema, _fields(facts))


def _fields(facts: Sequence[Facts]) -> list[str]:
    """Return the columns of a dataset that are named, by any of its names."""
    return sorted({key[1] for one in facts for key in one if key[0] == "field"})


def _version(
    dataset: Name,
    version: str,
    was: Sequence[str],
    schema: Mapping[str, Any] | None,
    fields: list[str],
) -> Iterator[Record]:
    columns = columns_of(version, schema, () if schema else fields)
    yield WrittenVersion(
        id=version,
        version_of=dataset_iri(dataset),
        label=dataset.text,
        column=tuple(column.id for column in columns),
        alternate_of=tuple(was),
    )
    yield from columns


def _latest(facts: Sequence[Facts], *key: str) -> Any:
    """Return what was said last under any of a dataset's names."""
    said = [one[key] for one in facts if key in one and one[key][1] is not None]
    return max(said, key=lambda one: (one[0], str(one[1])))[1] if said else None


def _earliest(facts: Sequence[Facts], *key: str) -> Any:
    """Return what was said first under any of a dataset's names."""
    said = [one[key] for one in facts if key in one and one[key][1] is not None]
    return min(said, key=lambda one: (one[0], str(one[1])))[1] if said else None


def _described(facts: Sequence[Facts]) -> str | None:
    return (_latest(facts, "documentation") or {}).get("description") or None


def _owners(ownership: Mapping[str, Any] | None) -> list[Agent]:
    names = {owner["name"] for owner in (ownership or {}).get("owners", ())}
    return [Agent(id=named("agent", name)) for name in sorted(names) if name]


def _tags(facts: Sequence[Facts]) -> tuple[str, ...]:
    said = (_latest(facts, "tags") or {}).get("tags", ())
    whole = (one for one in said if not one.get("field"))
    return tuple(sorted({f"{one['key']}={one['value']}" for one in whole}))


def _location(names: list[Name]) -> str | None:
    """Return where a dataset's files lie, by the one of its names that is a path."""
    for name in names:
        if name.name.startswith("/"):
            where = "" if name.namespace == FILES else name.namespace.rstrip("/")
            return without_credentials(where + name.name)
    return None
