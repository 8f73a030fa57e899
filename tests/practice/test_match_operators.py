import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.practice.comparisons import EARTH_KM, haversine_km
from recommender.practice.match_operators import OPERATORS, aligned
from tests.support.definitions import a_field

Array = NDArray[np.float64]
NAN = float("nan")
TAGS = {"cbt": [0, 1, 0], "act_emdr": [1, 0, 1], "none": [0, 0, 0], "unknown": [NAN] * 3}
PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180)).map(np.array)


def compute(operator: str, client: Any, clinician: Any) -> list[float]:
    """One field on each side, one row each unless several are given."""
    sides = ([np.array(side, dtype=float)] for side in (client, clinician))
    return list(OPERATORS[operator].compute(*sides))


def profile(operator: str, client: Sequence[float], clinician: Sequence[float]) -> float:
    sides = ([np.array([value]) for value in side] for side in (client, clinician))
    return float(OPERATORS[operator].compute(*sides)[0])


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_overlap_is_the_share_of_the_wishes_that_is_met() -> None:
    theirs = list(TAGS.values())
    same(compute("overlap", [TAGS["act_emdr"]], theirs), [0 / 2, 2 / 2, 0 / 2, NAN])
    same(compute("overlap", [[1, 1, 1]], theirs), [1 / 3, 2 / 3, 0 / 3, NAN])
    same(compute("overlap", [TAGS["none"]], theirs), [NAN] * 4)
    same(compute("overlap", [TAGS["unknown"]], theirs), [NAN] * 4)


def test_contains_asks_for_one_level_among_the_tags() -> None:
    theirs = list(TAGS.values())
    same(compute("contains", [2], theirs), [0, 1, 0, NAN])
    same(compute("contains", [NAN], theirs), [NAN] * 4)


def test_equal_is_the_same_level() -> None:
    same(compute("equal", [1], [0, 1, 2, NAN]), [0, 1, 0, NAN])
    same(compute("equal", [NAN], [0, NAN]), [NAN, NAN])


def test_a_wish_is_met_by_any_level_wished_and_empty_where_none_was() -> None:
    same(compute("wish", [[1, 0, 1]], [0, 1, 2, NAN]), [1, 0, 1, NAN])
    same(compute("wish", [TAGS["none"]], [0, NAN]), [NAN, NAN])
    same(compute("wish", [TAGS["unknown"]], [0, NAN]), [NAN, NAN])


def test_sizes_are_compared_by_fractions_of_their_range() -> None:
    c, t = [3 / 4], [1 / 4, 3 / 4, 1, NAN]
    same(compute("difference", c, t), [2 / 4, 0, -1 / 4, NAN])
    same(compute("distance", c, t), [2 / 4, 0, 1 / 4, NAN])
    same(compute("product", c, t), [1 / 2 * -1 / 2, 1 / 2 * 1 / 2, 1 / 2 * 1, NAN])
    same(compute("stress", c, t), [1 / 2 * 2 / 4, 0, 1 / 2 * 1 / 4, NAN])
    same(compute("stress", [1 / 2], [0, 1]), [0, 0])
    same(compute("stress", [0], [1]), [1])


def test_excess_counts_only_what_is_above() -> None:
    same(compute("excess", [200], [180, 200, 250, NAN]), [0, 0, 50, NAN])
    same(compute("excess", [NAN], [180]), [NAN])


def test_kilometres_are_those_between_the_nearest_places() -> None:
    quarter = EARTH_KM * math.pi / 2
    pole, equator = [[90.0, 0.0]], [[0.0, 0.0]]
    same(compute("kilometres", [equator], [pole, equator]), [quarter, 0])
    two = [[90.0, 0.0], [1.0, 0.0]]
    same(compute("kilometres", [[*equator, [NAN, NAN]]], [two]), [EARTH_KM * math.pi / 180])
    same(compute("kilometres", [equator], [[[NAN, NAN]]]), [NAN])


def test_sydney_and_melbourne_are_713_km_apart() -> None:
    sydney, melbourne = np.array([-33.8688, 151.2093]), np.array([-37.8136, 144.9631])
    assert haversine_km(sydney, melbourne) == pytest.approx(713.4, abs=0.5)


def test_hours_shared_are_those_of_the_week_that_suit_both() -> None:
    free = [[0, 540, 660], [2, 600, 720]]  # Monday 9 to 11, Wednesday 10 to 12
    theirs = [
        [[0, 600, 720], [2, 0, 1440]],  # an hour on Monday, two on Wednesday
        [[1, 540, 660], [NAN] * 3],  # Tuesday only
        [[0, 0, 0], [NAN] * 3],  # asked, and none
        [[NAN] * 3, [NAN] * 3],  # not known
    ]
    same(compute("hours_shared", [free], theirs), [1 + 2, 0, 0, NAN])
    same(compute("hours_shared", [[[NAN] * 3]], theirs), [NAN] * 4)


