"""What reports need beyond the package itself, and what to type when it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lineage_graph.errors import MissingExtra

PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"


@contextmanager
def needed() -> Iterator[None]:
    """Import what a report needs.

    Raises:
        MissingExtra: It is not there; the message holds the command that gets it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f'{error.name} is not installed. Type: pip install "lineage-graph[report]"'
        ) from error
    except OSError as error:
        raise MissingExtra(
            f"A PDF needs the system's library Pango, and it is not there. "
            f"Type: apt-get install {PACKAGES}"
        ) from error
