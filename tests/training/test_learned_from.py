"""A model that starts from a pool: others' slopes until its own ratings say otherwise."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import MODEL, POOLED_PRIOR
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.model.card import card_of
from recommender.pooling.pool import Pool
from recommender.pooling.pooled_slopes import slope_prior
from recommender.registry.registry import Registry
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from recommender.training.fit_preparation import prepare
from recommender.training.run import train
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import (
    a_practice,
    a_roster,
    an_intake,
    some_rows,
    some_tables,
    write_rows,
)
from tests.support.contributions import a_contribution, an_invented_contribution
from tests.support.registries import empty_registry

NOW = datetime(2026, 11, 29, tzinfo=UTC)
QUICK = FitSettings(folds=3)


def a_pool() -> Pool:
    return Pool((a_contribution(1), a_contribution(2)))


def a_small_practice() -> Dataset:
    return dataset_of(some_tables(pairings=80, seed=9, noise=150), a_practice())


def test_with_few_noisy_ratings_its_slopes_are_those_that_others_are_sure_of() -> None:
    own = a_contribution(1)
    sure = replace(
        own,
        ratings=1000 * own.ratings,
        equations=replace(
            own.equations,
            precision=1000 * own.equations.precision,
            score=1000 * own.equations.score,
        ),
    )
    pool = Pool((sure,), between=0.0)
    model = fit(a_small_practice(), settings=replace(QUICK, pool=pool)).model
    estimate = np.linalg.solve(own.equations.precision, own.equations.score)

    assert model.additive.match_slopes == pytest.approx(estimate, rel=0.02)
    assert model.manifest.mode == MODEL
    assert [each.contributor for each in model.manifest.learned_from] == ["Corner 1"]


def test_it_is_stored_and_comes_apart_like_any_model(tmp_path: Path) -> None:
    model = fit(a_small_practice(), settings=replace(QUICK, pool=a_pool())).model
    save_bundle(model, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    client, pairs = an_intake().client, Pairs.of_one(len(a_roster()))
    encoding = model.encode_roster(a_roster())
    one, other = (each.prepare(client, encoding, pairs) for each in (model, again))
    parts = again.contributions_of(other)
    first, last = np.array([0]), np.array([1])

    assert np.array_equal(model.score_of(one).alliance, again.score_of(other).alliance)
    assert model.ahead(one, first, last) == again.ahead(other, first, last)
    assert parts.start + parts.values.sum(axis=1) == pytest.approx(again.score_of(other).alliance)
    assert again.manifest.learned_from == model.manifest.learned_from
    assert "Corner 2" in str(card_of(again))


def test_its_draws_are_those_of_its_slopes() -> None:
    dataset = a_small_practice()
    everyone = np.arange(len(dataset))
    prepared = prepare(dataset, everyone, replace(QUICK, pool=a_pool()))
    additive = prepared.additive
    drawn = additive.draws["matches"] / additive.frame.match.interval[:, None]
    informed = slope_prior(
        a_pool(),
        a_practice(),
        float(prepared.labels.alliance.std()),
        additive.frame.match.interval,
    )

    # Own ratings make the slopes surer than others' contributions alone did.
    assert (drawn.std(axis=1) < 1.2 * np.sqrt(np.diagonal(informed.covariance))).all()
    assert not additive.draws["evidence"].any()


@pytest.mark.slow
def test_a_practice_without_ratings_serves_what_others_contributed(tmp_path: Path) -> None:
    rows = some_rows(pairings=60)
    write_rows(tmp_path, {**rows, "ratings": rows["ratings"][:1]})
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    trained = train(
        tmp_path, a_practice(), registry, now=NOW, settings=replace(QUICK, pool=a_pool())
    )
    interval = 4 * (a_practice().reference.reference_sd or 0)

    assert trained.model.manifest.mode == POOLED_PRIOR
    assert trained.model.additive.match_slopes == pytest.approx(
        slope_prior(a_pool(), a_practice(), interval).mean
    )


@pytest.mark.slow
def test_a_pool_of_other_practices_stops_a_training_before_it_learns(tmp_path: Path) -> None:
    write_rows(tmp_path, some_rows(pairings=60))
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    pool = Pool((an_invented_contribution(1),))
    with pytest.raises(RecommenderError, match="rate something else"):
        train(tmp_path, a_practice(), registry, now=NOW, settings=replace(QUICK, pool=pool))
