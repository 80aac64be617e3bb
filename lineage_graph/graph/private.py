"""Questions about personal data, as verbs on a graph."""

from __future__ import annotations

from lineage_graph.graph.licensed import Licensed


class Private(Licensed):
    """A store that knows what personal data is, and who is in which rows."""
