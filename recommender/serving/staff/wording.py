"""Everything the pages say, in Australian English: one place to read, review and translate.

Words of a clinician, a question or a rule come from the practice definition and stand nowhere
here. No word here claims a cause or promises a result; a test refuses those that do. Imported
within `staff`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from recommender.journal.ratings import Rating

_CLIENT_MAY = re.compile(r"the client (would|can|could|may|might|did|had)\b")

LANGUAGE = "en-AU"
MINUS = "\N{MINUS SIGN}"
PRODUCT = "Recommender"
SKIP = "Skip to the content"
SIGN_IN, SIGN_OUT = "Sign in", "Sign out"
NAME, PASSWORD = "Name", "Password"
NOT_LET_IN = "This name and password do not open a session. Check both and try again."
WELCOME, WELCOME_SAID = "Welcome", "Your account may open the pages named above."
NAVIGATION = "Pages"
QUEUE, NEW_REQUEST, REQUEST = "Requests", "New request", "Request"
NOTHING_IS_KEPT = (
    "This server is open to this computer only and has no store: you can try everything out, and "
    "nothing is kept. The last requests stay in memory until it stops."
)

YES, NO = "Yes", "No"
NOT_ANSWERED = "Not answered"
NONE_OF_THESE = "Asked, and none of these"
NOT_ASKED_HELP = "Left open: the client was not asked."
REQUIREMENTS = "Requirements and wishes"
AGREEMENT = "What the client agreed to besides"
ABOUT_REQUEST = "About this request"
RULES = "How rules count this time"
PSEUDONYM = "Client's pseudonym"
PSEUDONYM_HELP = (
    "The client's code at the practice, so that do-not-match lists hold. Never a name, an address "
    "or a number the client is reached by."
)
ASKED_ON, ASKED_ON_HELP = "Day asked", "Left open: today."
HOW_MANY = "How many clinicians to show"
FORM_SAID = (
    "Ask what the client is glad to answer; every question can be left open unless it says "
    "otherwise. This page remembers nothing once you leave it."
)
ASK = "Show clinicians"
TO_MEND, MEND = "Please mend", "Some answers do not fit; nothing was asked yet."
REQUIRED = "needed"
AGREED: Mapping[str, str] = {
    "train": "Agrees that the recommender may learn from their ratings",
    "research": "Agrees to take part in research",
}
MODES: Mapping[str, str] = {
    "hard": "Leaves a clinician out",
    "soft": "Only marks the clinician",
    "off": "Is passed over",
}
WRITTEN: Mapping[str, str] = {
    "place": "Latitude and longitude, such as -33.87, 151.21; put ; between several places.",
    "postcode": "A postcode, or latitude and longitude; put ; between several places.",
    "ids": "Ids with a comma between them.",
    "weekly_hours": (
        "Write 8-10, 17-20 or 9 to noon or 5-8 pm or all day; several times of a day with a comma "
        "between. Leave a day open when it does not suit."
    ),
}
HOURS_UNREAD = "is not written as times: write 8-10 or 5-8 pm, with a comma between several"
HOURS_BACKWARDS = "ends before it begins: write 8-17, or 8 am-5 pm"

DAY_NAMES: Mapping[str, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}

REQUEST_MODES: Mapping[str, str] = {
    "model": "A model that learned from ratings of this practice",
    "evidence_prior": "No rating of this practice was learned from: sizes published elsewhere",
    "constraints_only": "Rules only: nothing was predicted, the first to be free stands first",
}
MODE, MODEL_MADE, AVAILABILITY, DAY_ASKED = "How it was made", "Model", "Availability", "Asked for"
SHORTLIST = "Who fits"
NEXT_FREE, FREE_UNKNOWN = "Next free", "Not recorded"
TIMES, NO_TIMES = "Next times", "No open hours are recorded."
TIMES_SAID = (
    "Times are weekly open hours from the first free day on, no booked appointments: ask the "
    "clinician before you promise one."
)
STRENGTH, SURE, REASON, CAUTION = "Strength", "How sure", "Main reason", "Main caution"
ALL_REASONS, SPEAKS_FOR, SPEAKS_AGAINST = "All reasons", "Speaks for", "Speaks against"
RESERVATIONS = "Not met, or not known to be met"
NO_REASON, NO_CAUTION = "Nothing stands out", "Nothing known"
NOT_PREDICTED = "Not predicted"
CLEARLY_ABOVE = "Clearly above the average clinician who fits"
SOMEWHAT_ABOVE = "Somewhat above the average clinician who fits"
ABOUT_AVERAGE = "About the average clinician who fits"
SOMEWHAT_BELOW = "Somewhat below the average clinician who fits"
CLEARLY_BELOW = "Clearly below the average clinician who fits"
NOBODY_FITS = "Nobody fits every requirement. See below who was left out by what."
ASK_FIRST = "Ask first: left open, these alone keep clinicians from being shown."
CHANGE_ANSWERS = "Change answers"
ALOUD, ALOUD_HELP = (
    "What to say",
    "What to say is safe to read aloud: it holds only what the client asked for, and a time.",
)
FITS, OUT = "Fits", "Left out"
PICTURE = "Where ratings like these fell"
PICTURE_DESCRIBED = (
    "One line a clinician: the line runs from the lower to the upper end of the range, the dot is "
    "the predicted strength. The table beside it has the same numbers."
)
CLINICIAN, POINTS, LOWER, UPPER = "Clinician", "Points", "From", "To"
WHY = "Why these"
WHY_SAID = (
    "In points of the practice's scale, held against the average of all clinicians who fit. "
    "Figures add up to the total; they are patterns in ratings and name no causes."
)
NOT_EXPLAINED = (
    "The reasons can no longer be told: the practice definition or the model's features have "
    "changed since. What was shown stands above."
)
NOT_PREDICTED_WHY = "Nothing was predicted for this request, so there are no points to explain."
GROUP, DIFFERENCE, WAY = "Group", "Points", "Which way"
BARS = "Points, group by group"
BARS_DESCRIBED = (
    "One bar a group from the line in the middle: filled and to the right where it is higher, "
    "hollow and to the left where it is lower; the total last. The table beside it has the same "
    "numbers."
)
SMALLER_PARTS = "Smaller parts together"
REMAINDER, TOTAL = "Remainder, from rounding", "Total"
WHY_NOT, WHY_NOT_SAID = "Why not another", "Name any clinician on the roster."
TELL_ME = "Tell me"
FITS_BUT_LATER = (
    "Fits every requirement and is free later than those shown, or as soon with a later id."
)
COMPARE, COMPARE_SAID = "Compare two", "Any two clinicians who fit, by the same groups."
NOT_COMPARED = "Only clinicians who fit can be compared; see who was left out by what."
FIRST_ONE, SECOND_ONE, SHOW_BOTH = "One clinician", "The other", "Compare"
LEFT_OUT = "Who was left out by what"
RULE, REMOVED, ONLY_BY_IT, NAMES = "Rule", "Left out", "By nothing else", "Who"
SHOW_NAMES = "Show names"
NOBODY_LEFT_OUT = "Nobody was left out."
OPEN_MORE, OPEN_MORE_SAID = (
    "What would open more",
    "Nothing is changed unless you ask for it; each button shows the result as a new request.",
)
SHOW_RESULT, ASK_CLIENT = "Show the result", "Ask the client; there is nothing to apply"
NOTHING_OPENS = "No small change would bring anybody clearly ahead of those shown."
USED, NOT_USED = "What was used", "Not answered"
ON_PAGE = "On this page"
CHANGED, UNCHANGED = (
    "This is the result of one change. Nothing was changed in the request before it.",
    "Back to the request before the change",
)
QUESTION, ANSWER, MEANS = "Question", "Answer", "Taken as"

DECIDE = "Decide"
PARTS: Mapping[str, str] = {
    "shortlist": SHORTLIST,
    "decide": DECIDE,
    "why": WHY,
    "why-not-heading": WHY_NOT,
    "compare": COMPARE,
    "left-out": LEFT_OUT,
    "open-more": OPEN_MORE,
    "used": USED,
}
"""Of the page of a request, by their place on it."""
DECIDE_SAID = "A later decision stands in the place of an earlier one; every one stays visible."
CHOOSE, CHOOSE_SAID = "Choose", "Somebody shown above"
OVERRIDE, OVERRIDE_SAID, OVERRIDE_WHY = "Override", "Anybody on the roster", "Reason"
DECISIONS = "Decisions, oldest first; the last one stands"
WHO_DECIDED, WHEN, KIND = "By", "When (UTC)", "Kind"
DECISION_KINDS: Mapping[str, str] = {"chosen": "Chosen", "override": "Override"}
REASONS: Mapping[str, str] = {
    "client_asked": "The client asked for it",
    "availability": "Availability",
    "clinical_judgement": "Clinical judgement",
    "known_relationship": "They know each other",
    "error_in_data": "An error in the data",
    "other": "Another reason",
}
MEANWHILE = "Somebody else was first. Read what they entered below, then decide again."
BEGIN, BEGIN_SAID = "Begin", "Once client and clinician have agreed to meet."
FIRST_DAY = "First appointment"
PAIRING_ID, PAIRING_ID_HELP = "Id of the pairing", "Left open: a new one is made."
FOLLOW_UP, BEGUN = "Follow up", "Begun from this request"
PAIRING = "Follow up"
STARTED, SESSIONS, ENDED, NOT_YET = "Started", "Sessions attended", "Ended", "not yet known"
EVENTS, NO_EVENTS = "What happened", "Nothing was told yet."
ADD_EVENT, EVENT_KIND, EVENT_DAY = "Add what happened", "What happened", "Day"
SESSION, SESSION_HELP = "Session", "Counted from 1; needed where a session was attended."
EVENT_KINDS: Mapping[str, str] = {
    "booked": "Booked",
    "attended": "Attended",
    "missed": "Missed",
    "cancelled": "Cancelled",
    "ended": "Ended",
}
ADD = "Add"
RATINGS, NO_RATINGS = "Ratings", "No rating was entered yet."
ADD_RATING, FORM_USED, METRIC, SCORE = "Enter a rating", "Questionnaire", "Counted as", "Score"
BY_ITEMS, OPEN_ITEMS = "Enter it item by item", "Show its items"
BY_ITEMS_SAID = (
    "Enter each answer as the client marked it; leave open what was not answered. Items marked "
    "reversed are turned round here, not by you."
)
NEEDS_CHOICE = "Choose one"
RATED_ON, RATER = "Day rated", "Rated by"
RATERS: Mapping[str, str] = {"client": "The client", "clinician": "The clinician"}
METRICS: Mapping[str, str] = {
    "sum": "Sum of the items",
    "mean": "Mean of the items",
    "pomp": "Share of the scale, 0 to 1",
}
CORRECT, WITHDRAW = "Correct", "Withdraw"
CORRECT_SAID = "What is corrected or withdrawn stays visible."
CORRECTION_WHY = "Reason"
CORRECTIONS: Mapping[str, str] = {
    "typed_wrongly": "Typed wrongly",
    "wrong_form": "Wrong questionnaire",
    "client_asked": "The client asked for it",
    "other": "Another reason",
}
LOW_OF_RANGE = "The early rating lies below the range that was shown for this match."
LOW_OF_FORM = "The early rating lies at or below the questionnaire's own cut-off."
LOW_OF_USUAL = (
    "The early rating is lower than about 19 of 20 ratings on this questionnaire; no range was "
    "shown for this match."
)
LOW_OFFER = (
    "Offer the client a conversation about how sessions go, with this clinician or with you, and "
    "say that changing clinicians is possible."
)
LOW_OPTIONS = "See who else fitted then"
LOW_ANEW = "Ask anew who fits now; the form opens empty"
VERSION, WITHDRAWN, STANDS = "Version", "Withdrawn", "Stands"
NOT_KEPT = "Nothing was kept"
NOT_YOURS = "Your account may not see or do this. Ask whoever looks after the accounts."
NOT_ON_ROSTER = "is not on the roster of this request"
FIELDS: Mapping[str, str] = {
    "clinician_id": "Clinician",
    "reason": "Reason",
    "kind": "What happened",
    "happened_on": "Day",
    "session": "Session",
    "instrument": "Questionnaire",
    "metric": "Counted as",
    "score": "Score",
    "rated_on": "Day rated",
    "client_id": "Client's pseudonym",
    "pairing_id": "Id of the pairing",
}

MEASURED = "Is it usually right?"
CHECK = "Ratings against the range that was shown"
BY_GROUP = "Group by group"
BY_GROUP_SAID = (
    "The same check for clients who answered alike; one who named several things counts in each. "
    "Of many groups some stand apart by chance alone. What a practice asks for fairness reports "
    "only never comes with a request: see the model card."
)
NO_GROUPS = "No rated match has an answer to group by yet."
CLIENTS_WHO, RATED_MATCHES, INSIDE, ABOUT_DUE = (
    "Clients who answered",
    "Rated matches",
    "In the range",
    "Should be about",
)
CALIBRATION = "Predicted and rated, on average"
CALIBRATION_SAID = (
    "Matches of about the same estimate are taken together. On the dashed line ratings came out "
    "as predicted; above it higher, below it lower."
)
CALIBRATION_DESCRIBED = (
    "One dot for each row of the table beside it: predicted to the right, rated upwards, and a "
    "dashed line where both are equal."
)
PREDICTED, RATED, PREDICTED_FROM_TO, DIFFERENCE_OF, ALL = (
    "Predicted",
    "Rated",
    "Predicted between",
    "Rated less predicted",
    "All",
)
CURVE = "How far off, match after match"
CURVE_SAID = (
    "How far ratings lay from their estimates, higher or lower, on average over matches in the "
    "order they began. A lower figure is nearer."
)
CURVE_DESCRIBED = (
    "One dot for each row of the table beside it, oldest to the left; a lower dot is nearer to "
    "the ratings."
)
MATCHES, BEGAN, ERROR, UP_TO_MATCH = "Matches", "Began", "Points off", "Up to match"
UNSTORED = "This server keeps nothing, so there is nothing to check here."
CHAMPION, FACT, VALUE = "The model that answers now", "Fact", "Value"
CARD = "Who answers for it, and what it is for"
CARD_PARTS: Mapping[str, str] = {
    "owner": "Owner",
    "contact": "Contact",
    "intended_use": "Intended use",
    "out_of_scope": "Not for",
    "review": "Looked at again",
}
NOT_SAID = "Not said"
FACTS: Mapping[str, str] = {
    "mode": "Kind",
    "version": "Version in its registry",
    "digest": "Digest",
    "created_at": "Made (UTC)",
    "practice": "Practice definition",
    "ratings": "Ratings learned from",
    "pairings": "Pairings learned from",
    "left_unrated": "Of these ended before a rating",
    "first_day": "First pairing began",
    "last_day": "Last pairing began",
    "known_until": "Last rating known",
}

WHOLE_CARD, HISTORY = "Model card", "Models and clients over time"
CARD_SAID = (
    "Written by the machine from the model's own bundle; the people's words are those of the "
    "practice definition."
)
DIGEST = "Digest of the bundle:"
SERVED = "Models that answered"
SERVED_SAID = (
    "Counted from the requests this server keeps, the model that answered last first. Which "
    "version each was in its registry, and who let it answer, is told by the registry's own "
    "history."
)
NOTHING_SERVED = "No request is kept yet."
MODEL_DIGEST, REQUESTS_ANSWERED, FIRST_ANSWER, LAST_ANSWER = (
    "Model",
    "Requests",
    "First (UTC)",
    "Last (UTC)",
)
ANSWERS_NOW = "answers now"
ON_SHELF, ON_SHELF_SAID = "Models on this machine", "What could answer here, by digest."
STANDING = "Standing"
STANDINGS: Mapping[str, str] = {
    "answers": "answers now",
    "offered": "named by the registry",
    "last_good": "gone back to when another fails",
    "on_disk": "kept on this machine",
}
DRIFT = "Do clients come differently now?"
SHIFTS = "Numbers, against what the model learned from"
SHIFTS_SAID = (
    "The mean answer of the last requests less the mean of the clients the model learned from, in "
    "deviations of those clients. A quarter of a deviation and more is said to be a change."
)
NO_SHIFTS = "Too few requests with a number the model holds the mean of, so that nothing is said."
THEN, NOW, DEVIATIONS, HAS_CHANGED = "Learned from", "Now", "Deviations", "Changed"
SWINGS = "Questions, against the requests before"
SWINGS_SAID = (
    "The population stability index of each question, beside what chance alone seldom goes past. "
    "The model keeps no client's answer, so the newer half of the last requests is held to the "
    "older half and not to what was learned from."
)
NO_SWINGS = "Too few requests to hold the newer half to the older."
STABILITY, CHANCE, ANSWERED = "Index", "By chance up to", "Answered"

CLINICIANS = "Clinicians"
SHOWN_HOW_OFTEN = "Who is shown, and who has room"
SHOWN, STOOD_FIRST, CHOSEN_HOW_OFTEN, BEGUN_HOW_OFTEN, FREE_PLACES, LEFT = (
    "Shown",
    "First",
    "Chosen",
    "Begun",
    "Open places",
    "no longer on the roster",
)
EXPOSURE_BAR, PLACES_BAR = "Shown, of which first", "Taken and open places"
EXPOSURE_SAID = (
    "The outline is how often a clinician was shown, the filled part how often first. In the last "
    "column the filled part is the places taken by decisions in this time, the outline those "
    "still open. The figures stand in the same row."
)
PLACES_UNCOUNTED = "not counted"

RECORDS = "Clinicians' records"
RECORDS_SAID = (
    "Early ratings of each clinician's clients, drawn towards the practice's mean: the fewer "
    "ratings, the further. Clients differ, and a clinician who takes on harder beginnings may be "
    "rated lower. Made to see where a number rests on little, not to judge anybody."
)
NO_RECORDS = "Too few ratings to say how far clinicians differ."
RATED_CLIENTS, PLAIN_MEAN, DRAWN, EIGHT_IN_TEN, IN_MODEL, LEARNED_FROM = (
    "Clients who rated",
    "Mean of ratings",
    "Drawn towards the practice",
    "Eight times in ten between",
    "In the model",
    "Ratings it rests on",
)
IN_MODEL_SAID = (
    "In the model: points against what such clients rate elsewhere, drawn in the same way when it "
    "was trained."
)
TOO_FEW_RECORD = "too few"
ALIKE = "Ratings so far tell no clinician from another: everybody is shown at the practice's mean."

SEARCH, SOUGHT = "Search", "Client's pseudonym or request id"
NO_REQUESTS = "No request was found."
CLIENT, STATE, ASKED_AT, CHOSEN, NEW_CLIENT = "Client", "State", "Asked", "Chosen", "new"
OPEN_IT = "Open"
STATES: Mapping[str, str] = {
    "open": "Not decided",
    "decided": "Decided",
    "begun": "Begun",
    "due": "Rating due",
    "rated": "Rated",
}
REFUSED_ID = "Tell whoever runs this server this number"
BACK = "Back to the requests"


def plain(level: str) -> str:
    """A level or code as a person writes it."""
    return level.replace("_", " ")


def sentence(text: str) -> str:
    """A phrase with a capital first letter."""
    return text[:1].upper() + text[1:]


def left_open(missing: str) -> str:
    """What leaving a question open means."""
    return f"Left open: {missing.rstrip('.')}."


def rule_label(say: str) -> str:
    """A rule whose strength can be set for one request."""
    return f"A clinician who {say}"


def bounds(low: float | None, high: float | None) -> str:
    """Between what a figure may lie."""
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"From {figure(low)} on." if low is not None else f"Up to {figure(high or 0)}."
    return f"From {figure(low)} to {figure(high)}."


def figure(value: float) -> str:
    """A figure as it was given, with a true minus sign."""
    return f"{value:g}".replace("-", MINUS)


def one(points: float) -> str:
    """A figure with one decimal."""
    return f"{points:.1f}"


def two(points: float) -> str:
    """A figure with two decimals and a true minus sign."""
    return f"{points:.2f}".replace("-", MINUS)


def signed(hundredths: int) -> str:
    """A difference with two decimals and a true minus sign."""
    sign = MINUS if hundredths < 0 else "+" if hundredths else ""
    return f"{sign}{abs(hundredths) / 100:.2f}"


def way(hundredths: int) -> str:
    """The sign of a difference in a word."""
    if not hundredths:
        return "level"
    return "higher" if hundredths > 0 else "lower"


def points(said: float, scale: Mapping[str, Any]) -> str:
    """A strength as points of the practice's scale."""
    return f"{one(said)} on {scale_name(scale)}, which runs from {_ends(scale)}"


