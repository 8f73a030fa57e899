"""The sections of a definition that stand by themselves: heading, card, groups, history, ranking.

Each reader gives what could be read and everything that is wrong, and never stops at the first.
Imported by `practice`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.alliance.instruments import (
    AllianceSettings,
    Instrument,
    read_instruments,
    shipped_instruments,
)
from recommender.errors import DefinitionError, Fault
from recommender.practice.fields import Field
from recommender.practice.rules.validation import is_zone
from recommender.practice.schema import (
    FLAG,
    TEXT,
    TEXTS,
    SettingSchema,
    is_present,
    name_fault,
    one_of,
    read_settings,
)

MOST_GROUPS = 5
HEADING = ("id", "version", "title", "timezone", "currency", "consent")


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How what earlier clients reported of a clinician is kept and said.

    Attributes
    ----------
    group
        Explanation group.
    phrase, otherwise
        How a record above and one below the usual are said; left out, `otherwise` is the phrase.
    per
        The client field (a category) by whose levels the record is also kept apart.
    """

    group: str
    phrase: str = "what earlier clients reported"
    otherwise: str | None = None
    per: str | None = None


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """What else may order clinicians who cannot be told apart; nothing, unless it is declared.

    Attributes
    ----------
    shuffle_ties
        Whether those of one tie who are about even, with as many reservations, stand in an order
        drawn by lot.
    keep_last_places
        Whoever has at most so many open places left stands behind the others who are about even,
        unless the client needs what few offer; 0 keeps none.
    """

    shuffle_ties: bool = False
    keep_last_places: int = 0


@dataclass(frozen=True, slots=True)
class CardSettings:
    """What only people can say of a model; blank until they do, and then nothing is promoted.

    Attributes
    ----------
    owner, contact
        Who answers for the model, and where to reach them.
    intended_use, out_of_scope
        What it is for, and what it must not be used for.
    review
        When it is looked at again.
    """

    owner: str = ""
    contact: str = ""
    intended_use: str = ""
    out_of_scope: str = ""
    review: str = ""

    @property
    def empty(self) -> tuple[str, ...]:
        """What nobody has said yet."""
        return tuple(name for name in self.__dataclass_fields__ if not getattr(self, name))


def read_heading(
    table: Mapping[str, Any], client: Mapping[str, Field]
) -> tuple[dict[str, str | None], list[Fault]]:
    """Who the definition is for."""
    told, faults = read_settings("practice", "a practice", table, dict.fromkeys(HEADING, TEXT))
    faults += [
        Fault(f"practice.{key}", "is not given", "every definition says it, as text")
        for key in HEADING
        if key != "consent" and not is_present(table, key)
    ]
    if is_present(told, "id"):
        faults += name_fault("practice.id", told["id"])
    if is_present(told, "timezone") and not is_zone(told["timezone"]):
        remedy = "use an IANA name such as Australia/Sydney"
        faults.append(Fault("practice.timezone", "is not a known zone", remedy))
    consent = told.get("consent")
    if consent is not None and (consent not in client or client[consent].kind != "flag"):
        remedy = "name a client field of kind flag, or leave it out"
        faults.append(Fault("practice.consent", "is not a flag of the client", remedy))
    elif consent is not None and client[consent].use == "audit":
        # An audit answer never reaches a request, so it could not be read there.
        faults.append(Fault("practice.consent", "is for audit", "set its use to filter"))
    return {key: told.get(key) for key in HEADING}, faults


def read_card(table: Mapping[str, Any]) -> tuple[CardSettings, list[Fault]]:
    """What people say of the model on its card; what they leave out stays blank and is no fault."""
    told, faults = read_settings(
        "card", "the card", table, dict.fromkeys(CardSettings.__dataclass_fields__, TEXT)
    )
    return CardSettings(**{key: text.strip() for key, text in told.items()}), faults


