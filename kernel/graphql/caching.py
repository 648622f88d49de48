"""For how long what a schema shows may be kept by whoever is between us and a reader: Apollo's `@cacheControl`."""

from __future__ import annotations

from typing import Final

import strawberry
from strawberry.schema_directive import Location


@strawberry.federation.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="cacheControl",
    compose=True,
    import_url="https://storegraph.dev/cache/v1.0",
    description="For how long a type or field may be kept, in seconds; what inherits, for as long as what holds it.",
)
class CacheControl:
    """For how long something may be kept."""

    max_age: int | None = strawberry.directive_field(name="maxAge", default=strawberry.UNSET)
    inherit_max_age: bool | None = strawberry.directive_field(name="inheritMaxAge", default=strawberry.UNSET)


INHERITED: Final = CacheControl(inherit_max_age=True)
"""As long as what holds it."""
