"""The practice definition: one TOML file that says what this practice asks, compares and requires.

Nothing about a single field is written in code: tables, features, the HTTP request model,
constraints and explanations all read this. Imported by every room above it.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recommender.errors import DefinitionError, Fault
from recommender.fields import Field, Side, read_field
from recommender.instruments import (
    AllianceSettings,
    Instrument,
    read_instruments,
    shipped_instruments,
)
from recommender.matches import Match, read_match
from recommender.rules import Constraint, FundingRow, read_constraint, read_funding

TABLES = ("client", "clinician", "matches", "constraints")
SECTIONS = frozenset(
    ("practice", "alliance", "instruments", "groups", "history", "funding", *TABLES)
)
HEADING = frozenset(("id", "version", "title", "timezone", "currency", "consent"))
NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_RULE = "start with a letter; use lower-case letters, digits and underscores"


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How what earlier clients reported of a clinician is kept and said.

    `per` names the client field (a category) by whose levels the record is also kept apart.
    """

    group: str
    phrase: str = "what earlier clients reported"
    per: str | None = None


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
        text = path.read_text(encoding="utf-8")
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
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError([Fault("file", f"is not TOML: {error}", "mend that line")]) from None
    faults = [
        Fault(section, "is not a section of a definition", "remove it or mend its spelling")
        for section in sorted(set(declared) - SECTIONS)
    ]
    faults += _not_tables(declared)
    if faults:
        raise DefinitionError(sorted(faults))
    return _assemble(text, declared)


