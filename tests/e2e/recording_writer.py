"""Registers datasets as fast as it can until it is killed: ``recording_writer.py STORE NAME``.

Each name is printed when, and only when, the graph has acknowledged it.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from lineage_graph.graph import connect


def main(store: str, name: str) -> None:
    """Record for ever: each dataset has a source of its own, kept as a copy."""
    sources = Path(store).with_name(f"sources-{name}")
    sources.mkdir(exist_ok=True)
    with connect(store) as graph:
        for number in itertools.count():
            title = f"{name}-{number}"
            source = sources / f"{title}.csv"
            source.write_text(f"name,number\n{title},{number}\n")
            graph.dataset(title, source, owner=name, description=f"What {title} is.")
            os.write(1, f"{title}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
