"""What exists only between a client and a clinician: a declared comparison of the two.

Imported by `practice` and `features.pairing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from recommender.columns import Columns
from recommender.errors import Fault
from recommender.fields import Field
from recommender.operators import OPERATORS, Array, Operator, aligned

DIRECTIONS = ("up", "down")


@dataclass(frozen=True, slots=True)
class Match:
    """A declared match.

    Attributes
    ----------
    name, phrase, group
        How it is named in features, said aloud and grouped in explanations.
    operator
        One of `recommender.operators.OPERATORS`.
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
    direction: str | None = None
    prior: float = 0.0
    source: str | None = None
    indifferent: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The feature's name."""
        return f"match.{self.name}"

    def between(self, client: Columns, clinician: Columns) -> Array:
        """The match of each row, (n,): client and clinician row by row, or one client for all."""
        operator = OPERATORS[self.operator]
        one = [self._client_side(field, client) for field in self.client]
        other = [self._ranged(field, clinician[field.name]) for field in self.clinician]
        values = operator.compute(one, other)
        return np.broadcast_to(values, (max(client.size, clinician.size),))

    def _client_side(self, field: Field, client: Columns) -> Array:
        values: Array = client[field.name]
        if OPERATORS[self.operator].named:
            return aligned(field, values, self.clinician[0], self.indifferent)
        return self._ranged(field, values)

    def _ranged(self, field: Field, values: Array) -> Array:
        return field.on_unit_range(values) if OPERATORS[self.operator].ranged else values


SETTINGS = frozenset(setting.name for setting in fields(Match)) - {"name"}


def read_match(
    name: str,
    declared: Mapping[str, Any],
    client: Mapping[str, Field],
    clinician: Mapping[str, Field],
) -> tuple[Match | None, list[Fault]]:
    """A match from its table in the definition, with everything that is wrong about it."""
    where = f"matches.{name}"
    operator = OPERATORS.get(declared.get("operator", ""))
    if operator is None:
        remedy = f"set operator to one of {', '.join(OPERATORS)}"
        return None, [Fault(f"{where}.operator", "is not a known operator", remedy)]
    ours, faults = _side(where, "client", declared, client, operator.client)
    theirs, more = _side(where, "clinician", declared, clinician, operator.clinician)
    faults += more + _settings(where, declared)
    if not faults:
        faults += _together(where, operator, ours, theirs, declared.get("indifferent", ()))
    if faults:
        return None, faults
    settings = {key: declared[key] for key in SETTINGS & set(declared)}
    settings |= {"client": ours, "clinician": theirs, "prior": float(declared.get("prior", 0.0))}
    settings["indifferent"] = tuple(declared.get("indifferent", ()))
    return Match(name=name, **settings), []


def _side(
    where: str,
    side: str,
    declared: Mapping[str, Any],
    known: Mapping[str, Field],
    kinds: frozenset[str],
) -> tuple[tuple[Field, ...], list[Fault]]:
    named = declared.get(side, [])
    names = [named] if isinstance(named, str) else list(named)
    place = f"{where}.{side}"
    if not names:
        return (), [Fault(place, "is not given", f"name a field of the {side}")]
    faults = []
    for name in names:
        if name not in known:
            remedy = f"declare it under [{side}.{name}] or mend the name"
            faults.append(Fault(place, f"{name} is not a declared field", remedy))
        elif known[name].kind not in kinds:
            remedy = f"this operator compares {', '.join(sorted(kinds))}"
            faults.append(Fault(place, f"{name} is of kind {known[name].kind}", remedy))
        elif known[name].use == "audit":
            remedy = "remove the match: audit fields serve fairness reports only"
            faults.append(Fault(place, f"{name} is for audit", remedy))
    return tuple(known[name] for name in names if name in known), faults


def _settings(where: str, declared: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(f"{where}.{key}", "is not a setting of a match", "remove it or mend its spelling")
        for key in sorted(set(declared) - SETTINGS)
    ]
    faults += [
        Fault(f"{where}.{key}", "is not given", "staff must be able to say and place every match")
        for key in ("phrase", "group")
        if not declared.get(key)
    ]
    if declared.get("direction") not in (*DIRECTIONS, None):
        faults.append(Fault(f"{where}.direction", "is not known", 'write "up" or "down"'))
    prior = declared.get("prior", 0.0)
    if isinstance(prior, bool) or not isinstance(prior, int | float):
        faults.append(Fault(f"{where}.prior", "is not a number", "give standard deviations"))
    elif prior and not declared.get("source"):
        remedy = "say where the size comes from"
        faults.append(Fault(f"{where}.source", "is not given beside a prior", remedy))
    return faults


def _together(
    where: str,
    operator: Operator,
    client: tuple[Field, ...],
    clinician: tuple[Field, ...],
    indifferent: tuple[str, ...],
) -> list[Fault]:
    faults = []
    if operator.several and len(client) != len(clinician):
        faults.append(Fault(where, "compares lists of unequal length", "name as many fields"))
    if not operator.several and (len(client), len(clinician)) != (1, 1):
        faults.append(Fault(where, "compares several fields", "name one field on each side"))
    if operator.named and not faults:
        faults += _unknown_levels(where, client[0], clinician[0], indifferent)
    if operator.ranged:
        faults += [
            Fault(field.label, "has no bounds", f"give min and max, {where} needs them")
            for field in (*client, *clinician)
            if field.kind in ("number", "money") and (field.min is None or field.max is None)
        ]
    return faults


def _unknown_levels(
    where: str, client: Field, clinician: Field, indifferent: tuple[str, ...]
) -> list[Fault]:
    unknown = [lv for lv in client.levels if lv not in (*clinician.levels, *indifferent)]
    if not unknown:
        return []
    remedy = f"add them to {clinician.label}, or list them as indifferent"
    return [Fault(where, f"levels {', '.join(unknown)} exist only for the client", remedy)]
