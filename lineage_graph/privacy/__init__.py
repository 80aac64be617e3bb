"""Personal data: what columns hold, what follows from it downstream, and who is affected.

To follow *the privacy status of a dataset*: ``labelling.py`` knows what is said of each
column, ``inventory.py`` and ``steps.py`` say what came from where, ``effects.py`` reads what
``ontology/`` declares that steps leave, ``propagation.py`` walks, ``identifiability.py`` and
``models.py`` apply the declared rules, ``status.py`` is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.identity import NAMESPACE
from lineage_graph.index import LineageIndex
from lineage_graph.ledger import Ledger
from lineage_graph.privacy.effects import Effects, Fact
from lineage_graph.privacy.inventory import Inventory
from lineage_graph.privacy.labelling import Effective, Labels, Said, effective
from lineage_graph.privacy.moments import Moment
from lineage_graph.privacy.status import NOT_ADVICE, PERSONAL, UNSEEN, Holding, Status
from lineage_graph.privacy.types import Rows, SemanticTypes
from lineage_graph.privacy.values import Label
from lineage_graph.query import Queries

if TYPE_CHECKING:
    from lineage_graph.privacy.identifiability import Evidence
    from lineage_graph.privacy.models import Models

__all__ = ["NOT_ADVICE", "PERSONAL", "Holding", "Privacy", "Status"]

_KEPT = 4
"""Answers about so many states of the ledger are kept."""


class Catalogued(Protocol):
    """Names of versions, and which are versions of the same thing."""

    def names_of(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return what people call versions; one that is not known is left out."""
        ...

    def versions_of(self, things: Collection[str]) -> Mapping[str, list[str]]:
        """Return the versions of things, the first one first."""
        ...


