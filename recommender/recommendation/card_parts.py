"""What a card of one clinician consists of, for one client and day; computed in `card`.

Whatever is not known is None or absent, never 0. Each part comes from a clinician's field, whose
`shown_to` says who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Part = Literal["profession", "photo", "meeting", "places", "cost", "next_times"]
"""Parts of a card in a form of their own; `places` are the places of meetings and of times."""


class Meeting(NamedTuple):
    """One way in which client and clinician can meet, and where.

    Attributes
    ----------
    way, label
        Level of the ways of meeting, and how people read it; None where the practice has no ways.
    place, address
        The declared place or else the postcode of the nearest room in reach; None where the way
        needs no room, or nothing but the room's point is known.
    km
        Kilometres by road to that room, as the constraint on distance estimates them, to a tenth;
        None where the client's place or the room's is not known.
    """

    way: str | None
    label: str | None
    place: str | None = None
    address: str | None = None
    km: float | None = None


class Cost(NamedTuple):
    """Cents of one session for this client; None where an amount is not known.

    `gap_cents` is the fee less the rebate. A concession fee and bulk billing are in the fee.
    """

    fee_cents: int | None
    rebate_cents: int | None
    gap_cents: int | None
    currency: str


class NextTime(NamedTuple):
    """When a session could begin, on the clock of the client by video and of the rooms in them.

    The roster has no bookings: the time is open, and is confirmed before it is promised.
    """

    starts_at: datetime
    way: str | None
    place: str | None


class Fact(NamedTuple):
    """What is known of a clinician by one field, in the practice's labels."""

    field: str
    label: str
    values: tuple[str, ...]


class Difference(NamedTuple):
    """What sets a clinician apart from the others shown, by one field."""

    fact: str
    text: str


class CardContent(NamedTuple):
    """The facts about one clinician of a shortlist, as staff read them.

    Attributes
    ----------
    cost
        None where neither the fee nor the rebate is known.
    asked_and_offered
        What the client asked for and this clinician offers.
    differs
        At most four differences from the others shown; none for a clinician shown alone.
    staff_only
        Fields and parts that clients do not receive.
    """

    profession: str | None = None
    photo: str | None = None
    meeting: tuple[Meeting, ...] = ()
    cost: Cost | None = None
    next_times: tuple[NextTime, ...] = ()
    facts: tuple[Fact, ...] = ()
    asked_and_offered: tuple[Fact, ...] = ()
    differs: tuple[Difference, ...] = ()
    staff_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardFields:
    """Which of a practice's fields a card shows, and where.

    Attributes
    ----------
    of_part
        The clinician's field that each part comes from; parts that nobody sees are absent.
    facts
        The clinician's fields shown as facts, in the order of the definition.
    if_asked
        Further fields, shown only where the client asked for them.
    staff_only
        Fields and parts that only staff see.
    """

    of_part: Mapping[Part, str]
    facts: tuple[str, ...]
    if_asked: tuple[str, ...]
    staff_only: tuple[str, ...]
