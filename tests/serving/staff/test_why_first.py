"""Why the first is first: true of every order, and only with reasons that support it."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Array
from recommender.recommendation.ranking import CLEAR_LEAD, EVEN_LEAD, Places, ranking_of
from recommender.serving.schemas.responses import (
    TIE_BREAK_TEXTS,
    TIE_TEXT,
    ShownClinician,
)
from recommender.serving.staff import wording
from recommender.serving.staff.views.why_first import beside
from tests.support.page_reader import ANSWERS, Reader, ask, read
from tests.support.server import RECOMMEND, TestClient, a_request
from tests.support.strategies import cases

WHY = re.compile(r"Why ([^?]{1,30}) is first: ([^.]*)\.")
CRITERIA = {
    "who has more cautions": "reservations",
    "and the order was drawn by lot": "lot",
    "and a slightly higher predicted alliance decides": "alliance",
    "and nothing but their ids decides": "id",
}


def shown(place: int, **told: Any) -> ShownClinician:
    return ShownClinician(
        rank=place + 1,
        clinician_id=f"k{place}",
        name=f"Clinician {place}",
        predicted_alliance=4.0,
        range=None,
        reasons=(),
        reservations=(),
        **told,
    )


@given(cases().filter(lambda case: len(case[0]) > 1), st.booleans())
def test_the_sentence_names_what_decided_between_the_first_and_the_second(
    case: tuple[Array, Array, Places], drawn: bool
) -> None:
    pairing, leads, reservations = case
    places = np.arange(len(pairing))
    ranking = ranking_of(places, pairing, leads, reservations, lots=places if drawn else None)
    by, lead = ranking.broken_by[1], float(ranking.leads[0, 1])
    tie_text = None if by is None else TIE_TEXT + TIE_BREAK_TEXTS[by]
    first = shown(0, tie=int(ranking.ties[0]), ahead_of_next=lead)
    second = shown(1, tie=int(ranking.ties[1]), tie_text=tie_text)
    text = beside(first, second, ", who has fewer hours")
    assert "Clinician 1" in text
    if by is None:
        # The next tie has an order of its own: its first need not be the one who is clearly led.
        ahead = wording.small(wording.ahead(lead, "Clinician 1"))
        assert text == f"{ahead}, who has fewer hours"
        assert lead < CLEAR_LEAD or text.startswith(("clearly ahead", "almost certainly ahead"))
    elif by == "alliance" and lead >= EVEN_LEAD:
        assert text == "a little ahead of Clinician 1, who has fewer hours; too close to call"
    else:
        even, decided = text.split(", ") if "who" in text else text.split(" Clinician 1, ")
        assert even.startswith("about even with")
        assert CRITERIA[decided] == by


ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"answer.wanted": []},
    {"answer.wanted": ["emdr"], "answer.directive": "-4"},
    {"answer.concern": "grief", "answer.directive": ""},
)


@pytest.mark.parametrize("answers", ASKED)
def test_every_reason_on_the_page_lowers_the_prediction_of_the_second(
    open_server: TestClient, answers: dict[str, Any]
) -> None:
    page = ask(open_server, **answers)
    name, why = one_reason(page.text)
    fitting = re.findall(r'name="compare" value="(\w+)">([^<]+)<', page.text)
    (_, first), (second_id, second), *_ = fitting
    assert name == first
    table = read(open_server, f"{page.url.path}?why_not={second_id}").text
    _, has_reasons, reasons = why.partition(f"{second}, who ")
    if has_reasons and "cautions" not in reasons:
        for each in re.split(r", | and ", reasons.partition(";")[0]):
            assert re.search(rf"{re.escape(each)}: {wording.MINUS}\d\.\d\d lower", table), each


def one_reason(text: str) -> tuple[str, str]:
    found = WHY.search(re.sub(r"\s+", " ", Reader(text).text))
    assert found is not None
    return found[1], found[2]


def test_without_consent_no_prediction_is_named(open_server: TestClient) -> None:
    _, why = one_reason(ask(open_server, **{**ANSWERS, "answer.agrees": "no"}).text)
    assert why.startswith("without consent to a personalised order, by")
    assert "ahead" not in why


def test_the_only_one_who_fits_is_compared_with_nobody(open_server: TestClient) -> None:
    fitting = open_server.post(RECOMMEND, json=a_request(top_k=50)).json()["shortlist"]
    others = [each["clinician_id"] for each in fitting[1:]]
    name, why = one_reason(ask(open_server, **{"answer.not_with": others}).text)
    assert (name, why) == (fitting[0]["name"], "nobody else fits")
