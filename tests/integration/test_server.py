"""The server as a client meets it."""

from __future__ import annotations

from pathlib import Path

import httpx2

from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings


def test_a_server_tells_that_it_is_ready(tmp_path: Path) -> None:
    with serving(Settings(tmp_path, port=0)) as address:
        assert httpx2.get(f"{address}/ready").json() == {"status": "ready"}
