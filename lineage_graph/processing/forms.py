"""What a file of declarations may say: its sections, and the keys of each, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lineage_graph.records import Record
from lineage_graph.records import processing as records


@dataclass(frozen=True)
class Key:
    """One key of a form.

    Attributes:
        name: As it is written in a file.
        term: The field of the record it fills; a term of ``ontology/context.jsonld``.
        kind: How its values are read, such as ``country``; of a part, the part's form.
        many: Whether it may have several values.
        needed: Whether it must be there.
    """

    name: str
    term: str
    kind: str = "text"
    many: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Form:
    """What is said of one kind of thing.

    Attributes:
        kind: What its IRI says it is, such as ``process``.
        keys: What may be said; the first one names the thing.
        record: The class of what is recorded.
        thing: The class of the thing itself; None when others describe it.
        either: Keys of which one must be there.
    """

    kind: str
    keys: tuple[Key, ...]
    record: type[Record]
    thing: type[Record] | None = None
    either: tuple[str, ...] = ()

    def key(self, name: str) -> Key | None:
        """Return the key of a name, or None."""
        return next((key for key in self.keys if key.name == name), None)

    def of_term(self, term: str) -> Key | None:
        """Return the key that fills a field, or None."""
        return next((key for key in self.keys if key.term == term), None)


PARTS: Final[Mapping[str, Form]] = {
    "retention": Form(
        "retention",
        (
            Key("period", "has_duration", "duration"),
            Key("event", "description"),
            Key("for", "applies_to", "dataset"),
            Key("basis", "conservation_basis", "conservation"),
        ),
        records.StorageDuration,
        either=("period", "event"),
    ),
    "transfer": Form(
        "transfer",
        (
            Key("to", "to_country", "country", needed=True),
            Key("from", "from_country", "country"),
            Key("recipient", "has_recipient", "organisation", many=True),
            Key("basis", "has_legal_basis", "mechanism", many=True),
            Key("valid_from", "valid_from", "day"),
            Key("valid_until", "valid_until", "day"),
            Key("description", "description"),
        ),
        records.CrossBorderTransfer,
    ),
    "not-applicable": Form(
        "not-applicable",
        (Key("field", "field", needed=True), Key("because", "because", needed=True)),
        records.NotApplicableField,
    ),
}
"""What is said inside a process, by the kind of its key."""

_PROCESS: Final = Form(
    "process",
    (
        Key("name", "title", needed=True),
        Key("description", "description"),
        Key("purpose", "has_purpose", "purpose", many=True),
        Key("legal_basis", "has_legal_basis", "basis", many=True),
        Key("acts_as", "acts_as", "role"),
        Key("controller", "has_data_controller", "organisation", many=True),
        Key("joint_controllers", "has_joint_data_controllers", "organisation", many=True),
        Key("processors", "has_data_processor", "organisation", many=True),
        Key("representative", "has_representative", "organisation", many=True),
        Key("data_protection_officer", "has_data_protection_officer", "organisation", many=True),
        Key("recipients", "has_recipient", "organisation", many=True),
        Key("data_subjects", "has_data_subject", "subject", many=True),
        Key("scale", "has_data_subject_scale", "scale"),
        Key("personal_data", "has_personal_data", "category", many=True),
        Key("retention", "has_storage_condition", "retention", many=True),
        Key("measures", "has_measure", "measure", many=True),
        Key("locations", "has_location", "country", many=True),
        Key("human_involvement", "has_human_involvement", "involvement", many=True),
        Key("automated_decision", "automated_decision", "truth"),
        Key("logic", "has_algorithmic_logic"),
        Key("notice", "has_notice", many=True),
        Key("datasets", "uses_dataset", "dataset", many=True),
        Key("models", "uses_model", "model", many=True),
        Key("transfers", "transfer", "transfer", many=True),
        Key("not_applicable", "not_applicable", "not-applicable", many=True),
        Key("best_interest", "best_interest"),
        Key("balancing_test", "balancing_test"),
        Key("small_agent", "small_agent", "truth"),
        Key("remarks", "remarks"),
    ),
    records.ProcessDeclaration,
    records.Process,
)
_ORGANISATION: Final = Form(
    "organisation",
    (
        Key("name", "has_name", needed=True),
        Key("contact", "has_contact", many=True),
        Key("address", "has_address"),
        Key("country", "has_country", "country"),
        Key("certified_under", "certified_under", many=True),
    ),
    records.OrganisationDeclaration,
    records.Organisation,
)
_DATASET: Final = Form(
    "dataset",
    (
        Key("name", "declaration_of", "dataset", needed=True),
        Key("located_in", "located_in", "country", many=True),
        Key("data_subjects", "has_subjects", "subject", many=True),
        Key("acquired_from", "acquired_from"),
    ),
    records.DatasetDeclaration,
)
_FOUND: Final = (
    Key("method", "method", needed=True),
    Key("outcome", "outcome", "outcome", needed=True),
    Key("date", "date", "day", needed=True),
    Key("reviewer", "reviewer", needed=True),
    Key("singling_out", "singling_out"),
    Key("linkability", "linkability"),
    Key("inference", "inference"),
)
_ASSESSMENT: Final = Form(
    "anonymisation-assessment",
    (Key("dataset", "about", "dataset-version", needed=True), *_FOUND),
    records.AssessmentDeclaration,
    records.AnonymisationAssessment,
)
_MODEL_ASSESSMENT: Final = Form(
    "model-anonymity-assessment",
    (Key("model", "about", "model-version", needed=True), *_FOUND),
    records.AssessmentDeclaration,
    records.ModelAnonymityAssessment,
)
_WITHDRAWAL: Final = Form(
    "consent-withdrawal",
    (
        Key("request", "identifier", "request", needed=True),
        Key("process", "about", "process", needed=True),
        Key("purpose", "has_purpose", "purpose", many=True),
        Key("date", "date", "day", needed=True),
    ),
    records.WithdrawalDeclaration,
    records.ConsentWithdrawal,
)
SECTIONS: Final[Mapping[str, tuple[Form, ...]]] = {
    "organisations": (_ORGANISATION,),
    "processes": (_PROCESS,),
    "datasets": (_DATASET,),
    "assessments": (_ASSESSMENT, _MODEL_ASSESSMENT),
    "withdrawals": (_WITHDRAWAL,),
}
"""The sections of a file; where there are several forms, the first key tells which it is."""

FORMS: Final = {form.kind: form for forms in SECTIONS.values() for form in forms}
