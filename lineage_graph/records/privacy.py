"""The nouns of personal data: what is in a column, who processes it and why, who is in which rows.

Sources: DPV 2.3, GDPR, LGPD; the terms are those of ``ontology/context.jsonld``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineage_graph.records import Record


@dataclass(frozen=True, kw_only=True)
class SemanticLabel(Record):
    """What a column holds, by a recogniser's evidence or by a person's word.

    A recogniser's label is about the column of one version. A person's is about the column
    of the dataset (``part(dataset, column)``): it holds for every version, until another.

    Attributes:
        semantic_type: IRI of the type (``ontology/semantic-types.ttl``); None for unknown.
        label_status: ``accepted``, ``suggested`` or ``unknown`` by a recogniser;
            ``confirmed`` or ``rejected`` by a person.
        value_share: Which part of the sampled values fits the type, 0 to 1.
        header_evidence: The entry of the lexicon that the column's name matched.
        validator: Names of the checks that the values passed.
        sample_size: How many values that are not null were looked at.
        sample_seed: Seed by which they were drawn.
        recogniser: Version of the rules, a digest.
        because: Why, in a person's words.
    """

    types = ("Entity", "SemanticLabel")
    about: str
    semantic_type: str | None
    label_status: str
    generated_at: datetime
    attributed_to: str
    value_share: float | None = None
    header_evidence: str | None = None
    validator: tuple[str, ...] = ()
    sample_size: int | None = None
    sample_seed: int | None = None
    recogniser: str | None = None
    because: str | None = None


@dataclass(frozen=True, kw_only=True)
class MembershipIndex(Record):
    """That somebody can be looked up in a version: who is in which rows stays outside RDF.

    Attributes:
        about: IRI of the version.
        identifier_column: IRI of the column that identifies.
        semantic_type: IRI of its type.
        membership_key: Which key the identifiers were hashed with, a digest of the key.
        sha256: Digest of the index's file.
        row_count: How many rows it covers.
    """

    types = ("Entity", "MembershipIndex")
    about: str
    identifier_column: str
    semantic_type: str
    membership_key: str
    sha256: str
    row_count: int
    generated_at: datetime