def scale(told: Mapping[str, Any]) -> str:
    """The scale that points are of."""
    return f"Points of {scale_name(told)}, {_ends(told)}"


def scale_name(told: Mapping[str, Any]) -> str:
    """An instrument and its metric."""
    return f"{scale_of(told['instrument'])} ({told['metric']})"


def scale_of(instrument: str) -> str:
    """An instrument as it is called."""
    return instrument.upper().replace("_", "-")


def score(rating: Rating) -> str:
    """A rating's total, or how many items were entered."""
    if rating.score is None:
        return f"{len(rating.items)} items"
    return f"{rating.score:g} ({rating.metric})"


def item(place: int, part: str, *, turned: bool) -> str:
    """An item by its number and what it belongs to; its wording stands on the form."""
    told = ", ".join(filter(None, (plain(part), "reversed" if turned else "")))
    return f"Item {place}{f' ({told})' if told else ''}"


def answered(given: int, items: int, missing: Sequence[int]) -> str:
    """How many items were answered, and which were not."""
    said = f"{given} of {items} items"
    if not missing:
        return said
    numbers = ", ".join(map(str, missing))
    return f"{said}, not answered: {numbers}"


def scored(mean: float, low: float, high: float, answered: str) -> str:
    """What items come to."""
    return f"{mean:.2f} on {low:g} to {high:g} (mean of {answered})"


