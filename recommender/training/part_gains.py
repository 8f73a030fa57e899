"""What of a gain comes from the client part, the clinician's own part, matches, products and trees.

The parts of one fitted model are added one after another, in that order, and each nested score is
measured on the same pairings and the same draws. The client part is the same for every clinician:
it can lower the error and changes no order. The clinician's own part is the same for every client.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from recommender.model.additive import declared_places
from recommender.model.evaluation_report import (
    BEYOND_OWN,
    CLIENT_PART,
    COMPOSITE,
    DYAD,
    MATCHES,
    OWN_PART,
    PRODUCTS,
    RMSE,
    TREES,
    PartGain,
)
from recommender.training.baselines import OURS, FoldTask, LearnerScores
from recommender.training.figures import METRICS, Sampled, ends_of, sample
from recommender.training.held_out import HeldOut
from recommender.training.metrics import Floats

NO_PART = "mean rating"
"""The score before the first part: the mean of the ratings learned from, for everybody."""
OWN_BLOCKS = ("clinician", "clinicians")
MATCH_BLOCKS = ("matches", "evidence")
"""Blocks of the mixed model by part; all others multiply answers of both sides, or a clinician and
an answer, and count as products, as declared products do."""
ORDERED_BY = (COMPOSITE, DYAD)
MEASURED = (*ORDERED_BY, RMSE)


def nested_scores(task: FoldTask, tested: int) -> dict[str, LearnerScores]:
    """Scores of the first `tested` pairings of a task with one part more at a time, ours last.

    Each has the mean of our whole score over these pairings, so that a difference in error is one
    of what distinguishes pairings and not of level.
    """
    model, rows = task.fitted.model, np.arange(tested)
    prepared, expected = task.prepared, task.expected[:tested]
    whole = task.scores.pairing[:tested]
    additive = model.additive
    blocks = additive.frame.blocks(prepared.rows.take(rows), prepared.clinician_index.take(rows))
    by_part = dict.fromkeys((OWN_PART, MATCHES, PRODUCTS), np.zeros(tested))
    for name, term in additive.fit.terms(blocks).items():
        matched = MATCHES if name in MATCH_BLOCKS else PRODUCTS
        part = OWN_PART if name in OWN_BLOCKS else matched
        by_part[part] = by_part[part] + (1 - model.tree_weight) * term
    # A fitted model has declared products among its matches.
    declared = list(declared_places(model.practice))
    named = additive.match_parts(prepared.rows.match[:tested])[:, declared].sum(axis=1)
    named = (1 - model.tree_weight) * named
    by_part[MATCHES], by_part[PRODUCTS] = by_part[MATCHES] - named, by_part[PRODUCTS] + named
    level = float(whole.mean()) if tested else 0.0
    nothing = np.zeros(tested)
    nested = {
        NO_PART: LearnerScores(nothing, np.full(tested, float(task.label.mean()))),
        CLIENT_PART: LearnerScores(nothing, expected + level),
    }
    score = nothing
    for part, added in by_part.items():
        score = score + added
        even = level - (float(score.mean()) if tested else 0.0)
        nested[part] = LearnerScores(score, expected + score + even)
    nested[TREES] = LearnerScores(whole, expected + whole)
    return nested


def part_gains(
    tested: HeldOut, nested: Mapping[str, LearnerScores], ours: Sampled, *, seed: int, draws: int
) -> Iterator[PartGain]:
    """What each part adds to each metric, and all that is beyond the clinician's own part.

    Parameters
    ----------
    tested
        The pairings that were scored.
    nested
        By part, from `nested_scores`.
    ours
        Figures of the whole score on the same draws, by metric and learner.
    seed, draws
        Those of `ours`.
    """
    # Without weight on trees the last two scores are the same but for rounding.
    with_trees = not np.allclose(
        np.diff(nested[TREES].pairing), np.diff(nested[PRODUCTS].pairing), rtol=0, atol=1e-9
    )
    parts = [CLIENT_PART, OWN_PART, MATCHES, PRODUCTS, *([TREES] if with_trees else [])]
    inner = {part: nested[part] for part in (NO_PART, *parts[:-1])}
    ordering = {part: scores for part, scores in inner.items() if scores.pairing.any()}
    figures: dict[str, dict[str, Floats]] = {}
    for metrics, scores in ((ORDERED_BY, ordering), ((RMSE,), inner)):
        some = {name: METRICS[name] for name in metrics}
        for metric, by_part in sample(tested, scores, seed=seed, draws=draws, metrics=some).items():
            figures[metric] = {**by_part, parts[-1]: ours[metric][OURS]}
    for metric in MEASURED:
        # A score that is the same for everybody orders nobody.
        by_part = {
            part: figures[metric].get(part, np.zeros(1 + draws)) for part in (NO_PART, *parts)
        }
        for before, part in zip((NO_PART, *parts[:-1]), parts, strict=True):
            yield _gain(part, metric, by_part[part], by_part[before])
        yield _gain(BEYOND_OWN, metric, by_part[parts[-1]], by_part[OWN_PART])


def _gain(part: str, metric: str, with_part: Floats, without: Floats) -> PartGain:
    value, low, high = ends_of(with_part - without)
    reached = float(with_part[0])
    return PartGain(part=part, metric=metric, value=value, low=low, high=high, reached=reached)
