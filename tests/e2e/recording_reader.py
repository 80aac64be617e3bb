"""Asks until it is killed, and says when an answer is half: ``recording_reader.py STORE``."""

from __future__ import annotations

import os
import sys

from lineage_graph.graph import connect


def main(store: str) -> None:
    """Ask for ever; whatever is listed has all that was said with it."""
    with connect(store) as graph:
        while True:
            listed = graph.datasets()
            for row in listed:
                if row["description"] != f"What {row['name']} is.":
                    os.write(1, f"half: {row}\n".encode())
            if listed and not graph.lineage(listed[-1]["name"]).nodes:
                os.write(1, f"no version of {listed[-1]['name']}\n".encode())
            os.write(1, b"asked\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