def not_scored(answered: str) -> str:
    """That too few items were answered to count."""
    return f"Too few items to count: {answered}"


def item_range(low: float, high: float, step: float) -> str:
    """What one answer may be."""
    return f"Each from {low:g} to {high:g}, in steps of {step:g}."


def sure(ends: Mapping[str, Any]) -> str:
    """How sure, as a count of ten."""
    times = f"{10 * ends['level']:.0f}"
    return f"Of 10 ratings like this about {times} fell between {_range(ends)}."


def not_sure() -> str:
    """That no range is known."""
    return "How sure cannot be said for this request."


def mark(told: Mapping[str, Any]) -> str:
    """A line of the picture in words."""
    said = one(told["predicted_alliance"])
    return f"{told['name']}: {said}, range {_range(told['range'])}"


def reservation(reason: Mapping[str, Any]) -> str:
    """A rule that is not met, or not known to be."""
    return f"Perhaps {reason['text']}: ask" if reason["unknown"] else sentence(reason["text"])


def excluding(say: str, unknown: bool) -> str:
    """A rule that left somebody out."""
    return f"{sentence(say)}{' (not known, and taken as not met)' if unknown else ''}"


def tie(first: int, last: int) -> str:
    """That clinicians cannot be told apart."""
    return (
        f"{first} to {last} are too close to call: choose by availability or by what the client "
        "prefers."
    )


