"""One way to make rows: a pairing alone has the row it has among all training pairings."""

import numpy as np
import pytest

from recommender.features.pipeline import PANEL, Pairs, Pipeline, fit_pipeline
from recommender.practice.definition import Practice, shipped_practice
from tests.support.builders import a_dataset, a_model, a_practice, a_roster, an_encoding
from tests.support.random_tables import invented_people


def test_every_training_pairing_alone_has_its_row_of_the_batch() -> None:
    dataset, model, encoding = a_dataset(), a_model(), an_encoding()
    batch, clinician_index = model.rows(dataset.clients, encoding, dataset.pairs)

    for row in range(len(dataset)):
        client = dataset.clients.take(dataset.pairs.client[row : row + 1])
        at = int(dataset.pairs.clinician[row])
        served, seat = model.rows(client, encoding, Pairs.of_one(len(a_roster())))
        assert np.array_equal(served.together()[at], batch.together()[row], equal_nan=True)
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
    batch = pipeline.rows(clients, clinicians, every, history).together()

    assert batch.shape == (750, len(pipeline.features))
    for row in range(25):
        one = clients.take(np.array([row]))
        served = pipeline.rows(one, clinicians, Pairs.of_one(30), history[:30]).together()
        assert np.array_equal(served, batch[row * 30 : row * 30 + 30], equal_nan=True)


def test_training_is_served_the_columns_the_fit_learned_from() -> None:
    dataset, model = a_dataset(), a_model()
    history = np.zeros((len(dataset), 4))
    rows = model.pipeline.rows(dataset.clients, dataset.clinicians, dataset.pairs, history)
    served, _ = model.rows(dataset.clients, an_encoding(), dataset.pairs)

    width = served.together().shape[1] - 4
    assert np.array_equal(rows.together()[:, :width], served.together()[:, :width], equal_nan=True)


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

    assert pipeline.panel.size == PANEL
    assert few.panel.size == 4


def test_feature_names_are_unique() -> None:
    for practice in (a_practice(), shipped_practice()):
        clinicians = invented_people(practice, "clinician", 2, seed=0)
        names = [feature.name for feature in Pipeline(practice, clinicians).features]
        assert len(set(names)) == len(names)
