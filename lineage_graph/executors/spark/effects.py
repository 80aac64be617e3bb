"""When a call has the effect on privacy that is declared for its function.

``substring(cpf, 1, 3)`` leaves a part of the number and ``substring(cpf, 1, 11)`` all of
it: what is constant among the arguments decides. Where that cannot be told, a call has
no effect, and its result counts as the value itself: a doubt never makes data less personal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

FEW: Final = 6
"""Characters that may stay of a value that is said to be masked: less than any identifier."""
_HIDING: Final = frozenset("*#xX•█")
_COARSE: Final = frozenset(
    ("year", "yyyy", "yy", "quarter", "month", "mon", "mm", "week", "decade", "century")
)


@dataclass(frozen=True)
class Constant:
    """An argument that is the same for every row.

    Attributes:
        value: Its value; None for null.
    """

    value: Any


@dataclass(frozen=True)
class Quotient:
    """An argument that is divided by a number.

    Attributes:
        divisor: The number.
    """

    divisor: float


Arguments = Sequence[Any]
"""A :class:`Constant`, a :class:`Quotient`, or None for any other argument."""


def takes_effect(where: str, arguments: Arguments) -> bool:
    """Tell whether a call does what is declared.

    Args:
        where: The declared condition (``lg:effectWhere``); empty for always.
        arguments: Those of the call.
    """
    condition = _CONDITIONS.get(where)
    return condition(arguments) if condition is not None else not where


def _constant(argument: Any) -> Any:
    return argument.value if isinstance(argument, Constant) else None


def _number(argument: Any) -> int | None:
    value = _constant(argument)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _few_stay(arguments: Arguments) -> bool:
    number = _number(arguments[-1]) if len(arguments) > 1 else None
    return number is not None and 0 <= number <= FEW


def _few_last_stay(arguments: Arguments) -> bool:
    number = _number(arguments[-1])
    return number is not None and -FEW <= number < 0


def _hides(arguments: Arguments) -> bool:
    texts = [_constant(a) for a in arguments[1:]]
    return any(isinstance(text, str) and _HIDING & set(text) for text in texts)


def _replaces_all(arguments: Arguments) -> bool:
    """Whether letters and digits go; what is none of them stays by default (``mask``)."""
    return all(isinstance(_constant(a), str) for a in arguments[1:4])


def _coarse(arguments: Arguments) -> bool:
    return any(str(_constant(a)).lower() in _COARSE for a in arguments)


def _less_than_ones(arguments: Arguments) -> bool:
    number = _number(arguments[-1]) if len(arguments) > 1 else None
    return number is not None and number < 0


def _divided(arguments: Arguments) -> bool:
    first = arguments[0] if arguments else None
    return isinstance(first, Quotient) and abs(first.divisor) >= 2


def _results_constant(arguments: Arguments) -> bool:
    """Whether what a CASE gives is constant: after each condition, and at the end."""
    results = [a for at, a in enumerate(arguments) if at % 2 or at == len(arguments) - 1]
    return all(isinstance(a, Constant) for a in results)


_CONDITIONS: Final[Mapping[str, Callable[[Arguments], bool]]] = {
    "few characters stay": _few_stay,
    "few last characters stay": _few_last_stay,
    "a hiding character is put in": _hides,
    "letters and digits are replaced": _replaces_all,
    "the unit is a week or longer": _coarse,
    "digits before the point are rounded": _less_than_ones,
    "a number is divided first": _divided,
    "the results are constants": _results_constant,
}
CONDITIONS: Final = frozenset(_CONDITIONS)
"""What ``lg:effectWhere`` can say."""
