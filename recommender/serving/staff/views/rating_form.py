"""Ratings on the page of a pairing: entry item by item, scores, and early ratings due or low.

Items are known by number and subscale only: their wording belongs to the holders of each form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.alliance.instruments import Instrument
from recommender.alliance.plausibility import narrower_metric
from recommender.alliance.scores import FormScores, score_items, score_totals
from recommender.journal.pairings import PairingOutcome
from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.ratings import CLIENT, Rating
from recommender.journal.work_items import is_due
from recommender.monitoring.early_ratings import ShownPrediction, rated_predictions
from recommender.practice.definition import Practice
from recommender.serving.http.submitted_form import FormData
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import number
from recommender.serving.stored_recommendation import current_content

ITEMS = "items"
"""The metric of a rating that was entered item by item."""
LOW_Z = 1.645
"""Standard deviations below a questionnaire's mean under which 1 rating in 20 lies."""
BELOW_RANGE = "The early rating is below the range that was shown for this match."
BELOW_CUT_OFF = "The early rating is at or below the questionnaire's own cut-off."
UNUSUALLY_LOW = (
    "The early rating is lower than about 19 of 20 ratings on this questionnaire; no range was "
    "shown for this match."
)


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """One item as the page asks for it."""

    name: str
    label: str
    given: str


def item_entries(instrument: Instrument, given: Sequence[str]) -> tuple[ItemEntry, ...]:
    """Every item of an instrument, with what was entered before."""
    subscales = {
        n: wording.plain(name) for name, numbers in instrument.subscales.items() for n in numbers
    }
    return tuple(
        ItemEntry(
            f"item_{place}",
            f"Item {place}{f' ({notes})' if notes else ''}",
            given[place - 1] if place <= len(given) else "",
        )
        for place in range(1, instrument.items + 1)
        for reversed_note in ["reversed" if place in instrument.reverse else ""]
        for notes in [", ".join(filter(None, (subscales.get(place, ""), reversed_note)))]
    )


def typed_items(instrument: Instrument, sent: FormData) -> tuple[str, ...]:
    """What was typed for each item."""
    return tuple(sent.text(f"item_{place}") for place in range(1, instrument.items + 1))


def item_answers(instrument: Instrument, sent: FormData) -> list[int | float | str | None]:
    """The answer to each item, None where it was left blank."""
    return [number(text) if text else None for text in typed_items(instrument, sent)]


def score_ranges(instruments: Sequence[Instrument]) -> str:
    """Between which scores each questionnaire can be, by how it is counted."""
    return " ".join(
        f"{wording.scale_of(each.name)}: "
        + ", ".join(
            f"{wording.SHORT_METRICS[metric]} {low:g} to {high:g}"
            for metric in wording.METRICS
            for low, high in [each.bounds(metric)]
        )
        + "."
        for each in instruments
    )


def score_text(rating: Rating, instruments: Mapping[str, Instrument]) -> str:
    """A total as it was entered; of items, their mean and which are missing."""
    instrument = instruments.get(rating.instrument)
    if rating.metric != ITEMS or instrument is None:
        if rating.score is None:
            return f"{len(rating.items)} items"
        return f"{rating.score:g} ({rating.metric})"
    missing = [str(place) for place, each in enumerate(rating.items, 1) if each is None]
    answered = f"{instrument.items - len(missing)} of {instrument.items} items"
    answered += f", not answered: {', '.join(missing)}" if missing else ""
    pomp = float(_scores(rating, instrument).pomp[0])
    if np.isnan(pomp):
        return f"Too few items to count: {answered}"
    low, high = instrument.min, instrument.max
    return f"{low + pomp * (high - low):.2f} on {low:g} to {high:g} (mean of {answered})"


def rating_due_text(outcome: PairingOutcome, ratings: Sequence[Rating], practice: Practice) -> str:
    """That a rating is due, empty where none is."""
    first, last = practice.alliance.early_sessions
    if not is_due(outcome, ratings, (first, last)):
        return ""
    return (
        f"A rating is due: session {outcome.sessions or 0} was attended, and the client rated none "
        f"of sessions {first} to {last}."
    )


def low_rating_text(
    match: RatedMatch | None, ratings: Sequence[Rating], state: ServingSnapshot
) -> str:
    """In which way the early rating is low, empty where it is not.

    It is compared with the range shown for the match or, where none was shown, with what is usual
    for the questionnaire; the questionnaire's own cut-off counts in either case.
    """
    low = _how_low(match, ratings, state)
    return f"{low} {doubt}" if low and (doubt := metric_doubt(ratings, state.practice)) else low


def metric_doubt(ratings: Sequence[Rating], practice: Practice) -> str:
    """That a client's total may be on another metric than it was entered as; empty otherwise."""
    for rating in ratings:
        instrument = practice.instruments.get(rating.instrument)
        if instrument is None or rating.rater != CLIENT or rating.score is None:
            continue
        other = narrower_metric(instrument, rating.metric, rating.score)
        if other is not None:
            entered, fits = wording.METRICS[rating.metric], wording.METRICS[other]
            low, high = instrument.bounds(other)
            return (
                f"The score of session {rating.session} was entered as “{entered}” and also fits "
                f"“{fits}” ({low:g} to {high:g}): first check which of them it is."
            )
    return ""


def _how_low(match: RatedMatch | None, ratings: Sequence[Rating], state: ServingSnapshot) -> str:
    predicted = rated_predictions([match], shown_prediction, state.model) if match else ()
    if any(each.rated < each.lower for each in predicted):
        return BELOW_RANGE
    early = tuple(_early_scores(ratings, state.practice))
    for pomp, instrument in early:
        low, high = instrument.bounds("sum")
        if any(low + pomp * (high - low) <= cut for cut in instrument.cut_offs.values()):
            return BELOW_CUT_OFF
    for pomp, instrument in early if not predicted else ():
        mean, sd = instrument.reference_mean, instrument.reference_sd
        if mean is not None and sd is not None and pomp < mean - LOW_Z * sd:
            return UNUSUALLY_LOW
    return ""


def _scores(rating: Rating, instrument: Instrument) -> FormScores:
    """The scores of a rating as training computes them."""
    if rating.metric == ITEMS:
        answers = np.array([[np.nan if each is None else each for each in rating.items]])
        return score_items(instrument, answers)
    total = np.nan if rating.score is None else rating.score
    return score_totals(instrument, np.array([total]), rating.metric)


def _early_scores(
    ratings: Sequence[Rating], practice: Practice
) -> Iterator[tuple[float, Instrument]]:
    """Early client ratings on the 0-1 metric, each with its questionnaire."""
    settings = practice.alliance
    spans = [span for span in (settings.early_sessions, settings.fallback_sessions) if span]
    for rating in ratings:
        instrument = practice.instruments.get(rating.instrument)
        if instrument is None or rating.rater != CLIENT:
            continue
        pomp = float(_scores(rating, instrument).pomp[0])
        if not np.isnan(pomp) and any(low <= rating.session <= high for low, high in spans):
            yield pomp, instrument


def shown_prediction(match: RatedMatch) -> ShownPrediction | None:
    """What was predicted for the clinician a match began with; None without a range."""
    for each in current_content(match.response)["shortlist"]:
        if each["clinician_id"] == match.clinician_id and each["range"] is not None:
            ends = each["range"]
            return ShownPrediction(each["predicted_alliance"], ends["lower"], ends["upper"])
    return None
