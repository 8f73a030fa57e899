"""Sentences, figures and labels that pages build from data, in Australian English.

Texts that never change are in the templates. Words of a clinician, a question or a rule come from
the practice definition. No text claims a cause or promises a result; a test checks it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recommender.journal.contradictions import Contradiction
from recommender.journal.pairings import BegunPairing
from recommender.serving.schemas.responses import (
    AllianceRange,
    AllianceScale,
    ModelInUse,
    StatedReason,
    SuggestedRelaxation,
)
from recommender.values.kinds import DAY_NAMES

MINUS = "\N{MINUS SIGN}"
YES, NO = "Yes", "No"
NONE_OF_THESE = "Asked, and none of these"
CLIENT_CODE = "Client code"
REQUEST_MODES: Mapping[str, str] = {
    "model": "A model trained on this practice's ratings",
    "evidence_prior": "Published research only: no rating of this practice was used",
    "constraints_only": "Rules only: nothing was predicted, in the order of the next free day",
}
DECISION_KINDS: Mapping[str, str] = {"chosen": "Chosen", "override": "Override"}
REASONS: Mapping[str, str] = {
    "client_asked": "The client asked for it",
    "availability": "Availability",
    "clinical_judgement": "Clinical judgement",
    "known_relationship": "They know each other",
    "error_in_data": "An error in the data",
    "other": "Another reason",
}
EVENT_KINDS: Mapping[str, str] = {
    kind: kind.capitalize() for kind in ("booked", "attended", "missed", "cancelled", "ended")
}
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
RATERS: Mapping[str, str] = {"client": "The client", "clinician": "The clinician"}
METRICS: Mapping[str, str] = {
    "sum": "Sum of the items",
    "mean": "Mean of the items",
    "pomp": "Share of the scale, 0 to 1",
}
SHORT_METRICS: Mapping[str, str] = {"sum": "sum", "mean": "mean", "pomp": "share"}
CORRECTIONS: Mapping[str, str] = {
    "typed_wrongly": "Typed wrongly",
    "wrong_form": "Wrong questionnaire",
    "client_asked": "The client asked for it",
    "other": "Another reason",
}
STATES: Mapping[str, str] = {
    "open": "Not decided",
    "decided": "Decided",
    "begun": "Started",
    "rated": "Rated",
    "ended": "Ended",
}
TASKS: Mapping[str, str] = {
    "talk": "Low rating",
    "answer": "Wishes from the matching page",
    "decide": "To decide",
    "book": "First appointment to book",
    "rate": "Rating due",
    "nothing": "Nothing to do now",
}
"""Titles of the sections of the work list, by what is to be done."""
TASK_HELPS: Mapping[str, str] = {
    "talk": "Offer the client a conversation about how sessions go.",
    "answer": "Clients who asked for somebody and have not been answered. Nobody is booked, and "
    "the client rings or writes with the reference. A decision on the request closes a wish.",
}
FIELDS: Mapping[str, str] = {
    "clinician_id": "Clinician",
    "kind": "What happened",
    "happened_on": "Day",
    "instrument": "Questionnaire",
    "metric": "Counted as",
    "rated_on": "Day rated",
    "client_id": CLIENT_CODE,
}
"""Labels of fields of decisions, events and ratings where they differ from the name."""
NOT_RECORDED: Mapping[str, str] = {
    "recommendation_id": "No request is recorded at this address. Check the address, or look "
    "for the request in the list.",
    "pairing_id": "No pairing is recorded at this address. Check the address, or open the pairing "
    "from its request.",
    "rating_id": "No rating is recorded at this address. Check the address, or open the rating "
    "from its pairing.",
    "clinician_id": "This clinician is not on the roster. Choose another clinician.",
}
"""What a page says when a record does not exist, by the field that names the record."""
_CLIENT_MAY = re.compile(r"the client (would|can|could|may|might|did|had)\b")


def plain(level: str) -> str:
    """A level or code without underscores."""
    return level.replace("_", " ")


def person(clinician_id: str, name: str) -> str:
    """A clinician by name and id; by id alone without a name."""
    return clinician_id if name == clinician_id else f"{name} ({clinician_id})"


def sentence(text: str) -> str:
    """A phrase with a capital first letter."""
    return text[:1].upper() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """Several phrases joined as in a sentence."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def counted(number: int, one: str, several: str) -> str:
    """A number with its noun.

    >>> counted(1, "match", "matches"), counted(3, "match", "matches")
    ('1 match', '3 matches')
    """
    return f"{number} {one if number == 1 else several}"


