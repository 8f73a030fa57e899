"""The client part: a client speaks once, and answers are trusted as far as they held for others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Array
from recommender.model.mixed.blocks import Ints
from recommender.training.client_part import ClientPart, ClientRatings, client_part, client_ratings
from recommender.training.folds import client_folds
from recommender.training.tree_fitting import FitSettings, TreeSettings

SMALL = TreeSettings(num_leaves=4, num_trees=40, learning_rate=0.1, min_data_in_leaf=10)
RATING = st.tuples(st.integers(0, 8), st.floats(1, 5), st.floats(0.5, 2))
SOME = st.lists(RATING, min_size=1, max_size=40)


def raters(*ratings: tuple[int, float, float]) -> ClientRatings:
    """Raters of (client, label, weight)."""
    client, label, weight = zip(*ratings, strict=True)
    return client_ratings(np.array(client, dtype=np.intp), np.array(label), np.array(weight))


# One row a client


def test_a_client_speaks_once_however_often_they_rated() -> None:
    found = raters((7, 4.0, 1.0), (2, 3.0, 1.0), (7, 5.0, 3.0))

    assert found.place.tolist() == [2, 7]
    assert found.first.tolist() == [1, 0]
    assert found.row.tolist() == [1, 0, 1]
    assert found.label == pytest.approx([3, (4 + 3 * 5) / 4])


def test_clients_with_one_rating_each_weigh_as_their_ratings_do() -> None:
    found = raters((0, 4.0, 1.0), (1, 3.0, 0.5), (2, 5.0, 2.0))

    assert found.weight.tolist() == [1.0, 0.5, 2.0]


def test_a_second_rating_adds_only_what_it_says_of_the_client_anew() -> None:
    # Means 2 and 6 of two ratings: within = 4 / 2, among = 16, n0 = 2, between = (16 - 2) / 2 = 7.
    found = raters((0, 1.0, 1.0), (0, 3.0, 1.0), (1, 5.0, 1.0), (1, 7.0, 1.0))

    theta = 7 / 2
    assert found.weight == pytest.approx([2 / (1 + 2 * theta)] * 2)


def test_where_a_client_s_ratings_differ_as_strangers_do_each_counts_in_full() -> None:
    # Means are equal, so that nothing is between clients.
    found = raters((0, 1.0, 1.0), (0, 3.0, 1.0), (1, 1.0, 1.0), (1, 3.0, 1.0))

    assert found.weight.tolist() == [2.0, 2.0]


def test_one_client_alone_is_not_compared_with_anybody() -> None:
    found = raters((3, 1.0, 1.0), (3, 3.0, 1.0))

    assert (found.label.tolist(), found.weight.tolist()) == ([2.0], [2.0])


def test_clients_who_always_say_the_same_keep_a_weight() -> None:
    found = raters((0, 4.0, 1.0), (0, 4.0, 1.0), (1, 2.0, 1.0), (1, 2.0, 1.0))

    assert np.isfinite(found.weight).all()
    assert (found.weight > 0).all()


@given(ratings=SOME)
def test_there_is_one_row_for_every_client_and_every_rating_finds_its_own(
    ratings: list[tuple[int, float, float]],
) -> None:
    found = raters(*ratings)
    client = np.array([rating[0] for rating in ratings])

    assert found.place.tolist() == sorted(set(client.tolist()))
    assert np.array_equal(found.place[found.row], client)
    assert np.array_equal(client[found.first], found.place)
    for place, number in enumerate(found.place):
        own = [label for of, label, _ in ratings if of == number]
        assert min(own) - 1e-9 <= found.label[place] <= max(own) + 1e-9


@given(ratings=SOME)
def test_a_client_never_weighs_more_than_their_ratings_together(
    ratings: list[tuple[int, float, float]],
) -> None:
    found = raters(*ratings)
    together = np.bincount(found.row, [weight for _, _, weight in ratings])

    assert (found.weight > 0).all()
    assert (found.weight <= together * (1 + 1e-12)).all()


@given(ratings=SOME, seed=st.integers(0, 100))
def test_the_order_of_ratings_changes_no_client(
    ratings: list[tuple[int, float, float]], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(ratings))
    one, other = raters(*ratings), raters(*(ratings[place] for place in order))

    assert other.label == pytest.approx(one.label)
    assert other.weight == pytest.approx(one.weight, rel=1e-6)


# What answers say


def clients(count: int = 300, effect: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    """Answers of clients and what each rates; the first answer moves it by `effect`."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 3))
    return rows, 4 + effect * np.sign(rows[:, 0]) + rng.normal(0, 0.5, count)


