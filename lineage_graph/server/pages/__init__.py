"""What a browser is shown: plain pages that are drawn here, with no script.

A module gathers what a page says, a template in ``templates/`` says it, and every word comes
from ``ontology/pages.ttl`` in the reader's language.
"""

from __future__ import annotations

from fastapi import APIRouter

from lineage_graph.server.pages import assets, home, identified, pictures, reports, unknown

install = unknown.install

router = APIRouter()
for _part in (assets, home, identified, pictures, reports):
    router.include_router(_part.router)
