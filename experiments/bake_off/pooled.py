"""Our learner started from what ten other simulated practices contribute."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from experiments.bake_off.answer import Answer
from experiments.simulated_practice.settings import Dyad, Settings, scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.model.evidence_prior import usual_level
from recommender.pooling.pool import Pool
from recommender.pooling.pooled_slopes import slope_prior
from recommender.pooling.practice_contribution import MATCHES, PracticeContribution
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.baselines import FoldTask
from recommender.training.contribution import SharingSettings, contribution_of
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

RATINGS = (300, 500, 700, 900, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000)
"""Of the contributing practices."""
CLINICIANS = 40
FIRST_SEED = 1_000
"""Of contributors: far from the seeds of the practices that learn from them."""
DIFFERENCE = 0.3
"""Standard deviation of the factor on each effect where practices differ."""
WIDE_DIFFERENCE = 0.6
"""The same where practices differ twice as much."""


def started_from(difference: float) -> Callable[[FoldTask], Answer]:
    """Our fit, started from contributors whose effects differ by this share."""

    def answer(trial: FoldTask) -> Answer:
        settings = FitSettings(seed=trial.seed, pool=a_pool(trial.seed, difference))
        model = fit(trial.dataset, trial.train, settings).model
        scores = model.score(trial.dataset.clients, trial.encoding, trial.pairs)
        low, high = model.interval_of(scores)
        return Answer(scores.pairing, scores.alliance, low, high)

    return answer


def newcomer(difference: float) -> Callable[[FoldTask], Answer]:
    """What a practice without ratings serves from the same contributions."""

    def answer(trial: FoldTask) -> Answer:
        practice = trial.dataset.practice
        _, interval = usual_level(practice)
        slopes = slope_prior(a_pool(trial.seed, difference), practice, interval).mean
        pairing = np.nan_to_num(trial.prepared.rows.match) @ slopes
        return Answer(pairing, trial.expected + pairing)

    return answer


@cache
def a_pool(seed: int, difference: float) -> Pool:
    """What the ten contributors of one learning practice contribute."""
    return Pool(tuple(_contributed(seed, place, difference) for place in range(len(RATINGS))))


def _contributed(seed: int, place: int, difference: float) -> PracticeContribution:
    own_seed = FIRST_SEED + seed * len(RATINGS) + place
    settings = scenario(
        "default", seed=own_seed, ratings=RATINGS[place], clinicians=CLINICIANS, test_clients=1
    )
    practice = shipped_practice()
    with TemporaryDirectory() as directory:
        write(simulate(_different(settings, difference), practice), Path(directory), "parquet")
        dataset = dataset_of(read_tables(Path(directory), practice, None), practice)
    sharing = SharingSettings(f"Practice {place}", MATCHES, "2026-11-29")
    key = Ed25519PrivateKey.from_private_bytes(own_seed.to_bytes(32, "big"))
    return contribution_of(dataset, sharing, key, FitSettings(seed=own_seed))


def _different(settings: Settings, difference: float) -> Settings:
    """The world with each effect times 1 + difference z; a weight is an effect squared."""
    if not difference:
        return settings
    rng = np.random.default_rng(settings.seed)
    weights = {
        part.name: getattr(settings.dyad, part.name) * (1 + difference * rng.standard_normal()) ** 2
        for part in fields(Dyad)
        if part.name != "near"
    }
    return replace(settings, dyad=replace(settings.dyad, **weights))
