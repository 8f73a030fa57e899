"""A writer killed while it writes loses nothing that was acknowledged and leaves nothing half."""

import pytest

from experiments.trust.kills import Outcome, kill_writers
from recommender.store.database import Store


@pytest.mark.both_databases("locks")
@pytest.mark.long
def test_what_was_acknowledged_is_there_once_after_every_kill(
    a_store_url: str, a_store: Store
) -> None:
    outcome = kill_writers(a_store_url, cycles=8)
    assert outcome.clean, outcome
    assert outcome.acknowledged > outcome.cycles, "no writer lived to write"


def test_an_outcome_with_anything_wrong_is_not_clean() -> None:
    clean = {"lost": 0, "doubled": 0, "half": 0, "unexplained": 0, "chain_holds": True}
    said = {"database": "sqlite", "cycles": 8, "acknowledged": 99, "seconds": 1.0}
    assert Outcome(**said, **clean).clean  # type: ignore[arg-type]
    for name in clean:
        wrong = clean | {name: name != "chain_holds"}
        assert not Outcome(**said, **wrong).clean  # type: ignore[arg-type]
