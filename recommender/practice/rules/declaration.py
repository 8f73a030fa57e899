"""Reads a constraint from its table in the definition, and checks that it fits its rule and fields.

Every misfit is found here, so that `judge` needs no checks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recommender.errors import Fault
from recommender.practice.conditions import Condition
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRow
from recommender.practice.rules.catalogue import FIELD_SETTINGS, FLAG, RULES, ZONES, Rule
from recommender.practice.rules.constraint import (
    NEVER_RELAXED,
    Constraint,
    constant_field,
    eased_field,
)
from recommender.values.near_names import undeclared_field, with_near_name
from recommender.values.toml_settings import read_settings

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_COMMON = tuple(each.name for each in fields(Constraint) if each.name not in ("name", "settings"))
"""Settings of every constraint; the others belong to its rule."""
NAME_OTHER_SIDE = "name a field whose ids are those of the other side, or change its refers_to"
_CHOICES = frozenset({"family", "mode", "unknown", "unasked", "say", "offer", "relaxable"})
"""Settings whose faults leave everything else about a constraint checkable."""


def read_constraint(
    name: str,
    declared: Mapping[str, Any],
    client_fields: Mapping[str, Field],
    clinician_fields: Mapping[str, Field],
) -> tuple[Constraint | None, list[Fault]]:
    """A constraint from its table in the definition, or everything that is wrong about it.

    `unknown` is by default `fail` in the families that are never relaxed, and `pass` elsewhere.
    """
    where = f"constraints.{name}"
    rule = RULES.get(str(declared.get("rule")))
    of_rule = set() if rule is None else rule.needs | rule.allows
    rest = set(declared) - set(_COMMON)
    table = {key: value for key, value in declared.items() if key in _COMMON}
    table = {"unknown": "fail" if table.get("family") in NEVER_RELAXED else "pass"} | table
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in declared.items() if k in rest}
    origin = {"name": name, "settings": {key: settings[key] for key in sorted(rest & of_rule)}}
    constraint, sound, faults = read_settings(Constraint, where, "a constraint", table, origin)
    if rule is None:
        return None, faults
    possible = (*_COMMON, *sorted(of_rule))
    remedy = f"use one of: {', '.join(possible)}"
    unknown = [
        Fault(
            f"{where}.{key}",
            f"is not a setting of {rule.name}",
            with_near_name(key, possible, remedy),
        )
        for key in sorted(rest - of_rule)
    ]
    if constraint is None and {fault.where.rpartition(".")[2] for fault in faults} <= _CHOICES:
        # What is wrong with a choice says nothing about the fields: the rest is still checked.
        plain = {"family": "wish", "say": name, "unknown": "pass"} | sound
        constraint, _, _ = read_settings(Constraint, where, "a constraint", plain, origin)
    if constraint is not None:
        unknown += constraint_problems(constraint, client_fields, clinician_fields)
    faults += unknown
    return (None, faults) if faults else (constraint, [])


def constraint_problems(
    constraint: Constraint,
    client_fields: Mapping[str, Field],
    clinician_fields: Mapping[str, Field],
) -> list[Fault]:
    """Everything that keeps a constraint from being judged over these fields."""
    where = f"constraints.{constraint.name}"
    rule = RULES.get(constraint.rule)
    if rule is None:
        remedy = f"set rule to one of {', '.join(RULES)}"
        remedy = with_near_name(constraint.rule, RULES, remedy)
        return [Fault(f"{where}.rule", "is not a known rule", remedy)]
    faults = list(_never_weakened(where, constraint))
    faults += _wrong_sides(where, rule, constraint)
    faults += _wrong_fields(f"{where}.client", rule.client, constraint.client, client_fields)
    faults += _wrong_fields(
        f"{where}.clinician", rule.clinician, constraint.clinician, clinician_fields
    )
    for key, when in (("when", constraint.when), ("unless", constraint.unless)):
        faults += condition_faults(f"{where}.{key}", when, client_fields)
    if constraint.instead is not None:
        client, clinician = (constraint.instead.client,), (constraint.instead.clinician,)
        faults += _wrong_fields(f"{where}.instead", (FLAG,), client, client_fields)
        faults += _wrong_fields(f"{where}.instead", (FLAG,), clinician, clinician_fields)
    faults += _wrong_settings(where, rule, constraint, client_fields, clinician_fields)
    if faults:
        return faults
    if constraint.relaxable != "no" and eased_field(constraint, client_fields) is None:
        problem = "is allowed although no answer of the client could lift it"
        faults.append(Fault(f"{where}.relaxable", problem, "remove it, or compare a stated wish"))
    ours = [client_fields[field] for field in constraint.client]
    theirs = [clinician_fields[field] for field in constraint.clinician]
    faults += [
        Fault(f"{where}.client", f"{field.name} is not in {unit}", f'declare its unit = "{unit}"')
        for field, unit in zip(ours, rule.units, strict=False)
        if unit is not None and field.unit != unit
    ]
    faults += [
        Fault(f"{where}.{field.side}", f"{field.name} names {field.people_named}", NAME_OTHER_SIDE)
        for field in (*ours, *theirs)
        if field.kind == "ids" and field.people_named == f"{field.side}s"
    ]
    if constraint.value is not None:
        try:
            field = constant_field(rule, theirs[0])
            field.behaviour.parse(field, constraint.value)
        except ValueError as error:
            remedy = f"write it as a cell of {theirs[0].label}"
            faults.append(Fault(f"{where}.value", str(error), remedy))
    elif rule.compares:
        faults += _not_comparable(where, rule, ours[0], theirs, constraint)
    return faults


def funding_problems(
    constraint: Constraint,
    funding: tuple[FundingRow, ...],
    client_fields: Mapping[str, Field],
    clinician_fields: Mapping[str, Field],
) -> list[Fault]:
    """Schemes and providers of funding rows that the constraint's fields do not know.

    A misspelt scheme would otherwise pay no rebate without any error.
    """
    scheme, provider = _paid_by(constraint)
    if scheme is None or provider is None:
        return []
    named = [("scheme", row.scheme, client_fields[scheme]) for row in funding]
    named += [("provider", row.provider, clinician_fields[provider]) for row in funding]
    return [
        Fault(
            f"funding.{key}",
            f"{level} is not a level of {field.label}",
            with_near_name(level, field.levels, "fix its spelling"),
        )
        for key, level, field in dict.fromkeys(named)
        if level not in field.levels
    ]


def ways_problems(constraint: Constraint, wanted: Field | None) -> list[Fault]:
    """Faults of ways of meeting in a constraint that the practice's clients cannot choose."""
    where = f"constraints.{constraint.name}.ways"
    if not constraint.ways:
        return []
    if wanted is None:
        return [Fault(where, "is given without [ways]", "name there the fields that list the ways")]
    unknown = [way for way in constraint.ways if way not in wanted.levels]
    remedy = f"choose from {', '.join(wanted.levels)}"
    return [Fault(where, f"has no way called {', '.join(unknown)}", remedy)] if unknown else []


