"""Lines about requests and failures: JSON on stderr, without anything personal.

A line names the template of a route, never the path or the query, and the pseudonym of who asked.
What failed is told by the kinds of errors and by places in the program: the message of an error
nobody expected may repeat a value of somebody's data.
"""

from __future__ import annotations

import io
import logging
import sys
import traceback
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

from lineage_graph.errors import LineageGraphError

Log = structlog.typing.FilteringBoundLogger
_DEEPEST: Final = 20
_UVICORN: Final = "uvicorn.error"


def log_lines() -> Log:
    """Return what writes lines, each whole."""
    made: Log = structlog.wrap_logger(
        structlog.WriteLogger(cast(TextIO, _Stderr())),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return made


def adopt_uvicorn(log: Log) -> None:
    """Let what uvicorn warns of be lines like the others."""
    logger = logging.getLogger(_UVICORN)
    logger.handlers[:] = [_Lines(log)]
    logger.propagate = False


def told(error: BaseException) -> dict[str, Any]:
    """Return what a line says about a failure.

    Args:
        error: One of ours says what happened; of any other only its kind is told.
    """
    said = (
        {"code": error.code, "reason": str(error)} if isinstance(error, LineageGraphError) else {}
    )
    return {**said, "errors": _kinds(error), "where": _places(error)}


def _kinds(error: BaseException | None) -> list[str]:
    kinds: list[str] = []
    while error is not None and len(kinds) < _DEEPEST:
        kinds.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return kinds


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class _Stderr(io.TextIOBase):
    """Whatever stderr is at the moment; nobody is refused an answer because it is closed."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return sys.stderr.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class _Lines(logging.Handler):
    """Passes records on, without their arguments, which may be of a request."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        # Why a store cannot be opened is told by whoever started the server.
        if record.module != "on":
            error = record.exc_info[1] if record.exc_info else None
            self._log.warning(
                "uvicorn",
                message=str(record.msg).partition("\n")[0],
                **(told(error) if error else {}),
            )
