import json
import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock
from recommender.model.mixed.fit import MixedFit, fit_mixed, fit_mixed_at, fit_without
from tests.support.mixed_data import a_practice, blocks_of, dense_deviance

SEEDS = st.integers(0, 10_000)


def close(one: MixedFit, other: MixedFit, tolerance: float = 1e-9) -> None:
    for name in one.names:
        np.testing.assert_allclose(
            one.coefficients[name], other.coefficients[name], rtol=0, atol=tolerance
        )
    assert one.sigma2 == pytest.approx(other.sigma2, rel=tolerance)
    assert one.tau2 == pytest.approx(other.tau2, rel=tolerance, abs=tolerance)
    for name, value in one.variances.items():
        assert value == pytest.approx(other.variances[name], rel=tolerance, abs=tolerance)


def test_a_random_clinician_with_fixed_matches_agrees_with_statsmodels() -> None:
    # Late: every worker of a parallel run collects this module, and one runs it.
    import statsmodels.formula.api as smf

    y, matches, clinician, _ = a_practice()
    frame = pd.DataFrame({"y": y, "a": matches[:, 0], "b": matches[:, 1], "c": clinician})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = smf.mixedlm("y ~ a + b", frame, groups="c").fit(reml=True, gtol=1e-10)
    free = DenseBlock("matches", matches, penalised=False)
    fit = fit_mixed(y, [free, IndexBlock("clinician", clinician, 12)])
    assert fit.converged
    assert fit.sigma2 == pytest.approx(oracle.scale, rel=1e-3)
    assert fit.variances["clinician"] == pytest.approx(oracle.cov_re.iloc[0, 0], rel=1e-3)
    assert fit.intercept == pytest.approx(oracle.fe_params["Intercept"], abs=1e-4)
    np.testing.assert_allclose(fit.coefficients["matches"], oracle.fe_params[["a", "b"]], atol=1e-4)
    effects = [float(oracle.random_effects[c].iloc[0]) for c in range(12)]
    np.testing.assert_allclose(fit.coefficients["clinician"], effects, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_crossed_clinician_and_client_agree_with_the_dense_likelihood(weighted: bool) -> None:
    y, matches, clinician, client = a_practice(n=90, clients=30, clinicians=8)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 90) if weighted else np.ones(90)
    known = (y, matches, clinician, client, weights)
    oracle = minimize(
        dense_deviance, np.log([0.1, 0.2, 0.3, 0.5]), known, "L-BFGS-B", options={"ftol": 1e-14}
    )
    blocks = blocks_of(matches, clinician, 8)
    fit = fit_mixed(y, blocks, group=client, weights=weights)
    found = [fit.variances["matches"], fit.variances["clinician"], fit.tau2, fit.sigma2]
    np.testing.assert_allclose(found, np.exp(oracle.x), rtol=1e-3)
    assert fit.log_evidence == pytest.approx(-oracle.fun / 2, abs=1e-6)
    cover = np.diag(fit.sigma2 / weights) + found[0] * matches @ matches.T
    cover += found[1] * (clinician[:, None] == clinician) + fit.tau2 * (client[:, None] == client)
    pull = np.linalg.solve(cover, y - fit.intercept)
    assert np.sum(pull) == pytest.approx(0, abs=1e-8)
    by_clinician = [found[1] * pull[clinician == c].sum() for c in range(8)]
    np.testing.assert_allclose(fit.coefficients["clinician"], by_clinician, atol=1e-8)
    by_client = [fit.tau2 * pull[client == c].sum() for c in fit.client_codes]
    np.testing.assert_allclose(fit.client_effects, by_client, atol=1e-8)


