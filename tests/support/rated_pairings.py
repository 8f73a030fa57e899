"""Rated matches as pages measure them."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from recommender.journal.recommendations import ShortlistRow
from recommender.monitoring.early_ratings import RatedPrediction
from recommender.store.database import Store
from tests.support.journal_rows import ANSWERS, pair, rate, recommend

FIRST = date(2026, 1, 5)


def a_match_rated(
    points: float, predicted: float = 4.0, day: int = 0, **answers: Any
) -> RatedPrediction:
    """A match predicted to be rated so, shown from 3 to 5, rated so, begun on that day."""
    return RatedPrediction(points, 3.0, 5.0, predicted, FIRST + timedelta(days=day), answers)


def in_order(errors: Sequence[float]) -> list[RatedPrediction]:
    """Matches begun day after day, each so far off."""
    return [a_match_rated(4.0 + error, day=day) for day, error in enumerate(errors)]


def keep_matches(store: Store, number: int, *, clinicians: int = 2) -> None:
    """As many matches in the journal, of so many clinicians in turn, each shown and rated."""
    for each in range(number):
        shown, day = f"k{each % clinicians + 1:02d}", FIRST + timedelta(days=each)
        predicted = 3.5 + each % 10 / 10
        ends = {"lower": predicted - 0.5, "upper": predicted + 0.5}
        row = {"clinician_id": shown, "predicted_alliance": predicted, "range": ends}
        recommend(
            store,
            f"r{each}",
            f"c{each:04d}",
            answers={**ANSWERS, "concern": ("anxiety", "grief")[each % 2]},
            shortlist=(ShortlistRow(shown, 4.0), ShortlistRow("k03", 3.5)),
            response=json.dumps({"shortlist": [row]}).encode(),
            asked_on=day,
        )
        pair(store, f"p{each}", f"c{each:04d}", shown, f"r{each}", began=day)
        score = min(60.0, 12 * predicted + (each % 3 - 1) * 3 + each % clinicians)
        rate(store, f"p{each}", score=score, rated_on=day + timedelta(days=14), known_on=None)
