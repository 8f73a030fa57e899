"""Small invented worlds; the same settings are only simulated once."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from experiments.simulated_practice.settings import Shares, scenario
from experiments.simulated_practice.tables import client_ids, clinicians_table
from experiments.simulated_practice.world import World, simulate
from experiments.simulated_practice.write import write
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice
from recommender.tables.roster import Roster, snapshot

TAKEN_AT = datetime(2026, 9, 29, tzinfo=UTC)
"""The day a simulated practice's tables are taken."""


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


def a_roster(world: World) -> Roster:
    """The clinicians of a world, through the cells of its table."""
    table = clinicians_table(world, client_ids(1, len(world.history.clients["age_years"])))
    fields = world.practice.fields("clinician")
    rows = [{str(k): v for k, v in row.items()} for row in table[list(fields)].to_dict("records")]
    columns = read_rows(fields, rows)
    return snapshot(table["clinician_id"].tolist(), table["name"].tolist(), columns, TAKEN_AT)


def write_simulated_tables(folder: Path) -> None:
    """Writes the tables of a small world as CSV files, and the truth beside them."""
    write(a_world(), folder)