def test_clients_of_one_weight_are_summed_once_with_the_same_result() -> None:
    # 300 clients with one row are more than the columns, so their cross-product is kept.
    y, matches, clinician, client = a_practice(n=400, clients=50)
    client[:300] = 1000 + np.arange(300)
    blocks = blocks_of(matches, clinician)
    kept = fit_mixed(y, blocks, group=client)
    unequal = np.linspace(1, 1 + 4e-11, 400)
    close(kept, fit_mixed(y, blocks, group=client, weights=unequal), 1e-8)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    y, matches, clinician, client = a_practice(seed)
    order = np.random.default_rng(seed).permutation(y.size)
    one = fit_mixed(y, blocks_of(matches, clinician), group=client)
    shuffled = blocks_of(matches[order], clinician[order])
    close(one, fit_mixed(y[order], shuffled, group=client[order]))


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(-50, 50))
def test_adding_a_constant_moves_only_the_intercept(seed: int, constant: float) -> None:
    y, matches, clinician, client = a_practice(seed)
    blocks = blocks_of(matches, clinician)
    one, moved = (fit_mixed(y + c, blocks, group=client) for c in (0.0, constant))
    close(one, moved)
    assert moved.intercept - one.intercept == pytest.approx(constant, abs=1e-9)


def test_the_same_data_give_the_same_bytes() -> None:
    y, matches, clinician, client = a_practice()
    one, two = (fit_mixed(y, blocks_of(matches, clinician), group=client) for _ in range(2))
    for name, array in one.to_arrays()[0].items():
        assert array.tobytes() == two.to_arrays()[0][name].tobytes()


def test_a_level_without_rows_adds_nothing() -> None:
    y, matches, clinician, _ = a_practice()
    fit = fit_mixed(y, blocks_of(matches, clinician, 14))
    new = IndexBlock("clinician", np.array([12, 13, -1, 99]), 100)
    assert fit.terms([new])["clinician"].tolist() == [0.0, 0.0, 0.0, 0.0]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_weight_of_two_is_a_row_seen_twice(seed: int) -> None:
    y, matches, clinician, client = a_practice(seed, n=60)
    twice = np.concatenate([np.arange(60), np.arange(10)])
    weights = np.where(np.arange(60) < 10, 2.0, 1.0)
    known = partial(
        fit_mixed_at, variances={"matches": 0.1, "clinician": 0.2}, sigma2=0.5, tau2=0.3
    )
    one = known(y[twice], blocks_of(matches[twice], clinician[twice]), group=client[twice])
    other = known(y, blocks_of(matches, clinician), group=client, weights=weights)
    close(one, other)
    np.testing.assert_allclose(one.client_effects, other.client_effects, atol=1e-9)


def test_clients_with_single_rows_have_no_variance_of_their_own() -> None:
    y, matches, clinician, _ = a_practice()
    fit = fit_mixed(y, blocks_of(matches, clinician), group=np.arange(y.size))
    assert fit.tau2 == 0.0
    assert fit.client_codes.size == 0
    assert fit.effect_of(np.array([3])).tolist() == [0.0]


def test_rows_without_a_client_are_clients_of_their_own() -> None:
    y, matches, clinician, client = a_practice()
    client[:20] = -1
    alone = client.copy()
    alone[:20] = 5000 + np.arange(20)
    blocks = blocks_of(matches, clinician)
    one, other = (fit_mixed(y, blocks, group=group) for group in (client, alone))
    close(one, other)
    assert (one.client_codes >= 0).all()


def test_a_block_of_noise_ends_with_next_to_no_contribution() -> None:
    y, matches, clinician, _ = a_practice(n=600)
    noise = np.random.default_rng(9).normal(size=(600, 40))
    # Noise made orthogonal to the outcome: nothing at all can be learnt from it.
    noise -= np.outer(y - y.mean(), (y - y.mean()) @ noise) / ((y - y.mean()) ** 2).sum()
    fit = fit_mixed(y, [*blocks_of(matches, clinician), DenseBlock("noise", noise)])
    assert fit.converged
    assert fit.variances["noise"] == 0.0
    assert np.abs(noise @ fit.coefficients["noise"]).max() < 1e-4


def test_columns_that_are_zero_throughout_stay_out() -> None:
    y, matches, clinician, _ = a_practice()
    empty = [DenseBlock("none", np.zeros((y.size, 0))), DenseBlock("zero", np.zeros((y.size, 3)))]
    blocks = blocks_of(matches, clinician)
    fit = fit_mixed(y, [*blocks, *empty])
    close(fit_mixed(y, blocks), fit)
    assert fit.coefficients["zero"].tolist() == [0.0, 0.0, 0.0]


def test_a_constant_outcome_is_its_own_prediction() -> None:
    _, matches, clinician, client = a_practice()
    fit = fit_mixed(np.full(240, 4.0), blocks_of(matches, clinician), group=client)
    np.testing.assert_allclose(fit.predict(blocks_of(matches, clinician)), 4.0, atol=1e-9)


