"""What is taken out of an event before anybody keeps it.

Credentials in addresses, values under names of secrets, and mail addresses of owners. All
else stays as it was sent.
"""

from __future__ import annotations

from typing import Any, Final

from lineage_graph.identity import SECRET, is_secret, sha256, without_credentials

_HINTS: Final = ("pass", "secret", "token", "credential", "key", "pwd", "sas", "owner")


def without_secrets(event: Any, text: str) -> Any:
    """Return an event without what nobody may read.

    Args:
        event: The event; it is not changed.
        text: The same as JSON, to see quickly that there is nothing to look for.
    """
    lower = text.lower()
    if "@" in text or "=" in text or any(hint in lower for hint in _HINTS):
        return _cleaned(event)
    return event


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = value.get("name")
    hidden = "value" if isinstance(named, str) and is_secret(named) else None
    return {key: _entry(key, one, key == hidden) for key, one in value.items()}


def _entry(key: str, value: Any, hidden: bool) -> Any:
    if isinstance(value, str):
        return SECRET if hidden or is_secret(key) else without_credentials(value)
    if key == "owners" and isinstance(value, list):
        return [_owner(one) for one in value]
    return _cleaned(value)


def _owner(value: Any) -> Any:
    """Return an owner whose mail address nobody can read; the same one stays the same."""
    cleaned = _cleaned(value)
    if isinstance(cleaned, dict) and "@" in str(cleaned.get("name")):
        cleaned["name"] = f"person-{sha256(cleaned['name'].lower().encode())[:16]}"
    return cleaned