class Privacy:
    """Answers questions about personal data.

    Args:
        ledger: Tells what is new.
        queries: Over the graph.
        index: Reachability.
        declarations: Where the rules are.
        declared: Answers queries over ``ontology/``.
        catalogue: Names.
        unseen: Tells whether something came from what is not visible here.
    """

    def __init__(
        self,
        ledger: Ledger,
        queries: Queries,
        index: LineageIndex,
        declarations: Declarations,
        declared: Rows,
        catalogue: Catalogued,
        unseen: Callable[[str], bool] = lambda version: False,
    ) -> None:
        self.types = SemanticTypes(declared, declarations)
        self.effects = Effects(declared, declarations, self.types)
        self._ledger = ledger
        self._queries = queries
        self._index = index
        self._catalogue = catalogue
        self._unseen = unseen
        self._labels = Labels(ledger, queries, self.effects.harmless)
        self._inventory = Inventory(ledger)
        self._answers: dict[tuple[int, int | None], Models] = {}

    def labels(self, version: str) -> list[Label]:
        """Return what holds of each labelled column of a version, a person's word first.

        Args:
            version: IRI of the version.
        """
        rows = self._queries.run("records/columns", version=version)
        columns = list(dict.fromkeys(str(row["column"]) for row in rows))
        of = self._queries.run("records/version_of", version=version)
        dataset = str(of[0]["of"]) if of else None
        said = self._labels.of(
            {
                column: f"{dataset}#{column.partition('#')[2]}" if dataset else None
                for column in columns
            }
        )
        return [said[column] for column in columns if column in said]

    def column_labels(self, columns: Mapping[str, str | None]) -> dict[str, Label]:
        """Return the labels that count for many columns, a person's word first.

        Args:
            columns: IRI of the column of a version to that of the same column of the
                dataset; None where that is not known.
        """
        return self._labels.of(columns)

    def unrecognised(self, versions: Collection[str]) -> set[str]:
        """Return the versions of which what some column holds was looked at and not told.

        Texts and pictures count as well: that a column holds them does not say what they do.
        A person's word settles a column.

        Args:
            versions: IRIs of the versions asked about.
        """
        anything = sorted(one.iri for one in self.types.all() if one.possible_proxy)
        rows = [
            *self._queries.run("privacy/labelled", status=["unknown"]),
            *self._queries.run("privacy/labelled_as", type=anything),
        ]
        about = {str(row["about"]) for row in rows}
        columns = [column for column in about if column.partition("#")[0] in versions]
        of = {
            str(row["version"]): str(row["of"])
            for row in self._queries.run("records/version_of", version=sorted(versions))
        }
        said = self._labels.of(
            {
                column: f"{of[version]}#{name}" if version in of else None
                for column in columns
                for version, _, name in [column.partition("#")]
            }
        )
        settled = {
            column
            for column, label in said.items()
            if label.status == "confirmed" or (label.holds and label.semantic_type not in anything)
        }
        return {column.partition("#")[0] for column in columns if column not in settled}

    def status(self, version: str, as_of: int | None = None) -> Status:
        """Return what a version is under data protection law, and why.

        Args:
            version: IRI of the version.
            as_of: Seq of the last ledger entry to consider.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: Nothing can have been recorded then.
        """
        return self.statuses([version], as_of)[version]

    def statuses(
        self, versions: Collection[str] | None = None, as_of: int | None = None
    ) -> Mapping[str, Status]:
        """Return the statuses of versions by their IRIs.

        Args:
            versions: IRIs; None for all versions there are, each by what it is called now.
            as_of: Seq of the last ledger entry to consider.

        Raises:
            NotFound: One of them is not recorded.
            InvalidRecord: Nothing can have been recorded then.
        """
        if as_of is not None and as_of < 1:
            raise InvalidRecord(f"as_of={as_of}: entries of the ledger are counted from 1.")
        models = self._at(as_of)
        number, iri = self._inventory.number, self._inventory.iri
        if versions is None:
            wanted = [iri[n] for n in self._inventory.versions.tolist()]
            if as_of is not None:
                wanted = sorted(
                    self._ledger.described_between(NAMESPACE, 0, as_of).intersection(wanted)
                )
            else:
                rows = self._queries.run("records/alternates")
                gone = {str(row["alternate"]) for row in rows if not row["own"]}
                wanted = [version for version in wanted if version not in gone]
        else:
            wanted = list(versions)
        for version in wanted:
            if version not in number or "#" in version:
                raise NotFound(f"Nothing is recorded under {version}.")
        found = {version: models.status(number[version]) for version in wanted}
        return {v: self._open(s) if self._unseen(v) else s for v, s in found.items()}

    def _open(self, status: Status) -> Status:
        """Return a status that does not claim more than what is visible shows.

        What was found stays; that nothing was found is not known.
        """
        why = f"{status.why} {UNSEEN}".strip()
        if status.personal:
            return replace(status, why=why, settled=False)
        rule = self.effects.dataset_rule(0, "not recorded", None, True)
        label = self.effects.english[rule.status]
        return replace(
            status, status=rule.status, label=label, rule=rule.iri, why=why, settled=False
        )

    def _at(self, as_of: int | None) -> Models:
        """Return what answers about the ledger as it is now, or was after an entry."""
        head = self._ledger.head
        if (head, as_of) not in self._answers:
            if len(self._answers) >= _KEPT or any(seen != head for seen, _ in self._answers):
                self._answers.clear()
            self._answers[head, as_of] = self._computed(as_of)
        return self._answers[head, as_of]

    def _computed(self, as_of: int | None) -> Models:
        from lineage_graph.privacy.identifiability import Identifiability
        from lineage_graph.privacy.models import Models
        from lineage_graph.privacy.propagation import Propagation
        from lineage_graph.privacy.steps import Steps

        self._index.refresh()
        self._inventory.refresh()
        self._labels.refresh()
        then = None if as_of is None else Moment(self._ledger, as_of)
        described = None if then is None else then.described
        evidence = self._evidence(then)
        steps = Steps(
            self._index,
            self._inventory,
            self.effects,
            self._numbered(self._said("privacy/predicted", "model", then), "model", "column"),
            evidence.counts,
            as_of,
        )
        holding = self._holding(described)
        found = Propagation(
            steps,
            self._inventory,
            self.effects,
            self._begun(holding),
            {node: said.rejected for node, said in holding.items() if said.rejected},
            self._examined(holding, described),
        )
        datasets = Identifiability(
            found, steps, self._inventory, self.effects, self.types, evidence
        )
        fitted: dict[int, set[str]] = {}
        for row in self._said("privacy/storing_steps", "step", then):
            model = self._inventory.number.get(str(row["model"]))
            if model is not None:
                fitted.setdefault(model, set()).add(row["class"])
        return Models(found, steps, self._inventory, self.effects, datasets, evidence, fitted)

    def _said(self, query: str, subject: str, then: Moment | None) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a query that tells which bundle says each."""
        rows = self._queries.run(query)
        return rows if then is None else then.said(rows, subject)

    def _numbered(
        self, rows: Iterable[Mapping[str, Any]], one: str, other: str
    ) -> list[tuple[int, int]]:
        """Return rows of two things as numbers; what is no version or column is left out."""
        number = self._inventory.number
        pairs = ((number.get(str(r[one])), number.get(str(r[other]))) for r in rows)
        return [(a, b) for a, b in pairs if a is not None and b is not None]

    def _begun(self, holding: Mapping[int, Effective]) -> Iterator[tuple[int, Fact]]:
        for node, said in holding.items():
            if said.said is not None and said.semantic_type is not None:
                fact = self.effects.begun(said.semantic_type, said.said.status)
                if fact is not None:
                    yield node, fact

    def _holding(self, then: set[str] | None) -> dict[int, Effective]:
        """Return what holds of the columns of versions by what is said of them.

        Args:
            then: IRIs of what was described then; None for now.
        """
        number = self._inventory.number
        said: dict[int, list[Said]] = {}
        words: dict[str, list[Said]] = {}
        for about, some in self._labels.subjects(then).items():
            if about in number:
                said.setdefault(number[about], []).extend(some)
            else:
                words[about] = some
        versions = self._of_every_name({about.partition("#")[0] for about in words})
        for about, some in words.items():
            dataset, _, column = about.partition("#")
            for version in versions.get(dataset, ()):
                node = number.get(f"{version}#{column}")
                if node is not None:
                    said.setdefault(node, []).extend(some)
        return {node: effective(some) for node, some in said.items()}

    def _of_every_name(self, datasets: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the versions of datasets, also of those that are called otherwise now.

        What a version was before counts as well: it is asked about as of then.
        """
        if not datasets:
            return {}
        rows = self._queries.run("records/alternates", alternate=sorted(datasets))
        now = [(str(row["alternate"]), str(row["of"])) for row in rows]
        every = self._catalogue.versions_of({*datasets, *(of for _, of in now)})
        found = {dataset: set(every.get(dataset, ())) for dataset in datasets}
        for was, of in now:
            found[was].update(every.get(of, ()))
        renamed = sorted({version for was, _ in now for version in found[was]})
        before: dict[str, set[str]] = {}
        for row in self._queries.run("records/alternates", of=renamed) if renamed else ():
            before.setdefault(str(row["of"]), set()).add(str(row["alternate"]))
        for was, _ in now:
            found[was].update(*(before.get(version, ()) for version in [*found[was]]))
        return found

    def _examined(self, holding: Mapping[int, Effective], then: set[str] | None) -> frozenset[int]:
        """Return the numbers of the columns that somebody looked at."""
        number = self._inventory.number
        columns = (number.get(a) for a in self._labels.looked_at(then) if "#" in a)
        said = (node for node, one in holding.items() if one.said)
        return frozenset([*(node for node in columns if node is not None), *said])

    def _evidence(self, then: Moment | None) -> Evidence:
        from lineage_graph.privacy.identifiability import Evidence

        inventory = self._inventory
        versions = {n: inventory.iri[n] for n in inventory.versions.tolist()}
        names = self._catalogue.names_of(versions.values())
        rows = self._queries.run("privacy/assessments")
        if then is not None:
            rows = [row for row in rows if str(row["assessment"]) in then.described]
        counts = self._said("privacy/least_counts", "column", then)
        approximate = self._said("privacy/approximate", "derivation", then)
        return Evidence(
            {number: names.get(iri, iri) for number, iri in versions.items()},
            {
                inventory.number[str(about)]: row["outcome"]
                for row in rows
                for about in (row["about"], row["now"])
                if str(about) in inventory.number
            },
            {
                inventory.number[str(row["column"])]: row["least"]
                for row in counts
                if str(row["column"]) in inventory.number
            },
            frozenset(self._numbered(approximate, "derived", "source")),
        )