def test_a_prior_mean_is_kept_where_there_are_no_data_against_it() -> None:
    y, matches, _, _ = a_practice(n=30)
    prior = DenseBlock("prior", matches, prior_mean=np.array([0.4, -0.1]))
    held = fit_mixed_at(y, [prior], variances={"prior": 0.0}, sigma2=1.0)
    np.testing.assert_allclose(held.coefficients["prior"], [0.4, -0.1], atol=1e-4)
    loose = fit_mixed_at(y, [prior], variances={"prior": 1e6}, sigma2=1.0)
    columns = np.column_stack([np.ones(30), matches])
    ols = np.linalg.lstsq(columns, y, rcond=None)[0]
    np.testing.assert_allclose(loose.coefficients["prior"], ols[1:], atol=1e-5)


def test_several_hot_codes_add_their_levels() -> None:
    y, _, _, _ = a_practice()
    concern = np.random.default_rng(3).integers(-1, 5, (y.size, 2))
    half = np.full(concern.shape, 0.5)
    dense = np.zeros((y.size, 5))
    for column in range(2):
        there = concern[:, column] >= 0
        np.add.at(dense, (np.flatnonzero(there), concern[there, column]), 0.5)
    several = IndexBlock("concern", concern, 5, values=half)
    one, other = (fit_mixed(y, [b]) for b in (several, DenseBlock("concern", dense)))
    close(one, other)
    np.testing.assert_allclose(
        one.predict([several]), other.predict([DenseBlock("concern", dense)])
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_search_comes_to_rest_wherever_variances_vanish(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(25, 300)), int(rng.integers(1, 60))
    columns, noise = rng.normal(size=(n, p)), rng.normal(size=(n, 5))
    clinician, client = rng.integers(0, 20, n), rng.integers(0, n // int(rng.integers(1, 5)), n)
    size = rng.choice([0.0, 0.1, 0.5, 2.0], 3)
    y = columns @ rng.normal(0, size[0] / np.sqrt(p), p) + rng.normal(size=n)
    y += rng.normal(0, size[1], 20)[clinician] + rng.normal(0, size[2], n)[client]
    blocks = [DenseBlock("columns", columns), DenseBlock("noise", noise)]
    blocks_all: list[Block] = [*blocks, IndexBlock("clinician", clinician, 20)]
    fit = fit_mixed(y, blocks_all, group=client)
    assert fit.converged
    assert fit.iterations < 40
    assert all(0 <= value < np.inf for value in [*fit.variances.values(), fit.tau2, fit.sigma2])


def test_a_fit_of_the_intercept_alone_is_the_weighted_mean() -> None:
    y, weights = np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 2.0])
    fit = fit_mixed(y, [], weights=weights, keep_factor=True)
    # (1 + 2 + 12) / 4; squares (121 + 49 + 2 * 81) / 16 over 3 - 1 degrees of freedom.
    assert fit.intercept == pytest.approx(15 / 4)
    assert fit.sigma2 == pytest.approx((121 + 49 + 2 * 81) / 16 / 2)
    assert fit.predict([]).tolist() == [fit.intercept]


def test_a_client_has_its_effect_and_a_stranger_none() -> None:
    y, matches, clinician, client = a_practice()
    fit = fit_mixed(y, blocks_of(matches, clinician), group=client)
    known = fit.client_codes[:3]
    found = fit.effect_of(np.append(known, [10_000, -1]))
    np.testing.assert_array_equal(found, [*fit.client_effects[:3], 0.0, 0.0])


def test_terms_and_the_intercept_add_up_to_the_prediction() -> None:
    y, matches, clinician, _ = a_practice()
    blocks = blocks_of(matches, clinician)
    fit = fit_mixed(y, blocks)
    terms = fit.terms(blocks)
    total = fit.intercept + terms["matches"] + terms["clinician"]
    np.testing.assert_allclose(fit.predict(blocks), total, atol=1e-12)


