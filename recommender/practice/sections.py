"""The sections of a definition that declare neither fields, matches nor constraints.

Each reader returns the section and every fault in it. A section with faults is returned with its
defaults, so that the other sections can still be checked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar
from zoneinfo import available_timezones

import numpy as np
from pydantic import Field as Setting
from pydantic import Strict, StringConstraints

from recommender.alliance.instruments import (
    AllianceSettings,
    Instrument,
    read_instruments,
    shipped_instruments,
)
from recommender.alliance.scores import is_response
from recommender.errors import DefinitionError, Fault
from recommender.practice.appearance import appearance_faults
from recommender.practice.fields import Field
from recommender.practice.matches import same_words
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.declaration import is_zone
from recommender.practice.rules.first_session import FirstSession
from recommender.values.near_names import undeclared_field, with_near_name
from recommender.values.parsers import MAX_NUMBER, Point, code_of, is_on_globe, is_postcode
from recommender.values.toml_settings import (
    FilledText,
    Flag,
    Text,
    Whole,
    name_faults,
    read_settings,
    toml_table,
)

T = TypeVar("T")
MAX_GROUPS = 5
STARTS = frozenset({"valid_on", "valid_between"})
"""Rules whose client field is the wished day of the first session."""

Stripped = Annotated[str, Strict(), StringConstraints(strip_whitespace=True)]
Fields = Mapping[str, Field]


@toml_table
@dataclass(frozen=True, slots=True)
class Heading:
    """The section `practice`.

    `timezone` is the IANA zone in which the practice's days begin, `currency` the ISO 4217 code of
    every amount, `consent` the client flag without which no personalised order is given,
    `language` the BCP 47 tag of every text of the definition. `accent`, `logo` and `accounts` are
    for the staff pages: a colour `#rrggbb`, a picture beside the definition, and whom staff ask
    about accounts.
    """

    id: FilledText
    version: FilledText
    title: FilledText
    timezone: FilledText
    currency: FilledText
    consent: FilledText | None = None
    language: FilledText = "en"
    accent: FilledText | None = None
    logo: FilledText | None = None
    accounts: Text = ""


@toml_table
@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How the ratings of a clinician's earlier clients enter.

    `group` is the explanation group, the first one if left out. `phrase` describes a record above
    the usual, `otherwise` one below; both are given or neither. Separate records are computed for
    each level of the client's category, ordinal or tags `per` too.
    """

    group: FilledText = ""
    phrase: FilledText = "earlier clients reported a stronger alliance than usual"
    otherwise: FilledText = "earlier clients reported a weaker alliance than usual"
    per: FilledText | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class RankingSettings:
    """What orders clinicians of one tie; by default the score alone.

    Attributes
    ----------
    shuffle_ties
        Whether clinicians of one tie with equally many cautions are ordered at random.
    keep_last_places
        A clinician with at most this many open places is ranked after the others of the tie,
        unless the client needs what few clinicians offer; 0 turns this off.
    """

    shuffle_ties: Flag = False
    keep_last_places: Annotated[Whole, Setting(ge=0)] = 0


@toml_table
@dataclass(frozen=True, slots=True)
class CardSettings:
    """What people must state about a model; while any of it is blank, no model is promoted."""

    owner: Stripped = ""
    contact: Stripped = ""
    intended_use: Stripped = ""
    out_of_scope: Stripped = ""
    review: Stripped = ""

    @property
    def empty(self) -> tuple[str, ...]:
        """Names of the settings that are still blank."""
        return tuple(name for name in self.__dataclass_fields__ if not getattr(self, name))


@toml_table
@dataclass(frozen=True, slots=True)
class MeetingModes:
    """The tags of either side that list ways of meeting: wanted by the client, offered.

    Constraints about some ways of meeting only are evaluated by them.
    """

    client: Text
    clinician: Text


