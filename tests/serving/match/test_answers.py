"""How what clients write and tick is read, and what they read where it is not."""

import pytest

from recommender.practice.day_parts import ticked_parts, windows_of
from recommender.practice.definition import shipped_practice
from recommender.practice.matching_page import USUAL_DAY_PARTS
from recommender.serving.http.submitted_form import FormData
from recommender.serving.match.answers import (
    UnreadableError,
    earlier_answers,
    read_answer,
)

PRACTICE = shipped_practice()
PAGE = PRACTICE.matching_page


def read(name: str, *texts: str) -> object:
    assert PAGE is not None
    return read_answer(PRACTICE.client[name], FormData({f"answer.{name}": list(texts)}), PAGE)


@pytest.mark.parametrize(
    ("name", "texts", "answer"),
    [
        ("age_years", ["34"], 34.0),
        ("age_years", ["34 years"], 34.0),
        ("max_gap", ["$1,120.50"], 1120.5),
        ("referral_held", ["no"], False),
        ("home", ["Newtown"], [{"postcode": "2042"}]),
        ("home", ["surry  hills; 2042"], [{"postcode": "2010"}, {"postcode": "2042"}]),
        ("modes_wanted", ["video", "phone", "video"], ["video", "phone"]),
        ("age_years", [""], None),
        ("modes_wanted", [], None),
        ("hours_free", ["tue-1"], [{"day": "tue", "start": "12:00", "end": "17:00"}]),
    ],
)
def test_an_answer_is_read_as_people_write_it(name: str, texts: list[str], answer: object) -> None:
    assert read(name, *texts) == answer


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("age_years", "many", "Write a number from 0 to 120"),
        ("home", "Newtwon", "Did you mean Newtown?"),
        ("home", "9999", "We do not know this suburb or postcode"),
    ],
)
def test_what_cannot_be_read_is_said_in_plain_words(name: str, text: str, said: str) -> None:
    with pytest.raises(UnreadableError, match=said) as refused:
        read(name, text)
    assert text not in str(refused.value)


def test_ticked_parts_that_meet_are_one_window_and_back() -> None:
    ticked = ["wed-2", "mon-0", "mon-1", "wed-0"]
    windows = windows_of(USUAL_DAY_PARTS, ticked)
    assert [(each["day"], each["start"], each["end"]) for each in windows] == [
        ("mon", "08:00", "17:00"),
        ("wed", "08:00", "12:00"),
        ("wed", "17:00", "20:00"),
    ]
    back = {f"{day}-{number}" for day, number in ticked_parts(USUAL_DAY_PARTS, windows)}
    assert back == set(ticked)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000])
def test_answers_that_are_not_sound_are_no_answers(text: str) -> None:
    assert earlier_answers(FormData({"answers": [text]})) == {}
