"""Answers about many things at once: who shows a page of them asks once, not for each."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from lineage_graph.declarations import Declarations
from lineage_graph.errors import NotFound
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.identity import NAMESPACE, kind_of
from lineage_graph.ledger import Ledger
from lineage_graph.licensing import Licensing
from lineage_graph.licensing.statements import Statement
from lineage_graph.privacy import Privacy, Status
from lineage_graph.privacy.types import SemanticType
from lineage_graph.privacy.values import Label
from lineage_graph.query import Queries
from lineage_graph.stores import Row

THINGS: Final = ("dataset", "model")
VERSIONS: Final = ("version", "model-version")
_AT_ONCE: Final = 2_000
"""IRIs in one question."""


@dataclass(frozen=True)
class Sought:
    """What entities are looked for; None for "any".

    A dataset or model fits what is asked of versions when one of its versions does.

    Attributes:
        kinds: Kinds of IRIs: ``dataset``, ``model``, ``version``, ``model-version``.
        text: Part of a name or description; upper and lower case are the same.
        license: Id of a licence that somebody said it has.
        semantic_type: Short name or IRI of a type that one of its columns is taken to hold.
        status: Term of what it is under data protection law, such as ``Pseudonymised``.
        since: Generated then or later.
        until: Generated before then.
    """

    kinds: Sequence[str] = (*THINGS, *VERSIONS)
    text: str | None = None
    license: str | None = None
    semantic_type: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Many:
    """Asks about many things at once.

    Args:
        queries: Over the graph.
        ledger: Knows what is named.
        catalogue: Names.
        licensing: What is said about licences.
        privacy: What columns hold.
        declarations: Where terms meet IRIs.
    """

    def __init__(
        self,
        queries: Queries,
        ledger: Ledger,
        catalogue: Catalogue,
        licensing: Licensing,
        privacy: Privacy,
        declarations: Declarations,
    ) -> None:
        self._queries = queries
        self._ledger = ledger
        self._catalogue = catalogue
        self._licensing = licensing
        self._privacy = privacy
        self._declarations = declarations
        self._named_at = 0
        self._named: dict[str, list[str]] = {}

    def rows(self, question: str, key: str, values: Collection[str]) -> Mapping[str, list[Row]]:
        """Return the rows of a declared query for each of many values of a parameter.

        Args:
            question: Such as ``records/columns``.
            key: The parameter, which is also a column of the answer.
            values: What it is asked for; those without rows are left out.
        """
        found: defaultdict[str, list[Row]] = defaultdict(list)
        waiting = iter(sorted(values))
        while chunk := list(islice(waiting, _AT_ONCE)):
            for row in self._queries.run(question, **{key: chunk}):
                found[str(row[key])].append(row)
        return found

    def ledger(self) -> tuple[int, str]:
        """Return the number of the ledger's last entry, and its chain."""
        head = self._ledger.head
        return head, self._ledger.chain_at(head) or ""

    def described(self, iris: Collection[str]) -> set[str]:
        """Return which of some IRIs are recorded."""
        return self._ledger.described(iris)

    def called_now(self, iris: Collection[str]) -> Mapping[str, str]:
        """Return what is called otherwise now, by the IRI it had under another name."""
        return self._catalogue.called_now(iris)

    def names(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return ``name@number`` of versions."""
        return self._catalogue.names_of(versions)

    def versions(self, things: Collection[str]) -> Mapping[str, list[str]]:
        """Return the versions of datasets and models, the first one first."""
        return self._catalogue.versions_of(things)

    def of(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return which dataset or model versions are versions of."""
        rows = self.rows("records/version_of", "version", versions)
        return {version: str(found[0]["of"]) for version, found in rows.items()}

    def licenses(self, things: Collection[str]) -> Mapping[str, str]:
        """Return what was last said of the licences of datasets and models, where it was."""
        return self._licensing.said_of_each(things)

    def stated(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return the licences of versions that came from outside, or were given one."""
        return {version: one.text for version, one in self._licensing.outside(versions).items()}

    def statements(self, iris: Collection[str]) -> Mapping[str, tuple[Statement, ...]]:
        """Return what is said about the licences of exactly these versions or things."""
        statements = self._licensing.statements
        return {iri: statements.of(iri) for iri in iris}

    def labels(self, columns: Collection[str]) -> Mapping[str, Label]:
        """Return the labels that count for columns of versions, by the columns' IRIs."""
        return self._privacy.column_labels(self._columns_of_things(columns))

    def statuses(self, versions: Collection[str]) -> Mapping[str, Status]:
        """Return what versions are under data protection law."""
        return self._privacy.statuses(versions)

    def semantic_type(self, iri: str) -> SemanticType:
        """Return a declared type.

        Raises:
            NotFound: No file declares it.
        """
        return self._privacy.types.get(iri)

    def semantic_types(self) -> tuple[SemanticType, ...]:
        """Return every declared type, sorted by its short name."""
        return self._privacy.types.all()

    def term(self, iri: str) -> str:
        """Return what a person reads for an IRI."""
        return self._declarations.term(iri)

    def page(
        self, kinds: Collection[str], after: str, count: int, among: Collection[str] | None = None
    ) -> list[str]:
        """Return the next IRIs of some kinds in the order of the IRIs.

        What is recorded meanwhile changes no place in that order, so pages that follow
        one another repeat nothing and leave out nothing.

        Args:
            kinds: Such as ``dataset``.
            after: The last IRI that is not wanted; empty for the beginning.
            count: Most IRIs.
            among: Only these; None for all.
        """
        if among is None:
            every = sorted(iri for kind in kinds for iri in self._all(kind))
        else:
            every = sorted(iri for iri in among if kind_of(iri) in kinds)
        found: list[str] = []
        at = bisect_right(every, after)
        while len(found) < count and at < len(every):
            chunk = every[at : at + count]
            known = self.described(chunk)
            found += [iri for iri in chunk if iri in known]
            at += count
        return found[:count]

    def _all(self, kind: str) -> list[str]:
        """Return the IRIs of a kind, sorted; read once for each state of the ledger."""
        head = self._ledger.head
        if head != self._named_at:
            self._named_at, self._named = head, {}
        if kind not in self._named:
            self._named[kind] = self._ledger.iris_with(f"{NAMESPACE}{kind}:")
        return self._named[kind]

    def fitting(self, sought: Sought) -> set[str] | None:
        """Return the entities that fit; None when nothing but their kind is asked.

        Raises:
            NotFound: There is no such semantic type or status.
            InvalidRecord: There is no such licence.
        """
        fitting = list(self._fitting(sought))
        return set.intersection(*fitting) if fitting else None

    def _fitting(self, sought: Sought) -> Iterator[set[str]]:
        if sought.text is not None:
            rows = self._queries.run("records/called", text=sought.text)
            yield self._with_versions({str(row["thing"]) for row in rows})
        if sought.license is not None:
            things, versions = self._licensing.having(sought.license)
            yield {*things, *versions}
        if sought.semantic_type is not None:
            yield self._with_things(self._holding(sought.semantic_type))
        if sought.status is not None:
            self._require_status(sought.status)
            statuses = self._privacy.statuses()
            yield self._with_things(v for v, s in statuses.items() if s.status == sought.status)
        if sought.since is not None or sought.until is not None:
            bounds = {"since": sought.since, "until": sought.until}
            rows = self._queries.run("records/generated_within", **bounds)
            yield {str(iri) for row in rows for iri in (row["version"], row["of"])}

    def _require_status(self, status: str) -> None:
        known = self._privacy.effects.english
        if status not in known:
            raise NotFound(
                f"There is no status {status!r}. Use one of: {', '.join(sorted(known))}."
            )

    def _with_versions(self, things: set[str]) -> set[str]:
        versions = self.versions(things)
        return things.union(*versions.values())

    def _with_things(self, versions: Collection[str] | Iterator[str]) -> set[str]:
        found = set(versions)
        return found.union(self.of(found).values()) if found else found

    def _holding(self, semantic_type: str) -> set[str]:
        """Return the versions of which a column is taken to hold a type."""
        type_ = self._privacy.types.named(semantic_type).iri
        about = {str(row["about"]) for row in self._queries.run("privacy/labelled_as", type=type_)}
        columns = {one for one in about if kind_of(one) in VERSIONS}
        words = [one.partition("#") for one in about - columns]
        versions = self.versions({thing for thing, _, _ in words})
        columns.update(f"{v}#{name}" for thing, _, name in words for v in versions.get(thing, ()))
        labels = self.labels(columns)
        return {
            column.partition("#")[0]
            for column, label in labels.items()
            if label.holds and label.semantic_type == type_
        }

    def _columns_of_things(self, columns: Collection[str]) -> dict[str, str | None]:
        """Return, for columns of versions, the same columns of what they are versions of."""
        of = self.of({column.partition("#")[0] for column in columns})
        return {
            column: f"{of[version]}#{name}" if version in of else None
            for column in columns
            for version, _, name in [column.partition("#")]
        }
