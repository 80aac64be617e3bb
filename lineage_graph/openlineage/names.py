"""How OpenLineage's pairs of namespace and name are called in the graph.

Source: OpenLineage, naming conventions of jobs and datasets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lineage_graph.identity import canonical_json, digested, named, sha256, without_credentials

FILES: Final = "file"
"""The namespace of files of a machine."""
_ROOTED: Final = ("hdfs", FILES)
_SPELLINGS: Final = {"s3a": "s3", "s3n": "s3"}


class Name(NamedTuple):
    """A namespace, and a name that is unique in it."""

    namespace: str
    name: str

    @property
    def text(self) -> str:
        """Return both as one text, such as ``postgres://db:5432 shop.public.orders``.

        The first space ends the namespace, so two pairs never have the same text.
        """
        return f"{self.namespace.replace('%', '%25').replace(' ', '%20')} {self.name}"


class RunKey(NamedTuple):
    """A run: the namespace of its job, and the id it has there."""

    namespace: str
    run_id: str


@lru_cache(maxsize=65_536)
def dataset_iri(name: Name) -> str:
    """Return the IRI of a dataset."""
    return named("dataset", name.text)


@lru_cache(maxsize=65_536)
def job_iri(name: Name) -> str:
    """Return the IRI of a job."""
    return named("job", name.text)


@lru_cache(maxsize=65_536)
def run_iri(key: RunKey) -> str:
    """Return the IRI of the activity that a run is."""
    return digested("activity", _digest("run", *key))


def declared_version(dataset: Name, version: str) -> str:
    """Return the IRI of a version that a producer names."""
    return digested("version", _digest("declared", *dataset, version))


def written_version(dataset: Name, run: RunKey) -> str:
    """Return the IRI of the version of a dataset that a run wrote."""
    return digested("version", _digest("written", *dataset, *run))


def outside_version(dataset: Name) -> str:
    """Return the IRI of the version that was there before any run known to have written one."""
    return digested("version", _digest("outside", *dataset))


def _digest(*what: str) -> str:
    return sha256(canonical_json(["openlineage", *what]))


def place_name(location: str) -> Name | None:
    """Return how a file or folder is called by everybody; None when it is no single one.

    Args:
        location: A path of this machine, or a URL.
    """
    if "; " in location:
        return None
    if location.startswith("/"):
        return Name(FILES, location)
    parts = urlsplit(without_credentials(location))
    if not parts.netloc:
        return None
    scheme = _SPELLINGS.get(parts.scheme, parts.scheme)
    path = parts.path if scheme in _ROOTED else parts.path.lstrip("/")
    return Name(f"{scheme}://{parts.netloc}", path or "/")
