"""A practice's first day: no rating yet, and still an order that says what it rests on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.features.pipeline import Pairs
from recommender.model.additive import DRAWS, EXPECTED, UNSURE_EVIDENCE, SlopePrior
from recommender.model.alliance_model import (
    EVIDENCE_PRIOR,
    POOLED_PRIOR,
    AllianceModel,
    LearnedFrom,
)
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.model.evidence_prior import evidence_model
from recommender.recommendation.recommend import recommend
from tests.support.builders import DAY, a_practice, a_roster, an_intake


def a_first_day() -> AllianceModel:
    roster = a_roster()
    return evidence_model(
        a_practice(), roster.columns, roster.ids, data_digest="none", created_at=""
    )


def test_without_ratings_the_therapy_asked_for_leads_and_the_mode_says_so() -> None:
    model = a_first_day()
    answer = recommend(an_intake(wanted=["emdr"]), model.encode_roster(a_roster()), model, day=DAY)
    offers = a_roster().columns["offers"][:, a_practice().clinician["offers"].levels.index("emdr")]
    first = a_roster().ids.index(answer.shortlist[0].clinician_id)

    assert answer.mode == EVIDENCE_PRIOR
    assert offers[first] == 1


def test_the_order_is_that_of_the_declared_sizes_in_points() -> None:
    model, intake = a_first_day(), an_intake()
    encoding = model.encode_roster(a_roster())
    scores = model.score(intake.client, encoding)
    rows, _ = model.rows(intake.client, encoding, Pairs.of_one(len(a_roster())))
    # WAI-SR, mean of 1 to 5: a standard deviation of .18 POMP is .72 points.
    sizes = 4 * a_practice().reference.reference_sd * np.array([0.2, -0.1])  # type: ignore[operator]

    assert scores.pairing == pytest.approx(np.nan_to_num(rows.match) @ sizes)


def test_every_client_is_expected_at_the_mean_of_the_instrument() -> None:
    model = a_first_day()
    scores = model.score(an_intake().client, model.encode_roster(a_roster()))
    mean = a_practice().reference.reference_mean

    assert mean is not None
    assert scores.client == pytest.approx(np.full(len(a_roster()), 1 + 4 * mean))


def test_its_range_is_that_of_the_instrument_since_nothing_was_measured() -> None:
    model = a_first_day()
    low, high = model.interval_of(model.score(an_intake().client, model.encode_roster(a_roster())))

    # 90 % of a normal distribution lies within 1.645 standard deviations of .72 points.
    assert (high - low) / 2 == pytest.approx(1.6449 * 0.72, abs=0.02)


def test_it_comes_apart_into_contributions_like_any_model() -> None:
    model, client = a_first_day(), an_intake().client
    encoding, pairs = model.encode_roster(a_roster()), Pairs.of_one(len(a_roster()))
    parts = model.contributions(client, encoding, pairs)

    whole = parts.start + parts.values.sum(axis=1)
    assert whole == pytest.approx(model.score(client, encoding).alliance, abs=1e-9)


def test_it_is_a_bundle_like_any_model(tmp_path: Path) -> None:
    model = a_first_day()
    save_bundle(model, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    encoding = again.encode_roster(a_roster())

    assert again.manifest.mode == EVIDENCE_PRIOR
    assert np.array_equal(
        again.score(an_intake().client, encoding).pairing,
        model.score(an_intake().client, encoding).pairing,
    )


def test_it_says_how_sure_it_is_of_one_before_another_without_any_rating() -> None:
    model, client = a_first_day(), an_intake(wanted=["emdr"]).client
    encoding = model.encode_roster(a_roster())
    prepared = model.prepare(client, encoding, Pairs.of_one(len(a_roster())))
    pairing = model.score_of(prepared).pairing
    first, last = np.array([pairing.argmax()]), np.array([pairing.argmin()])
    ahead = model.ahead(prepared, first, last)[0]

    assert pairing[first] > pairing[last]
    assert 0.5 < ahead < 0.99
    assert model.ahead(prepared, last, first)[0] == pytest.approx(1 - ahead)
    assert model.ahead(prepared, first, first).tolist() == [0.5]


def test_its_doubt_is_that_about_the_sizes_and_about_each_clinician_nobody_has_rated() -> None:
    model = a_first_day()
    interval = 4 * a_practice().reference.reference_sd  # type: ignore[operator]
    draws = model.additive.draws

    assert {block.dtype.name for block in draws.values()} == {"float32"}
    assert {block.shape[1] for block in draws.values()} == {DRAWS}
    assert draws["evidence"].std() == pytest.approx(UNSURE_EVIDENCE, rel=0.2)
    each = np.sqrt(EXPECTED["clinicians"]) * interval
    assert draws["clinicians"].std() == pytest.approx(each, rel=0.1)
    assert not draws["matches"].any()
    assert model.additive.unknown == pytest.approx(each**2)


def test_the_same_seed_is_as_sure() -> None:
    one, other = a_first_day().additive.draws, a_first_day().additive.draws

    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_a_practice_that_declares_no_size_is_sure_of_no_order() -> None:
    practice = a_practice()
    matches = {name: replace(match, prior=0.0) for name, match in practice.matches.items()}
    silent, roster = replace(practice, matches=matches), a_roster()
    model = evidence_model(silent, roster.columns, roster.ids, data_digest="none", created_at="")
    prepared = model.prepare(
        an_intake().client, model.encode_roster(roster), Pairs.of_one(len(roster))
    )
    one, other = np.divmod(np.arange(144), 12)

    assert model.ahead(prepared, one, other).tolist() == [0.5] * 144


def test_it_learned_from_no_day_so_that_any_later_rating_can_judge_it() -> None:
    manifest = a_first_day().manifest

    assert manifest.known_until is None
    assert (manifest.ratings, manifest.pairings, manifest.left_unrated) == (0, 0, 0)
    assert a_first_day().survivor_offset == 0


def a_newcomer() -> AllianceModel:
    """A first day with what other practices contributed: wishes count less, distance more."""
    roster = a_roster()
    informed = SlopePrior(np.array([0.05, -0.4]), np.array([[0.01, 0.002], [0.002, 0.04]]))
    return evidence_model(
        a_practice(),
        roster.columns,
        roster.ids,
        data_digest="none",
        created_at="",
        informed=informed,
        learned_from=(LearnedFrom("Practice by the river", "0" * 64, 900, 870, 1.0),),
    )


def test_a_newcomer_orders_by_what_others_contributed_and_says_so() -> None:
    model, intake = a_newcomer(), an_intake()
    encoding = model.encode_roster(a_roster())
    rows, _ = model.rows(intake.client, encoding, Pairs.of_one(len(a_roster())))
    answer = recommend(intake, encoding, model, day=DAY)

    assert answer.mode == POOLED_PRIOR
    assert model.score(intake.client, encoding).pairing == pytest.approx(
        np.nan_to_num(rows.match) @ np.array([0.05, -0.4])
    )


def test_a_newcomer_is_as_sure_as_others_contributions_make_it() -> None:
    model = a_newcomer()
    drawn = model.additive.draws["matches"].astype(np.float64)

    assert np.cov(drawn) == pytest.approx(np.array([[0.01, 0.002], [0.002, 0.04]]), abs=0.01)
    assert not model.additive.draws["evidence"].any()


def test_a_newcomer_s_bundle_names_the_contributors(tmp_path: Path) -> None:
    model = a_newcomer()
    save_bundle(model, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")

    assert again.manifest.mode == POOLED_PRIOR
    assert again.manifest.learned_from == model.manifest.learned_from
    assert (
        "learned_from"
        not in (_saved(a_first_day(), tmp_path / "other") / "manifest.json").read_text()
    )


def _saved(model: AllianceModel, folder: Path) -> Path:
    save_bundle(model, folder)
    return folder
