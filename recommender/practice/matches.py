"""What exists only between a client and a clinician: a declared comparison of the two.

Imported by `practice` and `features.pairing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.errors import Fault
from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.match_operators import OPERATORS, Array, Operator, aligned
from recommender.practice.schema import (
    NAMES,
    NUMBER,
    TEXT,
    TEXTS,
    SettingSchema,
    is_present,
    one_of,
    read_settings,
)

DIRECTIONS = ("up", "down")


@dataclass(frozen=True, slots=True)
class Match:
    """A declared match.

    Attributes
    ----------
    name, group
        How it is named in features and grouped in explanations.
    phrase, otherwise
        How it is said aloud where it speaks for a clinician, and where it speaks against one. Left
        out, `otherwise` is the phrase, which then must be true of both.
    operator
        One of `recommender.practice.match_operators.OPERATORS`.
    client, clinician
        The fields compared.
    direction
        `up` or `down` when the evidence gives a sign.
    prior, source
        Change in alliance, in standard deviations, as the match goes from 0 to 1, and where that
        size comes from. Zero when the literature gives none.
    indifferent
        Levels of the client's field that state no wish.
    """

    name: str
    operator: str
    client: tuple[Field, ...]
    clinician: tuple[Field, ...]
    phrase: str
    group: str
    otherwise: str | None = None
    direction: str | None = None
    prior: float = 0.0
    source: str | None = None
    indifferent: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The feature's name."""
        return f"match.{self.name}"

    def between(self, client: Columns, clinician: Columns) -> Array:
        """The match of each clinician's row, (n,): with the client's row there, or one for all."""
        operator = OPERATORS[self.operator]
        one = [self._client_side(field, client) for field in self.client]
        other = [self._ranged(field, clinician[field.name]) for field in self.clinician]
        values = operator.compute(one, other)
        return np.broadcast_to(values, (clinician.size,))

    def _client_side(self, field: Field, client: Columns) -> Array:
        values: Array = client[field.name]
        if OPERATORS[self.operator].named:
            return aligned(field, values, self.clinician[0], self.indifferent)
        return self._ranged(field, values)

    def _ranged(self, field: Field, values: Array) -> Array:
        if OPERATORS[self.operator].ranged:
            return field.on_unit_range(values)
        # Cents serve exact sums; a size given for one unit of the match means the currency's.
        return values / 100 if field.kind == "money" else values


SHAPES: Mapping[str, SettingSchema] = {
    "operator": one_of("operator", OPERATORS),
    "client": NAMES,
    "clinician": NAMES,
    "phrase": TEXT,
    "otherwise": TEXT,
    "group": TEXT,
    "direction": one_of("direction", DIRECTIONS),
    "prior": NUMBER,
    "source": TEXT,
    "indifferent": TEXTS,
}
"""What a match's table in the definition may hold."""


def read_match(
    name: str,
    declared: Mapping[str, Any],
    client: Mapping[str, Field],
    clinician: Mapping[str, Field],
) -> tuple[Match | None, list[Fault]]:
    """A match from its table in the definition, or everything that is wrong about it."""
    where = f"matches.{name}"
    told, faults = read_settings(where, "a match", declared, SHAPES)
    operator = OPERATORS.get(told.get("operator", ""))
    ours = _names(told.get("client", ()))
    theirs = _names(told.get("clinician", ()))
    faults += _missing_settings(where, declared) + _wrong_prior(where, told)
    if operator is not None:
        faults += _wrong_fields(f"{where}.client", ours, client, operator.client)
        faults += _wrong_fields(f"{where}.clinician", theirs, clinician, operator.clinician)
        if not operator.named and "indifferent" in told:
            remedy = "remove it: only levels compared by name can state no wish"
            faults.append(Fault(f"{where}.indifferent", "would be passed over", remedy))
    if faults or operator is None:
        return None, faults
    settings = told | {
        "client": tuple(client[field] for field in ours),
        "clinician": tuple(clinician[field] for field in theirs),
        "prior": float(told.get("prior", 0.0)),
        "indifferent": tuple(told.get("indifferent", ())),
    }
    match = Match(name=name, **settings)
    faults = _misfits(where, operator, match)
    return (None, faults) if faults else (match, [])


