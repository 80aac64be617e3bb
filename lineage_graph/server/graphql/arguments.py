"""Arguments that several fields take."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from lineage_graph.server.graphql import licenses, lineage, personal
from lineage_graph.server.graphql.reports import ReportParameter


def argument(description: str) -> object:
    """Return what describes an argument."""
    return strawberry.argument(description=description)


Name: TypeAlias = Annotated[
    str, strawberry.argument(description="Name, `name@2`, `dataset:name`, `model:name` or IRI.")
]
AsOf: TypeAlias = Annotated[
    int | None, strawberry.argument(description="Last entry of the ledger to consider; all.")
]
Lang: TypeAlias = Annotated[str, strawberry.argument(description="Such as `en` or `pt-BR`.")]
Law: TypeAlias = Annotated[str, strawberry.argument(description="Such as `gdpr` or `lgpd`.")]
ReportName: TypeAlias = Annotated[str, strawberry.argument(description="Such as `ropa`.")]
Limit: TypeAlias = Annotated[
    int, strawberry.argument(description=f"How many at most, from 1 to {lineage.LARGEST}.")
]
Parameters: TypeAlias = Annotated[
    list[ReportParameter] | None, strawberry.argument(description="What the report is about.")
]
Identities: TypeAlias = Annotated[
    list[personal.Identity],
    strawberry.argument(description="The person's identifiers, as a variable."),
]
ReadAs: TypeAlias = Annotated[
    licenses.Policy, strawberry.argument(description="Which reading of unsettled questions.")
]
