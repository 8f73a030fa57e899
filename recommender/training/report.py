"""What was measured, as plain values: the report inside a bundle, read by gate, card and staff.

Nothing here is NaN: a figure that cannot be said is None. Imported by `run`, `pictures` and the
command line.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from recommender.manifest import MODEL
from recommender.practice import Practice
from recommender.training.baselines import CHAMPION, OURS
from recommender.training.evaluate import Evaluation, ours_minus
from recommender.training.figures import (
    COMPOSITE,
    DYAD,
    PARTIAL,
    RMSE,
    ends_of,
    sample,
    share_within,
)
from recommender.training.metrics import LEFT_QUANTILE, composite, mean_width, with_dropouts
from recommender.training.tested import Mask

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
"""Ratings below which an audited group is left out: of fewer, a share says what someone answered
(the usual floor of official statistics), and nothing could be judged on it."""
OURS_MINUS_CHAMPION = f"{OURS} minus {CHAMPION}"


def report_of(evaluation: Evaluation, practice: Practice) -> Row:
    """What was measured on held-out pairings, as plain values for the bundle and the gate."""
    rated = evaluation.tested.is_rated
    return {
        "mode": MODEL,
        "folds": list(evaluation.folds),
        "rated": int(rated.sum()),
        "left_unrated": int((~rated).sum()),
        "figures": _records(evaluation.table),
        "by_fold": _records(evaluation.by_fold),
        "ours_minus": _differences(evaluation),
        "ranges": list(ranges(evaluation, practice.alliance.interval)),
        "first_ranked": {"in_first": FIRST_TENTH, "of": "clinicians on the books, by our score"},
        "groups": list(_by_group(evaluation)),
        "groups_too_few": len(evaluation.groups) - len(_told(evaluation)),
        "exposure": _records(evaluation.exposure),
        "optimism": optimism(evaluation),
        "dropout_sensitivity": list(_by_quantile(evaluation)),
    }


def ranges(evaluation: Evaluation, level: float) -> Iterator[Row]:
    """How often our stated range held, among all and among those it is likeliest to fail."""
    for among, chosen in among_whom(evaluation).items():
        yield {"among": among, **_range(evaluation, chosen, level)}


def among_whom(evaluation: Evaluation) -> dict[str, Mask]:
    """Rated rows by the name of whom they are among."""
    tested = evaluation.tested
    named = {
        ALL_RATED: tested.is_rated,
        FIRST_RANKED: tested.is_rated & (tested.place < FIRST_TENTH),
        NEW_CLINICIANS: tested.is_rated & (tested.known == 0),
    }
    groups = {name: rows & tested.is_rated for name, rows in _told(evaluation).items()}
    return named | groups


def optimism(evaluation: Evaluation) -> Row:
    """Mean predicted less mean rated alliance in points, and with those who left put low.

    Who rates is who stayed, so predictions promise more than all clients would report.
    """
    tested, said = evaluation.tested, evaluation.guesses[OURS].alliance
    filled = with_dropouts(tested.label, tested.expected)
    return {
        "rated": _number(_mean((said - tested.label)[tested.is_rated])),
        "with_left": _number(_mean(said - filled)),
        "dropouts_low_at": LEFT_QUANTILE,
    }


def _differences(evaluation: Evaluation) -> list[Row]:
    found = [ours_minus(evaluation, metric).assign(metric=metric) for metric in COMPARED]
    order = ["baseline", "metric", "value", "low", "high", "rated"]
    return _records(pd.concat(found, ignore_index=True)[order])


def _range(evaluation: Evaluation, chosen: Mask, level: float) -> Row:
    tested, said = evaluation.tested, evaluation.guesses[OURS].alliance
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
        if CHAMPION in evaluation.guesses:
            judged = rows & evaluation.counted(CHAMPION)
            yield from _group(evaluation, among, judged, (OURS, CHAMPION))


def _told(evaluation: Evaluation) -> dict[str, Mask]:
    """Groups with enough ratings to be told of without telling of a person."""
    rated = evaluation.tested.is_rated
    groups = evaluation.groups.items()
    return {name: rows for name, rows in groups if (rows & rated).sum() >= FEWEST_IN_GROUP}


def _group(
    evaluation: Evaluation, among: str, rows: Mask, learners: tuple[str, ...]
) -> Iterator[Row]:
    tested = evaluation.tested.take(rows)
    guesses = {name: evaluation.guesses[name].take(rows) for name in learners}
    seed, draws = evaluation.seed, evaluation.draws
    found = dict(sample(tested, guesses, seed=seed, draws=draws, metrics=(PARTIAL,))[PARTIAL])
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
        for learner, guess in evaluation.guesses.items():
            rows = evaluation.counted(learner)
            tested, said = evaluation.tested.take(rows), guess.take(rows)
            value = composite(said.pairing, tested.label, tested.expected, quantile=quantile)
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
