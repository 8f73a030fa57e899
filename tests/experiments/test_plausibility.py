"""Simulated practices without errors get no warning, and one with an error gets it."""

from pathlib import Path

import pandas as pd

from experiments.plausibility.__main__ import as_items, check
from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.tables.report import check_tables
from tests.support.simulated_world import the_practice

SETTINGS = scenario("default", seed=5, clinicians=8, ratings=150, test_clients=1)


def test_an_honest_practice_gets_no_warning_with_totals_nor_with_items() -> None:
    totals, items = check(SETTINGS, the_practice())
    assert totals.sound
    assert items.sound
    assert totals.summary.pairings_rated == items.summary.pairings_rated == 150
    assert totals.implausible == items.implausible == ()


def test_the_same_practice_with_a_wrong_metric_gets_one(tmp_path: Path) -> None:
    write(simulate(SETTINGS, the_practice()), tmp_path)
    path = tmp_path / "ratings.csv"
    ratings = pd.read_csv(path)
    of_srs = ratings["instrument"] == "srs_v3"
    assert of_srs.sum() > 5
    ratings.loc[of_srs, "score"] /= 4
    ratings.to_csv(path, index=False)
    [warning] = check_tables(tmp_path, the_practice(), SETTINGS.exported_on).implausible
    assert warning.kind == "scale"


def test_answers_are_written_as_on_paper() -> None:
    one = pd.DataFrame({"instrument": ["wai_s"] * 400, "metric": "sum", "score": 60.0})
    items = as_items(one, SETTINGS, the_practice())
    assert set(items["metric"]) == {"items"}
    assert items["score"].isna().all()
    scored = items[[f"item_{n}" for n in range(1, 13)]].corr().to_numpy()
    assert scored[3, 0] < 0 < scored[3, 9]
