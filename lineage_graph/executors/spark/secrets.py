"""What must not be kept: passwords and keys among the options and the text of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineage_graph.executors.spark.plans import walk
from lineage_graph.identity import without_credentials, without_secrets


def redact(plan: Any) -> Iterator[str]:
    """Take the secrets out of a plan, in place, yielding why it then cannot be replayed.

    A secret that Python code holds cannot be seen.
    """
    for message in list(walk(plan)):
        kind = message.DESCRIPTOR.full_name
        if kind in ("spark.connect.Read.DataSource", "spark.connect.Read.NamedTable"):
            yield from _options(message)
        elif kind == "spark.connect.SQL":
            text = without_credentials(message.query)
            if text != message.query:
                message.query = text
                yield "its SQL holds credentials, which are not kept"


def _options(source: Any) -> Iterator[str]:
    for name, value in without_secrets(source.options).items():
        if source.options[name] != value:
            source.options[name] = value
            yield f"its reader option {name} holds a secret, which is not kept"
