"""What a person decides: the fields of ``Mutation``.

What is wrong with what was given is part of the answer; each decision is recorded under the
pseudonym of whoever decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import strawberry

from lineage_graph.errors import (
    DeclarationError,
    PolicyRefused,
    RecordError,
)
from lineage_graph.replay.requests import Request
from lineage_graph.server.graphql import rebuilds
from lineage_graph.server.graphql.activities import entity
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.datasets import Dataset
from lineage_graph.server.graphql.nodes import Entity
from lineage_graph.server.graphql.permissions import needing
from lineage_graph.server.graphql.processing import DeclarationDifference, difference
from lineage_graph.server.graphql.visibility import VisibilityLabel, labels

T = TypeVar("T")


@strawberry.type(description="Why a decision was not recorded.")
class UserError:
    """Why a decision was not recorded."""

    code: str = strawberry.field(description="For programs, such as `not-found`.")
    message: str = strawberry.field(description="What is wrong, and what to do.")


@strawberry.type(description="A decision about what a column holds.")
class TypePayload:
    """A decision about what a column holds."""

    dataset: Dataset | None = strawberry.field(description="The dataset, as it is now.")
    label: str | None = strawberry.field(description="IRI of what was said.")
    errors: list[UserError] = strawberry.field(description="Why it was not recorded.")


@strawberry.type(description="A statement about a licence.")
class LicensePayload:
    """A statement about a licence."""

    entity: Entity | None = strawberry.field(description="What it is about, as it is now.")
    statement: str | None = strawberry.field(description="IRI of the statement.")
    errors: list[UserError] = strawberry.field(description="Why it was not recorded.")


@strawberry.type(description="A declaration of processing.")
class ProcessPayload:
    """A declaration of processing."""

    difference: DeclarationDifference | None = strawberry.field(
        description="What it changed, or would."
    )
    errors: list[UserError] = strawberry.field(description="Why it was not recorded.")


@strawberry.type(description="A decision about who may see something.")
class VisibilityPayload:
    """A decision about who may see something."""

    labels: list[VisibilityLabel] = strawberry.field(
        description="The labels it has now; empty when it was not recorded."
    )
    recorded: list[str] = strawberry.field(description="IRIs of what was recorded or ended.")
    errors: list[UserError] = strawberry.field(description="Why it was not recorded.")


@strawberry.type(description="A request for a rebuild, or why there is none.")
class RebuildPayload:
    """A request for a rebuild."""

    request: rebuilds.RebuildRequest | None = strawberry.field(description="As it is now.")
    errors: list[UserError] = strawberry.field(description="Why it was not accepted.")


def said(decide: Callable[[], T]) -> tuple[T | None, list[UserError]]:
    """Return what was decided, or what is wrong with what was given."""
    try:
        return decide(), []
    except (RecordError, DeclarationError, PolicyRefused) as problem:
        return None, [UserError(code=problem.code, message=str(problem))]


DatasetName = Annotated[str, strawberry.argument(description="Name of the dataset.")]
ColumnName = Annotated[str, strawberry.argument(description="Name of the column.")]
Because = Annotated[
    str | None, strawberry.argument(description="Why, for those who read it later.")
]
Thing = Annotated[str, strawberry.argument(description="Name, `name@2` or IRI.")]
LabelNames = Annotated[list[str], strawberry.argument(description="Names of labels.")]
Reason = Annotated[str, strawberry.argument(description="Why, for those who read it later.")]


@strawberry.type(description="What can be decided.")
class Mutation:
    """What can be decided."""

    @needing("decide", "Says that a column holds a type, in every version of the dataset.")
    def confirm_type(
        self,
        info: Info,
        dataset: DatasetName,
        column: ColumnName,
        type: Annotated[str, strawberry.argument(description="Short name of the type, or IRI.")],
        because: Because = None,
    ) -> TypePayload:
        """Say that a column holds a type."""
        graph = info.context.graph
        return _typed(info, dataset, lambda: graph.confirm_type(dataset, column, type, because))

    @needing("decide", "Says that a column does not hold a type, in any version of the dataset.")
    def reject_type(
        self,
        info: Info,
        dataset: DatasetName,
        column: ColumnName,
        type: Annotated[
            str | None,
            strawberry.argument(description="By default the one it is taken to hold."),
        ] = None,
        because: Because = None,
    ) -> TypePayload:
        """Say that a column does not hold a type."""
        graph = info.context.graph
        return _typed(info, dataset, lambda: graph.reject_type(dataset, column, type, because))

    @needing("decide", "Says which licence something has; the same again changes nothing.")
    def state_license(
        self,
        info: Info,
        of: Annotated[str, strawberry.argument(description="Name, `name@2` or IRI.")],
        license: Annotated[
            str, strawberry.argument(description="SPDX id or expression, title or address.")
        ],
        evidence: Annotated[
            str | None, strawberry.argument(description="The text that says so; it is kept.")
        ] = None,
        said_by: Annotated[str | None, strawberry.argument(description="Who says so.")] = None,
        attribution: Annotated[
            str | None, strawberry.argument(description="Who is to be named.")
        ] = None,
        address: Annotated[
            str | None, strawberry.argument(description="Where the licensor publishes it.")
        ] = None,
    ) -> LicensePayload:
        """Say which licence something has."""
        text = None if evidence is None else evidence.encode()
        graph = info.context.graph
        statement, errors = said(
            lambda: graph.state_license(
                of,
                license,
                evidence=text,
                said_by=said_by,
                attribution=attribution,
                address=address,
            )
        )
        about = entity(graph.thing(of)) if statement is not None else None
        return LicensePayload(entity=about, statement=statement, errors=errors)

    @needing(
        "decide", "Declares processing, as `docs/processing.md` says; what differs is recorded."
    )
    def declare_process(
        self,
        info: Info,
        yaml: Annotated[str, strawberry.argument(description="The declaration, as YAML.")],
        dry_run: Annotated[
            bool, strawberry.argument(description="Only show what would change.")
        ] = False,
    ) -> ProcessPayload:
        """Declare processing."""
        found, errors = said(lambda: info.context.graph.declare(yaml, dry_run))
        return ProcessPayload(
            difference=None if found is None else difference(found), errors=errors
        )

    @needing(
        "label", "Puts visibility labels on a dataset or model; those it has stay as they are."
    )
    def label_visibility(
        self, info: Info, of: Thing, labels: LabelNames, because: Because = None
    ) -> VisibilityPayload:
        """Put visibility labels on a dataset or model."""
        graph = info.context.graph
        return _visible(info, of, lambda: graph.label_visibility(of, labels, because))

    @needing("label", "Takes visibility labels back that were put on a dataset or model.")
    def withdraw_visibility(
        self, info: Info, of: Thing, labels: LabelNames, because: Reason
    ) -> VisibilityPayload:
        """Take visibility labels back."""
        graph = info.context.graph
        return _visible(info, of, lambda: graph.withdraw_visibility(of, labels, because))

    @needing("label", "Lets something derived go without labels that it would inherit.")
    def declassify(
        self, info: Info, of: Thing, labels: LabelNames, because: Reason
    ) -> VisibilityPayload:
        """Let something derived go without labels that it would inherit."""
        graph = info.context.graph
        return _visible(info, of, lambda: [graph.declassify(of, labels, because)])

    @needing("replay", "Asks for a rebuild; a worker that the operator allows does it.")
    def request_rebuild(
        self,
        info: Info,
        of: Thing,
        from_scratch: Annotated[
            bool, strawberry.argument(description="Run all on the way too.")
        ] = False,
    ) -> RebuildPayload:
        """Ask for a rebuild."""
        asking = info.context
        found, errors = said(
            lambda: asking.rebuilds.add(
                asking.graph.resolve(of), asking.principal.agent, from_scratch
            )
        )
        shown = None if found is None else rebuilds.request(found)
        return RebuildPayload(request=shown, errors=errors)

    @needing("replay", "Takes a request back; one that runs ends before its next step.")
    def cancel_rebuild(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> RebuildPayload:
        """Take a request for a rebuild back."""

        def cancelled() -> Request:
            rebuilds.one(info, id)
            info.context.rebuilds.cancel(id)
            return rebuilds.one(info, id)

        found, errors = said(cancelled)
        shown = None if found is None else rebuilds.request(found)
        return RebuildPayload(request=shown, errors=errors)


def _visible(info: Info, of: str, decide: Callable[[], list[str]]) -> VisibilityPayload:
    recorded, errors = said(decide)
    if recorded is None:
        return VisibilityPayload(labels=[], recorded=[], errors=errors)
    found = labels(info.context.graph.visibility(of))
    return VisibilityPayload(labels=found, recorded=recorded, errors=[])


def _typed(info: Info, dataset: str, decide: Callable[[], str]) -> TypePayload:
    label, errors = said(decide)
    if label is None:
        return TypePayload(dataset=None, label=None, errors=errors)
    version = info.context.graph.resolve(dataset, kind="dataset")
    of = info.context.many.of([version])[version]
    return TypePayload(dataset=Dataset(iri=of), label=label, errors=[])
