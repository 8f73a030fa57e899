"""Facts of a card as staff read them: cost, places, next times, and what was asked for."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from recommender.practice.definition import Practice
from recommender.recommendation.fact_text import cents_text, clock_text
from recommender.serving.schemas.card import CardCost, CardMeeting, CardTime, ClinicianCard
from recommender.serving.staff import wording
from recommender.serving.staff.views.spoken import LEVELLED

NO_FEE, NO_TIMES = "Fee not recorded", "No time that suits"
TIMES = 2
"""Next times on a card."""
DIFFERENCES = 2
"""Differences on a card; the comparison has all."""
_EXPLAINED = re.compile(r" \((?!only one |the most )[^)]*\)")
"""An explanation in brackets after a label."""
_BESIDE = " of those shown"
"""Every card of a page is beside the others, so that it need not say of whom it is the only one."""


def cost(practice: Practice, cost: CardCost | None) -> tuple[str, str]:
    """What the client pays, and the fee it is part of; empty where it is not known, or is all."""
    if cost is None or cost.fee_cents is None:
        return "", ""
    fee = cents_text(practice, cost.fee_cents)
    if not cost.rebate_cents or cost.gap_cents is None:
        return f"Fee {fee}", ""
    if not cost.gap_cents:
        return "No gap", f"(fee {fee})"
    return f"Gap {cents_text(practice, cost.gap_cents)}", f"of {fee}"


def ways(card: ClinicianCard) -> str:
    """The ways of meeting, each once."""
    return wording.listed(
        [*dict.fromkeys((m.label or "").lower() for m in card.meeting if m.label)]
    )


def places(card: ClinicianCard) -> tuple[str, ...]:
    """Each place with its distance, without the ways of meeting."""
    return tuple(filter(None, dict.fromkeys(map(_place, card.meeting))))


def meeting(card: ClinicianCard) -> tuple[str, ...]:
    """Each place with its ways of meeting and its distance, then the ways that need no place."""
    by_place: dict[str, list[str]] = {}
    for each in card.meeting:
        by_place.setdefault(_place(each), []).append(each.label or "")
    texts = []
    for place in sorted(by_place, key=lambda name: not name):
        of_place = wording.listed([way for way in by_place[place] if way])
        texts.append(wording.sentence(", ".join(filter(None, (place, of_place.lower())))))
    return tuple(filter(None, texts))


def _place(each: CardMeeting) -> str:
    if each.km is None:
        return each.place or ""
    far = wording.kilometres(each.km)
    return f"{each.place} ({far})" if each.place else far


def two_times(card: ClinicianCard, times: Sequence[CardTime], zone: ZoneInfo) -> tuple[str, ...]:
    """The next time and the next one on another day of the week, or else the next but one.

    A second day says more than a week later. Where they meet is named if it is not the first place
    of the card for both.
    """
    if not times:
        return ()
    first, *rest = times
    weekday = first.starts_at.astimezone(zone).weekday()
    rest.sort(key=lambda each: each.starts_at.astimezone(zone).weekday() == weekday)
    chosen = (first, *rest[: TIMES - 1])
    labels = {each.way: (each.label or "").lower() for each in card.meeting}
    where = [each.place or labels.get(each.way, "") for each in chosen]
    usual = next((each.place for each in card.meeting if each.place), where[0])
    moments = [each.starts_at.astimezone(zone) for each in chosen]
    if all(each == usual for each in where):
        return _times_together(moments)
    return tuple(
        ", ".join(filter(None, (short_time(at), room)))
        for at, room in zip(moments, where, strict=True)
    )


def _times_together(moments: Sequence[datetime]) -> tuple[str, ...]:
    """Times of one hour and weekday as one, such as `Thu 3 and 10 Dec, 5 pm`."""
    first, last = moments[0], moments[-1]
    if len(moments) == 1 or (first.weekday(), first.time()) != (last.weekday(), last.time()):
        return tuple(map(short_time, moments))
    month = "" if first.month == last.month else f" {first:%b}"
    return (f"{first:%a} {first.day}{month} and {last.day} {last:%b}, {clock_text(first)}",)


def short_time(at: datetime) -> str:
    """A day and a time, such as `Thu 3 Dec, 5 pm`."""
    return f"{at:%a} {at.day} {at:%b}, {clock_text(at)}"


def matches(card: ClinicianCard | None, practice: Practice) -> tuple[str, ...]:
    """What was asked for and is offered, in the practice's labels.

    Amounts, hours and distances are elsewhere on the card.
    """
    texts: list[str] = []
    for fact in () if card is None else card.asked_and_offered:
        field = practice.clinician.get(fact.field)
        if field is not None and field.kind == "flag":
            texts.append(fact.label)
        elif field is not None and field.kind in LEVELLED:
            texts += [wording.short(value) for value in fact.values]
    return tuple(dict.fromkeys(texts))


def difference(card: ClinicianCard) -> str:
    """What sets a clinician apart from the others on the page most; the comparison has all."""
    first = next(iter(card.differs), None)
    if first is None:
        return ""
    text = _EXPLAINED.sub("", first.text).replace(_BESIDE, "").removeprefix("The ")
    return wording.sentence(text)
