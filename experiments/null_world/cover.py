"""How many intervals of what matching gains cover 0, where there is nothing to be gained."""

from collections.abc import Iterator, Sequence

from scipy.stats import binom

from experiments.null_world.measure import simulated_dataset
from recommender.model.evaluation_report import COMPOSITE, DYAD, PARTIAL
from recommender.practice.definition import Practice
from recommender.training.baselines import LEARNERS, OURS
from recommender.training.evaluate import DRAWS, Evaluation, evaluate
from recommender.training.folds import forward
from recommender.training.tree_fitting import FitSettings

SHOWN = (DYAD, PARTIAL, COMPOSITE)
TARGET, HARDLY = 0.95, 0.01
RATINGS, CLINICIANS = 2_000, 40

Ends = tuple[float, float, float]


def intervals(
    practice: Practice,
    seeds: Sequence[int],
    *,
    world: str = "null",
    ratings: int = RATINGS,
    clinicians: int = CLINICIANS,
    draws: int = DRAWS,
) -> Iterator[tuple[int, dict[str, Ends]]]:
    """Seed by seed, each figure with the ends of its interval."""
    for seed in seeds:
        dataset = simulated_dataset(
            world, practice, ratings=ratings, clinicians=clinicians, seed=seed
        )
        evaluation = evaluate(
            dataset,
            forward(dataset, 0.4),
            FitSettings(seed=seed),
            draws=draws,
            learners={OURS: LEARNERS[OURS]},
        )
        yield seed, {metric: _ends(evaluation, metric) for metric in SHOWN}


def is_chance(covered: int, seeds: int) -> bool:
    """Whether so few intervals that cover 0 could be chance, were 95 of 100 to do so."""
    return bool(binom.cdf(covered, seeds, TARGET) >= HARDLY)


def _ends(evaluation: Evaluation, metric: str) -> Ends:
    rows = evaluation.table.query("learner == @OURS and metric == @metric")
    value, low, high = rows[["value", "low", "high"]].to_numpy(dtype=float)[0]
    return float(value), float(low), float(high)
