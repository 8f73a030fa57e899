"""The practice definition: one TOML file that says what this practice asks, compares and requires.

Nothing about a single field is written in code: tables, features, the HTTP request model,
constraints and explanations all read this. Imported by every room above it.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from recommender.alliance.instruments import AllianceSettings, Instrument
from recommender.errors import DefinitionError, Fault
from recommender.practice.fields import Field, Side
from recommender.practice.funding import read_postcodes, unknown_modes
from recommender.practice.matches import Match
from recommender.practice.parse import (
    read_constraints,
    read_fields,
    read_matches,
    read_ways_between,
)
from recommender.practice.rules.parse import Constraint, FundingRow, read_funding
from recommender.practice.schema import UNKNOWN_REMEDY
from recommender.practice.sections import (
    CardSettings,
    HistorySettings,
    MeetingModes,
    RankingSettings,
    read_alliance,
    read_card,
    read_groups,
    read_heading,
    read_history,
    read_ranking,
)

NAMED = ("client", "clinician", "matches", "constraints")
"""Sections of named tables."""
SECTIONS = (
    *("practice", "card", "alliance", "instruments", "groups", "history", "ranking", "ways"),
    *(*NAMED, "postcodes", "funding"),
)


@dataclass(frozen=True, slots=True)
class Practice:
    """A checked practice definition.

    Attributes
    ----------
    id, version, title, timezone, currency
        Who it is for; the IANA zone in which the practice's days begin.
    consent
        The client flag without which no personalised order is given, if the practice asks it.
    card
        What people say of the model on its card.
    alliance, instruments
        What counts as an early alliance rating, and the instruments it may come from.
    groups
        Explanation groups: id to phrase, in the order shown.
    history
        How a clinician's record enters.
    ranking
        What else may order clinicians who cannot be told apart.
    ways
        The fields of the ways people meet, or None.
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
    card: CardSettings
    alliance: AllianceSettings
    instruments: Mapping[str, Instrument]
    groups: Mapping[str, str]
    history: HistorySettings
    ranking: RankingSettings
    ways: MeetingModes | None
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

    @property
    def capacity(self) -> Constraint | None:
        """The constraint on open places: the first of family capacity by rule `at_least`."""
        return capacity_of(self.constraints.values())

    @property
    def places(self) -> str | None:
        """The clinician field that counts open places, which `capacity` reads; None without one."""
        return None if self.capacity is None else self.capacity.clinician[0]

    def fields(self, side: Side, *uses: str) -> dict[str, Field]:
        """Fields of one side, only those of the given uses if any are named."""
        declared = self.client if side == "client" else self.clinician
        return {name: f for name, f in declared.items() if not uses or f.use in uses}


def capacity_of(constraints: Iterable[Constraint]) -> Constraint | None:
    """The constraint on open places among some constraints; None without one."""
    for constraint in constraints:
        if constraint.family == "capacity" and constraint.rule == "at_least":
            return constraint
    return None


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


def practice_named(name: str) -> Practice:
    """The definition in a `.toml` file of this name, or the one of this name that ships."""
    return load_practice(Path(name)) if name.endswith(".toml") else shipped_practice(name)


def shipped_practice(name: str = "psychology") -> Practice:
    """A definition that ships with the package."""
    return read_practice(shipped_text(name))


def shipped_text(name: str) -> str:
    """The text of a shipped definition, to be copied and edited."""
    found = files("recommender") / "practice" / "shipped" / f"{name}.toml"
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
    groups, of_groups = read_groups(shaped["groups"])
    postcodes, of_postcodes = read_postcodes(shaped["postcodes"])
    fields, of_fields = read_fields(shaped["client"], shaped["clinician"], groups, postcodes)
    heading, of_heading = read_heading(shaped["practice"], fields.client)
    card, of_card = read_card(shaped["card"])
    instruments, alliance, of_alliance = read_alliance(shaped["alliance"], shaped["instruments"])
    history, of_history = read_history(shaped["history"], groups, fields.client)
    matches, of_matches = read_matches(shaped["matches"], fields, groups)
    funding, of_funding = read_funding(shaped["funding"])
    of_funding += [] if fields.faulty else unknown_modes(funding, fields.client)
    constraints, of_constraints = read_constraints(shaped["constraints"], fields, funding)
    ways, of_ways = read_ways_between(shaped["ways"], constraints, fields)
    faults += of_groups + of_postcodes + of_fields + of_heading + of_card + of_alliance + of_history
    ranking, of_ranking = read_ranking(shaped["ranking"])
    faults += of_matches + of_funding + of_ways + of_constraints + of_ranking
    if (
        ranking.keep_last_places
        and not of_constraints
        and capacity_of(constraints.values()) is None
    ):
        remedy = "declare a constraint of family capacity by rule at_least, or leave it out"
        faults.append(Fault("ranking.keep_last_places", "has no field of open places", remedy))
    if faults:
        raise DefinitionError(sorted(set(faults)))
    return Practice(
        **heading,  # type: ignore[arg-type]
        card=card,
        alliance=alliance,
        instruments=instruments,
        groups=groups,
        history=history,
        ranking=ranking,
        ways=ways,
        client=fields.client,
        clinician=fields.clinician,
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
