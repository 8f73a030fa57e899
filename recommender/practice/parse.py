"""The named tables of a practice definition: its fields, and what is declared between them.

A field that is itself at fault is not held against the matches and constraints that name it:
whoever mends it should not first be sent elsewhere. Imported by `practice`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from recommender.errors import Fault
from recommender.practice.fields import Field, Side, read_field
from recommender.practice.funding import Postcodes
from recommender.practice.matches import Match, read_match
from recommender.practice.rules.catalogue import FIELD_SETTINGS
from recommender.practice.rules.parse import (
    Constraint,
    FundingRow,
    funding_problems,
    read_constraint,
    ways_problems,
)
from recommender.practice.schema import name_fault
from recommender.practice.sections import MeetingModes, read_meeting_modes, unknown_group

Tables = Mapping[str, Mapping[str, Any]]
Made = TypeVar("Made")
Reader = Callable[
    [str, Mapping[str, Any], Mapping[str, Field], Mapping[str, Field]],
    tuple[Made | None, list[Fault]],
]

ON_FIELDS = frozenset(
    (
        *("client", "clinician", "when", "unless", "instead", "value", "session", "indifferent"),
        *FIELD_SETTINGS,
    )
)
"""Settings of a match or a constraint whose meaning rests on a field."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of both sides, and the labels of those that are at fault."""

    client: Mapping[str, Field]
    clinician: Mapping[str, Field]
    faulty: frozenset[str]


def read_fields(
    client: Tables, clinician: Tables, groups: Mapping[str, str], postcodes: Postcodes
) -> tuple[Fields, list[Fault]]:
    """The fields of both sides; their places may be named by the practice's postcodes."""
    ours, faults = _side("client", client, groups, postcodes)
    theirs, wrong = _side("clinician", clinician, groups, postcodes)
    faults += wrong
    faulty = frozenset(".".join(fault.where.split(".")[:2]) for fault in faults)
    return Fields(ours, theirs, faulty), faults


def read_matches(
    tables: Tables, fields: Fields, groups: Mapping[str, str]
) -> tuple[dict[str, Match], list[Fault]]:
    """The matches, each in a declared group."""
    matches, faults = _between("matches", tables, read_match, fields)
    for name, table in tables.items():
        faults += unknown_group(f"matches.{name}.group", table.get("group"), groups)
    return matches, faults


def read_constraints(
    tables: Tables, fields: Fields, funding: tuple[FundingRow, ...]
) -> tuple[dict[str, Constraint], list[Fault]]:
    """The constraints, and the funding rows that those which read them cannot place."""
    constraints, faults = _between("constraints", tables, read_constraint, fields)
    for constraint in constraints.values():
        faults += funding_problems(constraint, funding, fields.client, fields.clinician)
    return constraints, faults


def read_ways_between(
    table: Mapping[str, Any], constraints: Mapping[str, Constraint], fields: Fields
) -> tuple[MeetingModes | None, list[Fault]]:
    """The ways of meeting, and those that a constraint is about and no client can choose."""
    ways, faults = read_meeting_modes(table, fields.client, fields.clinician)
    if faults:
        # A section that is itself at fault is not held against the constraints.
        return None, faults
    wanted = None if ways is None else fields.client[ways.client]
    for constraint in constraints.values():
        faults += ways_problems(constraint, wanted)
    return ways, faults


def _side(
    side: Side, tables: Tables, groups: Mapping[str, str], postcodes: Postcodes
) -> tuple[dict[str, Field], list[Fault]]:
    fields: dict[str, Field] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        field, wrong = read_field(side, name, table)
        fields[name] = replace(field, postcodes=postcodes) if field.kind == "place" else field
        faults += wrong + name_fault(f"{side}.{name}", name)
        faults += unknown_group(f"{side}.{name}.group", fields[name].group, groups)
    reserved = {f"{side}_id", "name"} & set(fields)
    remedy = "choose another name: the tables already have this column"
    faults += [Fault(f"{side}.{name}", "is reserved", remedy) for name in sorted(reserved)]
    return fields, faults


def _between(
    section: str, tables: Tables, read: Reader[Made], fields: Fields
) -> tuple[dict[str, Made], list[Fault]]:
    made: dict[str, Made] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        where = f"{section}.{name}"
        found, wrong = read(name, table, fields.client, fields.clinician)
        if _mentioned(table) & fields.faulty:
            wrong = [fault for fault in wrong if _stands_alone(fault, where)]
        elif found is not None:
            made[name] = found
        faults += wrong + name_fault(where, name)
    return made, faults


def _mentioned(table: Mapping[str, Any]) -> set[str]:
    """Labels of the fields a match or a constraint names, wherever it does."""
    places = {side: [table.get(side)] for side in ("client", "clinician")}
    places["client"].append(table.get("session"))
    for key in ("when", "unless", "instead"):
        for side, name in (table[key] if isinstance(table.get(key), dict) else {}).items():
            places.setdefault(side, []).append(name)
    for key, (side, _) in FIELD_SETTINGS.items():
        places[side].append(table.get(key))
    return {
        f"{side}.{name}"
        for side, told in places.items()
        for names in told
        for name in (names if isinstance(names, list) else [names])
    }


def _stands_alone(fault: Fault, where: str) -> bool:
    parent, _, key = fault.where.rpartition(".")
    return parent == where and key not in ON_FIELDS
