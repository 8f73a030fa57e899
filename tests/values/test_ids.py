"""Ids: identity is exact, and a near miss is proposed, never taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.values.ids import (
    MAX_SUGGESTIONS,
    canonical_id,
    id_problem,
    may_be_shown,
    near_key,
    near_misses,
)

IDS = st.text(alphabet="aAbB019._-", min_size=1, max_size=6)


@given(st.text(max_size=12))
def test_the_canonical_form_of_a_canonical_form_is_itself(text: str) -> None:
    once = canonical_id(text)
    assert canonical_id(once) == once
    assert canonical_id(f" \u00a0{text}\t") == once


@given(st.lists(IDS, max_size=8), st.lists(IDS, unique=True, max_size=8))
def test_nobody_is_proposed_for_an_id_that_exists(texts: list[str], ids: list[str]) -> None:
    names = [each.swapcase() for each in ids]
    found = near_misses(texts, ids, names)
    assert found.keys().isdisjoint(ids)
    for text, meant in found.items():
        assert text in texts
        assert 1 <= len(meant) <= MAX_SUGGESTIONS
        assert set(meant) <= set(ids)


@given(IDS, st.lists(IDS, unique=True, max_size=8))
def test_whatever_differs_in_nothing_but_its_writing_is_proposed(text: str, ids: list[str]) -> None:
    near = [each for each in sorted(ids) if near_key(each) == near_key(text)]
    expected = {} if text in ids or not near else {text: tuple(near[:MAX_SUGGESTIONS])}
    assert near_misses([text], ids) == expected


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5", "005"),
        ("5.0", "005"),
        ("K-7", "k07"),
        ("k_07", "k07"),
        ("TwoSites", "twosites"),
        ("Two sites", "twosites"),
        ("Wattle", "k07"),
        ("a. wattle", "k07"),
    ],
)
def test_each_way_to_miss_an_id_finds_the_person_meant(text: str, meant: str) -> None:
    ids, names = ["005", "k07", "twosites"], [None, "A. Wattle", None]
    assert near_misses([text], ids, names) == {text: (meant,)}


def test_two_people_whose_ids_differ_in_zeros_stay_two_people() -> None:
    assert near_misses(["5", "005"], ["5", "005"]) == {}
    assert near_misses(["05"], ["5", "005"]) == {"05": ("005", "5")}


@pytest.mark.parametrize("text", ["51", "5.01", "50", "k", "A."])
def test_what_names_another_number_or_an_initial_is_no_near_miss(text: str) -> None:
    assert near_misses([text], ["5", "501", "500"], ["A. Wattle", None, None]) == {}


def test_a_clinician_called_none_could_never_be_blocked_so_the_id_is_refused() -> None:
    assert id_problem("None") is not None
    assert id_problem("nonesuch") is None


def test_a_word_that_may_be_a_persons_name_is_repeated_only_as_the_id_it_nearly_is() -> None:
    assert may_be_shown("TwoSites", ["twosites"])
    assert may_be_shown("k5", [])
    assert not may_be_shown("Wattle", ["k07"])
    assert not may_be_shown("0412345678", [])
