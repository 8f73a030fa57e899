"""What was measured, as plain values: the report inside a bundle, read by gate, card and staff.

Nothing here is NaN: a figure that cannot be said is None, as is one that rests on too few people to
be told of. Imported by `run`, `pictures` and the command line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from recommender.model.manifest import MODEL
from recommender.practice.definition import Practice
from recommender.training.baselines import CHAMPION, OURS, LearnerScores
from recommender.training.evaluate import Evaluation, ours_minus
from recommender.training.figures import (
    COMPOSITE,
    DYAD,
    PARTIAL,
    RMSE,
    ends_of,
    mean_rated,
    sample,
    share_within,
)
from recommender.training.held_out import CLIP, HeldOut, Mask, effective_size
from recommender.training.metrics import LEFT_QUANTILE, composite, mean_width, with_dropouts

Row = dict[str, Any]
COMPARED = (COMPOSITE, DYAD, PARTIAL, RMSE)
"""What ours is compared in with every baseline."""
ALL_RATED, FIRST_RANKED, NEW_CLINICIANS = "all rated", "first-ranked", "new clinicians"
FIRST_TENTH = 0.1
"""Tested pairings whose clinician our pairing score puts in the first tenth of all on the books
stand for those ranked first: in a practice of 120 that is 12, of whom some 3 to 7 are feasible for
a client (20 to 60 % in the methods study), so about what a shortlist shows. Of those ranked first
outright a year's log has a handful."""
LEFT_QUANTILES = (0.05, LEFT_QUANTILE, 0.30)
"""Residuals at which those who left may enter; the methods study tried the same three."""
FEWEST_IN_GROUP = 10
"""Clients who rated, below whom nothing is told of a part of the ratings, their number neither: of
fewer, a share says what someone answered (the usual floor of official statistics), and nothing
could be judged on it. An audited group is left out; any other part is told of as if it were none.
"""
OURS_MINUS_CHAMPION = f"{OURS} minus {CHAMPION}"


def report_of(evaluation: Evaluation, practice: Practice) -> Row:
    """What was measured on held-out pairings, as plain values for the bundle and the gate."""
    evaluation = _without_few(evaluation)
    rated = evaluation.held_out.is_rated
    return {
        "mode": MODEL,
        "folds": list(evaluation.folds),
        "rated": int(rated.sum()),
        "left_unrated": int((~rated).sum()),
        "figures": _records(evaluation.table),
        "by_fold": _records(_each_fold(evaluation)),
        "ours_minus": _differences(evaluation),
        "ranges": list(ranges(evaluation, practice.alliance.interval)),
        "first_ranked": {"in_first": FIRST_TENTH, "of": "clinicians on the books, by our score"},
        "groups": list(_by_group(evaluation)),
        "groups_too_few": len(evaluation.groups) - len(_told(evaluation)),
        "exposure": _records(evaluation.exposure),
        "optimism": optimism(evaluation),
        "dropout_sensitivity": list(_by_quantile(evaluation)),
    } | lot_report(evaluation)


def lot_report(evaluation: Evaluation) -> Row:
    """What lots the ratings came of and what they allow to be said; nothing where too few did.

    `mean` is what clients of these lots would have rated, had each seen everyone of theirs alike.
    """
    tested = evaluation.held_out
    drawn = tested.take(tested.is_rated & np.isfinite(tested.chance) & (tested.chance < 1))
    if len(np.unique(drawn.client)) < FEWEST_IN_GROUP:
        return {}
    found = mean_rated(drawn, seed=evaluation.seed, draws=evaluation.draws)
    mean, low, high = (_number(end) for end in ends_of(found))
    return {
        "by_lot": {
            "rated": len(drawn),
            "clip": CLIP,
            "effective": _number(effective_size(tested.take(tested.is_rated).weights)),
            "mean": mean,
            "low": low,
            "high": high,
        }
    }


def ranges(evaluation: Evaluation, level: float) -> Iterator[Row]:
    """How often our stated range held, among all and among those it is likeliest to fail."""
    for among, chosen in among_whom(evaluation).items():
        yield {"among": among, **_range(evaluation, chosen, level)}


def among_whom(evaluation: Evaluation) -> dict[str, Mask]:
    """Rated rows by the name of whom they are among."""
    tested = evaluation.held_out
    named = {
        ALL_RATED: tested.is_rated,
        FIRST_RANKED: _enough(tested, tested.is_rated & (tested.place < FIRST_TENTH)),
        NEW_CLINICIANS: _enough(tested, tested.is_rated & (tested.known == 0)),
    }
    groups = {name: rows & tested.is_rated for name, rows in _told(evaluation).items()}
    return named | groups


def optimism(evaluation: Evaluation) -> Row:
    """Mean predicted less mean rated alliance in points, and with those who left put low.

    Who rates is who stayed, so predictions promise more than all clients would report.
    """
    tested, said = evaluation.held_out, evaluation.scores[OURS].alliance
    filled = with_dropouts(tested.label, tested.expected)
    return {
        "rated": _number(_mean((said - tested.label)[tested.is_rated])),
        "with_left": _number(_mean(said - filled)),
        "dropouts_low_at": LEFT_QUANTILE,
    }


