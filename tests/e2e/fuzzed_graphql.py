"""What schemathesis checks of an answer of GraphQL, in place of its own check.

Its own takes every error of a field for a failure of the server. Ours refuses in this way what a
schema cannot rule out, such as a name that nothing has; those refusals say their code. What failed
unexpectedly has a number, under which the log knows more.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.check
def fails_nowhere(ctx: Any, response: Any, case: Any) -> None:
    """Fail for a status from 500 on, and for an error that is no refusal."""
    assert response.status_code < 500, response.status_code
    for error in response.json().get("errors", ()):
        said = error.get("extensions", {})
        assert "request" not in said, error
        assert "path" not in error or said.get("code"), error
