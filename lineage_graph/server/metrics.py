"""Numbers for Prometheus: what was asked, how long it took, and how far the store has come."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as as_text

from lineage_graph.server.authorize import needs
from lineage_graph.server.served import Here

router = APIRouter(tags=["metrics"])

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The numbers of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "lineage_graph_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lineage_graph_request_seconds",
            "Seconds until an answer was complete.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._head = Gauge(
            "lineage_graph_ledger_entries", "Entries of the ledger.", registry=self.registry
        )
        self._lag = Gauge(
            "lineage_graph_projection_lag_entries",
            "Entries of the ledger that the projection does not answer from yet.",
            registry=self.registry,
        )
        self._refused = Gauge(
            "lineage_graph_refused_tokens",
            "Tokens that were not accepted since the start.",
            ["reason"],
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            method: Method of the request.
            route: Template of its route.
            status: Status of the answer.
            seconds: How long it took.
        """
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, here: Here) -> bytes:
        """Return the numbers as Prometheus reads them.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        head = here.opened.ledger.head
        self._head.set(head)
        self._lag.set(max(0, head - here.opened.store.applied.seq))
        for reason, count in here.recognition.refused.items():
            self._refused.labels(reason).set(count)
        return as_text(self.registry)


@router.get("/metrics", openapi_extra=needs("audit"), response_class=Response)
def metrics(request: Request, here: Here) -> Response:
    """Give the numbers of this process and of the store."""
    numbers: Metrics = request.app.state.metrics
    return Response(numbers.text(here), media_type=CONTENT_TYPE_LATEST)
