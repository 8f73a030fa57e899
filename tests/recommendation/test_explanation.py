"""Why: parts that sum to the difference, comparisons that turn round, words without causes."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.pipeline import Pairs
from recommender.recommendation.explanation import MIN_POINTS, Explanation, explain
from tests.support.builders import a_model, a_practice, a_roster, an_encoding, an_intake, compare

EVERYONE = np.arange(12)
PLACE = st.integers(0, 11)
CAUSAL = re.compile(r"because|will |cause|improve|guarantee|best|ideal|success", re.IGNORECASE)


def why(*shown: int, eligible: tuple[int, ...] = tuple(range(12))) -> tuple[Explanation, ...]:
    pairs = Pairs(np.zeros(len(eligible), dtype=np.intp), np.array(eligible))
    parts = a_model().contributions(an_intake().client, an_encoding(), pairs)
    return explain(a_practice(), parts.take(np.searchsorted(eligible, shown)), parts.average)


def sums(explanation: Explanation) -> list[float]:
    return [group.points for group in explanation.groups]


def test_groups_sum_to_the_difference_from_the_average_eligible_clinician() -> None:
    eligible = (1, 2, 4, 7, 8)
    alliance = a_model().score(an_intake().client, an_encoding()).alliance
    average = alliance[list(eligible)].mean()

    for place, found in zip((8, 1), why(8, 1, eligible=eligible), strict=True):
        assert found.difference == pytest.approx(alliance[place] - average, abs=1e-9)
        assert sum(sums(found)) == pytest.approx(found.difference, abs=1e-9)
        for group in found.groups:
            assert sum(part.points for part in group.parts) == pytest.approx(group.points, abs=1e-9)


def test_differences_of_all_eligible_cancel() -> None:
    assert sum(found.difference for found in why(*EVERYONE)) == pytest.approx(0, abs=1e-9)


def test_what_the_client_alone_says_cancels() -> None:
    client = a_model().score(an_intake().client, an_encoding()).client
    told = [found.difference for found in why(*EVERYONE)]

    assert abs(client[0]) > 1
    assert max(told) < 1


def test_an_explanation_does_not_depend_on_who_else_is_shown() -> None:
    assert why(3)[0] == why(9, 3, 5)[1]


def test_one_who_is_not_eligible_can_be_compared_with_one_who_is() -> None:
    alliance = a_model().score(an_intake().client, an_encoding()).alliance
    found = compare(a_model(), 9, 1)

    assert found.difference == pytest.approx(alliance[9] - alliance[1], abs=1e-9)


def test_nobody_shown_needs_no_explanation() -> None:
    assert why() == ()


@given(one=PLACE, other=PLACE)
def test_a_comparison_turned_round_turns_every_sign(one: int, other: int) -> None:
    forth, back = compare(a_model(), one, other), compare(a_model(), other, one)

    assert forth.difference == -back.difference
    assert sums(forth) == [-points for points in sums(back)]
    assert forth.in_favour == back.against
    assert forth.against == back.in_favour


@given(one=PLACE, other=PLACE)
def test_a_comparison_is_the_difference_of_both_predictions(one: int, other: int) -> None:
    alliance = a_model().score(an_intake().client, an_encoding()).alliance
    found = compare(a_model(), one, other)

    assert found.difference == pytest.approx(alliance[one] - alliance[other], abs=1e-9)
    assert sum(sums(found)) == pytest.approx(found.difference, abs=1e-9)


def test_every_feature_belongs_to_exactly_one_group_of_the_definition() -> None:
    for feature in a_model().pipeline.features:
        assert feature.group in a_practice().groups


def test_words_are_the_phrases_of_the_definition_and_claim_no_cause() -> None:
    features = a_model().pipeline.features
    for_, against = ({getattr(f, name) for f in features} for name in ("phrase", "otherwise"))
    for found in why(*EVERYONE):
        assert {*found.in_favour, *found.asked_and_offered} <= for_
        assert set(found.against) <= against
        told = (*found.in_favour, *found.against, *found.asked_and_offered)
        assert not any(CAUSAL.search(phrase) for phrase in told)


def test_what_is_told_as_offered_was_asked_for_and_is_offered() -> None:
    roster = a_roster()
    cbt = roster.columns["offers"][:, 1] == 1

    for place, found in enumerate(why(*EVERYONE)):
        assert ("offers the kind of therapy asked for" in found.asked_and_offered) == cbt[place]


def test_a_client_who_asked_for_nothing_is_told_of_nothing_asked_for() -> None:
    client = an_intake(wanted=None).client
    parts = a_model().contributions(client, an_encoding(), Pairs.of_one(12))
    told = explain(a_practice(), parts, parts.average)

    assert all(found.asked_and_offered == () for found in told)


def test_a_therapy_the_clinician_lacks_is_never_said_in_their_favour() -> None:
    roster = a_roster()
    for place, found in enumerate(why(*EVERYONE)):
        offered = roster.columns["offers"][place]
        for tag, level in enumerate(("act", "cbt", "emdr")):
            if not offered[tag]:
                assert f"offers: {level}" not in (*found.in_favour, *found.against)


def test_what_is_too_small_to_notice_is_not_said() -> None:
    for found in why(*EVERYONE):
        parts = {p.phrase: p.points for group in found.groups for p in group.parts}
        assert all(parts[phrase] >= MIN_POINTS for phrase in found.in_favour)
        assert len(found.in_favour) <= 3
        assert len(found.against) <= 3