def order_of_tie(said: str) -> str:
    """What broke a tie, where it was the same for each of them."""
    return f"Each after the first: {said[:1].lower()}{said[1:]}."


def aloud(name: str, reasons: Sequence[str]) -> str:
    """What may be read to a client: what they asked for, and nothing of a score."""
    said = listed([to_you(each) for each in reasons])
    offered = (
        f"From what you told us, {name} {said}."
        if said
        else f"{name} fits what you told us you need."
    )
    return f"{offered} The choice is yours, and you can change clinicians later."


def to_you(phrase: str) -> str:
    """A phrase about the client as it is said to them, as far as grammar allows."""
    said = phrase.replace("the client's", "your")
    return _CLIENT_MAY.sub(r"you \1", said)


def listed(parts: Sequence[str]) -> str:
    """Several things in one sentence."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def left_out(name: str) -> str:
    """That somebody was left out."""
    return f"{name} was left out by these rules:"


def contrasted(name: str, rival: str) -> str:
    """Whom somebody is held against."""
    return f"{name} fits. Held against {rival}, group by group:"


def lead(name: str, rival: str) -> str:
    """The heading of one side of a comparison."""
    return f"{name} less {rival}"


def counts(eligible: int, excluded: int) -> str:
    """How the roster divides."""
    return f"{eligible} fit, {excluded} do not: {eligible + excluded} on the roster."


def to_ask(phrases: Sequence[str], number: int) -> str:
    """A question that has to be answered before somebody can be shown."""
    people = "1 clinician" if number == 1 else f"{number} clinicians"
    return f"{sentence(listed(phrases))}: {people}"


def unanswered(missing: int, asked: int) -> str:
    """How many questions were left open."""
    return f"{missing} of {asked} questions"


def opens(number: int) -> str:
    """How many more would fit."""
    return "1 more clinician" if number == 1 else f"{number} more clinicians"


def gives(offer: Mapping[str, Any]) -> str:
    """Whom an offer would bring, and how strong; without points where nothing is predicted."""
    if offer["predicted_alliance"] is None:
        return str(offer["name"])
    gain = offer["gain"]
    ahead = "" if gain is None else f", {signed(round(gain * 100))} against the first now"
    return f"{offer['name']}: {one(offer['predicted_alliance'])}{ahead}"


def made(model: Mapping[str, Any]) -> str:
    """Which model answered, and when it was made."""
    version = f"version {model['version']}" if model["version"] is not None else ""
    at = model["created_at"]
    on = f"made {day(datetime.fromisoformat(str(at)))}" if at else ""
    return ", ".join(filter(None, (version, on, str(model["digest"])[:12])))


def day(on: date) -> str:
    """A day as it is said."""
    return f"{on.day} {on:%B %Y}"


def free(on: date, today: date) -> str:
    """When somebody is next free; a day that is past means now, as far as was recorded."""
    return day(on) if on > today else f"Now; the day on record, {day(on)}, is past"


def times_heading(ways: Sequence[str], *, wished: bool, suits: bool) -> str:
    """What open hours are listed: those that suit, or all where none do, and for which ways."""
    how = ", ".join(map(plain, ways))
    said = "open hours that suit" if wished else "open hours"
    said = said if suits else "none of the client's times; open hours are"
    return sentence(f"{how}: {said}" if how else said)


def week(windows: Sequence[str]) -> str:
    """Weekly hours, written mon 09:00-12:30, day by day."""
    days: dict[str, list[str]] = {}
    for window in windows:
        day, _, hours = window.partition(" ")
        days.setdefault(day, []).append(" to ".join(map(_of_clock, hours.split("-"))))
    return "; ".join(f"{DAY_NAMES[day]} {', '.join(hours)}" for day, hours in days.items())


def place(zone: str) -> str:
    """The place an IANA zone is named after."""
    return plain(zone.rsplit("/", 1)[-1])


def clock(at: datetime | time) -> str:
    """A time of the day."""
    if at.minute == 0 and at.hour in (0, 12):
        return "noon" if at.hour else "midnight"
    return f"{at.hour % 12 or 12}:{at:%M} {'pm' if at.hour >= 12 else 'am'}"


def stretch(begin: datetime, end: datetime, *, with_day: bool = True) -> str:
    """From a time to another; the day of the end where it is not that of the begin."""
    last = end - timedelta(minutes=1)
    until = clock(end) if last.date() == begin.date() else f"{_weekday(end)}, {clock(end)}"
    said = f"{clock(begin)} to {until}"
    return f"{_weekday(begin)}, {said}" if with_day else said


def on_clock(hours: str, zone: str) -> str:
    """Hours on the clock of a place."""
    return f"{hours} in {place(zone)}"


def on_clocks(first: str, whose: str, others: Sequence[str]) -> str:
    """Hours on one clock, and the same on others."""
    return f"{first} {whose} ({'; '.join(others)})"


def whose(zone: str, is_client: bool) -> str:
    """Whose clock it is."""
    return f"{'for the client' if is_client else 'at the rooms'} in {place(zone)}"


def whose_aloud(zone: str, is_client: bool) -> str:
    """The same said to the client."""
    return f" {'your time' if is_client else 'at the rooms'} in {place(zone)}"


def time_aloud(begin: datetime, end: datetime, whose: str) -> str:
    """A time as it is offered, without promising it."""
    at = f"{begin:%A} {day_of_month(begin)}, from {clock(begin)} to {clock(end)}{whose}"
    return f"A first time may be free on {at}; we confirm it with them before it is booked."


def day_of_month(on: date) -> str:
    """A day without its year."""
    return f"{on.day} {on:%B}"


def moment(at: datetime) -> str:
    """A moment as it is said, with its zone."""
    return f"{day(at)}, {clock(at)} {at.tzname() or ''}".strip()


def known(at: datetime, age: timedelta) -> str:
    """When availability was known, and how long ago that is."""
    days = max(age.days, 0)
    ago = "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"
    return f"as known {moment(at)} ({ago})"


def told_of(warnings: Sequence[str]) -> tuple[str, ...]:
    """What a response warns of, without what only names its own parts."""
    return tuple(each for each in warnings if "`" not in each)


def fault(name: str, problem: str) -> str:
    """What is wrong with a field."""
    return f"{FIELDS.get(name, sentence(plain(name)))} {problem}" if name else sentence(problem)


def early(first: int, last: int) -> str:
    """Which sessions' ratings are learned from."""
    return f"Ratings of sessions {first} to {last} count as early ones; ask for them then."