def figure(value: float) -> str:
    """A number with the digits it has and a true minus sign."""
    return f"{value:g}".replace("-", MINUS)


def one(points: float) -> str:
    """A number with one decimal."""
    return f"{points:.1f}"


def two(points: float) -> str:
    """A number with two decimals and a true minus sign."""
    return f"{points:.2f}".replace("-", MINUS)


def signed(hundredths: int) -> str:
    """Hundredths as a difference with two decimals and a true minus sign."""
    sign = MINUS if hundredths < 0 else "+" if hundredths else ""
    return f"{sign}{abs(hundredths) / 100:.2f}"


def bounds(low: float | None, high: float | None) -> str:
    """The range of a number, empty where it has none."""
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"From {figure(low)}." if low is not None else f"Up to {figure(high or 0)}."
    return f"From {figure(low)} to {figure(high)}."


def day(on: date) -> str:
    """A day with its year."""
    return f"{on.day} {on:%B %Y}"


def clock(at: datetime | time) -> str:
    """A time of day on a 12-hour clock."""
    if at.minute == 0 and at.hour in (0, 12):
        return "noon" if at.hour else "midnight"
    return f"{at.hour % 12 or 12}:{at:%M} {'pm' if at.hour >= 12 else 'am'}"


def moment(at: datetime) -> str:
    """A day and a time, with the zone."""
    return f"{day(at)}, {clock(at)} {at.tzname() or ''}".strip()


def local(at: datetime, zone: ZoneInfo) -> str:
    """A day and a time of the practice; a page names the zone once, by `times_in`."""
    here = at.astimezone(zone)
    return f"{day(here)}, {clock(here)}"


