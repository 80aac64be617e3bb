"""Bundles that clients send: checked to the last statement, then appended as the caller's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lineage_graph.access.principals import Principal
from lineage_graph.artifacts import DIGEST
from lineage_graph.errors import InvalidRecord, NotFound, PolicyRefused
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import Opened
from lineage_graph.ledger import NewEntry
from lineage_graph.recording.received import Reader, Received
from lineage_graph.remote.protocol import BUNDLE_TYPE
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.server.uploads import Uploads
from lineage_graph.validation import Validator

# One with a colon is of what this side works out: who took it first would keep that from all.
_TXID: Final = re.compile(r"[A-Za-z0-9._-]{8,200}")


@dataclass(frozen=True)
class Receiving:
    """Receives bundles; safe to share between threads.

    Attributes:
        reader: Reads what a bundle says.
        validator: Knows the shapes.
        sandbox: Parses RDF that somebody sent.
        uploads: Knows who sent which file.
    """

    reader: Reader
    validator: Validator
    sandbox: Sandbox
    uploads: Uploads

    def read(self, principal: Principal, body: bytes) -> Received:
        """Read a bundle, and check of it what can be checked without a graph.

        Args:
            principal: The caller, whose word it becomes.
            body: Canonical N-Quads of one graph.

        Raises:
            InvalidRecord: It is no bundle that can be recorded, or breaks a shape.
            PolicyRefused: The caller may not say what it says.
        """
        received = self.reader.read(body)
        self._require_permitted(received, principal)
        self._require_canonical(body)
        self.validator.check(body)
        return received

    def append(
        self, opened: Opened, view: Graph, principal: Principal, txid: str, received: Received
    ) -> int:
        """Append a bundle that was read; it is on the disk when this returns.

        Args:
            opened: Where it is appended, unfiltered.
            view: What the caller may see.
            principal: The caller, whose word it becomes.
            txid: Transaction id; the same one again is a retry.
            received: The bundle.

        Returns:
            The entry's seq.

        Raises:
            InvalidRecord: The transaction id is none, or the bundle names a file that was not
                uploaded.
            NotFound: It ends what the caller does not see.
            RecordConflict: The transaction id or the bundle was used with other content.
        """
        if not _TXID.fullmatch(txid):
            raise InvalidRecord("Send a transaction id: 8 to 200 letters, digits, or any of ._-")
        _require_seen(view, received)
        self._require_sent(opened, view, principal, received)
        return opened.ledger.append(
            NewEntry(
                txid=txid,
                author=principal.agent,
                bundle=received.bundle,
                body=received.body,
                subjects=sorted(received.nodes),
                edges=received.edges,
                invalidates=received.invalidates,
            )
        )

    def _require_permitted(self, received: Received, principal: Principal) -> None:
        lacking = sorted(p for p in self.reader.needed(received) if not principal.may(p))
        if lacking:
            raise PolicyRefused(
                f"Recording this needs the permission {' and '.join(lacking)}, which you do not "
                "have. Nothing was written; ask the server's operator for it."
            )
        self.reader.require_own_word(received, principal.agent)

    def _require_canonical(self, body: bytes) -> None:
        # Its lines were read by a strict grammar; a parser of RDF sees them elsewhere first.
        if self.sandbox.nquads(body, BUNDLE_TYPE) != body:
            raise InvalidRecord(
                "The bundle is not canonical: write each statement as this release does, sorted."
            )

    def _require_sent(
        self, opened: Opened, view: Graph, principal: Principal, received: Received
    ) -> None:
        """Refuse a bundle that names files which are not here, or not the caller's to name."""
        named = received.artifacts | received.manifests
        absent = {one for one in named if not _is_here(opened, one)}
        if not absent and principal.clearances is not None:
            listed = frozenset().union(*map(self.uploads.listed, received.manifests))
            absent = self.uploads.lacking(view, principal.agent, named | listed)
        if absent:
            raise InvalidRecord(
                f"The bundle names the artifact {min(absent)[:64]}, which you did not upload. "
                "Upload it first."
            )


def _is_here(opened: Opened, digest: str) -> bool:
    return bool(DIGEST.fullmatch(digest)) and opened.artifacts.holds(digest)


def _require_seen(view: Graph, received: Received) -> None:
    """Refuse to end what is not there for the caller."""
    ledger = view.opened.ledger
    known = ledger.described(received.invalidates)
    for iri in received.invalidates:
        if iri not in known and not ledger.is_bundle(iri):
            raise NotFound(f"Nothing is recorded under {iri[:200]}.")