def part_of(rows: Array, label: Array, growth: TreeSettings = SMALL) -> tuple[ClientPart, Ints]:
    everyone = np.arange(len(rows))
    fold = client_folds(everyone, 3, 0)
    return client_part(
        rows, client_ratings(everyone, label, np.ones(len(rows))), fold, FitSettings(client=growth)
    ), fold


def test_what_answers_say_is_learned_and_mostly_trusted() -> None:
    rows, label = clients()
    part, _ = part_of(rows, label)

    assert part.share > 0.8
    assert np.corrcoef(part.expected, np.sign(rows[:, 0]))[0, 1] > 0.9


def test_answers_that_say_nothing_were_believed_and_every_client_s_level_was_chance() -> None:
    parts = [part_of(*clients(effect=0.0, seed=seed))[0] for seed in range(6)]

    assert np.mean([part.share for part in parts]) < 0.25
    # Ratings have a standard deviation of .5: a level by chance would be told as .1 and more.
    assert max(part.expected.std() for part in parts) < 0.06


def test_the_share_is_the_one_that_leaves_the_least_squared_error_of_clients_not_seen() -> None:
    rows, label = clients(effect=0.1)
    part, _ = part_of(rows, label)
    apart = (part.expected - part.mean) / part.share

    assert 0 < part.share < 1
    errors = [((label - part.mean - s * apart) ** 2).sum() for s in np.linspace(0, 1, 101)]
    assert ((label - part.expected) ** 2).sum() <= min(errors) + 1e-9


def test_a_client_s_expected_level_comes_from_trees_that_did_not_see_them() -> None:
    rows, label = clients()
    part, fold = part_of(rows, label)
    moved = label.copy()
    moved[fold == 1] = moved[fold == 1][::-1]
    again, _ = part_of(rows, moved)

    # The share is of all; the order of the fold's clients is that of trees grown on the others.
    one, other = (np.argsort(p.expected[fold == 1], kind="stable") for p in (part, again))
    assert np.array_equal(one, other)


def test_every_rating_of_a_client_has_the_same_expected_level() -> None:
    rows, label = clients()
    client = np.concatenate([np.arange(300), np.arange(50), np.arange(50)])
    several = client_ratings(
        client, np.concatenate([label, label[:50] + 1, label[:50]]), np.ones(400)
    )
    part = client_part(rows, several, client_folds(client, 3, 0), FitSettings(client=SMALL))

    assert part.expected.shape == (400,)
    assert np.array_equal(part.expected[:50], part.expected[300:350])


@pytest.mark.parametrize("columns", [0, 3])
def test_without_answers_or_with_few_clients_every_client_has_the_weighted_mean(
    columns: int,
) -> None:
    count = 2 * SMALL.min_data_in_leaf - (1 if columns else 0)
    rows, label = clients(count)
    weight = np.linspace(1, 2, count)
    ratings = client_ratings(np.arange(count), label, weight)
    part = client_part(
        rows[:, :columns], ratings, client_folds(np.arange(count), 3, 0), FitSettings(client=SMALL)
    )

    assert (part.trees, part.share) == (None, 0.0)
    assert part.mean == pytest.approx(np.average(label, weights=weight))
    assert set(part.expected.tolist()) == {part.mean}


def test_as_many_clients_as_two_leaves_need_grow_trees() -> None:
    part, _ = part_of(*clients(2 * SMALL.min_data_in_leaf))

    assert part.trees is not None


def test_clients_who_all_say_the_same_are_expected_to() -> None:
    rows, _ = clients()
    part, _ = part_of(rows, np.full(300, 4.0))

    assert part.expected == pytest.approx(np.full(300, 4.0), abs=1e-9)
