"""Records what happens to datasets and models as a graph, and makes it happen again.

>>> import lineage_graph
>>> graph = lineage_graph.connect()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_graph.graph import connect as connect

__version__ = "0.1.0"

__all__ = ["__version__", "connect"]


def __getattr__(name: str) -> Any:
    """Load :func:`connect` on first use: naming the package costs nothing (PEP 562)."""
    if name == "connect":
        from lineage_graph.graph import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
