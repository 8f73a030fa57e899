"""What is believed of variances before any rating: held while little is known, given up later."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock, Ints
from recommender.model.mixed.fit import UNSURE, MixedFit, fit_mixed
from recommender.model.mixed.variances import Beliefs, Slope
from tests.support.mixed_data import a_practice, blocks_of, dense_deviance

BELIEVED = {"matches": 0.01, "clinician": 0.02}
NEAR = {"matches": 0.1, "clinician": 0.2}


def shares(fit: MixedFit, matches: Floats) -> dict[str, float]:
    """What each block adds to the variance of a row, in units of sigma2."""
    squares = float((matches**2).sum(axis=1).mean())
    scale = {"matches": squares, "clinician": 1.0}
    return {name: fit.variances[name] * scale[name] / fit.sigma2 for name in scale}


def told(fit: MixedFit, matches: Floats, expected: Mapping[str, float]) -> float:
    """Log evidence and log prior together, up to a constant."""
    found = shares(fit, matches)
    away = [np.log(found[name] / belief) / UNSURE for name, belief in expected.items()]
    return fit.log_evidence - float(np.log1p(np.square(away)).sum())


def bytes_of(fit: MixedFit) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in fit.to_arrays()[0].items()}


# Nothing believed


@pytest.mark.parametrize("expected", [{}, {"other": 0.3}], ids=["of no block", "of no block here"])
def test_where_nothing_is_believed_the_fit_is_that_of_the_likelihood(
    expected: dict[str, float],
) -> None:
    y, matches, clinician, client = a_practice()
    blocks = blocks_of(matches, clinician)
    plain = fit_mixed(y, blocks, group=client)
    free = fit_mixed(y, blocks, group=client, expected=expected)

    assert bytes_of(free) == bytes_of(plain)
    assert (free.variances, free.tau2) == (plain.variances, plain.tau2)


# Beside the covariance matrix written out


def penalised_deviance(
    logs: Floats,
    beliefs: Mapping[int, tuple[float, float]],
    known: tuple[Floats, Floats, Ints, Ints, Floats],
) -> float:
    """-2 (log evidence + log prior): a belief is (log expected share, log scale) of a variance."""
    away = [(logs[k] + scale - logs[3] - centre) / UNSURE for k, (centre, scale) in beliefs.items()]
    return dense_deviance(logs, *known) + 2 * float(np.log1p(np.square(away)).sum())


@pytest.mark.parametrize(
    "expected",
    [NEAR, {"clinician": 0.2}, {"matches": 1.0}],
    ids=["of both", "of clinicians alone", "of matches alone"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_beliefs_and_ratings_meet_where_the_dense_likelihood_says(
    expected: dict[str, float], weighted: bool
) -> None:
    y, matches, clinician, client = a_practice(n=90, clients=30, clinicians=8)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 90) if weighted else np.ones(90)
    squares = float(weights @ (matches**2).sum(axis=1) / weights.sum())
    places = {"matches": (0, np.log(squares)), "clinician": (1, 0.0)}
    beliefs = {places[n][0]: (np.log(share), places[n][1]) for n, share in expected.items()}
    oracle = minimize(
        penalised_deviance,
        np.log([0.1, 0.2, 0.3, 0.5]),
        (beliefs, (y, matches, clinician, client, weights)),
        "L-BFGS-B",
        options={"ftol": 1e-14},
    )
    fit = fit_mixed(
        y, blocks_of(matches, clinician, 8), group=client, weights=weights, expected=expected
    )

    found = [fit.variances["matches"], fit.variances["clinician"], fit.tau2, fit.sigma2]
    assert fit.converged
    np.testing.assert_allclose(found, np.exp(oracle.x), rtol=1e-3)


# Few ratings and many


def noise_of(rows: int, clinicians: int = 6, seed: int = 0) -> tuple[Floats, Floats, Ints]:
    """Ratings that neither matches nor clinicians have anything to do with."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=rows), rng.normal(size=(rows, 2)), rng.integers(0, clinicians, rows)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_ten_ratings_do_not_move_what_was_believed(seed: int) -> None:
    y, matches, clinician = noise_of(10, seed=seed)
    fit = fit_mixed(y, blocks_of(matches, clinician, 6), expected=BELIEVED)

    for name, share in shares(fit, matches).items():
        assert BELIEVED[name] / 1.5 < share < BELIEVED[name] * 1.5


