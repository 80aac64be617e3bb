"""Tells questions that are declared from texts that somebody wrote.

A declared question is ours, whatever its parameters are bound to, and is answered at once;
any other text is put to a process that can be killed.

Source: SPARQL 1.1 Query, section 19.8 (the grammar of terms).
"""

from __future__ import annotations

import re
from typing import Final

from lineage_graph.declarations import Declarations

# Only escapes that cannot end the literal, in whichever order a reader resolves them.
_STRING: Final = r'"(?:[^"\\\n\r]|\\[tnr"\\]|\\u00(?:[01][0-9A-F]|55|75|7F))*"'
_IRI: Final = r'<[^\x00-\x20<>"{}|^`\\]+>'
_TERM: Final = rf"(?:{_IRI}|{_STRING}(?:\^\^{_IRI})?|true|false|-?\d+)"
_BOUND: Final = re.compile(
    rf"^([ \t]*VALUES \?\w+ \{{ )(?:UNDEF|{_TERM}(?: {_TERM})*)( \}}[ \t]*#[ \t]*\w+:.*)$", re.M
)


LONGEST: Final = 512 << 10
"""Characters of a declared question with its values; 2,000 IRIs are a third of it."""


class DeclaredQueries:
    """The texts of all declared questions.

    Args:
        declarations: Where they are.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._texts = {_unbound(query.text) for query in declarations.queries()}

    def has(self, sparql: str) -> bool:
        """Tell whether a text is a declared question, with parameters bound to plain terms.

        One that is bound to more than a client of ours asks about at once passes for another
        text: what it costs has a limit only where it can be stopped.
        """
        return len(sparql) <= LONGEST and _unbound(sparql) in self._texts


def _unbound(sparql: str) -> str:
    return _BOUND.sub(r"\1UNDEF\2", sparql)
