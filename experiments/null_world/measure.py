"""Simulated practices measured as `recommender evaluate` measures, without a folder in between."""

from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.practice.definition import Practice
from recommender.tables.loader import read_tables
from recommender.training.dataset import Dataset, dataset_of


def simulated_dataset(
    name: str, practice: Practice, *, ratings: int, clinicians: int, seed: int
) -> Dataset:
    """The rated pairings of a simulated practice, read through the door every practice uses."""
    settings = scenario(name, ratings=ratings, clinicians=clinicians, seed=seed, test_clients=1)
    world = simulate(settings, practice)
    with TemporaryDirectory() as folder:
        write(world, Path(folder), "parquet")
        return dataset_of(read_tables(Path(folder), practice, None), practice)
