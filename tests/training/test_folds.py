"""Held-back pairings: no client in two folds, nothing known later than the test began."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import RecommenderError
from recommender.training.dataset import dataset_of
from recommender.training.folds import (
    Fold,
    client_folds,
    clients_left_out,
    clinicians_left_out,
    folds_from_file,
    forward,
    rolling,
    unknown_pairings,
)
from tests.support.builders import a_dataset, a_practice, some_rows, tables_of

CLIENTS = st.lists(st.integers(0, 12), min_size=1, max_size=40).map(np.array)


@given(client=CLIENTS, folds=st.integers(2, 6), seed=st.integers(0, 9))
def test_no_client_is_in_two_folds_and_folds_are_balanced(
    client: np.ndarray, folds: int, seed: int
) -> None:
    number = client_folds(client, folds, seed)
    own = {int(c): set(number[client == c].tolist()) for c in client}
    sizes = np.bincount([fold.pop() for fold in own.values()], minlength=folds)

    assert all(not left for left in own.values())
    assert sizes.max() - sizes.min() <= 1
    assert np.array_equal(number, client_folds(client, folds, seed))


def test_forward_learns_only_from_what_was_known_before_the_first_test_pairing_began() -> None:
    dataset = a_dataset()
    (fold,) = forward(dataset)

    assert dataset.known[fold.train].max() < dataset.started[fold.test].min()
    assert len(fold.test) == pytest.approx(0.2 * len(dataset), abs=2)
    assert dataset.dropouts_started[fold.dropouts].min() >= dataset.started[fold.test].min()


def test_rolling_folds_test_one_stretch_of_time_after_another_up_to_the_last_pairing() -> None:
    dataset = a_dataset()
    folds = rolling(dataset, 3, 0.1)

    assert [fold.name for fold in folds] == ["forward 1", "forward 2", "forward 3"]
    for fold in folds:
        assert dataset.known[fold.train].max() < dataset.started[fold.test].min()
    for one, other in pairwise(folds):
        assert dataset.started[one.test].max() < dataset.started[other.test].min()
        assert set(one.train) < set(other.train)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(tested.min(), len(dataset)))
    assert len(tested) == pytest.approx(0.3 * len(dataset), abs=2)


def test_one_rolling_fold_is_the_forward_one() -> None:
    (one,), (other,) = rolling(a_dataset(), 1, 0.2), forward(a_dataset(), 0.2)

    assert np.array_equal(one.train, other.train)
    assert np.array_equal(one.test, other.test)
    assert np.array_equal(one.dropouts, other.dropouts)


@pytest.mark.parametrize(("folds", "share"), [(5, 0.2), (0, 0.1), (2, 0.0)])
def test_rolling_folds_that_leave_nothing_to_learn_from_are_refused(
    folds: int, share: float
) -> None:
    with pytest.raises(RecommenderError, match="leave nothing"):
        rolling(a_dataset(), folds, share)


def test_pairings_rated_around_the_cut_are_neither_learned_from_nor_tested() -> None:
    (fold,) = forward(a_dataset())

    assert 0 < len(a_dataset()) - len(fold.train) - len(fold.test) < 40


@pytest.mark.parametrize("side", ["client", "clinician"])
def test_people_left_out_are_never_learned_from(side: str) -> None:
    dataset = a_dataset()
    folds = clients_left_out(dataset) if side == "client" else clinicians_left_out(dataset)
    codes = getattr(dataset.pairs, side)

    for fold in folds:
        assert not set(codes[fold.train]) & set(codes[fold.test])
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(dataset)))


def test_a_practice_of_three_clinicians_has_three_folds_and_none_is_empty() -> None:
    dataset = dataset_of(tables_of(some_rows(clinicians=3)), a_practice())
    folds = clinicians_left_out(dataset)

    assert [fold.name for fold in folds] == ["clinicians 1", "clinicians 2", "clinicians 3"]
    assert all(len(fold.test) and len(fold.train) for fold in folds)


def test_a_practice_of_one_clinician_cannot_leave_that_one_out() -> None:
    dataset = dataset_of(tables_of(some_rows(clinicians=1)), a_practice())

    with pytest.raises(RecommenderError, match="one of the clinicians only"):
        clinicians_left_out(dataset)


def test_a_practice_whose_pairings_all_began_today_is_told_there_is_nothing_to_learn_from() -> None:
    rows = some_rows(pairings=40)
    pairings = [row | {"started_on": "2024-01-01", "ended_on": ""} for row in rows["pairings"]]
    ratings = [
        row | {"rated_on": "2024-01-15", "known_on": "2024-01-20"} for row in rows["ratings"]
    ]
    dataset = dataset_of(
        tables_of({**rows, "pairings": pairings, "ratings": ratings}), a_practice()
    )

    with pytest.raises(RecommenderError, match="no rating known before"):
        forward(dataset)


def given_folds(tmp_path: Path, text: str) -> tuple[Fold, ...]:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    return folds_from_file(a_dataset(), path)


def test_folds_of_a_file_test_what_it_names_and_learn_from_the_rest(tmp_path: Path) -> None:
    ids = a_dataset().pairing_ids
    one, other = given_folds(
        tmp_path, f"pairing_id,fold\n{ids[3]},b\n{ids[5]},a\n{ids[7]},a\nx,a\n"
    )

    assert (one.name, one.test.tolist()) == ("a", [5, 7])
    assert (other.name, other.test.tolist()) == ("b", [3])
    assert len(one.train) == len(ids) - 2
    assert 3 in one.train


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pairing_id\np0001\n", "lacks a column"),
        ("pairing_id,fold\nnobody,a\n", "names no rated pairing"),
        ("pairing_id,fold\nnobody,a\nnobody,b\n", "names a pairing twice"),
    ],
)
def test_a_file_of_folds_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(RecommenderError, match=problem):
        given_folds(tmp_path, text)


def test_pairings_of_a_file_that_do_not_exist_are_counted_and_those_meant_proposed(
    tmp_path: Path,
) -> None:
    known = a_dataset().pairing_ids.tolist()
    path = tmp_path / "folds.csv"
    path.write_text(f"pairing_id,fold\n{known[3]},b\n{known[5].upper()},a\nnobody,a\n")
    (warning,) = unknown_pairings(path, known)
    assert warning.problem == "names 2 that are not among the pairings"
    assert warning.remedy.startswith(f"did you mean {known[5]}? Otherwise")
    path.write_text(f"pairing_id,fold\n {known[3]} ,b\n{known[5]},a\n")
    assert unknown_pairings(path, known) == ()
    assert len(folds_from_file(a_dataset(), path)) == 2


def test_a_file_that_tests_everything_at_once_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{pairing},a\n" for pairing in a_dataset().pairing_ids)

    with pytest.raises(RecommenderError, match="tests all at once"):
        given_folds(tmp_path, f"pairing_id,fold\n{rows}")
