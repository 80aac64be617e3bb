"""Checks of single values, by name: check digits, addresses, codes of countries.

The work is done by libraries, opened on first use. A declared type names a check: one of
those here, ``stdnum:`` with a module of python-stdnum, or ``docbr:`` with a class of
validate-docbr, so that a new type with a known kind of number needs no Python.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from lineage_graph.errors import DeclarationError, MissingExtra

Check = Callable[[str], bool]

LIBRARIES: Final = (
    "python-stdnum",
    "validate-docbr",
    "phonenumbers",
    "email-validator",
    "pycountry",
)
"""Packages whose release decides what passes."""

REGIONS: Final = ("BR", "US", "GB", "PT", "DE")
"""Where a telephone number without a country code may be from, the likeliest first."""

_WITH_LETTERS: Final = frozenset({"BR", "US", "CA", "AU"})
_REMEMBERED: Final = 8192
_FEWEST_DIGITS: Final = 10
_MOST_DIGITS: Final = 13
_FEWEST_GROUPS: Final = 3
_NOT_A_PHONE = re.compile(
    r"-?\d+\.\d+|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(\s.*)?|\d{4}\s?-\s?\d{4}"
    r"|\d{3}\.\d{3}\.\d{3}-\d{2}|[\d.]{10}/\d{4}-\d{2}"
)
_GROUPS = re.compile(r"\d+")
_SEPARATORS = re.compile(r"[ .\-/]")
_STDNUM: Final = {
    "cpf": "br.cpf",
    "cnpj": "br.cnpj",
    "ssn": "us.ssn",
    "iban": "iban",
    "card": "luhn",
    "imei": "imei",
    "isbn": "isbn",
    "vat": "eu.vat",
}


def fold(text: str) -> str:
    """Return text without case, accents and repeated spaces, to look it up in a list."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(text.casefold().split())


def releases() -> dict[str, str]:
    """Return the release of each library that checks values; ``absent`` for a missing one."""
    return {name: _release(name) for name in LIBRARIES}


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


@cache
def validator(name: str) -> Check:
    """Return a check by its name; it remembers the values it has seen last.

    Raises:
        DeclarationError: There is none of that name.
        MissingExtra: The library that does it is not installed.
    """
    try:
        check = _OWN[name]() if name in _OWN else _library_check(name)
    except ImportError as problem:
        raise MissingExtra(
            f"The check {name!r} needs {problem.name}. Install it with:"
            " pip install 'lineage-graph[spark]'"
        ) from problem
    return lru_cache(maxsize=_REMEMBERED)(_never_raises(check))


def _library_check(name: str) -> Check:
    kind, _, rest = (
        f"stdnum:{_STDNUM[name]}".partition(":") if name in _STDNUM else (name.partition(":"))
    )
    found: Any = None
    if kind == "stdnum" and re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", rest):
        import stdnum

        found = getattr(_module(f"{stdnum.__name__}.{rest}"), "is_valid", None)
    elif kind == "docbr" and rest.isidentifier():
        import validate_docbr

        document = getattr(validate_docbr, rest, None)
        found = document().validate if document else None
    if found is None:
        raise DeclarationError(
            f"there is no check {name!r}; use one of {', '.join(sorted({*_OWN, *_STDNUM}))},"
            " 'stdnum:' with a module of python-stdnum or 'docbr:' with a class of validate-docbr"
        )
    check: Check = found
    return lambda value: check(value) or check(_SEPARATORS.sub("", value))


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


def _never_raises(check: Check) -> Check:
    def safe(value: str) -> bool:
        # A library that stumbles over a strange value has not found it valid.
        try:
            return not _one_character(value) and bool(check(value))
        except Exception:
            return False

    return safe


def _one_character(value: str) -> bool:
    """Tell whether a number only repeats one digit: a placeholder that passes many checks."""
    return len(value) > 1 and value.isdigit() and len(set(value)) == 1


