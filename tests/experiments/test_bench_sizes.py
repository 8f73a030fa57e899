"""Sizes of default answers of the shipped practice, for rosters of usual and of great size."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.bench.__main__ import simulated
from experiments.bench.sizes import LIMITS, SHOWN_TO, measured

CLIENTS = 15
LARGEST = 13_000
"""Bytes of the answer to the fullest request, where a client's answers meet most constraints."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("sizes"), max(LIMITS), 200)


@pytest.mark.parametrize("clinicians", LIMITS)
@pytest.mark.long
def test_an_answer_is_small_unless_more_is_asked_for(
    tables: Path, tmp_path: Path, clinicians: int
) -> None:
    everyone = pd.read_csv(tables / "clinicians.csv", dtype=str, keep_default_na=False)
    everyone.head(clinicians).to_csv(tmp_path / "clinicians.csv", index=False)
    (tmp_path / "clients.csv").symlink_to(tables / "clients.csv")
    found = list(measured(tmp_path, clinicians, CLIENTS))
    assert [each.role for each in found] == list(SHOWN_TO)
    for each in found:
        assert each.demo <= LIMITS[clinicians]
        assert each.median <= LIMITS[clinicians]
        assert each.largest <= LARGEST
        assert each.packed < each.demo / 3
        assert each.whole > 5 * each.demo
