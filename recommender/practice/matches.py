"""Matches: declared comparisons between a client and a clinician."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field as Setting

from recommender.errors import Fault
from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.match_operators import (
    OPERATORS,
    PRODUCT,
    Operator,
    aligned,
    operators_for,
)
from recommender.practice.own_operators import load_installed_operators
from recommender.practice.product_part import ProductPart
from recommender.practice.sums import Array
from recommender.values.near_names import undeclared_field, with_near_name
from recommender.values.toml_settings import (
    FieldNames,
    FilledText,
    Number,
    Text,
    Texts,
    one_of,
    read_settings,
    toml_table,
)

DIRECTIONS = ("up", "down")
WISH_OPERATORS = frozenset({"overlap", "contains", "equal", "equal_weighted", "wish"})
"""Operators of matches that compare what a client asks for with what a clinician offers."""


@dataclass(frozen=True, slots=True)
class Match:
    """A declared match, or a declared product.

    Attributes
    ----------
    name, group
        Name of its feature, and its group in explanations.
    phrase, otherwise
        How staff say it of a clinician on one side of the usual value, where it speaks for them,
        and of one on the other side, where it speaks against them; `phrase_side` says which side.
        Whatever sign is learned, every match can speak against somebody: a definition gives both.
    operator
        One of `recommender.practice.match_operators.OPERATORS`.
    client, clinician
        The fields compared.
    direction
        `up` or `down` when the evidence gives a sign.
    prior, source
        Change in alliance, in standard deviations, as the match goes from 0 to 1, and the source
        of that size. Zero if the literature gives none.
    indifferent
        Levels of the client's field that state no wish.
    parts
        What a declared product multiplies, of the client and of the clinician; none in a match.
    """

    name: str
    operator: str
    client: tuple[Field, ...]
    clinician: tuple[Field, ...]
    phrase: str
    otherwise: str
    group: str
    direction: str | None = None
    prior: float = 0.0
    source: str | None = None
    indifferent: tuple[str, ...] = ()
    parts: tuple[ProductPart, ...] = ()

    @property
    def comparison(self) -> Operator:
        """How both sides are compared."""
        return PRODUCT if self.parts else OPERATORS[self.operator]

    @property
    def described(self) -> str:
        """What is compared, and how, in a few words."""
        if self.parts:
            return f"{self.operator}: {' times '.join(part.described for part in self.parts)}"
        sides = ("+".join(f.name for f in side) for side in (self.client, self.clinician))
        return f"{self.operator}: {' and '.join(sides)}"

    @property
    def label(self) -> str:
        """The feature's name."""
        return f"match.{self.name}"

    @property
    def phrase_side(self) -> float:
        """1 where `phrase` is true of values above the usual, -1 where of values below it."""
        if self.direction is None:
            return self.comparison.phrase_side
        return 1.0 if self.direction == "up" else -1.0

    def between(self, client: Columns, clinician: Columns) -> Array:
        """The match of each clinician's row, (n,).

        `client` has one row for all clinicians, or one row for each.
        """
        sides = self.compared(self.client, client), self.compared(self.clinician, clinician)
        values = self.comparison.compute(*sides)
        return np.broadcast_to(values, (clinician.size,))

    def compared(self, fields: Sequence[Field], columns: Columns) -> list[Array]:
        """The values of one side's fields as the operator reads them, one array a field."""
        multiplied = {part.field.label: part for part in self.parts}
        scaled = []
        for field in fields:
            if field.label in multiplied:
                scaled.append(multiplied[field.label].of(columns[field.name]))
                continue
            if self.comparison.named and field is self.client[0]:
                own = columns[field.name]
                scaled.append(aligned(field, own, self.clinician[0], self.indifferent))
                continue
            low, span = self.scale_of(field)
            values = columns[field.name]
            scaled.append(values if (low, span) == (0.0, 1.0) else (values - low) / span)
        return scaled

    def scale_of(self, field: Field) -> tuple[float, float]:
        """The value of a field that the operator reads as 0, and how far from it is 1."""
        if self.comparison.ranged or field in self.client[1:]:
            return field.unit_range
        # A prior is given for one unit of the match: a unit of the currency, not a cent.
        return 0.0, field.behaviour.units