@pytest.mark.parametrize("seed", range(4))
def test_ten_ratings_alone_would_let_a_lucky_clinician_lead(seed: int) -> None:
    # Why there are beliefs: without them few ratings give clinicians all of the variance or none.
    found = []
    for place in range(10):
        y, matches, clinician = noise_of(10, seed=10 * seed + place)
        found.append(shares(fit_mixed(y, blocks_of(matches, clinician, 6)), matches)["clinician"])

    assert max(found) > 0.3


@pytest.mark.parametrize("belief", [0.002, 0.1])
def test_many_ratings_decide_against_what_was_believed(belief: float) -> None:
    y, matches, clinician, _ = a_practice(n=4000, clinicians=300)
    blocks = blocks_of(matches, clinician, 300)
    plain = fit_mixed(y, blocks)
    fit = fit_mixed(y, blocks, expected={"clinician": belief})

    assert shares(plain, matches)["clinician"] == pytest.approx(0.25 / 0.85, rel=0.25)
    assert fit.variances["clinician"] == pytest.approx(plain.variances["clinician"], rel=0.15)


def test_the_more_ratings_there_are_the_less_a_belief_holds() -> None:
    apart = []
    for rows in (200, 1000, 5000):
        y, matches, clinician, _ = a_practice(n=rows, clinicians=rows // 10)
        blocks = blocks_of(matches, clinician, rows // 10)
        plain, held = (
            shares(fit_mixed(y, blocks, expected=e), matches)["clinician"]
            for e in ({}, {"clinician": 0.1})
        )
        apart.append(abs(np.log(held / plain)))

    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 0.05


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_clinicians_who_differ_much_were_taken_to_be_alike(seed: int) -> None:
    y, matches, clinician, client = a_practice(seed, n=90, clients=30, clinicians=8)
    blocks, expected = blocks_of(matches, clinician, 8), {"clinician": 0.002}
    plain, held = (fit_mixed(y, blocks, group=client, expected=e) for e in ({}, expected))

    # The variances of the ratings alone are one place the search with beliefs could have gone.
    assert told(held, matches, expected) >= told(plain, matches, expected) - 1e-6


def test_a_belief_keeps_a_block_of_noise_from_leaving_altogether() -> None:
    y, matches, clinician = noise_of(300)
    fit = fit_mixed(y, blocks_of(matches, clinician, 6), expected=BELIEVED)

    assert all(variance > 0 for variance in fit.variances.values())
    assert shares(fit, matches)["clinician"] < 2 * BELIEVED["clinician"]


# The search


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("believed", [1e-4, 0.02, 5.0])
def test_evidence_and_belief_together_never_fall(seed: int, believed: float) -> None:
    y, matches, clinician, client = a_practice(seed, n=120)
    blocks, expected = blocks_of(matches, clinician), {"matches": believed, "clinician": believed}
    course = [
        told(fit, matches, expected)
        for fit in (
            fit_mixed(y, blocks, group=client, expected=expected, max_iterations=steps)
            for steps in range(12)
        )
    ]

    assert (np.diff(course) >= -1e-9).all()
    assert course[-1] > course[0]


@pytest.mark.parametrize("seed", range(12))
def test_the_search_comes_to_rest_whatever_is_believed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(25, 300)), int(rng.integers(1, 40))
    columns, clinician = rng.normal(size=(n, p)), rng.integers(0, 20, n)
    client = rng.integers(0, n // int(rng.integers(1, 5)), n)
    size = rng.choice([0.0, 0.1, 0.5, 2.0], 3)
    y = columns @ rng.normal(0, size[0] / np.sqrt(p), p) + rng.normal(size=n)
    y += rng.normal(0, size[1], 20)[clinician] + rng.normal(0, size[2], n)[client]
    blocks: list[Block] = [
        DenseBlock("columns", columns),
        DenseBlock("noise", rng.normal(size=(n, 5))),
        IndexBlock("clinician", clinician, 20),
    ]
    expected = dict(
        zip(("columns", "noise", "clinician"), 10 ** rng.uniform(-4, -1, 3), strict=True)
    )
    fit = fit_mixed(y, blocks, group=client, expected=expected)

    assert fit.converged
    assert fit.iterations < 40
    assert all(0 <= value < np.inf for value in [*fit.variances.values(), fit.tau2, fit.sigma2])


def test_a_block_of_zeros_needs_no_belief_to_stay_out() -> None:
    y, matches, clinician, _ = a_practice()
    blocks = blocks_of(matches, clinician)
    empty = DenseBlock("evidence", np.zeros((y.size, 1)), prior_mean=np.ones(1))
    expected = BELIEVED | {"evidence": 0.01}
    fit, without = (fit_mixed(y, b, expected=expected) for b in ([*blocks, empty], blocks))

    assert fit.variances["evidence"] == 0.0
    assert fit.coefficients["evidence"].tolist() == [1.0]
    assert fit.variances["clinician"] == pytest.approx(without.variances["clinician"])


@pytest.mark.parametrize("share", [0.0, -0.1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_share_that_is_not_positive_is_refused_by_name(share: float) -> None:
    y, matches, clinician, _ = a_practice()

    with pytest.raises(RecommenderError, match="expected"):
        fit_mixed(y, blocks_of(matches, clinician), expected={"clinician": share})


def test_a_belief_in_next_to_nothing_stopped_the_search_for_everything_else() -> None:
    y, matches, clinician, _ = a_practice()
    hardly = DenseBlock("hardly", np.random.default_rng(1).normal(size=(240, 1)))
    plain = fit_mixed(y, blocks_of(matches, clinician))
    fit = fit_mixed(y, [*blocks_of(matches, clinician), hardly], expected={"hardly": 1e-9})

    assert fit.converged
    assert fit.variances["clinician"] == pytest.approx(plain.variances["clinician"], rel=1e-3)


# The pieces


def test_what_lies_a_scale_away_from_a_belief_is_half_as_dense() -> None:
    # The density of a Cauchy distribution falls as 1 / (1 + z^2): to 1/2 at z = 1, to 1/10 at 3.
    beliefs = Beliefs(np.log([0.1, 0.2]), np.array([UNSURE**-2, 0.0]))

    assert beliefs.log_density(np.array([0.1, 7.0])) == 0
    assert beliefs.log_density(np.array([0.1 * np.exp(UNSURE), 7.0])) == pytest.approx(-np.log(2))
    assert beliefs.log_density(np.array([0.1 * np.exp(-3 * UNSURE), 7.0])) == pytest.approx(
        -np.log(10)
    )


def a_slope() -> Slope:
    return Slope(np.array([0.5, 0.5]), np.array([[3.0, 1.0], [1.0, 4.0]]))


def test_a_belief_pulls_towards_itself_and_only_what_it_is_about() -> None:
    beliefs = Beliefs(np.log([0.1, 0.2]), np.array([2.0, 0.0]))
    pulled = beliefs.pull(a_slope(), np.array([0.1 * np.exp(1), 0.9]))

    # One unit of the logarithm too large at precision 2: the weight is 2 * 2 / (1 + 2) = 4 / 3.
    assert pulled.score == pytest.approx([1 / 2 - 4 / 3, 1 / 2])
    assert pulled.information == pytest.approx(np.array([[3 + 4 / 3, 1], [1, 4]]))


@given(away=st.floats(-8, 8), precision=st.floats(0.1, 10))
def test_the_pull_is_the_slope_of_what_is_told(away: float, precision: float) -> None:
    beliefs = Beliefs(np.log([0.1, 0.2]), np.array([precision, 0.0]))

    def at(log: float) -> float:
        return beliefs.log_density(np.array([0.1 * np.exp(log), 7.0]))

    pulled = beliefs.pull(a_slope(), np.array([0.1 * np.exp(away), 7.0]))
    assert pulled.score[0] - 0.5 == pytest.approx(
        (at(away + 1e-6) - at(away - 1e-6)) / 2e-6, abs=1e-5
    )


@pytest.mark.parametrize("precision", [0.5, UNSURE**-2, 9.0])
def test_no_belief_pulls_harder_than_a_few_ratings_however_far_it_is_off(precision: float) -> None:
    # |2 p d / (1 + p d^2)| is largest, sqrt(p), one scale away; far out it gives way.
    beliefs = Beliefs(np.zeros(1), np.array([precision]))
    plain = Slope(np.zeros(1), np.zeros((1, 1)))
    pulls = [abs(beliefs.pull(plain, np.exp([d])).score[0]) for d in np.linspace(-12, 12, 401)]

    assert max(pulls) == pytest.approx(np.sqrt(precision), rel=0.01)
    assert pulls[0] < np.sqrt(precision) / 2
