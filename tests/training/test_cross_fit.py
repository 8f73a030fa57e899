"""Every pairing scored by models that did not see its client, and beside the incumbent."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from recommender.model.alliance_model import EVIDENCE_PRIOR
from recommender.model.evaluation_report import COMPOSITE, DYAD, RANDOM_ORDER
from recommender.model.evidence_prior import evidence_model
from recommender.training.baselines import CHAMPION, OURS, PRIOR
from recommender.training.cross_fit import (
    Incumbent,
    beside_incumbent,
    cross_fitted,
    out_of_fold_rows,
    within_client_correlation,
    within_client_slope,
)
from recommender.training.figures import figure_of
from recommender.training.fit import FitResult, fit
from recommender.training.gain_rules import LEAST_RETAINED
from tests.support.evaluations import QUICK, a_world

FEW = {"seed": 0, "draws": 20}


@cache
def a_fit() -> FitResult:
    return fit(a_world(), None, QUICK)


@cache
def declared() -> Incumbent:
    world = a_world()
    people = world.practice, world.clinicians, world.clinician_ids
    return Incumbent.without_champion(evidence_model(*people, data_digest="", created_at=""))


def test_every_rated_pairing_and_dropout_has_a_row_and_a_score() -> None:
    rows, ours = out_of_fold_rows(a_fit(), a_world())
    world = a_world()
    assert rows.is_rated.sum() == len(world)
    assert len(rows) == len(world) + len(world.dropouts.client)
    assert np.isfinite(ours.pairing).all()
    assert np.array_equal(rows.client[rows.is_rated], world.pairs.client)
    assert np.array_equal(rows.label[rows.is_rated], a_fit().labels.alliance)
    # A client is in one fold, whatever the number of their pairings.
    folds = {client: set(rows.fold[rows.client == client]) for client in rows.client.tolist()}
    assert {len(each) for each in folds.values()} == {1}


def test_predictions_out_of_fold_are_those_of_the_fit() -> None:
    rows, ours = out_of_fold_rows(a_fit(), a_world())
    predicted = ours.alliance[rows.is_rated] + a_fit().model.survivor_offset
    assert predicted == pytest.approx(a_fit().out_of_fold)


def test_figures_rest_on_all_ratings() -> None:
    found = cross_fitted(a_fit(), a_world(), **FEW)
    rows, ours = out_of_fold_rows(a_fit(), a_world())
    assert (found.rated, found.left_unrated) == (len(a_world()), len(a_world().dropouts.client))
    by = {each.metric: each for each in found.figures}
    assert by[DYAD].value == pytest.approx(figure_of(DYAD, rows, ours))
    assert by[COMPOSITE].value == pytest.approx(figure_of(COMPOSITE, rows, ours))
    assert {each.learner for each in found.figures} == {OURS}


def test_a_first_model_is_compared_with_the_declared_sizes_on_all_ratings() -> None:
    found = beside_incumbent(a_fit(), a_world(), declared(), **FEW)
    model = declared().model
    assert model is not None
    assert model.manifest.mode == EVIDENCE_PRIOR
    assert (found.name, found.learned, found.learned_now) == (PRIOR, 0, len(a_world()))
    assert found.rated == len(a_world())
    assert found.agreement is not None
    assert -1 <= found.agreement <= 1


def test_ratings_that_are_reversed_in_the_table_leave_less_of_what_was_known() -> None:
    world = a_world()
    labels = a_fit().labels
    turned = labels.linker.low + labels.linker.high - labels.alliance
    wrong = replace(world, given_labels=replace(labels, alliance=turned))
    honest = beside_incumbent(a_fit(), world, declared(), **FEW)
    broken = beside_incumbent(fit(wrong, None, QUICK), wrong, declared(), **FEW)
    assert honest.retained is not None
    assert broken.retained is not None
    assert broken.retained < LEAST_RETAINED < honest.retained


def test_declared_sizes_are_compared_in_the_spread_of_these_ratings() -> None:
    world = a_world()
    instrument = world.practice.reference
    assert instrument.reference_sd is not None
    wide = replace(instrument, reference_sd=2 * instrument.reference_sd)
    instruments = {**world.practice.instruments, world.practice.alliance.reference: wide}
    practice = replace(world.practice, instruments=instruments)
    model = evidence_model(
        practice, world.clinicians, world.clinician_ids, data_digest="", created_at=""
    )
    wider = beside_incumbent(a_fit(), world, Incumbent.without_champion(model), **FEW)
    as_declared = beside_incumbent(a_fit(), world, declared(), **FEW)
    assert wider.retained == pytest.approx(as_declared.retained)


def test_a_champion_is_compared_on_pairings_that_began_after_it_learned() -> None:
    world = a_world()
    early = np.flatnonzero(world.known < np.median(world.started))
    champion = fit(world, early, QUICK).model
    found = beside_incumbent(a_fit(), world, Incumbent(CHAMPION, champion), **FEW)
    until = np.datetime64(champion.manifest.known_until, "D").astype(int)
    assert found.rated == (world.started > until).sum()
    assert (found.learned, found.learned_now) == (len(early), len(world))
    row = found.difference(COMPOSITE)
    assert row is not None
    assert None not in (row.value, row.low, row.high)


def test_the_model_itself_agrees_with_itself_and_nothing_is_new_to_it() -> None:
    itself = Incumbent(CHAMPION, a_fit().model)
    found = beside_incumbent(a_fit(), a_world(), itself, **FEW)
    assert found.agreement == pytest.approx(1)
    assert found.retained == pytest.approx(1)
    assert (found.rated, found.differences) == (0, ())


def test_beside_a_random_order_the_gain_is_the_composite_itself() -> None:
    found = beside_incumbent(a_fit(), a_world(), Incumbent(RANDOM_ORDER), **FEW)
    row = found.difference(COMPOSITE)
    rows, ours = out_of_fold_rows(a_fit(), a_world())
    assert row is not None
    assert row.value == pytest.approx(figure_of(COMPOSITE, rows, ours))
    assert found.agreement is None
    assert found.retained is None


def test_what_shifts_a_client_alone_changes_no_agreement() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 8))
    shifted = 2 * scores + np.arange(5)[:, None]
    assert within_client_correlation(scores, shifted) == pytest.approx(1)
    assert within_client_correlation(scores, -shifted) == pytest.approx(-1)
    assert np.isnan(within_client_correlation(scores, np.ones((5, 8))))


def test_what_is_retained_of_a_difference_does_not_depend_on_the_client() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 8))
    shifted = 0.5 * scores + np.arange(5)[:, None]
    assert within_client_slope(shifted, scores) == pytest.approx(0.5)
    assert within_client_slope(scores, -scores) == pytest.approx(-1)
    assert np.isnan(within_client_slope(scores, np.ones((5, 8))))
