"""Whether the client's early rating is due. Imported by `staff.following` and `staff.queue`."""

from collections.abc import Iterator, Sequence

import numpy as np

from recommender.alliance.instruments import Instrument
from recommender.journal.pairings import PairingOutcome
from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.ratings import CLIENT, Rating
from recommender.practice.definition import Practice
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.early_ratings import rated_predictions
from recommender.serving.staff.views.rating_form import scores_of


def is_due(course: PairingOutcome, ratings: Sequence[Rating], practice: Practice) -> bool:
    """Whether a session that counts as early was attended, and the client rated none of them."""
    first, last = practice.alliance.early_sessions
    rated = any(each.rater == CLIENT and first <= each.session <= last for each in ratings)
    return (course.sessions or 0) >= first and not rated


def due_said(course: PairingOutcome, ratings: Sequence[Rating], practice: Practice) -> str:
    """The same in words, empty where none is due."""
    if not is_due(course, ratings, practice):
        return ""
    return wording.due(course.sessions or 0, *practice.alliance.early_sessions)


TAIL = 1.645
"""Standard deviations below a questionnaire's mean under which 1 rating of 20 lies."""


def low_said(match: RatedMatch | None, ratings: Sequence[Rating], state: ServingSnapshot) -> str:
    """Against what the early rating is low, empty where it is not.

    Held against the range shown for the match; where none was, against what is usual for the
    questionnaire. A questionnaire's own cut-off counts beside either.
    """
    shown = rated_predictions([match], state.model) if match else ()
    if any(each.points < each.lower for each in shown):
        return wording.LOW_OF_RANGE
    early = tuple(_early(ratings, state.practice))
    if any(_below_cut_off(*each) for each in early):
        return wording.LOW_OF_FORM
    return wording.LOW_OF_USUAL if not shown and any(_unusual(*each) for each in early) else ""


def _early(ratings: Sequence[Rating], practice: Practice) -> Iterator[tuple[float, Instrument]]:
    """Scores from 0 to 1 that count as early, each with its questionnaire."""
    settings = practice.alliance
    spans = [span for span in (settings.early_sessions, settings.fallback_sessions) if span]
    for rating in ratings:
        instrument = practice.instruments.get(rating.instrument)
        if instrument is None or rating.rater != CLIENT:
            continue
        pomp = float(scores_of(rating, instrument).pomp[0])
        if not np.isnan(pomp) and any(low <= rating.session <= high for low, high in spans):
            yield pomp, instrument


def _below_cut_off(pomp: float, instrument: Instrument) -> bool:
    low, high = instrument.bounds("sum")
    total = low + pomp * (high - low)
    return any(total <= cut for cut in instrument.cut_offs.values())


def _unusual(pomp: float, instrument: Instrument) -> bool:
    mean, sd = instrument.reference_mean, instrument.reference_sd
    return mean is not None and sd is not None and pomp < mean - TAIL * sd
