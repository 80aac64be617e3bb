"""What can be asked: the fields of ``Query``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, TypeVar

import strawberry

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph.catalogue import Kind
from lineage_graph.graph.many import Sought
from lineage_graph.identity import kind_of
from lineage_graph.server.graphql import licenses, lineage, personal, rebuilds
from lineage_graph.server.graphql.activities import Activity, Agent, Plan, Replay, entity, replays
from lineage_graph.server.graphql.arguments import (
    AsOf,
    Identities,
    Lang,
    Law,
    Limit,
    Name,
    Parameters,
    ReadAs,
    ReportName,
    argument,
)
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.datasets import Dataset, DatasetVersion
from lineage_graph.server.graphql.ledger import LedgerState, Verification, verified
from lineage_graph.server.graphql.models import Model, ModelVersion, VersionComparison
from lineage_graph.server.graphql.nodes import Entity, Node, iri_of
from lineage_graph.server.graphql.paging import (
    USUAL,
    After,
    Connection,
    First,
    connection,
    counted,
    last_seen,
)
from lineage_graph.server.graphql.permissions import needing
from lineage_graph.server.graphql.processing import Process, process
from lineage_graph.server.graphql.reports import (
    ReportDescription,
    ReportDocument,
    ReportParameter,
    document,
)
from lineage_graph.server.graphql.scalars import BigInt
from lineage_graph.server.graphql.seeking import EntityKind, kinds_of
from lineage_graph.server.graphql.visibility import VisibilityLabel, labels

T = TypeVar("T")
NODES_AT_ONCE = 100


@strawberry.type(description="What can be asked.")
class Query:
    """What can be asked."""

    @needing("read", "The node of an id; null when nothing that you may see has it.")
    def node(
        self, info: Info, id: Annotated[strawberry.ID, argument("As a node says it.")]
    ) -> Node | None:
        """Return the node of an id."""
        return _nodes(info, [id])[0]

    @needing("read", f"The nodes of up to {NODES_AT_ONCE} ids, in their order.")
    def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], argument("As nodes say them.")]
    ) -> list[Node | None]:
        """Return the nodes of ids."""
        if len(ids) > NODES_AT_ONCE:
            raise InvalidRecord(f"ids: give at most {NODES_AT_ONCE} at once.")
        return _nodes(info, ids)

    @needing("read", "Datasets, models and their versions, in the order of their IRIs.", cost=10)
    def entities(
        self,
        info: Info,
        kinds: Annotated[list[EntityKind] | None, argument("Only these kinds.")] = None,
        text: Annotated[str | None, argument("Part of the name or description.")] = None,
        license: Annotated[str | None, argument("Licence that is said of them.")] = None,
        semantic_type: Annotated[str | None, argument("Type that a column holds.")] = None,
        personal_status: Annotated[
            str | None, argument("Under data protection law, such as `Pseudonymised`.")
        ] = None,
        since: Annotated[
            datetime | None,
            strawberry.argument(name="from", description="Generated then or later."),
        ] = None,
        until: Annotated[
            datetime | None, strawberry.argument(name="to", description="Generated before then.")
        ] = None,
        first: First = USUAL,
        after: After = None,
    ) -> Connection[Entity]:
        """Return a page of the entities that fit."""
        sought = Sought(
            kinds_of(kinds), text, license, semantic_type, personal_status, since, until
        )
        fitting = info.context.many.fitting(sought)
        count = counted(first)
        found = info.context.many.page(sought.kinds, last_seen(after), count + 1, fitting)
        return connection(found, count, after, _entity)

    @needing("read", "The datasets, in the order of their IRIs.")
    def datasets(
        self, info: Info, first: First = USUAL, after: After = None
    ) -> Connection[Dataset]:
        """Return a page of the datasets."""
        return _page(info, "dataset", first, after, lambda iri: Dataset(iri=iri))

    @needing("read", "The models, in the order of their IRIs.")
    def models(self, info: Info, first: First = USUAL, after: After = None) -> Connection[Model]:
        """Return a page of the models."""
        return _page(info, "model", first, after, lambda iri: Model(iri=iri))

    @needing("read", "What happened, the first thing first.")
    def activities(
        self, info: Info, first: First = USUAL, after: After = None
    ) -> Connection[Activity]:
        """Return a page of what happened."""
        return _page(info, "activity", first, after, lambda iri: Activity(iri=iri))

    @needing("read", "Everyone and everything that is responsible for something.")
    def agents(self, info: Info, first: First = USUAL, after: After = None) -> Connection[Agent]:
        """Return a page of the agents."""
        return _page(info, "agent", first, after, lambda iri: Agent(iri=iri))

    @needing("read", "The plans that were followed.")
    def plans(self, info: Info, first: First = USUAL, after: After = None) -> Connection[Plan]:
        """Return a page of the plans."""
        return _page(info, "plan", first, after, lambda iri: Plan(iri=iri))

    @needing("read", "A dataset by its name.")
    def dataset(self, info: Info, name: Annotated[str, argument("Its name or IRI.")]) -> Dataset:
        """Return a dataset."""
        return Dataset(iri=_of_kind(info.context.graph.thing(name, "dataset"), "dataset", name))

    @needing("read", "A version of a dataset.")
    def dataset_version(self, info: Info, name: Name) -> DatasetVersion:
        """Return a version of a dataset."""
        return DatasetVersion(iri=_version(info, name, "dataset", "version"))

    @needing("read", "A model by its name.")
    def model(self, info: Info, name: Annotated[str, argument("Its name or IRI.")]) -> Model:
        """Return a model."""
        return Model(iri=_of_kind(info.context.graph.thing(name, "model"), "model", name))

    @needing("read", "A version of a model.")
    def model_version(self, info: Info, name: Name) -> ModelVersion:
        """Return a version of a model."""
        return _model_version(info, name)

    @needing("read", "Two versions of models beside each other.")
    def compare_versions(
        self,
        info: Info,
        a: Annotated[str, argument("The first one: `name@1` or IRI.")],
        b: Annotated[str, argument("The second one: `name@2` or IRI.")],
    ) -> VersionComparison:
        """Return two versions of models beside each other."""
        return VersionComparison(a=_model_version(info, a), b=_model_version(info, b))

    @needing("read", "What something came from, or what came of it.", cost=10)
    def lineage(
        self,
        info: Info,
        of: Name,
        direction: Annotated[lineage.Direction, argument("Which way.")] = lineage.Direction.UP,
        depth: Annotated[int | None, argument("Most hops, from 0; null for all.")] = None,
        columns: Annotated[bool, argument("Between columns instead of versions.")] = False,
        as_of: AsOf = None,
        limit: Limit = 200,
    ) -> lineage.LineageAnswer:
        """Return what something came from, or what came of it."""
        _require(0 if depth is None else depth, "depth", 0)
        found = info.context.graph.lineage(
            of,
            "up" if direction is lineage.Direction.UP else "down",
            depth,
            columns,
            _entry(info, as_of),
        )
        return lineage.answer(found, info.context, _limited(limit))

    @needing("read", "What binds something, why, and how far that is settled.", cost=50)
    def license_terms(
        self, info: Info, of: Name, policy: ReadAs = licenses.Policy.BALANCED, as_of: AsOf = None
    ) -> licenses.LicenseTermsAnswer:
        """Return what binds something."""
        graph = info.context.graph
        return licenses.license_terms(graph.license_terms(of, policy.value, _entry(info, as_of)))

    @needing("read", "What it would mean if a licence ended, or the licence of a dataset.", cost=50)
    def license_impact(
        self,
        info: Info,
        license: Annotated[str | None, argument("Id of the licence; else give `dataset`.")] = None,
        dataset: Annotated[str | None, argument("Name of the dataset or model.")] = None,
        at: Annotated[datetime | None, argument("When it ends; now.")] = None,
        policy: ReadAs = licenses.Policy.BALANCED,
        limit: Limit = 100,
    ) -> licenses.LicenseImpactAnswer:
        """Return what it would mean if a licence ended."""
        if (license is None) == (dataset is None):
            raise InvalidRecord("licenseImpact: give either license or dataset.")
        graph = info.context.graph
        if license is not None and not graph.is_license(license):
            raise NotFound(f"There is no licence {license!r}. Give an SPDX id, such as CC-BY-4.0.")
        what = license if dataset is None else graph.thing(dataset)
        found = graph.license_impact(str(what), at, policy.value)
        return licenses.license_impact(found, str(license or dataset), _limited(limit))

    @needing("read", "Whom to name for something.", cost=50)
    def attribution(
        self, info: Info, of: Name, policy: ReadAs = licenses.Policy.BALANCED
    ) -> licenses.AttributionAnswer:
        """Return whom to name for something."""
        return licenses.attribution(info.context.graph.attribution(of, policy.value))

    @needing("read", "What something is under data protection law, and why.", cost=50)
    def personal_data(
        self, info: Info, of: Name, as_of: AsOf = None
    ) -> personal.PersonalData | None:
        """Return what something is under data protection law."""
        found = info.context.graph.privacy(of, _entry(info, as_of))
        return personal.personal_data(info, found)

    @needing("label", "The labels that one has to be cleared for to see something.", cost=50)
    def visibility(self, info: Info, of: Name) -> list[VisibilityLabel]:
        """Return the labels of something."""
        return labels(info.context.graph.visibility(of))

    @needing("subjects", "What every version has to do with one person.", cost=100)
    def subject_impact(
        self, info: Info, identities: Identities, limit: Limit = 100
    ) -> personal.SubjectImpactAnswer:
        """Return what every version has to do with one person."""
        types = info.context.many.semantic_types()
        found = info.context.graph.subject_impact(personal.identities(identities, types))
        return personal.subject_impact(found, _limited(limit))

    @needing("read", "The reports that can be asked for.")
    def reports(self, info: Info, lang: Lang = "en") -> list[ReportDescription]:
        """Return the reports that can be asked for."""
        return [ReportDescription(**one) for one in info.context.graph.reports(lang)]

    @needing("read", "A report; one about a person is `subjectReport`.", cost=100)
    def report(
        self,
        info: Info,
        name: ReportName,
        law: Law = "gdpr",
        lang: Lang = "en",
        as_of: Annotated[
            str | None, argument("Number of a ledger entry, or a date such as 2026-05-01.")
        ] = None,
        parameters: Parameters = None,
    ) -> ReportDocument:
        """Return a report."""
        given = _parameters(parameters)
        return document(info.context.graph.report(name, law, lang, as_of, **given))

    @needing("subjects", "A report about one person.", cost=100)
    def subject_report(
        self,
        info: Info,
        name: ReportName,
        identities: Identities,
        law: Law = "gdpr",
        lang: Lang = "en",
        parameters: Parameters = None,
    ) -> ReportDocument:
        """Return a report about one person."""
        given = _parameters(parameters)
        subject = personal.identities(identities, info.context.many.semantic_types())
        report = info.context.graph.report(name, law, lang, None, subject=subject, **given)
        return document(report)

    @needing("read", "The processing that is declared.")
    def processes(self, info: Info, as_of: AsOf = None) -> list[Process]:
        """Return the processing that is declared."""
        return [process(one) for one in info.context.graph.processes(_entry(info, as_of))]

    @needing("read", "How something was rebuilt, the first time first.")
    async def replays(self, info: Info, of: Name) -> list[Replay]:
        """Return the rebuilds of something."""
        return await replays(info, info.context.graph.resolve(of))

    @needing("read", "The newest requests for rebuilds.")
    def rebuild_requests(
        self,
        info: Info,
        state: Annotated[
            rebuilds.RebuildState | None, argument("Only those in this state.")
        ] = None,
        first: First = USUAL,
    ) -> list[rebuilds.RebuildRequest]:
        """Return the newest requests for rebuilds."""
        return rebuilds.requests(info, state, counted(first))

    @needing("read", "A request for a rebuild, and how far it has come.")
    def rebuild_request(
        self, info: Info, id: Annotated[strawberry.ID, argument("As the request says it.")]
    ) -> rebuilds.RebuildRequest:
        """Return a request for a rebuild."""
        return rebuilds.request(rebuilds.one(info, id))

    @needing("read", "How far the ledger has come.")
    def ledger(self, info: Info) -> LedgerState:
        """Return how far the ledger has come."""
        head, chain = info.context.many.ledger()
        return LedgerState(head=BigInt(head), chain=chain)

    @needing("audit", "Checks the ledger, the graph, files and data. Takes its time.", cost=2_000)
    def verify(self, info: Info) -> Verification:
        """Check everything that is recorded."""
        return verified(info)


def _nodes(info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
    said = [iri_of(id_) for id_ in ids]
    now = info.context.many.called_now([iri for iri in said if iri is not None])
    iris = [now.get(iri, iri) if iri is not None else None for iri in said]
    known = info.context.many.described([iri for iri in iris if iri is not None])
    return [_node(iri) if iri in known else None for iri in iris]


def _node(iri: str | None) -> Node | None:
    kinds: dict[str | None, type[Node]] = {"activity": Activity, "agent": Agent, "plan": Plan}
    if iri is None or "#" in iri:
        return None
    kind = kinds.get(kind_of(iri))
    return kind(iri=iri) if kind else entity(iri)


def _entity(iri: str) -> Entity:
    found = entity(iri)
    assert found is not None
    return found


def _of_kind(iri: str, kind: str, name: str) -> str:
    """Refuse what is of another kind: an IRI, or a number, says which it is by itself."""
    if kind_of(iri) != kind or "#" in iri:
        raise NotFound(f"{name!r} is no {kind.replace('-', ' ')}. Give the name of one.")
    return iri


def _version(info: Info, name: str, of: Kind, kind: str) -> str:
    return _of_kind(info.context.graph.resolve(name, kind=of), kind, name)


def _model_version(info: Info, name: str) -> ModelVersion:
    return ModelVersion(iri=_version(info, name, "model", "model-version"))


def _page(
    info: Info, kind: str, first: int, after: str | None, make: Callable[[str], T]
) -> Connection[T]:
    count = counted(first)
    found = info.context.many.page([kind], last_seen(after), count + 1)
    return connection(found, count, after, make)


def _require(value: int, name: str, least: int, most: int | None = None) -> int:
    if value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise InvalidRecord(f"{name}: {value} is not from {least}{end}.")
    return value


def _limited(limit: int) -> int:
    return _require(limit, "limit", 1, lineage.LARGEST)


def _entry(info: Info, as_of: int | None) -> int | None:
    """Return an entry of the ledger, when there is one of that number."""
    if as_of is not None:
        _require(as_of, "asOf", 1, max(1, info.context.many.ledger()[0]))
    return as_of


def _parameters(given: list[ReportParameter] | None) -> dict[str, str | date]:
    found: dict[str, str | date] = {one.name: one.value for one in given or ()}
    if "subject" in found:
        raise InvalidRecord("parameters: ask subjectReport about a person.")
    return found
