"""Ratings that are legal one by one and implausible together; warnings, never a refusal.

A wrong metric, a scale read backwards or a placeholder passes every check of a single value, and
then moves every label.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from recommender.alliance.instruments import ITEM_METRICS, ITEMS, FloatArray, Instrument
from recommender.alliance.label import as_answered, item_answers, score_ratings
from recommender.alliance.reversed_periods import reversed_period
from recommender.alliance.scores import item_pomp

MIN_FORMS = 30
"""Forms below which nothing is said of a correlation, a mean or a share: a correlation of 30 has a
standard error of .19, and a mean one of .18 standard deviations."""
CLEARLY_NEGATIVE_Z = 3.09
"""A correlation is clearly negative when its one-sided 99.9 % limit (Fisher's z, standard error
1 / sqrt(n - 3)) is below 0: at 30 forms below -.53, at 300 below -.18. With a dozen items and a few
instruments, chance alone then warns about one practice in a hundred, if items were unrelated; items
of one form are not (alpha above .8, reference of each instrument)."""
MIN_OFF_SCALE = 5
"""Sums that fit the range of a mean before it is said."""
OFF_SCALE_SHARE = 0.2
"""Their share of all sums. Such sums would be alliances in the lowest quarter of the scale; even in
the lowest published sample of clients (crisis chat: mean .55, SD .21 of the scale, PMC8521857,
table 3) 8 % would be that low."""
FAR_SDS = 2.0
"""A mean is far from the usual when it is so many standard deviations of single ratings away. The
seven published samples of clients on the WAI (PMC8521857, table 3: 4.30 to 6.01 on 1 to 7) lie
within 1.4 of the reference of `wai_s`."""
CONSTANT_SHARE = 0.9
"""Share of equal ratings from which they are nearly constant: every figure would rest on the other
tenth. Ceilings are moderate to large on all forms (Meier & Feeley 2022), but not that large."""
MIN_CONSTANT = 10
"""Ratings from which it is said that all are equal: were three in ten at the ceiling, ten equal
ones would be chance once in 170,000 practices."""
_NARROWER = {"sum": ("mean", "pomp"), "mean": ("pomp",)}


@dataclass(frozen=True, slots=True, order=True)
class PlausibilityWarning:
    """Something legal and implausible in a practice's tables.

    Attributes
    ----------
    kind
        One of a closed set, under which warnings are counted.
    where, found, matters, remedy
        The table and column, what was found with figures, why it matters, and how to fix it.
        Texts hold counts and codes, nothing about one person.
    """

    kind: str
    where: str
    found: str
    matters: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.matters}. {self.remedy}."


def implausible_ratings(
    ratings: pd.DataFrame, instruments: Mapping[str, Instrument]
) -> Iterator[PlausibilityWarning]:
    """Warnings about ratings by one kind of rater, instrument by instrument.

    Parameters
    ----------
    ratings
        As `recommender.alliance.label.score_ratings` takes them, with pairing_id, session and
        rated_on.
    instruments
        Those that count, by name.
    """
    scored = ratings.assign(pomp=score_ratings(ratings, instruments).pomp)
    scored = scored[scored["pomp"].notna() & scored["instrument"].isin(list(instruments))]
    for name, rows in scored.groupby("instrument", sort=True, observed=True):
        instrument = instruments[str(name)]
        for metric in ITEM_METRICS:
            of_metric = rows[rows["metric"] == metric]
            yield from _against_the_rest(instrument, item_answers(instrument, of_metric), metric)
        off_scale = list(_off_scale(instrument, rows))
        yield from off_scale
        values = rows["pomp"].to_numpy(dtype=np.float64)
        constant = list(_constant(instrument, values))
        yield from constant
        if not off_scale:
            turned = list(_reversed_period(instrument, rows))
            yield from turned or _far(instrument, values)
    yield from _contradicting(scored)


def against_the_rest(
    instrument: Instrument, answers: FloatArray, metric: str = ITEMS
) -> tuple[int, ...]:
    """Numbers of the items that correlate clearly negatively with the rest of their form.

    The rest is the mean of the other items that are not reverse-keyed, so that one wrong reversal
    does not hide in the rest of another. Forms with one response to every item are left out: they
    say nothing about the direction of an item.

    Parameters
    ----------
    instrument
        The form.
    answers
        As they are in the tables, (n, items); NaN for an unanswered item.
    metric
        `items`, to be reversed here, or `items_scored`.
    """
    pomp = item_pomp(as_answered(instrument, metric), answers)
    varied = [np.nanmax(part, axis=1) > np.nanmin(part, axis=1) for part in (answers, pomp)]
    pomp = pomp[np.logical_and(*varied)]
    forward = [place for place in range(instrument.items) if place + 1 not in instrument.reverse]
    found = []
    for place in range(instrument.items):
        others = [each for each in forward if each != place]
        if not others:
            continue
        known = ~np.isnan(pomp[:, place]) & ~np.isnan(pomp[:, others]).all(axis=1)
        own, rest = pomp[known, place], np.nanmean(pomp[known][:, others], axis=1)
        if is_clearly_negative(own, rest):
            found.append(place + 1)
    return tuple(found)


def is_clearly_negative(one: FloatArray, other: FloatArray) -> bool:
    """Whether the correlation of two variables is below 0 by more than chance explains."""
    n = len(one)
    if n < MIN_FORMS or np.ptp(one) == 0 or np.ptp(other) == 0:
        return False
    r = float(np.clip(np.corrcoef(one, other)[0, 1], -0.999999, 0.999999))
    return bool(np.arctanh(r) + CLEARLY_NEGATIVE_Z / np.sqrt(n - 3) < 0)


def _against_the_rest(
    instrument: Instrument, answers: FloatArray, metric: str
) -> Iterator[PlausibilityWarning]:
    if len(answers) < MIN_FORMS:
        return
    items = against_the_rest(instrument, answers, metric)
    if not items:
        return
    numbers = _list([str(item) for item in items])
    verb = "correlates" if len(items) == 1 else "correlate"
    where = f"ratings, item{'s'[: len(items) > 1]} {numbers} of {instrument.name}"
    found = f"{verb} clearly negatively with the rest of the form, over {len(answers)} forms"
    matters = "One that points the wrong way lowers the highest ratings and raises the lowest"
    other = "items_scored" if metric == ITEMS else ITEMS
    if set(items) <= set(instrument.reverse):
        state = "look reversed already" if metric == ITEMS else "look not reversed yet"
        found = f"{found}: they {state}"
        remedy = f"If the export reverses them, set metric to {other} in these rows"
    else:
        remedy = (
            "Compare the order of the item columns with your licensed form, and `reverse` under "
            f"[instruments.{instrument.name}] with its scoring rule"
        )
    yield PlausibilityWarning("item_direction", where, found, matters, remedy)


def narrower_metric(instrument: Instrument, metric: str, score: float) -> str | None:
    """The metric of a narrower range that a total fits as well; None where there is none."""
    for other in _NARROWER.get(metric, ()):
        bounds = instrument.bounds(other)
        # A whole number on a scale that has a 0 or a 1 is no share of the scale.
        is_share = other != "pomp" or score % 1 != 0
        if bounds != instrument.bounds(metric) and bounds[0] <= score <= bounds[1] and is_share:
            return other
    return None


def _off_scale(instrument: Instrument, rows: pd.DataFrame) -> Iterator[PlausibilityWarning]:
    """Totals that fit the range of a narrower metric than the one they are declared on."""
    for metric, narrower in _NARROWER.items():
        scores = rows.loc[rows["metric"] == metric, "score"].to_numpy(dtype=np.float64)
        fitting = [narrower_metric(instrument, metric, score) for score in scores.tolist()]
        for other in narrower:
            fits = scores[[each == other for each in fitting]]
            if len(fits) < max(MIN_OFF_SCALE, OFF_SCALE_SHARE * len(scores)):
                continue
            low, high = instrument.bounds(other)
            first, last = instrument.bounds(metric)
            # As declared, and as the narrower metric, on 0 to 1.
            declared = (fits.mean() - first) / (last - first)
            meant = (fits.mean() - low) / (high - low)
            turned = 1 - declared
            yield PlausibilityWarning(
                "scale",
                f"ratings, column score, {instrument.name}",
                f"{len(fits)} of {len(scores)} scores with metric {metric} ({first:g} to {last:g})"
                f" fit the range of a {other} ({low:g} to {high:g})",
                f"They count as {declared:.2f} of the scale on average; as a {other} they would be "
                f"{meant:.2f}, and read from the other end of the scale {turned:.2f}"
                f"{_reference_text(instrument)}",
                _off_scale_remedy(instrument, metric, other, meant, turned),
            )
            break


def _off_scale_remedy(
    instrument: Instrument, metric: str, other: str, meant: float, turned: float
) -> str:
    """Both readings of low totals, first the one that is nearer to the reference."""
    low, high = instrument.bounds(metric)
    readings = [
        (meant, f"if each is a {other}, set metric to {other} in these rows"),
        (
            turned,
            "if the scale was entered from its other end, so that a high score means a weak "
            f"alliance, replace each score by {low + high:g} - score",
        ),
    ]
    usual = instrument.reference_mean
    if usual is not None:
        readings.sort(key=lambda reading: abs(reading[0] - usual))
    (_, first), (_, second) = readings
    return f"{first[0].upper()}{first[1:]}; {second}"


def _reference_text(instrument: Instrument) -> str:
    usual = instrument.reference_mean
    return "" if usual is None else f" (the reference of this instrument is {usual:.2f})"


def _constant(instrument: Instrument, values: FloatArray) -> Iterator[PlausibilityWarning]:
    _, counts = np.unique(np.round(values, 6), return_counts=True)
    n, most = len(values), int(counts.max())
    if not (n == most >= MIN_CONSTANT or (n >= MIN_FORMS and most >= CONSTANT_SHARE * n)):
        return
    yield PlausibilityWarning(
        "constant",
        f"ratings, {instrument.name}",
        f"{most} of {n} ratings are equal",
        "What is the same for everybody says nothing about who suits whom",
        "Check that the column holds what each client answered, not a default of the form",
    )


def _far(instrument: Instrument, values: FloatArray) -> Iterator[PlausibilityWarning]:
    usual, sd = instrument.reference_mean, instrument.reference_sd
    if usual is None or sd is None or len(values) < MIN_FORMS:
        return
    mean = float(values.mean())
    if abs(mean - usual) <= FAR_SDS * sd:
        return
    yield PlausibilityWarning(
        "level",
        f"ratings, {instrument.name}",
        f"the mean of {len(values)} ratings is {mean:.2f} of the scale (0 to 1); the reference of "
        f"this instrument is {usual:.2f} (SD {sd:.2f}; "
        f"{instrument.reference_source or 'as the definition declares'})",
        "A scale read from its other end, or a wrong metric, turns strong alliances into weak ones",
        "Check that metric is what the scores are, and that high scores mean a strong alliance",
    )


def _reversed_period(instrument: Instrument, rows: pd.DataFrame) -> Iterator[PlausibilityWarning]:
    """The period whose ratings lie where the others' mirror image would."""
    dated = rows[rows["rated_on"].notna()]
    days = dated["rated_on"].to_numpy(dtype="datetime64[D]")
    found = reversed_period(instrument, days, dated["pomp"].to_numpy(dtype=np.float64))
    if found is None:
        return
    metrics = sorted(dated["metric"].iloc[found.rows].unique())
    when = _list([f"from about {first} to about {last}" for first, last in found.spans])
    yield PlausibilityWarning(
        "reversed_period",
        f"ratings, {instrument.name}, metric {_list(metrics)}",
        f"the mean of the {len(found.rows)} forms {when} is {found.mean:.2f} of the scale (0 to 1),"
        f" that of the {len(dated) - len(found.rows)} others {found.others:.2f}; were the scale "
        f"reversed in that time, {1 - found.others:.2f} would be expected",
        "A scale read from its other end turns strong alliances into weak ones",
        "Compare some of these forms with what the clients answered. The days are estimated from "
        "the scores: if forms are reversed, find the first and the last reversed day in the source "
        "and, in this time alone, "
        f"{_list([_turned(instrument, metric) for metric in metrics])}",
    )