def read_heading(table: Mapping[str, Any], client: Fields) -> tuple[Heading, list[Fault]]:
    """The section `practice`."""
    heading, sound, faults = read_settings(Heading, "practice", "a practice", table)
    if "id" in sound:
        faults += name_faults("practice.id", sound["id"])
    if "timezone" in sound and not is_zone(sound["timezone"]):
        remedy = "use an IANA name such as Australia/Sydney"
        remedy = with_near_name(sound["timezone"], available_timezones(), remedy)
        faults.append(Fault("practice.timezone", "is not a known zone", remedy))
    consent = sound.get("consent")
    if consent is not None and consent not in client:
        faults.append(undeclared_field("practice.consent", consent, client))
    elif consent is not None and client[consent].kind != "flag":
        remedy = "name a client field of kind flag, or leave it out"
        faults.append(Fault("practice.consent", "is not a flag of the client", remedy))
    elif consent is not None and client[consent].use == "audit":
        # Requests have no audit fields, so this flag could never be read.
        faults.append(Fault("practice.consent", "is for audit", "set its use to filter"))
    faults += appearance_faults(sound.get("accent"), sound.get("logo"))
    return heading or Heading("", "", "", "", ""), faults


def read_optional(schema: type[T], section: str, table: Mapping[str, Any]) -> tuple[T, list[Fault]]:
    """A section of which all settings may be left out."""
    settings, _, faults = read_settings(schema, section, f"the {section}", table)
    return settings or schema(), faults