def read_groups(table: Mapping[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    """Explanation groups: name to phrase, in the order shown."""
    faults = []
    for name, phrase in table.items():
        faults += name_fault(f"groups.{name}", name)
        if not isinstance(phrase, str) or not phrase.strip():
            faults.append(Fault(f"groups.{name}", TEXT.problem, "give the phrase staff will read"))
    if not table:
        faults.append(Fault("groups", "is not given", "name three to five under [groups]"))
    if len(table) > MOST_GROUPS:
        faults.append(Fault("groups", "has more than five", "people can weigh three to five"))
    return dict(table), faults


def unknown_group(where: str, group: object, groups: Mapping[str, str]) -> list[Fault]:
    """A fault where a group that is named has not been declared."""
    if not isinstance(group, str) or not group or group in groups:
        return []
    return [Fault(where, f"{group} is not a declared group", "add it under [groups]")]


def read_history(
    table: Mapping[str, Any], groups: Mapping[str, str], client: Mapping[str, Field]
) -> tuple[HistorySettings, list[Fault]]:
    """How a clinician's record is kept and said; its group is the first one when left out."""
    shapes = dict.fromkeys(HistorySettings.__dataclass_fields__, TEXT)
    told, faults = read_settings("history", "the history", table, shapes)
    faults += [
        Fault(f"history.{key}", "is blank", "write it, or leave it out")
        for key in told
        if not is_present(told, key)
    ]
    settings = {"group": next(iter(groups), "")} | told
    faults += unknown_group("history.group", settings["group"], groups)
    per = settings.get("per")
    if per is not None and (per not in client or client[per].kind != "category"):
        faults.append(Fault("history.per", "is not a category of the client", "name one"))
    elif per is not None and client[per].use != "score":
        faults.append(Fault("history.per", "is not scored", "name a field of use score"))
    return HistorySettings(**settings), faults


def read_ranking(table: Mapping[str, Any]) -> tuple[RankingSettings, list[Fault]]:
    """How clinicians who cannot be told apart are ordered; as ever, where nothing is declared."""
    told, faults = read_settings("ranking", "the ranking", table, RANKING)
    return RankingSettings(**told), faults


@dataclass(frozen=True, slots=True)
class MeetingModes:
    """The fields that say in which ways people meet: what a client wants, a clinician offers.

    Constraints that are about some ways only are judged by them.
    """

    client: str
    clinician: str


def read_meeting_modes(
    table: Mapping[str, Any], client: Mapping[str, Field], clinician: Mapping[str, Field]
) -> tuple[MeetingModes | None, list[Fault]]:
    """The fields of ways; None where the practice has no such section."""
    told, faults = read_settings("ways", "the ways", table, dict.fromkeys(SIDES, TEXT))
    if not table:
        return None, faults
    for side, known in zip(SIDES, (client, clinician), strict=True):
        field = known.get(str(told.get(side)))
        if field is None or field.kind != "tags" or field.use == "audit":
            remedy = f"name tags of the {side}"
            faults.append(Fault(f"ways.{side}", f"is not tags of the {side}", remedy))
    if not faults and set(client[told["client"]].levels) - set(clinician[told["clinician"]].levels):
        remedy = "give both fields the same levels"
        faults.append(Fault("ways.client", "has levels the clinician's field lacks", remedy))
    return (None if faults else MeetingModes(**told)), faults


SIDES = ("client", "clinician")


def read_alliance(
    table: Mapping[str, Any], declared: Mapping[str, Any]
) -> tuple[dict[str, Instrument], AllianceSettings, list[Fault]]:
    """The instruments accepted, and what of their ratings makes the label.

    Parameters
    ----------
    table
        The `alliance` section.
    declared
        The `instruments` section, beside which the shipped instruments are known.
    """
    told, faults = read_settings("alliance", "the alliance", table, ALLIANCE)
    instruments, wrong = _known_instruments(declared)
    accepted = tuple(told.get("instruments", ()))
    # An instrument that is declared wrongly has its own fault, and is not unknown.
    faults += wrong + [
        Fault("alliance.instruments", f"{name} is not known", "declare it under [instruments]")
        for name in accepted
        if name not in instruments and name not in declared
    ]
    # What could not be read has its own fault, and is not unaccepted.
    misread = {"instruments", "reference"} & (set(table) - set(told))
    if not misread and told.get("reference") not in accepted:
        remedy = "name one of alliance.instruments; predictions are said on its scale"
        faults.append(Fault("alliance.reference", "is not an accepted instrument", remedy))
    settings = {"reference": ""} | told | {"instruments": accepted}
    for key in ("early_sessions", "fallback_sessions"):
        if key in told:
            settings[key] = tuple(told[key])
    kept = {name: instruments[name] for name in accepted if name in instruments}
    return kept, AllianceSettings(**settings), faults


def _known_instruments(declared: Mapping[str, Any]) -> tuple[dict[str, Instrument], list[Fault]]:
    try:
        return shipped_instruments() | read_instruments(declared), []
    except DefinitionError as error:
        return shipped_instruments(), list(error.faults)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_window(value: Any) -> bool:
    whole = isinstance(value, list) and len(value) == 2 and all(map(_is_whole, value))
    return whole and 1 <= value[0] <= value[1]


RANKING: Mapping[str, SettingSchema] = {
    "shuffle_ties": FLAG,
    "keep_last_places": SettingSchema(
        "is not a number of places",
        "write a whole number, 0 or more",
        lambda value: _is_whole(value) and value >= 0,
    ),
}
"""What the section `ranking` may hold."""
_WINDOW = SettingSchema("is not a window", "write it like [2, 5]", _is_window)
ALLIANCE: Mapping[str, SettingSchema] = {
    "instruments": TEXTS,
    "reference": TEXT,
    "metric": one_of("metric", ("mean", "sum")),
    "rater": one_of("rater", ("client", "clinician")),
    "early_sessions": _WINDOW,
    "fallback_sessions": _WINDOW,
    "within_days": SettingSchema(
        "is not a number of days",
        "write a whole number, 1 or more",
        lambda value: _is_whole(value) and value >= 1,
    ),
    "interval": SettingSchema(
        "is not a level",
        "write 0.8 or 0.9",
        lambda value: isinstance(value, float) and 0.5 <= value < 1,
    ),
}
"""What the section `alliance` may hold."""
