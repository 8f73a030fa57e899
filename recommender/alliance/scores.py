"""Scores of answered forms on one 0-1 metric (POMP), and why some forms have none."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommender.alliance.instruments import FloatArray, Instrument

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FormScores:
    """Scores of n answered forms; every array is (n,)."""

    pomp: FloatArray
    """Percent of maximum possible, 0-1: (score - min) / (max - min); NaN without a score."""
    unscored: BoolArray
    """Whether nothing is answered, or fewer items than the instrument requires."""
    out_of_range: BoolArray
    """Whether a value is not on the scale: the whole form is rejected, never clipped."""
    prorated: BoolArray
    """Whether the total rests on fewer items than usual, as the instrument allows."""
    straightline: BoolArray
    """Whether every item has the same raw answer, before reversing; False for totals."""


def score_totals(instrument: Instrument, scores: npt.ArrayLike, metric: str) -> FormScores:
    """POMP of sums, means or POMP scores computed elsewhere.

    `POMP = (score - min) / (max - min)`, percent of maximum possible (Cohen et al. 1999).

    Parameters
    ----------
    instrument
        The form the totals come from.
    scores
        Shape (n,), NaN where there is none.
    metric
        One of sum, mean, pomp.
    """
    values = np.asarray(scores, dtype=np.float64)
    low, high = instrument.bounds(metric)
    missing = np.isnan(values)
    outside = ~missing & ((values < low) | (values > high))
    pomp = np.where(outside, np.nan, (values - low) / (high - low))
    no = np.zeros(values.shape, dtype=np.bool_)
    return FormScores(pomp, missing, outside, no, no)


def item_pomp(instrument: Instrument, answers: npt.ArrayLike) -> FloatArray:
    """POMP of each answer, (n, items); a reverse-keyed item of POMP p scores 1 - p."""
    pomp = (np.asarray(answers, dtype=np.float64) - instrument.min) / (
        instrument.max - instrument.min
    )
    reversed_items = np.asarray(instrument.reverse, dtype=np.intp) - 1
    pomp[:, reversed_items] = 1.0 - pomp[:, reversed_items]
    return pomp


def score_items(instrument: Instrument, answers: npt.ArrayLike) -> FormScores:
    """POMP of forms answered item by item: the mean over the answered items.

    An answer outside the response scale rejects its whole form. Too few answers, in all or in one
    subscale, leave a form without a score (the conventional half and three-quarter rules).

    Parameters
    ----------
    instrument
        The form.
    answers
        Raw answers before reversing, (n, items); NaN for an unanswered item.
    """
    values = np.asarray(answers, dtype=np.float64)
    given = ~np.isnan(values)
    answered = given.sum(axis=1)
    legal = is_response(instrument, values)
    outside = np.asarray((given & ~legal).any(axis=1))
    enough = _enough(instrument, given) & instrument.accepts_items
    sums = np.where(legal, item_pomp(instrument, values), 0.0).sum(axis=1)
    pomp = np.full(len(values), np.nan)
    np.divide(sums, answered, out=pomp, where=enough & ~outside)
    return FormScores(
        pomp=pomp,
        unscored=~enough & ~outside,
        out_of_range=outside,
        prorated=enough & ~outside & (answered < instrument.min_items),
        straightline=_straightline(values, given, answered),
    )


def is_response(instrument: Instrument, values: FloatArray) -> BoolArray:
    """Whether each value is a response of the instrument's scale; NaN is none."""
    within = (values >= instrument.min) & (values <= instrument.max)
    steps = np.where(within, values - instrument.min, 0.0) / instrument.step
    # Tenths have no exact binary form, so a step counts when it is one to six decimals.
    return within & (np.abs(steps - np.round(steps)) < 1e-6)


def _enough(instrument: Instrument, given: BoolArray) -> BoolArray:
    enough: BoolArray = given.sum(axis=1) >= instrument.prorate
    for numbers in instrument.subscales.values():
        in_subscale = given[:, np.asarray(numbers, dtype=np.intp) - 1].sum(axis=1)
        enough &= in_subscale >= instrument.min_per_subscale
    return enough


def _straightline(
    values: FloatArray, given: BoolArray, answered: npt.NDArray[np.int64]
) -> BoolArray:
    lowest = np.where(given, values, np.inf).min(axis=1)
    highest = np.where(given, values, -np.inf).max(axis=1)
    same: BoolArray = (answered > 1) & (lowest == highest)
    return same
