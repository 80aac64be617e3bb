"""What is recorded about one person: where they are, what learnt from them, what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from lineage_graph.declarations import Declarations
from lineage_graph.drawing import Arrow, Box, Picture, Table
from lineage_graph.drawing.answers import Answer
from lineage_graph.identity import kind_of
from lineage_graph.privacy.status import NOT_ADVICE
from lineage_graph.privacy.tracing import AFFECTED, VERDICTS, Tracing, Verdict
from lineage_graph.privacy.types import Rows

LIMITS: Final = (
    "Looked up by identifiers in recorded versions. Rows that name the person otherwise, such as "
    "by name or in free text, backups, and what others were given are not in this answer."
)
_SHOWN: Final = 200
_DRAWN: Final = 60


@dataclass(frozen=True)
class Duty:
    """What is to be done after a verdict.

    Attributes:
        english: In English.
        portuguese: In Portuguese.
        sources: The articles.
    """

    english: str
    portuguese: str
    sources: tuple[str, ...]


class Duties:
    """The declared duties.

    Args:
        declared: Answers queries over ``ontology/``.
        declarations: Where terms meet IRIs.
    """

    def __init__(self, declared: Rows, declarations: Declarations) -> None:
        found: dict[tuple[str, str], Duty] = {}
        for row in declared.rows("privacy/subject_duties"):
            model = declarations.term(str(row["on"])) == "ModelVersion"
            key = row["verdict"], "model" if model else "dataset"
            sources = (*(found[key].sources if key in found else ()), row["source"])
            found[key] = Duty(row["english"], row["portuguese"], sources)
        self._found = found

    def of(self, verdict: str, kind: str) -> Duty | None:
        """Return the duty after a verdict about a dataset or a model, if one is declared."""
        return self._found.get((verdict, kind))


@dataclass(frozen=True)
class Affected:
    """What one version has to do with the person.

    Attributes:
        version: IRI of the version.
        name: What people call it.
        kind: ``dataset`` or ``model``.
        verdict: ``contains``, ``trained on``, ``inferred about``, ``not affected`` or
            ``cannot be excluded``.
        path: How what decides came there.
        why: In a sentence.
        rows: In how many of its rows the person is; 0 where that is not known.
        duty: What is to be done when the person asks for erasure.
        sources: The articles that say so.
        order: Its place in the order of making anew: 0 has to be done first; None when
            nothing is known to have to be done.
    """

    version: str
    name: str
    kind: str
    verdict: Verdict
    path: str
    why: str
    rows: int = 0
    duty: str | None = None
    sources: tuple[str, ...] = ()
    order: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "sources": list(self.sources)}


class SubjectImpact(Answer):
    """Which versions contain a person, learnt from them, or cannot be told.

    Attributes:
        asked_by: Short names of the identifiers asked by; their values are not kept.
        limits: What this answer does not cover.
        disclaimer: That it is no legal advice.
    """

    limits = LIMITS
    disclaimer = NOT_ADVICE

    def __init__(
        self,
        asked_by: Iterable[str],
        tracing: Tracing,
        names: Mapping[str, str],
        duties: Duties,
    ) -> None:
        self.asked_by = tuple(asked_by)
        self._tracing = tracing
        self._duties = duties
        self._all = sorted(
            (self._affected(version, names) for version in tracing.findings),
            key=lambda row: (VERDICTS.index(row.verdict), row.order or 0, row.name),
        )

    def _affected(self, version: str, names: Mapping[str, str]) -> Affected:
        found = self._tracing.findings[version]
        kind = "model" if kind_of(version) == "model-version" else "dataset"
        duty = self._duties.of(found.verdict, kind)
        return Affected(
            version=version,
            name=names.get(version, version),
            kind=kind,
            verdict=found.verdict,
            path=self._tracing.path(version) if found.cause else "",
            why=found.why,
            rows=found.rows,
            duty=duty.english if duty else None,
            sources=duty.sources if duty else (),
            order=found.order,
        )

    def __len__(self) -> int:
        """Return how many versions were judged."""
        return len(self._all)

    def rows(self, verdict: str | None = None, limit: int | None = None) -> list[Affected]:
        """Return the versions, those that contain the person first.

        Args:
            verdict: Only those of this verdict.
            limit: Most rows; None for all.
        """
        return [r for r in self._all if verdict in (None, r.verdict)][:limit]

    @property
    def counts(self) -> dict[str, int]:
        """How many versions there are of each verdict."""
        counted = Counter(row.verdict for row in self._all)
        return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}

    def plan(self) -> list[list[str]]:
        """Return names of what would be made anew, in order; those of one step in any order.

        Sources, whose rows would be deleted first, are not among them.
        """
        steps: dict[int, list[str]] = {}
        for row in self._all:
            if row.order:
                steps.setdefault(row.order, []).append(row.name)
        return [sorted(steps[order]) for order in sorted(steps)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        duties = {
            f"{row.verdict} ({row.kind})": {"en": duty.english, "pt-BR": duty.portuguese}
            for row in self._all
            if (duty := self._duties.of(row.verdict, row.kind)) is not None
        }
        return {
            "asked_by": list(self.asked_by),
            "counts": self.counts,
            "versions": [row.to_dict() for row in self._all],
            "plan": self.plan(),
            "duties": duties,
            "limits": LIMITS,
            "disclaimer": NOT_ADVICE,
        }

    def tables(self, limit: int | None = _SHOWN) -> list[Table]:
        """Return a table for each verdict, and the order of making anew.

        Args:
            limit: Most rows of a table; None for all.
        """
        return [table for verdict in VERDICTS if (table := self._table(verdict, limit)).rows]

    def _table(self, verdict: Verdict, limit: int | None) -> Table:
        every = self.rows(verdict)
        rows = [
            (
                row.name,
                row.why,
                row.path or "-",
                "-" if row.order is None else str(row.order),
                f"{row.duty or '-'} ({', '.join(row.sources)})",
            )
            for row in every[:limit]
        ]
        more = f", {len(rows):,} of {len(every):,}" if len(rows) < len(every) else ""
        head = ("Version", "Why", "Path", "Order", "What to do")
        return Table(f"{verdict.capitalize()}{more}", head, rows)

    def picture(self, limit: int = _DRAWN) -> Picture:
        """Return what is affected with what decides it; the tables say the same."""
        chosen = [row for row in self._all if row.verdict != "not affected"]
        shown = chosen[:limit]
        names = {row.version: row.name for row in shown}
        arrows = [
            Arrow(names[cause], row.name)
            for row in shown
            if (cause := self._tracing.findings[row.version].cause) in names and cause is not None
        ]
        return Picture(
            title="What is recorded about one person",
            description=f"{self.summary()} {LIMITS} {NOT_ADVICE}",
            boxes=[
                Box(row.name, row.name, row.kind, root=row.verdict in AFFECTED) for row in shown
            ],
            arrows=arrows,
            hidden=len(chosen) - len(shown),
        )

    def summary(self) -> str:
        """Return how many versions there are of each verdict, in a sentence."""
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in self.counts.items())
        return f"Looked up by {' and '.join(self.asked_by)}: {said or 'nothing is recorded'}."

    def _lines(self) -> Iterator[str]:
        from lineage_graph.drawing.table import as_text

        yield self.summary()
        yield from map(as_text, self.tables())
        yield LIMITS
        yield NOT_ADVICE
