"""What is left of the gain when contributions are tables of sizes, or have noise."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from experiments.bake_off.arena import Site, prepared
from experiments.bake_off.pooled import CLINICIANS, RATINGS
from experiments.known_truth import cap_share
from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.model.evidence_prior import usual_level
from recommender.pooling.pool import Pool
from recommender.pooling.pooled_slopes import slope_prior
from recommender.pooling.practice_contribution import MATCHES, SIZES, PracticeContribution
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.contribution import SharingSettings, contribution_from_fit
from recommender.training.dataset import dataset_of
from recommender.training.fit_preparation import prepare
from recommender.training.tree_fitting import FitSettings

FIRST_SEED, TEST_CLIENTS = 5_000, 2_000
WHOLE = SharingSettings("Practice", MATCHES, "2026-11-29")
WAYS: Mapping[str, SharingSettings] = {
    "matches": WHOLE,
    "table of sizes": replace(WHOLE, content=SIZES),
    **{f"matches, epsilon {e:g}": replace(WHOLE, epsilon=e) for e in (10.0, 3.0, 1.0)},
}
"""Ways of sharing, by name."""


def gain_by_way(contributors: tuple[int, ...]) -> dict[str, list[float]]:
    """`cap_share` of a practice without ratings, by way of sharing, a number of contributors each.

    "literature" is that of the declared sizes alone.
    """
    several: dict[str, list[PracticeContribution]] = {name: [] for name in WAYS}
    for place in range(max(contributors)):
        for name, contribution in _contributed(place).items():
            several[name].append(contribution)
    arena = prepared(Site("default", RATINGS[0], 0), TEST_CLIENTS)
    rows = np.nan_to_num(arena.trial.prepared.rows.match)
    practice = shipped_practice()
    _, interval = usual_level(practice)
    declared = np.array([match.prior for match in practice.matches.values()])
    literature = cap_share(arena.truth, arena.matrix(rows @ declared))
    gains = {"literature": [literature] * len(contributors)}
    for name, contributions in several.items():
        pools = [Pool(tuple(contributions[:count])) for count in contributors]
        slopes = [slope_prior(pool, practice, interval).mean for pool in pools]
        gains[name] = [cap_share(arena.truth, arena.matrix(rows @ each)) for each in slopes]
    return gains


def _contributed(place: int) -> dict[str, PracticeContribution]:
    seed, practice = FIRST_SEED + place, shipped_practice()
    ratings = RATINGS[place % len(RATINGS)]
    settings = scenario(
        "default", seed=seed, ratings=ratings, clinicians=CLINICIANS, test_clients=1
    )
    with TemporaryDirectory() as directory:
        write(simulate(settings, practice), Path(directory), "parquet")
        dataset = dataset_of(read_tables(Path(directory), practice, None), practice)
    fitted = prepare(dataset, np.arange(len(dataset)), FitSettings(seed=seed))
    key = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big"))
    return {
        name: contribution_from_fit(fitted, replace(way, noise_seed=seed), key)
        for name, way in WAYS.items()
    }
