"""How a practice's constraints are read from its definition, and the door to all about rules.

What a constraint may be is data in `rulebook`, whether it fits its fields is asked of `misfits`.
Imported by `practice` and `constraints`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from recommender.errors import Fault
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRow, read_funding
from recommender.practice.rules.catalogue import RULES, Rule
from recommender.practice.rules.constraint import (
    FAMILIES,
    MODES,
    NEVER_RELAXED,
    Alternative,
    Condition,
    Constraint,
    Lifting,
    Mode,
    client_fields,
    eased_field,
    judge,
    rule_input_of,
)
from recommender.practice.rules.rule_input import RequestContext
from recommender.practice.rules.validation import (
    constraint_problems,
    funding_problems,
    ways_problems,
)

__all__ = [
    "FAMILIES",
    "MODES",
    "NEVER_RELAXED",
    "RULES",
    "Alternative",
    "Condition",
    "Constraint",
    "FundingRow",
    "Lifting",
    "Mode",
    "RequestContext",
    "Rule",
    "client_fields",
    "constraint_problems",
    "eased_field",
    "funding_problems",
    "judge",
    "read_constraint",
    "read_funding",
    "rule_input_of",
    "ways_problems",
]

_COMMON = frozenset(field.name for field in fields(Constraint)) - {"name", "settings"}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "family": FAMILIES,
    "mode": MODES,
    "unknown": ("fail", "pass", "met"),
    "unasked": ("pass", "unknown"),
}


def read_constraint(
    name: str,
    declared: Mapping[str, Any],
    client_fields: Mapping[str, Field],
    clinician_fields: Mapping[str, Field],
) -> tuple[Constraint | None, list[Fault]]:
    """A constraint from its table in the definition, or everything that is wrong about it.

    Left out: `mode` is hard; `unknown` is fail in the families never relaxed and pass elsewhere;
    `unasked` is pass; `relaxable` is false; a request may choose no other mode.
    """
    where = f"constraints.{name}"
    faults, misshapen = list(_wrong_choices(where, declared)), list(_wrong_shapes(where, declared))
    faults += misshapen
    rule = RULES.get(str(declared.get("rule")))
    if rule is None:
        remedy = f"set rule to one of {', '.join(RULES)}"
        return None, [*faults, Fault(f"{where}.rule", "is not a known rule", remedy)]
    known = _COMMON | rule.needs | rule.allows
    faults += [
        Fault(f"{where}.{key}", f"is not a setting of {rule.name}", "remove it or mend it")
        for key in sorted(set(declared) - known)
    ]
    if misshapen:
        return None, faults
    constraint = _constraint(name, rule, declared)
    faults += constraint_problems(constraint, client_fields, clinician_fields)
    return (None, faults) if faults else (constraint, [])


def _constraint(name: str, rule: Rule, declared: Mapping[str, Any]) -> Constraint:
    family = declared.get("family", "")
    value = declared.get("value")
    if isinstance(value, list):
        value = ";".join(value)
    settings = {key: declared[key] for key in rule.needs | rule.allows if key in declared}
    return Constraint(
        name=name,
        rule=rule.name,
        client=_names(declared.get("client")),
        clinician=_names(declared.get("clinician")),
        value=value.isoformat() if isinstance(value, date) else value,
        family=family,
        mode=declared.get("mode", "hard"),
        unknown=declared.get("unknown", "fail" if family in NEVER_RELAXED else "pass"),
        unasked=declared.get("unasked", "pass"),
        may_be=tuple(declared.get("may_be", ())),
        relaxable=_lifting(declared.get("relaxable", False)),
        say=declared.get("say", ""),
        offer=declared.get("offer", ""),
        when=_condition(declared.get("when")),
        unless=_condition(declared.get("unless")),
        instead=Alternative(**declared["instead"]) if "instead" in declared else None,
        ways=tuple(declared.get("ways", ())),
        settings={k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()},
    )


def _names(declared: str | list[str] | None) -> tuple[str, ...]:
    return (declared,) if isinstance(declared, str) else tuple(declared or ())


def _condition(when: Mapping[str, Any] | None) -> Condition | None:
    if when is None:
        return None
    # A flag is met by being true, so naming it and writing `has = true` say the same.
    has = when.get("has")
    below = when.get("below")
    level = None if has in (None, True) else str(has)
    return Condition(when["client"], level, None if below is None else float(below))


def _lifting(relaxable: bool | str) -> Lifting:
    if relaxable == "ask":
        return "ask"
    return "yes" if relaxable is True else "no"


def _wrong_choices(where: str, declared: Mapping[str, Any]) -> Iterator[Fault]:
    for key, choices in _CHOICES.items():
        if key == "family" and key not in declared:
            yield Fault(f"{where}.family", "is not given", f"use one of {', '.join(choices)}")
        elif key in declared and declared[key] not in choices:
            yield Fault(f"{where}.{key}", "is not known", f"use one of {', '.join(choices)}")
    if not isinstance(declared.get("say"), str) or not declared["say"].strip():
        yield Fault(f"{where}.say", "is not given", "write what staff say after the name")
    relaxable = declared.get("relaxable", False)
    if not isinstance(relaxable, bool) and relaxable != "ask":
        remedy = 'write true, false, or "ask" where staff may only ask'
        yield Fault(f"{where}.relaxable", "is not known", remedy)
    if not isinstance(declared.get("offer", ""), str):
        yield Fault(f"{where}.offer", "is not text", "write how staff offer the change")


def _wrong_shapes(where: str, declared: Mapping[str, Any]) -> Iterator[Fault]:
    for side in ("client", "clinician"):
        if not isinstance(declared.get(side, ""), str) and not _is_texts(declared[side]):
            yield Fault(f"{where}.{side}", "is not a field", 'write "field" or ["one", "other"]')
    value = declared.get("value", 0)
    if not isinstance(value, bool | int | float | str | date) and not _is_texts(value):
        yield Fault(f"{where}.value", "is not a constant", "write a number, a text or a flag")
    for key in ("ways", "may_be"):
        if not _is_texts(declared.get(key, [])):
            yield Fault(f"{where}.{key}", "is not a list of texts", 'write ["one", "other"]')
    for key in ("when", "unless"):
        if key in declared and not _is_condition(declared[key]):
            remedy = 'write { client = "field", has = "level" } or { client = "field", below = 18 }'
            yield Fault(f"{where}.{key}", "is not a condition", remedy)
    instead = declared.get("instead", {"client": "", "clinician": ""})
    if not isinstance(instead, dict) or {k: type(v) for k, v in instead.items()} != _BOTH_SIDES:
        remedy = 'write { client = "flag", clinician = "flag" }'
        yield Fault(f"{where}.instead", "does not name a flag of each side", remedy)


_BOTH_SIDES = {"client": str, "clinician": str}


def _is_condition(when: object) -> bool:
    if not isinstance(when, dict) or not isinstance(when.get("client"), str):
        return False
    below = when.get("below", 0)
    sound = isinstance(below, int | float) and not isinstance(below, bool)
    known = not set(when) - {"client", "has", "below"} and not {"has", "below"} <= set(when)
    return sound and known and isinstance(when.get("has", ""), str | bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
