"""Cards of the clinicians of one shortlist: facts for this client and day, computed for them only.

Nothing here reads a clock or the network. Which facts a card shows is declared in the practice
definition (`shown_to` of a clinician's field); a card is as staff read it, and `staff_only` names
what clients do not receive.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.constraint import Constraint, rule_input_of
from recommender.practice.rules.functions import session_cost
from recommender.practice.rules.rule_input import rows_of
from recommender.recommendation.asked_and_offered import Asked, Offered, wishes_of
from recommender.recommendation.card_differences import Shown, differences
from recommender.recommendation.card_parts import (
    CardContent,
    CardFields,
    Cost,
    Fact,
    Meeting,
    NextTime,
    Part,
)
from recommender.recommendation.fact_text import cents_of, levels_text, values_text
from recommender.recommendation.meeting_places import MeetingPlaces, place_names
from recommender.recommendation.open_intervals import MAX_TIMES, OpenInterval
from recommender.recommendation.openings import HOURS, OpeningTimes
from recommender.screening.screen import Screening
from recommender.tables.roster import Roster

OF_COST = ("concession_fee", "bulk_bills")
"""Settings of the constraint on a gap that name further fields of the cost."""
Times = tuple[tuple[OpenInterval, str, str | None], ...]
"""Next times with the zone they are shown in and their way of meeting."""


class _Shared:
    """What cards read of one roster and definition alone: computed once, and not each request."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.fields, self.wishes = card_fields(practice), wishes_of(practice)
        self._facts: dict[int, tuple[Fact, ...]] = {}

    def facts_of(self, columns: Columns, row: int) -> tuple[Fact, ...]:
        """The facts that are always shown of the clinician of one row."""
        if row not in self._facts:
            declared = ((name, self.practice.clinician[name]) for name in self.fields.facts)
            self._facts[row] = tuple(
                Fact(name, field.heading, values)
                for name, field in declared
                if (values := values_text(self.practice, field, columns[name][row]))
            )
        return self._facts[row]


def _shared_for(practice: Practice, columns: Columns) -> _Shared:
    """What is shared of a definition; the roster holds that of the one used last."""
    latest: dict[str, _Shared] = columns.view("cards", dict)
    shared = latest.get("latest")
    # Cards may be declared otherwise without a new model, whose digest names the definition.
    if shared is None or shared.practice is not practice:
        shared = latest["latest"] = _Shared(practice)
    return shared


def card_fields(practice: Practice) -> CardFields:
    """Which fields a practice's cards show, by what the fields are declared for.

    A part whose field nobody may see is absent, and so is one that the practice declares no field
    for.
    """
    rules = practice.constraints.values()
    first: dict[Part, str | None] = {
        "profession": _named_by(practice, "registration"),
        "photo": next((n for n, f in practice.clinician.items() if _is_shown_link(f)), None),
        "meeting": _rooms_of(practice) if practice.ways is None else practice.ways.clinician,
        "places": _rooms_of(practice),
        "cost": None if (cost := cost_rule(practice)) is None else cost.clinician[0],
        "next_times": next((each.clinician[0] for each in rules if each.rule == HOURS), None),
    }
    of_part = {
        part: name
        for part, name in first.items()
        if name is not None and practice.clinician[name].shown_to != "nobody"
    }
    taken = {*first.values(), *_cost_fields(practice)}
    others = {
        name: field.only_if_asked
        for name, field in practice.clinician.items()
        if field.shown_to != "nobody" and name not in taken
    }
    for_staff = [n for n, field in practice.clinician.items() if field.shown_to == "staff"]
    parts = [part for part, name in of_part.items() if name in for_staff]
    shown = {*others, *of_part.values()}
    return CardFields(
        of_part,
        tuple(name for name, only_if_asked in others.items() if not only_if_asked),
        tuple(name for name, only_if_asked in others.items() if only_if_asked),
        (*(name for name in for_staff if name in shown), *parts),
    )


def cost_rule(practice: Practice) -> Constraint | None:
    """The constraint by which a session's cost is computed: the first on a gap."""
    rules = practice.constraints.values()
    return next((each for each in rules if each.rule == "gap_at_most"), None)


def cards(
    practice: Practice,
    client: Columns,
    roster: Roster,
    screening: Screening,
    clinician_ids: tuple[str, ...],
    now: datetime,
) -> tuple[CardContent, ...]:
    """The cards of some clinicians of a roster, in their order.

    Parameters
    ----------
    client
        The client's answers, one row.
    screening
        The screening of the whole roster for this client.
    now
        The moment from which on times are looked for.
    """
    if not clinician_ids:
        return ()
    columns = roster.columns
    shared = _shared_for(practice, columns)
    fields = shared.fields
    rows = np.array(rows_of(columns, roster.ids, clinician_ids), dtype=np.intp)
    openings = OpeningTimes(practice, client, columns, screening, now)
    meeting_places = MeetingPlaces(openings, rows)
    asked = Asked(practice, fields, client, columns, screening, shared.wishes)
    meetings = [meeting_places.meetings(row) for row in rows.tolist()]
    costs = _costs(practice, fields, client, meeting_places.taken, screening, meetings)
    contents = []
    for row, meeting, cost in zip(rows.tolist(), meetings, costs, strict=True):
        times = _times(openings, row, meeting) if "next_times" in fields.of_part else ()
        offered = Offered(row, meeting, cost, tuple((each, zone) for each, zone, _ in times))
        contents.append(
            CardContent(
                profession=_profession(practice, fields, columns, row),
                photo=_photo(fields, columns, row),
                meeting=_visible(fields, meeting),
                cost=cost,
                next_times=tuple(_next_time(fields, openings, row, *each) for each in times),
                facts=shared.facts_of(columns, row),
                asked_and_offered=asked.and_offered(offered),
                staff_only=fields.staff_only,
            )
        )
    apart = differences(practice, fields, columns, Shown(contents, rows.tolist(), asked.levels))
    return tuple(replace(card, differs=own) for card, own in zip(contents, apart, strict=True))


