"""The kinds of things that a ledger tells of, as they are seen or hidden."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from lineage_graph.declarations import bundled
from lineage_graph.identity import NAMESPACE

THINGS: Final = ("dataset", "model", "version", "model-version")
"""Kinds of what can be seen or hidden."""
VERSIONS: Final = ("version", "model-version")
REFERRED: Final = (
    *("agent", "artifact", "content", "environment", "implementation", "job", "plan"),
    *("process", "organisation", "purpose", "measure"),
)
"""Kinds that several records share: one is there as far as something refers to it."""
STATEMENTS: Final = (
    *("declaration", "license-statement", "semantic-label", "membership-index"),
    *("visibility-label", "declassification"),
)
"""Kinds of what is said of something: each stands by itself."""
RAW: Final = "openlineage-event"
"""Kind of what was received as it is, whatever it names."""
DECIDING: Final = ("visibility-label", "declassification")
"""Kinds of what people decide about visibility."""

IRI: Final = re.compile(rb"<(" + NAMESPACE.encode() + rb"([a-z0-9-]+):[^>#]*)")
LITERAL: Final = re.compile(
    rb'^<([^>]*)> <([^>]*)> "((?:[^"\\]|\\.)*)"(?:@[A-Za-z0-9-]+| )', re.MULTILINE
)


def kind_in(iri: str) -> str:
    """Return the kind in one of our IRIs, or an empty text."""
    return iri[len(NAMESPACE) :].partition(":")[0] if iri.startswith(NAMESPACE) else ""


@cache
def plain() -> frozenset[bytes]:
    """Return the IRIs of properties whose texts name a thing, or are the same for many."""
    return frozenset(bundled().iri(t).encode() for t in ("title", "label", "name", "datatype"))
