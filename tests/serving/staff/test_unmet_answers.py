"""Beside a question the form says whether those who do not meet its answer are shown."""

from functools import cache

import pytest

from recommender.practice.definition import Practice, shipped_practice
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff.views.intake_answers import modes_sent, request_values
from recommender.serving.staff.views.unmet_answers import UnmetAnswers, unmet_answers

TIMES = "mode.times_there,times_by_phone_or_video"


@cache
def practice() -> Practice:
    return shipped_practice()


def outcomes(**modes: str) -> UnmetAnswers:
    sent = FormData({f"mode.{name}": [mode] for name, mode in modes.items()})
    return unmet_answers(practice(), sent)


def said(name: str, **modes: str) -> str:
    found = outcomes(**modes).of(practice().client[name])
    return "" if found is None else f"{found.who} {found.outcome}"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("genders_wished", "Others left out"),
        ("languages_needed", "Others left out"),
        ("languages_preferred", "Others shown with a caution"),
        ("clinicians_wished", "Others shown with a caution"),
        ("no_gap_needed", "Others left out"),
        ("modalities_not_wanted", "They left out"),
        ("max_km", "In person: others left out"),
        ("jurisdiction", "Video or phone: others left out"),
        ("hours_free", "Others left out"),
        ("main_concern", "Nobody left out"),
        ("concerns", ""),
        ("home", ""),
        ("homework_wish", "Nobody left out"),
        ("phq9", ""),
        ("cnip_past", ""),
    ],
)
def test_the_rules_of_the_definition_decide_what_is_said(question: str, text: str) -> None:
    assert said(question) == text


def test_what_a_request_may_choose_is_offered_and_chosen() -> None:
    gender = outcomes(gender="soft").of(practice().client["genders_wished"])
    assert gender is not None
    assert gender.choices == (
        ("hard", "left out"),
        ("soft", "shown with a caution"),
        ("off", "shown"),
    )
    assert (gender.name, gender.given, gender.is_changed) == ("mode.gender", "soft", True)
    language = outcomes().of(practice().client["languages_needed"])
    assert language is not None
    assert language.choices == ()


def test_rules_about_one_question_are_chosen_together() -> None:
    times = outcomes().of(practice().client["hours_free"])
    assert times is not None
    assert times.name == TIMES
    body = request_values(practice(), FormData({TIMES: ["soft"]}))
    assert body["modes"] == {"times_there": "soft", "times_by_phone_or_video": "soft"}
    assert modes_sent(practice(), FormData({TIMES: [""], "mode.unknown": ["soft"]})) == {}


def test_rules_about_one_question_with_different_modes_are_chosen_apart() -> None:
    apart = [each.name for each in outcomes(times_there="soft").apart]
    assert apart == ["times_there", "times_by_phone_or_video", "regular_time", "spread"]
    assert said("hours_free", times_there="soft") == ""
    assert [each.name for each in outcomes().apart] == ["regular_time", "spread"]


def test_a_mode_that_the_definition_does_not_allow_changes_nothing() -> None:
    assert said("genders_wished", gender="nonsense") == "Others left out"
