"""Looks are taken when due, end for benefit or harm, and a report claims what they found."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import ConflictError, RecommenderError
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


def test_a_few_clinicians_are_a_trial_of_these_alone() -> None:
    few = replace(clients(320, 1.0), clinician=np.arange(320) % 3)
    look = look_at(few, PROTOCOL, [])
    report = report_of(few, PROTOCOL, look)
    assert (look.decision, look.beyond, report.beyond) == (BENEFIT, None, None)
    assert "holds for the clinicians of this trial" in report.sentence


def test_a_claim_says_whether_it_also_holds_of_other_clinicians() -> None:
    """Ratings differ by clinician alone, and the model's order brings clients to the better."""
    everybody = clients(640, 0.0)
    whom = np.where(everybody.arm == 1.0, np.arange(640) % 3, np.arange(640) % 9)
    own = np.array([1.6, -0.4, 0.6, 0.4, -0.6, -1.2, 0.8, -0.7, -0.5])
    differing = replace(everybody, clinician=whom, rating=everybody.rating + own[whom])
    report = report_of(differing, PROTOCOL, look_at(differing, PROTOCOL, [200, 300]))
    assert report.decision == BENEFIT
    assert report.beyond is not None
    assert report.beyond.low < 0.0 < report.rated_alone.low
    assert "for others it is not shown" in report.sentence
    alike = clients(640, 1.0)
    shown = report_of(alike, PROTOCOL, look_at(alike, PROTOCOL, [200, 300]))
    assert "other clinicians the interval excludes 0 as well" in shown.sentence


def test_a_trial_that_registered_another_analysis_is_not_looked_at() -> None:
    other = replace(PROTOCOL, primary="Mean difference; variance CR2 by clinician.")
    with pytest.raises(ConflictError, match="registers another analysis"):
        look_at(clients(320, 0.5), other, [])


@pytest.mark.parametrize("rise", [0.0, 2.0])
def test_clinicians_who_differ_and_ratings_that_rise_do_not_make_claims(rise: float) -> None:
    """Arms with caseloads far apart, clinicians far apart, and no effect of the order."""
    own = np.array([0.9, 0.0, -0.9, 0.6, -0.6, 0.3, -0.3, 0.2, -0.2])
    claims = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        arm = (rng.random(400) < 0.5).astype(np.float64)
        whom = np.where(arm == 1, rng.integers(0, 3, 400), rng.integers(3, 9, 400))
        rating = 4.0 + own[whom] + rise * np.linspace(0, 1, 400) + rng.normal(size=400)
        none = np.zeros(400, dtype=np.bool_)
        trial = TrialClients(arm, rating, rng.normal(size=400), whom, none, none)
        claims += look_at(trial, PROTOCOL, [200, 300]).decision in (BENEFIT, HARM)
    # The last look alone crosses by chance in .034; 14 of 200 or fewer in .99 of such tests.
    assert claims <= 14


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
