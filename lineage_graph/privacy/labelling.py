"""What is said about columns, by recognisers and by people, and which of it holds.

A recogniser's label is about the column of one version, and its last one counts. A
person's word is about the column of a dataset and holds for every version; of several
the last one counts, type by type: one type that is confirmed takes the place of what a
recogniser said, and a type that is rejected does not hold, wherever it would come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Ledger
from lineage_graph.privacy.values import Label
from lineage_graph.query import Queries

WORDS: Final = ("confirmed", "rejected")
"""Statuses that only a person gives."""
_MANY: Final = 5_000
_NEVER: Final = ""


class Said(NamedTuple):
    """One label: when it was given, its IRI, type and status."""

    at: str
    label: str
    semantic_type: str | None
    status: str


class Effective(NamedTuple):
    """What holds of a column: the label that counts, and the types that do not hold."""

    said: Said | None
    rejected: frozenset[str | None]

    @property
    def semantic_type(self) -> str | None:
        """IRI of the type that it is taken to hold, or None."""
        if self.said is None or self.said.status not in ("accepted", "suggested", "confirmed"):
            return None
        return self.said.semantic_type


class Labels:
    """The labels of a store that matter here, kept up to date at the cost of what is new.

    Most columns hold nothing about persons; of those it is only known that somebody looked.

    Args:
        ledger: Tells which entries say something new.
        queries: Gives what they say.
        harmless: Tells of the IRI of a type that it says nothing about persons.
    """

    def __init__(self, ledger: Ledger, queries: Queries, harmless: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._queries = queries
        self._harmless = harmless
        self._seq = 0
        self._about: defaultdict[str, dict[str, Said]] = defaultdict(dict)
        self._looked_at: set[str] = set()

    def refresh(self) -> None:
        """Take in what was said, and what was taken back, since the last time."""
        head = self._ledger.head
        if head == self._seq:
            return
        new = self._ledger.described_between(NAMESPACE, self._seq, head) if self._seq else set()
        gone = self._seq and self._ledger.invalidations(self._seq, head)
        if self._seq and not gone and len(new) <= _MANY:
            self._take(self._queries.run("privacy/labelled", label=sorted(new)))
        else:
            self._read()
        self._seq = head

    def _read(self) -> None:
        """Read everything, by questions that are cheap where nothing is about persons."""
        ask = self._queries.run
        self._about.clear()
        self._looked_at = {str(row["about"]) for row in ask("privacy/looked_at")}
        ended = {str(row["about"]) for row in ask("privacy/taken_back")}
        self._looked_at -= ended
        used = {str(row["type"]) for row in ask("privacy/types_used")}
        personal = sorted(one for one in used if not self._harmless(one))
        self._take(ask("privacy/labelled_as", type=personal) if personal else ())
        self._take(ask("privacy/labelled", status=list(WORDS)))
        # A later recogniser, or what is left after something was taken back, may say otherwise.
        several = len(ask("privacy/recognisers")) > 1
        again = ended | (self._about.keys() if several else set())
        self._take(ask("privacy/labelled", about=sorted(again)) if again else ())

    def _take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            about, type_ = str(row["about"]), row["type"]
            self._looked_at.add(about)
            harmless = type_ is None or self._harmless(str(type_))
            if harmless and row["status"] not in WORDS and about not in self._about:
                continue
            label = str(row["label"])
            said = Said(_text(row["at"]), label, str(type_) if type_ else None, row["status"])
            self._about[about][label] = said

    def looked_at(self, described: Collection[str] | None = None) -> Collection[str]:
        """Return the IRIs of what somebody looked at: columns, and other things.

        Args:
            described: IRIs of the labels that count; None for all.
        """
        if described is None:
            return self._looked_at
        rows = self._queries.run("privacy/labelled")
        return {str(row["about"]) for row in rows if str(row["label"]) in described}

    def subjects(self, described: Collection[str] | None = None) -> Mapping[str, list[Said]]:
        """Return what is said of each column of a version or a dataset that may matter.

        Args:
            described: IRIs of the labels that count; None for all.
        """
        return {
            about: kept
            for about, said in self._about.items()
            for kept in [[s for s in said.values() if described is None or s.label in described]]
            if kept
        }

    def of(self, columns: Mapping[str, str | None]) -> dict[str, Label]:
        """Return the label that counts for columns, with its evidence.

        Args:
            columns: IRI of the column of a version to that of the dataset's; None for a
                version of which it is not known.
        """
        of_datasets = self._by_all_names({column for column in columns.values() if column})
        every = {*columns, *(name for names in of_datasets.values() for name in names)}
        said: dict[str, list[Said]] = defaultdict(list)
        rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._queries.run("privacy/labels", about=sorted(every)) if every else ():
            label, type_ = str(row["label"]), row["type"]
            if label not in rows:
                one = Said(_text(row["at"]), label, str(type_) if type_ else None, row["status"])
                said[str(row["about"])].append(one)
            rows[label].append(row)
        found = {}
        for column, of_dataset in columns.items():
            names = of_datasets.get(of_dataset or "", ())
            counts = effective([*said[column], *(s for name in names for s in said[name])]).said
            if counts is not None:
                found[column] = _label(column, rows[counts.label])
        return found

    def _by_all_names(self, columns: Collection[str]) -> dict[str, list[str]]:
        """Return the IRIs of columns of datasets by all names that the datasets have."""
        datasets = sorted({column.partition("#")[0] for column in columns})
        names = {dataset: [dataset] for dataset in datasets}
        for row in self._queries.run("records/alternates", of=datasets) if datasets else ():
            names[str(row["of"])].append(str(row["alternate"]))
        return {
            column: [f"{name}#{local}" for name in names[dataset]]
            for column in columns
            for dataset, _, local in [column.partition("#")]
        }


def effective(said: Iterable[Said]) -> Effective:
    """Return what holds of a column by all that is said of it."""
    last: dict[str | None, Said] = {}
    machine: Said | None = None
    for one in sorted(said):
        if one.status in WORDS:
            last[one.semantic_type] = one
        else:
            machine = one
    rejected = frozenset(t for t, one in last.items() if one.status == "rejected")
    # Whoever rejects whatever it was takes back what was confirmed before.
    cleared = last.get(None)
    confirmed = [
        one
        for one in last.values()
        if one.status == "confirmed" and (cleared is None or one > cleared)
    ]
    if confirmed:
        return Effective(max(confirmed), rejected)
    refused = None in rejected or (machine is not None and machine.semantic_type in rejected)
    if machine is None or (refused and machine.semantic_type is not None):
        word = max((one for one in last.values()), default=None)
        return Effective(word, rejected)
    return Effective(machine, rejected)


def _label(column: str, rows: list[Mapping[str, Any]]) -> Label:
    from urllib.parse import unquote

    row = rows[0]
    person = row["status"] in WORDS
    return Label(
        column=unquote(column.partition("#")[2]),
        semantic_type=str(row["type"]) if row["type"] else None,
        status=row["status"],
        value_share=row["share"],
        header=row["header"],
        validators=tuple(r["validator"] for r in rows if r["validator"]),
        sample_size=row["size"] or 0,
        seed=row["seed"],
        recogniser=row["recogniser"],
        author=str(row["author"]) if person and row["author"] else None,
        because=row["because"],
    )


def _text(at: Any) -> str:
    """Return a time as text that sorts as times do."""
    if isinstance(at, datetime):
        return at.isoformat()
    return str(at) if at else _NEVER
