"""A simulated practice made ready for every learner: its tables through the door, and the truth.

Tables exist only in a folder that is gone when they have been read.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from experiments.known_truth import Floats, Places, Truth, read_truth
from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import World, simulate
from experiments.simulated_practice.write import write
from recommender.features.pipeline import Pairs
from recommender.practice.definition import Practice, shipped_practice
from recommender.tables.loader import Tables, read_tables
from recommender.training.baselines import FoldTask
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings


@dataclass(frozen=True, slots=True)
class Site:
    """Which simulated practice.

    Attributes
    ----------
    scenario
        A name of `experiments.simulated_practice.settings.SCENARIOS`.
    ratings
        Rated pairings to learn from.
    seed
        Of the world and of the learners.
    """

    scenario: str
    ratings: int
    seed: int


@dataclass(frozen=True, slots=True)
class Arena:
    """One simulated practice with everything a comparison needs.

    Attributes
    ----------
    world
        As simulated: later ratings are drawn from it.
    truth
        Of the test clients.
    trial
        What learners see. Asked are all feasible pairs of the test clients, who are in the tables
        as clients nobody has met.
    row, column : (asked,)
        Place of each asked pair in the truth.
    fit_seconds
        Processor time of the whole of our fit.
    """

    world: World
    truth: Truth
    trial: FoldTask
    row: Places
    column: Places
    fit_seconds: float

    @property
    def practice(self) -> Practice:
        """The definition the practice was simulated for."""
        return self.world.practice

    def matrix(self, values: Floats) -> Floats:
        """Values of the asked pairs as (clients, clinicians); NaN where nobody was asked."""
        full = np.full(self.truth.alliance.shape, np.nan)
        full[self.row, self.column] = values
        return full


def prepared(site: Site, test_clients: int) -> Arena:
    """Simulates a practice, reads it through the door and fits our model."""
    practice = shipped_practice()
    settings = scenario(
        site.scenario, ratings=site.ratings, seed=site.seed, test_clients=test_clients
    )
    world = simulate(settings, practice)
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write(world, folder, "parquet")
        _enrol_test_clients(folder)
        tables = read_tables(folder, practice, None)
        dataset = dataset_of(tables, practice)
        rated = np.array(tables.clinician_ids)[np.unique(dataset.pairs.clinician)]
        truth = read_truth(folder, rated)
    row, column = np.nonzero(truth.feasible)
    asked = _asked(tables, truth, row, column)
    began = time.process_time()
    fitted = fit(dataset, settings=FitSettings(seed=site.seed))
    seconds = time.process_time() - began
    trial = FoldTask(dataset, everybody(dataset), asked, fitted, site.seed)
    return Arena(world, truth, trial, row, column, seconds)


def everybody(dataset: Dataset) -> Places:
    """All rated pairings: test clients have none, so nothing need be held back."""
    return np.arange(len(dataset))


def _enrol_test_clients(folder: Path) -> None:
    """Test clients stand in the table of clients, as people at intake do, without pairings."""
    files = (folder / "clients.parquet", folder / "truth" / "clients.parquet")
    both = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    both.to_parquet(files[0], index=False)


def _asked(tables: Tables, truth: Truth, row: Places, column: Places) -> Pairs:
    clients = {client: place for place, client in enumerate(tables.client_ids)}
    clinicians = {clinician: place for place, clinician in enumerate(tables.clinician_ids)}
    client = np.array([clients[each] for each in truth.client_ids], dtype=np.intp)
    clinician = np.array([clinicians[each] for each in truth.clinician_ids], dtype=np.intp)
    return Pairs(client[row], clinician[column])
