"""What a question may contain: it reads, and it reads only here.

Oxigraph's SPARQL has no switch for SERVICE, a nest of some thousand brackets ends the process,
and a path of some hundred steps is planned for minutes, so the text is looked at before any
engine sees it.

Sources: SPARQL 1.1 Query, sections 13.2 and 19; SPARQL 1.1 Update, section 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineage_graph.errors import DeclarationError, PolicyRefused

_DEEPEST = 100
_LONGEST_PATH = 100
_LONGEST = 4_000_000
_CODEPOINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_TOKEN = re.compile(
    r"""
    (?P<iri><[^\x00-\x20<>"{}|^`\\]*>)
  | (?P<comment>\#[^\n\r]*)
  | (?P<string>'''(?:(?:'|'')?(?:[^'\\]|\\.))*'''
      | \"\"\"(?:(?:"|"")?(?:[^"\\]|\\.))*\"\"\"
      | '(?:[^'\\\n\r]|\\.)*' | "(?:[^"\\\n\r]|\\.)*")
  | (?P<variable>[?$]\w+)
  | (?P<name>[\w.-]*:(?:[\w.:-]|%[0-9A-Fa-f]{2}|\\.)*)
  | (?P<word>[A-Za-z]+)
  | (?P<step>/|(?<!\|)\|(?!\|))
  | (?P<open>[({\[])
  | (?P<close>[)}\]])
    """,
    re.X | re.S,
)
_UPDATES = frozenset(
    ("INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH")
)
_FORMS = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))


@dataclass(frozen=True)
class Question:
    """What a question says about the graphs it asks.

    Attributes:
        names_graphs: Whether GRAPH occurs in it.
        default: Bundles named by FROM.
        named: Bundles named by FROM NAMED.
    """

    names_graphs: bool
    default: tuple[str, ...]
    named: tuple[str, ...]


def require_question(sparql: str) -> Question:
    """Refuse text that is not a question about this store.

    Raises:
        PolicyRefused: For an update, SERVICE, and FROM with an address on a network.
        DeclarationError: For text too long or too deeply nested to be parsed safely, and
            for paths too long to be planned.
    """
    if len(sparql) > _LONGEST:
        raise DeclarationError(f"the query has {len(sparql)} characters; at most {_LONGEST}")
    words: list[str] = []
    graphs: dict[str, list[str]] = {"FROM": [], "NAMED": []}
    depth = steps = 0
    for token in _TOKEN.finditer(_CODEPOINT.sub(_character, sparql)):
        kind, text = token.lastgroup, token[0]
        if kind == "open":
            depth += 1
            _require_shallow(depth)
        elif kind == "close":
            depth -= 1
        elif kind == "step":
            steps += 1
            _require_short(steps)
        elif kind == "word":
            words.append(text.upper())
            _require_local(words)
        elif kind in ("iri", "name"):
            if words[-1:] == ["FROM"] or words[-2:] == ["FROM", "NAMED"]:
                graphs[words[-1]].append(_own_graph(text))
            words.append("")
    return Question("GRAPH" in words, tuple(graphs["FROM"]), tuple(graphs["NAMED"]))


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    if code > 0x10FFFF:
        raise DeclarationError(f"the query holds {found[0]}, which is no character")
    return chr(code)


def _require_shallow(depth: int) -> None:
    if depth > _DEEPEST:
        raise DeclarationError(
            f"the query nests brackets more than {_DEEPEST} deep; write it flatter,"
            " a long OR as FILTER(?x IN (...))"
        )


def _require_short(steps: int) -> None:
    # The engine's plans take time with the cube of the steps, before it answers anything.
    if steps > _LONGEST_PATH:
        raise DeclarationError(
            f"the paths of the query have more than {_LONGEST_PATH} steps; ask in parts, or"
            " for any number of steps with + or *"
        )


def _require_local(words: list[str]) -> None:
    if words[-1] == "SERVICE":
        raise PolicyRefused("SERVICE asks another server; a query may only read this graph")
    if words[-1] in _UPDATES and _FORMS.isdisjoint(words):
        raise PolicyRefused(
            f"{words[-1]} changes the graph; a query only reads, and what is recorded is"
            " only ever added to through the ledger"
        )


def _own_graph(text: str) -> str:
    if not text.startswith("<urn:"):
        raise PolicyRefused(
            f"FROM {text} may read from a network; name a bundle of this graph as <urn:...>"
        )
    return text[1:-1]