@toml_table
@dataclass(frozen=True, slots=True)
class MatchSettings:
    """A match as its table in the definition states it; see `Match`."""

    operator: Annotated[str, one_of(OPERATORS)]
    client: Annotated[FieldNames, Setting(min_length=1)]
    clinician: Annotated[FieldNames, Setting(min_length=1)]
    phrase: FilledText
    otherwise: FilledText
    group: FilledText
    direction: Annotated[str, one_of(DIRECTIONS)] | None = None
    prior: Number = 0.0
    source: Text | None = None
    indifferent: Texts = ()


def read_match(
    name: str,
    declared: Mapping[str, Any],
    client: Mapping[str, Field],
    clinician: Mapping[str, Field],
) -> tuple[Match | None, list[Fault]]:
    """A match from its table in the definition, or everything that is wrong about it."""
    where = f"matches.{name}"
    named = declared.get("operator")
    if isinstance(named, str) and named not in OPERATORS:
        # Only then: looking through what is installed takes longer than reading the definition.
        load_installed_operators()
    settings, sound, faults = read_settings(MatchSettings, where, "a match", declared)
    if isinstance(named, str) and "." in named:
        remedy = "install the package that declares it, or call recommender.register_operator first"
        faults = [
            replace(fault, remedy=remedy) if fault.where == f"{where}.operator" else fault
            for fault in faults
        ]
    operator = OPERATORS.get(sound.get("operator", ""))
    faults += wrong_prior(where, sound) + same_words(where, sound)
    if operator is not None:
        for side, known, kinds in (
            ("client", client, operator.client),
            ("clinician", clinician, operator.clinician),
        ):
            names = sound.get(side, ())
            names = (names,) if isinstance(names, str) else tuple(names)
            if side == "client" and operator.weight:
                faults += _wrong_fields(f"{where}.{side}", names[1:], known, operator.weight)
                names = names[:1]
            faults += _wrong_fields(f"{where}.{side}", names, known, kinds, side)
        if not operator.named and "indifferent" in sound:
            remedy = "remove it: only levels compared by name can state no wish"
            faults.append(Fault(f"{where}.indifferent", "would be ignored", remedy))
    if faults or settings is None or operator is None:
        return None, faults
    compared: dict[str, Any] = {
        "client": tuple(client[field] for field in settings.client),
        "clinician": tuple(clinician[field] for field in settings.clinician),
    }
    match = Match(name, **(asdict(settings) | compared))
    faults = _misfits(where, operator, match)
    return (None, faults) if faults else (match, [])


def same_words(where: str, sound: Mapping[str, Any]) -> list[Fault]:
    """A fault where a table has the same words for and against a clinician."""
    phrase, otherwise = (str(sound.get(name, "")).strip() for name in ("phrase", "otherwise"))
    if not phrase or phrase.casefold() != otherwise.casefold():
        return []
    remedy = "write what is true of a clinician of whom the phrase is not"
    return [Fault(f"{where}.otherwise", "is the same as the phrase", remedy)]


def wrong_prior(where: str, sound: Mapping[str, Any]) -> list[Fault]:
    """Faults of a declared size without a source, or against its direction."""
    prior = sound.get("prior", 0.0)
    faults = []
    if prior and not str(sound.get("source", "")).strip():
        remedy = "name where the size comes from"
        faults.append(Fault(f"{where}.source", "is not given beside a prior", remedy))
    if prior and (sound.get("direction"), prior > 0) in (("up", False), ("down", True)):
        remedy = "a match that goes up has a prior above 0, one that goes down a prior below"
        faults.append(Fault(f"{where}.prior", "contradicts the direction", remedy))
    return faults


