"""A draw that may read the store is not computed where it would hold up everybody else."""

from recommender.journal.trials import start_trial
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.trial_draws import TrialDraws
from recommender.store.database import Store
from recommender.trial.protocol import TrialProtocol

ASKED = ParsedRequest("c1", {}, {}, 5, None)
LONG = 3600.0


def test_without_a_trial_a_draw_reads_the_store_only_now_and_then(a_store: Store) -> None:
    draws = TrialDraws(a_store, LONG)
    assert draws.reads_store
    assert draws.draw(ASKED, "r1") is None
    assert not draws.reads_store


def test_in_a_trial_any_draw_may_read_the_store(a_store: Store) -> None:
    protocol = TrialProtocol("corner", 0.2, 700, 1030, (0.5, 1.0), 0.05, 0.25)
    with a_store.writing() as connection:
        start_trial(connection, protocol.to_json(), digest=protocol.digest, actor="owner")
    draws = TrialDraws(a_store, LONG)
    drawn = draws.draw(ASKED, "r1")
    assert drawn is not None
    assert drawn.chance == 0.25
    assert draws.reads_store


def test_a_server_without_a_store_has_nothing_to_read() -> None:
    draws = TrialDraws(None, LONG)
    assert draws.draw(ASKED, "r1") is None
    assert not draws.reads_store
