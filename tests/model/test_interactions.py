"""Products of numbers: worked by hand, alike alone and among others, none where nobody asked."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Array, client_features, clinician_features
from recommender.features.pipeline import Rows
from recommender.model.interactions import (
    COMPONENTS,
    LEVELS,
    NUMBERS,
    Interactions,
    MultipliedColumns,
    Standardizer,
    fit_interactions,
    most_directions,
    multiplied_columns,
)
from recommender.practice.definition import Practice, read_practice, shipped_practice
from tests.support.builders import DEFINITION, a_dataset, a_model, a_practice, an_encoding

HEAD = """
[practice]
id = "numbers"
version = "1"
title = "Numbers"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["wai_sr"]
reference = "wai_sr"
early_sessions = [2, 5]
[groups]
style = "How you like to work together"
"""
FIELD = """
[{side}.n{place}]
kind = "number"
unit = "points"
phrase = "number {place}"
purpose = "to be multiplied"
missing = "not asked"
use = "score"
group = "style"
"""


@cache
def a_practice_of_numbers(client: int, clinician: int) -> Practice:
    """A practice that asks for nothing but so many numbers of each side."""
    asked = (("client", client), ("clinician", clinician))
    fields = [FIELD.format(side=side, place=p) for side, count in asked for p in range(count)]
    return read_practice(HEAD + "".join(fields))


def rows_of(client: Array, clinician: Array) -> Rows:
    nothing = np.zeros((len(client), 0))
    return Rows(client, clinician, nothing, nothing, nothing)


def drawn_rows(client: int, clinician: int, size: int = 60, seed: int = 0) -> Rows:
    """Numbers that go together, one in twelve of them not answered."""
    rng = np.random.default_rng(seed)
    parts = []
    for width in (client, clinician):
        values = rng.normal(size=(size, 3)) @ rng.normal(size=(3, width))
        values = 5 + 3 * values + rng.normal(size=(size, width))
        values[rng.random(values.shape) < 1 / 12] = np.nan
        parts.append(values)
    return rows_of(*parts)


def learned(rows: Rows) -> Interactions:
    found = fit_interactions(
        a_practice_of_numbers(rows.client.shape[1], rows.clinician.shape[1]), rows
    )
    return found[NUMBERS]


def two_by_two() -> Interactions:
    """Numbers as they are: the client's in columns 1 and 3, the clinician's in 0 and 2."""
    sides = (
        MultipliedColumns(np.array(places), Standardizer(np.zeros(2), np.ones(2)), np.eye(2))
        for places in ((1, 3), (0, 2))
    )
    return Interactions(*sides)


# Worked by hand


def test_every_number_of_the_client_meets_every_number_of_the_clinician() -> None:
    rows = rows_of(np.array([[9.0, 2, 9, 3]]), np.array([[5.0, 1, 7]]))

    assert two_by_two().width == 4
    assert two_by_two().columns(rows).tolist() == [[2 * 5, 2 * 7, 3 * 5, 3 * 7]]


def test_what_a_product_adds_stands_with_the_clinician_s_column_and_no_other() -> None:
    rows = rows_of(np.array([[9.0, 2, 9, 3]]), np.array([[5.0, 1, 7]]))
    parts = two_by_two().parts(rows, np.array([0.1, 0.2, 0.3, 0.4]))

    assert parts == pytest.approx(
        np.array([[5 * (2 * 0.1 + 3 * 0.3), 0, 7 * (2 * 0.2 + 3 * 0.4)]]), abs=1e-15
    )


def test_numbers_are_taken_from_the_average_in_standard_deviations() -> None:
    # Client 1, 3: average 2, spread 1. Clinician 10, 30: average 20, spread 10.
    rows = rows_of(np.array([[1.0], [3.0], [1.0]]), np.array([[10.0], [30.0], [30.0]]))
    found = fit_interactions(
        a_practice_of_numbers(1, 1), rows_of(rows.client[:2], rows.clinician[:2])
    )
    products = found[NUMBERS]

    assert products.columns(rows).tolist() == [[(-1) * (-1)], [1 * 1], [(-1) * 1]]


def test_the_clinician_s_side_is_not_swapped_with_the_client_s() -> None:
    products = learned(drawn_rows(3, 2))

    assert products.width == 6
    assert (len(products.client.places), len(products.clinician.places)) == (3, 2)


# Additive


@given(
    client=st.integers(1, 16),
    clinician=st.integers(1, 16),
    seed=st.integers(0, 1000),
)
def test_parts_sum_to_the_products_times_their_coefficients(
    client: int, clinician: int, seed: int
) -> None:
    rows = drawn_rows(client, clinician, size=20, seed=seed)
    products = learned(rows)
    coefficients = np.random.default_rng(seed).normal(0, 0.1, products.width)

    whole = products.columns(rows) @ coefficients
    assert products.parts(rows, coefficients).sum(axis=1) == pytest.approx(whole, abs=1e-12)


def test_coefficients_of_nothing_add_nothing() -> None:
    rows = drawn_rows(3, 14)
    products = learned(rows)

    assert not products.parts(rows, np.zeros(products.width)).any()


@pytest.mark.parametrize("side", ["client", "clinician"])
def test_a_missing_answer_is_the_average_answer(side: str) -> None:
    rows = drawn_rows(3, 2)
    products = learned(rows)
    numbers: MultipliedColumns = getattr(products, side)
    told = {"client": rows.client, "clinician": rows.clinician}
    unknown, average = (
        rows_of(**(told | {side: np.tile(cells, (60, 1))}))
        for cells in (np.full_like(numbers.scale.mean, np.nan), numbers.scale.mean)
    )

    assert not products.columns(unknown).any()
    assert np.array_equal(products.columns(unknown), products.columns(average))


def test_one_missing_answer_silences_its_own_products_and_no_other() -> None:
    rows = drawn_rows(3, 2)
    products = learned(rows)
    client = rows.client.copy()
    client[:, 1] = np.nan
    before, after = (products.columns(rows_of(c, rows.clinician)) for c in (rows.client, client))

    assert not after[:, 2:4].any()
    assert np.array_equal(after[:, [0, 1, 4, 5]], before[:, [0, 1, 4, 5]])


# Alike alone and among others


@pytest.mark.parametrize(
    ("client", "clinician"), [(1, 1), (3, 2), (7, 1), (1, 16), (9, 2), (14, 15)]
)
def test_a_pairing_has_to_the_last_bit_the_parts_it_has_among_others(
    client: int, clinician: int
) -> None:
    rows = drawn_rows(client, clinician)
    products = learned(rows)
    coefficients = np.random.default_rng(1).normal(size=products.width)
    among = products.parts(rows, coefficients)

    for row in range(len(among)):
        for others in ([row], [row, 3], [7, row, 7]):
            some = products.parts(rows.take(np.array(others)), coefficients)
            assert np.array_equal(some[others.index(row)], among[row])


def test_the_only_clinician_left_scored_otherwise_than_in_the_whole_roster() -> None:
    rows = drawn_rows(9, 1)
    products = learned(rows)
    coefficients = np.random.default_rng(1).normal(size=products.width)
    among = products.parts(rows, coefficients)

    alone = [products.parts(rows.take(np.array([row])), coefficients)[0] for row in range(60)]
    assert np.array_equal(np.stack(alone), among)


def test_a_client_with_nobody_to_compare_was_answered_with_an_error() -> None:
    products = learned(drawn_rows(3, 2))
    nobody = rows_of(np.zeros((0, 3)), np.zeros((0, 2)))

    assert products.parts(nobody, np.ones(6)).shape == (0, 2)
    assert products.columns(nobody).shape == (0, 6)


# Many numbers


def test_few_numbers_are_multiplied_as_they_are() -> None:
    products = learned(drawn_rows(COMPONENTS[NUMBERS], 2))

    assert np.array_equal(products.client.basis, np.eye(COMPONENTS[NUMBERS]))


def test_many_numbers_are_multiplied_in_as_many_directions_as_are_kept() -> None:
    products = learned(drawn_rows(COMPONENTS[NUMBERS] + 5, 14))

    assert products.client.basis.shape == (COMPONENTS[NUMBERS] + 5, COMPONENTS[NUMBERS])
    assert products.width == COMPONENTS[NUMBERS] ** 2
    for side in (products.client, products.clinician):
        assert side.basis.T @ side.basis == pytest.approx(np.eye(COMPONENTS[NUMBERS]), abs=1e-12)


def test_the_directions_kept_are_those_in_which_people_differ_most() -> None:
    rows = drawn_rows(16, 1, size=200)
    side = learned(rows).client
    scaled = side.scaled(rows.client)
    _, lengths, directions = np.linalg.svd(scaled)

    # Each kept direction holds as much as the same one of a singular value decomposition.
    assert np.linalg.norm(scaled @ side.basis, axis=0) == pytest.approx(
        lengths[: COMPONENTS[NUMBERS]]
    )
    along = np.abs((directions[: COMPONENTS[NUMBERS]] * side.basis.T).sum(axis=1))
    assert along == pytest.approx(np.ones(COMPONENTS[NUMBERS]), abs=1e-9)


@given(seed=st.integers(0, 200))
def test_the_order_of_people_does_not_turn_a_direction_round(seed: int) -> None:
    rows = drawn_rows(15, 1, seed=seed)
    order = np.random.default_rng(seed).permutation(60)
    one, other = learned(rows).client.basis, learned(rows.take(order)).client.basis

    assert other == pytest.approx(one, abs=1e-6)
    assert (one[np.abs(one).argmax(axis=0), np.arange(COMPONENTS[NUMBERS])] > 0).all()


def test_numbers_that_nobody_gave_still_make_products_of_nothing() -> None:
    rows = rows_of(np.full((30, 15), np.nan), drawn_rows(1, 2, size=30).clinician)

    assert not learned(rows).columns(rows).any()


# Levels


def test_levels_are_multiplied_with_levels_and_never_with_numbers() -> None:
    practice, dataset = a_practice(), a_dataset()
    rows, _ = a_model().rows(dataset.clients, an_encoding(), dataset.pairs)
    products = fit_interactions(practice, rows)[LEVELS]

    for side, features in (("client", client_features), ("clinician", clinician_features)):
        names = [feature.name for feature in features(practice)]
        places = getattr(products, side).places
        assert [names[place] for place in places] == [name for name in names if "=" in name]
        assert getattr(products, side).basis.shape[1] <= COMPONENTS[LEVELS]
    assert not set(products.clinician.places) & set(
        fit_interactions(practice, rows)[NUMBERS].clinician.places
    )


@pytest.mark.parametrize(("rows", "directions"), [(1, 1), (300, 8), (1_000, 15), (100_000, 24)])
def test_there_are_several_rows_for_each_product_of_levels(rows: int, directions: int) -> None:
    assert most_directions(rows) == directions
    assert directions**2 <= max(rows / 4, 1)


# Which columns are numbers


def test_levels_and_tags_are_not_numbers_and_keep_their_places() -> None:
    practice = a_practice()
    for side, features in (("client", client_features), ("clinician", clinician_features)):
        names = [feature.name for feature in features(practice)]
        places = multiplied_columns(practice.fields(side, "score").values(), NUMBERS)  # type: ignore[arg-type]
        assert [names[p] for p in places] == [name for name in names if "=" not in name]


def test_the_numbers_of_the_shipped_practice_are_found_among_its_features() -> None:
    practice = shipped_practice()
    for side, features in (("client", client_features), ("clinician", clinician_features)):
        names = [feature.name for feature in features(practice)]
        places = multiplied_columns(practice.fields(side, "score").values(), NUMBERS)  # type: ignore[arg-type]
        assert [names[p] for p in places] == [name for name in names if "=" not in name]
        assert len(places) > 0


@pytest.mark.parametrize(
    "numbers", [["[client.directive]"], ["[clinician.guides]", "[clinician.years]"]]
)
def test_a_practice_without_numbers_on_one_side_has_no_products(numbers: list[str]) -> None:
    head, *sections = DEFINITION.read_text(encoding="utf-8").split("\n[")
    silent = [
        section.replace('use = "score"\n', 'use = "filter"\n').replace('group = "style"\n', "")
        if f"[{section.split(']')[0]}]" in numbers
        else section
        for section in sections
    ]
    practice = read_practice("\n[".join([head, *silent]))
    dataset = a_dataset()
    rows, _ = a_model().rows(dataset.clients, an_encoding(), dataset.pairs)

    assert set(fit_interactions(practice, rows)) == {LEVELS}
    assert set(fit_interactions(a_practice(), rows)) == {NUMBERS, LEVELS}


# On disk


@pytest.mark.parametrize("numbers", [(2, 3), (15, 13)])
def test_products_are_read_back_to_the_last_bit(numbers: tuple[int, int]) -> None:
    rows = drawn_rows(*numbers)
    products = learned(rows)
    again = Interactions.from_arrays(products.to_arrays())
    coefficients = np.random.default_rng(1).normal(size=products.width)

    assert again.parts(rows, coefficients).tobytes() == products.parts(rows, coefficients).tobytes()
    assert again.columns(rows).tobytes() == products.columns(rows).tobytes()
    assert again.width == products.width
