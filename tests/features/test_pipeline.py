"""One way to make rows: a pairing alone has the row it has among all training pairings."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.features.pipeline import (
    PANEL_SIZE,
    Pairs,
    Pipeline,
    fit_pipeline,
    pairing_features,
    pairing_rows,
    panel_means,
)
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice
from tests.support.builders import a_dataset, a_model, a_practice, a_roster, an_encoding
from tests.support.random_tables import invented_people


def practices() -> list[Practice]:
    return [a_practice(), shipped_practice()]


def test_a_match_is_worked_out_as_declared() -> None:
    client = read_rows(a_practice().client, [{"wanted": "act;cbt", "directive": "5"}])
    clinician = read_rows(a_practice().clinician, [{"offers": "cbt;emdr", "guides": "-5"}])

    # One of two wishes met; 10 of the 20 points of the scale apart.
    assert pairing_rows(a_practice(), client, clinician).tolist() == [[1 / 2, 10 / 20]]


def test_panel_means_leave_out_what_is_not_known() -> None:
    client = read_rows(a_practice().client, [{"wanted": "cbt", "directive": "0"}, {}])
    panel = [{"offers": "cbt", "guides": "10"}, {"offers": "act"}, {"guides": "-5"}]
    means = panel_means(a_practice(), client, read_rows(a_practice().clinician, panel))

    assert means[0].tolist() == [(1 + 0) / 2, (10 / 20 + 5 / 20) / 2]
    assert np.isnan(means[1]).all()


@pytest.mark.parametrize("practice", practices(), ids=lambda p: p.id)
def test_a_pairing_alone_has_the_matches_it_has_among_many(practice: Practice) -> None:
    clients = invented_people(practice, "client", 40, seed=1)
    clinicians = invented_people(practice, "clinician", 40, seed=2)
    rows = pairing_rows(practice, clients, clinicians)

    for row in range(40):
        place = np.array([row])
        alone = pairing_rows(practice, clients.take(place), clinicians.take(place))
        assert np.array_equal(alone[0], rows[row], equal_nan=True)


@pytest.mark.parametrize("practice", practices(), ids=lambda p: p.id)
def test_a_client_who_faces_all_has_the_matches_of_each_pairing(practice: Practice) -> None:
    client = invented_people(practice, "client", 1, seed=3)
    clinicians = invented_people(practice, "clinician", 40, seed=4)
    repeated = client.take(np.zeros(40, dtype=np.intp))

    facing = pairing_rows(practice, client, clinicians)
    assert np.array_equal(facing, pairing_rows(practice, repeated, clinicians), equal_nan=True)


@pytest.mark.parametrize("practice", practices(), ids=lambda p: p.id)
def test_panel_means_of_a_client_do_not_depend_on_the_other_clients(practice: Practice) -> None:
    clients = invented_people(practice, "client", 30, seed=5)
    panel = invented_people(practice, "clinician", 20, seed=6)
    means = panel_means(practice, clients, panel)

    for row in range(30):
        alone = panel_means(practice, clients.take(np.array([row])), panel)
        assert np.array_equal(alone[0], means[row], equal_nan=True)


def test_panel_means_are_the_same_however_many_rows_are_made_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = invented_people(a_practice(), "client", 30, seed=5)
    panel = invented_people(a_practice(), "clinician", 7, seed=6)
    whole = panel_means(a_practice(), clients, panel)
    monkeypatch.setattr("recommender.features.pipeline.MAX_PANEL_ROWS", 20)

    assert np.array_equal(panel_means(a_practice(), clients, panel), whole, equal_nan=True)


def test_a_practice_that_declares_no_match_still_gets_rows() -> None:
    practice = replace(a_practice(), matches={})
    clients = invented_people(practice, "client", 3, seed=7)
    clinicians = invented_people(practice, "clinician", 3, seed=8)

    assert pairing_features(practice) == ()
    assert pairing_rows(practice, clients, clinicians).shape == (3, 0)
    assert panel_means(practice, clients, clinicians).shape == (3, 0)


def test_every_training_pairing_alone_has_its_row_of_the_batch() -> None:
    dataset, model, encoding = a_dataset(), a_model(), an_encoding()
    batch, clinician_index = model.rows(dataset.clients, encoding, dataset.pairs)

    for row in range(len(dataset)):
        client = dataset.clients.take(dataset.pairs.client[row : row + 1])
        at = int(dataset.pairs.clinician[row])
        served, seat = model.rows(client, encoding, Pairs.of_one(len(a_roster())))
        assert np.array_equal(
            served.model_columns()[at], batch.model_columns()[row], equal_nan=True
        )
        assert np.array_equal(served.raw[at], batch.raw[row], equal_nan=True)
        assert (seat.clinician[at], seat.level[at]) == (
            clinician_index.clinician[row],
            clinician_index.level[row],
        )


@pytest.mark.parametrize("practice", [a_practice(), shipped_practice()], ids=lambda p: p.id)
def test_a_request_makes_the_rows_training_makes_for_every_kind_of_field(
    practice: Practice,
) -> None:
    clients = invented_people(practice, "client", 25, seed=1)
    clinicians = invented_people(practice, "clinician", 30, seed=2)
    pipeline = fit_pipeline(practice, clinicians, np.random.default_rng(0))
    every = Pairs(np.repeat(np.arange(25), 30), np.tile(np.arange(30), 25))
    history = np.zeros((750, 4))
    batch = pipeline.rows(clients, clinicians, every, history).model_columns()

    assert batch.shape == (750, len(pipeline.features))
    for row in range(25):
        one = clients.take(np.array([row]))
        served = pipeline.rows(one, clinicians, Pairs.of_one(30), history[:30]).model_columns()
        assert np.array_equal(served, batch[row * 30 : row * 30 + 30], equal_nan=True)


def test_training_is_served_the_columns_the_fit_learned_from() -> None:
    dataset, model = a_dataset(), a_model()
    history = np.zeros((len(dataset), 4))
    rows = model.pipeline.rows(dataset.clients, dataset.clinicians, dataset.pairs, history)
    served, _ = model.rows(dataset.clients, an_encoding(), dataset.pairs)

    width = served.model_columns().shape[1] - 4
    assert np.array_equal(
        rows.model_columns()[:, :width], served.model_columns()[:, :width], equal_nan=True
    )


def test_matches_are_centred_on_the_panel_and_words_are_not() -> None:
    dataset = a_dataset()
    rows, _ = a_model().rows(dataset.clients, an_encoding(), dataset.pairs)
    apart = rows.raw - rows.match
    wanted = dataset.pairs.client[~np.isnan(apart[:, 0])]

    assert len(wanted)
    assert np.nanmin(rows.raw) >= 0
    assert np.nanmin(rows.match) < 0


def test_the_panel_is_never_larger_than_said_and_never_has_one_twice() -> None:
    clinicians = invented_people(a_practice(), "clinician", 60, seed=3)
    pipeline = fit_pipeline(a_practice(), clinicians, np.random.default_rng(0))
    few = fit_pipeline(a_practice(), clinicians.take(np.arange(4)), np.random.default_rng(0))

    assert pipeline.panel.size == PANEL_SIZE
    assert few.panel.size == 4


def test_feature_names_are_unique() -> None:
    for practice in (a_practice(), shipped_practice()):
        clinicians = invented_people(practice, "clinician", 2, seed=0)
        names = [feature.name for feature in Pipeline(practice, clinicians).features]
        assert len(set(names)) == len(names)