def recent(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time of the practice, with its day unless that is today.

    >>> zone = ZoneInfo("Australia/Sydney")
    >>> now = datetime(2026, 11, 28, 6, tzinfo=ZoneInfo("UTC"))
    >>> [recent(now - timedelta(hours=back), now, zone) for back in (1, 20, 50)]
    ['4:00 pm', 'Yesterday, 9:00 pm', '26 November, 3:00 pm']
    """
    here, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (today - here.date()).days
    if days == 0:
        return clock(here)
    year = f" {here.year}" if here.year != today.year else ""
    named = "Yesterday" if days == 1 else f"{here.day} {here:%B}{year}"
    return f"{named}, {clock(here)}"


def times_in(zone: ZoneInfo) -> str:
    """In which zone a page has its times.

    >>> times_in(ZoneInfo("Australia/Sydney"))
    'Times are Sydney time.'
    """
    place = zone.key.rpartition("/")[2]
    return f"Times are {plain(place)} time."


def contradiction(found: Contradiction) -> str:
    """What a day or session contradicts, as a question."""
    recorded = day(found.recorded) if isinstance(found.recorded, date) else found.recorded
    return f"{CONTRADICTIONS[found.code].format(recorded)} Correct it, or tick that it is right."


def task(name: str, client_id: str | None, *, wished: bool) -> str:
    """What is to be done about a client; `wished` says whether a wish names a clinician."""
    who = client_id or "a new client"
    if name == "answer":
        asked = "asked for a clinician" if wished else "wants help to choose"
        return f"Answer {who}: {asked}"
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
        return f"{people}, first appointment {day(outcome.started_on)}"
    return f"{people}, since {day(outcome.started_on)}"


def week(windows: Sequence[str]) -> str:
    """Weekly hours, each written `mon 09:00-12:30`, day by day."""
    days: dict[str, list[str]] = {}
    for window in windows:
        name, _, hours = window.partition(" ")
        # 24:00 is midnight at the end of the day.
        ends = (clock(time(int(each[:2]) % 24, int(each[3:]))) for each in hours.split("-"))
        days.setdefault(name, []).append(" to ".join(ends))
    return "; ".join(f"{DAY_NAMES[name]} {', '.join(hours)}" for name, hours in days.items())


def known(at: datetime, age: timedelta) -> str:
    """When availability was recorded, and how long ago that is."""
    days = max(age.days, 0)
    ago = "today" if days == 0 else f"{counted(days, 'day', 'days')} ago"
    return f"as known {moment(at)} ({ago})"


def scale_of(instrument: str) -> str:
    """The name of a questionnaire."""
    return instrument.upper().replace("_", "-")


def scale_name(scale: AllianceScale) -> str:
    """The questionnaire and metric of a scale."""
    return f"{scale_of(scale.instrument)} ({scale.metric})"


def scale_points(scale: AllianceScale) -> str:
    """The scale that points belong to."""
    return f"Points of {scale_name(scale)}, {scale.low:g} to {scale.high:g}"


def points(value: float, scale: AllianceScale) -> str:
    """A predicted alliance in points of its scale."""
    ends = f"{scale.low:g} to {scale.high:g}"
    return f"{one(value)} on {scale_name(scale)}, which runs from {ends}"


def range_ends(ends: AllianceRange) -> str:
    """The two ends of a range."""
    return f"{one(ends.lower)} and {one(ends.upper)}"


def sure(ends: AllianceRange | None) -> str:
    """How often ratings fall in a range."""
    if ends is None:
        return "No range is known for this request."
    return f"About {10 * ends.level:.0f} of 10 ratings like this fell between {range_ends(ends)}."


def reservation(reason: StatedReason) -> str:
    """A rule that is not met, or not known to be met."""
    text = reason.text + _judged_on(reason)
    return f"Perhaps {text}: ask" if reason.unknown else sentence(text)


def exclusion(reason: StatedReason) -> str:
    """A rule that left a clinician out."""
    text = sentence(reason.text + _judged_on(reason))
    return f"{text}{' (not known, so taken as not met)' if reason.unknown else ''}"


def _judged_on(reason: StatedReason) -> str:
    """The day a rule was judged for, where it is not the day asked."""
    return "" if reason.judged_on is None else f", for a first session on {day(reason.judged_on)}"


def tie(first: int, last: int) -> str:
    """That clinicians of these ranks cannot be told apart."""
    return (
        f"{first} to {last} are too close to call, although they are numbered: choose by "
        "availability or by what the client prefers."
    )


def aloud(name: str, reasons: Sequence[str]) -> str:
    """What may be read to a client: what they asked for, and nothing of a score."""
    addressed = (each.replace("the client's", "your") for each in reasons)
    offers = listed([_CLIENT_MAY.sub(r"you \1", each) for each in addressed])
    offered = (
        f"From what you told us, {name} {offers}."
        if offers
        else f"{name} fits what you told us you need."
    )
    return f"{offered} The choice is yours, and you can change clinicians later."


def counts(eligible: int, excluded: int) -> str:
    """How many clinicians fit and how many do not."""
    return f"{eligible} fit, {excluded} do not: {eligible + excluded} on the roster."


def gain(offer: SuggestedRelaxation) -> str:
    """Whom a relaxation would add, with points where anything is predicted."""
    if offer.predicted_alliance is None:
        return offer.name
    lead = offer.gain
    ahead = "" if lead is None else f", {signed(round(lead * 100))} compared with the first now"
    return f"{offer.name}: {one(offer.predicted_alliance)}{ahead}"


def no_change(eligible: int, *, predicted: bool) -> str:
    """That no relaxation is offered, and what was looked for."""
    if not eligible:
        return "No small change of the request would add a clinician."
    if not predicted:
        return "Changes are suggested only where nobody fits, since nothing was predicted."
    return "No small change would add a clinician clearly ahead of those shown."


def model(used: ModelInUse) -> str:
    """Version, training day and digest of the model a request used."""
    version = f"version {used.version}" if used.version is not None else ""
    at = used.created_at
    on = f"trained {day(datetime.fromisoformat(at))}" if at else ""
    return ", ".join(filter(None, (version, on, used.digest[:12])))


def fault(name: str, problem: str) -> str:
    """What is wrong with a field."""
    return f"{FIELDS.get(name, sentence(plain(name)))} {problem}" if name else sentence(problem)


def so_far(rated: int) -> str:
    """How many ratings there are."""
    return f"{counted(rated, 'rated match', 'rated matches')} so far"
