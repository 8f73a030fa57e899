"""What answered forms are worth, on one 0-1 metric, and why some are worth nothing.

The label reads ratings through it; it imports instruments and nothing else of ours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommender.alliance.instruments import FloatArray, Instrument

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FormScores:
    """What n answered forms are worth, and why some are worth nothing; every array is (n,)."""

    pomp: FloatArray
    """Share of the way from the lowest to the highest score, 0-1; NaN where there is none."""
    unscored: BoolArray
    """Nothing answered, or fewer items than the instrument's rule asks for."""
    out_of_range: BoolArray
    """A value the scale does not have: the whole form is refused, never clipped."""
    prorated: BoolArray
    """A total from fewer items than an ordinary one, which the instrument allows when marked."""
    straightline: BoolArray
    """Every item got the same raw answer (before reversing); only items can show it."""


def score_totals(instrument: Instrument, scores: npt.ArrayLike, metric: str) -> FormScores:
    """POMP of totals already added up or averaged elsewhere.

    `POMP = (score - min) / (max - min)` (Cohen et al. 1999, percent of maximum possible).

    Parameters
    ----------
    instrument
        The form the totals come from; a total alone never tells which form it was.
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
    """Each answer as POMP with reverse-keyed items turned round, shape (n, items).

    Turning round is `(min + max) - answer`, which on POMP is `1 - p`.
    """
    pomp = (np.asarray(answers, dtype=np.float64) - instrument.min) / (
        instrument.max - instrument.min
    )
    turned = np.asarray(instrument.reverse, dtype=np.intp) - 1
    pomp[:, turned] = 1.0 - pomp[:, turned]
    return pomp


def score_items(instrument: Instrument, answers: npt.ArrayLike) -> FormScores:
    """POMP of forms answered item by item, as the mean over the items answered.

    An answer beside the response scale refuses its whole form. Too few answers, in all or in one
    subscale, leave a form without a score (the conventional half and three-quarter rule).

    Parameters
    ----------
    instrument
        The form answered.
    answers
        Raw answers, before reversing, shape (n, items), NaN where an item was left empty.
    """
    values = np.asarray(answers, dtype=np.float64)
    given = ~np.isnan(values)
    answered = given.sum(axis=1)
    legal = _on_scale(instrument, values)
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


def _on_scale(instrument: Instrument, values: FloatArray) -> BoolArray:
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
