"""The nouns of OpenLineage: events, jobs, runs that may go on, and checks of data.

Source: OpenLineage 2-0-2; the terms are those of ``ontology/context.jsonld``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineage_graph.records import Activity, Dataset, DatasetVersion, Derivation, Record, Usage


@dataclass(frozen=True, kw_only=True)
class OpenLineageEvent(Record):
    """What a producer said, as it was accepted; named by the digest of its document.

    Attributes:
        about: IRI of the run, job or dataset.
        generated_at: When the producer says it happened.
        event_type: ``START``, ``RUNNING``, ``COMPLETE``, ``FAIL``, ``ABORT`` or ``OTHER``.
        producer: Which software said it.
        document: All it says, as canonical JSON.
    """

    types = ("Entity", "OpenLineageEvent")
    about: str
    generated_at: datetime
    event_type: str | None = None
    producer: str
    document: str


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """What a producer runs again and again under one name.

    Attributes:
        location: Where its source code lies.
        sql: Statements it runs.
        declared_input: Datasets it reads whenever it runs.
        declared_output: Datasets it writes whenever it runs.
    """

    types = ("Entity", "Job")
    title: str
    namespace: str
    description: str | None = None
    location: str | None = None
    attributed_to: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()
    declared_input: tuple[str, ...] = ()
    declared_output: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NamedDataset(Dataset):
    """A dataset with the names by which producers speak of it.

    Attributes:
        namespace: Where its name is unique.
        alias: Its other names.
        alternate_of: IRIs it has by these, of which people may have said something.
    """

    namespace: str
    alias: tuple[str, ...] = ()
    alternate_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WrittenVersion(DatasetVersion):
    """A version as far as a producer told of it.

    Attributes:
        row_count: How many rows were written.
        byte_size: How many bytes were written.
        lifecycle: What was done to the dataset as a whole.
    """

    row_count: int | None = None
    byte_size: int | None = None
    lifecycle: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SourceColumn(Record):
    """A column as the source of another; what it is, is said where its version is."""

    types = ("Entity",)


@dataclass(frozen=True, kw_only=True)
class GradedUsage(Usage):
    """prov:Usage that says how it is known which version was used.

    Attributes:
        evidence_grade: IRI of ``lg:Declared`` or ``lg:InferredByTime``.
    """

    evidence_grade: str


@dataclass(frozen=True, kw_only=True)
class GradedDerivation(Derivation):
    """prov:Derivation that says how it is known which version was the source."""

    evidence_grade: str


@dataclass(frozen=True, kw_only=True)
class ReportedActivity(Activity):
    """prov:Activity that a producer reported; the time of its last event is its end so far.

    Attributes:
        part_of: The run that started it.
    """

    part_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class QualityAssertion(Record):
    """One check of a version or a column.

    Attributes:
        about: IRI of the version or the column.
        name: Of the check.
        passed: Whether the data passed.
        generated_by: The run that checked.
    """

    types = ("Entity", "QualityAssertion")
    about: str
    name: str
    passed: bool
    generated_by: str