def test_profiles_are_compared_over_what_both_answered() -> None:
    client, clinician = [0, 1 / 2, 1, NAN], [1, 1 / 2, NAN, 0]
    same(profile("profile_distance", client, clinician), math.sqrt((1**2 + 0**2) / 2))
    same(profile("profile_product", client, clinician), (-1 * 1 + 0 * 0) / 2)
    same(profile("profile_correlation", [0, 1 / 2, 1], [0, 1 / 4, 1 / 2]), 1)
    same(profile("profile_correlation", [0, 1 / 2, 1], [1, 1 / 2, 0]), -1)
    # Deviations -1/2, 0, 1/2 and -1/3, 2/3, -1/3: the mean of their products is 0.
    same(profile("profile_correlation", [0, 1 / 2, 1], [0, 1, 0]), 0)
    for operator in ("profile_distance", "profile_product", "profile_correlation"):
        same(profile(operator, [NAN, 1], [1, NAN]), NAN)


@given(level=st.floats(0, 1), varied=st.lists(st.floats(0, 1), min_size=3, max_size=8))
def test_a_client_with_one_wish_on_every_scale_is_no_longer_matched_on_rounding(
    level: float, varied: list[float]
) -> None:
    assert math.isnan(profile("profile_correlation", [level] * len(varied), varied))
    assert math.isnan(profile("profile_correlation", varied, [level] * len(varied)))


# Names meet names.

NAMES = ("act", "cbt", "emdr", "schema")


@given(
    ours=st.permutations(NAMES),
    theirs=st.permutations(NAMES),
    wished=st.lists(st.sampled_from(NAMES), unique=True, min_size=1),
    offered=st.lists(st.sampled_from(NAMES), unique=True),
)
def test_levels_are_compared_by_name_in_whatever_order_they_are_declared(
    ours: list[str], theirs: list[str], wished: list[str], offered: list[str]
) -> None:
    def encoded(field: Any, value: Any) -> Array:
        return np.asarray(field.behaviour.encode(field, [value]), dtype=np.float64)

    tags_of, level_of = (a_field(kind=kind, levels=ours) for kind in ("tags", "category"))
    tags_at, level_at = (a_field(kind=kind, levels=theirs) for kind in ("tags", "category"))
    tags = aligned(tags_of, encoded(tags_of, wished), tags_at, ())
    level = aligned(level_of, encoded(level_of, wished[0]), level_at, ())
    offers = [encoded(tags_at, offered)]
    share = len(set(wished) & set(offered)) / len(wished)
    same(OPERATORS["overlap"].compute([tags], offers)[0], share)
    same(OPERATORS["contains"].compute([level], offers)[0], float(wished[0] in offered))
    for name in NAMES:
        one = [encoded(level_at, name)]
        assert OPERATORS["wish"].compute([tags], one)[0] == (name in wished)
        assert OPERATORS["equal"].compute([level], one)[0] == (name == wished[0])


def test_a_level_that_states_no_wish_is_not_counted() -> None:
    ours = a_field(kind="tags", levels=["any", "b", "a"])
    level = a_field(kind="category", levels=["any", "b", "a"])
    theirs = a_field(kind="tags", levels=["a", "b"])
    wishes = np.array([[1.0, 1, 0], [1, 0, 0], [NAN] * 3])
    same(aligned(ours, wishes, theirs, ("any",)).tolist(), [[0, 1], [0, 0], [NAN, NAN]])
    same(aligned(level, np.array([0.0, 1, 2, NAN]), theirs, ("any",)).tolist(), [NAN, 1, 0, NAN])


def test_a_level_that_the_clinician_s_field_lacks_is_a_wish_that_nobody_meets() -> None:
    level = a_field(kind="category", levels=["a", "z"])
    tags = a_field(kind="tags", levels=["z", "a", "y"])
    theirs = a_field(kind="category", levels=["b", "a"])
    held = [np.array([0.0, 1.0, NAN])]

    answers = aligned(level, np.array([1.0]), theirs, ())
    same(OPERATORS["equal"].compute([answers], held).tolist(), [0, 0, NAN])
    wishes = aligned(tags, np.array([[1.0, 0, 1]]), theirs, ())
    same(OPERATORS["wish"].compute([wishes], held).tolist(), [0, 0, NAN])
    wishes = aligned(tags, np.array([[1.0, 1, 0]]), theirs, ())
    same(OPERATORS["wish"].compute([wishes], held).tolist(), [0, 1, NAN])


def test_the_same_level_counts_as_much_as_it_matters() -> None:
    held = [np.array([1.0, 0.0])]
    for weight, met in ((0.0, 0.0), (0.25, 0.25), (1.0, 1.0)):
        found = OPERATORS["equal_weighted"].compute([np.array([1.0]), np.array([weight])], held)
        assert found.tolist() == [met, 0.0]


# Properties over every operator.

ROWS = 5


