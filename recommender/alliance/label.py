"""The label: which ratings count, and the early alliance of each pairing on one scale.

Training and evaluation read labels through this module. Tables are plain columns here, so that it
needs no practice definition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from recommender.alliance.instruments import (
    ITEM_METRICS,
    ITEMS_SCORED,
    METRICS,
    AllianceSettings,
    FloatArray,
    Instrument,
)
from recommender.alliance.linking import InstrumentLinker
from recommender.alliance.scores import BoolArray, FormScores, score_items, score_totals


@dataclass(frozen=True, slots=True)
class RatingExclusions:
    """Numbers of ratings that do not count, each by the first reason that applies in this order."""

    unknown_pairing: int
    other_rater: int
    other_instrument: int
    out_of_range: int
    unscored: int
    undated: int
    outside_window: int
    outside_sessions: int
    fallback_not_needed: int

    @property
    def total(self) -> int:
        """All ratings that do not count."""
        return sum(asdict(self).values())


@dataclass(frozen=True, slots=True)
class EarlyRatings:
    """The ratings that count towards labels, and the numbers of others by reason.

    `rows` has one row per rating, ordered by pairing, session and instrument: pairing_id, session,
    instrument, pomp (0-1, on the rating's own instrument), prorated, straightline, fallback,
    known_on.
    """

    rows: pd.DataFrame
    exclusions: RatingExclusions


def score_ratings(ratings: pd.DataFrame, instruments: Mapping[str, Instrument]) -> FormScores:
    """POMP (0-1) of every rating on its own instrument and metric, in the order of the rows.

    A rating on an unknown instrument or metric stays unscored.

    Parameters
    ----------
    ratings
        Columns instrument, metric, score, and item_1.. where the metric is items or items_scored.
    instruments
        The instruments by name.
    """
    n = len(ratings)
    no = np.zeros(n, dtype=np.bool_)
    scores = FormScores(np.full(n, np.nan), ~no, no.copy(), no.copy(), no.copy())
    names, metrics = ratings["instrument"], ratings["metric"]
    for name in (name for name in names.dropna().unique() if name in instruments):
        of_name = names.isin([name])
        for metric in METRICS:
            rows = np.flatnonzero(of_name & metrics.isin([metric]))
            if len(rows):
                some = _scores_of(instruments[name], ratings.iloc[rows], metric)
                for part in fields(FormScores):
                    getattr(scores, part.name)[rows] = getattr(some, part.name)
    return scores


def _scores_of(instrument: Instrument, ratings: pd.DataFrame, metric: str) -> FormScores:
    if metric not in ITEM_METRICS:
        return score_totals(instrument, ratings["score"].to_numpy(dtype=np.float64), metric)
    return score_items(as_answered(instrument, metric), item_answers(instrument, ratings))


def as_answered(instrument: Instrument, metric: str) -> Instrument:
    """The instrument whose reverse-keyed items are those still to be reversed."""
    return replace(instrument, reverse=()) if metric == ITEMS_SCORED else instrument


def item_answers(instrument: Instrument, ratings: pd.DataFrame) -> FloatArray:
    """The item columns of ratings on one instrument, (n, items); NaN for an unanswered item."""
    columns = [f"item_{number}" for number in range(1, instrument.items + 1)]
    return ratings.reindex(columns=columns).to_numpy(dtype=np.float64)


def early_ratings(
    ratings: pd.DataFrame,
    pairings: pd.DataFrame,
    settings: AllianceSettings,
    instruments: Mapping[str, Instrument],
) -> EarlyRatings:
    """The ratings of the early alliance; all others are counted by reason.

    A rating counts when it is by the chosen rater, on an accepted instrument, has a score, is
    dated from the pairing's start to `within_days` after it (both inclusive), and is of an early
    session. Fallback sessions count only for a pairing without such a rating. The default early
    sessions, 2 to 5, follow Crits-Christoph et al. (2011): later alliance is also an effect of
    symptom change.

    Parameters
    ----------
    ratings
        Columns pairing_id, session, rated_on, known_on (optional), instrument, rater, metric,
        score and item_1.. (optional). Dates are datetime64.
    pairings
        Columns pairing_id (unique) and started_on.
    settings
        Which rater, instruments, sessions and days count.
    instruments
        The instruments by name.
    """
    scores = score_ratings(ratings, instruments)
    pairing = pd.Index(pairings["pairing_id"]).get_indexer(ratings["pairing_id"])
    days = _days_since_start(ratings, pairings, pairing)
    session = ratings["session"].to_numpy(dtype=np.float64, na_value=np.nan)
    early = _between(session, settings.early_sessions)
    fallback = _between(session, settings.fallback_sessions) & ~early
    # In the order of RatingExclusions: a rating is counted under the first reason that applies.
    reasons = [
        pairing < 0,
        ~ratings["rater"].isin([settings.rater]).to_numpy(),
        ~ratings["instrument"].isin(settings.instruments).to_numpy(),
        scores.out_of_range,
        scores.unscored,
        np.isnan(days),
        (days < 0) | (days > settings.within_days),
        ~(early | fallback),
    ]
    usable = ~np.logical_or.reduce(reasons)
    has_early = np.zeros(len(pairings), dtype=np.bool_)
    has_early[pairing[usable & early]] = True
    not_needed = usable & fallback
    not_needed[not_needed] = has_early[pairing[not_needed]]
    exclusions = _exclusions([*reasons, not_needed])
    counted = np.flatnonzero(usable & ~not_needed)
    return EarlyRatings(_rows(ratings, scores, fallback, pairing, counted), exclusions)


def _days_since_start(
    ratings: pd.DataFrame, pairings: pd.DataFrame, pairing: npt.NDArray[np.intp]
) -> FloatArray:
    started_on = pairings["started_on"].to_numpy(dtype="datetime64[D]")
    started = np.full(len(pairing), np.datetime64("NaT"), dtype="datetime64[D]")
    started[pairing >= 0] = started_on[pairing[pairing >= 0]]
    days = ratings["rated_on"].to_numpy(dtype="datetime64[D]") - started
    return np.where(np.isnat(days), np.nan, days.astype(np.float64))


def _between(values: FloatArray, bounds: tuple[int, int] | None) -> BoolArray:
    if bounds is None:
        return np.zeros(len(values), dtype=np.bool_)
    return (values >= bounds[0]) & (values <= bounds[1])


def _exclusions(reasons: Sequence[BoolArray]) -> RatingExclusions:
    remaining = np.ones(len(reasons[0]), dtype=np.bool_)
    counts = []
    for reason in reasons:
        counts.append(int(np.count_nonzero(remaining & reason)))
        remaining &= ~reason
    return RatingExclusions(*counts)


def _rows(
    ratings: pd.DataFrame,
    scores: FormScores,
    fallback: BoolArray,
    pairing: npt.NDArray[np.intp],
    counted: npt.NDArray[np.intp],
) -> pd.DataFrame:
    known_on = ratings["rated_on"]
    if "known_on" in ratings:
        known_on = ratings["known_on"].fillna(known_on)
    rows = ratings[["pairing_id", "session", "instrument"]].assign(
        pomp=scores.pomp,
        prorated=scores.prorated,
        straightline=scores.straightline,
        fallback=fallback,
        known_on=known_on,
    )
    # A fixed order makes sums, and so labels, the same to the last bit however rows arrived.
    order = pd.DataFrame({"pairing": pairing[counted]}, index=counted).assign(
        **{name: rows[name].to_numpy()[counted] for name in ("session", "instrument", "pomp")}
    )
    positions = order.sort_values(list(order.columns), kind="stable").index
    return rows.iloc[positions].reset_index(drop=True)


def reliability(one_session: npt.ArrayLike, sessions: npt.ArrayLike) -> FloatArray:
    """Reliability of a mean over k sessions: k g / (1 + (k - 1) g), Spearman-Brown 1910."""
    g = np.asarray(one_session, dtype=np.float64)
    k = np.asarray(sessions, dtype=np.float64)
    return k * g / (1.0 + (k - 1.0) * g)


def link_scores(
    early: EarlyRatings,
    settings: AllianceSettings,
    instruments: Mapping[str, Instrument],
    linker: InstrumentLinker,
) -> pd.DataFrame:
    """One label per rated pairing: its early sessions on the reference instrument, averaged.

    Each rating is linked, then averaged within its session, then over sessions. A pairing without
    a rating that counts has no row: its alliance is unknown, not low.

    Returns
    -------
    DataFrame
        Indexed by pairing_id, in the order of the pairings:

        - alliance: unclipped, in points of the reference instrument's metric; pomp: also 0-1;
        - weight: reliability of the mean over that of one session on the reference instrument,
          1.00, 1.13, 1.18, 1.21, 1.23 for 1 to 5 sessions of reliability .77;
        - tier: A for two or more early sessions, B for one, C for fallback sessions;
        - n_sessions;
        - known_on: day on which the last rating that counts was known;
        - instrument: the one rated most often, the first by name among equals.
    """
    rows = early.rows
    pairing, ids = pd.factorize(rows["pairing_id"])
    by_pairing = rows.groupby(pairing)
    linked = pd.Series(linker.alliance(rows["pomp"], rows["instrument"]))
    of_session = linked.groupby([pairing, rows["session"]]).mean()
    pomp = of_session.groupby(level=0).mean().to_numpy()
    sessions = rows["session"].groupby(pairing).nunique().to_numpy()
    instrument = _most_rated(pairing, rows["instrument"])
    of_one = {name: form.reliability_one_session for name, form in instruments.items()}
    reliable = reliability(instrument.map(of_one), sessions)
    tier = np.where(by_pairing["fallback"].any(), "C", np.where(sessions >= 2, "A", "B"))
    return pd.DataFrame(
        {
            "alliance": linker.on_scale(pomp),
            "pomp": pomp,
            "weight": reliable / of_one[settings.reference],
            "tier": tier,
            "n_sessions": sessions,
            "known_on": by_pairing["known_on"].max().to_numpy(),
            "instrument": instrument.to_numpy(),
        },
        index=pd.Index(ids, name="pairing_id"),
    )


def _most_rated(pairing: npt.NDArray[np.intp], instruments: pd.Series) -> pd.Series:
    codes, names = pd.factorize(instruments, sort=True)
    if not len(names):
        return instruments
    shape = int(pairing.max()) + 1, len(names)
    counts = np.bincount(pairing * len(names) + codes, minlength=shape[0] * shape[1])
    # Of equal counts argmax takes the first, which is the first by name.
    return pd.Series(names[counts.reshape(shape).argmax(axis=1)])


def labels(
    ratings: pd.DataFrame,
    pairings: pd.DataFrame,
    settings: AllianceSettings,
    instruments: Mapping[str, Instrument],
    linker: InstrumentLinker,
) -> pd.DataFrame:
    """One label per rated pairing from the tables: `early_ratings`, then `link_scores`.

    Parameters
    ----------
    ratings, pairings
        As `early_ratings` takes them.
    settings, instruments
        Which ratings count, and the instruments by name.
    linker
        Fitted on ratings of training pairings only.

    Examples
    --------
    >>> from recommender.alliance.instruments import shipped_instruments
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-10", "2026-03-17", "2026-06-30"])
    >>> pairings = pd.DataFrame({"pairing_id": ["p1"], "started_on": days[:1]})
    >>> ratings = pd.DataFrame({
    ...     "pairing_id": "p1", "session": [2, 3, 14], "rated_on": days[1:], "rater": "client",
    ...     "instrument": "wai_sr", "metric": "mean", "score": [4.0, 5.0, 2.0]})
    >>> settings = AllianceSettings(instruments=("wai_sr",), reference="wai_sr")
    >>> forms = {"wai_sr": shipped_instruments()["wai_sr"]}
    >>> early = early_ratings(ratings, pairings, settings, forms)
    >>> linker = InstrumentLinker.fit(early.rows, forms, "wai_sr")
    >>> labels(ratings, pairings, settings, forms, linker)["alliance"].to_dict()
    {'p1': 4.5}
    """
    early = early_ratings(ratings, pairings, settings, instruments)
    return link_scores(early, settings, instruments, linker)
