"""The effect and its errors agree with statsmodels, and with what they are defined to be."""

import numpy as np
import pytest

from recommender.trial.effect import arm_effect, arm_effect_beyond, complier_effect

RNG = np.random.default_rng(4)
N = 120
ARM = (RNG.random(N) < 0.5).astype(np.float64)
PART = RNG.normal(size=N)
WHOM = RNG.integers(0, 9, N)
RATINGS = 3.5 + 0.4 * ARM + PART + RNG.normal(size=9)[WHOM] + RNG.normal(size=N)
FOLLOWED = (RNG.random(N) < np.where(ARM == 1, 0.7, 0.2)).astype(np.float64)
DESIGN = np.column_stack([np.ones(N), ARM, PART - PART.mean()])


def test_the_error_among_the_clinicians_of_the_trial_is_hc2() -> None:
    # Late: every worker of a parallel run collects this module, and one runs it.
    import statsmodels.api as sm

    found = arm_effect(RATINGS, ARM, PART)
    oracle = sm.OLS(RATINGS, DESIGN).fit(cov_type="HC2")
    assert found.estimate == pytest.approx(oracle.params[1])
    assert found.error == pytest.approx(oracle.bse[1])


def test_both_errors_agree_where_each_clinician_has_one_client() -> None:
    found, beyond = (
        arm_effect(RATINGS, ARM, PART),
        arm_effect_beyond(RATINGS, ARM, PART, np.arange(N)),
    )
    assert (found.estimate, found.error) == pytest.approx((beyond.estimate, beyond.error))
    assert found.freedom == pytest.approx(beyond.freedom)


def test_clinicians_who_differ_in_both_arms_alike_do_not_widen_the_error_of_the_trial() -> None:
    """The error that covers other clinicians grows where arms bring them different caseloads."""
    rng = np.random.default_rng(1)
    arm, own = np.tile([0.0, 1.0], 300), 2.0 * rng.normal(size=9)
    uneven = np.where(arm == 1, rng.integers(0, 4, 600), rng.integers(0, 9, 600))
    ratios = []
    for whom in (np.repeat(np.arange(10), 60) % 9, uneven):
        ratings = own[whom] + rng.normal(size=600)
        error = arm_effect(ratings, arm, np.zeros(600)).error
        ratios.append(arm_effect_beyond(ratings, arm, np.zeros(600), whom).error / error)
    assert ratios[0] < 1.1
    assert ratios[1] > 2.0


def test_the_variance_is_unbiased_where_clients_of_a_clinician_are_not_alike() -> None:
    """Its mean over the errors' distribution, exactly: the variance is a quadratic form of them."""
    variance = np.zeros(())
    for column in np.eye(N):
        variance += arm_effect_beyond(column, ARM, PART, WHOM).error ** 2
    expected = np.linalg.inv(DESIGN.T @ DESIGN)[1, 1]
    assert float(variance) == pytest.approx(expected)


def test_degrees_of_freedom_are_those_of_equal_clusters() -> None:
    """Half of the clients of each of G clinicians in either arm: G - 1 (Bell & McCaffrey 2002)."""
    arm = np.tile([0.0, 1.0], 60)
    found = arm_effect_beyond(RATINGS, arm, np.zeros(N), np.repeat(np.arange(10), 12))
    assert found.freedom == pytest.approx(9.0)


def test_compliers_are_those_of_two_stage_least_squares() -> None:
    from statsmodels.sandbox.regression.gmm import IV2SLS

    found = complier_effect(RATINGS, ARM, FOLLOWED, PART)
    design = np.column_stack([np.ones(N), FOLLOWED, DESIGN[:, 2]])
    oracle = IV2SLS(RATINGS, design, DESIGN).fit()
    assert found is not None
    assert found.estimate == pytest.approx(oracle.params[1])
    errors = np.sqrt(np.diag(oracle.cov_params()))
    # The oracle's errors are homoscedastic: of the same size here, where nothing depends on them.
    assert found.error == pytest.approx(errors[1], rel=0.15)


def test_without_excess_followers_there_is_no_complier_effect() -> None:
    followed = (np.arange(N) % 2).astype(np.float64)
    assert complier_effect(RATINGS, followed * 0 + (np.arange(N) < 60), followed, PART) is None


def test_a_constant_client_part_is_left_out() -> None:
    found = arm_effect(RATINGS, ARM, np.full(N, 3.0))
    assert found.estimate == pytest.approx(RATINGS[ARM == 1].mean() - RATINGS[ARM == 0].mean())


def test_the_end_of_an_interval_at_z_is_zero() -> None:
    found = arm_effect(RATINGS, ARM, PART)
    assert found.end(found.z) == pytest.approx(0.0, abs=1e-9)
