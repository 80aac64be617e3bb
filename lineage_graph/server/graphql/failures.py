"""What an answer says of a failure: what the caller can mend in full, anything else by a number.

What was given as a value is never repeated: it may be somebody's identifier.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Sequence
from typing import Any, Final

from graphql import GraphQLError

from lineage_graph.errors import LineageGraphError
from lineage_graph.identity import uuid7
from lineage_graph.server.problems import status_of

LOG: Final = logging.getLogger(__name__)
_VALUES: Final = (
    (re.compile(r",? found: .*", re.DOTALL), "."),
    (
        re.compile(
            r"(cannot represent [^:]*|invalid value[^:]*): (?!\w[\w ]* cannot represent|"
            r"Expected ).*",
            re.DOTALL,
        ),
        r"\1.",
    ),
    (re.compile(r"found (String|BlockString|Int|Float) .*", re.DOTALL), r"found \1."),
)


def said_before(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Return what is said of what is wrong with a request, before anything was asked."""
    return [{**error.formatted, "message": without_values(error.message)} for error in errors]


def without_values(message: str) -> str:
    """Return a message of graphql-core without the value it is about."""
    for pattern, kept in _VALUES:
        message = pattern.sub(kept, message)
    return message


def said_of(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Return what is said of failures of fields; what nobody expected is logged under a number."""
    return [_said(error) for error in errors]


def _said(error: GraphQLError) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    if cause is None:
        return formatted | {"message": without_values(error.message)}
    if isinstance(cause, LineageGraphError) and status_of(cause) != 500:
        return formatted | {"message": str(cause), "extensions": {"code": cause.code}}
    number = uuid7()
    code = cause.code if isinstance(cause, LineageGraphError) else "internal"
    LOG.error("%s", _where(cause, number, error.path))
    extensions = {"code": code, "request": number}
    return formatted | {"message": "internal error", "extensions": extensions}


def _where(cause: BaseException, number: str, path: Any) -> str:
    """Return where something failed; what it says itself may quote data, so it is left out."""
    lines = "".join(traceback.format_tb(cause.__traceback__))
    return f"request {number}: {type(cause).__name__} at {path}\n{lines}"