def _turned(instrument: Instrument, metric: str) -> str:
    """How to read ratings of a metric from the other end of the scale."""
    is_items = metric in ITEM_METRICS
    low, high = instrument.bounds("mean" if is_items else metric)
    what = "item answer" if is_items else "score"
    return f"replace each {what} of metric {metric} by {low + high:g} - {what}"


def _contradicting(scored: pd.DataFrame) -> Iterator[PlausibilityWarning]:
    """Pairs of instruments that rank the same sessions in opposite orders.

    Instruments of alliance correlate .48 to .87 with each other (Munder 2010; Besley 2011; review
    of the SRS 2020), so a clearly negative correlation is an error in one of them.
    """
    key = ["pairing_id", "session"]
    for one, other in combinations(sorted(scored["instrument"].unique()), 2):
        sides = [scored[scored["instrument"] == name][[*key, "pomp"]] for name in (one, other)]
        both = sides[0].merge(sides[1], on=key)
        first, second = both["pomp_x"].to_numpy(float), both["pomp_y"].to_numpy(float)
        if is_clearly_negative(first, second):
            yield PlausibilityWarning(
                "contradiction",
                f"ratings, {one} and {other}",
                f"in {len(both)} sessions rated on both, a high rating on one goes with a low one "
                f"on the other (correlation {np.corrcoef(first, second)[0, 1]:.2f})",
                "Two forms of alliance agree; one of the two is read from the wrong end",
                "Check the direction of both scales, and `reverse` of each instrument",
            )


def _list(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
