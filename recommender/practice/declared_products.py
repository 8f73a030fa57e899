"""Declared products: a fact of the client times a fact of the clinician, as supervisors name it.

A match compares two fields; a product says that a fact of the clinician matters more, or less, for
some clients: training in EMDR where there is trauma. A product becomes a `Match` whose `parts` say
what of either field is multiplied, and is explained as every match. The mixed model gives products
a variance of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from recommender.errors import Fault
from recommender.practice.fields import Field, Side
from recommender.practice.matches import DIRECTIONS, Match, same_words, wrong_prior
from recommender.practice.product_part import ProductPart
from recommender.values.near_names import undeclared_field, with_near_name
from recommender.values.toml_settings import (
    FilledText,
    Number,
    Text,
    one_of,
    read_settings,
    toml_table,
)

MULTIPLIED = frozenset({"number", "scale", "ordinal", "flag", "money", "tags", "category"})
"""Kinds of fields of which a product can be."""


@toml_table
@dataclass(frozen=True, slots=True)
class ProductSettings:
    """A product as its table in the definition states it; see `read_product`.

    Attributes
    ----------
    client, clinician
        The field of each side.
    client_level, clinician_level
        For a category or tags, the level that counts.
    client_at_least, clinician_at_least
        For a number or an amount a threshold, for an ordinal a level: what reaches it counts.
    direction, prior
        As of a match.
    source
        The literature, or who judged that it matters.
    """

    client: FilledText
    clinician: FilledText
    phrase: FilledText
    otherwise: FilledText
    group: FilledText
    source: FilledText
    client_level: Text | None = None
    clinician_level: Text | None = None
    client_at_least: Number | Text | None = None
    clinician_at_least: Number | Text | None = None
    direction: Annotated[str, one_of(DIRECTIONS)] | None = None
    prior: Number = 0.0


def read_product(
    name: str,
    declared: Mapping[str, Any],
    client: Mapping[str, Field],
    clinician: Mapping[str, Field],
) -> tuple[Match | None, list[Fault]]:
    """A product from its table in the definition, or everything that is wrong about it."""
    where = f"products.{name}"
    settings, sound, faults = read_settings(ProductSettings, where, "a product", declared)
    faults += wrong_prior(where, sound) + same_words(where, sound)
    parts = []
    known: dict[Side, Mapping[str, Field]] = {"client": client, "clinician": clinician}
    for side, fields in known.items():
        part, wrong = _part(where, side, sound, fields)
        faults += wrong
        parts += [] if part is None else [part]
    if faults or settings is None or len(parts) < 2:
        return None, faults
    ours, theirs = parts
    return Match(
        name=name,
        operator="product",
        client=(ours.field,),
        clinician=(theirs.field,),
        phrase=settings.phrase,
        otherwise=settings.otherwise,
        group=settings.group,
        direction=settings.direction,
        prior=settings.prior,
        source=settings.source,
        parts=(ours, theirs),
    ), []


def _part(
    where: str, side: Side, sound: Mapping[str, Any], fields: Mapping[str, Field]
) -> tuple[ProductPart | None, list[Fault]]:
    """What is multiplied of one side."""
    name = sound.get(side)
    if name is None:
        return None, []
    field = fields.get(name)
    if field is None:
        return None, [undeclared_field(f"{where}.{side}", name, fields)]
    if field.kind not in MULTIPLIED:
        remedy = f"a product is of {', '.join(sorted(MULTIPLIED))}"
        return None, [Fault(f"{where}.{side}", f"{name} is of kind {field.kind}", remedy)]
    if field.use == "audit":
        remedy = "remove the product: audit fields serve fairness reports only"
        return None, [Fault(f"{where}.{side}", f"{name} is for audit", remedy)]
    level, least = sound.get(f"{side}_level"), sound.get(f"{side}_at_least")
    faults = _wrong_level(f"{where}.{side}_level", field, level)
    threshold, wrong = _threshold(f"{where}.{side}_at_least", field, least)
    faults += wrong
    unbounded = field.behaviour.has_bounds and (field.min is None or field.max is None)
    if least is None and unbounded and not faults:
        remedy = f"give min and max, or {side}_at_least in {where}"
        faults.append(Fault(field.label, "has no bounds", remedy))
    if faults:
        return None, faults
    place = None if level is None else field.levels.index(level)
    return ProductPart(field, place, threshold), []


def _wrong_level(where: str, field: Field, level: str | None) -> list[Fault]:
    choices = ", ".join(field.levels)
    if field.kind in ("tags", "category"):
        if level is None:
            problem = f"is not given for {field.label}, which has several levels"
            return [Fault(where, problem, f"name the one that counts: {choices}")]
        if level not in field.levels:
            remedy = with_near_name(level, field.levels, f"use {choices}")
            return [Fault(where, f"{level} is not a level of {field.label}", remedy)]
    elif level is not None:
        remedy = "remove it: only categories and tags have a level that counts"
        return [Fault(where, "would be ignored", remedy)]
    return []


def _threshold(
    where: str, field: Field, least: float | str | None
) -> tuple[float | None, list[Fault]]:
    """The encoded value from which a field counts; None where its value itself is multiplied."""
    if least is None:
        return None, []
    if field.kind in ("tags", "category", "flag"):
        remedy = f"remove it: a field of kind {field.kind} has no threshold"
        return None, [Fault(where, "would be ignored", remedy)]
    if field.kind == "ordinal":
        if least not in field.levels:
            problem = f"{least} is not a level of {field.label}"
            remedy = f"use one of {', '.join(field.levels)}"
            return None, [Fault(where, problem, with_near_name(least, field.levels, remedy))]
        return float(field.levels.index(str(least))), []
    if isinstance(least, str):
        return None, [Fault(where, "is not a number", "write a number without quotes")]
    beyond = (field.min is not None and least <= field.min) or (
        field.max is not None and least > field.max
    )
    if beyond:
        problem = f"{least:g} is not above the least and up to the most of {field.label}"
        return None, [Fault(where, problem, "choose a threshold that some reach and some do not")]
    return float(np.float64(least) * field.behaviour.units), []