def _without_few(evaluation: Evaluation) -> Evaluation:
    """The evaluation, without the champion's figures where too few can judge it."""
    if CHAMPION not in evaluation.scores:
        return evaluation
    tested, judged = evaluation.held_out, evaluation.counted(CHAMPION)
    if _people(tested, judged & tested.is_rated) >= FEWEST_IN_GROUP:
        return evaluation
    nothing = np.full(len(tested), np.nan)
    unsaid = np.full(1 + evaluation.draws, np.nan)
    beside = {name: dict.fromkeys(by, unsaid) for name, by in evaluation.sampled.items()}
    return replace(
        evaluation,
        scores={**evaluation.scores, CHAMPION: LearnerScores(nothing, nothing)},
        table=evaluation.table[evaluation.table["learner"] != CHAMPION],
        by_fold=evaluation.by_fold[evaluation.by_fold["learner"] != CHAMPION],
        beside_champion={name: {**by, CHAMPION: unsaid} for name, by in beside.items()},
    )


def _each_fold(evaluation: Evaluation) -> pd.DataFrame:
    """Figures of the folds in which enough clients rated."""
    tested = evaluation.held_out
    told = [
        name
        for place, name in enumerate(evaluation.folds)
        if _people(tested, tested.is_rated & (tested.fold == place)) >= FEWEST_IN_GROUP
    ]
    return evaluation.by_fold[evaluation.by_fold["fold"].isin(told)]


def _differences(evaluation: Evaluation) -> list[Row]:
    found = [ours_minus(evaluation, metric).assign(metric=metric) for metric in COMPARED]
    order = ["baseline", "metric", "value", "low", "high", "rated"]
    return _records(pd.concat(found, ignore_index=True)[order])


def _range(evaluation: Evaluation, chosen: Mask, level: float) -> Row:
    tested, said = evaluation.held_out, evaluation.scores[OURS].alliance
    held = share_within(tested, chosen, seed=evaluation.seed, draws=evaluation.draws)
    coverage, low, high = (_number(end) for end in ends_of(held))
    return {
        "rated": int(chosen.sum()),
        "level": level,
        "coverage": coverage,
        "low": low,
        "high": high,
        "width": _number(mean_width(tested.low[chosen], tested.high[chosen])),
        "bias": _number(_mean((said - tested.label)[chosen])),
    }


def _by_group(evaluation: Evaluation) -> Iterator[Row]:
    """Client-adjusted partial of ours in each group; beside the champion, on what judges both."""
    for among, rows in _told(evaluation).items():
        yield from _group(evaluation, among, rows, (OURS,))
        if CHAMPION in evaluation.scores:
            judged = _enough(evaluation.held_out, rows & evaluation.counted(CHAMPION))
            yield from _group(evaluation, among, judged, (OURS, CHAMPION))


def _told(evaluation: Evaluation) -> dict[str, Mask]:
    """Groups with enough clients to be told of without telling of a person."""
    groups = evaluation.groups.items()
    return {name: rows for name, rows in groups if _enough(evaluation.held_out, rows).any()}


def _enough(tested: HeldOut, rows: Mask) -> Mask:
    """The rows, or none where fewer clients rated than may be told of."""
    few = _people(tested, rows & tested.is_rated) < FEWEST_IN_GROUP
    return np.zeros_like(rows) if few else rows


def _people(tested: HeldOut, rows: Mask) -> int:
    return len(np.unique(tested.client[rows]))


def _group(
    evaluation: Evaluation, among: str, rows: Mask, learners: tuple[str, ...]
) -> Iterator[Row]:
    tested = evaluation.held_out.take(rows)
    by_learner = {name: evaluation.scores[name].take(rows) for name in learners}
    seed, draws = evaluation.seed, evaluation.draws
    found = dict(sample(tested, by_learner, seed=seed, draws=draws, metrics=(PARTIAL,))[PARTIAL])
    if CHAMPION in found:
        found[OURS_MINUS_CHAMPION] = found.pop(OURS) - found[CHAMPION]
    for learner, figures in found.items():
        ends = zip(("value", "low", "high"), map(_number, ends_of(figures)), strict=True)
        rated = int(tested.is_rated.sum())
        yield {
            "among": among, "learner": learner, "metric": PARTIAL, **dict(ends), "rated": rated
        }  # fmt: skip


def _by_quantile(evaluation: Evaluation) -> Iterator[Row]:
    """The composite, were those who left put elsewhere: how much rests on that choice."""
    for quantile in LEFT_QUANTILES:
        for learner, learner_scores in evaluation.scores.items():
            rows = evaluation.counted(learner)
            tested, said = evaluation.held_out.take(rows), learner_scores.take(rows)
            value = composite(
                said.pairing,
                tested.label,
                tested.expected,
                weights=tested.weights,
                quantile=quantile,
            )
            yield {"quantile": quantile, "learner": learner, "composite": _number(value)}


def _records(table: pd.DataFrame) -> list[Row]:
    return [_plain(row) for row in table.to_dict("records")]


def _plain(row: Mapping[Any, Any]) -> Row:
    return {
        str(name): _number(value) if isinstance(value, float) else value
        for name, value in row.items()
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
