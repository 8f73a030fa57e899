"""The whole request: nobody excluded is shown, nobody who declined gets a number."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.errors import DefinitionError, IntakeError, RecommenderError
from recommender.features.pipeline import Pairs
from recommender.practice.definition import read_practice
from recommender.recommendation.explanation import explain
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Recommendation,
    consents_to_prediction,
    read_intake,
    recommend,
)
from recommender.recommendation.shortlists import MAX_TOP_K
from recommender.recommendation.shown_explanations import ShownExplanation
from recommender.tables.roster import Roster, snapshot
from tests.support.builders import (
    DAY,
    DEFINITION,
    TAKEN_AT,
    a_model,
    a_practice,
    a_roster,
    an_encoding,
    an_intake,
)
from tests.support.strategies import CLIENT_IDS, INTAKES

SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def asked(answers: dict[str, Any], client_id: str | None = None, top_k: int = 5) -> Recommendation:
    intake = read_intake(a_practice(), answers, client_id)
    return recommend(intake, an_encoding(), a_model(), day=DAY, top_k=top_k)


def a_request(top_k: int = 5, **answers: Any) -> Recommendation:
    return recommend(an_intake(**answers), an_encoding(), a_model(), day=DAY, top_k=top_k)


def shown_ids(found: Recommendation) -> list[str]:
    return [shown.clinician_id for shown in found.shortlist]


@SLOWLY
@given(answers=INTAKES, client_id=CLIENT_IDS, top_k=st.integers(1, MAX_TOP_K))
def test_nobody_excluded_is_ever_shown(
    answers: dict[str, Any], client_id: str | None, top_k: int
) -> None:
    found = asked(answers, client_id, top_k)
    excluded = {exclusion.clinician_id for exclusion in found.exclusions}

    assert not excluded & set(shown_ids(found))
    assert len(found.shortlist) == min(top_k, found.eligible)
    assert found.eligible + len(excluded) == len(a_roster())
    assert all(exclusion.reasons for exclusion in found.exclusions)


@SLOWLY
@given(answers=INTAKES)
def test_a_client_who_does_not_agree_gets_no_number_at_all(answers: dict[str, Any]) -> None:
    found = asked(answers)

    if answers.get("agrees") is True:
        assert found.mode == "model"
    else:
        assert found.mode == CONSTRAINTS_ONLY
        for shown in found.shortlist:
            assert (shown.predicted, shown.lower, shown.upper, shown.explanation) == (None,) * 4


@SLOWLY
@given(answers=INTAKES, seed=st.integers(0, 50))
def test_the_order_of_roster_rows_changes_nothing(answers: dict[str, Any], seed: int) -> None:
    roster = a_roster()
    order = np.random.default_rng(seed).permutation(len(roster))
    ids, names = ([part[row] for row in order] for part in (roster.ids, roster.names))
    turned = snapshot(ids, names, roster.columns.take(order), TAKEN_AT)
    intake = read_intake(a_practice(), answers)

    again = recommend(intake, a_model().encode_roster(turned), a_model(), day=DAY)
    assert again.shortlist == asked(answers).shortlist
    assert again.roster_version == roster.version


@SLOWLY
@given(answers=INTAKES)
def test_a_score_does_not_depend_on_who_else_could_be_shown(answers: dict[str, Any]) -> None:
    client = read_intake(a_practice(), answers | {"agrees": True}).client
    whole = a_model().score(client, an_encoding())
    found = asked(answers | {"agrees": True})
    said = a_model().linker.to_displayed(whole.alliance)

    for shown in found.shortlist:
        assert shown.predicted == said[a_roster().ids.index(shown.clinician_id)]
        assert shown.lower is not None
        assert shown.predicted is not None
        assert shown.upper is not None
        assert shown.lower <= shown.predicted <= shown.upper


def test_the_strongest_pairing_stands_first() -> None:
    found = a_request(top_k=MAX_TOP_K)
    predicted = [shown.predicted for shown in found.shortlist]

    assert predicted == sorted(predicted, reverse=True)  # type: ignore[type-var]
    assert [shown.rank for shown in found.shortlist] == list(range(1, len(predicted) + 1))


def test_a_longer_shortlist_begins_like_a_shorter_one() -> None:
    *some, last = a_request(top_k=3).shortlist
    *begins, third = a_request(top_k=MAX_TOP_K).shortlist[:3]

    assert some == begins
    # Only whom the last of a list is ahead of is not on it.
    assert last == replace(third, ahead=None)


@pytest.mark.parametrize("top_k", [0, -1, MAX_TOP_K + 1])
def test_a_shortlist_of_no_length_or_any_length_is_refused(top_k: int) -> None:
    with pytest.raises(RecommenderError, match="top_k: is outside 1 to 50"):
        a_request(top_k=top_k)


@pytest.mark.parametrize("gender", ["woman", "man", "non_binary", ""])
def test_a_protected_attribute_is_not_even_taken(gender: str) -> None:
    with pytest.raises(IntakeError, match="gender: is not a field of this practice"):
        read_intake(a_practice(), {"gender": gender})


def test_no_column_of_a_model_is_made_from_a_field_kept_for_audits() -> None:
    names = " ".join(feature.name for feature in a_model().pipeline.features)

    assert "gender" not in names
    assert "gender" not in an_intake().client.values


def test_two_clinicians_alike_in_everything_stand_by_id() -> None:
    roster = a_roster()
    twins = roster.columns.take(np.repeat(4, 9))
    ids = tuple(f"t{place}" for place in range(9))
    alike = snapshot(ids, (None,) * 9, twins, TAKEN_AT)
    found = recommend(an_intake(), a_model().encode_roster(alike), a_model(), day=DAY, top_k=9)

    assert shown_ids(found) in ([], list(ids))
    free = replace(twins, values={**twins.values, "places": np.ones(9)})
    open_to_all = snapshot(ids, (None,) * 9, free, TAKEN_AT)
    found = recommend(
        an_intake(), a_model().encode_roster(open_to_all), a_model(), day=DAY, top_k=9
    )
    assert shown_ids(found) == list(ids)


def test_when_nobody_is_eligible_the_answer_says_why_and_shows_nobody() -> None:
    found = a_request(max_fee=0)

    assert found.shortlist == ()
    assert found.eligible == 0
    assert len(found.exclusions) == 12


def a_roster_of(*places: int) -> Roster:
    roster, rows = a_roster(), np.array(places, dtype=np.intp)
    ids = tuple(roster.ids[place] for place in places)
    return snapshot(ids, (None,) * len(places), roster.columns.take(rows), TAKEN_AT)


def test_a_practice_of_one_clinician_shows_that_one_without_a_difference() -> None:
    found = recommend(an_intake(), a_model().encode_roster(a_roster_of(3)), a_model(), day=DAY)

    assert shown_ids(found) == ["k03"]
    explanation = found.shortlist[0].explanation
    assert explanation is not None
    assert explanation.difference == 0


def test_what_a_client_may_read_of_an_explanation_waits_for_no_contributions() -> None:
    found = recommend(an_intake(), an_encoding(), a_model(), day=DAY)
    shown = [each.explanation for each in found.shortlist]
    assert found.contributions is not None
    assert found.eligible_pairs is not None
    places = found.eligible_pairs.clinician.tolist()
    ids = [an_encoding().roster.ids[place] for place in places]
    rows = np.array([ids.index(each.clinician_id) for each in found.shortlist])

    everyone, practice = found.contributions, a_model().practice
    whole = explain(practice, everyone.take(rows), everyone.average, in_detail=False)
    for each, expected in zip(shown, whole, strict=True):
        assert isinstance(each, ShownExplanation)
        assert each.asked_and_offered == expected.asked_and_offered
        assert "whole" not in vars(each.shortlist)
    for each, expected in zip(shown, whole, strict=True):
        assert each is not None
        assert (each.in_favour, each.against) == (expected.in_favour, expected.against)
        assert each.difference == pytest.approx(expected.difference, abs=1e-9)
        assert [part.group for part in each.groups] == [part.group for part in expected.groups]


def test_an_empty_roster_shows_nobody() -> None:
    for agrees in (True, False):
        encoding = a_model().encode_roster(a_roster_of())
        assert recommend(an_intake(agrees=agrees), encoding, a_model(), day=DAY).shortlist == ()


def test_answers_left_open_are_told_as_such() -> None:
    intake = read_intake(a_practice(), {"wanted": "none", "directive": ""})

    assert intake.unanswered == ("concern", "directive")


def test_no_answer_is_not_agreement() -> None:
    assert not consents_to_prediction(a_practice(), an_intake(agrees=None))
    assert not consents_to_prediction(a_practice(), an_intake(agrees=False))
    assert consents_to_prediction(a_practice(), an_intake())
    assert consents_to_prediction(replace(a_practice(), consent=None), an_intake(agrees=None))


def test_a_practice_that_asks_consent_in_a_field_for_audits_is_told_before_any_client_is() -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    before, rest = text.split("[client.gender]")
    parts = before.rsplit('use = "filter"', 1)

    with pytest.raises(DefinitionError, match=r"practice\.consent: is for audit"):
        read_practice('use = "audit"'.join(parts) + "[client.gender]" + rest)


def test_reservations_are_the_soft_constraints_not_met() -> None:
    found = a_request(free="sun 06:00-07:00", top_k=MAX_TOP_K)

    assert found.shortlist
    for shown in found.shortlist:
        assert [reason.constraint for reason in shown.reservations] == ["times"]


def test_what_is_told_stays_within_the_scale() -> None:
    model = replace(a_model(), interval=replace(a_model().interval, low=-99.0, high=99.0))
    found = recommend(an_intake(), an_encoding(), model, day=DAY)

    assert found.shortlist
    for shown in found.shortlist:
        assert (shown.lower, shown.upper) == (1.0, 5.0)


def test_the_list_is_what_scoring_the_eligible_alone_gives() -> None:
    found = a_request(top_k=MAX_TOP_K)
    eligible = np.flatnonzero(found.screening.eligible)
    pairs = Pairs(np.zeros(len(eligible), dtype=np.intp), eligible)
    scores = a_model().score(an_intake().client, an_encoding(), pairs)

    order = np.argsort(-scores.pairing, kind="stable")
    assert shown_ids(found) == [a_roster().ids[eligible[place]] for place in order]
