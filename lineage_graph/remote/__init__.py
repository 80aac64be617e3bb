"""A graph that lives on a server: its ledger, its store and its artifacts behind HTTP.

Each module implements a seam that has a local side too, so whoever uses it does not know
where the graph is. The server's side of the same routes is in ``server/``.
"""