def _wrong_fields(
    where: str,
    names: tuple[str, ...],
    known: Mapping[str, Field],
    kinds: frozenset[str],
    side: str | None = None,
) -> list[Fault]:
    """Faults of the fields that a match names; `side` where operators are proposed for them."""
    faults = []
    for name in names:
        if name not in known:
            faults.append(undeclared_field(where, name, known))
        elif known[name].kind not in kinds:
            remedy = f"this operator compares {', '.join(sorted(kinds))}"
            fitting = [] if side is None else operators_for(side, known[name].kind)
            if fitting:
                remedy += f"; a field of kind {known[name].kind} is compared by "
                remedy += ", ".join(fitting)
            faults.append(Fault(where, f"{name} is of kind {known[name].kind}", remedy))
        elif known[name].use == "audit":
            remedy = "remove the match: audit fields serve fairness reports only"
            faults.append(Fault(where, f"{name} is for audit", remedy))
    return faults


def _misfits(where: str, operator: Operator, match: Match) -> list[Fault]:
    """What keeps fields that are each accepted from being compared with each other."""
    ours, theirs = match.client, match.clinician
    if operator.several and len(ours) != len(theirs):
        return [Fault(where, "compares lists of unequal length", "name as many fields")]
    if operator.weight and (len(ours), len(theirs)) != (2, 1):
        remedy = "name the client's field and how much it matters, and one field of the clinician"
        return [Fault(where, "compares other than two fields with one", remedy)]
    if not (operator.several or operator.weight) and (len(ours), len(theirs)) != (1, 1):
        return [Fault(where, "compares several fields", "name one field on each side")]
    faults = []
    if operator.weight:
        faults += _unbounded(where, ours[1:])
    if operator.named:
        faults += _unknown_levels(where, operator, match)
    if operator.alike and (ours[0].kind, ours[0].unit) != (theirs[0].kind, theirs[0].unit):
        problem = f"{ours[0].label} and {theirs[0].label} differ in kind or unit"
        faults.append(Fault(where, problem, "declare both alike"))
    if operator.ranged:
        faults += _without_range(where, match)
    return faults


def _unknown_levels(where: str, operator: Operator, match: Match) -> list[Fault]:
    client, clinician = match.client[0], match.clinician[0]
    faults = []
    undeclared = [level for level in match.indifferent if level not in client.levels]
    if undeclared:
        problem = f"{', '.join(undeclared)} are not levels of {client.label}"
        remedy = with_near_name(undeclared[0], client.levels, "fix their spelling")
        faults.append(Fault(f"{where}.indifferent", problem, remedy))
    unknown = [lv for lv in client.levels if lv not in (*clinician.levels, *match.indifferent)]
    if unknown and not operator.apart:
        remedy = f"add them to {clinician.label}, or list them as indifferent"
        if not set(client.levels) & set(clinician.levels):
            remedy = f"name another field, if {clinician.label} is not the one meant; or {remedy}"
        problem = f"levels {', '.join(unknown)} exist only for the client"
        faults.append(Fault(where, problem, remedy))
    elif unknown and not set(client.levels) & set(clinician.levels):
        problem = f"{client.label} and {clinician.label} have no level in common"
        faults.append(Fault(where, problem, "give what is compared the same name on both sides"))
    return faults


def _unbounded(where: str, fields: Sequence[Field]) -> list[Fault]:
    return [
        Fault(field.label, "has no bounds", f"give min and max, {where} needs them")
        for field in fields
        if field.behaviour.has_bounds and (field.min is None or field.max is None)
    ]


def _without_range(where: str, match: Match) -> list[Fault]:
    faults = _unbounded(where, (*match.client, *match.clinician))
    for ours, theirs in zip(match.client, match.clinician, strict=True):
        # Levels are compared by position, so a level must have one position on both sides.
        if set(ours.levels) & set(theirs.levels) and ours.levels != theirs.levels:
            problem = f"{ours.label} and {theirs.label} share levels in different places"
            faults.append(Fault(where, problem, "give both the same levels in the same order"))
    return faults
