"""Sentences, figures and labels that pages build from data, in Australian English.

Texts that never change are in the templates. Words of a clinician, a question or a rule come from
the practice definition. No text claims a cause or promises a result; a test checks it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from recommender.model.evaluation_report import Estimate
from recommender.recommendation.fact_text import clock_text
from recommender.recommendation.ranking import CLEAR_LEAD, EVEN_LEAD
from recommender.serving.schemas.responses import (
    AllianceRange,
    AllianceScale,
    ModelInUse,
    StatedReason,
)
from recommender.values.kinds import DAY_NAMES

MINUS = "\N{MINUS SIGN}"
YES, NO = "Yes", "No"
NONE_OF_THESE = "None of these"
NOT_ANSWERED = "Not answered"
CLIENT_CODE = "Client code"
REQUEST_MODES: Mapping[str, str] = {
    "model": "A model trained on this practice's ratings",
    "evidence_prior": "Published research only: no rating of this practice was used",
    "pooled_prior": "Published research and other practices' ratings: none of this practice was "
    "used",
    "constraints_only": "Rules only: nothing was predicted, in the order of the next free day",
    "trial": "A trial of the order: by prediction or by the next free day, which is not shown",
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
    "replaced": "Earlier version",
    "undone": "Start undone",
}
FIELDS: Mapping[str, str] = {
    "clinician_id": "Clinician",
    "kind": "What happened",
    "happened_on": "Day",
    "instrument": "Questionnaire",
    "metric": "Counted as",
    "rated_on": "Day rated",
    "client_id": CLIENT_CODE,
    "recommendation_id": "This request",
    "local_time": "Time",
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
ALMOST_CERTAIN = 0.95
"""Probability of being ahead from which a lead is called almost certain: nineteen to one."""


def plain(level: str) -> str:
    """A level or code without underscores."""
    return level.replace("_", " ")


def person(clinician_id: str, name: str) -> str:
    """A clinician by name and id; by id alone without a name."""
    return clinician_id if name == clinician_id else f"{name} ({clinician_id})"


def sentence(text: str) -> str:
    """A phrase with a capital first letter."""
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """A sentence as a part of another one."""
    return text[:1].lower() + text[1:]


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


def interval(estimate: Estimate) -> str:
    """A difference with its interval, empty where it has none.

    Examples
    --------
    >>> interval(Estimate(value=0.2, low=0.1, high=0.3))
    '+0.20 (+0.10 to +0.30)'
    """
    ends = estimate.value, estimate.low, estimate.high
    value, low, high = (None if end is None else signed(round(100 * end)) for end in ends)
    return "" if value is None else f"{value} ({low} to {high})"


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


def short_day(on: date) -> str:
    """A day near today, such as Thu 3 Dec."""
    return f"{on:%a} {on.day} {on:%b}"


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


def local_day(at: datetime, zone: ZoneInfo) -> str:
    """The day of a time on the practice's clock.

    >>> late = datetime(2026, 11, 28, 23, 28, tzinfo=ZoneInfo("UTC"))
    >>> local_day(late, ZoneInfo("Australia/Sydney"))
    '29 November 2026'
    """
    return day(at.astimezone(zone))


def recent(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time of the practice, with its day unless that is today.

    >>> from datetime import timedelta
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


def age(at: datetime, now: datetime) -> str:
    """How long ago a time is, in minutes, hours or days.

    >>> from datetime import timedelta
    >>> now = datetime(2026, 11, 28, 6)
    >>> [age(now - timedelta(minutes=back), now) for back in (1, 119, 1440, 4000)]
    ['1 minute', '1 hour', '24 hours', '2 days']
    """
    minutes = max(int((now - at).total_seconds() // 60), 0)
    if minutes < 60:
        return counted(minutes, "minute", "minutes")
    if minutes < 2 * 24 * 60:
        return counted(minutes // 60, "hour", "hours")
    return counted(minutes // (24 * 60), "day", "days")


def week(windows: Sequence[str]) -> str:
    """Weekly hours, each written `mon 09:00-12:30`; days with the same times together.

    Windows that touch or overlap are read as one.

    >>> week(["mon 17:00-24:00", "tue 17:00-24:00", "wed 00:00-24:00", "sat 08:30-12:00"])
    'Monday and Tuesday from 5 pm; Wednesday all day; Saturday 8:30 am to noon'
    >>> week(["tue 17:00-24:00", "tue 00:00-24:00"])
    'Tuesday all day'
    """
    times: dict[str, list[tuple[str, str]]] = {}
    for window in windows:
        name, _, hours = window.partition(" ")
        start, _, end = hours.partition("-")
        times.setdefault(name, []).append((start, end))
    together: dict[tuple[str, ...], list[str]] = {}
    for name, spans in times.items():
        texts = tuple(_hours(*span) for span in _joined(spans))
        together.setdefault(texts, []).append(name)
    return "; ".join(f"{_days(names)} {', '.join(texts)}" for texts, names in together.items())


def week_of(windows: Sequence[Mapping[str, str]]) -> str:
    """Weekly hours as a request has them: windows with a `day`, a `start` and an `end`."""
    return week([f"{each['day']} {each['start']}-{each['end']}" for each in windows])


def _joined(spans: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Spans of a day in order; those that touch or overlap as one."""
    joined: list[tuple[str, str]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _hours(start: str, end: str) -> str:
    if (start, end) == ("00:00", "24:00"):
        return "all day"
    if end == "24:00":
        return f"from {_short_clock(start)}"
    if start == "00:00":
        return f"until {_short_clock(end)}"
    return f"{_short_clock(start)} to {_short_clock(end)}"


def _short_clock(text: str) -> str:
    return clock_text(time.fromisoformat(text))


def _days(names: Sequence[str]) -> str:
    """Days as a list; three or more that follow each other as a range."""
    places = [list(DAY_NAMES).index(name) for name in names]
    if len(places) == len(DAY_NAMES):
        return "every day"
    if len(places) > 2 and places == list(range(places[0], places[0] + len(places))):
        return f"{DAY_NAMES[names[0]]} to {DAY_NAMES[names[-1]]}"
    return listed([DAY_NAMES[name] for name in names])


def known(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """When availability was recorded, and how long ago that is."""
    days = max((now - at).days, 0)
    ago = "today" if days == 0 else f"{counted(days, 'day', 'days')} ago"
    return f"as known {local(at, zone)} ({ago})"


def scale_of(instrument: str) -> str:
    """The name of a questionnaire."""
    return instrument.upper().replace("_", "-")


def scale_name(scale: AllianceScale) -> str:
    """The questionnaire and metric of a scale."""
    return f"{scale_of(scale.instrument)} ({scale.metric})"


def scale_points(scale: AllianceScale) -> str:
    """The scale that points belong to."""
    return f"Points of {scale_name(scale)}, {scale.low:g} to {scale.high:g}"


def range_ends(ends: AllianceRange) -> str:
    """The two ends of a range."""
    return f"{one(ends.lower)} to {one(ends.upper)}"


def reservation(reason: StatedReason) -> str:
    """A rule that is not met, or not known to be met."""
    text = reason.text + _judged_on(reason)
    return f"Perhaps {text}: ask" if reason.unknown else sentence(text)


def short_reservation(reason: StatedReason) -> str:
    """The same without an explanation after a colon."""
    return reservation(reason.model_copy(update={"text": reason.text.partition(": ")[0]}))


def exclusion(reason: StatedReason) -> str:
    """A rule that left a clinician out."""
    text = sentence(reason.text + _judged_on(reason))
    return f"{text}{' (not known, so taken as not met)' if reason.unknown else ''}"


def _judged_on(reason: StatedReason) -> str:
    """The day a rule was judged for, where it is not the day asked."""
    return "" if reason.judged_on is None else f", for a first session on {day(reason.judged_on)}"


def ties(groups: Sequence[tuple[int, int]], *, everybody: bool) -> str:
    """That clinicians of these first and last ranks cannot be told apart, group by group."""
    if everybody:
        ((_, last),) = groups
        close = f"{'The two' if last == 2 else f'All {last}'} are too close to call"
    else:
        spans = [f"{one} {'and' if last == one + 1 else 'to'} {last}" for one, last in groups]
        close = f"{spans[0]} are too close to call"
        close += "".join(f", and so are {span}" for span in spans[1:])
    return f"{close}."


def ahead(probability: float, following: str) -> str:
    """How sure it is that a clinician's predicted alliance is above that of the following one."""
    if probability < EVEN_LEAD:
        return f"About even with {following}"
    if probability < CLEAR_LEAD:
        return f"A little ahead of {following}"
    how = "Almost certainly" if probability >= ALMOST_CERTAIN else "Clearly"
    return f"{how} ahead of {following}"


def kilometres(km: float) -> str:
    """A distance to a tenth below ten kilometres, and to a whole one beyond."""
    return "under 1 km" if km < 1 else f"{km:.1f} km" if km < 10 else f"{km:.0f} km"


def short(label: str) -> str:
    """A label without an explanation in brackets.

    >>> short("CBT (cognitive behavioural therapy)")
    'CBT'
    """
    return label.partition(" (")[0]


def zone_line(timezone: str) -> str:
    """Whose clock the times of a page are on."""
    return f"Times are {place_of(timezone)} time"


def place_of(timezone: str) -> str:
    """The place an IANA zone is named after."""
    return plain(timezone.rsplit("/", 1)[-1])


def counts(eligible: int, excluded: int) -> str:
    """How many clinicians of the roster fit."""
    fit = "fits" if eligible == 1 else "fit"
    return f"{eligible} of {counted(eligible + excluded, 'clinician', 'clinicians')} {fit}."


def model(used: ModelInUse, zone: ZoneInfo) -> str:
    """Version, training day and digest of the model a request used."""
    version = f"version {used.version}" if used.version is not None else ""
    at = used.created_at
    on = f"trained {local_day(datetime.fromisoformat(at), zone)}" if at else ""
    return ", ".join(filter(None, (version, on, used.digest[:12])))


def fault(name: str, problem: str) -> str:
    """What is wrong with a field."""
    return f"{FIELDS.get(name, sentence(plain(name)))} {problem}" if name else sentence(problem)


def so_far(rated: int) -> str:
    """How many ratings there are."""
    return f"{counted(rated, 'rated match', 'rated matches')} so far"
