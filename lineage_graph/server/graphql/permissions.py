"""The one place that asks whether somebody may use a field.

Every field of the roots is made by :func:`needing`; the route itself asks for ``read``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from lineage_graph.errors import PolicyRefused
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import COST, F

SECRET: Final = "identities"
"""Name of every argument that says who a person is."""


class Needs(FieldExtension):
    """Lets only those use a field who have a permission.

    Attributes:
        permission: Its name.
    """

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **given: Any) -> Any:
        """Ask, then go on.

        Raises:
            PolicyRefused: The permission is lacking.
        """
        if not info.context.principal.may(self.permission):
            raise PolicyRefused(
                f"{info.field_name} needs the permission {self.permission!r}, which you do not "
                "have. Ask whoever administers this server."
            )
        info.context.require_time()
        return next_(source, info, **given)

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Info, **given: Any
    ) -> Any:
        """Ask, then go on; raises as :meth:`resolve` does."""
        return await self.resolve(next_, source, info, **given)


def needing(permission: str, description: str, cost: int = 1) -> Callable[[F], F]:
    """Return what makes a method a field of a root.

    Args:
        permission: Who may use it.
        description: For people.
        cost: How many plain objects it is as dear as.
    """
    needed: list[FieldExtension] = [Needs(permission)]
    made = strawberry.field(description=description, extensions=needed, metadata={COST: cost})
    return cast(Callable[[F], F], made)


def following(permission: str, description: str) -> Callable[[F], F]:
    """Return what makes a method a field of ``Subscription``.

    Args:
        permission: Who may follow it.
        description: For people.
    """
    needed: list[FieldExtension] = [Needs(permission)]
    made = strawberry.subscription(description=description, extensions=needed)
    return cast(Callable[[F], F], made)


def permission_of(field: StrawberryField) -> str | None:
    """Return the permission a field asks for; None when it asks for none."""
    needs = [one.permission for one in field.extensions if isinstance(one, Needs)]
    return needs[0] if needs else None
