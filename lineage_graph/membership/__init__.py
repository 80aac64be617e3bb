"""Who is in which rows, as keyed hashes in files beside the ledger; never in the graph.

An index of one identifier column says in which rows of one version an identifier occurs,
without holding it: each entry is the first 8 bytes of HMAC-SHA256 under a key of the store,
and of the same HMAC of the row's hash. Without the key a file says nothing about anybody; with
it, whoever knows an identifier can ask for it, so an index is pseudonymised personal data still.

Two identifiers share their first 8 bytes with probability 2**-64. An index over 1e9 rows
names a person who is not in it once in about 2e10 questions.
"""

from __future__ import annotations

from lineage_graph.membership.files import Membership, write
from lineage_graph.membership.key import Key, Keyring

__all__ = ["Key", "Keyring", "Membership", "write"]
