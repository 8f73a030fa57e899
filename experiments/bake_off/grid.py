"""Which simulated practices are asked for."""

from dataclasses import dataclass

from experiments.bake_off.arena import Site
from recommender.errors import RecommenderError

DEFAULT = "default"
MAIN = 8_000
"""Ratings of the main table and of every scenario but the default one."""
RATINGS = (300, 1_000, 3_000, 8_000, 30_000)
SCENARIOS = (
    DEFAULT,
    "strong_selection",
    "strong_dropout",
    "drift",
    "threshold_rules",
    "null",
)
SEEDS = 5
TEST_CLIENTS = 2_000


@dataclass(frozen=True, slots=True)
class Grid:
    """All sizes in the default scenario, and every other scenario at one size.

    Attributes
    ----------
    ratings, scenarios, learners
        What to compare.
    seeds
        How many, from 0.
    test_clients
        Future clients of each practice on whom the truth is asked.
    """

    ratings: tuple[int, ...]
    scenarios: tuple[str, ...]
    seeds: int
    learners: tuple[str, ...]
    test_clients: int = TEST_CLIENTS

    def __post_init__(self) -> None:
        if not self.ratings or not self.scenarios or not self.learners or self.seeds < 1:
            raise RecommenderError("grid", "is empty", "name at least one of each")

    @property
    def main(self) -> int:
        """Ratings at which scenarios are compared: 8,000, or the most asked for without it."""
        return MAIN if MAIN in self.ratings else max(self.ratings)

    def practices(self) -> list[tuple[str, int]]:
        """Scenario and size of every kind of practice, small ones first."""
        sizes = sorted(self.ratings) if DEFAULT in self.scenarios else []
        others = [name for name in self.scenarios if name != DEFAULT]
        return [*((DEFAULT, size) for size in sizes), *((name, self.main) for name in others)]

    def sites(self) -> list[Site]:
        """Every practice; one seed of all of them before the next, so that a part says most."""
        return [
            Site(name, size, seed) for seed in range(self.seeds) for name, size in self.practices()
        ]
