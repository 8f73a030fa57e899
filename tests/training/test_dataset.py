"""Rated pairings in one order, and labels that learn their scale from the training rows only."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import TablesError
from recommender.practice import Practice, read_practice
from recommender.training.dataset import EPOCH, Dataset, dataset_of, labels_for
from tests.builders import (
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

    assert len(dataset.left.client) == sum(row["ended_on"] != "" for row in rows["pairings"])
    assert len(dataset.left_started) == len(dataset.left.client)


@pytest.mark.parametrize("change", [{"sessions": "9"}, {"sessions": ""}, {"ended_on": ""}])
def test_one_who_left_late_or_is_still_there_did_not_leave_before_rating(
    change: dict[str, str],
) -> None:
    rows = some_rows()
    changed = [row | change if row["ended_on"] else row for row in rows["pairings"]]

    assert len(dataset_of(tables_of({**rows, "pairings": changed}), a_practice()).left.client) == 0


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

    assert labels.harmoniser.links["wai_s"].basis == "training"
    assert labels.harmoniser == moved.harmoniser
    assert np.array_equal(labels.alliance[train], moved.alliance[train])
    assert not np.array_equal(labels.alliance[test], moved.alliance[test])
    assert labels_for(dataset, test).harmoniser != labels.harmoniser
