"""The practice definition: one TOML file that says what this practice asks, compares and requires.

Nothing about a single field is written in code: tables, features, the HTTP request model,
constraints and explanations all read this. Imported by every room above it.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from recommender.errors import DefinitionError, Fault
from recommender.fields import Field, Side, read_field
from recommender.instruments import AllianceSettings, Instrument
from recommender.matches import Match, read_match
from recommender.rules import (
    Constraint,
    FundingRow,
    funding_problems,
    read_constraint,
    read_funding,
)
from recommender.sections import (
    HistorySettings,
    read_alliance,
    read_groups,
    read_heading,
    read_history,
    unknown_group,
)
from recommender.shape import UNKNOWN_REMEDY, name_fault

__all__ = [
    "HistorySettings",
    "Practice",
    "days_until",
    "load_practice",
    "practice_of",
    "read_practice",
    "shipped_practice",
    "shipped_text",
]

NAMED = ("client", "clinician", "matches", "constraints")
"""Sections of named tables."""
SECTIONS = ("practice", "alliance", "instruments", "groups", "history", *NAMED, "funding")
ON_FIELDS = frozenset(
    ("client", "clinician", "when", "value", "session", "funding", "registration", "indifferent")
)
"""Settings whose meaning rests on a field."""

Made = TypeVar("Made")
Reader = Callable[
    [str, Mapping[str, Any], Mapping[str, Field], Mapping[str, Field]],
    tuple[Made | None, list[Fault]],
]


@dataclass(frozen=True, slots=True)
class Practice:
    """A checked practice definition.

    Attributes
    ----------
    id, version, title, timezone, currency
        Who it is for; the IANA zone in which the practice's days begin.
    consent
        The client flag without which no personalised order is given, if the practice asks it.
    alliance, instruments
        What counts as an early alliance rating, and the instruments it may come from.
    groups
        Explanation groups: id to phrase, in the order shown.
    history
        How a clinician's record enters.
    client, clinician, matches, constraints
        Declarations by name, in the order of the file.
    funding
        Dated fees and rebates.
    text, digest
        The file as read, and its SHA-256: a bundle is only used with the definition it learned.
    """

    id: str
    version: str
    title: str
    timezone: str
    currency: str
    consent: str | None
    alliance: AllianceSettings
    instruments: Mapping[str, Instrument]
    groups: Mapping[str, str]
    history: HistorySettings
    client: Mapping[str, Field]
    clinician: Mapping[str, Field]
    matches: Mapping[str, Match]
    constraints: Mapping[str, Constraint]
    funding: tuple[FundingRow, ...]
    text: str
    digest: str

    @property
    def reference(self) -> Instrument:
        """The instrument on whose scale predictions are said."""
        return self.instruments[self.alliance.reference]

    def fields(self, side: Side, *uses: str) -> dict[str, Field]:
        """Fields of one side, only those of the given uses if any are named."""
        declared = self.client if side == "client" else self.clinician
        return {name: f for name, f in declared.items() if not uses or f.use in uses}


def load_practice(path: Path) -> Practice:
    """The practice definition in a TOML file.

    Raises
    ------
    DefinitionError
        With every fault found: path in the file, what is wrong, how to mend it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        remedy = "name a readable UTF-8 TOML file, or `psychology` for the one that ships"
        raise DefinitionError([Fault(str(path), "cannot be read", remedy)]) from None
    return read_practice(text)


def shipped_practice(name: str = "psychology") -> Practice:
    """A definition that ships with the package."""
    return read_practice(shipped_text(name))


def shipped_text(name: str) -> str:
    """The text of a shipped definition, to be copied and edited."""
    found = files("recommender.practices") / f"{name}.toml"
    if not found.is_file():
        raise DefinitionError([Fault(name, "is not a shipped definition", "name a TOML file")])
    return found.read_text(encoding="utf-8")


def read_practice(text: str) -> Practice:
    """A checked practice from the text of its definition; see `load_practice` for errors."""
    try:
        declared = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError([Fault("file", f"is not TOML: {error}", "mend that line")]) from None
    return practice_of(declared, text)


