"""The licence algebra as it is declared: how far a licence travels, and what it says there.

All of it is read from ``ontology/`` by the queries of ``queries/licensing``; nothing here
knows a licence, a family or a kind by name, but one: a kind of derivation that the table
does not know is taken for a transformation, and somebody has to look.

How much of a source is left in something made from it is one of four levels, a chain:
copy > adapted > results > no reach. Along a path the least of its steps counts, over all
paths the greatest: the widest path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord

Use = Literal["share", "commercial"]
USES: Final[tuple[Use, ...]] = ("share", "commercial")
Verdict = Literal[
    "permitted", "permitted-with-duties", "review", "unknown", "conflict", "prohibited"
]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "permitted",
    "permitted-with-duties",
    "review",
    "unknown",
    "conflict",
    "prohibited",
)
"""From the freest to the strictest: of several reasons the strictest is the verdict."""

COPY: Final = 3
ADAPTED: Final = 2
RESULTS: Final = 1
NO_REACH: Final = 0

UNKNOWN_KIND: Final = "Transform"
_ANY_FAMILY: Final = "lg:AnyFamily"

Kinds = tuple[str, ...]


class Rows(Protocol):
    """Answers declared queries over ``ontology/``."""

    def rows(self, name: str) -> list[Any]:
        """Return the rows of a named query."""
        ...


@dataclass(frozen=True)
class Policy:
    """Which reading of an unsettled question is taken.

    Attributes:
        name: ``permissive``, ``balanced`` or ``conservative``.
        rank: From the freest reading, 1, to the strictest.
    """

    name: str
    rank: int


@dataclass(frozen=True)
class Reading:
    """One row of the propagation table under one policy.

    Attributes:
        row: IRI of the row.
        kind: Term of the derivation kind.
        family: IRI of the licence family; the fallback's for any other.
        level: What is left of the source, 0 to 3.
        certainty: Term of how settled the row is.
        source: Where the reading comes from.
        why: What speaks for it.
    """

    row: str
    kind: str
    family: str
    level: int
    certainty: str
    source: str | None
    why: str | None

    @property
    def label(self) -> str:
        """How the row is called, such as ``Training x Any``."""
        return f"{self.kind} x {self.family.rpartition('#')[2].removesuffix('Family')}"


@dataclass(frozen=True)
class Term:
    """What a licence demands, prohibits or permits at one level.

    Attributes:
        modality: ``duty``, ``prohibition`` or ``permission``.
        action: Term or IRI of the action.
        label: The action in English.
        section: Of the licence's text.
        certainty: Term of how settled it is.
    """

    modality: str
    action: str
    label: str
    section: str | None
    certainty: str | None


@dataclass(frozen=True)
class Ruling:
    """What a licence decides about one use at one level.

    Attributes:
        verdict: The verdict.
        why: In words.
        action: Term or IRI of the action it is about; None when there is none.
        section: Of the licence's text.
    """

    verdict: Verdict
    why: str
    action: str | None
    section: str | None


@dataclass(frozen=True)
class Act:
    """A kind of derivation that is itself a use which a licence does not allow.

    Attributes:
        kind: Term of the derivation kind.
        level: How much of the source must have gone in, at least 2.
        use: Which later use is in question.
        verdict: What is to be said of it.
        action: Term or IRI of the action that is prohibited.
        section: Of the licence's text.
    """

    kind: str
    level: int
    use: Use
    verdict: Verdict
    action: str
    section: str | None


class Algebra:
    """The declared algebra, read once.

    Args:
        declared: Answers queries over ``ontology/``.
        declarations: Where terms meet IRIs.
    """

    def __init__(self, declared: Rows, declarations: Declarations) -> None:
        self._rows = declared.rows
        self._term = declarations.term
        self._any = declarations.iri(_ANY_FAMILY)
        self._strengths: dict[tuple[str, str, Kinds], int] = {}

    @cached_property
    def levels(self) -> dict[int, str]:
        """Level to its name, such as 2 to ``Adapted``."""
        return {row["rank"]: self._name(row["level"]) for row in self._rows("licensing/levels")}

    @cached_property
    def _share_actions(self) -> dict[int, str]:
        return {row["rank"]: self._name(row["share"]) for row in self._rows("licensing/levels")}

    @cached_property
    def notice_roles(self) -> dict[str, str]:
        """What doing an action adds to a notice: action to ``credit``, ``changes`` ..."""
        found = self._rows("licensing/actions")
        return {self._name(row["action"]): row["role"] for row in found if row["role"]}

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """The policies, the freest first."""
        found = {(row["rank"], row["policy"]) for row in self._rows("licensing/propagation")}
        return tuple(Policy(name, rank) for rank, name in sorted(found))

    def policy(self, name: str) -> Policy:
        """Return a policy by its name.

        Raises:
            InvalidRecord: There is none; those there are, are named.
        """
        for policy in self.policies:
            if policy.name == name:
                return policy
        known = ", ".join(policy.name for policy in self.policies)
        raise InvalidRecord(f"There is no policy {name!r}. Use one of: {known}.")

    @cached_property
    def _table(self) -> dict[tuple[str, str, str], Reading]:
        return {
            (row["policy"], kind, str(row["family"])): Reading(
                str(row["row"]),
                kind,
                str(row["family"]),
                row["level"],
                self._name(row["certainty"]),
                row["source"],
                row["why"],
            )
            for row in self._rows("licensing/propagation")
            for kind in [self._term(str(row["kind"]))]
        }

    @cached_property
    def known_kinds(self) -> frozenset[str]:
        """Terms of the derivation kinds that the table knows."""
        return frozenset(kind for _, kind, _ in self._table)

    def reading(self, policy: Policy, family: str, kind: str) -> Reading:
        """Return the row for a kind: the family's own, else that of any family."""
        known = kind if kind in self.known_kinds else UNKNOWN_KIND
        own = self._table.get((policy.name, known, family))
        return own or self._table[policy.name, known, self._any]

    def readings(self, policy: Policy, family: str, kinds: Kinds) -> list[Reading]:
        """Return the rows for a step that did several things."""
        return [self.reading(policy, family, kind) for kind in kinds or (UNKNOWN_KIND,)]

    def strength(self, policy: Policy, family: str, kinds: Kinds) -> int:
        """Return what a step leaves of a source: the least of all it did."""
        key = (policy.name, family, kinds)
        if key not in self._strengths:
            readings = self.readings(policy, family, kinds)
            self._strengths[key] = min(reading.level for reading in readings)
        return self._strengths[key]

    def strengths(self, policy: Policy, family: str, kind_sets: Sequence[Kinds]) -> tuple[int, ...]:
        """Return the strength of each set of kinds."""
        return tuple(self.strength(policy, family, kinds) for kinds in kind_sets)

    def unknown_kinds(self, kinds: Kinds) -> bool:
        """Tell whether a step did something that the table does not know."""
        return not kinds or not self.known_kinds.issuperset(kinds)

    @cached_property
    def _terms(self) -> Mapping[tuple[str, int], tuple[Term, ...]]:
        labels = {str(row["action"]): row["english"] for row in self._rows("licensing/actions")}
        return _grouped(
            (
                (str(row["license"]), row["rank"]),
                Term(
                    row["modality"],
                    self._name(row["action"]),
                    labels.get(str(row["action"]), self._name(row["action"])),
                    row["section"],
                    self._name(row["certainty"]),
                ),
            )
            for row in self._rows("licensing/terms")
        )

    def terms(self, license_: str, level: int) -> tuple[Term, ...]:
        """Return what a licence says where this much of its source is left."""
        return self._terms.get((license_, level), ())

    def silent(self, license_: str, level: int) -> bool:
        """Tell whether a licence says nothing of sharing what has this much of its source."""
        share = self._share_actions[level]
        return not any(
            (term.modality, term.action) == ("permission", share)
            for term in self.terms(license_, level)
        )

    @cached_property
    def _rulings(self) -> Mapping[tuple[str, int, str], tuple[Ruling, ...]]:
        return _grouped(
            (
                (str(row["license"]), row["rank"], row["use"]),
                Ruling(row["verdict"], row["why"], self._name(row["action"]), row["section"]),
            )
            for row in self._rows("licensing/verdicts")
        )

    def rulings(self, license_: str, level: int, use: Use) -> tuple[Ruling, ...]:
        """Return what stands in the way of a use; nothing when the licence permits it."""
        return self._rulings.get((license_, level, use), ())

    @cached_property
    def _acts(self) -> Mapping[str, tuple[Act, ...]]:
        return _grouped(
            (
                str(row["license"]),
                Act(
                    self._term(str(row["kind"])),
                    row["rank"],
                    row["use"],
                    row["verdict"],
                    self._name(row["action"]),
                    row["section"],
                ),
            )
            for row in self._rows("licensing/acts")
        )

    def acts(self, license_: str) -> tuple[Act, ...]:
        """Return the acts that a licence does not allow on its source."""
        return self._acts.get(license_, ())

    @cached_property
    def acting_kinds(self) -> frozenset[str]:
        """Terms of the derivation kinds that are an act which some licence does not allow."""
        return frozenset(act.kind for acts in self._acts.values() for act in acts)

    @cached_property
    def _outbound(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped(
            (str(row["license"]), str(row["outbound"])) for row in self._rows("licensing/outbound")
        )

    def outbound(self, licenses: Collection[str]) -> frozenset[str] | None:
        """Return the licences under which something may be shared that adapts all of these.

        Args:
            licenses: IRIs of the adapted sources' licences.

        Returns:
            IRIs; None when nothing is adapted, so that nothing is restricted.
        """
        allowed = [frozenset(self._outbound.get(one, ())) for one in licenses]
        return frozenset.intersection(*allowed) if allowed else None

    @cached_property
    def _passing_on(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped(
            (str(row["license"]), str(row["outbound"]))
            for row in self._rows("licensing/passing_on")
        )

    def passing_on(self, license_: str) -> frozenset[str]:
        """Return the IRIs of the licences under which a copy under a licence may go on."""
        return frozenset(self._passing_on.get(license_, ()))

    @cached_property
    def _consequences(self) -> dict[tuple[str, int], tuple[str, str]]:
        return {
            (str(row["revocability"]), row["rank"]): (self._name(row["remedy"]), row["english"])
            for row in self._rows("licensing/consequences")
        }

    def consequence(self, revocability: str, level: int) -> tuple[str, str]:
        """Return the remedy and its sentence for when a licence ends."""
        return self._consequences[revocability, level]

    def name(self, iri: str) -> str:
        """Return what a person reads for an IRI of ``ontology/rights.ttl``."""
        return self._name(iri).removesuffix("Family")

    def _name(self, iri: Any) -> str:
        return self._term(str(iri)).removeprefix("lg:") if iri is not None else ""


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strictest of some verdicts; without any, it is permitted."""
    return max(verdicts, key=VERDICTS.index, default="permitted")


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, tuple[Any, ...]]:
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}
