"""Ratings that test clients go on to give, drawn from the same world that made the history.

Two draws: whom staff would choose, with the usual leaving and rating; and any clinicians named,
with everybody rating, since what a range promises holds for all it is said of.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from experiments.bake_off.arena import Arena
from experiments.known_truth import Floats, Places
from experiments.simulated_practice.assignment import appeal, choose, customs
from experiments.simulated_practice.course import run
from experiments.simulated_practice.draws import Random
from experiments.simulated_practice.ratings import rate
from experiments.simulated_practice.settings import Settings
from experiments.simulated_practice.tables import (
    client_ids,
    clients_table,
    clinicians_table,
    pairings_table,
    ratings_table,
)
from experiments.simulated_practice.world import CUSTOM, Block, Pairings, World
from recommender.alliance.label import link_scores
from recommender.tables.loader import read_tables
from recommender.training.dataset import Dataset, dataset_of

CHOSEN, NAMED = 101, 102
"""Random streams that no part of the simulated history uses."""


@dataclass(frozen=True, slots=True)
class Met:
    """One later pairing of every test client.

    Attributes
    ----------
    column : (clients,)
        The clinician.
    label : (clients,)
        In points, on the scale our model learned; NaN for who did not rate.
    """

    column: Places
    label: Floats


def chosen_by_staff(arena: Arena) -> Met:
    """Staff choose among the feasible as they always did; not everybody rates."""
    world, truth = arena.world, arena.truth
    settings = world.settings
    quality = world.alliance.effect.mean(axis=0)
    habits = np.random.default_rng([settings.seed, CUSTOM])
    custom = customs(habits, world.staff, quality, settings.selection)
    rng = np.random.default_rng([settings.seed, CHOSEN])
    liking = appeal(rng, world.staff, custom, world.practice, world.test_clients, truth.unseen)
    column, _ = choose(rng, liking, truth.feasible)
    return Met(column, _labels(arena, column, settings, rng))


def rated_by_all(arena: Arena, column: Places) -> Met:
    """The named clinician of each test client, (clients,); nobody leaves and everybody rates."""
    settings = arena.world.settings
    kind = replace(settings, leave=0.0, leave_slope=0.0, returned=1.0)
    rng = np.random.default_rng([settings.seed, NAMED])
    return Met(column, _labels(arena, column, kind, rng))


def _labels(arena: Arena, column: Places, settings: Settings, rng: Random) -> Floats:
    later = _history(arena, column, settings, rng)
    dataset = _through_the_door(later)
    practice, linker = arena.practice, arena.trial.fitted.model.linker
    table = link_scores(dataset.early, practice.alliance, practice.instruments, linker)
    # All begin on one day, so pairings are numbered in the order of the clients.
    places = [int(str(pairing).removeprefix("p")) - 1 for pairing in table.index]
    label = np.full(len(column), np.nan)
    label[places] = table["alliance"].to_numpy(dtype=np.float64)
    return label


def _history(arena: Arena, column: Places, settings: Settings, rng: Random) -> World:
    """The world with one pairing a test client for its history."""
    world, many = arena.world, np.arange(len(column))
    start = np.full(len(column), float(settings.days))
    own = rng.normal(0.0, np.sqrt(settings.shares.idiosyncratic), len(column))
    steady = arena.truth.latent[many, column] + own
    course = run(rng, settings, start, steady)
    forms = rate(rng, settings, world.practice, course, start, steady, world.test_clients)
    nothing = np.zeros(len(column))
    pairings = Pairings(many, column, start, nothing, steady - own, nothing, nothing, own)
    return replace(world, history=Block(world.test_clients, pairings, course, forms))


def _through_the_door(later: World) -> Dataset:
    ids = client_ids(1, len(later.history.pairings.client))
    tables = {
        "clients": clients_table(later, later.test_clients, ids, 11),
        "clinicians": clinicians_table(later, ids),
        "pairings": pairings_table(later, ids),
        "ratings": ratings_table(later),
    }
    with TemporaryDirectory() as directory:
        for name, table in tables.items():
            table.to_parquet(Path(directory) / f"{name}.parquet", index=False)
        return dataset_of(read_tables(Path(directory), later.practice, None), later.practice)
