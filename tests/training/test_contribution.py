"""What a practice shares: exact, of enough people, and of nobody in particular."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import DenseBlock
from recommender.model.mixed.fit import fit_mixed_at
from recommender.pooling.practice_contribution import MATCHES, SIZES, contribution_from
from recommender.training.contribution import (
    SharingSettings,
    contribution_of,
    first_days,
    last_started,
)
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit_preparation import prepare
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import Rows, a_practice, some_rows, tables_of
from tests.support.contributions import a_contribution, a_key

SHARED = SharingSettings("Corner", MATCHES, "2026-11-29")


def a_dataset_of(rows: Rows) -> Dataset:
    return dataset_of(tables_of(rows), a_practice())


def test_with_the_practice_s_own_prior_it_gives_the_slopes_of_its_own_fit() -> None:
    dataset = a_dataset_of(some_rows(pairings=560, seed=1))
    prepared = prepare(dataset, np.arange(len(dataset)), FitSettings())
    learned, fit, frame = prepared.learned, prepared.additive.fit, prepared.additive.frame
    prior = 0.3
    others = [
        block
        for block in frame.blocks(learned.rows, learned.clinician_index)
        if block.name not in ("matches", "evidence")
    ]
    own = fit_mixed_at(
        learned.residual,
        [*others, DenseBlock("slopes", np.nan_to_num(learned.rows.match))],
        variances={**fit.variances, "slopes": prior},
        sigma2=fit.sigma2,
        tau2=fit.tau2,
        weights=learned.weight,
        group=learned.pairs.client.astype(np.int64),
    )
    said = a_contribution(1).equations
    slopes = np.linalg.solve(said.precision + np.eye(2) / prior, said.score)

    # Blocks at the lower bound of their variance are left out, and not fitted at it.
    assert slopes == pytest.approx(own.coefficients["slopes"], abs=1e-6)


def test_a_written_contribution_is_read_as_it_is() -> None:
    own = a_contribution(1)
    again = contribution_from(own.to_json(), "file")

    assert again.digest == own.digest
    assert [column.name for column in again.columns] == ["offers_wanted", "guidance_apart"]
    assert again.clinicians == 12


def test_neither_an_id_nor_a_day_of_a_person_is_in_it() -> None:
    rows = some_rows(pairings=560, seed=1)
    text = str(a_contribution(1).to_json())

    ids = [str(row["client_id"]) for row in rows["clients"]]
    ids += [str(row["clinician_id"]) for row in rows["clinicians"]]
    assert not [each for each in ids if each in text]
    assert not [row for row in rows["pairings"] if str(row["started_on"]) in text]


def test_fewer_than_three_hundred_ratings_are_not_shared() -> None:
    dataset = a_dataset_of(some_rows(pairings=300))
    with pytest.raises(RecommenderError, match="and 300 are needed to share"):
        contribution_of(dataset, SHARED, a_key(1))


def test_a_match_that_few_clients_have_is_left_out() -> None:
    rows = some_rows(pairings=560, seed=1)
    few = [
        row if place % 70 == 0 else row | {"wanted": ""}
        for place, row in enumerate(rows["clients"])
    ]
    own = contribution_of(a_dataset_of({**rows, "clients": few}), SHARED, a_key(1))

    assert [column.name for column in own.columns] == ["guidance_apart"]


def test_a_match_that_one_clinician_explains_is_left_out() -> None:
    rows = some_rows(pairings=560, seed=1)
    alone = [
        row | {"guides": "5" if place else "1"} for place, row in enumerate(rows["clinicians"])
    ]
    wish = [row | {"directive": "5"} for row in rows["clients"]]
    changed = {**rows, "clinicians": alone, "clients": wish}
    own = contribution_of(a_dataset_of(changed), SHARED, a_key(1))

    assert [column.name for column in own.columns] == ["offers_wanted"]


def test_a_table_of_sizes_has_the_estimate_and_its_error_of_each_match() -> None:
    dataset = a_dataset_of(some_rows(pairings=560, seed=1))
    sizes = contribution_of(dataset, replace(SHARED, content=SIZES), a_key(1))
    whole = a_contribution(1).equations
    covariance = np.linalg.inv(whole.precision)
    content = sizes.to_json()

    assert content["precision"] is None
    assert content["size"] == pytest.approx(covariance @ whole.score, rel=1e-6)
    assert content["standard_error"] == pytest.approx(np.sqrt(np.diagonal(covariance)), rel=1e-6)
    assert contribution_from(content, "file").digest == sizes.digest


def test_noise_is_stated_and_differs_each_time_unless_it_is_seeded() -> None:
    dataset = a_dataset_of(some_rows(pairings=560, seed=1))
    noisy = replace(SHARED, epsilon=3.0)
    one, other = (contribution_of(dataset, noisy, a_key(1)) for _ in range(2))
    seeded = [contribution_of(dataset, replace(noisy, noise_seed=7), a_key(1)) for _ in range(2)]

    assert one.noise is not None
    assert (one.noise.epsilon, one.noise.delta) == (3.0, 1e-5)
    assert not np.array_equal(one.equations.score, other.equations.score)
    assert np.array_equal(seeded[0].equations.score, seeded[1].equations.score)
    assert contribution_from(one.to_json(), "file").digest == one.digest
    assert np.trace(one.usable.precision) < np.trace(one.equations.precision)


def test_what_cannot_be_asked_for_is_refused() -> None:
    cases: dict[str, dict[str, Any]] = {
        "cannot name a contributor": {"contributor": "a|b"},
        "is not known": {"content": "everything"},
        "is no privacy budget": {"epsilon": 0.0},
        "matches` alone": {"content": SIZES, "epsilon": 3.0},
    }
    for problem, change in cases.items():
        with pytest.raises(RecommenderError, match=problem):
            replace(SHARED, **change)


def test_the_days_that_decide_a_second_contribution() -> None:
    dataset = a_dataset_of(some_rows(pairings=560, seed=1))
    starts = dataset.started[dataset.pairs.client == dataset.pairs.client[-1]]

    assert len(first_days(dataset)) == len(np.unique(dataset.pairs.client))
    assert starts.min() in first_days(dataset)
    assert np.datetime64(last_started(dataset)) >= np.datetime64(int(dataset.started.max()), "D")
