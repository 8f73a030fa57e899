"""What pages say of tasks, pairings and what contradicts their records."""

from collections.abc import Mapping
from datetime import date, time

from recommender.journal.contradictions import Contradiction
from recommender.journal.pairings import BegunPairing, PairingOutcome
from recommender.recommendation.appointment import AWAY, CLIENT_HOURS, CLINICIAN_HOURS
from recommender.recommendation.fact_text import clock_text
from recommender.serving.staff.wording import day, short_day

UNDONE = "Undone: started by mistake"
UNDO_REASONS: Mapping[str, str] = {
    "started_twice": "Started twice",
    "wrong_client": "Wrong client",
    "wrong_clinician": "Wrong clinician",
    "not_starting": "The client does not start after all",
    "other": "Another reason",
}
UNDO_ATTENDED = (
    "Sessions are recorded as attended. If they took place, add that it ended instead. Tick if it "
    "was a mistake all the same."
)
CONTRADICTIONS: Mapping[str, str] = {
    "before_request": "This is before the day of the request, {}.",
    "after_end": "This is after the day it ended, {}.",
    "session_repeated": "This session is recorded as attended already, on {}.",
    "session_skipped": "The last session recorded as attended is session {}.",
    "session_out_of_order": "This does not fit the day of session {}.",
    "end_before_session": "A session was attended after this day, on {}.",
    "session_not_attended": "The last session recorded as attended is session {}.",
    "rated_before_session": "This is before the day of the session, {}.",
}
"""What a page asks about a day or session that contradicts what is recorded."""
START_QUESTIONS: Mapping[str, str] = {
    AWAY: "{name} is away on {day}.",
    CLINICIAN_HOURS: "{when} is outside the hours of {name}: {hours}.",
    CLIENT_HOURS: "{when} is not among the times the client gave: {hours}.",
}
"""What a page asks about the day and hour of a first appointment."""
RECORD_ANYWAY = "Record it anyway"
AGAINST = "Against {name}: {rules}. Choose somebody else, or tick to record it anyway."
NEVER = (
    "{name} cannot be chosen: {rules}. No reason overrides this rule. If it is wrong, change the "
    "answers or the roster first."
)
CLOSING_REASONS: Mapping[str, str] = {
    "went_elsewhere": "Went elsewhere",
    "no_answer": "No answer",
    "not_suitable": "Not suitable for us",
    "duplicate": "Duplicate",
    "other": "Another reason",
}
TASKS: Mapping[str, str] = {
    "talk": "Low rating",
    "answer": "Wishes from the matching page",
    "decide": "To decide",
    "book": "First appointment to book",
    "rate": "Rating due",
    "nothing": "Under way",
}
"""Titles of the sections of the work list, by what is to be done."""
TASK_HELPS: Mapping[str, str] = {
    "talk": "Offer the client a conversation about how sessions go.",
    "answer": "Clients who asked for somebody and have not been answered. Nobody is booked, and "
    "the client rings or writes with the reference. A decision on the request closes a wish.",
}


def contradiction(found: Contradiction) -> str:
    """What a day or session contradicts, as a question."""
    recorded = day(found.recorded) if isinstance(found.recorded, date) else found.recorded
    return f"{CONTRADICTIONS[found.code].format(recorded)} Correct it, or tick that it is right."


def closed(reason: str | None) -> str:
    """That a request is closed, and why.

    >>> closed("went_elsewhere")
    'Closed: went elsewhere'
    """
    return f"Closed: {CLOSING_REASONS[reason or 'other'].lower()}"


def first_appointment(outcome: PairingOutcome) -> str:
    """The day and hour of a first appointment that is booked; empty once a session was attended.

    >>> first_appointment(PairingOutcome(date(2026, 12, 3), None, None, first_time="17:00"))
    'First appointment Thu 3 Dec, 5 pm'
    """
    if outcome.started_on is None or outcome.sessions is not None or not outcome.is_open:
        return ""
    return f"First appointment {short_day(outcome.started_on)}{at_hour(outcome.first_time)}"


def at_hour(local_time: str | None) -> str:
    """The hour of an appointment after its day; empty where it is not known."""
    return f", {clock_text(time.fromisoformat(local_time))}" if local_time else ""


def task(name: str, client_id: str | None, *, wished: bool, undone: bool = False) -> str:
    """What is to be done about a client.

    `wished` says whether a wish names a clinician, `undone` that a start was undone.
    """
    who = client_id or "a new client"
    if name == "answer":
        asked = "asked for a clinician" if wished else "wants help to choose"
        return f"Answer {who}: {asked}"
    if name == "book" and undone:
        return f"Set a new first appointment for {who}, or choose another clinician"
    return {
        "talk": f"Talk with {who}: the rating is low",
        "decide": f"Choose a clinician for {who}",
        "book": f"Book the first appointment of {who}",
        "rate": f"Ask {who} for a rating",
    }.get(name, f"Open {who}")


def begun(each: BegunPairing, names: Mapping[str, str]) -> str:
    """Who started with whom, and when."""
    pairing, outcome = each.pairing, each.outcome
    people = f"{names.get(pairing.clinician_id, pairing.clinician_id)} with {pairing.client_id}"
    if outcome.withdrawn:
        return f"{people}, undone"
    if outcome.started_on is None:
        return f"{people}, no appointment recorded"
    if outcome.sessions is None:
        at = at_hour(outcome.first_time)
        return f"{people}, first appointment {day(outcome.started_on)}{at}"
    return f"{people}, since {day(outcome.started_on)}"