def _email() -> Check:
    from email_validator import EmailNotValidError, validate_email

    def check(value: str) -> bool:
        try:
            validate_email(value, check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError:
            return False
        return True

    return check


def _phone() -> Check:
    import phonenumbers

    def check(value: str) -> bool:
        digits = sum(char.isdigit() for char in value)
        if _NOT_A_PHONE.fullmatch(value) or not 7 <= digits <= 20:
            return False
        bare = value.isdigit()
        grouped = len(_GROUPS.findall(value)) >= _FEWEST_GROUPS
        usual = value[0] in "+(" or (grouped and _FEWEST_DIGITS <= digits <= _MOST_DIGITS)
        if not bare and not usual:
            return False
        regions: tuple[str | None, ...] = (None,) if value[0] == "+" else REGIONS
        return any(_in_region(value, region, bare) for region in regions)

    def _in_region(value: str, region: str | None, bare: bool) -> bool:
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            return False
        test = phonenumbers.is_valid_number if bare else phonenumbers.is_possible_number
        return bool(test(number))

    return check


def _ip() -> Check:
    def check(value: str) -> bool:
        address = value.partition("/")[0]
        if address.count(".") == 3:
            address = address.partition(":")[0]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return False
        return True

    return check


def _mac() -> Check:
    from stdnum import mac

    def check(value: str) -> bool:
        # The check wants separators, which are no part of the address.
        bare = re.sub("[-:.]", "", value)
        return bool(mac.is_valid(":".join(bare[at : at + 2] for at in range(0, len(bare), 2))))

    return check


def _member(names: Callable[[], Iterator[str]]) -> Callable[[], Check]:
    def build() -> Check:
        known = frozenset(fold(name) for name in names())
        return lambda value: fold(value) in known

    return build


def _code(names: Callable[[], Iterator[str]]) -> Callable[[], Check]:
    def build() -> Check:
        known = frozenset(names())
        return lambda value: value in known

    return build


def _translated(domain: str, names: list[str]) -> Iterator[str]:
    import gettext

    import pycountry

    yield from names
    for language in ("pt_BR", "pt"):
        found = gettext.translation(domain, pycountry.LOCALES_DIR, [language], fallback=True)
        yield from (found.gettext(name) for name in names)


def _country_names() -> Iterator[str]:
    import pycountry

    for field in ("name", "common_name", "official_name"):
        named = [getattr(c, field) for c in pycountry.countries if hasattr(c, field)]
        yield from _translated("iso3166-1", named)


def _country_codes() -> Iterator[str]:
    import pycountry

    return (country.alpha_2 for country in pycountry.countries)


def _country_codes_3() -> Iterator[str]:
    import pycountry

    return (country.alpha_3 for country in pycountry.countries)


def _currencies() -> Iterator[str]:
    import pycountry

    return (currency.alpha_3 for currency in pycountry.currencies)


def _subdivisions() -> Iterator[str]:
    import pycountry

    for one in pycountry.subdivisions:
        yield one.code
        yield from (one.name,) if len(one.name) > 3 else ()


def _subdivision_codes() -> Iterator[str]:
    import pycountry

    for one in pycountry.subdivisions:
        country, _, code = one.code.partition("-")
        yield from (code,) if country in _WITH_LETTERS else ()


def _languages() -> Iterator[str]:
    import pycountry

    # Rare languages share their names with people and places.
    common = [one.name for one in pycountry.languages if hasattr(one, "alpha_2")]
    return _translated("iso639-3", common)


def _language_codes() -> Iterator[str]:
    import pycountry

    for one in pycountry.languages:
        if hasattr(one, "alpha_2"):
            yield from (one.alpha_2, one.alpha_3)


_OWN: Final[dict[str, Callable[[], Check]]] = {
    "email": _email,
    "phone": _phone,
    "ip": _ip,
    "mac": _mac,
    "country-name": _member(_country_names),
    "country-code": _code(_country_codes),
    "country-code-3": _code(_country_codes_3),
    "currency": _code(_currencies),
    "subdivision": _member(_subdivisions),
    "subdivision-code": _code(_subdivision_codes),
    "language-name": _member(_languages),
    "language-code": _member(_language_codes),
}
