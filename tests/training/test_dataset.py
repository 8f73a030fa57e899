"""Rated pairings in one order, and labels that learn their scale from the training rows only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import TablesError
from recommender.features.pipeline import Pairs
from recommender.practice.definition import Practice, read_practice
from recommender.training.dataset import EPOCH, Dataset, dataset_of, labels_for
from tests.support.builders import (
    DEFINITION,
    Rows,
    a_dataset,
    a_practice,
    some_rows,
    some_tables,
    tables_of,
)


def two_instruments() -> Practice:
    text = DEFINITION.read_text(encoding="utf-8")
    return read_practice(
        text.replace('instruments = ["wai_sr"]', 'instruments = ["wai_sr", "wai_s"]')
    )


def rated_on_two_instruments() -> Rows:
    rows = some_rows(pairings=800)
    ratings = [
        row | {"instrument": "wai_s", "score": str(int(float(row["score"]) * 1.4))}
        if place % 2
        else row
        for place, row in enumerate(rows["ratings"])
    ]
    return {**rows, "ratings": ratings}


def test_every_rated_pairing_is_there_once_and_oldest_first() -> None:
    dataset = a_dataset()

    assert len(dataset) == len(some_rows()["ratings"]) == len(set(dataset.pairing_ids))
    assert (np.diff(dataset.started) >= 0).all()


def test_a_label_belongs_to_its_own_pairing() -> None:
    rows, dataset = some_rows(), a_dataset()
    scores = {row["pairing_id"]: float(row["score"]) / 12 for row in rows["ratings"]}
    met = {row["pairing_id"]: row for row in rows["pairings"]}
    labels = labels_for(dataset, np.arange(len(dataset)))
    client_ids = some_tables().client_ids

    for row, pairing in enumerate(dataset.pairing_ids):
        assert labels.alliance[row] == pytest.approx(scores[pairing])
        assert dataset.clinician_ids[dataset.pairs.clinician[row]] == met[pairing]["clinician_id"]
        assert client_ids[dataset.pairs.client[row]] == met[pairing]["client_id"]


def test_a_label_is_known_when_its_rating_was_known_not_when_it_was_given() -> None:
    rows, dataset = some_rows(), a_dataset()
    known = {row["pairing_id"]: row["known_on"] for row in rows["ratings"]}

    told = (EPOCH + dataset.known).astype(str)
    assert told.tolist() == [known[pairing] for pairing in dataset.pairing_ids]


def test_a_label_of_several_ratings_is_known_with_the_last() -> None:
    rows = some_rows(pairings=30)
    first = rows["ratings"][0]
    later = first | {"session": "5", "rated_on": "2024-03-01", "known_on": "2024-03-09"}
    dataset = dataset_of(tables_of({**rows, "ratings": [*rows["ratings"], later]}), a_practice())

    row = list(dataset.pairing_ids).index(first["pairing_id"])
    assert str(EPOCH + dataset.known[row]) == "2024-03-09"


def test_clients_who_left_before_rating_are_kept_apart() -> None:
    rows, dataset = some_rows(), a_dataset()

    assert len(dataset.dropouts.client) == sum(row["ended_on"] != "" for row in rows["pairings"])
    assert len(dataset.dropouts_started) == len(dataset.dropouts.client)


@pytest.mark.parametrize("change", [{"sessions": "9"}, {"sessions": ""}, {"ended_on": ""}])
def test_one_who_left_late_or_is_still_there_did_not_leave_before_rating(
    change: dict[str, str],
) -> None:
    rows = some_rows()
    changed = [row | change if row["ended_on"] else row for row in rows["pairings"]]

    assert (
        len(dataset_of(tables_of({**rows, "pairings": changed}), a_practice()).dropouts.client) == 0
    )


def test_the_order_of_rows_in_the_files_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    turned = {
        name: [rows[place] for place in rng.permutation(len(rows))]
        for name, rows in some_rows().items()
    }
    again = dataset_of(tables_of(turned), a_practice())

    assert again.digest == a_dataset().digest
    assert np.array_equal(again.pairing_ids, a_dataset().pairing_ids)
    assert np.array_equal(again.pairs.clinician, a_dataset().pairs.clinician)


def test_a_practice_without_one_early_rating_is_told_so() -> None:
    rows = some_rows(pairings=10)
    late = [row | {"session": "9"} for row in rows["ratings"]]

    with pytest.raises(TablesError, match="no rating counts as an early one"):
        dataset_of(tables_of({**rows, "ratings": late}), a_practice())


def with_scores_moved(dataset: Dataset, chosen: np.ndarray) -> Dataset:
    """The same pairings with another rating in the chosen rows."""
    rows = dataset.early.rows.copy()
    rows.loc[dataset.rated_rows(chosen), "pomp"] = 0.01
    return replace(dataset, early=replace(dataset.early, rows=rows))


def test_the_scale_of_labels_is_learned_from_training_rows_only() -> None:
    practice = two_instruments()
    dataset = dataset_of(tables_of(rated_on_two_instruments(), practice), practice)
    train, test = np.arange(450), np.arange(450, len(dataset))
    labels, moved = labels_for(dataset, train), labels_for(with_scores_moved(dataset, test), train)

    assert labels.linker.links["wai_s"].basis == "training"
    assert labels.linker == moved.linker
    assert np.array_equal(labels.alliance[train], moved.alliance[train])
    assert not np.array_equal(labels.alliance[test], moved.alliance[test])
    assert labels_for(dataset, test).linker != labels.linker


# Who left, and whom they may teach


def with_left(*left: tuple[int, int, int]) -> Dataset:
    """Four rated pairings, known on days 10, 20, 30 and 40, and some (client, clinician, ended).

    Clients 0 to 3 rated clinicians 0, 1, 1 and 2.
    """
    client, clinician, ended = (np.array(part) for part in zip(*left, strict=True))
    dataset = a_dataset()
    return replace(
        dataset,
        pairs=Pairs(np.arange(4), np.array([0, 1, 1, 2])),
        started=np.array([1, 2, 3, 4]),
        known=np.array([10, 20, 30, 40]),
        pairing_ids=dataset.pairing_ids[:4],
        dropouts=Pairs(client, clinician),
        dropouts_started=ended - 7,
        dropouts_ended=ended,
    )


@pytest.mark.parametrize(
    ("left", "learned"),
    [
        ((9, 1, 20), True),
        ((9, 1, 19), True),
        ((9, 1, 21), False),
        ((9, 2, 20), False),
        ((9, 5, 20), False),
        ((0, 1, 20), True),
        ((2, 1, 20), False),
        ((3, 0, 20), False),
    ],
    ids=[
        "ended when the last rating became known",
        "ended before",
        "ended a day later",
        "of a clinician rated only later",
        "of a clinician nobody rated",
        "of a client who is learned from",
        "of a client who is held back",
        "of a client held back with somebody else",
    ],
)
def test_who_left_teaches_only_what_was_known_of_clients_who_are_not_held_back(
    left: tuple[int, int, int], learned: bool
) -> None:
    assert with_left(left).dropouts_with(np.array([0, 1])).tolist() == ([0] if learned else [])


def test_the_last_known_day_is_that_of_the_ratings_learned_from_not_of_all() -> None:
    dataset = with_left((9, 1, 15), (8, 1, 25), (7, 1, 35))

    assert dataset.dropouts_with(np.array([1])).tolist() == [0]
    assert dataset.dropouts_with(np.array([0, 1, 2])).tolist() == [0, 1]
    assert dataset.dropouts_with(np.arange(4)).tolist() == [0, 1, 2]


def test_a_client_held_back_in_one_pairing_is_held_back_when_they_left_another() -> None:
    dataset = with_left((1, 1, 15))
    twice = replace(dataset, pairs=Pairs(np.array([0, 1, 1, 2]), np.array([0, 1, 1, 2])))

    assert dataset.dropouts_with(np.array([0, 1])).tolist() == [0]
    assert twice.dropouts_with(np.array([0, 1])).tolist() == []


def test_where_nothing_is_learned_from_nobody_left() -> None:
    assert a_dataset().dropouts_with(np.zeros(0, dtype=np.intp)).tolist() == []


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1))
def test_no_dropout_tells_of_tomorrow_of_a_stranger_or_of_a_client_held_back(
    seed: int, share: float
) -> None:
    dataset = a_dataset()
    train = np.flatnonzero(np.random.default_rng(seed).random(len(dataset)) < share)
    chosen = dataset.dropouts_with(train)
    if not len(train):
        assert not len(chosen)
        return

    held_back = set(dataset.pairs.client.tolist()) - set(dataset.pairs.client[train].tolist())
    met = set(dataset.pairs.clinician[train].tolist())
    assert (dataset.dropouts_ended[chosen] <= dataset.known[train].max()).all()
    assert not held_back & set(dataset.dropouts.client[chosen].tolist())
    assert set(dataset.dropouts.clinician[chosen].tolist()) <= met


def test_all_who_left_and_ended_in_time_are_learned_from_with_all_ratings() -> None:
    dataset = a_dataset()
    everyone = dataset.dropouts_with(np.arange(len(dataset)))

    assert np.array_equal(everyone, np.flatnonzero(dataset.dropouts_ended <= dataset.known.max()))
    assert len(everyone) > 50
