"""Reports for whoever has to give account: which there are, and what they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_graph.errors import InvalidRecord
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.graph.guarded import Guarded
from lineage_graph.graph.past import Past, moment
from lineage_graph.graph.report_parameters import ReportParameters
from lineage_graph.identity import sha256, uuid7

if TYPE_CHECKING:
    from lineage_graph.compliance.assessment import Assessment
    from lineage_graph.compliance.definitions import Definitions, ReportDefinition
    from lineage_graph.compliance.gathering import Affected
    from lineage_graph.compliance.report import Report, Sources
    from lineage_graph.graph.many import Many
    from lineage_graph.privacy.status import Status

LAW = "gdpr"
LANG = "en"


class Reporting(Guarded):
    """A store that reports on personal data as laws ask for it."""

    @cached_property
    def many(self) -> Many:
        """What answers about many things at once."""
        from lineage_graph.graph.many import Many

        return Many(
            self._queries,
            self._ledger,
            self._catalogue,
            self._licensing,
            self._privacy,
            self._declarations,
        )

    @cached_property
    def _report_definitions(self) -> Definitions:
        from lineage_graph.compliance.reading import read

        return read(self._declared, self._declarations)

    def reports(self, lang: str = LANG) -> list[dict[str, Any]]:
        """Return the reports that can be asked for, with the provisions they answer.

        Args:
            lang: ``en`` or ``pt-BR``, or a language that you declared.

        Raises:
            InvalidRecord: There is no such language.
            DeclarationError: A declared report lacks something.
        """
        known = self._report_definitions
        chosen = known.language(lang)
        return [one.to_dict(chosen) for one in known.all()]

    def report_parameters(self, name: str, law: str = LAW) -> tuple[str, ...]:
        """Return what may be given for a report, by name.

        Raises:
            NotFound: There is no such report.
        """
        return self._report_definitions.get(name, law).parameters

    def report(
        self,
        name: str,
        law: str = LAW,
        lang: str = LANG,
        as_of: int | str | date | None = None,
        **parameters: Any,
    ) -> Report:
        """Return a report, made from what is recorded and declared; nothing is filled in.

        It is not legal advice.

        Args:
            name: Such as ``ropa``; :meth:`reports` lists them.
            law: ``gdpr`` or ``lgpd``, or a law that you declared.
            lang: ``en`` or ``pt-BR``, or a language that you declared.
            as_of: Seq of the last ledger entry to consider, or a day at whose end that was.
            **parameters: What the report is about, such as ``dataset="bookings"``; for a
                person ``subject={"cpf": "..."}``, which is in no part of the report.

        Raises:
            NotFound: There is no such report, or nothing of the name in a parameter.
            InvalidRecord: There is no such language or parameter, or one is missing.
            DeclarationError: What is declared about the report cannot be used.
            MissingExtra: Babel is not installed.
        """
        from lineage_graph.compliance.answering import Answering

        known = self._report_definitions
        definition, chosen = known.get(name, law), known.language(lang)
        _require_parameters(definition, parameters)
        seq, on = moment(self._ledger, as_of, datetime.now(UTC).date())
        subject = parameters.pop("subject", None)
        if subject is not None and seq < self._ledger.head:
            raise InvalidRecord(
                "Who is in which rows is known as it is now, not as it was. Leave out as_of, or "
                "leave out subject."
            )
        affected = self._affected(subject) if subject is not None else ()
        assessment = self._assessed(seq, on, affected)
        known_as = ReportParameters(
            self._declarations,
            self._catalogue,
            {str(row["process"]) for row in assessment.rows("assessment/processes")},
        )
        bound = {key: known_as.bound(key, value) for key, value in parameters.items()}
        shown = {key: str(value) for key, value in parameters.items()}
        if subject is not None:
            # Who it is about is told by nothing but a number that was drawn.
            shown["request"] = uuid7()
        wording = assessment.wording(known, chosen)
        sources = self._sources(seq, assessment)
        return Answering(definition, assessment, wording, bound).report(sources, shown)

    def _assessed(self, seq: int, on: date, affected: Collection[Affected]) -> Assessment:
        from lineage_graph.compliance.gathering import State, assess

        self._index.refresh()
        past = seq if seq < self._ledger.head else None
        asked = self._queries if past is None else Past(self._ledger, seq, self._declarations)
        catalogue = self._catalogue if past is None else Catalogue(asked, self._ledger)

        def statuses(versions: Collection[str]) -> Mapping[str, Status]:
            return self._privacy.statuses(versions, past) if versions else {}

        state = State(
            seq,
            past,
            asked,
            self._processing.triples(past),
            self._index,
            catalogue.everything,
            statuses,
            on,
            tuple(affected),
        )
        return assess(self._declarations, state)

    def _affected(self, subject: Mapping[str, str]) -> tuple[Affected, ...]:
        """Return what every version has to do with a person; who it is goes no further."""
        from lineage_graph.compliance.gathering import Affected

        return tuple(
            Affected(one.version, one.verdict, one.path, one.why, one.duty, one.order)
            for one in self.subject_impact(subject).rows()
        )

    def _sources(self, seq: int, assessment: Assessment) -> Sources:
        from lineage_graph import __version__
        from lineage_graph.compliance.report import Sources

        policy = assessment.rows("assessment/policy")[0]
        return Sources(
            seq=seq,
            chain=self._ledger.chain_at(seq) or "",
            ontology={
                str(path.name): sha256(path.read_bytes())
                for path in self._declarations.ontology_files()
            },
            policy={key: str(value) for key, value in policy.items() if value is not None},
            made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            software=f"lineage-graph {__version__}",
        )


def _require_parameters(definition: ReportDefinition, given: Mapping[str, Any]) -> None:
    """Refuse parameters that a report does not take, or lacks.

    Raises:
        InvalidRecord: Which they are.
    """
    known = definition.parameters
    for name in given:
        if name not in known:
            takes = f"it takes: {', '.join(known)}" if known else "it takes none"
            raise InvalidRecord(f"The report {definition.name} takes no {name!r}; {takes}.")
    lacking = [name for name in definition.required if name not in given]
    if lacking:
        raise InvalidRecord(
            f"The report {definition.name} has to know its {' and '.join(lacking)}."
            f" Add {', '.join(f'{name}=...' for name in lacking)} (--with {lacking[0]}=...)."
        )
