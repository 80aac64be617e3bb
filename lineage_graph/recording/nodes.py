"""What a recorded bundle says, as nodes with the values of their properties.

Source: RDF 1.1 N-Quads, section 3.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import Final

from lineage_graph.declarations import bundled
from lineage_graph.recording.received import STATEMENT, Properties

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_CONTROL: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def nodes_of(body: bytes) -> dict[str, Properties]:
    """Return each subject with its values by term; its classes are under ``type``.

    Args:
        body: Canonical N-Quads, as the ledger keeps them. A property that is no term of
            ours, and a line that is no statement, are left out.
    """
    terms = _terms()
    nodes: defaultdict[str, Properties] = defaultdict(lambda: defaultdict(list))
    for line in body.decode().split("\n"):
        found = STATEMENT.fullmatch(line)
        term = terms.get(found[2]) if found else None
        if found is None or term is None:
            continue
        value = _meant(found[4]) if found[3] is None else found[3]
        nodes[found[1]][term].append(terms.get(value, value) if term == "type" else value)
    return dict(nodes)


@cache
def _terms() -> dict[str, str]:
    named = {iri: term for term, iri in bundled().terms.items()}
    return {**named, bundled().iri("rdf:type"): "type"}


def _meant(literal: str) -> str:
    return _ESCAPE.sub(_character, literal) if "\\" in literal else literal


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _CONTROL.get(found[3], found[3])
