"""What steps leave of personal data, and what that makes of a dataset or model, as declared.

All of it is read from ``ontology/privacy-rules.ttl``; nothing here knows an effect by name
but the few that say between which things a step goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

from lineage_graph.declarations import Declarations
from lineage_graph.privacy.types import Rows, SemanticTypes

GROUP: Final = 1
"""Rank of what says something of a group; above it are rows about one person."""
INFERENCE: Final = "Inference"
_RULE: Final = "privacy-rule:"
_DATASETS: Final = "lg:DatasetRule"


@dataclass(frozen=True)
class Fact:
    """What a column is known to hold, as it travels.

    Attributes:
        semantic_type: IRI of what was found where it began; None for what has no type.
        categories: IRIs of the categories it is now.
        rank: Of its role now.
        label: Status of the label where it began.
        rule: IRI of the last rule that counted.
        inferred: Whether a model made it up.
        alone: It says nothing of persons until something beside it does.
        unexamined: Nobody looked: it may be anything. Nothing else of it is known then.
        row: Only that the row is about a person; it is held by no column.
    """

    semantic_type: str | None = None
    categories: tuple[str, ...] = ()
    rank: int = 0
    label: str | None = None
    rule: str = ""
    inferred: bool = False
    alone: bool = False
    unexamined: bool = False
    row: bool = False

    @property
    def held(self) -> bool:
        """Whether a column holds it."""
        return not (self.unexamined or self.row)


class ColumnRule(NamedTuple):
    """What one effect leaves of one role; ``small`` is None where any domain will do."""

    iri: str
    order: int
    left: int
    small: bool | None
    category: str | None


@dataclass
class StatusRule:
    """What has to be so that a dataset or a model has a status.

    Attributes:
        iri: The rule.
        status: Term of the status.
        why: What is to be said of it.
        ranks: Of the most identifying role; empty for any.
        effects: Terms of what was done to the training data; empty for anything.
        sources: Terms of the statuses of training data; empty for any.
        group: What the smallest group has to be; None for anything.
        assessed: The outcome that has to be recorded; None for any.
        unexamined: Whether not every column was looked at.
        values: Whether a fitted step keeps values.
    """

    iri: str
    status: str
    why: str
    group: str | None
    assessed: str | None
    unexamined: bool
    values: bool
    ranks: set[int] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


class Effects:
    """The declared rules, read once.

    Args:
        declared: Answers queries over ``ontology/``.
        declarations: Where terms meet IRIs.
        types: The semantic types.
    """

    def __init__(self, declared: Rows, declarations: Declarations, types: SemanticTypes) -> None:
        self._rows = declared.rows
        self._declarations = declarations
        self._iri = declarations.iri
        self._types = types
        self.label, self.kept, self.beside, self.untraced, self.synthesis = (
            declarations.iri(f"{_RULE}{name}")
            for name in ("label", "kept", "about-the-same-person", "untraced", "synthesis")
        )

    def _term(self, iri: Any) -> str:
        return self._declarations.term(str(iri)).removeprefix("lg:")

    @cached_property
    def _named(self) -> tuple[Any, ...]:
        return tuple(self._rows("privacy/roles"))

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """Term of a role to its rank."""
        named = self._named
        return {self._term(r["node"]): r["rank"] for r in named if r["rank"] is not None}

    @cached_property
    def roles(self) -> Mapping[int, str]:
        """Rank to the term of the role."""
        return {rank: role for role, rank in self.ranks.items()}

    @cached_property
    def english(self) -> Mapping[str, str]:
        """Terms of roles and statuses to what people call them."""
        return {self._term(r["node"]): r["name"] for r in self._named if r["language"] == "en"}

    @cached_property
    def least_group(self) -> int:
        """Fewest rows of a group for a claim to be anonymous; of several the greatest."""
        return max(int(row["least"]) for row in self._rows("privacy/policy"))

    @cached_property
    def keepers(self) -> frozenset[str]:
        """Names of classes of which a fitted one keeps values of its training data."""
        return frozenset(row["name"] for row in self._rows("privacy/value_keepers"))

    def harmless(self, semantic_type: str) -> bool:
        """Tell whether a type is declared, and says nothing about persons."""
        one = self._declared_types.get(semantic_type)
        return one is not None and not self.ranks[one.role]

    @cached_property
    def _declared_types(self) -> Mapping[str, Any]:
        return {one.iri: one for one in self._types.all()}

    @cached_property
    def attribute(self) -> int:
        """Rank of what says something about a person without leading to them."""
        return self.ranks["PersonalAttribute"]

    def begun(self, semantic_type: str, status: str) -> Fact | None:
        """Return what a label says of a column; None when that is nothing about persons.

        A type that no file declares any more is taken for something about a person: what
        was found once is not forgotten because a declaration is missing.
        """
        one = self._declared_types.get(semantic_type)
        if one is None:
            return Fact(semantic_type, (), self.attribute, status, self.label)
        rank = self.ranks[one.role]
        if not rank:
            return None
        return Fact(
            semantic_type,
            tuple(sorted(one.categories)),
            rank,
            status,
            self.label,
            alone=one.needs_context,
        )

    @property
    def unexamined(self) -> Fact:
        """What is said of a column that nobody looked at."""
        return Fact(unexamined=True)

    @property
    def in_a_row(self) -> Fact:
        """What is said of any column of a row about a person."""
        return Fact(row=True, rank=self.attribute, rule=self.beside)

    @property
    def given_back(self) -> Fact:
        """What is said of something that a model made that learnt from persons."""
        return Fact(rank=self.attribute, rule=self.synthesis)

    def predicted(self, fact: Fact) -> Fact | None:
        """Return what a column holds that predicts a column."""
        if not fact.held:
            return None
        (rule,) = {r for r in self._of_effect(INFERENCE) if r.left == self.attribute}
        categories = {*fact.categories, *([rule.category] if rule.category else [])}
        return replace(
            fact,
            categories=tuple(sorted(categories)),
            rank=min(fact.rank, self.attribute),
            rule=rule.iri,
            inferred=True,
        )

    def untraced_from(self, fact: Fact) -> Fact:
        """Return what a column may hold if it is not known which column it came from."""
        return replace(fact, rule=self.untraced)

    def in_context(self, fact: Fact) -> Fact:
        """Return what something is beside a column that shows that rows are about persons."""
        return replace(fact, alone=False, rule=self.beside)

    def telling(self, fact: Fact) -> bool:
        """Tell whether values are personal data even apart from their rows."""
        one = self._declared_types.get(fact.semantic_type or "")
        return fact.held and (one is None or not one.needs_context)

    def after(self, fact: Fact, kinds: Collection[str]) -> Fact | None:
        """Return what a step of some kinds leaves; None when nothing about persons is left."""
        if fact.row:
            return self._inferred(fact) if INFERENCE in kinds else None
        if fact.unexamined:
            gone = any(not r.left for kind in kinds for r in self._of_effect(kind))
            return None if gone else fact
        left = fact
        for order in self._orders:
            left = self._at(order, left, kinds)
            if not left.rank:
                return None
        if left == fact and fact.rule == self.label:
            return replace(fact, rule=self.kept)
        return left

    def _inferred(self, fact: Fact) -> Fact:
        (rule,) = {r for r in self._of_effect(INFERENCE) if r.left == self.attribute}
        categories = (rule.category,) if rule.category else ()
        return Fact(None, categories, rule.left, None, rule.iri, inferred=True)

    def _at(self, order: int, fact: Fact, kinds: Collection[str]) -> Fact:
        """Return what is left after the rules of one order: of several what leaves the most."""
        small = self._small(fact.semantic_type)
        applied = [
            (rule, kind)
            for kind in kinds
            for rule in self._column_rules.get((kind, fact.rank), ())
            if rule.order == order and rule.small in (None, small)
        ]
        if not applied:
            return fact
        rule, kind = max(applied, key=lambda one: (one[0].left, one[0].iri))
        if rule.category:
            return Fact(
                None,
                (rule.category,),
                rule.left,
                fact.label,
                rule.iri,
                inferred=True,
                alone=fact.alone,
            )
        changed = {self._broader.get((kind, one), one) for one in fact.categories}
        return replace(fact, categories=tuple(sorted(changed)), rank=rule.left, rule=rule.iri)

    def _small(self, semantic_type: str | None) -> bool:
        """Whether all values can be tried out; what is not known is taken to be so."""
        one = self._declared_types.get(semantic_type or "")
        return one.small_domain if one else True

    @cached_property
    def _column_rules(self) -> Mapping[tuple[str, int], list[ColumnRule]]:
        rules: dict[tuple[str, int], list[ColumnRule]] = {}
        for row in self._rows("privacy/column_rules"):
            key = self._term(row["effect"]), self.ranks[self._term(row["role"])]
            category = str(row["category"]) if row["category"] else None
            left = self.ranks[self._term(row["left"])]
            rule = ColumnRule(str(row["rule"]), row["order"], left, row["small"], category)
            rules.setdefault(key, []).append(rule)
        return rules

    def _of_effect(self, effect: str) -> set[ColumnRule]:
        return {r for (kind, _), some in self._column_rules.items() if kind == effect for r in some}

    @cached_property
    def _orders(self) -> list[int]:
        return sorted({rule.order for some in self._column_rules.values() for rule in some})

    @cached_property
    def _broader(self) -> Mapping[tuple[str, str], str]:
        return {
            (self._term(row["effect"]), str(row["before"])): str(row["after"])
            for row in self._rows("privacy/category_rules")
        }

    @cached_property
    def _status_rules(self) -> tuple[list[StatusRule], list[StatusRule]]:
        """The rules for datasets and those for models, in their order."""
        found: tuple[dict[str, StatusRule], dict[str, StatusRule]] = ({}, {})
        datasets = self._iri(_DATASETS)
        for row in self._rows("privacy/status_rules"):
            iri = str(row["rule"])
            rule = found[str(row["class"]) != datasets].setdefault(
                iri,
                StatusRule(
                    iri,
                    self._term(row["status"]),
                    row["why"],
                    row["group"],
                    row["assessed"],
                    bool(row["unexamined"]),
                    bool(row["values"]),
                ),
            )
            if row["role"]:
                rule.ranks.add(self.ranks[self._term(row["role"])])
            if row["effect"]:
                rule.effects.add(self._term(row["effect"]))
            if row["source_status"]:
                rule.sources.add(self._term(row["source_status"]))
        return list(found[0].values()), list(found[1].values())

    def dataset_rule(
        self, rank: int, group: str, assessed: str | None, unexamined: bool
    ) -> StatusRule:
        """Return the first rule that fits a dataset.

        Args:
            rank: Of the most identifying role in it; 0 when nothing is about persons.
            group: ``below``, ``at least`` or ``not recorded``: the size of its groups.
            assessed: Outcome of the last assessment.
            unexamined: Whether not every column was looked at.
        """
        return next(
            rule
            for rule in self._status_rules[0]
            if (not rule.ranks or rank in rule.ranks)
            and rule.group in (None, group)
            and rule.assessed in (None, assessed)
            and (unexamined or not rule.unexamined)
        )

    @property
    def model_rules(self) -> list[StatusRule]:
        """The rules for models, in their order."""
        return self._status_rules[1]