def practice_of(declared: Mapping[str, Any], text: str) -> Practice:
    """A checked practice from its parsed definition and the text that was parsed.

    Raises
    ------
    DefinitionError
        With every fault found, whatever the values are.
    """
    shaped, faults = _shaped(declared)
    groups, wrong = read_groups(shaped["groups"])
    client, of_client = _fields("client", shaped["client"], groups)
    clinician, of_clinician = _fields("clinician", shaped["clinician"], groups)
    broken = _broken(of_client) | _broken(of_clinician)
    faults += wrong + of_client + of_clinician
    heading, wrong = read_heading(shaped["practice"], client)
    faults += wrong
    instruments, alliance, wrong = read_alliance(shaped["alliance"], shaped["instruments"])
    faults += wrong
    history, wrong = read_history(shaped["history"], groups, client)
    faults += wrong
    for name, table in shaped["matches"].items():
        faults += unknown_group(f"matches.{name}.group", table.get("group"), groups)
    fields = client, clinician
    matches, wrong = _pairwise("matches", shaped["matches"], read_match, *fields, broken)
    faults += wrong
    constraints, wrong = _pairwise(
        "constraints", shaped["constraints"], read_constraint, *fields, broken
    )
    faults += wrong
    funding, wrong = read_funding(shaped["funding"])
    faults += wrong
    for constraint in constraints.values():
        faults += funding_problems(constraint, funding, *fields)
    if faults:
        raise DefinitionError(sorted(set(faults)))
    return Practice(
        **heading,  # type: ignore[arg-type]
        alliance=alliance,
        instruments=instruments,
        groups=groups,
        history=history,
        client=client,
        clinician=clinician,
        matches=matches,
        constraints=constraints,
        funding=funding,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _shaped(declared: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Every section as the table, or list of tables, it should be, without what is neither."""
    faults = [
        Fault(section, "is not a section of a definition", UNKNOWN_REMEDY)
        for section in sorted(set(declared) - set(SECTIONS))
    ]
    remedy = "write it as a TOML table, [section] or [section.name]"
    shaped: dict[str, Any] = {}
    for section in SECTIONS[:-1]:
        table = declared.get(section, {})
        if not isinstance(table, dict):
            faults.append(Fault(section, "is not a table", remedy))
            table = {}
        shaped[section] = dict(table)
        if section in NAMED:
            for name in [name for name in table if not isinstance(table[name], dict)]:
                faults.append(Fault(f"{section}.{name}", "is not a table", remedy))
                del shaped[section][name]
    rows = declared.get("funding", [])
    shaped["funding"] = rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        faults.append(Fault("funding", "is not a list of tables", "write each as [[funding]]"))
        shaped["funding"] = []
    return shaped, faults


def _fields(
    side: Side, tables: Mapping[str, Any], groups: Mapping[str, str]
) -> tuple[dict[str, Field], list[Fault]]:
    fields: dict[str, Field] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        fields[name], wrong = read_field(side, name, table)
        faults += wrong + name_fault(f"{side}.{name}", name)
        faults += unknown_group(f"{side}.{name}.group", fields[name].group, groups)
    reserved = {f"{side}_id", "name"} & set(fields)
    remedy = "choose another name: the tables already have this column"
    faults += [Fault(f"{side}.{name}", "is reserved", remedy) for name in sorted(reserved)]
    return fields, faults


def _broken(faults: Iterable[Fault]) -> set[str]:
    """Labels of fields that are themselves at fault."""
    return {".".join(fault.where.split(".")[:2]) for fault in faults}


def _pairwise(
    section: str,
    tables: Mapping[str, Any],
    read: Reader[Made],
    client: Mapping[str, Field],
    clinician: Mapping[str, Field],
    broken: set[str],
) -> tuple[dict[str, Made], list[Fault]]:
    """What is declared between client and clinician, by name."""
    made: dict[str, Made] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        where = f"{section}.{name}"
        found, wrong = read(name, table, client, clinician)
        if _mentioned(table) & broken:
            # Whether it fits a field that is itself at fault shows once that field is mended.
            wrong = [fault for fault in wrong if _stands_alone(fault, where)]
        elif found is not None:
            made[name] = found
        faults += wrong + name_fault(where, name)
    return made, faults


def _mentioned(table: Mapping[str, Any]) -> set[str]:
    """Labels of the fields a match or a constraint names, wherever it does."""
    when = table.get("when")
    asked = when.get("client") if isinstance(when, dict) else None
    places = {
        "client": [table.get("client"), asked, table.get("session"), table.get("funding")],
        "clinician": [table.get("clinician"), table.get("registration")],
    }
    return {
        f"{side}.{name}"
        for side, told in places.items()
        for names in told
        for name in (names if isinstance(names, list) else [names])
    }


def _stands_alone(fault: Fault, where: str) -> bool:
    parent, _, key = fault.where.rpartition(".")
    return parent == where and key not in ON_FIELDS


def days_until(practice: Practice, day: date) -> dict[str, int]:
    """Days until a scheme's rows first run out for one of its providers, by scheme.

    Negative where they have; a scheme is not there while every provider has a row without end.
    """
    last: dict[tuple[str, str], date] = {}
    for row in practice.funding:
        pays = row.scheme, row.provider
        last[pays] = max(row.until or date.max, last.get(pays, date.min))
    first: dict[str, int] = {}
    for (scheme, _), until in last.items():
        if until != date.max:
            left = (until - day).days
            first[scheme] = min(left, first.get(scheme, left))
    return first
