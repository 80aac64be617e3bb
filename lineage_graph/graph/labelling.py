"""What columns mean: recorded with each version, and what people say of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.executors import Fingerprint, Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.identity import fresh, part
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.types import SemanticTypes
from lineage_graph.privacy.values import Label
from lineage_graph.recording import Recorder
from lineage_graph.recording.descriptions import ENGINE, column_types, engine_agent
from lineage_graph.records import Agent, Record
from lineage_graph.records.privacy import SemanticLabel

_DIGITS = 8
"""Of a recogniser's digest in the IRI of a label."""


@dataclass
class Labelling:
    """Labels versions as they are recorded, and records what people say of columns.

    Attributes:
        recorder: Appends to the ledger.
        types: The declared types.
        declared: Answers queries over ``ontology/``.
    """

    recorder: Recorder
    types: SemanticTypes
    declared: Declared

    @cached_property
    def recogniser(self) -> Recogniser:
        """Tells what columns mean, by the rules as they are now."""
        return Recogniser(self.types, self.declared)

    def records(self, version: str, fingerprint: Fingerprint) -> list[Record]:
        """Return what the columns of a version mean by its sample, one label each.

        Args:
            version: IRI of the version.
            fingerprint: What it contains, with a sample; without one nothing is said.
        """
        sample = fingerprint.sample
        if sample is None:
            return []
        datatypes = dict(zip(fingerprint.columns, column_types(fingerprint.schema), strict=True))
        whole = Sample(
            sample.seed,
            sample.rows,
            {name: sample.columns[name] for name in datatypes if name in sample.columns},
        )
        at = datetime.now(UTC)
        labels = self.recogniser.labels(whole, datatypes)
        return [engine_agent(), *(_record(version, label, at) for label in labels)]

    def again(self, version: str, fingerprint: Fingerprint) -> bool:
        """Label a version by the rules as they are now; the earlier labels stay beside.

        Returns:
            Whether there was anything to add: the same rules give the same labels.
        """
        records = self.records(version, fingerprint)
        labels = [record for record in records if isinstance(record, SemanticLabel)]
        if not labels or self.recorder.describes(labels[0].id):
            return False
        self.recorder.append(labels, shared=[engine_agent()])
        return True

    def say(
        self,
        dataset: str,
        columns: Sequence[str],
        column: str,
        type_: str | None,
        status: str,
        because: str | None,
    ) -> str:
        """Record a person's word about a column of a dataset.

        Args:
            dataset: IRI of the dataset.
            columns: Names of the columns that its newest version has.
            column: Name of the column.
            type_: Short name or IRI of the type; None for whatever a recogniser says.
            status: ``confirmed`` or ``rejected``.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRI of the label.

        Raises:
            NotFound: There is no such column or type.
            InvalidRecord: The reason is empty.
        """
        if because is not None and not because.strip():
            raise InvalidRecord("The reason is empty. Say why in a few words, or leave it out.")
        require_column(column, columns)
        label = SemanticLabel(
            id=fresh("semantic-label"),
            about=part(dataset, column),
            semantic_type=self._type(type_) if type_ is not None else None,
            label_status=status,
            generated_at=datetime.now(UTC),
            attributed_to=self.recorder.author,
            because=because,
        )
        self.recorder.append([label], shared=[Agent(id=self.recorder.author)])
        return label.id

    def _type(self, text: str) -> str:
        known = {one.iri for one in self.types.all()}
        return text if text in known else self.types.named(text).iri


def _record(version: str, label: Label, at: datetime) -> SemanticLabel:
    assert label.recogniser is not None
    return SemanticLabel(
        id=part(version, label.column, "type", label.recogniser[:_DIGITS]),
        about=part(version, label.column),
        semantic_type=label.semantic_type,
        label_status=label.status,
        generated_at=at,
        attributed_to=ENGINE,
        value_share=label.value_share,
        header_evidence=label.header,
        validator=label.validators,
        sample_size=label.sample_size,
        sample_seed=label.seed,
        recogniser=label.recogniser,
    )


def changes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return where a recogniser said something else of a column than the one before it.

    Args:
        rows: What was said of columns, in order of time (``queries/privacy/labels.rq``).
    """
    last: dict[str, str | None] = {}
    found = []
    for row in rows:
        about, type_ = str(row["about"]), str(row["type"]) if row["type"] else None
        if not row["recogniser"]:
            continue
        if about in last and last[about] != type_:
            column = unquote(about.partition("#")[2])
            found.append({"column": column, "was": last[about], "is": type_, "at": row["at"]})
        last[about] = type_
    return found


def require_column(column: str, columns: Sequence[str]) -> None:
    """Refuse a column that there is not.

    Raises:
        NotFound: Names the one that may be meant, and all there are.
    """
    if column in columns:
        return
    near = difflib.get_close_matches(column, columns, 1, 0.5)
    lower = {name.lower(): name for name in columns}
    meant = lower.get(column.lower()) or (near[0] if near else None)
    hint = f" Did you mean {meant!r}?" if meant else ""
    raise NotFound(f"There is no column {column!r}.{hint} There are: {', '.join(columns)}.")
