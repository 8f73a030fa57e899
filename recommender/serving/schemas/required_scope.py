"""Fields of responses that only callers with a scope receive, declared once on the field.

The contract of all roles shows the scope as `x-required-scope` and never requires such a field.
What a caller without the scope receives is the response without it; the contract of a role has
the fields that the role receives (`serving.role_contract`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from recommender.security.scopes import Scope

EXTENSION = "x-required-scope"
"""Name of the scope in the contract's schema of a field."""
INCLUDE_EXTENSION = "x-include"
"""Name of the value of `include` in the contract's schema of a field."""


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """Annotation of a field of a `ResponseModel`: the scope needed to receive it."""

    scope: Scope

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The field's schema with the scope."""
        return {**handler(core), EXTENSION: self.scope.value}


@lru_cache(maxsize=64)
def hidden_fields(model: type[BaseModel], scopes: frozenset[Scope]) -> Mapping[str, Any]:
    """The fields that a caller with these scopes does not receive, as pydantic's `exclude`.

    Examples
    --------
    >>> from typing import Annotated
    >>> class Shown(BaseModel):
    ...     name: str
    ...     points: Annotated[float | None, RequiredScope(Scope.EXPLAIN_READ)] = None
    >>> class Shortlist(BaseModel):
    ...     shown: tuple[Shown, ...]
    >>> hidden_fields(Shortlist, frozenset())
    {'shown': {'__all__': {'points': True}}}
    >>> hidden_fields(Shortlist, frozenset({Scope.EXPLAIN_READ}))
    {}
    """
    hidden: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        needed = [each.scope for each in field.metadata if isinstance(each, RequiredScope)]
        if not scopes.issuperset(needed):
            hidden[name] = True
        elif inner := _hidden_within(field.annotation, scopes):
            hidden[name] = inner
    return hidden


def visible_json(response: BaseModel, scopes: frozenset[Scope]) -> bytes:
    """A response as JSON, as a caller with these scopes receives it."""
    # `exclude` accepts any nesting of names, which its type does not say.
    exclude: Any = hidden_fields(type(response), scopes)
    return response.model_dump_json(exclude=exclude).encode()


def _hidden_within(annotation: Any, scopes: frozenset[Scope]) -> Mapping[str, Any]:
    """What is hidden of a nested model, or of the members of a tuple of models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return hidden_fields(annotation, scopes)
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            inner = hidden_fields(part, scopes)
            is_listed = get_origin(annotation) in (tuple, list)
            return {"__all__": inner} if inner and is_listed else inner
    return {}
