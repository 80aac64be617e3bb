"""SQL text read token by token: which functions it calls and what moves its rows.

Tokens and not a syntax tree, because a parser of another house rewrites calls
and refuses what it does not know, and neither may hide a function.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import Token, TokenType, tokenize
from sqlglot.errors import SqlglotError

_CALLED_WITHOUT_BRACKETS = {
    "current_catalog", "current_database", "current_date", "current_schema", "current_time",
    "current_timestamp", "current_timezone", "current_user", "localtime", "localtimestamp",
    "session_user",
}  # fmt: skip
_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_MOVES_ROWS = {
    "join", "group", "group by", "order", "order by", "distinct", "union", "except", "minus",
    "intersect", "over", "distribute", "distribute by", "cluster", "cluster by", "pivot", "lateral",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A function call in SQL text.

    Attributes:
        name: The function's name in lower case.
        arity: How many arguments it has.
        text: The call as written.
    """

    name: str
    arity: int
    text: str


def tokens(text: str) -> list[Token] | None:
    """Return the tokens of Spark SQL, or None when it has a part that is none."""
    try:
        return list(tokenize(text, read="spark"))
    except SqlglotError:
        return None


def calls(text: str) -> tuple[Call, ...]:
    """Return the function calls in SQL text, in order; none when it cannot be read."""
    found = tokens(text) or []
    return tuple(c for i in range(len(found)) if (c := _call_at(text, found, i)) is not None)


def moves_rows(text: str) -> bool:
    """Whether a statement's rows pass through a shuffle, as far as its words say."""
    return any(word in _MOVES_ROWS for word in words(text))


def words(text: str) -> tuple[str, ...]:
    """Return the unquoted words of SQL text in lower case."""
    return tuple(t.text.lower() for t in tokens(text) or [] if not _quoted(text, t))


def _call_at(text: str, found: list[Token], index: int) -> Call | None:
    token = found[index]
    name = token.text.lower()
    if token.token_type is TokenType.STRING or not name:
        return None
    if index + 1 < len(found) and found[index + 1].token_type is TokenType.L_PAREN:
        arity, last = _arguments(found, index + 1)
        return Call(name, arity, " ".join(text[token.start : found[last].end + 1].split()))
    named = index > 0 and found[index - 1].token_type is TokenType.DOT
    if name in _CALLED_WITHOUT_BRACKETS and not named and not _quoted(text, token):
        return Call(name, 0, f"{name}()")
    return None


def _arguments(found: list[Token], opening: int) -> tuple[int, int]:
    """Return how many arguments follow a bracket, and where it is closed."""
    depth, commas = 0, 0
    for index in range(opening, len(found)):
        kind = found[index].token_type
        depth += (kind in _OPEN) - (kind in _CLOSE)
        if depth == 0:
            return (0 if index == opening + 1 else commas + 1), index
        commas += depth == 1 and kind is TokenType.COMMA
    return commas + 1, len(found) - 1


def _quoted(text: str, token: Token) -> bool:
    return token.token_type is TokenType.STRING or text[token.start : token.start + 1] in "`\"'"
