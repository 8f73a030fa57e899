"""Builds the evaluation report of a bundle from an evaluation.

A figure that rests on too few people to be reported is None, as is one that could not be computed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from recommender.model.alliance_model import MODEL
from recommender.model.evaluation_report import (
    ALL_RATED,
    COMPOSITE,
    DYAD,
    FIRST_RANKED,
    NEW_CLINICIANS,
    PARTIAL,
    RMSE,
    BaselineDifference,
    ComparedChampion,
    DropoutSensitivity,
    EvaluationReport,
    FirstRankedRule,
    FoldFigure,
    GroupFigure,
    LearnerExposure,
    LearnerFigure,
    Optimism,
    PartGain,
    RandomisedRatings,
    RangeCoverage,
)
from recommender.practice.definition import Practice
from recommender.training.baselines import CHAMPION, OURS, LearnerScores
from recommender.training.evaluate import Evaluation, ours_minus
from recommender.training.figures import METRICS, ends_of, mean_rated, sample, share_within
from recommender.training.held_out import CLIP, HeldOut, Mask, effective_size
from recommender.training.metrics import DROPOUT_QUANTILE, composite, mean_width, with_dropouts
from recommender.training.part_gains import part_gains

COMPARED = (COMPOSITE, DYAD, PARTIAL, RMSE)
"""Metrics in which ours is compared with every baseline."""
FIRST_TENTH = 0.1
"""Tested pairings whose clinician our pairing score puts in the first tenth of all available
stand for those ranked first: in a practice of 120 that is 12, of whom some 3 to 7 are feasible for
a client (20 to 60 % in simulated practices), about what a shortlist shows. Of those ranked first
outright a year's log has a handful."""
DROPOUT_QUANTILES = (0.05, DROPOUT_QUANTILE, 0.30)
"""Quantiles of the residuals at which dropouts may be imputed, for the sensitivity analysis."""
MIN_GROUP_SIZE = 10
"""Clients who rated, below whom nothing is reported of a part of the ratings, their number neither:
of fewer, a share says what someone answered (the usual floor of official statistics), and nothing
could be judged on it. An audited group is left out; any other part is reported as empty."""
OURS_MINUS_CHAMPION = f"{OURS} minus {CHAMPION}"


def report_of(
    evaluation: Evaluation,
    practice: Practice,
    *,
    champion: ComparedChampion | None = None,
    ranges_from: str | None = None,
) -> EvaluationReport:
    """The report of an evaluation, with what is known of the champion it was measured beside."""
    evaluation = _without_champion_of_few(evaluation)
    rated = evaluation.held_out.is_rated
    return EvaluationReport(
        mode=MODEL,
        folds=evaluation.folds,
        rated=int(rated.sum()),
        left_unrated=int((~rated).sum()),
        figures=tuple(LearnerFigure(**row) for row in _records(evaluation.table)),
        by_fold=tuple(FoldFigure(**row) for row in _records(_large_folds(evaluation))),
        differences=tuple(_differences(evaluation)),
        ranges=tuple(ranges(evaluation, practice.alliance.interval)),
        ranges_from=ranges_from,
        first_ranked=FirstRankedRule(
            in_first=FIRST_TENTH, of="clinicians on the books, by our score"
        ),
        groups=tuple(_by_group(evaluation)),
        groups_too_few=len(evaluation.groups) - len(_reportable_groups(evaluation)),
        exposure=tuple(LearnerExposure(**row) for row in _records(evaluation.exposure)),
        concentration=evaluation.concentration,
        optimism=optimism(evaluation),
        dropout_sensitivity=tuple(_by_quantile(evaluation)),
        gains_by_part=tuple(_gains(evaluation)),
        randomised=randomised_ratings(evaluation),
        champion=champion,
    )


def randomised_ratings(evaluation: Evaluation) -> RandomisedRatings | None:
    """Ratings whose pairing was placed by a random draw, or None where too few clients gave some.

    `mean` estimates what these clients would have rated, had each seen every clinician of their
    tie with equal probability.
    """
    tested = evaluation.held_out
    drawn = tested.take(tested.is_rated & np.isfinite(tested.chance) & (tested.chance < 1))
    if len(np.unique(drawn.client)) < MIN_GROUP_SIZE:
        return None
    mean, low, high = ends_of(mean_rated(drawn, seed=evaluation.seed, draws=evaluation.draws))
    return RandomisedRatings(
        rated=len(drawn),
        clip=CLIP,
        effective=effective_size(tested.take(tested.is_rated).weights),
        mean=mean,
        low=low,
        high=high,
    )


def ranges(evaluation: Evaluation, level: float) -> Iterator[RangeCoverage]:
    """Coverage of the stated interval in every population of `populations`."""
    tested, predicted = evaluation.held_out, evaluation.scores[OURS].alliance
    for among, rows in populations(evaluation).items():
        inside = share_within(tested, rows, seed=evaluation.seed, draws=evaluation.draws)
        coverage, low, high = ends_of(inside)
        yield RangeCoverage(
            among=among,
            rated=int(rows.sum()),
            level=level,
            coverage=coverage,
            low=low,
            high=high,
            width=mean_width(tested.low[rows], tested.high[rows]),
            bias=_mean((predicted - tested.label)[rows]),
        )


def populations(evaluation: Evaluation) -> dict[str, Mask]:
    """Rated rows by population: all, those where the interval is likeliest to fail, each group."""
    tested = evaluation.held_out
    named = {
        ALL_RATED: tested.is_rated,
        FIRST_RANKED: _unless_few(tested, tested.is_rated & (tested.rank_share < FIRST_TENTH)),
        NEW_CLINICIANS: _unless_few(tested, tested.is_rated & (tested.clinician_ratings == 0)),
    }
    groups = _reportable_groups(evaluation).items()
    return named | {name: rows & tested.is_rated for name, rows in groups}


