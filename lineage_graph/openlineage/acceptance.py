"""Takes events: checked, without secrets, and durable in the ledger when it says so.

One request is one entry, named by what it says, so that a producer which sends it again gets
the first answer. What the events mean is worked out by whoever asks (:mod:`.mapping`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from lineage_graph.declarations import bundled, string_text, term_text
from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import digested, sha256
from lineage_graph.ledger import Ledger, NewEntry
from lineage_graph.openlineage.documents import canonical
from lineage_graph.openlineage.names import Name, RunKey, dataset_iri, job_iri, run_iri
from lineage_graph.openlineage.schemas import Kind, check
from lineage_graph.openlineage.secrets import without_secrets
from lineage_graph.openlineage.times import moment
from lineage_graph.recording.descriptions import ENGINE

EVENT: Final = "openlineage-event"
"""What the IRIs of events say they are."""

TRANSACTION: Final = "openlineage:"


@dataclass(frozen=True)
class Refusal:
    """An event of a batch that was not taken.

    Attributes:
        index: Its position in the batch, from 0.
        reason: What is wrong, beginning with a JSON pointer.
    """

    index: int
    reason: str


@dataclass(frozen=True)
class Batch:
    """What became of a batch.

    Attributes:
        seq: The ledger entry that holds what was taken; None when nothing was, or all of it
            is this ledger's own.
        taken: How many events were taken.
        refused: Those that were not, in order.
    """

    seq: int | None
    taken: int
    refused: tuple[Refusal, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def accept(ledger: Ledger, author: str, event: Any) -> int:
    """Take one event; it is on the disk when this returns.

    Args:
        ledger: Where it is kept.
        author: IRI of the agent who sends it.
        event: The event, as JSON values.

    Returns:
        Seq of its ledger entry, of the first time when it was sent before; for what was
        recorded in this ledger, and comes back, of the entry that has it.

    Raises:
        InvalidRecord: It is no OpenLineage event; with a JSON pointer.
        StoreError: The ledger could not be written.
    """
    iri, lines = _stated(event)
    if own := _recorded_here(ledger, event):
        return own
    return _append(ledger, author, {iri: lines})


def accept_batch(ledger: Ledger, author: str, events: Sequence[Any]) -> Batch:
    """Take those events of a batch that are right, as one ledger entry.

    Raises:
        StoreError: The ledger could not be written; nothing was taken.
    """
    stated: dict[str, list[str]] = {}
    refused = []
    for index, event in enumerate(events):
        try:
            iri, lines = _stated(event)
            if not _recorded_here(ledger, event):
                stated[iri] = lines
        except InvalidRecord as error:
            refused.append(Refusal(index, str(error)))
    seq = _append(ledger, author, stated) if stated else None
    return Batch(seq, len(events) - len(refused), tuple(refused))


def _recorded_here(ledger: Ledger, event: dict[str, Any]) -> int | None:
    """Return the entry that has an event's run as it was recorded here; None for others."""
    if event["producer"] != ENGINE or "run" not in event:
        return None
    activity = digested("activity", event["run"]["runId"])
    return ledger.described_first([activity]).get(activity)


def _append(ledger: Ledger, author: str, stated: dict[str, list[str]]) -> int:
    iris = sorted(stated)
    digest = iris[0].rpartition(":")[2] if len(iris) == 1 else sha256("\n".join(iris).encode())
    bundle = digested("bundle", digest)
    end = f" <{bundle}> .\n"
    body = "".join([line + end for iri in iris for line in stated[iri]])
    return ledger.append(
        NewEntry(
            txid=TRANSACTION + digest,
            author=author,
            bundle=bundle,
            body=body.encode(),
            subjects=iris,
        )
    )


def _stated(event: Any) -> tuple[str, list[str]]:
    """Return an event's IRI, and what is said of it as sorted N-Quads without their graph."""
    kind = check(event)
    text = canonical(event)
    cleaned = without_secrets(event, text.decode())
    if cleaned != event:
        text = canonical(cleaned)
    iri = digested(EVENT, sha256(text))
    terms = _terms()
    values = {
        "about": f"<{_about(kind, cleaned)}>",
        "generated_at": f'"{moment(cleaned["eventTime"])}"^^{terms["xsd:dateTime"]}',
        "producer": string_text(cleaned["producer"]),
        "document": f"{_literal(text.decode())}^^{terms['rdf:JSON']}",
    }
    if "eventType" in cleaned:
        values["event_type"] = f'"{cleaned["eventType"]}"'
    lines = [f"<{iri}> {terms[name]} {value}" for name, value in values.items()]
    lines += [f"<{iri}> {terms['rdf:type']} {terms[name]}" for name in _TYPES]
    return iri, sorted(lines)


_TYPES: Final = ("Entity", "OpenLineageEvent")


def _literal(text: str) -> str:
    """Return canonical JSON as a literal: it holds no control character but DEL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _about(kind: Kind, event: dict[str, Any]) -> str:
    if kind == "DatasetEvent":
        return dataset_iri(Name(event["dataset"]["namespace"], event["dataset"]["name"]))
    job = event["job"]
    if kind == "RunEvent":
        return run_iri(RunKey(job["namespace"], event["run"]["runId"]))
    return job_iri(Name(job["namespace"], job["name"]))


@cache
def _terms() -> dict[str, str]:
    names = (
        *("about", "generated_at", "producer", "document", "event_type"),
        *("rdf:type", "rdf:JSON", "xsd:dateTime", *_TYPES),
    )
    return {name: term_text("iri", bundled().iri(name)) for name in names}