def _assemble(text: str, declared: Mapping[str, Any]) -> Practice:
    faults = _heading(declared.get("practice", {}))
    client, more = _fields("client", declared.get("client", {}))
    clinician, again = _fields("clinician", declared.get("clinician", {}))
    groups = declared.get("groups", {})
    instruments, alliance, wrong = _alliance(declared)
    faults += more + again + wrong + _groups(groups, client, clinician)
    history, wrong = _history(declared.get("history", {}), groups, client)
    faults += wrong
    matches: dict[str, Match] = {}
    for name, table in declared.get("matches", {}).items():
        match, wrong = read_match(name, table, client, clinician)
        faults += wrong + _group_known(f"matches.{name}.group", table.get("group"), groups)
        if match is not None:
            matches[name] = match
    constraints: dict[str, Constraint] = {}
    for name, table in declared.get("constraints", {}).items():
        constraint, wrong = read_constraint(name, table, client, clinician)
        faults += wrong
        if constraint is not None:
            constraints[name] = constraint
    funding, wrong = read_funding(declared.get("funding", []))
    faults += wrong + _consent(declared.get("practice", {}), client)
    if faults:
        raise DefinitionError(sorted(set(faults)))
    return Practice(
        **{key: declared["practice"].get(key) for key in HEADING},
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


def _not_tables(declared: Mapping[str, Any]) -> list[Fault]:
    remedy = "write it as a TOML table, [section] or [section.name]"
    wrong = [s for s in sorted(SECTIONS - {"funding"}) if not isinstance(declared.get(s, {}), dict)]
    for section in TABLES:
        tables = declared.get(section, {})
        if isinstance(tables, dict):
            wrong += [f"{section}.{k}" for k, v in tables.items() if not isinstance(v, dict)]
    return [Fault(where, "is not a table", remedy) for where in wrong]


def _heading(heading: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(f"practice.{key}", "is not a setting", "remove it or mend its spelling")
        for key in sorted(set(heading) - HEADING)
    ]
    faults += [
        Fault(f"practice.{key}", "is not given", "every definition says it, as text")
        for key in sorted(HEADING - {"consent"})
        if not isinstance(heading.get(key), str) or not heading[key]
    ]
    if isinstance(heading.get("timezone"), str):
        try:
            ZoneInfo(heading["timezone"])
        except (ZoneInfoNotFoundError, ValueError):
            remedy = "use an IANA name such as Australia/Sydney"
            faults.append(Fault("practice.timezone", "is not a known zone", remedy))
    return faults + _named("practice.id", heading.get("id", "x"))


def _named(where: str, name: object) -> list[Fault]:
    sound = isinstance(name, str) and NAME.fullmatch(name) is not None
    return [] if sound else [Fault(where, "is not a plain name", NAME_RULE)]


def _fields(side: Side, tables: Mapping[str, Any]) -> tuple[dict[str, Field], list[Fault]]:
    fields, faults = {}, []
    for name, table in tables.items():
        fields[name], wrong = read_field(side, name, table)
        faults += wrong + _named(f"{side}.{name}", name)
    reserved = {f"{side}_id", "name"} & set(fields)
    remedy = "choose another name: the tables already have this column"
    faults += [Fault(f"{side}.{name}", "is reserved", remedy) for name in sorted(reserved)]
    return fields, faults


def _groups(
    groups: Mapping[str, Any], client: Mapping[str, Field], clinician: Mapping[str, Field]
) -> list[Fault]:
    faults = [
        Fault(f"groups.{name}", "is not text", "give the phrase staff will read")
        for name, phrase in groups.items()
        if not isinstance(phrase, str)
    ]
    if len(groups) > 5:
        faults.append(Fault("groups", "has more than five", "people can weigh three to five"))
    for field in (*client.values(), *clinician.values()):
        if field.group:
            faults += _group_known(f"{field.label}.group", field.group, groups)
    return faults


def _history(
    table: Mapping[str, Any], groups: Mapping[str, Any], client: Mapping[str, Field]
) -> tuple[HistorySettings, list[Fault]]:
    known = set(HistorySettings.__dataclass_fields__)
    faults = [
        Fault(f"history.{key}", "is not a setting", "remove it or mend its spelling")
        for key in sorted(set(table) - known)
    ]
    settings = {"group": next(iter(groups), "")} | {k: v for k, v in table.items() if k in known}
    faults += _group_known("history.group", settings["group"], groups)
    per = settings.get("per")
    if per is not None and (per not in client or client[per].kind != "category"):
        faults.append(Fault("history.per", "is not a category of the client", "name one"))
    elif per is not None and client[per].use != "score":
        faults.append(Fault("history.per", "is not scored", "name a field of use score"))
    return HistorySettings(**settings), faults


def _group_known(where: str, group: str | None, groups: Mapping[str, Any]) -> list[Fault]:
    if group is None or group in groups:
        return []
    return [Fault(where, f"{group} is not a declared group", "add it under [groups]")]


def _alliance(
    declared: Mapping[str, Any],
) -> tuple[dict[str, Instrument], AllianceSettings, list[Fault]]:
    table = dict(declared.get("alliance", {}))
    faults: list[Fault] = []
    try:
        instruments = shipped_instruments() | read_instruments(declared.get("instruments", {}))
    except DefinitionError as error:
        instruments, faults = shipped_instruments(), list(error.faults)
    known = set(AllianceSettings.__dataclass_fields__)
    faults += [
        Fault(f"alliance.{key}", "is not a setting", "remove it or mend its spelling")
        for key in sorted(set(table) - known)
    ]
    accepted = tuple(table.get("instruments", ()))
    reference = table.get("reference", "")
    faults += [
        Fault("alliance.instruments", f"{name} is not known", "declare it under [instruments]")
        for name in accepted
        if name not in instruments
    ]
    if not accepted or reference not in accepted:
        remedy = "name one of alliance.instruments; predictions are said on its scale"
        faults.append(Fault("alliance.reference", "is not an accepted instrument", remedy))
    faults += _windows(table)
    for key in ("instruments", "early_sessions", "fallback_sessions"):
        if key in table:
            table[key] = tuple(table[key])
    settings = {key: value for key, value in table.items() if key in known}
    settings = {"instruments": accepted, "reference": reference} | settings
    kept = {name: inst for name, inst in instruments.items() if name in accepted}
    return kept, AllianceSettings(**settings), faults


def _windows(table: Mapping[str, Any]) -> list[Fault]:
    faults = []
    for key in ("early_sessions", "fallback_sessions"):
        window = table.get(key, [1, 1])
        whole = isinstance(window, list) and len(window) == 2
        if (
            not whole
            or not all(isinstance(s, int) for s in window)
            or not 1 <= window[0] <= window[1]
        ):
            faults.append(Fault(f"alliance.{key}", "is not a window", "write it like [2, 5]"))
    if not 0.5 <= table.get("interval", 0.9) < 1:
        faults.append(Fault("alliance.interval", "is not a level", "write 0.8 or 0.9"))
    if table.get("metric", "mean") not in ("mean", "sum"):
        faults.append(Fault("alliance.metric", "is not known", 'write "mean" or "sum"'))
    if table.get("rater", "client") not in ("client", "clinician"):
        faults.append(Fault("alliance.rater", "is not known", 'write "client"'))
    return faults


def _consent(heading: Mapping[str, Any], client: Mapping[str, Field]) -> list[Fault]:
    consent = heading.get("consent")
    if consent is None or (consent in client and client[consent].kind == "flag"):
        return []
    remedy = "name a client field of kind flag, or leave it out"
    return [Fault("practice.consent", "is not a flag of the client", remedy)]


def days_until(practice: Practice, day: date) -> dict[str, int]:
    """Days until each dated funding scheme's last row ends, for schemes that end at all."""
    ends: dict[str, int] = {}
    for row in practice.funding:
        if row.until is not None:
            left = (row.until - day).days
            ends[row.scheme] = max(left, ends.get(row.scheme, left))
    return ends