def _names(told: str | Sequence[str]) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told)


def _missing_settings(where: str, declared: Mapping[str, Any]) -> list[Fault]:
    remedies = {
        "operator": f"set it to one of {', '.join(OPERATORS)}",
        "client": "name a field of the client",
        "clinician": "name a field of the clinician",
        "phrase": "staff must be able to say every match",
        "group": "staff must be able to place every match",
    }
    return [
        Fault(f"{where}.{key}", "is not given", remedy)
        for key, remedy in remedies.items()
        if not is_present(declared, key)
    ]


def _wrong_prior(where: str, told: Mapping[str, Any]) -> list[Fault]:
    prior = told.get("prior", 0.0)
    faults = []
    if prior and not is_present(told, "source"):
        remedy = "say where the size comes from"
        faults.append(Fault(f"{where}.source", "is not given beside a prior", remedy))
    if (told.get("direction"), prior > 0) in (("up", False), ("down", True)) and prior:
        remedy = "a match that goes up has a prior above 0, one that goes down a prior below"
        faults.append(Fault(f"{where}.prior", "goes against the direction", remedy))
    return faults


def _wrong_fields(
    where: str, names: tuple[str, ...], known: Mapping[str, Field], kinds: frozenset[str]
) -> list[Fault]:
    faults = []
    for name in names:
        if name not in known:
            remedy = "declare it or mend the name"
            faults.append(Fault(where, f"{name} is not a declared field", remedy))
        elif known[name].kind not in kinds:
            remedy = f"this operator compares {', '.join(sorted(kinds))}"
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
    if not operator.several and (len(ours), len(theirs)) != (1, 1):
        return [Fault(where, "compares several fields", "name one field on each side")]
    faults = []
    if operator.named:
        faults += _unknown_levels(where, ours[0], theirs[0], match.indifferent)
    if operator.alike and (ours[0].kind, ours[0].unit) != (theirs[0].kind, theirs[0].unit):
        problem = f"{ours[0].label} and {theirs[0].label} differ in kind or unit"
        faults.append(Fault(where, problem, "declare both alike"))
    if operator.ranged:
        faults += _without_range(where, match)
    return faults


def _unknown_levels(
    where: str, client: Field, clinician: Field, indifferent: tuple[str, ...]
) -> list[Fault]:
    faults = []
    undeclared = [level for level in indifferent if level not in client.levels]
    if undeclared:
        problem = f"{', '.join(undeclared)} are not levels of {client.label}"
        faults.append(Fault(f"{where}.indifferent", problem, "mend their spelling"))
    unknown = [lv for lv in client.levels if lv not in (*clinician.levels, *indifferent)]
    if unknown:
        remedy = f"add them to {clinician.label}, or list them as indifferent"
        problem = f"levels {', '.join(unknown)} exist only for the client"
        faults.append(Fault(where, problem, remedy))
    return faults


def _without_range(where: str, match: Match) -> list[Fault]:
    faults = [
        Fault(field.label, "has no bounds", f"give min and max, {where} needs them")
        for field in (*match.client, *match.clinician)
        if field.kind in ("number", "money") and (field.min is None or field.max is None)
    ]
    for ours, theirs in zip(match.client, match.clinician, strict=True):
        # A level is compared by its place, so one name must have one place on both sides.
        if set(ours.levels) & set(theirs.levels) and ours.levels != theirs.levels:
            problem = f"{ours.label} and {theirs.label} share levels in different places"
            faults.append(Fault(where, problem, "give both the same levels in the same order"))
    return faults
