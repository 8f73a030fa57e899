"""The additive half: parts that sum to the prediction, and rows that do not see each other."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.features.pipeline import Rows
from recommender.model.additive import (
    DECLARED,
    DRAWS,
    EXPECTED,
    UNSURE_EVIDENCE,
    Additive,
    ClinicianIndex,
    DesignSpec,
    design_spec,
)
from recommender.model.interactions import COMPONENTS
from recommender.model.mixed.blocks import DenseBlock
from recommender.model.mixed.fit import MixedFit, fit_mixed
from tests.support.builders import a_dataset, a_fit, a_model, a_practice, an_encoding


def rows_and_seats() -> tuple[Rows, ClinicianIndex]:
    dataset = a_dataset()
    return a_model().rows(dataset.clients, an_encoding(), dataset.pairs)


def a_frame() -> DesignSpec:
    return a_model().additive.frame


def test_contributions_sum_to_what_the_mixed_model_predicts() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    parts = additive.contributions(rows, clinician_index)

    predicted = additive.fit.predict(additive.frame.blocks(rows, clinician_index))
    assert parts.sum(axis=1) == pytest.approx(predicted, abs=1e-12)
    assert np.array_equal(additive.score(rows, clinician_index), parts.sum(axis=1))


def test_there_is_a_contribution_for_every_column_that_is_not_the_client_s() -> None:
    rows, clinician_index = rows_and_seats()
    parts = a_model().additive.contributions(rows, clinician_index)

    widths = rows.clinician.shape[1] + rows.match.shape[1] + rows.history.shape[1]
    assert parts.shape == (len(rows.match), widths + 1)


def test_a_clinician_alone_has_exactly_the_score_they_have_among_others() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    batch = additive.score(rows, clinician_index)

    for row in range(len(batch)):
        place = np.array([row])
        assert additive.score(rows.take(place), clinician_index.take(place))[0] == batch[row]


@pytest.mark.parametrize("size", [2, 3, 5, 8, 33])
def test_equal_clinicians_score_equally_wherever_they_stand(size: int) -> None:
    rows, clinician_index = rows_and_seats()
    everywhere = np.full(size, 7)

    scores = a_model().additive.score(rows.take(everywhere), clinician_index.take(everywhere))
    assert len(set(scores.tolist())) == 1


def test_a_missing_answer_is_the_average_answer() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    unknown = replace(rows, clinician=np.full_like(rows.clinician, np.nan))
    average = replace(rows, clinician=np.tile(additive.frame.clinician.mean, (len(rows.raw), 1)))

    assert additive.score(unknown, clinician_index) == pytest.approx(
        additive.score(average, clinician_index)
    )


def test_a_clinician_nobody_rated_gets_no_effect_of_their_own() -> None:
    rows, clinician_index = rows_and_seats()
    stranger = ClinicianIndex(np.full_like(clinician_index.clinician, -1), clinician_index.level)
    parts = a_model().additive.contributions(rows, stranger)

    width = rows.clinician.shape[1] + rows.match.shape[1]
    assert not parts[:, width:-1].any()


def test_the_declared_sizes_enter_as_one_column_shrunk_to_what_they_say() -> None:
    rows, clinician_index = rows_and_seats()
    evidence = {block.name: block for block in a_frame().blocks(rows, clinician_index)}["evidence"]

    assert isinstance(evidence, DenseBlock)
    assert evidence.prior_mean == pytest.approx([1.0])
    interval = float(a_fit().labels.alliance.std())
    sizes = interval * np.array([0.2, -0.1])
    assert evidence.values[:, 0] == pytest.approx(np.nan_to_num(rows.match) @ sizes)


def test_a_practice_that_declares_no_sizes_has_no_evidence_column() -> None:
    practice = a_practice()
    matches = {n: replace(m, prior=0.0) for n, m in practice.matches.items()}
    rows, clinician_index = rows_and_seats()
    frame = design_spec(replace(practice, matches=matches), rows, 0.7, 12, 3)

    assert "evidence" not in [block.name for block in frame.blocks(rows, clinician_index)]


def test_what_is_written_is_read_back_to_the_last_bit() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    again = Additive.from_arrays(*additive.to_arrays())

    scores: NDArray[np.float64] = again.score(rows, clinician_index)
    assert np.array_equal(scores, additive.score(rows, clinician_index))


# Declared products


@cache
def a_fit_of_products() -> tuple[DesignSpec, MixedFit, Rows, ClinicianIndex]:
    """A mixed model in which the first match is a declared product."""
    rows, clinician_index = rows_and_seats()
    frame = replace(a_frame(), declared=(0,))
    blocks = frame.blocks(rows, clinician_index)
    outcome = np.random.default_rng(0).normal(0, 1, len(rows.match)) + np.nan_to_num(
        rows.match[:, 0]
    )
    return frame, fit_mixed(outcome, blocks, keep_factor=True), rows, clinician_index


def test_a_declared_product_has_a_variance_of_its_own_while_a_model_is_fitted() -> None:
    frame, fit, rows, clinician_index = a_fit_of_products()
    by_name = {block.name: block for block in frame.blocks(rows, clinician_index)}

    assert by_name[DECLARED].width == 1
    assert by_name["matches"].width == rows.match.shape[1] - 1
    assert fit.variances[DECLARED] > 0


def test_a_settled_fit_scores_what_its_blocks_predict_with_products_among_the_matches() -> None:
    frame, fit, rows, clinician_index = a_fit_of_products()
    predicted = fit.predict(frame.blocks(rows, clinician_index))
    settled = Additive(replace(frame, declared=()), frame.settled(fit))

    assert settled.score(rows, clinician_index) == pytest.approx(predicted, abs=1e-12)
    assert settled.fit.coefficients["matches"].shape == (rows.match.shape[1],)
    assert DECLARED not in settled.fit.names


def test_deviations_of_a_settled_fit_are_those_of_its_blocks() -> None:
    frame, fit, rows, clinician_index = a_fit_of_products()
    blocks = frame.blocks(rows, clinician_index)
    draws = fit.draws_of(blocks, 5, 0)
    of_blocks = sum(
        block.values @ draws[block.name]
        if isinstance(block, DenseBlock)
        else block.matrix() @ draws[block.name]
        for block in blocks
    )
    drawn = {name: each.astype(np.float32) for name, each in frame.settled_draws(draws).items()}
    settled = Additive(replace(frame, declared=()), frame.settled(fit), drawn)

    assert settled.deviations(rows, clinician_index) == pytest.approx(of_blocks, abs=1e-5)


# Products


@pytest.mark.parametrize("block", COMPONENTS)
def test_products_are_added_to_the_clinician_s_columns_and_the_sum_is_the_score(block: str) -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    products = additive.frame.products[block]
    none = dict(additive.fit.coefficients) | {block: np.zeros(products.width)}
    silent = replace(additive, fit=replace(additive.fit, coefficients=none))
    apart = additive.contributions(rows, clinician_index) - silent.contributions(
        rows, clinician_index
    )

    added = products.parts(rows, additive.fit.coefficients[block])
    assert added.any()
    assert apart[:, : rows.clinician.shape[1]] == pytest.approx(added, abs=1e-12)
    assert not apart[:, rows.clinician.shape[1] :].any()


# How unsure it is


def test_every_block_has_a_draw_of_each_coefficient_in_half_the_bytes() -> None:
    additive = a_model().additive

    assert set(additive.draws) == set(additive.fit.names)
    for name, drawn in additive.draws.items():
        assert drawn.dtype == np.float32
        assert drawn.shape == (additive.fit.coefficients[name].size, DRAWS)
        assert drawn.any()


def test_deviations_are_what_the_draws_add_to_a_row() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    found = additive.deviations(rows, clinician_index)

    for draw in (0, DRAWS - 1):
        drawn = {name: block[:, draw].astype(float) for name, block in additive.draws.items()}
        fit = replace(additive.fit, coefficients=drawn, intercept=0.0)
        told = fit.predict(additive.frame.blocks(rows, clinician_index))
        assert found[:, draw] == pytest.approx(told, abs=1e-6)


def test_a_stranger_has_no_draws_of_their_own_and_does_not_borrow_the_last_clinician_s() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    none = {
        name: np.zeros_like(block) if name in ("clinicians", "by_level") else block
        for name, block in additive.draws.items()
    }
    stranger = ClinicianIndex(np.full_like(clinician_index.clinician, -1), clinician_index.level)

    assert np.array_equal(
        additive.deviations(rows, stranger),
        replace(additive, draws=none).deviations(rows, clinician_index),
    )


def test_draws_are_read_back_to_the_last_bit() -> None:
    rows, clinician_index = rows_and_seats()
    additive = a_model().additive
    again = Additive.from_arrays(*additive.to_arrays())

    assert (
        again.deviations(rows, clinician_index).tobytes()
        == additive.deviations(rows, clinician_index).tobytes()
    )
    assert again.unknown == additive.unknown


# What is believed before any rating


def test_the_doubt_about_the_declared_sizes_is_a_share_of_the_variance_of_a_rating() -> None:
    rows, _ = rows_and_seats()
    frame, interval = a_frame(), float(a_fit().labels.alliance.std())
    sizes = np.nan_to_num(rows.match) @ np.array([0.2, -0.1])

    believed = frame.expected(rows, interval)
    assert believed["evidence"] == pytest.approx(UNSURE_EVIDENCE**2 * np.mean(sizes**2))
    assert {name: believed[name] for name in EXPECTED} == dict(EXPECTED)


def test_where_no_size_is_declared_nothing_is_believed_of_it() -> None:
    rows, _ = rows_and_seats()

    assert "evidence" not in replace(a_frame(), prior=np.zeros(2)).expected(rows, 0.7)
    # Ratings that never differ make every declared size zero points.
    assert "evidence" not in replace(a_frame(), prior=0.0 * a_frame().prior).expected(rows, 0.0)


def test_every_share_believed_is_of_a_block_and_smaller_than_what_stays_unexplained() -> None:
    rows, clinician_index = rows_and_seats()
    frame = replace(a_frame(), declared=(0,))
    names = {block.name for block in frame.blocks(rows, clinician_index)}

    assert set(EXPECTED) <= names
    assert all(0 < share < 0.1 for share in EXPECTED.values())