def due(attended: int, first: int, last: int) -> str:
    """That the early rating is due."""
    return (
        f"A rating is due: session {attended} was attended, and the client rated none of "
        f"sessions {first} to {last}."
    )


def checked(inside: int, rated: int, level: float) -> str:
    """How many ratings fell in the range that was shown for them."""
    return (
        f"Of the last {rated} rated matches {inside} fell in the range that was shown; about "
        f"{level * rated:.0f} should."
    )


def so_far(rated: int) -> str:
    """How many ratings there are."""
    return f"{rated} rated {'match' if rated == 1 else 'matches'} so far"


def too_few(rated: int, fewest: int) -> str:
    """That there is nothing to say yet."""
    return f"{so_far(rated)}: too few to check. From {fewest} on it is said here."


def group(phrase: str, level: str) -> str:
    """Clients who gave one answer."""
    return f"{phrase}: {level}"


def few_groups(number: int) -> str:
    """That groups are too small for a figure."""
    if number == 1:
        return "1 group has too few rated matches to say anything"
    return f"{number} groups have too few rated matches to say anything"


def too_few_bins(rated: int) -> str:
    """That no averages can be told apart yet."""
    return f"{so_far(rated)}: too few to average."


def no_window(rated: int) -> str:
    """That there is no error to say yet."""
    return f"{so_far(rated)}: too few to say how far off they were."


