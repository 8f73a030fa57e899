"""Small invented worlds; the same settings are only simulated once."""

from functools import cache

from experiments.simulated_practice.settings import Shares, scenario
from experiments.simulated_practice.world import World, simulate
from recommender.practice import Practice, shipped_practice


@cache
def the_practice() -> Practice:
    return shipped_practice()


@cache
def a_world(
    name: str = "default",
    *,
    seed: int = 3,
    clinicians: int = 30,
    ratings: int = 600,
    shares: Shares | None = None,
) -> World:
    changes = {} if shares is None else {"shares": shares}
    settings = scenario(
        name, seed=seed, clinicians=clinicians, ratings=ratings, test_clients=1_000, **changes
    )
    return simulate(settings, the_practice())
