"""Making the indexes by which persons are looked up, when something is recorded or later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lineage_graph.errors import ArtifactBroken, LineageGraphError
from lineage_graph.executors import Place
from lineage_graph.graph.engines import Engines
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import fresh, kind_of, part
from lineage_graph.membership import Key, Keyring, Membership, write
from lineage_graph.privacy.looking import Registered
from lineage_graph.privacy.values import HOLDING
from lineage_graph.query import Queries
from lineage_graph.recording import Recorder
from lineage_graph.records import Record
from lineage_graph.records.privacy import MembershipIndex, SemanticLabel

if TYPE_CHECKING:
    from lineage_graph.privacy import Privacy
    from lineage_graph.privacy.types import SemanticType

DIRECT = "DirectIdentifier"


@dataclass(frozen=True)
class Indexed:
    """What became of one column.

    Attributes:
        version: IRI of the version.
        column: Name of the column.
        type: Short name of its type.
        state: ``indexed``, ``known`` when it was already, or ``not indexed``.
        why: Why it was not; empty otherwise.
    """

    version: str
    column: str
    type: str
    state: str
    why: str = ""


class Indexing:
    """Makes and records indexes.

    Args:
        queries: Over the graph.
        privacy: Which columns name a person.
        engines: Spark, which reads the data.
        recorder: Records what was made.
        folders: Where indexes and the key lie.
    """

    def __init__(
        self,
        queries: Queries,
        privacy: Privacy,
        engines: Engines,
        recorder: Recorder,
        folders: Folders,
    ) -> None:
        self._queries = queries
        self._privacy = privacy
        self._engines = engines
        self._recorder = recorder
        self._folders = folders
        self._keys = Keyring(folders.membership)

    def recorded(self, version: str, place: Place, labels: Sequence[Record]) -> None:
        """Index what was just recorded, where a column was found to name a person.

        Where nothing was found the graph is not asked, since recording does not wait for it.
        A failure is reported and never fails what was recorded: without an index nobody
        can be excluded from the version.
        """
        try:
            wanted = self._labelled(version) if any(map(self._named, labels)) else {}
            if wanted:
                self.index(version, place, wanted)
        except Exception as error:
            # Only which error: its text can quote values.
            self._recorder.problem(f"{version} was not indexed", _silent(error))

    def _named(self, record: Record) -> bool:
        """Whether a recogniser took a column for one that names a person."""
        return (
            isinstance(record, SemanticLabel)
            and record.semantic_type is not None
            and record.label_status in HOLDING
            and self._is_identifier(self._privacy.types.get(record.semantic_type))
        )

    @staticmethod
    def _is_identifier(type_: SemanticType) -> bool:
        return type_.indexable and type_.role == DIRECT

    def _labelled(self, version: str) -> dict[str, SemanticType]:
        found = {}
        for label in self._privacy.labels(version):
            if label.holds and label.semantic_type is not None:
                type_ = self._privacy.types.get(label.semantic_type)
                if self._is_identifier(type_):
                    found[label.column] = type_
        return found

    def wanted(self, versions: Collection[str]) -> dict[str, dict[str, SemanticType]]:
        """Return which columns of versions name a person who can be looked up.

        Also those that came to hold an identifier from a column that was labelled.
        """
        found: dict[str, dict[str, SemanticType]] = {}
        for version, status in self._privacy.statuses(versions).items():
            if kind_of(version) == "model-version":
                continue
            columns = self._labelled(version)
            for holding in status.holdings:
                if holding.role == DIRECT and holding.semantic_type is not None:
                    type_ = self._privacy.types.get(holding.semantic_type)
                    if type_.indexable and not holding.column.startswith("("):
                        columns.setdefault(holding.column, type_)
            if columns:
                found[version] = columns
        return found

    def index(
        self, version: str, place: Place, columns: Mapping[str, SemanticType]
    ) -> list[Indexed]:
        """Make and record the indexes of a version that are missing.

        Args:
            version: IRI of the version.
            place: Where it can be read.
            columns: Name of each column to the type of its identifiers.
        """
        key = self._keys.make()
        every = [(Registered.of(r), r["fingerprint"]) for r in self._queries.run("privacy/indexes")]
        usable = [(one, content) for one, content in every if one.key == key.id]
        made = []
        for column, type_ in columns.items():
            same = [
                (one, content)
                for one, content in usable
                if one.column == column and one.semantic_type == type_.iri
            ]
            if any(one.version == version and self._sound(one) for one, _ in same):
                made.append(Indexed(version, column, type_.name, "known"))
                continue
            digest, count = self._shared(version, same) or self._built(place, column, type_, key)
            if digest is None:
                why = "its values are neither text nor numbers of a known width"
                made.append(Indexed(version, column, type_.name, "not indexed", why))
                continue
            self._record(version, column, type_, key, digest, count)
            made.append(Indexed(version, column, type_.name, "indexed"))
        return made

    def _sound(self, index: Registered) -> bool:
        with suppress(ArtifactBroken):
            Membership(self._folders.membership, index.digest, index.key).verify()
            return True
        return False

    def _shared(
        self, version: str, same: Sequence[tuple[Registered, str]]
    ) -> tuple[str, int] | None:
        """Return the index of another version with the same content, which serves here too."""
        rows = self._queries.run("replay/contents", version=version) if same else ()
        for row in rows:
            for one, content in same:
                if content == row["fingerprint"] and self._sound(one):
                    return one.digest, one.indexed
        return None

    def _built(
        self, place: Place, column: str, type_: SemanticType, key: Key
    ) -> tuple[str | None, int]:
        from lineage_graph.executors.spark.membership import entries

        executor = self._engines.session().executor
        with self._folders.scratch() as work:
            found = entries(executor, place, column, type_, key, work / "members")
            if found is None:
                return None, 0
            digest = write(self._folders.membership, key.id, found.count, found)
        return digest, found.naming

    def _record(
        self, version: str, column: str, type_: SemanticType, key: Key, digest: str, count: int
    ) -> None:
        record = MembershipIndex(
            id=fresh("membership-index"),
            about=version,
            identifier_column=part(version, column),
            semantic_type=type_.iri,
            membership_key=key.id,
            sha256=digest,
            row_count=count,
            generated_at=datetime.now(UTC),
        )
        self._recorder.append([record])


def _silent(error: Exception) -> Exception:
    """Return an error that says only what may be said: ours, or the class of another's."""
    if isinstance(error, LineageGraphError):
        return error
    return RuntimeError(type(error).__name__)
