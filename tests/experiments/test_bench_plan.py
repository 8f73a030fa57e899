"""What the benchmark prints of a plan."""

from pathlib import Path

import pandas as pd

from experiments.bench.plan_costs import plan_cost
from recommender.settings import Settings

COPIES = 40


def test_memory_is_of_each_clinician_and_not_of_the_roster(
    settings: Settings, tmp_path: Path
) -> None:
    assert settings.bundle is not None
    assert settings.roster is not None
    some = pd.read_csv(settings.roster, dtype=str, keep_default_na=False)
    copies = pd.concat([some] * COPIES, ignore_index=True)
    copies["clinician_id"] = [f"c{row}" for row in range(len(copies))]
    copies.to_csv(tmp_path / "many.csv", index=False)
    few, many = (
        plan_cost(settings.bundle, roster) for roster in (settings.roster, tmp_path / "many.csv")
    )
    assert many.milliseconds > 0
    assert 100 < many.bytes_a_clinician < few.bytes_a_clinician
