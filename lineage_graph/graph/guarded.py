"""Who may see what, as verbs on a graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph.processing import Processed
from lineage_graph.identity import fresh, kind_of, name_of
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing import VERSIONS
from lineage_graph.recording.descriptions import act, agents
from lineage_graph.records import Invalidated
from lineage_graph.records.visibility import Declassification, VisibilityLabel
from lineage_graph.visibility.ledger import VisibleLedger

if TYPE_CHECKING:
    from lineage_graph.visibility import Said, Visibility


@dataclass(frozen=True)
class EffectiveLabel:
    """One label that has to be cleared for to see something, and where it comes from.

    Attributes:
        label: Name of the label.
        source: What people call the version that brings it; the name itself when the label
            was put on it.
        by: IRI of what says so; it can be taken back.
        at: When it was recorded, as ISO 8601 writes it.
        author: IRI of the agent who said so.
        because: Why.
    """

    label: str
    source: str
    by: str
    at: str
    author: str
    because: str | None


class Guarded(Processed):
    """A store in which not everybody may see everything."""

    @cached_property
    def _visibility(self) -> Visibility:
        from lineage_graph.visibility import Visibility

        # What is read of a part of a ledger, or from afar, is never kept as if it were all.
        whole = isinstance(self._ledger, LedgerFile)
        kept = self.folders.visibility if whole else None
        return Visibility(self._ledger, self._declarations, kept)

    @property
    def outdated(self) -> bool:
        """Whether what may be seen is another by now, so that the graph has to be opened again."""
        return isinstance(self._ledger, VisibleLedger) and self._ledger.outdated

    def visibility(self, name: str) -> list[EffectiveLabel]:
        """Return the labels that somebody has to be cleared for to see something.

        They are those that were put on the dataset or model, and those of everything it came
        from, except where a steward declassified something on the way.

        Args:
            name: Name, ``name@2`` or IRI.

        Raises:
            NotFound: There is no such dataset or model.
        """
        subject = self._catalogue.subject(name)
        seen = self._visibility
        seen.refresh()
        if kind_of(subject) not in VERSIONS:
            return [_effective(one, name_of(subject)) for one in seen.said(subject)]
        origins = seen.origins(subject)
        names = self._catalogue.names_of({one.source for one in origins})
        return [_effective(one.said, names.get(one.source, one.source)) for one in origins]

    def label_visibility(
        self, name: str, labels: Iterable[str], because: str | None = None
    ) -> list[str]:
        """Record that a dataset or model may only be seen by who is cleared for some labels.

        They are on all its versions, past and future, and what is derived from them inherits
        them. A label that it has is not recorded again.

        Args:
            name: Name of the dataset or model; a label is not put on one version.
            labels: Names of labels: letters, digits and hyphens, such as ``hr``.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRIs of what was recorded, each to be taken back by :meth:`withdraw_visibility`
            or :meth:`invalidate`.

        Raises:
            NotFound: There is no such dataset or model.
            InvalidRecord: A label is no name, or the reason is empty.
        """
        from lineage_graph.visibility import require_labels

        wanted = require_labels(list(labels))
        _require_reason(because)
        thing = self._thing(name)
        has = {said.label for said in self._labels_of(thing)}
        author = self._writer.recorder.author
        records = [
            VisibilityLabel(
                id=fresh("visibility-label"),
                about=thing,
                visibility_label=label,
                generated_at=datetime.now(UTC),
                attributed_to=author,
                description=because,
            )
            for label in wanted
            if label not in has
        ]
        if records:
            self._writer.recorder.append(records, shared=agents(author))
        return [record.id for record in records]

    def withdraw_visibility(self, name: str, labels: Iterable[str], because: str) -> list[str]:
        """Record that labels which were put on a dataset or model no longer hold.

        Args:
            name: Name of the dataset or model.
            labels: Names of labels that were put on it, not of those it inherits.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRIs of what no longer holds.

        Raises:
            NotFound: There is no such dataset or model, or a label was not put on it.
            InvalidRecord: The reason is empty.
        """
        from lineage_graph.visibility import require_labels

        wanted = require_labels(list(labels))
        _require_reason(because, needed=True)
        thing = self._thing(name)
        said = self._labels_of(thing)
        for label in wanted:
            if label not in {one.label for one in said}:
                raise NotFound(
                    f"The label {label!r} was not put on {name_of(thing)}. Show what it has, and "
                    f"where from: lineage-graph visibility show {name}"
                )
        activity, author = fresh("activity"), self._writer.recorder.author
        gone = [one.iri for one in said if one.label in wanted]
        done = act(activity, "withdraw visibility labels", datetime.now(UTC), author)
        ends = [Invalidated(id=iri, invalidated_by=activity, because=because) for iri in gone]
        self._writer.recorder.append([*done, *ends], shared=agents(author))
        return gone

    def declassify(self, name: str, labels: Iterable[str], because: str) -> str:
        """Record that something derived does not inherit some labels, and so what follows.

        Args:
            name: ``name@2`` or the IRI of a version; a name alone is all versions of the
                dataset or model, past and future.
            labels: Names of the labels that it inherits and that it is let go without.
            because: Why, for those who read it later; no personal data.

        Returns:
            IRI of what was recorded; it can be invalidated.

        Raises:
            NotFound: There is no such dataset, model or version.
            InvalidRecord: It does not inherit a label, or the reason is empty.
        """
        from lineage_graph.visibility import require_labels

        wanted = require_labels(list(labels))
        _require_reason(because, needed=True)
        about, versions = self._let_go(name)
        seen = self._visibility
        seen.refresh()
        inherits = frozenset().union(*map(seen.inherited, versions))
        for label in wanted:
            if label not in inherits:
                had = f"it inherits {', '.join(sorted(inherits))}" if inherits else "it has none"
                raise InvalidRecord(f"{name} does not inherit the label {label!r}; {had}.")
        author = self._writer.recorder.author
        said = Declassification(
            id=fresh("declassification"),
            about=about,
            visibility_label=wanted,
            generated_at=datetime.now(UTC),
            attributed_to=author,
            description=because,
        )
        self._writer.recorder.append([said], shared=agents(author))
        return said.id

    def _let_go(self, name: str) -> tuple[str, list[str]]:
        """Return what a declassification is about, and the versions there are of it."""
        versions = self._catalogue.all_versions(name)
        exact = name.rpartition("@")[2].isdigit() or kind_of(name) in VERSIONS
        return (versions[0] if exact and versions else self._thing(name)), versions

    def _thing(self, name: str) -> str:
        """Return the dataset or model of a name.

        Raises:
            NotFound: There is none.
            InvalidRecord: One version of it is named.
        """
        subject = self._catalogue.subject(name)
        if kind_of(subject) not in VERSIONS:
            return subject
        thing = str(self._queries.run("records/version_of", version=subject)[0]["of"])
        if kind_of(name) in VERSIONS or self._is_numbered(name, thing):
            raise InvalidRecord(
                f"{name} is one version. A label is on all versions: name {name_of(thing)}."
            )
        return thing

    @staticmethod
    def _is_numbered(name: str, thing: str) -> bool:
        return name.rpartition("@")[2].isdigit() and not name.endswith(name_of(thing))

    def _labels_of(self, thing: str) -> tuple[Said, ...]:
        self._visibility.refresh()
        return tuple(self._visibility.said(thing))


def _effective(said: Said, source: str) -> EffectiveLabel:
    return EffectiveLabel(
        said.label, source, said.iri, said.at.isoformat(), said.author, said.because
    )


def _require_reason(because: Any, needed: bool = False) -> None:
    if (because is None and needed) or (because is not None and not because.strip()):
        raise InvalidRecord("Say why in a few words: because='...'.")