def optimism(evaluation: Evaluation) -> Optimism:
    """Mean predicted minus rated alliance in points, also with dropouts imputed as low.

    Only clients who stay rate, so predictions promise more than all clients would report.
    """
    tested, predicted = evaluation.held_out, evaluation.scores[OURS].alliance
    imputed = with_dropouts(tested.label, tested.expected)
    return Optimism(
        rated=_mean((predicted - tested.label)[tested.is_rated]),
        with_left=_mean(predicted - imputed),
        dropouts_low_at=DROPOUT_QUANTILE,
    )


def _without_champion_of_few(evaluation: Evaluation) -> Evaluation:
    """The evaluation, without the champion's figures where too few can judge it."""
    if CHAMPION not in evaluation.scores:
        return evaluation
    tested, judged = evaluation.held_out, evaluation.counted(CHAMPION)
    if _people(tested, judged & tested.is_rated) >= MIN_GROUP_SIZE:
        return evaluation
    nothing = np.full(len(tested), np.nan)
    no_draws = np.full(1 + evaluation.draws, np.nan)
    beside = {name: dict.fromkeys(by, no_draws) for name, by in evaluation.sampled.items()}
    return replace(
        evaluation,
        scores={**evaluation.scores, CHAMPION: LearnerScores(nothing, nothing)},
        table=evaluation.table[evaluation.table["learner"] != CHAMPION],
        by_fold=evaluation.by_fold[evaluation.by_fold["learner"] != CHAMPION],
        beside_champion={name: {**by, CHAMPION: no_draws} for name, by in beside.items()},
    )


def _large_folds(evaluation: Evaluation) -> pd.DataFrame:
    """Figures of the folds in which enough clients rated."""
    tested = evaluation.held_out
    large = [
        name
        for place, name in enumerate(evaluation.folds)
        if _people(tested, tested.is_rated & (tested.fold == place)) >= MIN_GROUP_SIZE
    ]
    return evaluation.by_fold[evaluation.by_fold["fold"].isin(large)]


def _differences(evaluation: Evaluation) -> Iterator[BaselineDifference]:
    for metric in COMPARED:
        for row in _records(ours_minus(evaluation, metric)):
            yield BaselineDifference(**row, metric=metric)


def _gains(evaluation: Evaluation) -> Iterator[PartGain]:
    """What each part of our prediction adds, or nothing where too few people can show it."""
    tested = evaluation.held_out
    if _people(tested, tested.is_rated) < MIN_GROUP_SIZE:
        return iter(())
    seed, draws = evaluation.seed, evaluation.draws
    return part_gains(tested, evaluation.nested, evaluation.sampled, seed=seed, draws=draws)


def _by_group(evaluation: Evaluation) -> Iterator[GroupFigure]:
    """Client-adjusted partial of ours in each group; beside the champion, on what judges both."""
    for among, rows in _reportable_groups(evaluation).items():
        yield from _group(evaluation, among, rows, (OURS,))
        if CHAMPION in evaluation.scores:
            judged = _unless_few(evaluation.held_out, rows & evaluation.counted(CHAMPION))
            yield from _group(evaluation, among, judged, (OURS, CHAMPION))


def _group(
    evaluation: Evaluation, among: str, rows: Mask, learners: tuple[str, ...]
) -> Iterator[GroupFigure]:
    tested = evaluation.held_out.take(rows)
    scores = {name: evaluation.scores[name].take(rows) for name in learners}
    seed, draws = evaluation.seed, evaluation.draws
    metrics = {PARTIAL: METRICS[PARTIAL]}
    by_learner = dict(sample(tested, scores, seed=seed, draws=draws, metrics=metrics)[PARTIAL])
    if CHAMPION in by_learner:
        by_learner[OURS_MINUS_CHAMPION] = by_learner.pop(OURS) - by_learner[CHAMPION]
    for learner, figures in by_learner.items():
        value, low, high = ends_of(figures)
        rated = int(tested.is_rated.sum())
        yield GroupFigure(
            among=among,
            learner=learner,
            value=value,
            low=low,
            high=high,
            metric=PARTIAL,
            rated=rated,
        )


def _by_quantile(evaluation: Evaluation) -> Iterator[DropoutSensitivity]:
    """The composite with dropouts imputed at other quantiles: how much rests on that choice.

    Nothing without dropouts.
    """
    for quantile in () if evaluation.held_out.is_rated.all() else DROPOUT_QUANTILES:
        for learner, scores in evaluation.scores.items():
            rows = evaluation.counted(learner)
            tested = evaluation.held_out.take(rows)
            value = composite(
                scores.take(rows).pairing,
                tested.label,
                tested.expected,
                weights=tested.weights,
                quantile=quantile,
            )
            yield DropoutSensitivity(quantile=quantile, learner=learner, composite=value)


def _reportable_groups(evaluation: Evaluation) -> dict[str, Mask]:
    """Groups with enough clients to be reported without reporting on a person."""
    groups = evaluation.groups.items()
    return {name: rows for name, rows in groups if _unless_few(evaluation.held_out, rows).any()}


def _unless_few(tested: HeldOut, rows: Mask) -> Mask:
    """The rows, or none where fewer than `MIN_GROUP_SIZE` clients rated."""
    few = _people(tested, rows & tested.is_rated) < MIN_GROUP_SIZE
    return np.zeros_like(rows) if few else rows


def _people(tested: HeldOut, rows: Mask) -> int:
    return len(np.unique(tested.client[rows]))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
