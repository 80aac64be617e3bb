"""Answers the questions about licences with SPARQL property paths alone, as peers of the index.

The naive form walks ``prov:wasDerivedFrom*``, which knows no levels. The other form walks
edges that are written once for each licence family and level: ``<urn:carries:FAMILY:2>``
leads from what was derived to a source of which the step leaves at least level 2.

``python -m benchmarks.paths FOLDER`` reads a question from stdin and prints how long it took
to answer, and the answer, as JSON: in a process of its own, a question can be ended.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph

from benchmarks.figures import stopwatch

RANKS = (1, 2, 3)
PREFIXES = """
PREFIX lg: <https://w3id.org/lineage-graph#>
PREFIX prov: <http://www.w3.org/ns/prov#>
"""
REACHED_BY_LICENCE = """
SELECT DISTINCT ?artifact ?source WHERE {
  ?statement lg:licenseExpression "$LICENSE" ; lg:about ?source .
  ?artifact prov:wasDerivedFrom* ?source .
}
"""
SOURCES_OF_ARTIFACT = """
SELECT DISTINCT ?source WHERE {
  <$ARTIFACT> prov:wasDerivedFrom* ?source .
  ?statement lg:about ?source .
}
"""
LEVELS_BY_LICENCE = """
SELECT ?artifact ?source (MAX(?rank) AS ?level) WHERE {
  ?statement lg:licenseExpression "$LICENSE" ; lg:about ?source .
  $BRANCHES
} GROUP BY ?artifact ?source
"""
CARRIED_TO_ALL = (
    "{{ SELECT ?artifact ?source ({rank} AS ?rank) WHERE {{ "
    '?statement lg:licenseExpression "$LICENSE" ; lg:about ?source . '
    "?artifact <{edge}>* ?source }} }}"
)
LEVELS_OF_ARTIFACT = """
SELECT ?source (MAX(?rank) AS ?level) WHERE {
  $BRANCHES
} GROUP BY ?source
"""
CARRIED_TO_ONE = (
    "{{ SELECT ?source ({rank} AS ?rank) WHERE {{ <$ARTIFACT> <{edge}>* ?source . "
    "?statement lg:about ?source ; lg:licenseExpression ?said . VALUES ?said {{ {said} }} }} }}"
)
CARRYING = """
INSERT { ?derived ?edge ?source } WHERE {
  {
    SELECT ?derived ?source (MIN(?level) AS ?least) WHERE {
      ?derived prov:qualifiedDerivation ?how . ?how prov:entity ?source ; a ?kind .
      VALUES (?kind ?level) { $STRENGTHS }
    } GROUP BY ?how ?derived ?source
  }
  VALUES (?edge ?rank) { $EDGES }
  FILTER (?rank <= ?least)
}
"""


@dataclass(frozen=True)
class Family:
    """Licences that travel alike.

    Attributes:
        name: For the IRIs of edges.
        licenses: Their ids.
        strengths: IRI of each derivation kind, and what it leaves of a source.
    """

    name: str
    licenses: tuple[str, ...]
    strengths: Mapping[str, int]

    def edge(self, rank: int) -> str:
        """Return the IRI of the edges that carry a level."""
        return f"urn:carries:{self.name}:{rank}"


def impact(license_: str) -> str:
    """Return the question what a licence reaches, whatever the level."""
    return PREFIXES + REACHED_BY_LICENCE.replace("$LICENSE", license_)


def impact_levels(license_: str, family: Family) -> str:
    """Return the question what a licence reaches at which level."""
    branches = [CARRIED_TO_ALL.format(rank=r, edge=family.edge(r)) for r in RANKS]
    return PREFIXES + _joined(LEVELS_BY_LICENCE, branches).replace("$LICENSE", license_)


def sources(artifact: str) -> str:
    """Return the question which licensed sources are upstream."""
    return PREFIXES + SOURCES_OF_ARTIFACT.replace("$ARTIFACT", artifact)


def source_levels(artifact: str, families: Sequence[Family]) -> str:
    """Return the question which licensed sources are left at which level."""
    branches = [
        CARRIED_TO_ONE.format(
            rank=rank, edge=f.edge(rank), said=" ".join(f'"{one}"' for one in f.licenses)
        )
        for f in families
        for rank in RANKS
    ]
    return PREFIXES + _joined(LEVELS_OF_ARTIFACT, branches).replace("$ARTIFACT", artifact)


def _joined(question: str, branches: Sequence[str]) -> str:
    return question.replace("$BRANCHES", "\n  UNION ".join(branches))


@dataclass(frozen=True)
class Answer:
    """What came back in time.

    Attributes:
        seconds: How long it took.
        rows: The rows, as text.
    """

    seconds: float
    rows: set[tuple[str, ...]]


def asked(folder: Path, question: str, limit: float) -> Answer | None:
    """Answer a question in a process that is killed when it takes too long; None then."""
    command = [sys.executable, "-m", "benchmarks.paths", str(folder)]
    try:
        done = subprocess.run(
            command, input=question, text=True, check=True, capture_output=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    said = json.loads(done.stdout)
    return Answer(said["seconds"], {tuple(row) for row in said["rows"]})


def carrying(family: Family) -> str:
    """Return what writes the edges that carry the levels of a family."""
    strengths = " ".join(f"(<{kind}> {level})" for kind, level in family.strengths.items())
    edges = " ".join(f"(<{family.edge(rank)}> {rank})" for rank in RANKS)
    return PREFIXES + CARRYING.replace("$STRENGTHS", strengths).replace("$EDGES", edges)


def carry(folder: Path, families: Sequence[Family]) -> None:
    """Write the edges that carry levels."""
    store = pyoxigraph.Store(str(folder))
    for family in families:
        store.update(carrying(family))
    store.flush()


def main() -> None:
    """Answer one question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    store = pyoxigraph.Store.read_only(str(parser.parse_args().folder))
    question = sys.stdin.read()
    with stopwatch() as watch:
        found = store.query(question)
        assert isinstance(found, pyoxigraph.QuerySolutions)
        rows = [[term.value for term in row] for row in found]
    json.dump({"seconds": watch.seconds, "rows": rows}, sys.stdout)


if __name__ == "__main__":
    main()