def columns(kind: str, rng: np.random.Generator, rows: int) -> Array:
    """Random arrays of a kind with a third of the rows missing, and rows answered with nothing."""
    if kind == "tags":
        made = rng.integers(0, 2, (rows, 3)).astype(float)
    elif kind == "category":
        made = rng.integers(0, 3, rows).astype(float)
    elif kind == "place":
        made = rng.uniform(-1, 1, (rows, 2, 2)) * [90, 180]
        made[rng.random(rows) < 0.5, 1] = NAN
    elif kind == "weekly_hours":
        start = rng.integers(0, 1000, (rows, 3))
        length = rng.integers(0, 400, (rows, 3))
        made = np.stack([rng.integers(0, 7, (rows, 3)), start, start + length], -1).astype(float)
        made[rng.random(rows) < 0.5, 1:] = NAN
    else:
        made = rng.random(rows)
    made[rng.random(rows) < 1 / 3] = NAN
    return made


def sides(name: str, rng: np.random.Generator, ours: int, theirs: int) -> Any:
    operator = OPERATORS[name]
    kinds = [
        next(k for k in ("tags", "category", "place", "weekly_hours", "number") if k in accepted)
        for accepted in (operator.client, operator.clinician)
    ]
    fields = int(rng.integers(1, 12)) if operator.several else 1
    one, other = (
        [columns(kind, rng, rows) for _ in range(fields)]
        for kind, rows in zip(kinds, (ours, theirs), strict=True)
    )
    return one + [columns("number", rng, ours) for _ in operator.weight][:1], other


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([0, 1, 2, 7, 33]))
def test_one_client_for_all_is_exactly_that_client_repeated(
    name: str, seed: int, rows: int
) -> None:
    one, theirs = sides(name, np.random.default_rng(seed), 1, rows)
    compute_all = OPERATORS[name].compute
    repeated = [np.repeat(values, rows, axis=0) for values in one]
    together = np.broadcast_to(compute_all(one, theirs), (rows,))
    np.testing.assert_array_equal(together, compute_all(repeated, theirs))
    for row in range(rows):
        alone = compute_all(one, [values[row : row + 1] for values in theirs])
        np.testing.assert_array_equal(together[row : row + 1], alone)


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_a_comparison_stays_in_its_range_and_changes_nothing_it_reads(name: str, seed: int) -> None:
    ours, theirs = sides(name, np.random.default_rng(seed), ROWS, ROWS)
    before = [values.copy() for values in (*ours, *theirs)]
    found = OPERATORS[name].compute(ours, theirs)
    known = found[~np.isnan(found)]
    low, high = RANGES[name]
    assert found.shape == (ROWS,)
    assert ((known >= low - 1e-12) & (known <= high + 1e-12)).all()
    for values, kept in zip((*ours, *theirs), before, strict=True):
        np.testing.assert_array_equal(values, kept)


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_what_either_side_did_not_answer_is_missing_and_never_zero(name: str, seed: int) -> None:
    ours, theirs = sides(name, np.random.default_rng(seed), ROWS, ROWS)
    unknown = [np.full_like(values, NAN) for values in ours]
    assert np.isnan(OPERATORS[name].compute(unknown, theirs)).all()
    unknown = [np.full_like(values, NAN) for values in theirs]
    assert np.isnan(OPERATORS[name].compute(ours, unknown)).all()


RANGES = {
    "overlap": (0, 1),
    "contains": (0, 1),
    "equal": (0, 1),
    "equal_weighted": (0, 1),
    "wish": (0, 1),
    "difference": (-1, 1),
    "distance": (0, 1),
    "product": (-1, 1),
    "stress": (0, 1),
    "excess": (0, 1),
    "kilometres": (0, EARTH_KM * math.pi),
    "hours_shared": (0, 3 * 3 * 400 / 60),
    "profile_distance": (0, 1),
    "profile_product": (-1, 1),
    "profile_correlation": (-1, 1),
}


def test_every_operator_says_what_it_means_and_has_a_range() -> None:
    assert set(RANGES) == set(OPERATORS)
    for name, operator in OPERATORS.items():
        assert operator.name == name
        assert operator.meaning
        assert not (operator.named and operator.ranged)


@given(one=PLACES, other=PLACES, third=PLACES)
def test_distances_on_the_globe_are_distances(one: Array, other: Array, third: Array) -> None:
    there, back = haversine_km(one, other), haversine_km(other, one)
    assert there == back
    assert haversine_km(one, one) == 0
    assert there <= haversine_km(one, third) + haversine_km(third, other) + 1e-6


@given(seed=st.integers(0, 2**32))
def test_places_and_hours_are_shared_alike_from_both_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (columns("place", rng, ROWS) for _ in range(2))
    np.testing.assert_array_equal(
        OPERATORS["kilometres"].compute([one], [other]),
        OPERATORS["kilometres"].compute([other], [one]),
    )
    one, other = (columns("weekly_hours", rng, ROWS) for _ in range(2))
    share = OPERATORS["hours_shared"].compute
    np.testing.assert_array_equal(share([one], [other]), share([other], [one]))
