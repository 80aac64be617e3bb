"""Questions as people put them: by name, in a file, or as SPARQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lineage_graph.errors import DeclarationError, NotFound
from lineage_graph.query import Queries
from lineage_graph.stores import Rows


def answered(
    queries: Queries,
    free: Callable[[str], Rows],
    question: str | Path,
    parameters: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    """Return the answer to a question; see ``Graph.query``.

    Args:
        queries: Answers what is declared.
        free: Answers what somebody wrote.
        question: Name of a declared query, path of a ``.rq`` file, or SPARQL.
        parameters: Parameters of a declared query.
    """
    text = str(question)
    if isinstance(question, Path) or text.endswith(".rq"):
        text = question_in(Path(text))
    elif not any(character.isspace() for character in text):
        return list(queries.run(text, **parameters))
    return list(free(text))


def question_in(file: Path) -> str:
    """Return the SPARQL in a file.

    Raises:
        NotFound: There is no such file.
        DeclarationError: It cannot be read as text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {str(file)!r}. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            f"{str(file)!r} cannot be read as text: {error}. Give a UTF-8 file of SPARQL."
        ) from error