def _paid_by(constraint: Constraint) -> tuple[str | None, str | None]:
    """Fields of the scheme and of the registration a constraint looks up in funding rows."""
    if constraint.rule == "funded":
        return constraint.client[0], constraint.clinician[0]
    return constraint.settings.get("funding"), constraint.settings.get("registration")


def _never_weakened(where: str, constraint: Constraint) -> Iterator[Fault]:
    family = constraint.family
    if family not in NEVER_RELAXED:
        return
    if constraint.relaxable != "no":
        problem = f"is allowed in the family {family}"
        yield Fault(f"{where}.relaxable", problem, "this family is never relaxed: remove it")
    if constraint.unknown == "met":
        problem = f"counts unknown as passed in the family {family}"
        yield Fault(f"{where}.unknown", problem, "write fail, or pass to have it mentioned")
    if any(mode != "hard" for mode in constraint.may_be):
        problem = f"lets a request weaken the family {family}"
        yield Fault(f"{where}.may_be", problem, "this family is never weakened: remove it")


def _wrong_sides(where: str, rule: Rule, constraint: Constraint) -> Iterator[Fault]:
    if constraint.value is not None:
        if rule.constant is None:
            yield Fault(f"{where}.value", f"is not possible in {rule.name}", "name a client field")
        if constraint.client:
            yield Fault(f"{where}.value", "is given beside a client field", "keep one of the two")
    sides = (
        ("client", constraint.client, rule.client),
        ("clinician", constraint.clinician, rule.clinician),
    )
    for side, names, kinds in sides:
        instead = side == "client" and constraint.value is not None
        absent = not names and (side in rule.optional or instead)
        if len(names) != len(kinds) and not absent:
            taken = ", then ".join(" or ".join(sorted(kind)) for kind in kinds) or "no field"
            problem = f"does not name the {len(kinds)} that {rule.name} takes"
            yield Fault(f"{where}.{side}", problem, f"it takes {taken}")
    if not constraint.client and not constraint.clinician:
        yield Fault(where, "names no field", "name a field of either side")


def _wrong_fields(
    where: str,
    kinds: tuple[frozenset[str], ...],
    names: tuple[str, ...],
    known: Mapping[str, Field],
) -> Iterator[Fault]:
    for place, name in enumerate(names):
        if name not in known:
            yield undeclared_field(where, name, known)
        elif known[name].use == "audit":
            yield Fault(
                where,
                f"{name} is for audit",
                "audit fields serve fairness reports only: name another",
            )
        elif place < len(kinds) and known[name].kind not in kinds[place]:
            remedy = f"this place takes {' or '.join(sorted(kinds[place]))}"
            yield Fault(where, f"{name} is of kind {known[name].kind}", remedy)