def test_a_fit_survives_arrays_and_json() -> None:
    y, matches, clinician, client = a_practice()
    fit = fit_mixed(y, blocks_of(matches, clinician), group=client, keep_factor=True)
    arrays, facts = fit.to_arrays()
    back = MixedFit.from_arrays(arrays, json.loads(json.dumps(facts)))
    assert json.dumps(back.to_arrays()[1]) == json.dumps(facts)
    for name, array in back.to_arrays()[0].items():
        assert array.tobytes() == arrays[name].tobytes()


@pytest.mark.parametrize(
    ("blocks", "field"),
    [
        ([DenseBlock("a", np.full((4, 1), np.nan))], "a"),
        ([DenseBlock("a", np.zeros((3, 1)))], "a"),
        ([IndexBlock("a", np.array([0, 1, 2, 5]), 3)], "a"),
        ([DenseBlock("a", np.eye(4)[:, :1]), DenseBlock("a", np.eye(4)[:, :1])], "a"),
        ([DenseBlock("a", np.ones((4, 1)), penalised=False)], "blocks"),
        ([DenseBlock("a", np.eye(4), penalised=False)], "y"),
        ([DenseBlock("a", np.eye(4), prior_mean=np.zeros(2))], "a"),
        ([IndexBlock("a", np.arange(4), 4, values=np.zeros(3))], "a"),
        ([IndexBlock("a", np.arange(4), 4, values=np.full(4, np.nan))], "a"),
    ],
)
def test_blocks_that_do_not_fit_are_named(blocks: list[Block], field: str) -> None:
    with pytest.raises(RecommenderError) as caught:
        fit_mixed(np.array([1.0, 2.0, 4.0, 3.0]), blocks)
    assert caught.value.field == field


def test_rows_that_do_not_fit_are_named() -> None:
    y, matches, clinician, client = a_practice(n=30)
    blocks = blocks_of(matches, clinician)
    with pytest.raises(RecommenderError, match=r"^y:"):
        fit_mixed(np.full(30, np.nan), blocks)
    with pytest.raises(RecommenderError, match=r"^weights:"):
        fit_mixed(y, blocks, weights=np.zeros(30))
    with pytest.raises(RecommenderError, match=r"^group:"):
        fit_mixed(y, blocks, group=client[:5])
    with pytest.raises(RecommenderError, match=r"^variances:"):
        fit_mixed_at(y, blocks, variances={"matches": 1.0}, sigma2=1.0)
    fit = fit_mixed(y, blocks)
    with pytest.raises(RecommenderError, match=r"^blocks:"):
        fit.predict(blocks[:1])
    with pytest.raises(RecommenderError, match=r"^other:"):
        fit.terms([DenseBlock("other", matches)])


def test_levels_without_rows_change_no_number_of_a_fit() -> None:
    y, matches, clinician, client = a_practice()
    wide, few = 3 * clinician + 1, int(clinician.max()) + 1
    fit, spread = (
        fit_mixed(
            y,
            [DenseBlock("matches", matches), IndexBlock("clinician", codes, levels)],
            group=client,
            keep_factor=True,
            expected={"clinician": 0.02},
        )
        for codes, levels in ((clinician, few), (wide, 3 * few + 5))
    )
    effects = np.zeros(3 * few + 5)
    effects[3 * np.arange(few) + 1] = fit.coefficients["clinician"]
    np.testing.assert_array_equal(spread.coefficients["clinician"], effects)
    np.testing.assert_array_equal(spread.coefficients["matches"], fit.coefficients["matches"])
    for name in ("variances", "degrees", "intercept", "sigma2", "tau2", "log_evidence"):
        assert getattr(spread, name) == getattr(fit, name)


def test_a_fit_without_empty_levels_maximises_the_likelihood_with_them() -> None:
    y, matches, clinician, _ = a_practice()
    levels = int(clinician.max()) + 4
    block = DenseBlock("matches", matches, penalised=False)
    fit = fit_mixed(y, [block, IndexBlock("clinician", clinician, levels)])
    dense = DenseBlock("clinician", np.eye(levels)[clinician])
    written_out = fit_mixed(y, [block, dense])
    close(fit, written_out)
    assert fit.log_evidence == pytest.approx(written_out.log_evidence, rel=1e-12)
    assert fit.degrees["clinician"] == pytest.approx(written_out.degrees["clinician"], rel=1e-9)


