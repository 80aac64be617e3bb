"""The nouns of processing that is declared: who processes which data, for what, by which right.

A declaration says what holds of a process, an organisation or a dataset until a newer one takes
its place; it is never edited, so what was declared when stays to be read.

Sources: DPV 2.3; the terms are those of ``ontology/context.jsonld``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineage_graph.records import Record

Many = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Process(Record):
    """dpv:Process: what is done with personal data, for one purpose or a few."""

    types = ("Entity", "Process")


@dataclass(frozen=True, kw_only=True)
class Organisation(Record):
    """prov:Organization: who controls, processes or receives."""

    types = ("Organization",)


@dataclass(frozen=True, kw_only=True)
class Purpose(Record):
    """dpv:Purpose in somebody's own words."""

    types = ("Purpose",)
    label: str


@dataclass(frozen=True, kw_only=True)
class Measure(Record):
    """dpv:TechnicalOrganisationalMeasure in somebody's own words."""

    types = ("Measure",)
    label: str


@dataclass(frozen=True, kw_only=True)
class AnonymisationAssessment(Record):
    """Whether a dataset version is anonymous was assessed."""

    types = ("Entity", "AnonymisationAssessment")


@dataclass(frozen=True, kw_only=True)
class ModelAnonymityAssessment(Record):
    """Whether persons can be learnt of from a model version was assessed."""

    types = ("Entity", "ModelAnonymityAssessment")


@dataclass(frozen=True, kw_only=True)
class ConsentWithdrawal(Record):
    """Consent to a process was withdrawn; whose it was is not said here."""

    types = ("Entity", "ConsentWithdrawal")


@dataclass(frozen=True, kw_only=True)
class StorageDuration(Record):
    """dpv:StorageDuration: how long data is kept, or until what happens.

    Attributes:
        has_duration: As ISO 8601 writes it, such as ``P5Y``.
        description: Until what happens, in words.
        applies_to: IRI of the dataset it is for; None for all of the process.
        conservation_basis: IRI of the article that lets data be kept after the end.
    """

    types = ("StorageDuration",)
    has_duration: str | None = None
    description: str | None = None
    applies_to: str | None = None
    conservation_basis: str | None = None


@dataclass(frozen=True, kw_only=True)
class CrossBorderTransfer(Record):
    """dpv:CrossBorderTransfer: personal data goes to another country.

    Attributes:
        from_country: IRI of a country.
        to_country: IRI of a country.
        has_recipient: IRI of the organisation that receives.
        has_legal_basis: IRIs of the mechanisms of transfer.
        valid_from: First day, as ISO 8601 writes it.
        valid_until: Last day.
    """

    types = ("CrossBorderTransfer",)
    to_country: str
    from_country: str | None = None
    has_recipient: Many = ()
    has_legal_basis: Many = ()
    valid_from: str | None = None
    valid_until: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotApplicableField(Record):
    """A field of a report does not apply to a process.

    Attributes:
        field: Name of the field, such as ``30-1-d``.
        because: Why.
    """

    types = ("NotApplicableField",)
    field: str
    because: str


@dataclass(frozen=True, kw_only=True)
class Declaration(Record):
    """What somebody declared of one thing at one time.

    Attributes:
        declaration_of: IRI of the thing.
        generated_by: The activity that applied it.
    """

    types = ("Entity", "Declaration")
    declaration_of: str
    generated_at: datetime
    generated_by: str
    attributed_to: str


@dataclass(frozen=True, kw_only=True)
class ProcessDeclaration(Declaration):
    """What is declared of a dpv:Process; values are IRIs where the context says so."""

    title: str
    description: str | None = None
    has_purpose: Many = ()
    has_legal_basis: Many = ()
    acts_as: str | None = None
    has_data_controller: Many = ()
    has_joint_data_controllers: Many = ()
    has_data_processor: Many = ()
    has_representative: Many = ()
    has_data_protection_officer: Many = ()
    has_recipient: Many = ()
    has_data_subject: Many = ()
    has_data_subject_scale: str | None = None
    has_personal_data: Many = ()
    has_storage_condition: Many = ()
    has_measure: Many = ()
    has_location: Many = ()
    has_human_involvement: Many = ()
    automated_decision: bool | None = None
    has_algorithmic_logic: str | None = None
    has_notice: Many = ()
    uses_dataset: Many = ()
    uses_model: Many = ()
    transfer: Many = ()
    not_applicable: Many = ()
    best_interest: str | None = None
    balancing_test: str | None = None
    small_agent: bool | None = None
    remarks: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrganisationDeclaration(Declaration):
    """What is declared of an organisation: its contact should be a role, not a person."""

    has_name: str
    has_contact: Many = ()
    has_address: str | None = None
    has_country: str | None = None
    certified_under: Many = ()


@dataclass(frozen=True, kw_only=True)
class DatasetDeclaration(Declaration):
    """What is declared of a dataset, whoever uses it."""

    located_in: Many = ()
    has_subjects: Many = ()
    acquired_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class AssessmentDeclaration(Declaration):
    """What an assessment of anonymity found.

    Attributes:
        about: IRI of the version that was assessed.
        outcome: ``anonymous`` or ``not anonymous``.
        reviewer: A role or a pseudonym.
    """

    about: str
    method: str
    outcome: str
    date: str
    reviewer: str
    singling_out: str | None = None
    linkability: str | None = None
    inference: str | None = None


@dataclass(frozen=True, kw_only=True)
class WithdrawalDeclaration(Declaration):
    """That consent was withdrawn.

    Attributes:
        identifier: The request's number; nothing that tells who asked.
        about: IRI of the process.
        has_purpose: IRIs of the purposes; empty for all of the process.
        date: Day of the withdrawal.
    """

    identifier: str
    about: str
    date: str
    has_purpose: Many = ()
