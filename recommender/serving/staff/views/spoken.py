"""What staff may say of a clinician on the phone: facts that clients may read, in one sentence."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from recommender.practice.definition import Practice
from recommender.recommendation.fact_text import cents_text, clock_text
from recommender.serving.schemas.card import CardCost, CardTime, ClinicianCard
from recommender.serving.staff import wording

LEVELLED = ("tags", "category", "ordinal", "flag")
"""Kinds of facts said by their values; hours, amounts and places have words of their own."""


def spoken(name: str, card: ClinicianCard, times: tuple[CardTime, ...], practice: Practice) -> str:
    """One sentence about a clinician: what the client asked for, a time, a place and the cost.

    Parameters
    ----------
    card
        As staff receive it; what clients do not receive is not said.
    times
        The next times, which may have changed since the card was stored.
    """
    visible = card.for_clients()
    clauses = list(_offered(visible, practice))
    if not clauses and visible.profession:
        clauses.append(f"is a {visible.profession.lower()}")
    if "next_times" not in card.staff_only and times:
        clauses.append(_time(times[0], visible, practice))
    clauses += _cost(visible.cost, practice)
    if not clauses:
        return f"{name} could see you."
    return f"{name} {', '.join(clauses[:-1])}{', and ' if clauses[1:] else ''}{clauses[-1]}."


def _offered(card: ClinicianCard, practice: Practice) -> Iterator[str]:
    for fact in card.asked_and_offered:
        field = practice.clinician.get(fact.field)
        if field is not None and field.kind in LEVELLED:
            yield field.spoken_of([wording.short(value) for value in fact.values])


def _time(time: CardTime, card: ClinicianCard, practice: Practice) -> str:
    at = time.starts_at.astimezone(ZoneInfo(practice.timezone))
    # A client elsewhere would take the practice's time for their own.
    text = spoken_time(at)
    if at.utcoffset() != time.starts_at.utcoffset():
        text += f" {wording.place_of(practice.timezone)} time"
    label = next((m.label for m in card.meeting if m.way == time.way and not m.place), None)
    return f"has {text} free{_where(time.place, label)}"


def _where(place: str | None, label: str | None) -> str:
    """The place or the way of a time, as it ends a sentence."""
    if place:
        return f" in {'postcode ' if place.isdigit() else ''}{place}"
    # "In person" has its preposition, "Video" has none.
    way = (label or "").lower()
    return f" {way}" if way.startswith("in ") else f" by {way}" if way else ""


def spoken_time(at: datetime) -> str:
    """A day and a time as they are said."""
    return f"{at:%A} {at.day} {at:%B} at {clock_text(at)}"


def _cost(cost: CardCost | None, practice: Practice) -> Iterator[str]:
    if cost is None or cost.fee_cents is None:
        return
    if cost.rebate_cents and cost.gap_cents is not None:
        gap = cents_text(practice, cost.gap_cents)
        yield f"the gap would be {gap}" if cost.gap_cents else "there would be no gap"
    else:
        yield f"a session costs {cents_text(practice, cost.fee_cents)}"
