"""Licences: what binds a dataset or a model, why, and what breaks when a licence ends.

To follow *the terms of a model*: ``statements.py`` knows which licence each source has,
``upstream.py`` asks the index how much of each is left in the model, ``algebra.py`` reads
what ``ontology/`` declares of licences and derivations, ``judging.py`` gives the verdict
under one policy, ``settling.py`` compares the policies, ``terms.py`` is the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, Protocol

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import NAMESPACE
from lineage_graph.index import LineageIndex
from lineage_graph.ledger import Ledger
from lineage_graph.licensing.algebra import USES, Algebra, Kinds, Policy, Rows, Use
from lineage_graph.licensing.impact import EndingSource, Impact
from lineage_graph.licensing.judging import Judge
from lineage_graph.licensing.licenses import NOTHING, Expression, Licenses
from lineage_graph.licensing.statements import VERSIONS, Stated, Statements
from lineage_graph.licensing.terms import LicenseTerms
from lineage_graph.licensing.upstream import Starts, Unseen, Upstream
from lineage_graph.licensing.values import NOT_ADVICE
from lineage_graph.query import Queries

__all__ = [
    "NOT_ADVICE",
    "USES",
    "VERSIONS",
    "Impact",
    "LicenseTerms",
    "Licensing",
    "Stated",
    "Use",
]

SHOWING: Final = "balanced"
"""The policy of answers that show."""
BLOCKING: Final = "conservative"
"""The policy of answers that stop something."""


class Catalogued(Protocol):
    """Names and histories of versions."""

    def names_of(self, versions: Collection[str]) -> Mapping[str, str]:
        """Return what people call versions; one that is not known is left out."""
        ...

    def earlier(self, versions: Collection[str]) -> Mapping[str, list[str]]:
        """Return the earlier versions of the same thing, nearest first, then the thing."""
        ...

    def versions_of(self, things: Collection[str]) -> Mapping[str, list[str]]:
        """Return the versions of things, the first one first."""
        ...


class Licensing:
    """Answers questions about licences.

    Args:
        ledger: Tells what is new.
        queries: Over the graph.
        index: Reachability.
        declarations: Where the licences are.
        declared: Answers queries over ``ontology/``.
        catalogue: Names.
        blocking: Name of the policy of answers that stop something.
        unseen: Tells whether something came from what is not visible here.

    Raises:
        InvalidRecord: There is no such policy.
        DeclarationError: A licence's file cannot be used.
    """

    def __init__(
        self,
        ledger: Ledger,
        queries: Queries,
        index: LineageIndex,
        declarations: Declarations,
        declared: Rows,
        catalogue: Catalogued,
        blocking: str = BLOCKING,
        unseen: Unseen = lambda version: False,
    ) -> None:
        self.licenses = Licenses(declarations)
        self.algebra = Algebra(declared, declarations)
        self._ledger = ledger
        self._queries = queries
        self._index = index
        self._catalogue = catalogue
        self._unseen = unseen
        self._blocking = self.algebra.policy(blocking).name
        self._statements = Statements(ledger, queries, self.licenses, catalogue.earlier)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.algebra, self.licenses)

    @property
    def statements(self) -> Statements:
        """What is said about licences, up to date."""
        self._statements.refresh()
        return self._statements

    def terms(
        self,
        version: str,
        policy: str = SHOWING,
        as_of: int | None = None,
        together: bool = False,
    ) -> LicenseTerms:
        """Return the effective terms of a recorded version.

        Args:
            version: IRI of the version.
            policy: Name of the policy.
            as_of: Seq of the last ledger entry to consider.
            together: Make one choice among alternatives for all uses.

        Raises:
            InvalidRecord: There is no such policy, or nothing can have been recorded then.
        """
        self.algebra.policy(policy)
        if as_of is not None and as_of < 1:
            raise InvalidRecord(f"as_of={as_of}: entries of the ledger are counted from 1.")
        self._index.refresh()
        starts: Starts = dict.fromkeys(self._index.ids([version]).values(), ())
        return self._terms(version, starts, policy, self.algebra.policies, as_of, together)

    def intended(self, name: str, edges: Collection[tuple[str, Kinds]]) -> LicenseTerms:
        """Return what would bind something that is going to be made, by the policy that stops.

        Args:
            name: What it will be called.
            edges: IRI of each input, and what will be done to it.
        """
        self._index.refresh()
        ids = self._index.ids({iri for iri, _ in edges})
        starts: dict[int, tuple[Kinds, ...]] = {}
        for iri, kinds in edges:
            starts[ids[iri]] = (*starts.get(ids[iri], ()), kinds)
        blocking = [self.algebra.policy(self._blocking)]
        return self._terms(name, starts, self._blocking, blocking)

    def outgoing(self, version: str) -> LicenseTerms | None:
        """Return the effective terms of something made here, by the policy that stops.

        Returns:
            None for what came from outside: which licence it has is for others to say.
        """
        return self.blocking(version) if self.is_ours(version) else None

    def is_ours(self, version: str) -> bool:
        """Tell whether something was made here; what was not came from outside."""
        self._index.refresh()
        numbers = list(self._index.ids([version]).values())
        if not numbers:
            return False
        return self._unseen(version) or not self._index.roots(numbers).all()

    def blocking(self, version: str, together: bool = False) -> LicenseTerms:
        """Return the effective terms of a version by the policy that stops something.

        Args:
            version: IRI of the version.
            together: Make one choice among alternatives for all uses.
        """
        return self.terms(version, self._blocking, together=together)

    def _terms(
        self,
        artifact: str,
        starts: Starts,
        policy: str,
        policies: Sequence[Policy],
        as_of: int | None = None,
        together: bool = False,
    ) -> LicenseTerms:
        said = self.statements if as_of is None else self.statements.as_of(as_of)
        upstream = Upstream(self._index, self.algebra, said, starts, artifact, as_of, self._unseen)
        judgements = {p.name: self._judge.judge(upstream, p, together) for p in policies}
        return LicenseTerms(
            artifact,
            judgements[policy],
            list(judgements.values()),
            self.algebra,
            self.licenses,
            self._catalogue.names_of,
            self._declared_for(artifact, starts, said, as_of),
        )

    def _declared_for(
        self, version: str, starts: Starts, said: Statements, as_of: int | None
    ) -> tuple[Expression, ...]:
        """Return the licences somebody declared for something that was made here."""
        if any(starts.values()) or self._index.roots(list(starts), as_of=as_of).all():
            return ()
        return tuple(self.licenses.parse(statement.expression) for statement in said.of(version))

    def said(self, thing: str) -> str | None:
        """Return what was last said about a dataset or model, or None."""
        return self.said_of_each([thing]).get(thing)

    def said_of_each(self, things: Collection[str]) -> dict[str, str]:
        """Return what was last said about datasets and models; about which nothing was, not."""
        statements = self.statements
        found: dict[str, str] = {}
        for thing in things:
            about = statements.about_dataset(thing)
            if about:
                newest = max(about, key=lambda iri: max(s.at for s in statements.of(iri)))
                found[thing] = statements.said_of(newest, newest).text
        return found

    def outside(self, versions: Collection[str]) -> dict[str, Stated]:
        """Return the licences of those versions that came from outside or were given one.

        What was made here without a word about it is bound by its sources: :meth:`terms`.
        """
        statements = self.statements
        self._index.refresh()
        ids = self._index.ids(versions)
        outside = self._index.roots(list(ids.values()))
        chosen = [v for v, own in zip(ids, outside, strict=True) if own or statements.of(v)]
        return statements.stated(chosen)

    def having(self, license_: str) -> tuple[set[str], set[str]]:
        """Return the datasets and models, and the versions, of which a licence is said.

        Args:
            license_: Id, common title or address of the licence.

        Raises:
            InvalidRecord: There is no such licence.
        """
        wanted = {self.licenses.get(one).id for one in self.licenses.parse(license_).ids}
        things = {thing for one in wanted for thing in self.statements.datasets(one)}
        versions = [v for every in self._catalogue.versions_of(things).values() for v in every]
        having = {
            version
            for version, stated in self.outside(versions).items()
            if wanted <= {self.licenses.get(one).id for one in stated.expression.ids}
        }
        return things, having

    def impact(
        self, what: str, versions: Collection[str], at: datetime | None, policy: str
    ) -> Impact:
        """Return what is affected if a licence ends.

        Args:
            what: Id of the licence, or name of the dataset.
            versions: IRIs of the versions whose licence ends; none for all that have the
                licence.
            at: When it ends.
            policy: Name of the policy.

        Raises:
            InvalidRecord: There is no such policy.
        """
        chosen = self.algebra.policy(policy)
        self._index.refresh()
        sources = self._of_versions(versions) if versions else self._under(what)
        return Impact(
            what,
            chosen,
            at,
            sources,
            self._index,
            self.algebra,
            self._catalogue.names_of,
            self._obtained,
            self._all_versions,
        )

    def made_here(self, versions: Collection[str]) -> bool:
        """Tell whether all of some versions were made here, and nobody gave them a licence."""
        return bool(versions) and not self._of_versions(versions)

    def _under(self, license_: str) -> list[EndingSource]:
        """Return the sources that have a licence."""
        if license_ == NOTHING:
            # What nobody said anything about is found only by looking at everything.
            versions = self._all_versions()
        else:
            things = self._catalogue.versions_of(self.statements.datasets(license_))
            versions = [version for ordered in things.values() for version in ordered]
        return [s for s in self._of_versions(versions) if s.license.id == license_]

    def _of_versions(self, versions: Collection[str]) -> list[EndingSource]:
        ids = self._index.ids(versions)
        return [
            EndingSource(ids[version], stated, self.licenses.get(one))
            for version, stated in self.outside(versions).items()
            for one in sorted(stated.expression.ids)
        ]

    def _obtained(self, versions: Collection[str]) -> dict[str, datetime]:
        rows = self._queries.run("licensing/obtained", version=sorted(versions))
        return {str(row["version"]): row["at"] for row in rows}

    def _all_versions(self) -> list[str]:
        return [
            iri for prefix in VERSIONS for iri in self._ledger.iris_with(f"{NAMESPACE}{prefix}:")
        ]
