"""Looks are taken when due, end for benefit or harm, and a report claims what they found."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.trial.looks import BENEFIT, CONTINUE, HARM, NO_DIFFERENCE, look_at
from recommender.trial.protocol import TrialClients, TrialProtocol
from recommender.trial.report import report_of

PROTOCOL = TrialProtocol("corner", 0.3, 400, 600, (0.5, 0.75, 1.0), 0.05, 0.5)


def clients(n: int, effect: float, seed: int = 2, leavers: float = 0.3) -> TrialClients:
    rng = np.random.default_rng(seed)
    arm = (rng.random(n) < 0.5).astype(np.float64)
    part, whom = rng.normal(size=n), rng.integers(0, 12, n)
    rating = 4 + effect * arm + 0.4 * part + rng.normal(size=12)[whom] * 0.2 + rng.normal(size=n)
    left = rng.random(n) < leavers
    rating[left] = np.nan
    return TrialClients(arm, rating, part, whom, left, rng.random(n) < np.where(arm == 1, 0.7, 0.1))


def test_a_look_before_it_is_due_is_refused_with_the_number_needed() -> None:
    with pytest.raises(RecommenderError, match="200 are needed"):
        look_at(clients(200, 0.0), PROTOCOL, [])
    with pytest.raises(RecommenderError, match="300 are needed"):
        look_at(clients(380, 0.0), PROTOCOL, [210])


@pytest.mark.parametrize(("effect", "decision"), [(1.0, BENEFIT), (-0.6, HARM), (0.0, CONTINUE)])
def test_the_first_look_ends_for_large_effects_alone(effect: float, decision: str) -> None:
    assert look_at(clients(300, effect), PROTOCOL, []).decision == decision


def test_the_last_look_says_where_nothing_is_shown() -> None:
    found = look_at(clients(640, 0.0), PROTOCOL, [200, 300])
    assert found.decision == NO_DIFFERENCE
    low, high = found.interval
    assert low < 0.0 < high


def test_a_trial_ended_early_takes_its_last_look_at_once() -> None:
    found = look_at(clients(120, 0.0), PROTOCOL, [], last=True)
    assert found.decision == NO_DIFFERENCE


def test_a_claim_agrees_with_its_interval() -> None:
    for effect in (1.0, -0.6):
        low, high = look_at(clients(300, effect), PROTOCOL, []).interval
        assert low * high > 0.0


def test_too_few_clinicians_are_no_trial() -> None:
    few = clients(320, 0.5)
    with pytest.raises(RecommenderError, match="1 clinicians"):
        look_at(replace(few, clinician=np.zeros(320, dtype=np.intp)), PROTOCOL, [])


def test_the_report_counts_everybody_and_imputes_who_left() -> None:
    everybody = clients(640, 0.5)
    look = look_at(everybody, PROTOCOL, [])
    report = report_of(everybody, PROTOCOL, look)
    assert report.model.randomised + report.usual.randomised == 640
    assert report.leavers_imputed.clients == 640
    assert report.rated_alone.clients == look.rated
    assert report.sentence.startswith("Clients shown the model's order rated the early alliance hi")
    assert report.compliers is not None
    assert report.compliers.estimate > report.rated_alone.estimate


def test_leaving_more_in_one_arm_is_seen_where_leavers_are_imputed() -> None:
    """Without an effect on ratings, an order that loses more clients is the worse one."""
    everybody = clients(900, 0.0, leavers=0.1)
    gone = (everybody.arm == 1) & (np.arange(900) % 2 == 0)
    lost = replace(
        everybody,
        rating=np.where(gone, np.nan, everybody.rating),
        left=everybody.left | gone,
    )
    report = report_of(lost, PROTOCOL, look_at(lost, PROTOCOL, []))
    assert report.leavers_imputed.high < 0.0 < report.rated_alone.high


def test_nothing_shown_is_no_claim() -> None:
    everybody = clients(640, 0.0)
    report = report_of(everybody, PROTOCOL, look_at(everybody, PROTOCOL, [200, 300]))
    assert report.sentence.startswith("The trial does not show a difference")


def test_a_protocol_is_read_back_with_its_digest() -> None:
    again = TrialProtocol.from_json(PROTOCOL.to_json())
    assert (again, again.digest) == (PROTOCOL, PROTOCOL.digest)