def read_groups(table: Mapping[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    """Explanation groups: name to phrase, in the order shown."""
    faults = []
    for name, phrase in table.items():
        faults += name_faults(f"groups.{name}", name)
        if not isinstance(phrase, str) or not phrase.strip():
            remedy = "write the phrase that staff read, in quotes"
            faults.append(Fault(f"groups.{name}", "is not text", remedy))
    if not table:
        faults.append(Fault("groups", "is not given", "name three to five under [groups]"))
    if len(table) > MAX_GROUPS:
        faults.append(Fault("groups", "has more than five", "people can weigh three to five"))
    return dict(table), faults


def unknown_group(where: str, group: object, groups: Mapping[str, str]) -> list[Fault]:
    """A fault if a setting names a group that is not declared."""
    if not isinstance(group, str) or not group or group in groups:
        return []
    remedy = f"add it under [groups], or use one of {', '.join(groups)}"
    remedy = with_near_name(group, groups, remedy)
    return [Fault(where, f"{group} is not a declared group", remedy)]


def read_postcodes(table: Mapping[str, Any]) -> tuple[dict[str, Point], list[Fault]]:
    """Latitude and longitude in degrees by postcode."""
    points: dict[str, Point] = {}
    faults: list[Fault] = []
    for code, declared in table.items():
        where = f"postcodes.{code}"
        if not is_postcode(code):
            remedy = "use at most 10 capital letters and digits, at least one a digit"
            faults.append(Fault(where, "is not a postcode", remedy))
        remedy = "write [-33.88, 151.22], south and west below 0"
        pair = isinstance(declared, list) and len(declared) == 2
        if not pair or not all(map(_is_number, declared)):
            faults.append(Fault(where, "is not a latitude and a longitude", remedy))
        elif not is_on_globe(*declared):
            faults.append(Fault(where, "lies outside the globe", remedy))
        elif is_postcode(code):
            points[code] = float(declared[0]), float(declared[1])
    return points, faults


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= MAX_NUMBER  # type: ignore[arg-type]


def read_history(
    table: Mapping[str, Any], groups: Mapping[str, str], client: Fields
) -> tuple[HistorySettings, list[Fault]]:
    """The section `history`."""
    history, sound, faults = read_settings(HistorySettings, "history", "the history", table)
    faults += unknown_group("history.group", sound.get("group"), groups)
    faults += same_words("history", sound)
    for given, missing in (("phrase", "otherwise"), ("otherwise", "phrase")):
        if given in sound and missing not in table:
            below = "below" if missing == "otherwise" else "above"
            remedy = f"write how a record {below} the usual is described, or leave both out"
            faults.append(Fault(f"history.{missing}", f"is not given beside the {given}", remedy))
    per = sound.get("per")
    if per is not None and per not in client:
        faults.append(undeclared_field("history.per", per, client))
    elif per is not None and not client[per].behaviour.has_levels:
        remedy = "name a category, an ordinal or tags of the client, or leave it out"
        problem = "is not a category, an ordinal or tags of the client"
        faults.append(Fault("history.per", problem, remedy))
    elif per is not None and client[per].use != "score":
        faults.append(Fault("history.per", "is not scored", "name a field of use score"))
    history = history or HistorySettings()
    return replace(history, group=history.group or next(iter(groups), "")), faults


def read_meeting_modes(
    table: Mapping[str, Any], client: Fields, clinician: Fields
) -> tuple[MeetingModes | None, list[Fault]]:
    """The section `ways`; None if the practice has none."""
    if not table:
        return None, []
    modes, sound, faults = read_settings(MeetingModes, "ways", "the ways", table)
    for side, known in (("client", client), ("clinician", clinician)):
        field = known.get(sound.get(side, ""))
        if side in sound and field is None:
            faults.append(undeclared_field(f"ways.{side}", sound[side], known))
        elif field is not None and (field.kind != "tags" or field.use == "audit"):
            fault = Fault(f"ways.{side}", f"is not tags of the {side}", f"name tags of the {side}")
            faults.append(fault)
    if faults or modes is None:
        return None, faults
    if set(client[modes.client].levels) - set(clinician[modes.clinician].levels):
        remedy = "give both fields the same levels"
        return None, [Fault("ways.client", "has levels the clinician's field lacks", remedy)]
    return modes, []


def read_first_session(
    table: Mapping[str, Any],
    client: Fields,
    clinician: Fields,
    constraints: Iterable[Constraint],
) -> tuple[FirstSession, list[Fault]]:
    """The section `first_session`.

    Without it, the fields are those that the constraints on days compare.
    """
    if not table:
        return _first_session_of(constraints), []
    settings, sound, faults = read_settings(
        FirstSession, "first_session", "the first session", table
    )
    kinds = (("client", "date", client), ("clinician", "date", clinician))
    for key, kind, known in (*kinds, ("absences", "date_ranges", clinician)):
        field = known.get(sound.get(key, ""))
        if sound.get(key) is not None and field is None:
            faults.append(undeclared_field(f"first_session.{key}", sound[key], known))
        elif field is not None and (field.kind != kind or field.use == "audit"):
            side = "client" if key == "client" else "clinician"
            problem = f"is not a field of kind {kind} of the {side}"
            faults.append(Fault(f"first_session.{key}", problem, "declare it or fix the name"))
    return (settings if settings is not None and not faults else FirstSession()), faults


def _first_session_of(constraints: Iterable[Constraint]) -> FirstSession:
    constraints = tuple(constraints)
    starts = [c.client[0] for c in constraints if c.rule in STARTS and c.client]
    free = [c.clinician[0] for c in constraints if c.rule == "available_within"]
    return FirstSession(next(iter(starts), None), next(iter(free), None))


def read_alliance(
    table: Mapping[str, Any], declared: Mapping[str, Any]
) -> tuple[dict[str, Instrument], AllianceSettings, list[Fault]]:
    """The accepted instruments, and which of their ratings make the label.

    `table` is the section `alliance`, `declared` the section `instruments`; the shipped
    instruments are known beside it.
    """
    alliance, sound, faults = read_settings(AllianceSettings, "alliance", "the alliance", table)
    instruments = shipped_instruments()
    try:
        instruments |= read_instruments(declared)
    except DefinitionError as error:
        faults += error.faults
    accepted = sound.get("instruments", [])
    # An instrument that is declared wrongly has its own fault, and is not unknown.
    faults += [
        Fault(
            "alliance.instruments",
            f"{name} is not known",
            with_near_name(name, (*instruments, *declared), "declare it under [instruments]"),
        )
        for name in accepted
        if name not in instruments and name not in declared
    ]
    if {"instruments", "reference"} <= set(sound) and sound["reference"] not in accepted:
        remedy = "name one of alliance.instruments; predictions are reported on its scale"
        remedy = with_near_name(sound["reference"], accepted, remedy)
        faults.append(Fault("alliance.reference", "is not an accepted instrument", remedy))
    known = {name: instruments[name] for name in accepted if name in instruments}
    numbers = [c for c in map(code_of, sound.get("missing_codes", ())) if isinstance(c, float)]
    codes = np.array(numbers)
    for name, instrument in known.items():
        if is_response(instrument, codes).any():
            problem = f"has a code that is a response of {name}"
            remedy = "remove it; an item that was not answered is an empty cell"
            faults.append(Fault("alliance.missing_codes", problem, remedy))
    return known, alliance or AllianceSettings((), ""), faults
