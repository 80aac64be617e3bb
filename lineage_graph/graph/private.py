"""Questions about personal data, as verbs on a graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_graph.errors import LineageGraphError, NotFound, PolicyRefused
from lineage_graph.graph.labelling import changes, require_column
from lineage_graph.graph.licensed import Licensed
from lineage_graph.identity import kind_of

if TYPE_CHECKING:
    from lineage_graph.graph.indexing import Indexed
    from lineage_graph.graph.subjects import Subjects
    from lineage_graph.privacy import Privacy, Status
    from lineage_graph.privacy.looking import Looked
    from lineage_graph.privacy.subjects import SubjectImpact
    from lineage_graph.privacy.values import Label


class Private(Licensed):
    """A store that knows what personal data is, and who is in which rows."""

    @cached_property
    def _privacy(self) -> Privacy:
        from lineage_graph.privacy import Privacy

        return Privacy(
            self._ledger,
            self._queries,
            self._index,
            self._declarations,
            self._declared,
            self._catalogue,
            self._ledger.partial,
        )

    def privacy(self, name: str, as_of: int | None = None) -> Status:
        """Return what a dataset or model is under data protection law, and why.

        It is computed from what is recorded; it is not legal advice.

        Args:
            name: Name, ``name@2`` or IRI.
            as_of: Seq of the last ledger entry to consider.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: Nothing can have been recorded as of then.
        """
        return self._privacy.status(self._catalogue.version(name, None), as_of)

    def statuses(self, as_of: int | None = None) -> list[Status]:
        """Return what the newest version of every dataset and model is, sorted by name.

        Args:
            as_of: Seq of the last ledger entry to consider.

        Raises:
            InvalidRecord: Nothing can have been recorded as of then.
        """
        newest: dict[str, tuple[int, Status]] = {}
        for status in self._privacy.statuses(None, as_of).values():
            name, _, number = status.name.rpartition("@")
            known = int(number) if name and number.isdigit() else 0
            key = f"{kind_of(status.version)} {name if known else status.name}"
            if key not in newest or newest[key][0] < known:
                newest[key] = known, status
        return sorted((one for _, one in newest.values()), key=lambda one: one.name)

    def semantic_types(self, name: str) -> list[Label]:
        """Return what the columns of a dataset hold: a person's word before a recogniser's.

        A dataset of which nobody looked at a value has none; that does not mean that
        nothing personal is in it.

        Args:
            name: Name, ``name@2`` or IRI.

        Raises:
            NotFound: There is no such version.
        """
        return self._privacy.labels(self._catalogue.version(name, None, "dataset"))

    def type_changes(self, name: str) -> list[dict[str, Any]]:
        """Return where another recogniser said something else of a column, in order.

        Args:
            name: Name, ``name@2`` or IRI.

        Returns:
            ``column``, ``was``, ``is``, both IRIs of types or None, and ``at``.

        Raises:
            NotFound: There is no such version.
        """
        version = self._catalogue.version(name, None, "dataset")
        columns = sorted(set(self._catalogue.columns(version)))
        return changes(self._queries.run("privacy/labels", about=columns)) if columns else []

    def confirm_type(self, name: str, column: str, type: str, because: str | None = None) -> str:
        """Record that a column holds a type, in every version of the dataset.

        Args:
            name: Name of the dataset.
            column: Name of the column.
            type: Short name of the type, such as ``cpf``, or its IRI.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRI of what was said.

        Raises:
            NotFound: There is no such dataset, column or type.
            InvalidRecord: The reason is empty.
        """
        return self._say(name, column, type, "confirmed", because)

    def reject_type(
        self, name: str, column: str, type: str | None = None, because: str | None = None
    ) -> str:
        """Record that a column does not hold a type, in any version of the dataset.

        Args:
            name: Name of the dataset.
            column: Name of the column.
            type: Short name of the type, or its IRI; by default the one it is taken to hold.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRI of what was said.

        Raises:
            NotFound: There is no such dataset, column or type, or the column is taken to
                hold none.
            InvalidRecord: The reason is empty.
        """
        return self._say(name, column, type, "rejected", because)

    def _say(
        self, name: str, column: str, type: str | None, status: str, because: str | None
    ) -> str:
        version = self._catalogue.version(name, None, "dataset")
        rows = self._queries.run("records/columns", version=version)
        columns = list(dict.fromkeys(row["name"] for row in rows))
        require_column(column, columns)
        if type is None:
            held = [one for one in self._privacy.labels(version) if one.column == column]
            if not held or not held[0].holds:
                raise NotFound(
                    f"{name}: {column!r} is taken to hold no type. Name the type to reject."
                )
            type = held[0].semantic_type
        dataset = str(self._queries.run("records/version_of", version=version)[0]["of"])
        return self._writer.labelling.say(dataset, columns, column, type, status, because)

    def retype(self, name: str | None = None) -> list[dict[str, Any]]:
        """Look at recorded data again, by the rules as they are now.

        What was said before stays on record; the newest recogniser's word counts, and a
        person's before it.

        Args:
            name: Name, ``name@2`` or IRI; by default the newest version of every dataset.

        Returns:
            For each version its ``name`` and the ``outcome``: ``labelled``, ``unchanged``
            for one that these rules have labelled, or why it cannot be read.

        Raises:
            NotFound: There is no such version.
            MissingExtra: Spark or Java is not installed.
        """
        if name is not None:
            versions = [self._catalogue.version(name, None, "dataset")]
        else:
            every = self._catalogue.versions_of([row["iri"] for row in self._catalogue.datasets()])
            versions = [of[-1] for of in every.values() if of]
        names = self._catalogue.names_of(versions)
        with self._writer.watched("types again"):
            return [{"name": names.get(v, v), "outcome": self._retyped(v)} for v in versions]

    def _retyped(self, version: str) -> str:
        writer = self._writer
        read = writer.recorder.fingerprint
        try:
            place = writer.datasets.place_of(version)
            assert read is not None
            content = read(writer.datasets.as_read(version, place))
        except LineageGraphError as problem:
            return str(problem)
        return "labelled" if writer.labelling.again(version, content) else "unchanged"

    def subject_impact(self, identities: Mapping[str, str]) -> SubjectImpact:
        """Return what every recorded version has to do with one person.

        The identifiers are hashed with the store's key and looked up; they are kept nowhere.

        Args:
            identities: Short name of a semantic type to the person's value, such as
                ``{"cpf": "529.982.247-25"}``; several find more.

        Raises:
            NotFound: There is no such type of identifier.
            InvalidRecord: A value is none of its type; it is not repeated.
        """
        return self._subjects.impact(identities)

    def subject_rows(self, identities: Mapping[str, str]) -> dict[str, Looked]:
        """Return what the index of each recorded version says about one person.

        It is the part of :meth:`subject_impact` for which one has to have the indexes.

        Args:
            identities: As for :meth:`subject_impact`; raises as it does.
        """
        return self._subjects.looked_up(identities)

    @property
    def _subjects(self) -> Subjects:
        from lineage_graph.graph.subjects import Subjects

        return Subjects(
            self._queries,
            self._index,
            self._privacy,
            self._catalogue,
            self._declarations,
            self._declared,
            self.folders,
            self.opened.elsewhere,
        )

    def _require_key_here(self, what: str) -> None:
        """Refuse what only the machine that has the indexes and the key can do."""
        if self.opened.elsewhere is not None:
            raise PolicyRefused(
                f"{what} where the indexes and their key lie: on the machine of the server "
                f"{self.opened.elsewhere.address}, in its store. Ask its operator."
            )

    def index_subjects(self, name: str | None = None) -> list[Indexed]:
        """Make the indexes that are missing for columns that name a person.

        They are made when something is recorded; what was recorded before, labelled later,
        or could not be indexed then is made up for here.

        Args:
            name: Name, ``name@2`` or IRI of a dataset; None for all.

        Returns:
            A row for each column that names a person, also those that stay without.

        Raises:
            NotFound: There is no such dataset.
            PolicyRefused: The store is on a server.
        """
        from lineage_graph.graph.progress import watched
        from lineage_graph.graph.subjects import index_missing

        self._require_key_here("Persons are indexed")
        if name is None:
            versions = [str(row["version"]) for row in self._queries.run("records/version_of")]
        else:
            versions = self._catalogue.all_versions(name)
        with watched("index who is in which rows") as progress:
            return index_missing(self._writer, versions, self._catalogue.name_of, progress)

    def destroy_subject_key(self) -> str | None:
        """Destroy the key that identifiers were hashed with.

        Nobody can be looked up in an index made with it any more: whatever needed one
        answers ``cannot be excluded`` from then on. New indexes get a new key.

        Returns:
            What the key was called; None when there was none.

        Raises:
            PolicyRefused: The store is on a server.
        """
        from lineage_graph.membership import Keyring

        self._require_key_here("The key is destroyed")
        return Keyring(self.folders.membership).destroy()
