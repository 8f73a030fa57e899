"""Names of fields in messages: which names of a request may be repeated, and which were meant.

A name written by the caller is repeated only if it looks like the name of a field; anything else
could be part of an answer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

SIMILAR = 0.65
"""Smallest similarity (`difflib`, 0 to 1) at which a declared name is suggested."""
_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,39}")

Place = tuple[str | int, ...]
Model = type[BaseModel]


def looks_like_field_name(name: str) -> bool:
    """Whether a name has the form of the contract's names: short, one word, no leading capital.

    Examples
    --------
    >>> [looks_like_field_name(name) for name in ("top_k", "topK", "Maria", "0412 345 678", "")]
    [True, True, False, False, False]
    """
    return _FIELD_NAME.fullmatch(name) is not None


def similar_name(written: str, known: Iterable[str]) -> str | None:
    """The known name, in small letters, most similar to a name in any letters; None if none is.

    Examples
    --------
    >>> similar_name("Dryrun", ["include", "dry_run"])
    'dry_run'
    """
    return next(iter(get_close_matches(written.casefold(), list(known), n=1, cutoff=SIMILAR)), None)


def pointer_to(place: Iterable[str | int]) -> str:
    """JSON pointer (RFC 6901) of a place in a request.

    Examples
    --------
    >>> pointer_to(("answers", "a/b", 0))
    '/answers/a~1b/0'
    """
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "".join(f"/{part}" for part in parts)


def repeatable(place: Place) -> Place:
    """The leading part of a place whose names all look like names of fields."""
    shown: list[str | int] = []
    for step in place:
        if isinstance(step, str) and not looks_like_field_name(step):
            break
        shown.append(step)
    return tuple(shown)


def meant_instead(model: Model, place: Place) -> str | None:
    """What a caller probably meant by an unknown field: a similar name, or its right place.

    Parameters
    ----------
    model
        The model of the whole request.
    place
        Where the unknown field is; its name comes last.

    Returns
    -------
    A declared name or JSON pointer; None when nothing is similar.
    """
    name, declared = str(place[-1]), _names_at(model, place[:-1])
    known = {each.casefold(): each for each in declared}
    written = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_")
    near = similar_name(written, known)
    # A word of a longer name, as `age` is of `age_years`, where only one name begins with it.
    longer = [each for each in declared if each.startswith(f"{written}_")]
    if not near and len(longer) == 1:
        return longer[0]
    if near and known[near] != name:
        return known[near]
    # A level higher or lower; another part of the request has names of another meaning.
    elsewhere = [
        each
        for each in _places(model)
        if each[-1] == name
        and (place[: len(each) - 1] == each[:-1] or each[: len(place) - 1] == place[:-1])
    ]
    return pointer_to(elsewhere[0]) if elsewhere else None


def _names_at(model: Model, place: Place) -> list[str]:
    """Names declared at a place; those of all alternatives of a union."""
    found = [model]
    for step in place:
        if isinstance(step, str):
            found = [
                inner
                for each in found
                for name, annotation in _fields(each)
                if name == step
                for inner in _models_in(annotation)
            ]
    return [name for each in found for name, _ in _fields(each)]


def _places(model: Model, before: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """All places of a request that are not in a list, the outermost first."""
    fields = list(_fields(model))
    for name, _ in fields:
        yield (*before, name)
    for name, annotation in fields:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _places(annotation, (*before, name))


def _fields(model: Model) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.annotation


def _models_in(annotation: Any) -> Iterator[Model]:
    """Models in an annotation, of optional values and list members too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _models_in(part)
