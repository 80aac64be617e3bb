"""Processing that is declared and reports on it, as verbs on a graph."""

from __future__ import annotations

from lineage_graph.graph.private import Private


class Reporting(Private):
    """A store that knows which processing is declared, and reports on it."""
