"""A questionnaire as it is entered item by item, and what a rating is worth as training reads it.

Items are known by number and part only: their wording belongs to the holders of each form.
Imported by `staff.following`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.alliance.instruments import Instrument
from recommender.alliance.scores import FormScores, score_items, score_totals
from recommender.journal.ratings import Rating
from recommender.serving.http.problems import FieldError
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import FormData, number

ITEMS = "items"
"""The metric of a rating that was entered item by item."""
_POINTER = re.compile(r"/items/(\d+)|/?item_(\d+)")


@dataclass(frozen=True, slots=True)
class Item:
    """One item as the page asks for it."""

    name: str
    label: str
    given: str
    fault: str


def item_entries(
    instrument: Instrument, given: Sequence[str], faults: Mapping[int, str]
) -> tuple[Item, ...]:
    """Every item of an instrument, with what was entered before."""
    parts = {n: part for part, numbers in instrument.subscales.items() for n in numbers}
    return tuple(
        Item(
            name_of(place),
            wording.item(place, parts.get(place, ""), turned=place in instrument.reverse),
            given[place - 1] if place <= len(given) else "",
            faults.get(place, ""),
        )
        for place in range(1, instrument.items + 1)
    )


def typed_items(instrument: Instrument, sent: FormData) -> tuple[str, ...]:
    """What was typed for each item."""
    return tuple(sent.text(name_of(place)) for place in range(1, instrument.items + 1))


def answers_of(instrument: Instrument, sent: FormData) -> list[int | float | str | None]:
    """The same as a program would send it; what was left open is None."""
    return [number(text) if text else None for text in typed_items(instrument, sent)]


def kept_items(rating: Rating) -> tuple[str, ...]:
    """The items of a rating as they would be typed."""
    return tuple("" if each is None else f"{each:g}" for each in rating.items)


def item_faults(slips: Iterable[FieldError]) -> dict[int, str]:
    """What is wrong with an item, by its number."""
    found = ((_POINTER.fullmatch(slip.pointer), slip.message) for slip in slips)
    return {
        int(match[1]) + 1 if match[1] else int(match[2]): message
        for match, message in found
        if match
    }


def name_of(place: int) -> str:
    """The name an item is sent under."""
    return f"item_{place}"


def scores_of(rating: Rating, instrument: Instrument) -> FormScores:
    """What a rating is worth, as training reads it."""
    if rating.metric == ITEMS:
        answers = np.array([[np.nan if each is None else each for each in rating.items]])
        return score_items(instrument, answers)
    total = np.nan if rating.score is None else rating.score
    return score_totals(instrument, np.array([total]), rating.metric)


def score_said(rating: Rating, instruments: Mapping[str, Instrument]) -> str:
    """A rating's total as it was entered; of items what they come to, and which are missing."""
    instrument = instruments.get(rating.instrument)
    if rating.metric != ITEMS or instrument is None:
        return wording.score(rating)
    missing = [place for place, each in enumerate(rating.items, 1) if each is None]
    answered = wording.answered(instrument.items - len(missing), instrument.items, missing)
    pomp = float(scores_of(rating, instrument).pomp[0])
    if np.isnan(pomp):
        return wording.not_scored(answered)
    mean = instrument.min + pomp * (instrument.max - instrument.min)
    return wording.scored(mean, instrument.min, instrument.max, answered)
