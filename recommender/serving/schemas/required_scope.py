"""Fields of responses that not every caller receives, declared once on the field.

A field may need a scope (`RequiredScope`, in the contract `x-required-scope`), or have to be asked
for with the parameter `include` (`IncludedWith`, in the contract `x-include`), or both. What a
caller receives is the response without the other fields. The contract of all roles never requires
such a field; the contract of a role has the fields that the role receives and requires those that
need not be asked for (`serving.role_contract`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from recommender.security.scopes import Scope

EXTENSION = "x-required-scope"
"""Name of the scope in the contract's schema of a field."""
SCOPES_EXTENSION = "x-required-scopes"
"""Scopes by value, in the contract's schema of the parameter `include`."""
INCLUDE_EXTENSION = "x-include"
"""Name of the value of `include` in the contract's schema of a field."""


class Included(StrEnum):
    """Values of the parameter `include`: parts of a recommendation that are sent on request."""

    FACTS = "facts"
    EXCLUSIONS = "exclusions"
    RELAXATIONS = "relaxations"
    CONTRIBUTIONS = "contributions"
    UNANSWERED = "unanswered"


NOTHING: frozenset[Included] = frozenset()
EVERYTHING = frozenset(Included)


def is_unknown(value: object) -> bool:
    """`exclude_if` of members that most entries of a list lack: absent rather than null.

    The member needs the default None, by which stored responses are read.
    """
    return value is None


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """Annotation of a field of a `ResponseModel`: the scope needed to receive it."""

    scope: Scope

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The field's schema with the scope."""
        return {**handler(core), EXTENSION: self.scope.value}


@dataclass(frozen=True, slots=True)
class IncludedWith:
    """Annotation of a field, which must have a default: the value of `include` that asks for it."""

    name: Included

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The field's schema with the value."""
        return {**handler(core), INCLUDE_EXTENSION: self.name.value}


@lru_cache(maxsize=1024)
def hidden_fields(
    model: type[BaseModel], scopes: frozenset[Scope], included: frozenset[Included] = NOTHING
) -> Mapping[str, Any]:
    """The fields that a caller does not receive, as pydantic's `exclude`.

    Parameters
    ----------
    scopes
        The scopes of the caller.
    included
        What the caller asked for with `include`.

    Examples
    --------
    >>> from typing import Annotated
    >>> class Shown(BaseModel):
    ...     name: str
    ...     points: Annotated[float | None, RequiredScope(Scope.EXPLAIN_READ)] = None
    >>> class Shortlist(BaseModel):
    ...     shown: tuple[Shown, ...]
    ...     excluded: Annotated[tuple[str, ...], IncludedWith(Included.EXCLUSIONS)] = ()
    >>> hidden_fields(Shortlist, frozenset())
    {'shown': {'__all__': {'points': True}}, 'excluded': True}
    >>> hidden_fields(Shortlist, frozenset({Scope.EXPLAIN_READ}), EVERYTHING)
    {}
    """
    hidden: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        needed = [each.scope for each in field.metadata if isinstance(each, RequiredScope)]
        asked = [each.name for each in field.metadata if isinstance(each, IncludedWith)]
        if not (scopes.issuperset(needed) and included.issuperset(asked)):
            hidden[name] = True
        elif inner := _hidden_within(field.annotation, scopes, included):
            hidden[name] = inner
    return hidden


def visible_json(
    response: BaseModel, scopes: frozenset[Scope], included: frozenset[Included] = NOTHING
) -> bytes:
    """A response as JSON, as a caller with these scopes who asked for these parts receives it."""
    # `exclude` accepts any nesting of names, which its type does not say.
    exclude: Any = hidden_fields(type(response), scopes, included)
    return response.model_dump_json(exclude=exclude).encode()


def visible_part(part: Any, hidden: Mapping[str, Any]) -> Any:
    """A parsed response, or a part of one, without its hidden fields.

    Examples
    --------
    >>> hidden = {"shown": {"__all__": {"points": True}}, "excluded": True}
    >>> visible_part({"shown": [{"name": "Ines", "points": 4.1}], "excluded": []}, hidden)
    {'shown': [{'name': 'Ines'}]}
    """
    if part is None:
        return None
    if "__all__" in hidden:
        return [visible_part(each, hidden["__all__"]) for each in part]
    return {
        name: visible_part(value, hidden[name]) if name in hidden else value
        for name, value in part.items()
        if hidden.get(name) is not True
    }


def _hidden_within(
    annotation: Any, scopes: frozenset[Scope], included: frozenset[Included]
) -> Mapping[str, Any]:
    """What is hidden of a nested model, or of the members of a tuple of models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return hidden_fields(annotation, scopes, included)
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            inner = hidden_fields(part, scopes, included)
            is_listed = get_origin(annotation) in (tuple, list)
            return {"__all__": inner} if inner and is_listed else inner
    return {}