def condition_faults(
    where: str, when: Condition | None, client_fields: Mapping[str, Field]
) -> Iterator[Fault]:
    """Faults of a condition whose field or level is not declared, or cannot be compared."""
    if when is None:
        return
    kinds = {"number"} if when.below is not None else {"category", "ordinal", "tags", "flag"}
    faults = list(_wrong_fields(where, (frozenset(kinds),), (when.client,), client_fields))
    yield from faults
    if faults or when.below is not None:
        return
    field = client_fields[when.client]
    if field.kind == "flag" and when.has:
        yield Fault(where, "compares a flag with a level", "write has = true")
    unknown = [level for level in when.has if level not in field.levels] if when.has else []
    if field.kind != "flag" and (not when.has or unknown):
        remedy = f"choose from {', '.join(field.levels)}"
        remedy = with_near_name(unknown[0], field.levels, remedy) if unknown else remedy
        yield Fault(where, "has a level that is not declared", remedy)


def _wrong_settings(
    where: str,
    rule: Rule,
    constraint: Constraint,
    client_fields: Mapping[str, Field],
    clinician_fields: Mapping[str, Field],
) -> Iterator[Fault]:
    settings = constraint.settings
    for key in sorted(rule.needs - set(settings)):
        yield Fault(f"{where}.{key}", "is not given", f"every {rule.name} needs it")
    remedy = f"remove it, or use one of: {', '.join(sorted(rule.needs | rule.allows))}"
    for key in sorted(set(settings) - rule.needs - rule.allows):
        yield Fault(f"{where}.{key}", f"is not a setting of {rule.name}", remedy)
    for key, least in (("detour", 1.0), ("usual_minutes", 1.0), ("least", 0.0)):
        if key in settings and not _is_number(settings[key], least):
            yield Fault(f"{where}.{key}", f"is not a number from {least:g}", "write a number")
    for key in ("evening", "morning"):
        if key in settings and not _TIME.fullmatch(str(settings[key])):
            yield Fault(f"{where}.{key}", "is not a time of the day", "write it like 17:00")
    for key, (side, kinds) in FIELD_SETTINGS.items():
        if key in settings:
            known = client_fields if side == "client" else clinician_fields
            faults = list(_wrong_fields(f"{where}.{key}", (kinds,), (str(settings[key]),), known))
            yield from faults
            field = known.get(str(settings[key]))
            if not faults and key in ZONES and field is not None:
                unknown = [level for level in field.levels if not is_zone(level)]
                problem = f"{field.label} has levels that are not zones: {', '.join(unknown)}"
                remedy = "use IANA names such as Australia/Sydney"
                yield from [Fault(f"{where}.{key}", problem, remedy)] if unknown else []
    if "session" in settings:
        yield from _wrong_session(f"{where}.session", settings["session"], client_fields)
    if "indifferent" in settings and constraint.client:
        levels = getattr(client_fields.get(constraint.client[0]), "levels", ())
        named = settings["indifferent"]
        if not isinstance(named, tuple) or any(level not in levels for level in named):
            remedy = "name levels of the client's field in a list"
            yield Fault(f"{where}.indifferent", "is not a list of the client's levels", remedy)


def is_zone(name: str) -> bool:
    """Whether a name is that of an IANA zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _wrong_session(
    where: str, session: object, client_fields: Mapping[str, Field]
) -> Iterator[Fault]:
    if not isinstance(session, str):
        if not _is_number(session, 1.0):
            yield Fault(where, "is not a number from 1", "write minutes, or name a client field")
        return
    faults = list(_wrong_fields(where, (frozenset({"number"}),), (session,), client_fields))
    yield from faults
    if not faults and client_fields[session].unit != "minutes":
        yield Fault(where, f"{session} is not in minutes", 'declare its unit = "minutes"')


def _is_number(value: object, least: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= least


def _not_comparable(
    where: str, rule: Rule, ours: Field, theirs: list[Field], constraint: Constraint
) -> Iterator[Fault]:
    """Faults of a client field and clinician fields that cannot be compared."""
    if ours.levels:
        yield from _wrong_levels(where, rule, ours, theirs, constraint.settings)
        return
    for field in theirs:
        if field.kind != ours.kind and {field.kind, ours.kind} != {"number", "scale"}:
            problem = f"{ours.name} is of kind {ours.kind}, {field.name} of kind {field.kind}"
            yield Fault(where, problem, "compare fields of one kind")
        elif field.unit != ours.unit:
            problem = f"{ours.label} and {field.label} have different units"
            yield Fault(where, problem, "declare both in one unit")


def _wrong_levels(
    where: str, rule: Rule, ours: Field, theirs: list[Field], settings: Mapping[str, Any]
) -> Iterator[Fault]:
    named = [level for level in ours.levels if level not in settings.get("indifferent", ())]
    for field in theirs:
        unknown = [level for level in named if level not in field.levels]
        if unknown:
            remedy = f"add them to {field.label}, or list them as indifferent"
            yield Fault(where, f"levels {', '.join(unknown)} exist only for the client", remedy)
        elif rule.ordered and [lv for lv in field.levels if lv in named] != named:
            problem = f"{ours.label} and {field.label} order their levels differently"
            yield Fault(where, problem, "write the levels of both from low to high")
    if len({field.levels for field in theirs}) > 1:
        yield Fault(where, "the clinician's fields have different levels", "give both the same")
