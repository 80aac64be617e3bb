"""Who is where: the questions about one person, and the indexes they are answered from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from lineage_graph.declarations import Declarations
from lineage_graph.errors import LineageGraphError
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.indexing import DIRECT, Indexed
from lineage_graph.graph.opening import Elsewhere
from lineage_graph.identity import kind_of
from lineage_graph.index import LineageIndex
from lineage_graph.membership import Keyring
from lineage_graph.privacy import Privacy, Status
from lineage_graph.privacy.looking import Held, Looked, Person, Registered, look_up
from lineage_graph.privacy.subjects import Duties, SubjectImpact
from lineage_graph.privacy.tracing import Derived, Known, Tracing
from lineage_graph.query import Queries

if TYPE_CHECKING:
    from lineage_graph.graph.writing import Writing

ASSESSED, NOTHING_FOUND = "AssessedAnonymous", "NonPersonal"
NOT_VISIBLE, ANY = "something that is not visible to you", frozenset({"Derivation"})


class Subjects:
    """Answers questions about one person.

    Args:
        queries: Over the graph.
        index: Reachability.
        privacy: What versions are.
        catalogue: Names.
        declarations: Where terms meet IRIs.
        declared: Answers queries over ``ontology/``.
        folders: Where the indexes and the key lie.
        elsewhere: Looks persons up where the indexes and the key are, if not here.
    """

    def __init__(
        self,
        queries: Queries,
        index: LineageIndex,
        privacy: Privacy,
        catalogue: Catalogue,
        declarations: Declarations,
        declared: Declared,
        folders: Folders,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._elsewhere = elsewhere
        self._queries = queries
        self._index = index
        self._privacy = privacy
        self._catalogue = catalogue
        self._declarations = declarations
        self._declared = declared
        self._folder = folders.membership

    def impact(self, identities: Mapping[str, str]) -> SubjectImpact:
        """Return what every recorded version has to do with a person; see ``Graph``."""
        person = Person.of(self._privacy.types, identities)
        versions = [str(row["version"]) for row in self._queries.run("records/version_of")]
        statuses = self._privacy.statuses(versions)
        names = self._catalogue.names_of(versions)
        if self._elsewhere is None:
            looked = self._looked_up(person, statuses)
        else:
            said = self._elsewhere.looked_up(identities)
            looked = {v: Looked(rows, tuple(by), gap) for v, (rows, by, gap) in said.items()}
        clean = {v for v, status in statuses.items() if status.status == NOTHING_FOUND}
        unrecognised = self._privacy.unrecognised(clean) if clean else set()
        known = {
            version: Known(
                status.status == ASSESSED,
                version in clean and version not in unrecognised,
                f"{status.label} in a sample, but not every column was recognised"
                if version in unrecognised
                else status.label,
            )
            for version, status in statuses.items()
        }
        models = {v for v in versions if kind_of(v) == "model-version"}
        # A source that is not recorded, or not visible, is one that cannot be excluded.
        unseen = [
            Derived(v, NOT_VISIBLE, ANY) for v, status in statuses.items() if not status.settled
        ]
        edges = [*self._edges(versions), *unseen]
        tracing = Tracing(versions, edges, models, looked, known, names)
        duties = Duties(self._declared, self._declarations)
        return SubjectImpact([type_.name for type_ in person.types], tracing, names, duties)

    def looked_up(self, identities: Mapping[str, str]) -> dict[str, Looked]:
        """Return what the indexes of this machine say about a person, by the version's IRI.

        Raises:
            NotFound, InvalidRecord: As :meth:`impact` does.
        """
        person = Person.of(self._privacy.types, identities)
        versions = [str(row["version"]) for row in self._queries.run("records/version_of")]
        return self._looked_up(person, self._privacy.statuses(versions))

    def _looked_up(self, person: Person, statuses: Mapping[str, Status]) -> dict[str, Looked]:
        def holds(version: str) -> Held:
            status = statuses.get(version)
            if status is None:
                return Held()
            found = [(h.column, h.semantic_type) for h in status.holdings if h.role == DIRECT]
            return Held(found, status.unexamined)

        return look_up(
            person,
            [Registered.of(row) for row in self._queries.run("privacy/indexes")],
            Keyring(self._folder).current(),
            self._folder,
            holds,
        )

    def _edges(self, versions: Collection[str]) -> list[Derived]:
        """Return every derivation, also those of versions that no longer hold."""
        self._index.refresh()
        numbers = list(self._index.ids(versions).values())
        edges = self._index.closure(numbers, downstream=True, invalidated=True).edges()
        iris = self._index.iris({n for e in edges for n in (e.derived, e.source)})
        sets = [frozenset(kinds) for kinds in self._index.kind_sets]
        return [Derived(iris[e.derived], iris[e.source], sets[e.kinds]) for e in edges]


def index_missing(
    writer: Writing,
    versions: Collection[str],
    name_of: Callable[[str], str],
    progress: Callable[[int, int], None],
) -> list[Indexed]:
    """Make the indexes that versions lack.

    Args:
        writer: Reads the data and records.
        versions: IRIs of the versions.
        name_of: Gives what people call a version.
        progress: Told how many versions are done, of how many.

    Returns:
        A row for each column that names a person, with the version by its name.
    """
    writer.open()
    wanted = writer.indexing.wanted(versions)
    made: list[Indexed] = []
    for number, (version, columns) in enumerate(wanted.items()):
        progress(number, len(wanted))
        name = name_of(version)
        try:
            place = writer.datasets.as_read(version, writer.datasets.place_of(version))
            rows = writer.indexing.index(version, place, columns)
            made += [Indexed(name, r.column, r.type, r.state, r.why) for r in rows]
        except LineageGraphError as error:
            why = str(error)
            made += [Indexed(name, c, t.name, "not indexed", why) for c, t in columns.items()]
    progress(len(wanted), len(wanted))
    return made