def test_draws_of_a_level_without_rows_have_the_prior_variance_of_its_block() -> None:
    y, matches, clinician, _ = a_practice()
    few = int(clinician.max()) + 1
    blocks = blocks_of(matches, clinician, few + 2)
    fit = fit_mixed(y, blocks, keep_factor=True)
    drawn = fit.draws_of(blocks, 4_000, 0)["clinician"]
    assert drawn[few:].var(axis=1) == pytest.approx(fit.variances["clinician"], rel=0.1)
    assert drawn[0].var() < 0.9 * fit.variances["clinician"]


# Without some of the rows


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("with_clients", [True, False])
def test_rows_that_are_left_out_leave_no_trace(seed: int, with_clients: bool) -> None:
    y, matches, clinician, client = a_practice(seed, clients=150)
    # Clinician 13 is met by clients who are left out, and by nobody else.
    clinician = np.where((client == 0) & (np.arange(y.size) % 2 == 0), 13, clinician)
    weights = np.random.default_rng(seed).choice([0.5, 1.0, 2.0], y.size)
    free = matches[:, :1] ** 2

    def part(rows: NDArray[np.bool_]) -> tuple[Floats, list[Block], dict[str, Any]]:
        blocks: list[Block] = [
            IndexBlock("clinician", clinician[rows], 15),
            DenseBlock("free", free[rows], penalised=False),
            DenseBlock("matches", matches[rows], prior_mean=np.array([0.3, 0.0])),
        ]
        known = {"weights": weights[rows], "group": client[rows] if with_clients else None}
        return y[rows], blocks, known

    out = client % 3 == 0
    y_all, blocks, known = part(np.ones(y.size, dtype=bool))
    fit = fit_mixed(y_all, blocks, **known, keep_equations=True)
    y_out, blocks_out, known_out = part(out)
    found = fit_without(fit, y_out, blocks_out, **known_out)
    y_left, blocks_left, known_left = part(~out)
    direct = fit_mixed_at(
        y_left,
        blocks_left,
        **known_left,
        variances=fit.variances,
        sigma2=fit.sigma2,
        tau2=fit.tau2,
    )

    assert abs(direct.coefficients["matches"] - fit.coefficients["matches"]).max() > 1e-3
    np.testing.assert_allclose(found.predict(blocks), direct.predict(blocks), atol=1e-10)
    assert found.variances == fit.variances


def test_clients_of_one_row_left_out_weigh_as_they_did_in_the_fit() -> None:
    # None of the rows left out has a second one of its client: their weight is w / (1 + theta w).
    y, matches, clinician, client = a_practice(clients=100)
    client[:20] = np.arange(1000, 1020)
    blocks = blocks_of(matches, clinician)
    out = np.arange(y.size) < 20
    fit = fit_mixed(y, blocks, group=client, keep_equations=True)
    found = fit_without(
        fit, y[out], blocks_of(matches[out], clinician[out]), weights=np.ones(20), group=client[out]
    )
    direct = fit_mixed_at(
        y[~out],
        blocks_of(matches[~out], clinician[~out]),
        variances=fit.variances,
        sigma2=fit.sigma2,
        tau2=fit.tau2,
        group=client[~out],
    )
    np.testing.assert_allclose(found.predict(blocks), direct.predict(blocks), atol=1e-10)


def test_nothing_can_be_left_out_of_a_fit_without_its_equations() -> None:
    y, matches, clinician, _ = a_practice()
    blocks = blocks_of(matches, clinician)
    with pytest.raises(RecommenderError, match="fit with keep_equations=True"):
        fit_without(fit_mixed(y, blocks), y, blocks, weights=np.ones(y.size))


def test_clients_of_many_weights_are_integrated_out_like_those_of_a_few() -> None:
    # More weights than cross-products are stored of: most clients are summed each time.
    y, matches, clinician, client = a_practice(n=200, clients=90)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, y.size)
    fit = fit_mixed(y, blocks_of(matches, clinician), group=client, weights=weights)
    found = [fit.variances["matches"], fit.variances["clinician"], fit.tau2, fit.sigma2]
    best = dense_deviance(np.log(found), y, matches, clinician, client, weights)
    for place in range(4):
        for factor in (0.99, 1.01):
            moved = np.array(found)
            moved[place] *= factor
            assert dense_deviance(np.log(moved), y, matches, clinician, client, weights) > best