def _named_by(practice: Practice, setting: str) -> str | None:
    """The clinician's field that the first constraint with a setting names by it."""
    rules = practice.constraints.values()
    return next((str(r.settings[setting]) for r in rules if setting in r.settings), None)


def _rooms_of(practice: Practice) -> str | None:
    """The clinician's field of rooms: that of a distance, or else of open hours."""
    for rule in practice.constraints.values():
        if rule.rule == "within_km":
            return rule.clinician[0]
    return next((f.rooms for f in practice.clinician.values() if f.rooms is not None), None)


def _is_shown_link(field: Field) -> bool:
    return field.kind == "link" and field.shown_to != "nobody"


def _cost_fields(practice: Practice) -> tuple[str, ...]:
    """The clinician's fields that the cost is computed from, beside the fee."""
    rule = cost_rule(practice)
    names = () if rule is None else (rule.settings.get(name) for name in OF_COST)
    return tuple(name for name in names if name is not None)


def _profession(practice: Practice, fields: CardFields, columns: Columns, row: int) -> str | None:
    name = fields.of_part.get("profession")
    if name is None:
        return None
    return next(iter(levels_text(practice.clinician[name], columns[name][row])), None)


def _photo(fields: CardFields, columns: Columns, row: int) -> str | None:
    name = fields.of_part.get("photo")
    photo = None if name is None else columns[name][row]
    return None if photo is None else str(photo)


def _visible(fields: CardFields, meetings: tuple[Meeting, ...]) -> tuple[Meeting, ...]:
    """The meetings without what nobody may see of them."""
    if "meeting" not in fields.of_part:
        return ()
    if "places" in fields.of_part:
        return meetings
    return tuple(dict.fromkeys(Meeting(each.way, each.label) for each in meetings))


def _costs(
    practice: Practice,
    fields: CardFields,
    client: Columns,
    columns: Columns,
    screening: Screening,
    meetings: Sequence[tuple[Meeting, ...]],
) -> list[Cost | None]:
    """The cost with each clinician, by the ways in which the client can meet them."""
    rule = cost_rule(practice)
    costs: list[Cost | None] = [None] * columns.size
    if rule is None or "cost" not in fields.of_part:
        return costs
    by_ways: dict[tuple[str, ...], list[int]] = {}
    for place, meeting in enumerate(meetings):
        ways = tuple(dict.fromkeys(each.way for each in meeting if each.way is not None))
        by_ways.setdefault(ways, []).append(place)
    inputs = rule_input_of(rule, client, columns, screening.context)
    for ways, places in by_ways.items():
        cost = session_cost(inputs, ways)
        for place in places:
            fee, rebate, gap = (cents_of(part[place]) for part in (cost.fee, cost.rebate, cost.gap))
            if fee is not None or rebate is not None:
                costs[place] = Cost(fee, rebate, gap, practice.currency)
    return costs


def _times(openings: OpeningTimes, row: int, meetings: Sequence[Meeting]) -> Times:
    """At most three times at which a session could begin, in hours that suit the client."""
    ways = [each.way for each in meetings]
    found = []
    for option in openings.meeting_options(row):
        usable = [way for way in option.ways or (None,) if way is None or way in ways]
        if usable:
            zone = option.client_zone or option.hours[0].zone
            intervals = openings.next_intervals(row, option, option.wishes)
            found += [(interval, zone, way) for way in usable for interval in intervals]
    # Of several ways at one time, the one the practice names first is shown.
    found.sort(key=lambda each: (each[0].begin, -1 if each[2] is None else ways.index(each[2])))
    distinct = {each[0].begin: each for each in reversed(found)}
    return tuple(distinct[begin] for begin in sorted(distinct)[:MAX_TIMES])


def _next_time(
    fields: CardFields,
    openings: OpeningTimes,
    row: int,
    interval: OpenInterval,
    zone: str,
    way: str | None,
) -> NextTime:
    place, rooms = None, fields.of_part.get("places")
    if rooms is not None and interval.room > 0:
        latitude, longitude = openings.columns[rooms][row][interval.room - 1].tolist()
        place, _ = place_names(openings.practice, (latitude, longitude))
    shown_way = way if "meeting" in fields.of_part else None
    return NextTime(interval.begin.astimezone(ZoneInfo(zone)), shown_way, place)
