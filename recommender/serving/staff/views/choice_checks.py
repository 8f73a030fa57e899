"""What a page asks before a choice or a first appointment that the request speaks against."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.appointment import appointment_doubts
from recommender.recommendation.open_intervals import WeeklyHours
from recommender.recommendation.openings import OpeningTimes
from recommender.serving.present_clinicians import present_clinicians, rules_against
from recommender.serving.schemas.responses import StatedReason
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import follow_up_words, wording
from recommender.serving.staff.form_data import FormFault
from recommender.serving.stored_recommendation import read_response
from recommender.values.kinds import DAY_NAMES, clock


def choice_faults(
    shown: ShownRecommendation,
    state: ServingSnapshot,
    clinician_id: str,
    *,
    counted: bool,
    from_card: bool,
) -> tuple[FormFault, ...]:
    """The rules that speak against choosing a clinician; those never overridden by themselves.

    With `counted`, whether a place is open is found where the place is taken, and not asked. With
    `from_card`, the clinician was chosen beside the cautions of the card, which are not repeated.
    """
    found = rules_against(shown, state, clinician_id)
    name = state.encoding.roster.called.get(clinician_id, clinician_id)
    if found.never:
        text = follow_up_words.NEVER.format(name=name, rules=_rules(found.never))
        return (FormFault("clinician_id", text),)
    capacity = state.practice.capacity
    taken = capacity.name if counted and capacity is not None else None
    cautions = {
        caution.constraint
        for each in (read_response(shown.response).shortlist if from_card else ())
        if each.clinician_id == clinician_id
        for caution in each.reservations
    }
    soft = (each for each in found.soft if each.constraint not in cautions)
    against = [each for each in (*found.hard, *soft) if each.constraint != taken]
    if not against:
        return ()
    text = follow_up_words.AGAINST.format(name=name, rules=_rules(against))
    code = " ".join((clinician_id, *(each.constraint for each in against)))
    return (FormFault("clinician_id", text, code, follow_up_words.RECORD_ANYWAY),)


def start_faults(
    shown: ShownRecommendation, state: ServingSnapshot, clinician_id: str, day: date, at: str | None
) -> tuple[FormFault, ...]:
    """What speaks against the day and hour of a first appointment, to be ticked once.

    Nothing where the definition has changed since the request, or the clinician left the roster.
    """
    practice, roster = state.practice, state.encoding.roster
    found = present_clinicians(shown, practice, roster, (clinician_id,))
    if found is None:
        return ()
    now = datetime.now(UTC)
    opening = OpeningTimes(practice, found.client, found.roster.columns, found.screening, now)
    hour = time.fromisoformat(at) if at else None
    words = {
        "name": roster.called.get(clinician_id, clinician_id),
        "day": f"{day:%A} {day.day} {day:%B}",
    }
    words["when"] = words["day"] + follow_up_words.at_hour(at)
    doubts = appointment_doubts(opening, 0, day, hour)
    if not doubts:
        return ()
    texts = [
        follow_up_words.START_QUESTIONS[each.code].format(
            **words, hours=_hours_on(each.hours, day.weekday())
        )
        for each in doubts
    ]
    code = " ".join((*(each.code for each in doubts), day.isoformat(), at or ""))
    return (FormFault("booked_on", " ".join(texts), code, follow_up_words.RECORD_ANYWAY),)


def _rules(reasons: Sequence[StatedReason]) -> str:
    texts = (wording.exclusion(each) for each in reasons)
    return "; ".join(f"{text[:1].lower()}{text[1:]}" for text in texts)


def _hours_on(hours: Sequence[WeeklyHours], weekday: int) -> str:
    """The hours of a weekday, or of the whole week where it has none; each on its own clock."""
    names = tuple(DAY_NAMES)
    all_week = sorted({window for each in hours for window in each.windows})
    windows = [each for each in all_week if each[0] == weekday] or all_week
    return wording.week(
        [f"{names[day]} {clock(start)}-{clock(end)}" for day, start, end in windows]
    )
