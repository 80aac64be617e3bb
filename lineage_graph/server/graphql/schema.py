"""The schema: what there is, in one place."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from lineage_graph.server.graphql.datasets import Dataset, DatasetVersion
from lineage_graph.server.graphql.decisions import Mutation
from lineage_graph.server.graphql.following import Subscription
from lineage_graph.server.graphql.models import Model, ModelVersion
from lineage_graph.server.graphql.queries import Query
from lineage_graph.server.graphql.scalars import SCALARS


@cache
def schema() -> strawberry.Schema:
    """Return the schema, made once."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Dataset, DatasetVersion, Model, ModelVersion],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


@cache
def executable() -> GraphQLSchema:
    """Return the schema as graphql-core executes it."""
    return schema()._schema


def sdl() -> str:
    """Return the schema in GraphQL's own language."""
    return f"{schema().as_str()}\n"