def rest_of_windows(rated: int) -> str:
    """How many matches stand in no row yet."""
    if rated == 1:
        return "1 newer rated match does not fill a row yet."
    return f"{rated} newer rated matches do not fill a row yet."


def bin(each: Any) -> str:
    """A dot of the calibration in words."""
    return f"Predicted {each.predicted:.2f}, rated {each.points:.2f}, {each.rated} matches"


def less(each: Any) -> str:
    """By how much ratings lie above predictions."""
    return signed(round(each.points * 100) - round(each.predicted * 100))


def window(each: Any) -> str:
    """A dot of the learning curve in words."""
    return f"Matches {each.first} to {each.last}: {each.error:.2f} points off"


def lately(days: int, names: int) -> str:
    """Which requests were counted."""
    return f"In the last {days} days {names} names were shown in requests that this server keeps."


def never_shown(number: int, everybody: int) -> str:
    """How many of the roster nobody was shown."""
    return f"{number} of {everybody} clinicians on the roster were shown to nobody in that time."


def requests_looked_at(number: int) -> str:
    """How many requests were held to something."""
    return f"The last {number} requests for which something was predicted."


def practice_mean(mean: float) -> str:
    """What records are drawn towards."""
    return f"The practice's mean is {mean:.2f}."


def pull(ratings: float) -> str:
    """How strongly records are drawn, as ratings."""
    return (
        f"It weighs as much as {ratings:.1f} ratings: a clinician with that many stands half way "
        "between it and their own mean."
    )


def too_few_of(fewest: int) -> str:
    """Which records are not shown."""
    return f"With fewer than {fewest} ratings no record is shown: it would tell of single clients."


def left_few(number: int) -> str:
    """How many records are not shown."""
    return f"That leaves out {number}."


def nobody(number: int) -> str:
    """A clinician whose name the reader may not see."""
    return f"Clinician {number}"


def plain_order(order: str) -> str:
    """The rule of the order, without the marks it has for programmers."""
    return order.replace("`", "")


def _of_clock(written: str) -> str:
    """A time written 24:00."""
    hour, minute = written.split(":")
    return clock(time(int(hour) % 24, int(minute)))


def _weekday(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def _ends(told: Mapping[str, Any]) -> str:
    return f"{told['low']:g} to {told['high']:g}"


def _range(ends: Mapping[str, Any]) -> str:
    return f"{one(ends['lower'])} and {one(ends['upper'])}"
