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
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.rule_input import rows_of
from recommender.recommendation.asked_and_offered import Asked, Offered, Times
from recommender.recommendation.card_differences import Shown, differences
from recommender.recommendation.card_parts import (
    CardContent,
    CardFields,
    Cost,
    Meeting,
    NextTime,
)
from recommender.recommendation.clinician_facts import ClinicianFacts, facts_for
from recommender.recommendation.meeting_places import MeetingPlaces
from recommender.recommendation.open_intervals import MAX_TIMES, OpenInterval
from recommender.recommendation.openings import OpeningTimes
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster


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
    facts = facts_for(practice, columns)
    fields = facts.fields
    rows = np.array(rows_of(columns, roster.ids, clinician_ids), dtype=np.intp)
    openings = OpeningTimes(practice, client, columns, screening, now)
    asked = Asked(facts, client, screening, rows)
    meetings = MeetingPlaces(openings, rows, facts).meetings()
    costs = _costs(facts, client, screening, rows, meetings)
    has_times = "next_times" in fields.of_part
    offers = [
        Offered(meeting, cost, _times(openings, row, meeting) if has_times else ())
        for row, meeting, cost in zip(rows.tolist(), meetings, costs, strict=True)
    ]
    contents = [
        CardContent(
            profession=fixed.profession,
            photo=fixed.photo,
            meeting=_visible(fields, offered.meeting),
            cost=offered.cost,
            next_times=tuple([_next_time(facts, row, *each) for each in offered.times]),
            facts=fixed.facts,
            asked_and_offered=own,
            staff_only=fields.staff_only,
        )
        for row, fixed, offered, own in zip(
            rows.tolist(),
            map(facts.of, rows.tolist()),
            offers,
            asked.and_offered(offers),
            strict=True,
        )
    ]
    apart = differences(facts, Shown(contents, rows, asked.levels))
    return tuple(replace(card, differs=own) for card, own in zip(contents, apart, strict=True))


def _visible(fields: CardFields, meetings: tuple[Meeting, ...]) -> tuple[Meeting, ...]:
    """The meetings without what nobody may see of them."""
    if "meeting" not in fields.of_part:
        return ()
    if "places" in fields.of_part:
        return meetings
    return tuple(dict.fromkeys(Meeting(each.way, each.label) for each in meetings))


def _costs(
    facts: ClinicianFacts,
    client: Columns,
    screening: Screening,
    rows: NDArray[np.intp],
    meetings: Sequence[tuple[Meeting, ...]],
) -> Sequence[Cost | None]:
    """The cost with each clinician, by the ways in which the client can meet them."""
    if facts.costs is None:
        return [None] * len(rows)
    ways = [
        tuple(dict.fromkeys(each.way for each in meeting if each.way is not None))
        for meeting in meetings
    ]
    return facts.costs.of(client, screening.context, rows, ways)


def _times(openings: OpeningTimes, row: int, meetings: Sequence[Meeting]) -> Times:
    """At most three times at which a session could begin, in hours that suit the client."""
    ways = [each.way for each in meetings]
    found: dict[datetime, tuple[int, OpenInterval, str, str | None]] = {}
    for option in openings.meeting_options(row):
        # Of several ways at one time, the one the practice names first is shown.
        order = min([ways.index(way) for way in option.ways if way in ways], default=None)
        if order is None and option.ways:
            continue
        first = (-1, None) if order is None else (order, ways[order])
        zone = option.client_zone or option.hours[0].zone
        for interval in openings.next_intervals(row, option, option.wishes):
            known = found.get(interval.begin)
            if known is None or first[0] < known[0]:
                found[interval.begin] = first[0], interval, zone, first[1]
    return tuple([found[begin][1:] for begin in sorted(found)[:MAX_TIMES]])


def _next_time(
    facts: ClinicianFacts, row: int, interval: OpenInterval, zone: str, way: str | None
) -> NextTime:
    place, rooms = None, facts.fields.of_part.get("places")
    if rooms is not None and interval.room > 0:
        place, _ = facts.room_names(rooms, row)[interval.room - 1]
    shown_way = way if "meeting" in facts.fields.of_part else None
    return NextTime(interval.begin.astimezone(ZoneInfo(zone)), shown_way, place)
