"""A practice's first day: no rating yet, and still an order that says what it rests on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle import load_bundle, save_bundle
from recommender.features.pipeline import Pairs
from recommender.manifest import EVIDENCE_PRIOR
from recommender.model import AllianceModel
from recommender.prior import evidence_model
from recommender.recommend import recommend
from tests.builders import DAY, a_practice, a_roster, an_intake


def a_first_day() -> AllianceModel:
    roster = a_roster()
    return evidence_model(
        a_practice(), roster.columns, roster.ids, data_digest="none", created_at=""
    )


def test_without_ratings_the_therapy_asked_for_leads_and_the_mode_says_so() -> None:
    model = a_first_day()
    answer = recommend(an_intake(wanted=["emdr"]), model.standing(a_roster()), model, day=DAY)
    offers = a_roster().columns["offers"][:, a_practice().clinician["offers"].levels.index("emdr")]
    first = a_roster().ids.index(answer.shortlist[0].clinician_id)

    assert answer.mode == EVIDENCE_PRIOR
    assert offers[first] == 1


def test_the_order_is_that_of_the_declared_sizes_in_points() -> None:
    model, intake = a_first_day(), an_intake()
    standing = model.standing(a_roster())
    scores = model.score(intake.client, standing)
    rows, _ = model.rows(intake.client, standing, Pairs.of_one(len(a_roster())))
    # WAI-SR, mean of 1 to 5: a standard deviation of .18 POMP is .72 points.
    sizes = 4 * a_practice().reference.reference_sd * np.array([0.2, -0.1])  # type: ignore[operator]

    assert scores.pairing == pytest.approx(np.nan_to_num(rows.match) @ sizes)


def test_every_client_is_expected_at_the_mean_of_the_instrument() -> None:
    model = a_first_day()
    scores = model.score(an_intake().client, model.standing(a_roster()))
    mean = a_practice().reference.reference_mean

    assert mean is not None
    assert scores.client == pytest.approx(np.full(len(a_roster()), 1 + 4 * mean))


def test_its_range_is_that_of_the_instrument_since_nothing_was_measured() -> None:
    model = a_first_day()
    low, high = model.range_of(model.score(an_intake().client, model.standing(a_roster())))

    # 90 % of a normal distribution lies within 1.645 standard deviations of .72 points.
    assert (high - low) / 2 == pytest.approx(1.6449 * 0.72, abs=0.02)


def test_it_comes_apart_into_contributions_like_any_model() -> None:
    model, client = a_first_day(), an_intake().client
    standing, pairs = model.standing(a_roster()), Pairs.of_one(len(a_roster()))
    parts = model.contributions(client, standing, pairs)

    whole = parts.start + parts.values.sum(axis=1)
    assert whole == pytest.approx(model.score(client, standing).alliance, abs=1e-9)


def test_it_is_a_bundle_like_any_model(tmp_path: Path) -> None:
    model = a_first_day()
    save_bundle(replace(model, report={"mode": EVIDENCE_PRIOR}), tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    standing = again.standing(a_roster())

    assert again.manifest.mode == EVIDENCE_PRIOR
    assert np.array_equal(
        again.score(an_intake().client, standing).pairing,
        model.score(an_intake().client, standing).pairing,
    )
