"""What a model gains on the simulated practice it belongs to, where the truth is known."""

from pathlib import Path

import pytest

from experiments.simulated_practice.write import write
from experiments.true_gain import true_gain
from recommender.model.evidence_prior import evidence_model
from recommender.tables.loader import read_tables
from tests.support.simulated_world import a_world, the_practice


@pytest.mark.slow
def test_an_order_by_the_declared_sizes_gains_something_and_not_everything(tmp_path: Path) -> None:
    write(a_world(), tmp_path)
    tables = read_tables(tmp_path, the_practice(), None)
    model = evidence_model(
        the_practice(), tables.clinicians, tables.clinician_ids, data_digest="", created_at=""
    )

    gain = true_gain(tmp_path, model)

    assert set(gain) == {"cap_share", "share"}
    assert all(0.1 < value < 1.0 for value in gain.values())
