"""Matches between two: row by row, and centred within the client."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.features.pairing import pairing_features, pairing_rows, panel_means
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice
from tests.support.builders import a_practice
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
    monkeypatch.setattr("recommender.features.pairing.ROWS_AT_ONCE", 20)

    assert np.array_equal(panel_means(a_practice(), clients, panel), whole, equal_nan=True)


def test_a_practice_that_declares_no_match_still_gets_rows() -> None:
    practice = replace(a_practice(), matches={})
    clients = invented_people(practice, "client", 3, seed=7)
    clinicians = invented_people(practice, "clinician", 3, seed=8)

    assert pairing_features(practice) == ()
    assert pairing_rows(practice, clients, clinicians).shape == (3, 0)
    assert panel_means(practice, clients, clinicians).shape == (3, 0)
