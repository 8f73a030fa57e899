"""Cards of the clinicians of one shortlist: facts for this client and day, computed for them only.

Nothing here reads a clock or the network. Which facts a card shows is declared in the practice
definition (`shown_to` of a clinician's field); a card is as staff read it, and `staff_only` names
what clients do not receive.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isnan
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import rule_input_of
from recommender.practice.rules.functions import session_costs_in_ways
from recommender.practice.rules.rule_input import rows_of
from recommender.recommendation.asked_and_offered import Asked, Offered
from recommender.recommendation.card_differences import Shown, differences
from recommender.recommendation.card_parts import (
    CardContent,
    CardFields,
    Cost,
    Meeting,
    NextTime,
)
from recommender.recommendation.clinician_facts import ClinicianFacts, facts_for
from recommender.recommendation.fact_text import cents_of
from recommender.recommendation.meeting_places import MeetingPlaces
from recommender.recommendation.openings import OpeningTimes, OpenTime, prepare_hours, ways_of
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster

MAX_PREPARED = 2_000
"""Clinicians of a roster all of whom are prepared for cards, in about 0.2 ms each."""


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
    asked = Asked(facts, client, screening, rows, openings.origin)
    meeting_places = MeetingPlaces(openings, rows, facts)
    ways = meeting_places.ways()
    meetings = meeting_places.meetings(ways)
    by_name = [ways_of(openings.levels, bits) for bits in ways]
    costs = _costs(facts, client, screening, rows, by_name)
    has_times = "next_times" in fields.of_part
    places, midnight = rows.tolist(), openings.origin.toordinal()
    offers = [
        Offered(meeting, cost, openings.next_times(row, usable) if has_times else ())
        for row, usable, meeting, cost in zip(places, ways, meetings, costs, strict=True)
    ]
    shown = Shown(
        rows=rows,
        ways=ways,
        asked=asked.levels,
        meetings=[_visible(fields, meeting) for meeting in meetings],
        costs=costs,
        times=[
            _next_times(facts, row, midnight, offered.times)
            for row, offered in zip(places, offers, strict=True)
        ],
        asked_and_offered=asked.and_offered(offers),
    )
    differs = differences(facts, shown)
    return tuple(
        [
            CardContent(
                profession=fixed.profession,
                photo=fixed.photo,
                meeting=shown.meetings[place],
                cost=costs[place],
                next_times=shown.times[place],
                facts=fixed.facts,
                asked_and_offered=shown.asked_and_offered[place],
                differs=differs[place],
                staff_only=fields.staff_only,
            )
            for place, fixed in enumerate(map(facts.of, places))
        ]
    )


def prepare_cards(practice: Practice, columns: Columns, now: datetime) -> None:
    """Computes what no client changes of the cards of a roster, so that no client waits for it.

    Of a large roster each clinician is left to the request that shows them first.
    """
    few = range(columns.size if columns.size <= MAX_PREPARED else 0)
    facts_for(practice, columns).prepare(few)
    if few:
        prepare_hours(practice, columns, now)


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
    ways: Sequence[tuple[str, ...]],
) -> Sequence[Cost | None]:
    """The cost with each clinician, by the ways in which the client can meet them.

    None where neither the fee nor the rebate is known.
    """
    if facts.cost_rule is None:
        return [None] * len(rows)
    inputs = rule_input_of(facts.cost_rule, client, facts.columns, screening.context)
    currency = facts.practice.currency
    costs = session_costs_in_ways(inputs, rows, ways)
    return [
        None
        if isnan(fee) and isnan(rebate)
        else Cost(cents_of(fee), cents_of(rebate), cents_of(gap), currency)
        for fee, rebate, gap in costs
    ]


def _next_times(
    facts: ClinicianFacts, row: int, midnight: int, times: Sequence[OpenTime]
) -> tuple[NextTime, ...]:
    of_part = facts.fields.of_part
    rooms, shows_way = of_part.get("places"), "meeting" in of_part
    names = () if rooms is None else facts.room_names(rooms, row)
    return tuple(
        [
            NextTime(
                _local(midnight, begin, zone),
                way if shows_way else None,
                names[room - 1][0] if names and room > 0 else None,
            )
            for begin, _, room, zone, way in times
        ]
    )


@lru_cache(maxsize=4096)
def _local(day: int, minutes: float, zone: str) -> datetime:
    """A moment so many minutes after the midnight UTC of a day, on the clock of a zone."""
    midnight = datetime.fromordinal(day).replace(tzinfo=UTC)
    return (midnight + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
